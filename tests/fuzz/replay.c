/* SPDX-License-Identifier: Apache-2.0
 * main for a fuzz target outside libFuzzer: runs it once over each file named. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        if (!f) {
            perror(argv[i]);
            return 2;
        }
        uint8_t *bytes = malloc(1 << 20);
        size_t n = bytes ? fread(bytes, 1, 1 << 20, f) : 0;
        uint8_t *exact = malloc(n ? n : 1); /* so that ASan sees one byte too far */
        if (!bytes || !exact)
            return 2;
        for (size_t k = 0; k < n; k++)
            exact[k] = bytes[k];
        LLVMFuzzerTestOneInput(exact, n);
        free(exact);
        free(bytes);
        fclose(f);
    }
    return argc > 1 ? 0 : 2;
}
