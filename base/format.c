/* SPDX-License-Identifier: Apache-2.0 */
#include "base/format.h"

const char *file_format(struct span content)
{
    static const struct {
        const char *begins;
        size_t n;
        const char *name;
    } formats[] = {
        { "\x1f\x8b", 2, "a gzip file (unpack it first: gzip -dc)" },
        { "\x28\xb5\x2f\xfd", 4, "a zstd file (unpack it first: zstd -dc)" },
        { "\xfd" "7zXZ\0", 6, "an xz file (unpack it first: xz -dc)" },
        { "BZh", 3, "a bzip2 file (unpack it first: bzip2 -dc)" },
        { "PK\3\4", 4, "a zip file or spreadsheet (unpack it, or save it as CSV)" },
        { "PAR1", 4, "a Parquet file (turn it into CSV or JSON Lines)" },
        { "SQLite format 3\0", 16, "an SQLite database" },
        { "\x7f" "ELF", 4, "a program" },
        { "%PDF-", 5, "a PDF" },
        { "\xff\xfe", 2, "UTF-16 text (save it as UTF-8)" },
        { "\xfe\xff", 2, "UTF-16 text (save it as UTF-8)" },
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (content.len >= formats[i].n && memcmp(content.at, formats[i].begins, formats[i].n) == 0)
            return formats[i].name;
    return NULL;
}
