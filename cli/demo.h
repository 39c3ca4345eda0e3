/* SPDX-License-Identifier: Apache-2.0
 *
 * demo: a small model server and sample traffic, so that a newcomer sees vigie at work within a minute. Nothing in vigie knows
 * them: the model is an upstream like any other, the traffic goes through the proxy's port like any client's.
 */
#ifndef CLI_DEMO_H
#define CLI_DEMO_H
#include "base/buf.h"

/* ---- the model: OpenAI chat, Anthropic messages (whole and streamed) and KServe v2, on a thread of its own ---- */
struct demo_model;
/* Listens on 127.0.0.1, any free port. NULL: it cannot. */
struct demo_model *demo_model_start(void);
unsigned demo_model_port(const struct demo_model *m);
void demo_model_stop(struct demo_model *m);

/* ---- what the model says (cli/demo_words.c) ---- */
/* The answer to a question; `random` makes keys and numbers differ. Always says something. */
void demo_answer(struct span question, uint64_t random, struct buf *answer);
/* A credit score in [0, 1]. */
double demo_score(double income, double debt_ratio, double age, double months_employed);

enum demo_kind { DEMO_ORDINARY, DEMO_SHIFTED, DEMO_REFUSAL, DEMO_OUT_OF_SCOPE, DEMO_FIGURE, DEMO_KEY, DEMO_INJECTION, DEMO_PROMISE, DEMO_PII, DEMO_KINDS };
/* A question of this kind (and the tool result it goes with, else empty), written into the two buffers. */
void demo_question(enum demo_kind kind, uint64_t random, struct buf *question, struct buf *tool_result);

/* ---- the traffic: on a thread of its own ---- */
struct demo_traffic;
/* Calls http://127.0.0.1:port/openai, /anthropic and /scoring; per_second in the first 90 s, a tenth of that afterwards. */
struct demo_traffic *demo_traffic_start(unsigned port, unsigned per_second);
void demo_traffic_stop(struct demo_traffic *t);
#endif
