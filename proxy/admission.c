/* SPDX-License-Identifier: Apache-2.0
 * May this exchange come in? The limits of its route (`rate`), asked twice at most: those that need only the head as soon as it is there, before a byte of the body
 * costs anything, those that count tokens or tell models apart when the prompt has been read. And what it took, when it ends. */
#include "proxy/worker.h"
#include "base/utf8.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>

static bool waits_for_prompt(const struct rate *r) { return r->kind == RATE_TOKENS || (r->per & PER_MODEL); }
static bool needs_head_only(const struct rate *r) { return !waits_for_prompt(r); }

/* An address, IPv4 within IPv6 as IPv4; of IPv6 the network of 64 bits, since a host has as many addresses of it as it likes. */
static struct span address_of(const struct exchange *x)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    unsigned char bytes[16];
    if (!x->client || getpeername(x->client->conn->fd, (struct sockaddr *)&a, &n) != 0)
        return (struct span){ 0 };
    if (a.ss_family == AF_INET)
        return arena_copy(x->arena, (struct span){ (const char *)&((struct sockaddr_in *)&a)->sin_addr, 4 });
    if (a.ss_family != AF_INET6)
        return (struct span){ 0 };
    memcpy(bytes, &((struct sockaddr_in6 *)&a)->sin6_addr, sizeof bytes);
    bool is_4 = IN6_IS_ADDR_V4MAPPED(&((struct sockaddr_in6 *)&a)->sin6_addr);
    return arena_copy(x->arena, (struct span){ (const char *)bytes + (is_4 ? 12 : 0), is_4 ? 4 : 8 });
}

/* Where no count is reported: a token for four ASCII characters, for two others of an alphabet, for one ideograph; off by a third either way. */
static uint64_t tokens_in(struct span s)
{
    uint64_t quarters = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        quarters += c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : 4;
    }
    return (quarters + 3) / 4;
}
uint64_t tokens_of(const struct transcript *t, enum side on)
{
    size_t n;
    const struct part *parts = transcript_parts(t, on, &n);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += tokens_in(parts[i].text);
    return sum;
}

void usage_estimate(struct exchange *x)
{
    struct transcript *t = x->t;
    if (!t || t->usage.origin != USAGE_ABSENT || t->ninputs || t->noutputs || !t->nanswer || strcmp(t->api, "raw") == 0 || x->upstream_status < 200 || x->upstream_status > 299)
        return;
    t->usage = (struct usage){ .origin = USAGE_ESTIMATED, .input = tokens_of(t, ON_PROMPT), .output = tokens_of(t, ON_ANSWER) };
}

static bool admit(struct exchange *x, bool (*asks)(const struct rate *), uint64_t tokens)
{
    const struct route *route = x->route;
    unsigned per = 0;
    for (size_t i = 0; i < route->nrates; i++)
        per |= asks(&route->rates[i]) ? route->rates[i].per : 0;
    struct rate_who who = { .route = route->name, .caller = x->caller, .model = x->t ? x->t->model : (struct span){ 0 } };
    if (per & PER_KEY)
        who.key = fingerprint_of(x);
    if (per & PER_ADDRESS)
        who.address = address_of(x);
    uint64_t retry_ms = 0;
    const struct rate *no = meters_admit(x->w->meters, route->rates, route->nrates, asks, &who, tokens, clock_ns(), &x->admission, &retry_ms);
    if (!no)
        return true;
    static const char *const units[] = { "requests", "tokens", "exchanges at once" };
    char whose[64] = "";
    static const struct { unsigned per; const char *word; } words[] = { { PER_CALLER, "caller" }, { PER_KEY, "key" }, { PER_ADDRESS, "address" }, { PER_MODEL, "model" } };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (no->per & words[i].per)
            snprintf(whose + strlen(whose), sizeof whose - strlen(whose), "%s%s", whose[0] ? " and " : " for each ", words[i].word);
    x->retry_ms = retry_ms;
    count(&x->m->troubles[TROUBLE_LIMITED], 1);
    exchange_refuse(x, 429, "rate_limited", arena_printf(x->arena, "this route takes %s %s%s; try again in %llu s", no->text, units[no->kind], whose,
                    (unsigned long long)((retry_ms + 999) / 1000)).at, NULL, false);
    return false;
}
bool exchange_admit_head(struct exchange *x)
{
    return !x->route->nrates || admit(x, needs_head_only, 0);
}
bool exchange_admit_prompt(struct exchange *x)
{
    return !x->route->rates_wait_for_prompt || admit(x, waits_for_prompt, x->t ? tokens_of(x->t, ON_PROMPT) : 0);
}
void exchange_settle(struct exchange *x)
{
    if (!x->admission.nopen && !x->admission.nbuckets)
        return;
    uint64_t tokens = x->admission.tokens;
    if (x->t && x->t->usage.origin != USAGE_ABSENT)
        tokens = x->t->usage.input + x->t->usage.output;
    else if (x->t && x->admission.nbuckets)
        tokens = tokens_of(x->t, ON_PROMPT) + tokens_of(x->t, ON_ANSWER);
    meters_settle(x->w->meters, &x->admission, tokens, clock_ns());
}
