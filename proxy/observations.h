/* SPDX-License-Identifier: Apache-2.0
 *
 * observations: what the drift watch wants to know of each exchange, on its way from a worker to the control thread.
 * A bounded ring with one producer and one consumer; when it is full the observation is dropped and counted.
 */
#ifndef PROXY_OBSERVATIONS_H
#define PROXY_OBSERVATIONS_H
#include "checks/transcript.h"
#include "store/record.h"

enum { OBSERVATIONS_ROOM = 1024, OBSERVED_TEXT = 1024 };
struct observed {                    /* heap; freed by the consumer with observed_free */
    struct arena *arena;             /* owns what follows */
    struct span route;
    char id[RECORD_ID_BYTES + 1];
    int64_t at_us;
    struct span prompt, answer;      /* at most OBSERVED_TEXT bytes, whole characters */
    bool is_refused, is_flagged, is_blocked;
    uint64_t latency_us, output_tokens;
    struct row *inputs, *outputs;
    size_t ninputs, noutputs;
};
struct observations;
struct observations *observations_new(void);
void observations_free(struct observations *o);
bool observations_put(struct observations *o, struct observed *x);  /* producer; false: full */
struct observed *observations_take(struct observations *o);         /* consumer; NULL: none */
void observed_free(struct observed *x);
#endif
