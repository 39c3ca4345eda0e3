/* SPDX-License-Identifier: Apache-2.0
 * secrets_named: names, options, vendors and sentences; see secrets_named.h. A name is judged by its last words that
 * mean something: API_KEY_PROD is a key, api_key_id and passwordField are not. */
#include "checks/secrets_named.h"
#include "checks/secrets_kinds.h"
#include "checks/text/digits.h"

enum { NAME_WORDS = 6, NAME_WORD = 24, NAME_REACH = 64, VALUE_MOST = 400, PROSE_REACH = 96 };
enum name_kind { NAME_NONE, NAME_PASSWORD, NAME_SECRET, NAME_KEY, NAME_AUTH, NAME_VENDOR };

struct name {
    char word[NAME_WORDS][NAME_WORD];   /* the last one first */
    size_t n;
};

/* Splits [from, to) into words at signs and humps, the last first. */
static void name_split(struct span text, size_t from, size_t to, struct name *out)
{
    out->n = 0;
    size_t end = to;
    while (end > from && out->n < NAME_WORDS) {
        while (end > from && !is_letter((unsigned char)text.at[end - 1]) && !is_digit((unsigned char)text.at[end - 1]))
            end--;
        size_t start = end;
        while (start > from) {
            unsigned char c = (unsigned char)text.at[start - 1];
            if (!is_letter(c) && !is_digit(c))
                break;
            start--;
            /* a hump: lower before Upper; an Upper run ends before "Ul" */
            if (start > from && (hunt_class[c] & IS_UPPER)) {
                unsigned char before = (unsigned char)text.at[start - 1];
                if (hunt_class[before] & (IS_LOWER | IS_DIGIT))
                    break;
                if (start + 1 < end && (hunt_class[before] & IS_UPPER) && (hunt_class[(unsigned char)text.at[start + 1]] & IS_LOWER))
                    break;
            }
        }
        if (start == end)
            break;
        if (word_plain(text, start, end, out->word[out->n], NAME_WORD))
            out->n++;
        end = start;
    }
}

