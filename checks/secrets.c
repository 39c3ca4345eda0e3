/* SPDX-License-Identifier: Apache-2.0
 * secrets: does this text give away a key, a token, a password? One walk over the folded text. Words start with two
 * bytes that are looked up in a table of kinds (secrets_kinds), signs ask for the name before them (secrets_named), long
 * tokens are looked at for their form. Ordinary words cost one look each. What only resembles (hashes, certificates,
 * public keys, placeholders, references) stays quiet. Score: 1 - prod(1 - confidence). */
#include "checks/check.h"
#include "checks/secrets_kinds.h"
#include "checks/secrets_named.h"
#include "checks/text/digits.h"
#include "checks/text/quiet.h"

enum { TOKEN_LONG = 20, TOKEN_MOST = 256, JWT_MOST = 4096, PEM_MOST = 16384 };

static bool is_token(unsigned char c)
{
    return is_alnum(c) || c == '_' || c == '-' || c == '+' || c == '/' || c == '=' || c == '.' || c == '~';
}

/* "-----BEGIN … PRIVATE KEY-----" to its END, or as far as its body goes. Certificates and public keys are passed over
 * whole, so that nothing in them is looked at. Returns where the walk goes on. */
static size_t pem_match(struct hunt *h, size_t at)
{
    static const char begin[] = "-----BEGIN ";
    for (size_t k = 0; k < sizeof begin - 1; k++)
        if (hunt_at(h, at + k) != (unsigned char)begin[k])
            return 0;
    size_t i = at + sizeof begin - 1, label = i;
    while (i - label < 64 && (is_alnum(hunt_at(h, i)) || hunt_at(h, i) == ' '))
        i++;
    if (hunt_at(h, i) != '-' || hunt_at(h, i + 1) != '-')
        return 0;
    struct span name = span_cut(h->text, label, i);
    bool is_private = span_find(name, SPAN("PRIVATE KEY")) != NULL;
    while (hunt_at(h, i) == '-')
        i++;
    size_t limit = i + PEM_MOST < h->text.len ? i + PEM_MOST : h->text.len;
    struct span body = span_cut(h->text, i, limit);
    const char *end = span_find(body, SPAN("-----END"));
    size_t stop, chars = 0;
    if (end) {
        stop = (size_t)(end - h->text.at) + 8;
        while (stop - i < PEM_MOST + 64 && hunt_at(h, stop) != '-' && hunt_at(h, stop) && !(hunt_class[hunt_at(h, stop)] & IS_LINE))
            stop++;
        size_t dashes = 0;
        while (hunt_at(h, stop) == '-' && dashes++ < 5)
            stop++;
        for (const char *p = body.at; p < end; p++)
            chars += is_alnum((unsigned char)*p) || *p == '+' || *p == '/';
    } else {
        /* no end in sight: the body as far as it is one */
        size_t e = i;
        stop = i;
        while (e < limit) {
            unsigned char c = hunt_at(h, e);
            if (is_alnum(c) || c == '+' || c == '/' || c == '=') {
                chars++;
                stop = e + 1;
            } else if (!(is_space(c) || c == '\\' || c == ':' || c == ',' || c == '-' || c == '.' || c == '(' || c == ')' || c == '@')) {
                break;
            }
            e++;
        }
        if (e == h->text.len)
            hunt_at(h, e);
    }
    if (!is_private)
        return stop;
    size_t enough = end ? 24 : 40;
    struct span inside = span_cut(h->text, i, end ? (size_t)(end - h->text.at) : stop);
    struct makeup m = makeup_of(inside.len > 400 ? span_cut(inside, 0, 400) : inside);
    if (chars < enough || m.distinct < 12)
        return stop;
    hunt_hit(h, at, stop, "private-key", 0.99, end ? "a private key between BEGIN and END" : "the beginning of a private key");
    return stop;
}

