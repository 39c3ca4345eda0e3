/* SPDX-License-Identifier: Apache-2.0
 *
 * train refusal|injection DATA_DIR OUT.bin: trains a text model on all sources and writes its file. It is calibrated on
 * sources that were left out, so that 0.5 means 0.5 on texts it has not seen. The same data give the same file.
 */
#include "tools/texts.h"

int main(int argc, char **argv)
{
    int which = 0;
    while (argc == 4 && which < MODELS && strcmp(argv[1], model_names[which]))
        which++;
    if (argc != 4 || which == MODELS) {
        fprintf(stderr, "usage: train refusal|injection DATA_DIR OUT.bin\n");
        return 2;
    }
    struct arena *a = arena_new((size_t)8 << 30);
    struct texts t = { .a = a };
    if (!texts_read(&t, (enum model)which, argv[2]))
        return 2;
    texts_prepare(&t);
    struct learn_settings s = texts_settings((enum model)which);
    struct judgements j;
    texts_leave_out(&t, s, &j);
    struct learned *m = learn(a, t.examples, t.n, s, UINT32_MAX, UINT32_MAX);
    texts_calibrate(&t, &j, m);
    char about[LINEAR_HEADER];
    snprintf(about, sizeof about, "%s: %zu texts, %u sources, seed %u", model_names[which], t.n, t.ngroups, s.seed);
    struct span file = learned_file(a, m, about);
    FILE *out = fopen(argv[3], "wb");
    if (!out || fwrite(file.at, 1, file.len, out) != file.len || fclose(out)) {
        perror(argv[3]);
        return 2;
    }
    printf("%s: %zu bytes; %s; calibration %.3f, %.3f\n", argv[3], file.len, about, (double)m->slope, (double)m->shift);
    arena_free(a);
    return 0;
}
