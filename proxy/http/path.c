/* SPDX-License-Identifier: Apache-2.0
 *
 * Is there one reading of this path? Servers decode percent escapes none, one or several times, take %2F or a backslash for
 * a slash, drop matrix parameters and climb dot segments afterwards. So the path is read here as the most eager of them
 * would, and refused where a dot segment, a backslash or a control byte comes to light. Nothing is rewritten: what passes,
 * passes as it came. Linear; no memory.
 */
#include "proxy/http/bytes.h"
#include "proxy/http/http.h"

static bool is_escape(struct span s, size_t i)
{
    return i + 2 < s.len && s.at[i] == '%' && byte_is(s.at[i + 1], BYTE_HEX) && byte_is(s.at[i + 2], BYTE_HEX);
}
/* The byte at *i with all layers of escapes undone: %2e, %252e, %25252e … are one dot each. */
static unsigned char eager_byte(struct span s, size_t *i)
{
    if (!is_escape(s, *i))
        return (unsigned char)s.at[(*i)++];
    size_t at = *i;
    while (s.at[at + 1] == '2' && s.at[at + 2] == '5' && at + 4 < s.len && byte_is(s.at[at + 3], BYTE_HEX) && byte_is(s.at[at + 4], BYTE_HEX))
        at += 2;
    *i = at + 3;
    return (unsigned char)(hex_value(s.at[at + 1]) << 4 | hex_value(s.at[at + 2]));
}

/* What a character is to a reader who folds overlong and full-width forms (NFKC) before he looks for dots and slashes. */
enum sign { OTHER, DOT, TWO_DOTS, SLASH, SEMICOLON, BACKSLASH, CONTROL, OVERLONG };
static enum sign eager_sign(struct span s, size_t *i)
{
    unsigned char b = eager_byte(s, i);
    switch (b) {
    case '.': return DOT;
    case '/': return SLASH;
    case ';': return SEMICOLON;
    case '\\': return BACKSLASH;
    case 0xc0: case 0xc1: return OVERLONG;
    default: break;
    }
    if (b < 0x20 || b == 0x7f)
        return CONTROL;
    if (b < 0xe0 || *i == s.len)
        return OTHER;
    size_t next = *i;
    unsigned char second = eager_byte(s, &next);
    if ((b == 0xe0 && second >= 0x80 && second < 0xa0) || (b == 0xf0 && second >= 0x80 && second < 0x90))
        return OVERLONG;
    if (b > 0xef || next == s.len)
        return OTHER;
    unsigned code = (unsigned)b << 16 | (unsigned)second << 8;
    code |= eager_byte(s, &next);
    enum sign sign = code == 0xefbc8e || code == 0xe280a4 || code == 0xefb992 ? DOT : code == 0xe280a5 ? TWO_DOTS
                     : code == 0xefbc8f ? SLASH : code == 0xefbcbc || code == 0xefb9a8 ? BACKSLASH : OTHER;
    if (sign != OTHER)
        *i = next;
    return sign;
}

/* Would decoding once more, past the layers eager_byte undoes, find an escape made of escapes (%25%32%65)? */
static bool hides_escapes(struct span s)
{
    unsigned after = 2; /* hexadecimal digits since a percent sign */
    for (size_t i = 0; i < s.len;) {
        unsigned char b = eager_byte(s, &i);
        if (b == '%')
            after = 0;
        else if (after < 2 && byte_is((char)b, BYTE_HEX)) {
            if (++after == 2)
                return true;
        } else
            after = 2;
    }
    return false;
}

bool http_path_may_mean(struct span path, struct span mount)
{
    size_t m = 0;
    bool was_slash = false, is_parameter = false;
    for (size_t i = 0; i < path.len;) {
        size_t here = i;
        enum sign sign = eager_sign(path, &i);
        if (sign == SLASH) {
            is_parameter = false;
            if (was_slash)
                continue;
            if (m == mount.len)
                return true;
        } else if (sign == SEMICOLON || is_parameter) {
            is_parameter = true;
            continue;
        }
        was_slash = sign == SLASH;
        if (sign == OTHER)
            i = here;
        unsigned char b = was_slash ? '/' : sign == DOT ? '.' : sign == OTHER ? eager_byte(path, &i) : 0;
        if (m == mount.len || lower((char)b) != lower(mount.at[m]))
            return false;
        m++;
    }
    return m == mount.len;
}

bool http_path_is_plain(struct span path, const char **why)
{
    const char *ignored;
    why = why ? why : &ignored;
    *why = NULL;
    if (!path.len || path.at[0] != '/')
        *why = "the path does not begin with a slash";
    else if (path.len > 1 && path.at[1] == '/')
        *why = "the path begins with two slashes, which some read as a host";
    for (size_t i = 0; i < path.len && !*why; i++) {
        if (!byte_is(path.at[i], BYTE_TARGET) || path.at[i] == '?')
            *why = "the path holds a byte that may not stand there";
        else if (path.at[i] == '%' && !is_escape(path, i))
            *why = "the path holds a percent sign without two hexadecimal digits";
    }
    if (!*why && hides_escapes(path))
        *why = "the path holds percent escapes made of percent escapes";
    unsigned dots = 0;
    bool only_dots = true, is_parameter = false;
    for (size_t i = 0; i <= path.len && !*why;) {
        enum sign sign = i < path.len ? eager_sign(path, &i) : (i++, SLASH);
        switch (sign) {
        case DOT: dots++; break;
        case TWO_DOTS: dots += 2; break;
        case SLASH:
        case SEMICOLON:
            if (only_dots && !is_parameter && (dots == 1 || dots == 2))
                *why = "the path holds a dot segment";
            if (sign == SLASH)
                is_parameter = false;
            else
                is_parameter = true; /* the segment's name ends here; its parameters may be dots */
            dots = 0;
            only_dots = true;
            break;
        case BACKSLASH: *why = "the path holds a backslash"; break;
        case CONTROL: *why = "the path holds a control byte"; break;
        case OVERLONG: *why = "the path holds an overlong character"; break;
        default: only_dots = false;
        }
    }
    return !*why;
}
