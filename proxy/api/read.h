/* SPDX-License-Identifier: Apache-2.0
 *
 * read: what the readers of proxy/api share. Private to this folder.
 *
 * Prompts of all LLM APIs are read by one walk over the JSON (prompt.c): each value is visited exactly once, so nothing
 * can be missed and nothing counts twice; what a key means (a role's text, a tool's arguments, a document) decides
 * the kind of the part, and a string under a key nobody knows becomes PART_OTHER. Answers differ too much: each API
 * reads its own deltas with say() and leaves the rest to say_unknown().
 */
#ifndef PROXY_API_READ_H
#define PROXY_API_READ_H
#include "proxy/api/api.h"

/* Of one exchange; behind transcript.reader. */
struct api_state {
    struct arena *scratch;     /* for an event's tape; rewound after each event */
    struct touch *touches;     /* since the reader's last feed */
    uint32_t ntouches, touches_cap, first_touch; /* first_touch: of the event being read */
    size_t said, said_most;    /* bytes of answer text, and how many are kept */

};
enum { ANSWER_PARTS_MOST = 1024, PROMPT_PARTS_MOST = 200000, BASE64_LEAST = 64 };

struct api_state *api_state(struct transcript *t);
void prompt_unread(struct transcript *t, const char *why);
void answer_unread(struct transcript *t, const char *why);

/* ---- What a key means, whoever the provider is. ---- */
enum key {
    KEY_OTHER,
    KEY_TOKEN,     /* enum-like: skipped when its value is a short word, else PART_OTHER */
    KEY_BLOB,      /* signatures, padding: skipped when its value has no blanks */
    KEY_ROLE, KEY_TYPE, KEY_NAME, KEY_TITLE,
    KEY_TEXT, KEY_MESSAGES, KEY_MESSAGE, KEY_SYSTEM, KEY_INPUT, KEY_PROMPT, KEY_OUTPUT,
    KEY_THINKING, KEY_REFUSAL, KEY_CALLS, KEY_RESULT, KEY_FUNCTION, KEY_ARGUMENTS,
    KEY_DOCUMENTS, KEY_DATA, KEY_TOOLS, KEY_DECLARATIONS, KEY_SCHEMA, KEY_THOUGHT
};
enum key key_of(struct jv key);
/* jv_text_is, without the call where the first letter tells (a key's closing quote stands behind it, so there is one to look at). */
static inline bool key_is(struct jv key, const char *word)
{
    const struct json_node *x = jv_type(key) == JSON_STRING ? jv_node(key) : NULL;
    return x && (x->escaped || key.doc->source.at[x->start] == word[0]) && jv_text_is(key, word);
}
/* A short word of an enumeration, an identifier: nothing a person could have hidden a sentence in. */
bool is_token(struct span s);

/* ---- Prompts (prompt.c, body.c) ---- */
/* Reads a request body of any kind: JSON, several JSONs, forms, text. Sets prompt_reading, request_json, model, is_stream. */
/* Returns the root of the (first) JSON, none when there is none. */
struct jv read_prompt(struct transcript *t, struct span content_type, struct span body);
/* A member of a request under a key that means nothing to the walk. */
void read_prompt_other(struct transcript *t, struct jv key, struct jv v);
/* The same without its key, and the key alone where it is a sentence. */
void read_prompt_value(struct transcript *t, struct jv key, struct jv v);
void read_prompt_key(struct transcript *t, struct jv key);
/* A request by a user's paths (json.c): t->paths. */
void json_ask(struct transcript *t, struct jv root);
/* Every part of one JSON value, as a request. */
void read_prompt_json(struct transcript *t, struct jv root);
/* multipart/form-data and urlencoded fields; false: not a form. */
bool read_form(struct transcript *t, struct span content_type, struct span body);
/* `type/subtype` in front of any parameters. */
struct span essence(struct span content_type);
/* Base64 (either alphabet, blanks allowed) whose bytes are text: decoded into *out. */
enum base64_kind { BASE64_NOT, BASE64_TEXT, BASE64_BINARY };
enum base64_kind base64_text(struct arena *a, struct span s, struct span *out);
size_t base64_decode(struct span s, char *out); /* out holds s.len / 4 * 3 + 3; SIZE_MAX: not base64 */
/* `data:` URL: true if it is one; *out is its text when it holds text, else empty. */
bool data_url(struct arena *a, struct span s, struct span *out);
/* Plain text as a body: UTF-8 without control characters. */
bool is_plain_text(struct span s);

/* ---- Answers (say.c) ---- */
/* Adds text to the answer part of this choice, kind and channel, and notes the touch. */
void say(struct transcript *t, uint32_t choice, enum part_kind kind, uint32_t channel, struct span name, struct span text);
/* The string v, decoded; nothing when v is not a string. Returns whether it was one. */
bool say_string(struct transcript *t, uint32_t choice, enum part_kind kind, uint32_t channel, struct span name, struct jv v);
/* An event repeats (or first brings) the whole text of a part: touches it all, adds what was not said yet. */
void say_again(struct transcript *t, uint32_t choice, enum part_kind kind, uint32_t channel, struct span name, struct span full);
void say_fresh(struct transcript *t, enum part_kind kind, struct span name, struct span text);
/* Every string in v that no reader knows, as PART_OTHER; key: v's own key. DELTA: strings at one path are pieces of one text. AGAIN: whole
 * ones that may have been said before. FRESH: each a part of its own. */