static const char *const password_words[] = {
    "adgangskode", "contrasena", "dbpass", "dbpasswd", "dbpassword", "dbpwd", "kennwort", "lozinka", "mdp", "motdepasse", "parola", "pass",
    "passcode", "passe", "passphrase", "passwd", "password", "passwords", "passwort", "psw", "pswd", "pw", "pwd", "rootpassword", "rootpw", "senha",
    "userpass", "userpassword", "wachtwoord",
};
static const char *const secret_words[] = {
    "accesskey", "accesstoken", "apikey", "apisecret", "apitoken", "authkey", "authtoken", "bearer", "clientsecret", "credential", "credentials",
    "creds", "encryptionkey", "jeton", "jwt", "masterkey", "pat", "privatekey", "refreshtoken", "sas", "secret", "secretkey", "secrets",
    "sessiontoken", "sharedkey", "sig", "signature", "signingkey", "token", "tokens", "webhooksecret",
};
static const char *const key_words[] = { "cle", "clef", "key", "keys", "schluessel" };
static const char *const key_quiet[] = {
    "answer", "cache", "composite", "dedup", "duplicate", "foreign", "group", "hash", "hot", "i18n", "idempotency", "index", "key", "lookup", "map",
    "message", "natural", "object", "partition", "primary", "product", "pub", "public", "publishable", "react", "record", "row", "sort", "surrogate",
    "translation", "turkey", "unique", "value",
};
static const char *const neutral_words[] = {
    "1", "2", "3", "admin", "b64", "base64", "bytes", "data", "default", "dev", "env", "here", "hex", "is", "live", "new", "now", "old", "plain",
    "plaintext", "prod", "production", "raw", "sandbox", "staging", "str", "string", "test", "text", "v1", "v2", "v3", "value", "var",
};
/* Vendors whose keys are often named by the vendor alone. */
static const char *const vendors[] = {
    "adafruit", "adobe", "airtable", "algolia", "alibaba", "amplitude", "apify", "appcenter", "artifactory", "asana", "atlas", "atlassian", "auth0",
    "beamer", "bintray", "bitbucket", "bittrex", "braintree", "bugsnag", "circleci", "clearbit", "cloudflare", "cloudinary", "codecov", "cohere",
    "coinbase", "confluence", "confluent", "contentful", "datadog", "deepgram", "discord", "droneci", "dropbox", "elastic", "elevenlabs", "etsy",
    "facebook", "fastly", "finicity", "finnhub", "firebase", "flickr", "freshbooks", "fullstory", "geocodio", "giphy", "github", "gitlab", "gitter",
    "gocardless", "grafana", "heroku", "honeycomb", "hubspot", "intercom", "ipstack", "jfrog", "jira", "klaviyo", "kraken", "kucoin", "lastfm",
    "launchdarkly", "linear", "linkedin", "lob", "loggly", "looker", "mailchimp", "mailgun", "mapbox", "mattermost", "meraki", "messagebird",
    "mistral", "mixpanel", "mux", "netlify", "newrelic", "nexmo", "nytimes", "okta", "openweather", "openweathermap", "opsgenie", "pagerduty",
    "papertrail", "paypal", "pinecone", "plaid", "privateai", "pusher", "rapidapi", "rollbar", "segment", "sendbird", "sendgrid", "sentry", "shodan",
    "slack", "snyk", "sonar", "sourcegraph", "spotify", "squarespace", "strava", "stripe", "sugester", "sumo", "sumologic", "supabase", "telegram",
    "travis", "trello", "twilio", "twitch", "twitter", "typeform", "unsplash", "vercel", "virustotal", "vonage", "wakatime", "weatherstack", "xray",
    "yandex", "zendesk", "zoom",
};
static bool is_vendor(const char *word)
{
    for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++)
        if (vendors[i][0] == word[0] && strcmp(vendors[i], word) == 0)
            return true;
    return false;
}
static bool ends_with(const char *word, const char *end)
{
    size_t n = strlen(word), m = strlen(end);
    return n > m && strcmp(word + n - m, end) == 0;
}
static enum name_kind name_judge(const struct name *name)
{
    size_t i = 0;
    while (i + 1 < name->n && WORD_IN(name->word[i], neutral_words))
        i++;
    if (i == name->n)
        return NAME_NONE;
    const char *head = name->word[i], *before = i + 1 < name->n ? name->word[i + 1] : "", *third = i + 2 < name->n ? name->word[i + 2] : "";
    if (strcmp(head, "passe") == 0 && strcmp(before, "de") != 0)
        return NAME_NONE;
    for (size_t k = 0; k < name->n; k++)
        if (!strchr("pcxf", name->word[k][0]))
            continue;
        else if (strcmp(name->word[k], "public") == 0 || strcmp(name->word[k], "csrf") == 0 || strcmp(name->word[k], "xsrf") == 0 || strcmp(name->word[k], "publishable") == 0
            || strcmp(name->word[k], "pubkey") == 0 || strcmp(name->word[k], "fingerprint") == 0)
            return NAME_NONE;
    if (hunt_word_in(head, password_words, sizeof password_words / sizeof *password_words) || ends_with(head, "password") || ends_with(head, "passwd") || ends_with(head, "passphrase"))
        return NAME_PASSWORD;
    if (strcmp(head, "authorization") == 0 || (strcmp(head, "auth") == 0 && strcmp(before, "proxy") == 0))
        return NAME_AUTH;
    if (hunt_word_in(head, secret_words, sizeof secret_words / sizeof *secret_words) || ends_with(head, "secret") || ends_with(head, "apikey") || ends_with(head, "token"))
        return NAME_SECRET;
    if (WORD_IN(head, key_words)) {
        if (WORD_IN(before, key_quiet))
            return NAME_NONE;
        return *before && strcmp(before, "const") != 0 && strcmp(before, "the") != 0 && strcmp(before, "la") != 0 ? NAME_SECRET : NAME_KEY;
    }
    if ((strcmp(before, "api") == 0 || strcmp(before, "secret") == 0) && strcmp(head, "cle") == 0)
        return NAME_SECRET;
    if (strcmp(head, "api") == 0 && (WORD_IN(before, key_words) || (strcmp(before, "d") == 0 && WORD_IN(third, key_words))))
        return NAME_SECRET;
    if (strcmp(head, "secrete") == 0 && WORD_IN(before, key_words))
        return NAME_SECRET;
    if (strcmp(head, "auth") == 0 || ends_with(head, "auth"))
        return NAME_KEY;
    for (size_t k = i; k < name->n; k++)
        if (is_vendor(name->word[k]) || (k + 1 < name->n && strcmp(name->word[k], "relic") == 0 && strcmp(name->word[k + 1], "new") == 0)
            || (k + 1 < name->n && strcmp(name->word[k], "bird") == 0 && strcmp(name->word[k + 1], "message") == 0)
            || (k + 1 < name->n && strcmp(name->word[k], "in") == 0 && strcmp(name->word[k + 1], "linked") == 0)
            || (k + 1 < name->n && strcmp(name->word[k], "ai") == 0 && strcmp(name->word[k + 1], "private") == 0))
            return NAME_VENDOR;
    return NAME_NONE;
}
static bool name_has_vendor(const struct name *name)
{
    for (size_t k = 0; k < name->n; k++)
        if (is_vendor(name->word[k]))
            return true;
    return false;
}
/* Small letters and digits without a word in them: five consonants in a row, as no word has. Where a name vouches. */
static bool looks_spelled(struct span v)
{
    size_t run = 0, most = 0, digits = 0;
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.at[i];
        if (!is_alnum(c))
            return false;
        digits += is_digit(c);
        run = is_digit(c) || strchr("aeiouyAEIOUY", c) ? 0 : run + 1;
        if (run > most)
            most = run;
    }
    return digits >= 1 && most >= 5 && entropy_bits(v) >= 3;
}

