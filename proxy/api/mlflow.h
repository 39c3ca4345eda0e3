/* SPDX-License-Identifier: Apache-2.0
 *
 * mlflow: what other readers of served models lend from it. Private to proxy/api. */
#ifndef PROXY_API_MLFLOW_H
#define PROXY_API_MLFLOW_H
#include "proxy/api/openai.h"

/* Rows of inputs in a request's JSON. */
void mlflow_inputs(struct transcript *t, struct jv root);
void mlflow_request(struct transcript *t, struct span path, struct span content_type, struct span body);
/* Predictions; or what a language model behind the same door says: OpenAI's shape, Anthropic's, TGI's. */
void mlflow_answer(struct transcript *t, struct span content_type, struct span body);
bool mlflow_event(struct transcript *t, struct span name, struct span data);
#endif
