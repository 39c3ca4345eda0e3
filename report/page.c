/* SPDX-License-Identifier: Apache-2.0 */
#include "report/page.h"
#include "base/parse.h"
#include "base/utf8.h"
#include <inttypes.h>
#include <stdlib.h>

const char page_style[] =
    ":root{color-scheme:light dark;--paper:#fbfaf7;--card:#fff;--ink:#1c2430;--soft:#5d6878;--line:#e3e1da;--accent:#0f5c7a;--flag:#8a5a00;--flag-bg:#fdf0d2;--block:#9c1c28;--block-bg:#fbe0e0;"
    "--redact:#5a3b8c;--redact-bg:#ebe2f7;--allow:#2c6a4a;--allow-bg:#e0f1e7;--mark:#ffe08a}"
    "@media(prefers-color-scheme:dark){:root{--paper:#12171d;--card:#1a2129;--ink:#e6e9ee;--soft:#9aa5b4;--line:#2c3641;--accent:#6cc3e0;--flag:#f0c264;--flag-bg:#3b2f12;--block:#ff9aa2;--block-bg:#45191d;"
    "--redact:#c9b0f0;--redact-bg:#31244a;--allow:#8fd3ae;--allow-bg:#16352a;--mark:#6b5410}}"
    "*{box-sizing:border-box}[hidden]{display:none!important}html{font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;background:var(--paper);color:var(--ink)}body{margin:0}"
    "a{color:var(--accent);text-underline-offset:2px}header{border-bottom:1px solid var(--line);background:var(--card)}"
    "nav{max-width:76rem;margin:0 auto;padding:.7rem 1.2rem;display:flex;gap:.3rem 1.2rem;align-items:center;flex-wrap:wrap}"
    "nav a{color:var(--soft);text-decoration:none;padding:.25rem 0;border-bottom:2px solid transparent}nav a[aria-current]{color:var(--ink);border-color:var(--accent)}"
    "nav .home{display:flex;gap:.5rem;align-items:center;color:var(--ink);font-weight:650;font-size:1.1rem;margin-right:.6rem;border:0}nav svg{width:1.6rem;height:1.6rem;color:var(--accent)}nav .right{margin-left:auto;font-size:.85rem}"
    "main{max-width:76rem;margin:0 auto;padding:1.4rem 1.2rem 4rem}h1{font-size:1.7rem;line-height:1.2;margin:.4rem 0 1rem;font-weight:650;letter-spacing:-.01em}h2{font-size:1.15rem;margin:2rem 0 .7rem;font-weight:620}h3{font-size:1rem;margin:1.2rem 0 .4rem}"
    ".lead{color:var(--soft);max-width:48rem;margin:0 0 1.2rem}.soft{color:var(--soft)}.small{font-size:.85rem}.card>:first-child{margin-top:0}.card>:last-child{margin-bottom:0}.card{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem 1.15rem;margin:0 0 1rem}"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.8rem;margin:0 0 1rem}.tile{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.8rem 1rem}.tile b{display:block;font-size:1.55rem;font-weight:620;line-height:1.2;font-variant-numeric:tabular-nums}"
    ".scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:.6rem}table{border-collapse:collapse;width:100%;font-size:.93rem}th{text-align:left;font-weight:560;color:var(--soft);font-size:.82rem;white-space:nowrap}"
    "th,td{padding:.55rem .8rem;border-bottom:1px solid var(--line);vertical-align:top}tr:last-child td{border-bottom:0}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td time,td.nowrap{white-space:nowrap}"
    ".stack td:nth-child(3){min-width:16rem}.badge{display:inline-block;border-radius:1rem;padding:.05rem .6rem;font-size:.82rem;font-weight:560;background:var(--line)}.badge.flag{background:var(--flag-bg);color:var(--flag)}.badge.block,.badge.drift{background:var(--block-bg);color:var(--block)}.badge.redact{background:var(--redact-bg);color:var(--redact)}.badge.allow,.badge.still{background:var(--allow-bg);color:var(--allow)}"
    ".text{white-space:pre-wrap;overflow-wrap:anywhere;margin:.2rem 0 0}.turn{border-left:3px solid var(--line);padding:.1rem 0 .1rem .9rem;margin:0 0 .9rem}.turn.user{border-color:var(--accent)}.turn .role{font-size:.8rem;color:var(--soft)}"
    "mark{background:var(--mark);color:inherit;border-radius:.15rem;padding:0 .1rem}.clip{display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden;overflow-wrap:anywhere;min-width:12rem}"
    "::placeholder{color:var(--soft);opacity:1}.notice{border-left:3px solid var(--flag);background:var(--flag-bg);padding:.5rem .9rem}form.filter{display:flex;flex-wrap:wrap;gap:.6rem;align-items:end;margin:0 0 1rem}label{font-size:.8rem;color:var(--soft);display:block}input,select,button,textarea{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.35rem .6rem;max-width:100%}"
    "form.filter input{width:9.5rem}input.wide{width:28rem}button{cursor:pointer;background:var(--accent);border-color:var(--accent);color:var(--paper)}button.quiet{background:var(--card);color:var(--ink);border-color:var(--line)}:focus-visible{outline:2px solid var(--accent);outline-offset:2px}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:0;font-size:.93rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1rem}"
    "svg.bar{width:7rem;height:.55rem;vertical-align:middle}svg.bar .t{fill:var(--line)}svg.bar .v{fill:var(--accent)}.pager{display:flex;gap:1rem;margin:1rem 0}code,.id{font:.85em/1.4 ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}ol.notes{padding-left:1.3rem;margin:.3rem 0}ol.notes li{margin:.4rem 0}"
    "@media(max-width:40rem){html{font-size:15px}h1{font-size:1.4rem}dl{grid-template-columns:1fr}dt{margin-top:.4rem}main{padding:1rem .8rem 3rem}nav{padding:.6rem .8rem}.stack thead{display:none}.stack tr{display:block;padding:.6rem 0;border-bottom:1px solid var(--line)}.stack td,.stack td.n{display:block;border:0;padding:.15rem .8rem;text-align:left}"
    ".stack td[data-label]::before{content:attr(data-label);display:block;color:var(--soft);font-size:.82rem}.stack td.n[data-label]{display:flex;gap:1rem;justify-content:space-between;white-space:normal}.stack td.n[data-label]::before{font-size:inherit}form.filter div{flex:1 1 9rem}form.filter input,form.filter select{width:100%}}"
    "@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--mark:#eee}nav,form,.pager,button{display:none}.card,.scroll{border:0;padding:0;overflow:visible}h2{break-after:avoid}.turn,tr{break-inside:avoid}mark{text-decoration:underline}@page{margin:18mm}}";