/* scheme://user:password@host: at the ':' before "//". */
static size_t url_match(struct hunt *h, size_t colon)
{
    size_t i = colon + 3, start = i, user_end = 0, at_sign = 0;
    while (i - start < 300) {
        unsigned char c = hunt_at(h, i);
        if (!c || is_space(c) || c == '/' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '`' || (c == '?' && user_end == 0) || c == '|')
            break;
        if (c == ':' && !user_end && !at_sign)
            user_end = i;
        if (c == '@')
            at_sign = i;
        i++;
    }
    if (!at_sign || !is_alnum(hunt_at(h, at_sign + 1)))
        return 0;
    if (!user_end || user_end > at_sign) {
        /* https://<token>@host */
        struct span user = span_cut(h->text, start, at_sign);
        if (!looks_random(user, 20))
            return 0;
        hunt_hit(h, start, at_sign, "url-credentials", 0.8, "a token as the user of a URL");
        return at_sign;
    }
    struct span user = span_cut(h->text, start, user_end), password = span_cut(h->text, user_end + 1, at_sign);
    if (password.len < 3 || span_same(user, password) || looks_made_up(password) || strchr("<${[%*:", password.at[0]))
        return 0;
    static const char *const plain[] = { "password", "pass", "passwd", "pwd", "secret", "user", "username", "pw", "mdp", "motdepasse", "mypassword", "token", "test", "hidden", "postgres", "guest", "root", "admin" };
    for (size_t k = 0; k < sizeof plain / sizeof *plain; k++)
        if (span_is_nocase(password, plain[k]))
            return 0;
    hunt_hit(h, user_end + 1, at_sign, "url-credentials", 0.95, "a password within a URL");
    return at_sign;
}

/* 123456789:AA…: at the ':' between. */
static size_t telegram_match(struct hunt *h, size_t colon)
{
    size_t s = colon;
    while (s && colon - s < 17 && is_digit((unsigned char)h->text.at[s - 1]))
        s--;
    if (colon - s < 5 || colon - s > 16 || hunt_word_before(h, s))
        return 0;
    if (hunt_at(h, colon + 1) != 'A')
        return 0;
    size_t e = colon + 1;
    while (is_alnum(hunt_at(h, e)) || hunt_at(h, e) == '_' || hunt_at(h, e) == '-')
        e++;
    if (e - colon - 1 < 34 || e - colon - 1 > 36 || !looks_random(span_cut(h->text, colon + 1, e), 20))
        return 0;
    hunt_hit(h, s, e, "telegram-token", 0.97, "has the form of a Telegram bot's token");
    return e;
}
/* The digits before a ':' that may become a Telegram token are its beginning: they are live until what follows them is
 * known. The walk meets the digits first. */
static void telegram_watch(struct hunt *h, size_t at, size_t end)
{
    if (end - at < 5 || end - at > 16)
        return;
    for (size_t i = at; i < end; i++)
        if (!is_digit((unsigned char)h->text.at[i]))
            return;
    if (hunt_at(h, end) != ':')
        return;
    size_t e = end + 1;
    while (e - end < 40 && (is_alnum(hunt_at(h, e)) || hunt_at(h, e) == '_' || hunt_at(h, e) == '-'))
        e++;
}

/* A token's own parts, split at '.': do they have these lengths of letters, digits, _ and -? */
static bool is_jwt(struct span s)
{
    const char *dot = memchr(s.at, '.', s.len);
    if (!dot)
        return false;
    struct span head = { s.at, (size_t)(dot - s.at) };
    if (head.len < 10 || head.len > 2000)
        return false;
    /* the header must be JSON: base64 of {"… */
    return span_starts(head, "eyJ") && is_base64_text((struct span){ head.at, head.len > 120 ? 120 : head.len & ~(size_t)3 });
}
static size_t jwt_match(struct hunt *h, size_t at)
{
    size_t e = at, dots = 0, part = at;
    if (at && strchr("-.+/", h->text.at[at - 1]))     /* within a longer token: looked at already */
        return 0;
    while (e - at < JWT_MOST) {
        unsigned char c = hunt_at(h, e);
        if (c == '.') {
            if (dots == 4 || !(is_alnum(hunt_at(h, e + 1)) || hunt_at(h, e + 1) == '_' || hunt_at(h, e + 1) == '-'))
                break;
            dots++;
            part = e + 1;
        } else if (!(is_alnum(c) || c == '_' || c == '-')) {
            break;
        }
        e++;
    }
    (void)part;
    if (dots < 1 || e - at < 40 || !is_jwt(span_cut(h->text, at, e)))
        return 0;
    if (dots == 1)
        return 0;
    hunt_hit(h, at, e, "jwt", 0.95, "a JSON Web Token whose header reads as JSON");
    return e;
}

