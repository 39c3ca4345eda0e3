/* SPDX-License-Identifier: Apache-2.0
 *
 * openai: the two shapes of one family, each ready to meet the other's JSON. Private to proxy/api. */
#ifndef PROXY_API_OPENAI_H
#define PROXY_API_OPENAI_H
#include "proxy/api/paths.h"
#include "proxy/api/read.h"

void openai_usage(struct transcript *t, struct jv usage);
bool openai_event(struct transcript *t, struct span name, struct span data);
void openai_answer(struct transcript *t, struct span content_type, struct span body);
void openai_request(struct transcript *t, struct span path, struct span content_type, struct span body);

/* Is this the Responses API's? */
bool responses_is(struct jv root, struct span name);
void responses_said_event(struct transcript *t, struct span name, struct jv root);
void responses_said_whole(struct transcript *t, struct jv root);
#endif