static const char *const value_words[] = {
    "admin", "any", "base64", "bool", "boolean", "bytes", "char", "confirm", "confirmation", "default", "disabled", "empty", "enabled", "enter",
    "env", "environ", "false", "forgot", "getenv", "hidden", "input", "int", "invalid", "key", "letmein", "mandatory", "missing", "motdepasse", "new",
    "nil", "no", "none", "null", "object", "option", "optional", "os", "pass", "passphrase", "passwd", "password", "plaintext", "process", "prompt",
    "pwd", "random", "required", "reset", "secret", "self", "str", "string", "test", "text", "this", "token", "true", "undefined", "unknown", "user",
    "username", "value", "varchar", "wrong", "yes", "your",
};
/* Common technical words of letters and digits that no one uses as a password. */
static bool is_technical(const char *plain)
{
    static const char *const words[] = { "aes128", "aes256", "argon2", "base32", "base58", "base64", "ed25519", "es256", "h264", "http2", "ipv4", "ipv6", "iso27001", "java8", "log4j", "md5", "mp3", "mp4", "oauth2", "pbkdf2", "php7", "php8", "python2", "python3",
                                         "rs256", "rsa2048", "rsa4096", "hs256", "sha1", "sha2", "sha3", "sha256", "sha384", "sha512", "tls12", "tls13", "utf8", "utf16", "web3", "win10", "win11", "windows10", "windows11" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], plain) == 0)
            return true;
    return false;
}
static bool is_reference(struct span v)
{
    if (!v.len || strchr("$<{%[&*(", v.at[0]))
        return true;
    static const char *const heads[] = { "process.env", "os.environ", "os.getenv", "getenv", "env.", "env(", "env[", "ENV[", "ENV.", "System.", "config.", "Config.", "settings.", "secrets.", "vault:", "arn:", "ref+", "var.", "local.", "data.", "module.", "self.", "this.", "params.", "request.", "req.", "args.",
                                         "props.", "state.", "options.", "opts.", "ctx.", "input(", "getpass", "http://", "https://", "file:", "/etc/", "/run/", "/var/", "/home/", "/usr/", "/opt/", "./", "../", "~/", "C:\\", "@Microsoft.KeyVault", "!Ref", "!Sub", "projects/", "op://", "kms:", "bool", "new ", "await ", "func", "lambda", "null", "None" };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (span_starts(v, heads[i]))
            return true;
    return false;
}
/* A password someone set down: what must it look like? is_quoted: it stood in quotes. strict: it was found loosely. */
static bool is_password(struct span v, bool is_quoted, int strict)
{
    if (v.len < 4 || v.len > 128 || is_reference(v))
        return false;
    char plain[32];
    word_plain(v, 0, v.len, plain, sizeof plain);
    if (WORD_IN(plain, value_words) || is_technical(plain))
        return false;
    struct makeup m = makeup_of(v);
    size_t symbols = 0;
    bool is_name = true, is_number = true, has_blank = false;
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.at[i];
        if (!is_alnum(c) && c < 0x80 && !is_blank(c) && !strchr(".,-_'/:", c))
            symbols++;
        if (is_blank(c))
            has_blank = true;
        if (!is_letter(c) && c != '_' && c != '.' && c != '-' && c != ' ' && c != '\'')
            is_name = false;
        if (!is_digit(c) && !strchr(".,:/-% ", c))
            is_number = false;
    }
    if (m.distinct <= 2 || looks_made_up(v))
        return false;
    if (has_blank && (!is_quoted || m.digits == 0 || strict > 0))
        return false;
    if (is_number)                  /* PINs and dates are not told apart: only names that mean it, not in prose */
        return strict == 0 && v.len >= 4 && m.digits == v.len && m.distinct >= 3;
    /* code: calls, paths, indexing */
    if (memchr(v.at, '(', v.len) && memchr(v.at, ')', v.len) && m.digits == 0)
        return false;
    if (is_name) {
        /* letters alone: humps, or in quotes and long, or several words in one */
        if (memchr(v.at, '_', v.len) || memchr(v.at, '.', v.len) || memchr(v.at, '\'', v.len) || m.lower == 0)
            return strict == 0 && m.lower == 0 && m.other == 0 && v.len >= 8 && m.run > 0 && is_quoted && false;
        if (strict > 0)
            return v.len >= 10 && m.upper >= 2 && m.lower >= 2 && m.run < 4;
        return v.len >= 8 && ((m.upper >= 2 && m.run < 4) || (memchr(v.at, '-', v.len) && v.len >= 16 && is_quoted));
    }
    unsigned classes = (m.lower > 0) + (m.upper > 0) + (m.digits > 0) + (symbols > 0);
    if (strict == 0)
        return v.len >= 4 && classes >= 2;
    if (strict == 1)
        return v.len >= 5 && classes >= 2 && (v.len >= 8 || classes >= 3 || (m.digits && m.lower + m.upper));
    return v.len >= 7 && classes >= 3 && m.digits >= 1 && m.digits + symbols >= 2;
}
static bool is_secret(struct span v, bool is_bare_key)
{
    if (v.len < 8 || v.len > VALUE_MOST || is_reference(v) || looks_made_up(v))
        return false;
    if (is_uuid(v) && v.len == 36)
        return !is_bare_key;
    struct makeup m = makeup_of(v);
    if (is_bare_key)
        return looks_random(v, 20) && !(m.is_hex && v.len != 32 && v.len != 40 && v.len != 64 && v.len != 48);
    if (v.len >= 16)
        return looks_random(v, 16) || looks_spelled(v) || (m.digits >= 2 && m.other == 0 && v.len >= 20 && m.run <= 5 && entropy_bits(v) >= 3.5);
    return m.digits >= 1 && m.lower + m.upper >= 1 && m.distinct >= 6 && m.run < 3.2 && entropy_bits(v) >= 2.7;
}