static bool is_run(struct span s, size_t from, size_t to, bool (*in)(unsigned char))
{
    for (size_t i = from; i < to; i++)
        if (!in((unsigned char)s.at[i]))
            return false;
    return true;
}
static bool in_hex(unsigned char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
static bool in_w(unsigned char c) { return is_alnum(c) || c == '_' || c == '-'; }

/* Tokens of 20 bytes and more, [at, end): the forms that begin with no prefix, then what looks random beside a word for
 * a secret, behind an unknown prefix, or all alone. */
static size_t long_match(struct hunt *h, size_t at, size_t end)
{
    while (end > at && strchr("./~", h->text.at[end - 1]))
        end--;
    struct span s = span_cut(h->text, at, end);
    /* Azure: abc8Q~… */
    const char *tilde = memchr(s.at, '~', s.len > 16 ? 16 : s.len);
    if (tilde && tilde - s.at >= 5 && tilde[-1] == 'Q' && is_digit((unsigned char)tilde[-2])) {
        size_t start = (size_t)(tilde - s.at) - 5, e = (size_t)(tilde - s.at) + 1;
        while (e < s.len && (in_w((unsigned char)s.at[e]) || s.at[e] == '.' || s.at[e] == '~'))
            e++;
        if (e - start >= 36 && e - start <= 42) {
            hunt_hit(h, at + start, at + e, "azure-client-secret", 0.97, "has the form of a client secret of Microsoft Entra");
            return at + e;
        }
    }
    const char *dot = memchr(s.at, '.', s.len);
    if (dot) {
        size_t first = (size_t)(dot - s.at);
        const char *second = memchr(dot + 1, '.', s.len - first - 1);
        size_t middle = second ? (size_t)(second - dot) - 1 : 0, last = second ? s.len - first - middle - 2 : 0;
        if (second && first >= 23 && first <= 30 && strchr("MNO", s.at[0]) && middle >= 5 && middle <= 7 && last >= 27 && last <= 45 && is_run(s, 0, first, in_w)) {
            hunt_hit(h, at, end, "discord-token", 0.9, "has the form of a Discord bot's token");
            return end;
        }
        if (second && first == 14 && middle == 7 && memcmp(dot + 1, "atlasv1", 7) == 0 && last >= 50 && last <= 80) {
            hunt_hit(h, at, end, "terraform-token", 0.97, "has the form of a Terraform Cloud token");
            return end;
        }
    }
    if (s.len >= 36 && s.len <= 38 && s.at[32] == '-' && s.at[33] == 'u' && s.at[34] == 's' && is_run(s, 0, 32, in_hex)) {
        hunt_hit(h, at, end, "mailchimp-key", 0.95, "has the form of a Mailchimp key");
        return end;
    }
    if (s.len == 40 && span_ends(s, "_mmk") && s.at[6] == '_') {
        hunt_hit(h, at, end, "maxmind-key", 0.95, "has the form of a MaxMind licence key");
        return end;
    }
    if (s.len == 40 && span_ends(s, "NRAL") && is_run(s, 0, 36, in_hex)) {
        hunt_hit(h, at, end, "newrelic-license", 0.95, "has the form of a New Relic licence key");
        return end;
    }
    if (s.len >= 76 && s.len <= 88 && span_find(s, SPAN("AZDO")) && looks_random(s, 40)) {
        hunt_hit(h, at, end, "azure-devops-token", 0.95, "has the form of an Azure DevOps token");
        return end;
    }
    if (s.len == 50 && memcmp(s.at + 10, "msh", 3) == 0 && memcmp(s.at + 28, "p1", 2) == 0 && memcmp(s.at + 35, "jsn", 3) == 0) {
        hunt_hit(h, at, end, "rapidapi-key", 0.95, "has the form of a RapidAPI key");
        return end;
    }
    if (s.len > 200 || (is_uuid(s) && s.len == 36))
        return 0;
    /* Not parts of paths, URLs, mail, lock files, public keys, images. */
    size_t slashes = 0, equals = 0;
    for (size_t i = 0; i < s.len; i++) {
        slashes += s.at[i] == '/';
        equals += s.at[i] == '=' && i + 2 < s.len;
    }
    unsigned char before = hunt_before(h, at), after = hunt_at(h, end);
    if (equals || before == '@' || before == '/' || before == '#' || after == '@' || after == '(' || before == '%' || before == ',' || (before == ':' && at > 6 && !is_space(hunt_before(h, at - 1))))
        return 0;
    static const char *const not_ours[] = { "AAAAB3NzaC1", "AAAAC3NzaC1", "AAAAE2VjZHNh", "sha1-", "sha256-", "sha384-", "sha512-", "iVBORw0KGgo", "R0lGODlh", "/9j/", "data:", "JVBERi0", "UEsDB", "MII", "LS0tLS1", "h1:" };
    for (size_t k = 0; k < sizeof not_ours / sizeof *not_ours; k++)
        if (span_starts(s, not_ours[k]))
            return 0;
    struct makeup m = makeup_of(s);
    bool is_mixed = m.upper && m.lower && m.digits;
    if (!looks_random(s, TOKEN_LONG) || slashes > s.len / 12 + 1 || memchr(s.at, '.', s.len))
        return 0;
    /* abc_…, abc-…: an unknown vendor's prefix before what is random */
    size_t p = 0;
    while (p < 12 && p < s.len && (hunt_class[(unsigned char)s.at[p]] & IS_LOWER))
        p++;
    if (p >= 2 && p < s.len && (s.at[p] == '_' || s.at[p] == '-') && !m.is_hex) {
        struct span rest = span_cut(s, p + 1, s.len);
        struct makeup r = makeup_of(rest);
        if (rest.len >= 24 && r.upper && r.lower && r.digits >= 2 && r.other == 0 && looks_random(rest, 24) && !is_base64_text(rest)) {
            hunt_hit(h, at, end, "prefixed-key", 0.7, "a prefix and then what looks drawn at random, as keys are made");
            return end;
        }
    }
    bool is_alone = at == 0 && end == h->text.len;
    if (m.is_hex && (s.len == 40 || s.len == 64 || s.len == 128 || s.len == 96 || s.len == 56)) {
        /* as long as a hash */
        return 0;
    }
    if (is_base64_text(s) && !m.is_hex)
        return 0;
    if (is_alone && is_mixed && s.len >= 24 && s.len <= 128 && slashes == 0) {
        hunt_at(h, end);
        hunt_hit(h, at, end, "random-token", 0.6, "nothing but a token that looks drawn at random");
        return end;
    }
    /* told in a sentence, though nothing says what it is: long, of letters and digits alone */
    if (is_mixed && s.len >= 32 && s.len <= 96 && m.other == 0 && m.digits >= 3 && (is_space(before) || strchr("\"'`", before)) && (is_space(after) || !after || strchr("\"'`,.", after))) {
        hunt_hit(h, at, end, "random-token", cue_near(h, at, end) ? 0.75 : 0.55, "looks drawn at random, as keys are");
        return end;
    }
    if ((is_mixed || m.is_hex || (m.digits >= 4 && s.len >= 24)) && s.len <= 128 && cue_near(h, at, end)) {
        hunt_hit(h, at, end, "random-token", is_mixed ? 0.75 : 0.6, "looks drawn at random, beside a word for secrets");
        return end;
    }
    return 0;
}

/* curl -u user:password, mysql -pPASSWORD are too loose without the command's name on the line. */
static size_t short_option_match(struct hunt *h, size_t at)
{
    unsigned char c = hunt_at(h, at + 1);
    if ((c != 'u' && c != 'p') || !is_space(hunt_before(h, at)))
        return 0;
    size_t line = at, floor = at > 200 ? at - 200 : 0;
    while (line > floor && h->text.at[line - 1] != '\n')
        line--;
    struct span before = span_cut(h->text, line, at);
    size_t i = at + 2;
    if (c == 'u') {
        if (!span_find(before, SPAN("curl")) && !span_find(before, SPAN("wget")) && !span_find(before, SPAN("http")))
            return 0;
        while (is_blank(hunt_at(h, i)))
            i++;
        unsigned char quote = hunt_at(h, i);
        if (quote == '"' || quote == '\'')
            i++;
        else
            quote = ' ';
        size_t colon = 0, s = i;
        while (i - s < 200) {
            unsigned char d = hunt_at(h, i);
            if (!d || d == quote || (hunt_class[d] & IS_LINE))
                break;
            if (d == ':' && !colon)
                colon = i;
            i++;
        }
        if (!colon || i - colon < 5)
            return 0;
        struct span password = span_cut(h->text, colon + 1, i < h->text.len ? i : h->text.len);
        if (!password.len || strchr("$<{%[*", password.at[0]) || looks_made_up(password) || span_is_nocase(password, "password") || span_is_nocase(password, "token") || span_is_nocase(password, "pass") || password.len < 4)
            return 0;
        hunt_hit(h, colon + 1, colon + 1 + password.len, "password", 0.85, "the password of curl's -u");
        return i;
    }
    bool is_joined = !is_blank(hunt_at(h, i));
    if (!(span_find(before, SPAN("sshpass")) || (is_joined && span_find(before, SPAN("mysql"))) || (!is_joined && span_find(before, SPAN("login")))))
        return 0;
    while (is_blank(hunt_at(h, i)))
        i++;
    unsigned char quote = hunt_at(h, i);
    if (quote == '"' || quote == '\'')
        i++;
    else
        quote = 0;
    size_t s = i;
    while (i - s < 100) {
        unsigned char d = hunt_at(h, i);
        if (!d || d == quote || is_space(d))
            break;
        i++;
    }
    struct span password = span_cut(h->text, s, i < h->text.len ? i : h->text.len);
    if (password.len < 4 || strchr("$<{%[*-", password.at[0]) || looks_made_up(password) || makeup_of(password).digits == password.len || span_is_nocase(password, "password"))
        return 0;
    hunt_hit(h, s, s + password.len, "password", 0.8, "the password of a command's -p");
    return i;
}

/* "use X as the password", "X is my password", "X comme mot de passe": for words with digits among their letters. */
static size_t told_after(struct hunt *h, size_t i, size_t j)
{
    bool has_digit = false, has_letter = false;
    size_t e = i;
    while (e - i < 64) {
        unsigned char c = hunt_at(h, e);
        if (!c || is_space(c) || c >= 0x80)
            break;
        has_digit |= is_digit(c);
        has_letter |= is_alpha(c);
        e++;
    }
    (void)j;
    if (!has_digit || !has_letter || e - i < 7 || hunt_at(h, e) != ' ')
        return 0;
    static const char *const forms[] = { " as the password", " as my password", " as your password", " as password", " as a password", " as the root password", " as its password", " is the password", " is my password", " is your password", " comme mot de passe", " est le mot de passe", " est mon mot de passe", " as passphrase", " as the passphrase" };
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
        size_t n = 0;
        while (forms[k][n] && hunt_at(h, e + n) == (unsigned char)forms[k][n])
            n++;
        if (forms[k][n])
            continue;
        struct span word = span_cut(h->text, i, e);
        if (looks_made_up(word) || memchr(word.at, '(', word.len) || span_find(word, SPAN("://")))
            return 0;
        size_t start = i, end = e;
        while (end > start && strchr("\"'`,.:;", h->text.at[end - 1]))
            end--;
        hunt_hit(h, start, end, "password", 0.8, "a password told in a sentence");
        return end;
    }
    return 0;
}
static size_t word_match(struct hunt *h, size_t i, size_t j)
{
    unsigned char a = (unsigned char)h->text.at[i], b = hunt_at(h, i + 1), c = hunt_at(h, i + 2);
    if (kind_may_start(a, b, c) || !c) {
        const char *name;
        double score;
        size_t e = kind_match(h, i, &name, &score);
        if (e) {
            size_t start = i;
            /* a webhook is the whole URL */
            if (start > 3 && memcmp(h->text.at + start - 3, "://", 3) == 0) {
                start -= 3;
                while (start && is_alpha((unsigned char)h->text.at[start - 1]))
                    start--;
            }
            hunt_hit(h, start, e, name, score, "known by its prefix and form");
            return e;
        }
    }
    if (a == 'e' && b == 'y' && c == 'J')
        return jwt_match(h, i);
    if ((a | 32) == 'b' && j - i == 6 && strncasecmp(h->text.at + i, "bearer", 6) == 0 && hunt_at(h, j) == ' ') {
        size_t s = j + 1, t = s;
        while (is_token(hunt_at(h, t)) || hunt_at(h, t) == ':')
            t++;
        while (t > s && h->text.at[t - 1] == '.')
            t--;
        struct span token = span_cut(h->text, s, t);
        if (token.len >= 16 && !memchr(token.at, ':', token.len) && looks_random(token, 16)) {
            hunt_hit(h, s, t, "bearer-token", 0.9, "a token behind the word Bearer");
            return t;
        }
    }
    if ((a | 32) == 'b' && j - i == 5 && strncasecmp(h->text.at + i, "basic", 5) == 0 && hunt_at(h, j) == ' ') {
        size_t s = j + 1, t = s;
        while (is_alnum(hunt_at(h, t)) || hunt_at(h, t) == '+' || hunt_at(h, t) == '/' || hunt_at(h, t) == '=')
            t++;
        struct span token = span_cut(h->text, s, t);
        if (token.len >= 8 && token.len % 4 == 0 && is_basic_pair(token)) {
            hunt_hit(h, s, t, "basic-auth", 0.9, "credentials behind the word Basic");
            return t;
        }
    }
    if (!prose_may_start(a, b) && b)
        return 0;
    hunt_tried(h, i);
    return prose_match(h, i, j);
}

