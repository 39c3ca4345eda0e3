/* SPDX-License-Identifier: Apache-2.0
 *
 * transcript: an exchange's meaning, whatever the API. The API's reader (proxy/api) or the offline form (cli/scan) fills
 * it; checks and rules read it; nobody else knows a provider's JSON.
 *
 * An exchange has two sides: the PROMPT (everything the model reads: instructions, all turns, context documents, tool
 * results, tool descriptions, tool calls of earlier turns) and the ANSWER (everything the model writes, per choice:
 * text, reasoning, refusals, tool calls). Each side is a list of parts in the order in which the model reads or writes
 * them. A part's text is the decoded text a person would read, contiguous; findings point into it by byte.
 * For classic models there are features and predictions beside the (then mostly empty) parts.
 *
 * Owner: the exchange's arena. An answer's parts grow while a stream runs: their text pointers may move between events,
 * their content before the old length never changes.
 */
#ifndef CHECKS_TRANSCRIPT_H
#define CHECKS_TRANSCRIPT_H
#include "base/arena.h"

enum side { ON_PROMPT = 1, ON_ANSWER = 2 };

enum role { ROLE_INSTRUCTIONS, ROLE_USER, ROLE_ASSISTANT, ROLE_TOOL, ROLE_CONTEXT, ROLES };
enum part_kind {
    PART_TEXT,
    PART_DOCUMENT,    /* context given for the answer: retrieved documents, `context` of the offline form */
    PART_TOOL_RESULT,
    PART_TOOL_CALL,   /* name: the tool; text: its arguments as JSON text */
    PART_TOOL_SPEC,   /* name: the tool; text: its description and schema as they came */
    PART_REASONING,
    PART_REFUSAL,     /* a refusal that the API itself marks as one */
    PART_OTHER,       /* any other string that a model may read (unknown part types, file names, …) */
};
extern const char *const role_names[ROLES];          /* "instructions" … */
extern const char *const part_kind_names[PART_OTHER + 1];

struct fold; /* checks/text/fold.h */
struct words;/* checks/text/words.h */
struct api_state; /* proxy/api/read.h */
struct api_paths; /* proxy/api/json.h */

struct part {
    enum role role;
    enum part_kind kind;
    uint32_t turn;       /* index of the message in the conversation; the last user turn has the highest of its role */
    uint32_t choice;     /* answers: which choice or candidate */
    uint32_t channel;    /* answers: tells apart parts of one choice and kind (tool call index, content block index) */
    struct span name;    /* tool name, document title; else empty */
    struct span text;
    size_t room;         /* answers under way: bytes allocated behind text.at; private to transcript_say */
    /* Caches, filled on first use by checks/text; dropped when the text grows. */
    struct fold *folded, *folded_plain;
    struct words *words;
    uint64_t hash[2];    /* checks/text/quiet.h */
    bool is_hashed;
};

enum usage_origin { USAGE_ABSENT, USAGE_REPORTED, USAGE_ESTIMATED };
struct usage {
    enum usage_origin origin;
    uint64_t input, output;           /* input includes cache reads and writes, whatever the API reports */
    uint64_t cache_read, cache_write, reasoning;
};

enum feature_type { FEATURE_MISSING, FEATURE_NUMBER, FEATURE_CATEGORY };
struct feature {
    struct span name;
    enum feature_type type;
    double number;        /* NaN allowed */
    struct span category;
};
/* One row of a classic model's input or output. */
struct row {
    struct feature *features;
    size_t n, cap;
};
enum { TRANSCRIPT_ROWS_MOST = 256, ROW_FEATURES_MOST = 1024 };

enum reading {
    READING_NONE,     /* not looked at yet, or nothing to read */
    READING_WHOLE,
    READING_UNREAD,   /* could not be read, or only partly: unread_why says so */
};

struct finish {
    uint32_t choice;
    struct span reason;   /* as the API spells it: stop, length, tool_use, content_filter, SAFETY … */
};

struct transcript {
    struct arena *arena;
    const char *api;      /* "openai-chat" …; "plain" offline */
    struct span model;    /* asked for */
    struct span answer_model; /* said by the answer, if any */
    bool is_stream;       /* asked for as a stream */
    enum reading prompt_reading, answer_reading;
    const char *unread_why;

    struct part *prompt;
    size_t nprompt, prompt_cap;
    struct part *answer;
    size_t nanswer, answer_cap;
    struct finish *finishes;
    size_t nfinishes, finishes_cap;
    struct usage usage;
    bool is_refused_by_provider;  /* stop_reason refusal, content_filter, SAFETY, a refusal field …: certain */
    bool is_answer_whole;         /* the API's own end mark was seen */
    bool is_error;                /* the answer is an error's body: its texts are all PART_OTHER, since no model said them */

    struct row *inputs, *outputs; /* classic models; at most TRANSCRIPT_ROWS_MOST kept */
    size_t ninputs, inputs_cap, noutputs, outputs_cap;
    size_t rows_dropped;

    struct span request_json;     /* the request body, when it is JSON: for `field` conditions; else empty */
    const struct api_paths *paths; /* private to proxy/api: of a reader made by a user */
    struct api_state *reader;     /* private to proxy/api: scratch memory and which text the current event carried */
};

struct transcript *transcript_new(struct arena *a, const char *api);
/* Adds a part to the prompt; texts are not copied and must live as long as the arena. Empty texts are added too. */
struct part *transcript_ask(struct transcript *t, enum role role, enum part_kind kind, uint32_t turn, struct span name, struct span text);
/* Appends text to the answer part of this choice, kind and channel, making it if need be; text is copied. name is set
 * when given and not yet known. Returns the part's index. */
size_t transcript_say(struct transcript *t, uint32_t choice, enum part_kind kind, uint32_t channel, struct span name, struct span text);
void transcript_finish(struct transcript *t, uint32_t choice, struct span reason);
struct row *transcript_input_row(struct transcript *t);  /* NULL: enough rows kept (counted in rows_dropped) */
struct row *transcript_output_row(struct transcript *t);
void row_number(struct transcript *t, struct row *r, struct span name, double number);
void row_category(struct transcript *t, struct row *r, struct span name, struct span category);
void row_missing(struct transcript *t, struct row *r, struct span name);

static inline const struct part *transcript_parts(const struct transcript *t, enum side on, size_t *n)
{
    *n = on == ON_PROMPT ? t->nprompt : t->nanswer;
    return on == ON_PROMPT ? t->prompt : t->answer;
}
/* The last user text of the prompt, or NULL. */
const struct part *transcript_question(const struct transcript *t);
#endif