static bool is_closing(unsigned char c)
{
    return c == '"' || c == '\'' || c == '`';
}
/* &name= : the next part of a query */
static bool is_query(struct hunt *h, size_t i)
{
    size_t n = 0;
    while (n < 32 && (is_alnum(hunt_at(h, i + n)) || hunt_at(h, i + n) == '_' || hunt_at(h, i + n) == '-'))
        n++;
    return n && hunt_at(h, i + n) == '=';
}
struct value {
    size_t start, end;
    bool is_quoted;
    bool is_call;
};
/* The value that begins at i: in quotes (also escaped ones, and French), or up to white space or a closing sign. */
static bool value_at(struct hunt *h, size_t i, struct value *out)
{
    unsigned char open = hunt_at(h, i), close = 0;
    size_t opening = 1;
    bool is_escaped = false;
    if (open == '\\' && is_closing(hunt_at(h, i + 1))) {
        is_escaped = true;
        open = hunt_at(h, i + 1);
        opening = 2;
    }
    if (is_closing(open))
        close = open;
    else if (open == '*' && hunt_at(h, i + 1) == '*') {    /* Markdown: **x** */
        close = '*';
        opening = 2;
    } else if (open == 0xc2 && hunt_at(h, i + 1) == 0xab) { /* « */
        opening = 2;
        close = 0xc2;
        while (is_blank(hunt_at(h, i + opening)))
            opening++;
    } else if (open == 0xe2 && hunt_at(h, i + 1) == 0x80 && (hunt_at(h, i + 2) == 0x9c || hunt_at(h, i + 2) == 0x98)) {
        opening = 3;
        close = 0xe2;
    }
    out->is_call = false;
    if (close) {
        size_t at = i + opening;
        out->is_quoted = true;
        out->start = at;
        if (close == '"' && hunt_at(h, at) == '"')
            return false;
        while (at - out->start <= VALUE_MOST) {
            unsigned char c = hunt_at(h, at);
            if (!c || (hunt_class[c] & IS_LINE))
                break;
            if (c == '\\' && !is_escaped && close < 0x80 && hunt_at(h, at + 1)) {
                at += 2;
                continue;
            }
            if (is_escaped ? c == '\\' && hunt_at(h, at + 1) == open : c == close) {
                out->end = at;
                while (out->end > out->start && is_blank((unsigned char)h->text.at[out->end - 1]))
                    out->end--;
                return out->end > out->start;
            }
            at++;
        }
        if (at < h->text.len)
            return false;       /* a quote never closed is no quote */
        out->end = at < h->text.len ? at : h->text.len;
        return out->end > out->start;
    }
    size_t at = i;
    out->is_quoted = false;
    out->start = i;
    while (at - i <= VALUE_MOST) {
        unsigned char c = hunt_at(h, at);
        if (!c || is_space(c) || strchr("\"'`<>;,|", c) || (c == '&' && at > i && is_query(h, at + 1)) || (c == '\\' && strchr("nrt\"'", hunt_at(h, at + 1))))
            break;
        if (c == 0xc2 && (hunt_at(h, at + 1) == 0xbb || hunt_at(h, at + 1) == 0xa0))
            break;
        if (c == 0xe2 && hunt_at(h, at + 1) == 0x80)
            break;
        if ((c == ')' || c == ']' || c == '}') && !memchr(h->text.at + i, c == ')' ? '(' : c == ']' ? '[' : '{', at - i))
            break;
        if (c == '(')
            out->is_call = true;
        at++;
    }
    out->end = at;
    for (;;) {
        if (out->end > i && strchr(".,:;?", h->text.at[out->end - 1]))
            out->end--;
        else if (out->end > i + 2 && h->text.at[out->end - 1] == '*' && h->text.at[out->end - 2] == '*')
            out->end -= 2;      /* Markdown */
        else
            break;
    }
    return out->end > i;
}

/* The name that ends before `to`: [*from, *end). */
static bool name_before(struct hunt *h, size_t to, size_t *from, size_t *end)
{
    size_t e = to, floor = to > NAME_REACH ? to - NAME_REACH : 0;
    while (e > floor && is_blank((unsigned char)h->text.at[e - 1]))
        e--;
    if (e > floor && (h->text.at[e - 1] == '?' || h->text.at[e - 1] == ':' || h->text.at[e - 1] == '!' || h->text.at[e - 1] == '|'))
        e--;
    while (e > floor && (is_closing((unsigned char)h->text.at[e - 1]) || h->text.at[e - 1] == '\\' || h->text.at[e - 1] == ']' || h->text.at[e - 1] == '*' || is_blank((unsigned char)h->text.at[e - 1])))
        e--;
    size_t s = e, blanks = 0;
    while (s > floor) {
        unsigned char c = (unsigned char)h->text.at[s - 1];
        if (is_word(c) || c == '.' || c == '-' || c == '\'') {
            s--;
            continue;
        }
        /* names of several words: "secret access key: …"; three blanks at most, one at a time */
        if (c == ' ' && blanks < 4 && s - 1 > floor && is_word((unsigned char)h->text.at[s - 2])) {
            blanks++;
            s--;
            continue;
        }
        break;
    }
    *from = s;
    *end = e;
    return e > s;
}
static const char *const name_kinds[] = { "", "password", "named-secret", "named-secret", "authorization", "vendor-key" };