/* A value never begins with white space: it is what follows that is held. */
static size_t past_space(const struct hunt *h, size_t i)
{
    while (i < h->text.len && is_space((unsigned char)h->text.at[i]))
        i++;
    return i;
}
static const bool is_joint[256] = { ['!'] = 1, ['@'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['^'] = 1, ['&'] = 1, ['*'] = 1, ['+'] = 1 }; /* within passwords */
static void walk(struct hunt *h)
{
    kind_prepare();
    const char *s = h->text.at;
    size_t n = h->text.len, i = h->from, run_end = 0;   /* run_end: where the token under way ends, once known */
    /* a word that began before is no word's start */
    if (hunt_word_before(h, i))
        i = hunt_word_end(h->text, i, IS_LOWER | IS_UPPER | IS_DIGIT | IS_HIGH | IS_JOIN);
    while (i < n) {
        unsigned char c = (unsigned char)s[i];
        size_t e = 0;
        if (is_word(c)) {
            size_t j = i;
            uint8_t made_of = 0, now;
            if (c >= 0x80 && i + 1 < n && hunt_is_apart(c, (unsigned char)s[i + 1])) {
                for (i++; i < n && ((unsigned char)s[i] & 0xc0) == 0x80; i++) ;
                continue;
            }
            while (j < n && (now = hunt_class[(unsigned char)s[j]]) & (IS_LOWER | IS_UPPER | IS_DIGIT | IS_HIGH | IS_JOIN)) {
                if (j > i && (unsigned char)s[j] >= 0xc0 && j + 1 < n && hunt_is_apart((unsigned char)s[j], (unsigned char)s[j + 1]))
                    break;
                made_of |= now;
                j++;
            }
            if (c < 0x80) {
                hunt_try(h);
                e = word_match(h, i, j);
                hunt_tried(h, i);
                if (!e && j - i < 40 && (made_of & IS_DIGIT || (j < n && is_joint[(unsigned char)s[j]]))) {
                    hunt_try(h);
                    e = told_after(h, i, j);
                    hunt_tried(h, i);
                }
                if (!e && is_digit(c)) {
                    hunt_try(h);
                    telegram_watch(h, i, j);
                    hunt_tried(h, i);
                }
                if (!e && (j - i >= TOKEN_LONG || (j < n && is_token((unsigned char)s[j]) && s[j] != '.') || (j < n && s[j] == '.' && j + 1 < n && is_alnum((unsigned char)s[j + 1])))) {
                    size_t t = j < run_end ? run_end : j;
                    while (t < n && is_token((unsigned char)s[t]))
                        t++;
                    run_end = t;
                    if (t - i >= TOKEN_LONG) {
                        hunt_try(h);
                        if (t - i <= TOKEN_MOST)
                            e = long_match(h, i, t);
                        if (t == n)
                            hunt_at(h, t);
                        hunt_tried(h, i);
                        /* Random or not, its signs may still name a secret (a=b): go on word by word, but never look at
                         * the whole again from each of its words: base64 is passed over as one. */
                        if (!e && t - i > 400 && !memchr(s + i, '=', t - i - 3))
                            e = t;
                    }
                }
            }
            i = e > i ? e : j;
            continue;
        }
        switch (c) {
        case '-':
            hunt_try(h);
            if (i + 1 < n && s[i + 1] == '-') {
                e = pem_match(h, i);
                hunt_tried(h, i);
                if (!e && i + 2 < n && is_alpha((unsigned char)s[i + 2]) && is_space(hunt_before(h, i))) {
                    hunt_try(h);
                    e = option_match(h, i);
                }
            } else if (i + 1 < n) {
                e = short_option_match(h, i);
            }
            hunt_tried(h, i);
            if (!e && i + 2 < n && s[i + 1] == '-' && s[i + 2] == '-') {    /* a rule of dashes: PEM begins at its last five */
                size_t d = i;
                while (d < n && s[d] == '-')
                    d++;
                e = d - i > 5 ? d - 5 : 0;
            }
            break;
        case ':':
            hunt_try(h);
            if (i + 2 < n && s[i + 1] == '/' && s[i + 2] == '/') {
                e = url_match(h, i);
                hunt_tried(h, i + 3);
                if (!e)
                    e = i + 3;
                break;
            }
            e = telegram_match(h, i);
            if (!e)
                e = named_match(h, i);
            hunt_tried(h, past_space(h, i + 1));
            break;
        case '=':
        case '(':
        case ',':
            hunt_try(h);
            e = named_match(h, i);
            hunt_tried(h, past_space(h, i + 1));
            break;
        case '>':
            if (i && (is_word((unsigned char)s[i - 1]) || is_blank((unsigned char)s[i - 1]) || s[i - 1] == '"')) {
                hunt_try(h);
                e = named_match(h, i);
                hunt_tried(h, past_space(h, i + 1));
            }
            break;
        case '|': {     /* an application's token of Facebook: 15 digits | … */
            size_t d = i;
            while (d && i - d < 17 && is_digit((unsigned char)s[d - 1]))
                d--;
            if (i - d >= 15 && i - d <= 16 && !hunt_word_before(h, d)) {
                size_t t = i + 1;
                while (is_alnum(hunt_at(h, t)) || hunt_at(h, t) == '_' || hunt_at(h, t) == '-')
                    t++;
                if (t - i - 1 >= 25 && t - i - 1 <= 42 && looks_random(span_cut(h->text, i + 1, t), 20)) {
                    hunt_hit(h, d, t, "facebook-token", 0.92, "has the form of a Facebook application's token");
                    e = t;
                }
            }
            break;
        }
        case '\\':      /* an escape is no part of the word behind it */
            if (i + 1 < n && strchr("nrt", s[i + 1]))
                e = i + 2;
            break;
        case '%':
            if (i + 2 < n && is_alnum((unsigned char)s[i + 1]) && is_alnum((unsigned char)s[i + 2]))
                e = i + 3;
            break;
        default:
            break;
        }
        i = e > i ? e : i + 1;
    }
}

static struct score secrets_score(const struct check_env *env, struct transcript *t, enum side on, struct findings *out)
{
    return hunt_score(&check_secrets, t, on, out, env ? env->quiet : NULL, QUIET_SECRETS, walk);
}
static size_t secrets_settled(struct span text)
{
    return hunt_settled(text, walk, "-----BEGIN");
}
const struct check check_secrets = {
    .name = "secrets", .doc = "keys, tokens and passwords: by their form, their name or the sentence they stand in",
    .on = ON_PROMPT | ON_ANSWER, .score = secrets_score, .settled = secrets_settled,
};
