/* SPDX-License-Identifier: Apache-2.0 */
#include "checks/text/language.h"
#include "base/utf8.h"

enum { LATINS = 7, READ_TOKENS = 2000 };
static const struct {
    const char *code, *words; /* each with a blank before and after it */
} latins[LATINS] = {
    { "en", " the and of to is that it you for was with this are have not be at from what how can your which i we my do does " },
    { "fr", " le la les de des du et est une un que qui dans pour pas vous je nous sur au avec ce cette il elle l d j qu comment quel mon votre sont ne " },
    { "de", " der die das und ist nicht ein eine ich sie zu den mit auf fur von wie es im dem wird sind auch kann mein wir haben " },
    { "es", " el los las de que y en un una es por con para no se del como mi su lo esta pero al mas yo cual puedo " },
    { "it", " il lo gli di che e un una per non con sono del della si nel come mi la le questo piu io posso ha anche " },
    { "nl", " de het een en van is dat niet ik je op te zijn met voor die hoe wat mijn aan er ook wij kan naar " },
    { "pt", " o os as de que e em um uma nao com para por se do da no na como mais meu minha eu voce isso ao " },
};

static const char *by_script(uint32_t c, bool *is_han)
{
    if (c >= 0x400 && c < 0x530)
        return "ru";
    if (c >= 0x370 && c < 0x400)
        return "el";
    if (c >= 0x590 && c < 0x600)
        return "he";
    if (c >= 0x600 && c < 0x780)
        return "ar";
    if (c >= 0x900 && c < 0x980)
        return "hi";
    if (c >= 0xe00 && c < 0xe80)
        return "th";
    if (c >= 0x3040 && c < 0x3100)
        return "ja";
    if ((c >= 0xac00 && c < 0xd7b0) || (c >= 0x1100 && c < 0x1200))
        return "ko";
    *is_han = c >= 0x3400 && c < 0xa000;
    return NULL;
}

const char *language_guess(const struct tokens *t)
{
    uint32_t hits[LATINS] = { 0 }, han = 0, latin = 0, kana = 0, others = 0;
    struct { const char *code; uint32_t n; } script[10] = { { NULL, 0 } };
    for (size_t i = 0; i < t->n && i < READ_TOKENS; i++) {
        const struct token *k = &t->list[i];
        if (k->is_sign)
            continue;
        struct span w = span_cut(t->text, k->start, k->end);
        size_t length = utf8_length(w.at, w.len);
        uint32_t c = length ? utf8_code(w.at, length) : 0;
        if (c >= 0x370) {
            bool is_han = false;
            const char *code = by_script(c, &is_han);
            han += is_han;
            for (size_t s = 0; code && s < 10; s++)
                if (!script[s].code || !strcmp(script[s].code, code)) {
                    script[s].code = code;
                    script[s].n++;
                    others++;
                    kana += !strcmp(code, "ja");
                    break;
                }
            continue;
        }
        if (c < 'a')
            continue;
        latin++;
        if (w.len > 8)
            continue;
        char padded[12] = " ";
        memcpy(padded + 1, w.at, w.len);
        padded[w.len + 1] = ' ';
        for (size_t l = 0; l < LATINS; l++)
            hits[l] += memmem(latins[l].words, strlen(latins[l].words), padded, w.len + 2) != NULL;
    }
    if (han + others > latin) {
        if (han >= others || kana)
            return kana * 8 >= han && kana ? "ja" : "zh";
        size_t best = 0;
        for (size_t s = 1; s < 10; s++)
            if (script[s].n > script[best].n)
                best = s;
        return script[best].code;
    }
    size_t best = 0, second = 1;
    for (size_t l = 1; l < LATINS; l++) {
        if (hits[l] > hits[best]) {
            second = best;
            best = l;
        } else if (l != best && (second == best || hits[l] > hits[second])) {
            second = l;
        }
    }
    /* one small word is no sentence, and a tie is no answer */
    return hits[best] >= 2 && hits[best] * 8 >= latin && hits[best] > hits[second] ? latins[best].code : "";
}