static bool is_vendor_value(struct span v)
{
    if (is_uuid(v) && v.len == 36)
        return true;
    struct makeup m = makeup_of(v);
    if (m.digits == v.len)
        return v.len == 16 || v.len == 18;      /* client ids of Asana and Discord */
    if (v.len < 14 || v.len > 120 || !m.digits || looks_made_up(v))
        return false;
    return looks_spelled(v) || (looks_random(v, 14) && (v.len >= 40 || !memchr(v.at, '/', v.len)));
}
static bool judge_value(struct hunt *h, enum name_kind kind, const struct value *v, bool is_assignment, double *score)
{
    struct span value = span_cut(h->text, v->start, v->end);
    if (v->is_call && !v->is_quoted && kind != NAME_PASSWORD)
        return false;
    *score = 0.9;
    switch (kind) {
    case NAME_PASSWORD:
        if (!v->is_quoted && v->is_call && (hunt_at(h, v->end) == '"' || hunt_at(h, v->end) == '\'' || hunt_at(h, v->end) == ')'))
            return false;
        return is_password(value, v->is_quoted, is_assignment ? 0 : 1);
    case NAME_SECRET: return is_secret(value, false) || (v->is_quoted && value.len >= 12 && is_password(value, true, 2));
    case NAME_KEY: *score = 0.7; return is_secret(value, true);
    case NAME_VENDOR: *score = 0.75; return is_vendor_value(value);
    default: return false;
    }
}
bool is_basic_pair(struct span b64);

static size_t auth_value(struct hunt *h, size_t at)
{
    /* [quote] scheme blank value */
    while (is_closing(hunt_at(h, at)) || is_blank(hunt_at(h, at)))
        at++;
    size_t word = at;
    while (is_alpha(hunt_at(h, at)) || hunt_at(h, at) == '-')
        at++;
    struct span scheme = span_cut(h->text, word, at < h->text.len ? at : h->text.len);
    bool is_scheme = span_is_nocase(scheme, "basic") || span_is_nocase(scheme, "bearer") || span_is_nocase(scheme, "token") || span_is_nocase(scheme, "apikey") || span_is_nocase(scheme, "api-key") || span_is_nocase(scheme, "digest")
                     || span_is_nocase(scheme, "splunk") || span_is_nocase(scheme, "ssws") || span_is_nocase(scheme, "key") || span_is_nocase(scheme, "negotiate") || span_is_nocase(scheme, "bot") || span_is_nocase(scheme, "genieKey") || span_is_nocase(scheme, "sso-key");
    if (is_scheme && hunt_at(h, at) == ' ')
        at++;
    else
        at = word;
    struct value v;
    if (!value_at(h, at, &v) || v.is_call)
        return 0;
    struct span value = span_cut(h->text, v.start, v.end);
    if (span_is_nocase(scheme, "basic")) {
        if (!is_basic_pair(value))
            return 0;
        hunt_hit(h, v.start, v.end, "basic-auth", 0.95, "the credentials of an Authorization header");
        return v.end;
    }
    if (!is_reference(value) && value.len >= 8 && (looks_random(value, 12) || is_secret(value, false))) {
        hunt_hit(h, v.start, v.end, "authorization", 0.9, "the credentials of an Authorization header");
        return v.end;
    }
    return 0;
}

size_t named_match(struct hunt *h, size_t sign)
{
    size_t from, end;
    unsigned char c = (unsigned char)h->text.at[sign];
    size_t at = sign + 1;
    if (c == '=' || c == ':') {
        if (c == ':' && hunt_at(h, at) == ':')
            return 0;
        while (hunt_at(h, at) == '=' || hunt_at(h, at) == '>' || hunt_at(h, at) == '~')
            at++;
    } else if (c == '(' || c == ',') {
        size_t peek = at;
        while (is_blank(hunt_at(h, peek)))
            peek++;
        if (!is_closing(hunt_at(h, peek)))
            return 0;
        if (c == ',' && !(sign && is_closing((unsigned char)h->text.at[sign - 1])))
            return 0;
    }
    if (!name_before(h, sign, &from, &end))
        return 0;
    struct name name;
    name_split(h->text, from, end, &name);
    enum name_kind kind = name_judge(&name);
    /* <add key="Password" value="x"/>, - name: DB_PASSWORD / value: x */
    if (kind == NAME_NONE && name.n && (strcmp(name.word[0], "value") == 0 || strcmp(name.word[0], "content") == 0) && from) {
        size_t back = from, floor = from > NAME_REACH ? from - NAME_REACH : 0;
        while (back > floor && h->text.at[back - 1] != '=' && h->text.at[back - 1] != ':')
            back--;
        if (back > floor) {
            size_t tag_from, tag_end;
            if (name_before(h, back - 1, &tag_from, &tag_end)) {
                struct name tag;
                name_split(h->text, tag_from, tag_end, &tag);
                if (tag.n && (strcmp(tag.word[0], "key") == 0 || strcmp(tag.word[0], "name") == 0 || strcmp(tag.word[0], "id") == 0)) {
                    size_t e = from;
                    while (e > back && !is_word((unsigned char)h->text.at[e - 1]))
                        e--;
                    size_t s = e;
                    while (s > back && (is_word((unsigned char)h->text.at[s - 1]) || h->text.at[s - 1] == '.' || h->text.at[s - 1] == '-'))
                        s--;
                    name_split(h->text, s, e, &name);
                    kind = name_judge(&name);
                }
            }
        }
    }
    if (kind == NAME_NONE)
        return 0;
    bool is_sentence = false;
    for (size_t k = from; k < end; k++)
        is_sentence |= h->text.at[k] == ' ';
    size_t lines = 0, blanks = 0;
    while (is_space(hunt_at(h, at)) && blanks < 40) {
        if (hunt_at(h, at) == '\n' && ++lines > 1)
            return 0;
        blanks++;
        at++;
    }
    if (lines && c != ':')
        return 0;
    if (kind == NAME_AUTH)
        return auth_value(h, at);
    /* prefixes of strings: b"…", f"…", @"…" */
    if ((hunt_at(h, at) == '@' || is_alpha(hunt_at(h, at))) && is_closing(hunt_at(h, at + 1)))
        at++;
    /* a few words of type or opener before a quoted value */
    struct value v;
    if (!value_at(h, at, &v))
        return 0;
    if (!v.is_quoted && (c == '(' || c == ','))
        return 0;
    if (span_is_nocase(span_cut(h->text, v.start, v.end), "bearer") || span_is_nocase(span_cut(h->text, v.start, v.end), "basic"))
        return auth_value(h, at);
    double score;
    bool is_assignment = !is_sentence || c == '=' || v.is_quoted;
    if (lines && kind == NAME_PASSWORD)
        is_assignment = false;
    if (!judge_value(h, kind, &v, is_assignment, &score)) {
        if (kind == NAME_VENDOR || kind == NAME_PASSWORD || !name_has_vendor(&name) || !judge_value(h, NAME_VENDOR, &v, is_assignment, &score))
            return 0;
    }
    hunt_hit(h, v.start, v.end, name_kinds[kind], score, "a value whose name says that it is secret");
    return v.start;
}

