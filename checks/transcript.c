/* SPDX-License-Identifier: Apache-2.0 */
#include "checks/transcript.h"

const char *const role_names[ROLES] = { "instructions", "user", "assistant", "tool", "context" };
const char *const part_kind_names[PART_OTHER + 1] = { "text", "document", "tool_result", "tool_call", "tool_spec", "reasoning", "refusal", "other" };

struct transcript *transcript_new(struct arena *a, const char *api)
{
    struct transcript *t = arena_alloc(a, sizeof *t);
    t->arena = a;
    t->api = api;
    return t;
}
struct part *transcript_ask(struct transcript *t, enum role role, enum part_kind kind, uint32_t turn, struct span name, struct span text)
{
    struct part *p = ARENA_PUSH(t->arena, t->prompt, t->nprompt, t->prompt_cap);
    *p = (struct part){ .role = role, .kind = kind, .turn = turn, .name = name, .text = text };
    return p;
}
size_t transcript_say(struct transcript *t, uint32_t choice, enum part_kind kind, uint32_t channel, struct span name, struct span text)
{
    size_t i = t->nanswer;
    while (i > 0 && !(t->answer[i - 1].choice == choice && t->answer[i - 1].kind == kind && t->answer[i - 1].channel == channel))
        i--;
    if (i == 0) {
        struct part *fresh = ARENA_PUSH(t->arena, t->answer, t->nanswer, t->answer_cap);
        *fresh = (struct part){ .role = ROLE_ASSISTANT, .kind = kind, .choice = choice, .channel = channel };
        i = t->nanswer;
    }
    struct part *p = &t->answer[i - 1];
    if (name.len && !p->name.len)
        p->name = arena_copy(t->arena, name);
    if (text.len) {
        if (p->room - p->text.len < text.len) {
            size_t room = p->room ? p->room * 2 : 256;
            while (room < p->text.len + text.len)
                room *= 2;
            p->text.at = arena_grow(t->arena, (void *)(uintptr_t)p->text.at, p->room, room);
            p->room = room;
        }
        memcpy((char *)(uintptr_t)p->text.at + p->text.len, text.at, text.len);
        p->text.len += text.len;
        p->folded = p->folded_plain = NULL;
        p->words = NULL;
    }
    return i - 1;
}
void transcript_finish(struct transcript *t, uint32_t choice, struct span reason)
{
    if (!reason.len)
        return;
    *ARENA_PUSH(t->arena, t->finishes, t->nfinishes, t->finishes_cap) = (struct finish){ choice, arena_copy(t->arena, reason) };
}

static struct row *row_new(struct transcript *t, struct row **rows, size_t *n, size_t *cap)
{
    if (*n == TRANSCRIPT_ROWS_MOST) {
        t->rows_dropped++;
        return NULL;
    }
    struct row *r = ARENA_PUSH(t->arena, *rows, *n, *cap);
    *r = (struct row){ 0 };
    return r;
}
struct row *transcript_input_row(struct transcript *t)
{
    return row_new(t, &t->inputs, &t->ninputs, &t->inputs_cap);
}
struct row *transcript_output_row(struct transcript *t)
{
    return row_new(t, &t->outputs, &t->noutputs, &t->outputs_cap);
}
static void row_add(struct transcript *t, struct row *r, struct feature f)
{
    if (r && r->n < ROW_FEATURES_MOST)
        *ARENA_PUSH(t->arena, r->features, r->n, r->cap) = f;
}
void row_number(struct transcript *t, struct row *r, struct span name, double number)
{
    row_add(t, r, (struct feature){ .name = name, .type = FEATURE_NUMBER, .number = number });
}
void row_category(struct transcript *t, struct row *r, struct span name, struct span category)
{
    row_add(t, r, (struct feature){ .name = name, .type = FEATURE_CATEGORY, .category = category });
}
void row_missing(struct transcript *t, struct row *r, struct span name)
{
    row_add(t, r, (struct feature){ .name = name, .type = FEATURE_MISSING });
}
const struct part *transcript_question(const struct transcript *t)
{
    for (size_t i = t->nprompt; i > 0; i--)
        if (t->prompt[i - 1].role == ROLE_USER && t->prompt[i - 1].kind == PART_TEXT)
            return &t->prompt[i - 1];
    return NULL;
}