/* Better with it, not worse without: local times, fresh rows announced, filters that go as they change. */
const char page_script[] =
    "for(const t of document.querySelectorAll('time[datetime]')){const d=new Date(t.dateTime);if(!isNaN(d))t.textContent=d.toLocaleString(document.documentElement.lang,{dateStyle:'short',timeStyle:'medium'})}"
    "for(const s of document.querySelectorAll('form.filter select'))s.addEventListener('change',()=>s.form.submit());"
    "const live=document.querySelector('[data-live]');if(live&&'EventSource'in window){const e=new EventSource('/api/v1/events');let n=0,busy=false;"
    "e.addEventListener('flag',async()=>{live.textContent=++n>99?'99+':n;live.hidden=false;if(live.dataset.live==='reload'&&!busy&&!document.hidden){busy=true;setTimeout(async()=>{try{const r=await fetch(location.href);"
    "if(r.ok){const d=new DOMParser().parseFromString(await r.text(),'text/html');const a=document.querySelector('main'),b=d.querySelector('main');if(a&&b&&!a.contains(document.activeElement)){a.replaceWith(b);"
    "for(const t of b.querySelectorAll('time[datetime]')){const x=new Date(t.dateTime);if(!isNaN(x))t.textContent=x.toLocaleString(document.documentElement.lang,{dateStyle:'short',timeStyle:'medium'})}n=0;live.hidden=true}}}finally{busy=false}},1500)}})}";

static const char logo[] = "<svg viewBox=\"0 0 32 32\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\">"
                           "<path d=\"M16 3v26M9 12h14l-2 6H11z\"/><path d=\"M16 3l6 3-6 3\" fill=\"currentColor\"/><path d=\"M4 27c3 2 5 2 8 0s5-2 8 0 5 2 8 0\"/></svg>";