size_t option_match(struct hunt *h, size_t at)
{
    size_t s = at + 2, e = s;
    while (is_alnum(hunt_at(h, e)) || hunt_at(h, e) == '-' || hunt_at(h, e) == '_')
        e++;
    if (e == s || !is_blank(hunt_at(h, e)) || e - s > 40)
        return 0;
    struct name name;
    name_split(h->text, s, e, &name);
    enum name_kind kind = name_judge(&name);
    if (kind == NAME_NONE || kind == NAME_VENDOR || kind == NAME_AUTH)
        return 0;
    while (is_blank(hunt_at(h, e)))
        e++;
    struct value v;
    double score;
    if (hunt_at(h, e) == '-' || !value_at(h, e, &v) || !judge_value(h, kind, &v, true, &score))
        return 0;
    hunt_hit(h, v.start, v.end, name_kinds[kind], 0.85, "the value of a command's option for secrets");
    return v.start;
}

/* Sentences. */
static const struct { const char *words; int strict; } cues[] = {
    /* strict 1: a link (is, :, est) makes nearly anything a password; 2: only what looks very much like one */
    { "password", 1 }, { "passwords", 2 }, { "passwd", 1 }, { "passcode", 1 }, { "passphrase", 1 }, { "passwort", 1 }, { "pwd", 1 }, { "pw", 1 }, { "mdp", 1 }, { "mot de passe", 1 }, { "mots de passe", 2 }, { "code secret", 1 }, { "code pin", 1 }, { "code d'acces", 1 },
    { "credentials", 2 }, { "creds", 2 }, { "credential", 2 }, { "identifiants", 2 }, { "identifiant", 2 }, { "id", 2 }, { "login", 2 }, { "logs", 2 }, { "log in", 2 }, { "connecter", 2 }, { "connexion", 2 }, { "connecte", 2 }, { "user", 2 }, { "username", 2 }, { "utilisateur", 2 }, { "acces", 2 }, { "access", 2 },
    { "identified by", 1 }, { "compte", 2 }, { "account", 2 }, { "pass", 2 }, { "code", 2 },
};
static const char *const links[] = { "are", "became", "becomes", "devient", "est", "etait", "etre", "is", "reste", "sera", "set", "sont", "to", "was", "with", "equals", "avec", "par", "by", "using", "use", "utilise", "vaut", "en", "remains", "ist", "cest" };
static bool is_link(const char *word)
{
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (strcmp(links[i], word) == 0)
            return true;
    return false;
}
/* Does the cue's phrase stand at `at`, whole words, any case, accents or not? Its end, or 0. */
static size_t phrase_at(struct hunt *h, size_t at, const char *phrase)
{
    size_t i = at;
    for (const char *p = phrase; *p; p++) {
        unsigned char c = hunt_at(h, i);
        if (*p == '\'') {
            if (c == 0xe2 && hunt_at(h, i + 1) == 0x80 && hunt_at(h, i + 2) == 0x99)
                i += 3;
            else if (c == '\'')
                i++;
            else
                return 0;
            continue;
        }
        if (c == 0xc3) {
            char plain[4];
            char two[2] = { (char)c, (char)hunt_at(h, i + 1) };
            if (word_plain((struct span){ two, 2 }, 0, 2, plain, sizeof plain) != 1 || plain[0] != *p)
                return 0;
            i += 2;
            continue;
        }
        if ((c >= 'A' && c <= 'Z' ? c | 32 : c) != (unsigned char)*p)
            return 0;
        i++;
    }
    unsigned char next = hunt_at(h, i);
    return is_word(next) ? 0 : i;
}
/* *where: the word being judged. Those before it are done with: no finding of this cue begins at them any more. */
static size_t prose_try(struct hunt *h, size_t at, size_t *where)
{
    size_t cue_end = 0;
    int cue_strict = 2;
    unsigned char one = (unsigned char)h->text.at[at] | 32, two = hunt_at(h, at + 1);
    for (size_t k = 0; k < sizeof cues / sizeof *cues; k++) {
        if ((unsigned char)cues[k].words[0] != one || (two < 0x80 && two && (unsigned char)cues[k].words[1] != (two | 32)))
            continue;
        size_t e = phrase_at(h, at, cues[k].words);
        if (e > cue_end) {
            cue_end = e;
            cue_strict = cues[k].strict;
        }
    }
    if (!cue_end)
        return 0;
    /* Without a digit in reach the stricter bar is out of reach as well. */
    if (cue_strict == 2) {
        size_t d = cue_end, most = h->text.len - cue_end < PROSE_REACH + 64 ? h->text.len : cue_end + PROSE_REACH + 64;
        while (d < most && !is_digit((unsigned char)h->text.at[d]))
            d++;
        if (d == most)
            return 0;
    }
    /* What follows, word by word, in the same sentence. A link lowers the bar for the word after it. */
    size_t i = cue_end, words = 0;
    bool is_linked = false, was_link = false, was_slash = false;
    while (i - cue_end < PROSE_REACH && words < 12) {
        unsigned char c = hunt_at(h, i);
        *where = i;
        if (!c)
            return 0;
        if (is_blank(c)) {
            i++;
            continue;
        }
        if (hunt_class[c] & IS_LINE) {
            /* over the end of a line only behind a colon, to a line of one word */
            size_t e = i + 1;
            if (!was_link || hunt_class[hunt_at(h, e)] & IS_LINE)
                return 0;
            while (is_blank(hunt_at(h, e)))
                e++;
            i = e;
            while (hunt_at(h, e) && !is_space(hunt_at(h, e)))
                e++;
            while (is_blank(hunt_at(h, e)))
                e++;
            if (hunt_at(h, e) && !(hunt_class[hunt_at(h, e)] & IS_LINE))
                return 0;
            continue;
        }
        if (c == ':' || c == '=' || c == '(' || (c == '-' && is_blank(hunt_at(h, i + 1))) || (c == '/' && is_blank(hunt_at(h, i + 1)))) {
            is_linked = was_link = true;
            was_slash = c == '/';
            i++;
            continue;
        }
        struct value v;
        if (!value_at(h, i, &v)) {
            i++;
            continue;
        }
        if (v.start >= h->text.len)
            return 0;
        /* a word of the sentence, or the secret? */
        char plain[NAME_WORD];
        struct span value = span_cut(h->text, v.start, v.end);
        word_plain(h->text, v.start, v.end, plain, sizeof plain);
        int strict = is_linked || v.is_quoted ? cue_strict : 2;
        if (cue_end - at == 13 && !v.is_quoted)     /* IDENTIFIED BY '…' */
            strict = 2;
        if (strict == 1 && is_linked && !was_link && !v.is_quoted)
            strict = 2;     /* words between the link and it: "is now 8 characters" */
        if (words == 0 && cue_strict == 1 && cue_end - at != 13 && strict == 2 && value.len >= 7 && makeup_of(value).digits)
            strict = 1;     /* right behind the word itself: "with password X" */
        if (cue_strict == 2 && is_linked && ((was_slash && value.len >= 8) || memchr(value.at + 1, ':', value.len - 1)) && makeup_of(value).digits >= 2)
            strict = 1;     /* admin / X, admin:X */
        bool is_pathlike = memchr(value.at, '/', value.len) || memchr(value.at, '\\', value.len) || span_find(value, SPAN("://"));
        bool is_mail = false;
        const char *sign = memchr(value.at, '@', value.len);
        if (sign && memchr(sign, '.', (size_t)(value.at + value.len - sign)) && sign > value.at)
            is_mail = true;
        /* Not a time, an amount, a file, a call, an option or a variable */
        const char *dot = memchr(value.at, '.', value.len);
        bool is_file = dot && (size_t)(value.at + value.len - dot) <= 5 && (size_t)(value.at + value.len - dot) >= 2 && strict == 2;
        if (!is_mail && !v.is_call && !is_file && !(is_pathlike && strict == 2) && value.at[0] != '-' && value.at[0] != '#' && value.at[0] != '@' && !(value.at[0] == '/' ) && is_password(value, v.is_quoted, strict)
            && !(is_uuid(value) && strict == 2) && !(makeup_of(value).is_hex && value.len >= 32 && strict == 2)) {
            /* user:password pairs are handled whole by their sign */
            const char *colon = cue_strict == 2 ? memchr(value.at, ':', value.len) : NULL;
            size_t start = v.start;
            if (colon && strict == 1 && colon + 4 >= value.at + value.len)
                return 0;
            if (colon && makeup_of(span_cut(h->text, v.start, v.start + (size_t)(colon - value.at))).digits == (size_t)(colon - value.at))
                return 0;       /* digits and a colon: another form's beginning */
            if (colon && colon + 4 < value.at + value.len)
                start = v.start + (size_t)(colon + 1 - value.at);
            if (!is_password(span_cut(h->text, start, v.end), v.is_quoted, strict))
                return 0;
            hunt_hit(h, start, v.end, "password", strict == 1 ? 0.85 : 0.7, "a password told in a sentence");
            return start;
        }
        /* the sentence goes on; a further cue in it speaks for itself */
        if (WORD_IN(plain, password_words))
            return 0;
        words++;
        size_t past = v.end > i ? v.end : i + 1;
        unsigned char stop = hunt_at(h, past);
        if (v.is_quoted)
            past++;
        else if (is_closing(stop)) {        /* an apostrophe within a word opens nothing */
            while (hunt_at(h, past) && !is_space(hunt_at(h, past)) && past - cue_end < PROSE_REACH)
                past++;
            stop = hunt_before(h, past);
            word_plain(h->text, i, past < h->text.len ? past : h->text.len, plain, sizeof plain);
        }
        static const char *const clear[] = { "actually", "always", "currently", "la", "le", "maintenant", "now", "still", "the", "toujours" };
        if (!(was_link && WORD_IN(plain, clear)))
            was_link = is_link(plain);
        is_linked |= was_link;
        was_slash = false;
        if ((stop == '.' || stop == '!' || stop == '?') && is_space(hunt_at(h, past + 1)))
            return 0;
        if (stop == ';')
            return 0;
        if (stop == ',' || stop == '.')
            past++;
        if (stop == ',' && is_linked)
            return 0;
        i = past;
    }
    return 0;
}