enum saying { SAY_DELTA, SAY_AGAIN, SAY_FRESH };
void say_unknown(struct transcript *t, uint32_t choice, struct jv key, struct jv v, enum saying how);
/* say_unknown for each member of object whose key is not among known (a list ending in NULL). */
void say_rest(struct transcript *t, uint32_t choice, struct jv object, const char *const *known, bool again);
void finish(struct transcript *t, uint32_t choice, struct jv reason);
/* A number at any of the names, 0 when absent; sets *seen when there. */
uint64_t count_of(struct jv object, const char *name, bool *seen);
uint32_t index_of(struct jv object, const char *name, uint32_t otherwise);
/* An event's data as JSON in scratch: false: not JSON (said). Call event_done after. */
bool event_json(struct transcript *t, struct json *doc, struct span data, struct arena_mark *mark);
void event_done(struct transcript *t, struct arena_mark mark);
/* Reads a whole JSON answer into the exchange's arena; when it is a row of JSON values or lines, each goes to event() . */
bool answer_json(struct transcript *t, struct json *doc, struct span body, bool (*event)(struct transcript *, struct span, struct span));
/* Answers of any other kind: text becomes one part. */
void answer_text(struct transcript *t, struct span content_type, struct span body);

/* ---- Refusals (refuse.c) ---- */
void refuse_openai(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value);
bool refuse_openai_stream(struct buf *out, enum framing f, const struct refusal *r);
void refuse_anthropic(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value);
bool refuse_anthropic_stream(struct buf *out, enum framing f, const struct refusal *r);
void refuse_text(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value);   /* {"error":"text"} */
bool refuse_text_stream(struct buf *out, enum framing f, const struct refusal *r);
void refuse_aws(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value); /* bedrock.c */
void json_text_member(struct buf *out, const char *before, const char *text, const char *after);

/* ---- Readers that others lend (anthropic.c): Bedrock carries Anthropic's own shape. ---- */
void anthropic_answer(struct transcript *t, struct span content_type, struct span body);
bool anthropic_event(struct transcript *t, struct span name, struct span data);

/* ---- TGI's answers (tgi.c), which SageMaker's endpoints give as well. ---- */
bool tgi_event(struct transcript *t, struct span name, struct span data);
void tgi_said(struct transcript *t, struct jv root);

/* ---- Any body whatever (raw.c) ---- */
bool raw_event(struct transcript *t, struct span name, struct span data);
void raw_answer(struct transcript *t, struct span content_type, struct span body);
void raw_refuse(struct buf *out, const struct refusal *r, const char **content_type, struct span *name, struct span *value);
bool raw_refuse_stream(struct buf *out, enum framing f, const struct refusal *r);

/* ---- Classic models (rows.c) ---- */
/* One row: an object's members, a list's items as base_0 …, or a plain value under base. */
void row_of_value(struct transcript *t, bool is_input, struct jv v, const char *base);
/* instances, dataframe_records … : one row an item; objects, arrays and scalars as features. */
void rows_of_items(struct transcript *t, bool is_input, struct jv items, struct jv columns, const char *base);
/* Comma-separated values; names: the first row's, or base_0 …. */
void rows_of_csv(struct transcript *t, bool is_input, struct span body, bool has_names, const char *base);
/* {"name": [values …], …}: one row an index. */
void rows_of_columns(struct transcript *t, bool is_input, struct jv columns);

/* ---- AWS event streams (aws.c) ---- */
enum { AWS_FRAME_MOST = 16 * 1024 * 1024 };
struct aws_frame {
    struct span event_type;  /* :event-type, or :exception-type */
    struct span payload;
    size_t size;
};
/* A frame at the start of s: 1 whole, 0 more bytes needed, -1 not a frame. */
int aws_frame_read(struct span s, struct aws_frame *f);
bool aws_frame_add_exception(struct buf *out, const char *type, struct span payload);

/* ---- Content codings (coding.c) ---- */
struct coding;
enum { CODINGS_MOST = 4 };
typedef bool coding_sink(void *to, struct span decoded);  /* false: enough, stop */
/* NULL and *why: unknown coding or too many. Freed with the arena. "" and identity: NULL with *why NULL. */
struct coding *coding_new(struct arena *a, struct span encoding, const char **why);
/* false: broken, or the sink said stop; *why says (NULL when the sink stopped). */
bool coding_feed(struct coding *c, struct span raw, coding_sink *sink, void *to, const char **why);
bool coding_is_complete(const struct coding *c);
#endif