void page_begin(struct page *p, enum word here, struct span title)
{
    static const struct { enum word word; const char *path; } links[] = {
        { WORD_FLAGS, "/flags" }, { WORD_DRIFT, "/drift" }, { WORD_RULES, "/rules" }, { WORD_EXCHANGES, "/exchanges" },
    };
    buf_printf(p->out, "<!doctype html><html lang=\"%s\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>", p->language == FRENCH ? "fr" : "en");
    put(p, title.len ? title : span_of(word(p->language, here)));
    html(p, " · vigie</title>");
    if (p->is_alone) {
        html(p, "<style>");
        html(p, page_style);
        html(p, "</style></head><body><main>");
        return;
    }
    html(p, "<link rel=\"icon\" href=\"/assets/vigie.svg\"><link rel=\"stylesheet\" href=\"/assets/vigie.css\"><script src=\"/assets/vigie.js\" defer></script></head><body><header><nav><a class=\"home\" href=\"/\"");
    html(p, here == WORD_OVERVIEW ? " aria-current=\"page\">" : ">");
    html(p, logo);
    html(p, "vigie</a>");
    for (size_t i = 0; i < sizeof links / sizeof *links && here != WORD_LOGIN; i++) {
        buf_printf(p->out, "<a href=\"%s\"%s>%s", links[i].path, links[i].word == here ? " aria-current=\"page\"" : "", word(p->language, links[i].word));
        if (links[i].word == WORD_FLAGS)
            buf_printf(p->out, " <span class=\"badge flag\" data-live=\"%s\" hidden></span>", here == WORD_FLAGS || here == WORD_OVERVIEW ? "reload" : "count");
        html(p, "</a>");
    }
    buf_printf(p->out, "<span class=\"right\"><a href=\"?lang=%s\" hreflang=\"%s\">%s</a></span>", p->language == FRENCH ? "en" : "fr", p->language == FRENCH ? "en" : "fr", p->language == FRENCH ? "English" : "Français");
    if (p->has_login && here != WORD_LOGIN)
        buf_printf(p->out, "<form method=\"post\" action=\"/logout\"><button class=\"quiet small\">%s</button></form>", T(p, LOGOUT));
    html(p, "</nav></header><main>");
}
void page_end(struct page *p)
{
    html(p, "</main></body></html>\n");
}