size_t prose_match(struct hunt *h, size_t at, size_t word_end)
{
    size_t where = word_end;
    while (where < h->text.len && is_blank((unsigned char)h->text.at[where]))
        where++;
    hunt_try(h);
    prose_try(h, at, &where);
    hunt_tried(h, where);
    return 0;       /* what lies between the cue and its value is looked at as ever */
}

bool cue_near(struct hunt *h, size_t start, size_t end)
{
    static const char *const words[] = { "401", "api", "apikey", "authentification", "authentication", "authenticate", "auth", "authorization", "bearer", "cle", "clef", "cles", "creds", "credential", "credentials", "jeton", "jetons", "jwt", "key", "keys", "mdp", "motdepasse", "passe", "password", "passwords", "pat", "secret", "secrets", "token", "tokens", "unauthorized" };
    char word[NAME_WORD];
    size_t floor = start > 80 ? start - 80 : 0;
    for (size_t pass = 0; pass < 2; pass++) {
        bool was_public = false;
        size_t i = pass ? end : floor, stop = pass ? end + 48 : start;
        if (!pass)      /* not the second half of a word */
            while (i && i < start && is_word((unsigned char)h->text.at[i - 1]))
                i++;
        while (i < stop) {
            unsigned char c = hunt_at(h, i);
            if (pass && (!c || (hunt_class[c] & IS_LINE)))
                break;
            if (!is_letter(c) && !is_digit(c)) {
                i++;
                continue;
            }
            size_t e = i;
            while (e < stop + 16 && (is_letter(hunt_at(h, e)) || is_digit(hunt_at(h, e))))
                e++;
            word_plain(h->text, i, e < h->text.len ? e : h->text.len, word, sizeof word);
            bool is_public = was_public;
            was_public = strncmp(word, "publi", 5) == 0 || strcmp(word, "ssh") == 0;
            for (size_t k = 0; k < sizeof words / sizeof *words && !is_public; k++)
                if (strcmp(words[k], word) == 0)
                    return true;
            if (ends_with(word, "token") || ends_with(word, "secret") || ends_with(word, "apikey"))
                return true;
            i = e > i ? e : i + 1;
        }
    }
    return false;
}

