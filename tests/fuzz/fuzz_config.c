/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as vigie.yaml. Refused with at least one problem said, or taken; what is taken prints as a config that is taken
 * again (its secrets, masked, are still valid), and routes any path without falling over.
 */
#include "proxy/config.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}
static struct config *load(struct span text, struct troubles *t)
{
    t->arena = arena_new(1 << 24);
    struct config *c = config_load("fuzz/vigie.yaml", text.at ? text : SPAN(""), t);
    check((c != NULL) == (t->errors == 0));
    return c;
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct troubles t, again;
    t = again = (struct troubles){ 0 };
    struct config *c = load((struct span){ (const char *)data, size }, &t);
    if (c) {
        static const char *const paths[] = { "/", "/a", "/a/b%2Fc//d", "/%61;x/B", "*", "" };
        struct span rest;
        check(c->nroutes && c->workers);
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
            for (size_t k = 0; k < c->nlisteners; k++)
                if (config_route(c, &c->listeners[k], span_of(paths[i]), &rest))
                    check(rest.len && rest.at[0] == '/');
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);
        check(f != NULL);
        config_print(c, f);
        fclose(f);
        if (!memmem(text, n, "${", 2)) { /* a variable's value may look like a variable */
            struct config *d = load((struct span){ text, n }, &again);
            if (!d)
                troubles_print(&again, stderr), fputs(text, stderr);
            check(d && d->nroutes == c->nroutes && d->nlisteners == c->nlisteners);
            config_release(d);
            arena_free(again.arena);
        }
        free(text);
        config_release(c);
    }
    arena_free(t.arena);
    return 0;
}