void put_url(struct page *p, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '_' || c == '.')
            buf_add_char(p->out, (char)c);
        else
            buf_printf(p->out, "%%%02X", c);
    }
}
void put_time(struct page *p, int64_t us)
{
    char at[32];
    format_time(us, at);
    buf_printf(p->out, "<time datetime=\"%s\">%.10s %.8s UTC</time>", at, at, at + 11);
}
void put_ms(struct page *p, uint64_t us)
{
    if (us < 10000)
        buf_printf(p->out, "%.1f ms", (double)us / 1000);
    else if (us < 10000000)
        buf_printf(p->out, "%" PRIu64 " ms", us / 1000);
    else
        buf_printf(p->out, "%.1f s", (double)us / 1e6);
}
void put_number(struct page *p, uint64_t n)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            html(p, p->language == FRENCH ? "\u202f" : ",");
        buf_add_char(p->out, digits[i]);
    }
}
void put_verdict(struct page *p, struct span verdict)
{
    static const struct { const char *name; enum word word; } known[] = { { "allow", WORD_SAYS_ALLOW }, { "flag", WORD_SAYS_FLAG }, { "redact", WORD_SAYS_REDACT }, { "block", WORD_SAYS_BLOCK } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (span_is(verdict, known[i].name)) {
            buf_printf(p->out, "<span class=\"badge %s\">%s</span>", known[i].name, word(p->language, known[i].word));
            return;
        }
    html(p, "<span class=\"badge\">");
    put(p, verdict);
    html(p, "</span>");
}
void put_severity(struct page *p, struct span severity)
{
    static const struct { const char *name; enum word word; } known[] = { { "low", WORD_LOW }, { "medium", WORD_MEDIUM }, { "high", WORD_HIGH }, { "critical", WORD_CRITICAL } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (span_is(severity, known[i].name))
            severity = span_of(word(p->language, known[i].word));
    put(p, severity);
}
void put_label(struct page *p, const char *class, enum word label)
{
    buf_printf(p->out, "<td%s%s%s data-label=\"%s\">", class ? " class=\"" : "", class ? class : "", class ? "\"" : "", word(p->language, label));
}
void put_bar(struct page *p, double share)
{
    int width = (int)(100 * (share < 0 ? -share : share) + 0.5);
    buf_printf(p->out, "<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"%d%%\"><rect class=\"t\" width=\"100\" height=\"8\"/><rect class=\"v\" width=\"%d\" height=\"8\"/></svg>",
               width, width > 100 ? 100 : width);
}

size_t findings_read(struct arena *a, struct span json, struct seen **out)
{
    struct json doc;
    *out = NULL;
    if (!json.len || !json_read(&doc, a, json) || jv_type(json_root(&doc)) != JSON_ARRAY)
        return 0;
    size_t n = 0, most = jv_node(json_root(&doc))->n;
    *out = arena_alloc(a, (most + 1) * sizeof **out);
    struct jv_walk w = jv_walk(json_root(&doc));
    while (jv_next(&w)) {
        struct seen *f = &(*out)[n++];
        uint64_t v;
        *f = (struct seen){ .rule = jv_text(jv_get(w.value, "rule"), a), .check = jv_text(jv_get(w.value, "check"), a), .kind = jv_text(jv_get(w.value, "kind"), a),
                            .text = jv_text(jv_get(w.value, "text"), a), .message = jv_text(jv_get(w.value, "message"), a),
                            .on = jv_text_is(jv_get(w.value, "on"), "prompt") ? SEEN_PROMPT : SEEN_ANSWER };
        f->part = jv_u64(jv_get(w.value, "part"), UINT32_MAX, &v) ? (uint32_t)v : 0;
        f->start = jv_u64(jv_get(w.value, "start"), UINT32_MAX, &v) ? (uint32_t)v : 0;
        f->end = jv_u64(jv_get(w.value, "end"), UINT32_MAX, &v) ? (uint32_t)v : 0;
        jv_number(jv_get(w.value, "score"), &f->score);
    }
    return n;
}
void put_reason(struct page *p, const struct record *r)
{
    struct seen *list;
    size_t n = findings_read(p->arena, r->findings, &list), best = n;
    struct json doc;
    if (r->rules.len && json_read(&doc, p->arena, r->rules)) {
        struct jv_walk w = jv_walk(json_root(&doc));
        while (jv_next(&w))
            if (span_same(jv_text(jv_get(w.value, "id"), p->arena), r->rule)) {
                put(p, jv_text(jv_get(w.value, "message"), p->arena));
                break;
            }
    } else if (r->error.len) {
        put(p, r->error);
    }
    for (size_t i = 0; i < n; i++)
        if (span_same(list[i].rule, r->rule) && (best == n || list[i].score > list[best].score))
            best = i;
    if (best < n && list[best].message.len) {
        html(p, "<br><span class=\"soft small\">");
        put(p, list[best].message);
        html(p, "</span>");
    }
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}
void put_marked(struct page *p, struct span text, const struct seen *list, size_t n, enum side_of on, uint32_t part, bool is_moved)
{
    uint32_t *cuts = arena_alloc(p->arena, (2 * n + 2) * sizeof *cuts);
    const struct seen **valid = arena_alloc(p->arena, (n + 1) * sizeof *valid);
    size_t ncuts = 0, nvalid = 0;
    for (size_t i = 0; i < n; i++) {
        const struct seen *f = &list[i];
        if (f->on != on || f->part != part || f->start >= f->end || f->end > text.len)
            continue;
        size_t shown = f->text.len < f->end - f->start ? f->text.len : f->end - f->start;
        bool is_masked = span_starts(f->text, "***"); /* what was seen is not told, so it cannot be compared */
        if (is_masked ? is_moved : shown == 0 || memcmp(text.at + f->start, f->text.at, shown) != 0)
            continue;
        valid[nvalid++] = f;
        cuts[ncuts++] = f->start;
        cuts[ncuts++] = f->end;
    }
    qsort(cuts, ncuts, sizeof *cuts, by_number);
    for (size_t i = 0; i < ncuts; i++) /* whole characters, whatever was recorded */
        while (cuts[i] > 0 && cuts[i] < text.len && ((unsigned char)text.at[cuts[i]] & 0xc0) == 0x80)
            cuts[i]--;
    size_t at = 0;
    for (size_t i = 0; i + 1 < ncuts; i++) {
        size_t from = cuts[i], to = cuts[i + 1];
        const struct seen *cover = NULL;
        for (size_t k = 0; k < nvalid && from < to; k++)
            if (valid[k]->start <= to - 1 && valid[k]->end > from && (!cover || valid[k]->score > cover->score))
                cover = valid[k];
        if (!cover)
            continue;
        put(p, span_cut(text, at, from));
        html(p, "<mark title=\"");
        put(p, cover->message);
        html(p, "\">");
        put(p, span_cut(text, from, to));
        html(p, "</mark>");
        at = to;
    }
    put(p, span_cut(text, at, text.len));
}