static int b64_digit(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (is_digit(c))
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}
/* Decodes up to 96 bytes; the number of bytes, 0 where it is no base64. */
static size_t b64_peek(struct span s, unsigned char out[96])
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    for (size_t i = 0; i < s.len && n < 96; i++) {
        if (s.at[i] == '=')
            break;
        int d = b64_digit((unsigned char)s.at[i]);
        if (d < 0)
            return 0;
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (unsigned char)(bits >> have);
        }
    }
    return n;
}
bool is_base64_text(struct span b64)
{
    unsigned char bytes[96];
    size_t n = b64_peek(b64, bytes), good = 0;
    for (size_t i = 0; i < n; i++)
        good += (bytes[i] >= 32 && bytes[i] < 127) || bytes[i] == '\n' || bytes[i] == '\t';
    return n >= 6 && good == n;
}
bool is_basic_pair(struct span b64)
{
    unsigned char bytes[96];
    size_t n = b64_peek(b64, bytes);
    const unsigned char *colon = memchr(bytes, ':', n);
    if (n < 5 || !colon)
        return false;
    for (size_t i = 0; i < n; i++)
        if (bytes[i] < 32 || bytes[i] == 127)
            return false;
    size_t rest = n - (size_t)(colon + 1 - bytes);
    struct span password = { (const char *)colon + 1, rest };
    return rest >= 3 && !span_is(password, "password") && !span_is(password, "pass") && !looks_made_up(password);
}
