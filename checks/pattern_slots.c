/* SPDX-License-Identifier: Apache-2.0
 * Placeholders: slots that a final text must not hold: [Your Name], {{date}}, <nom>, XX/XX/XXXX, lorem ipsum. Not where
 * a template was asked for, not in code, not where the prompt itself speaks of that very string. */
#include "checks/pattern.h"

static bool wants_template(struct pattern_view *v)
{
    if (v->template == NOT_ASKED)
        v->template = pattern_asked(v, "template templates placeholder placeholders modele modeles gabarit gabarits trame trames boilerplate skeleton canevas mustache jinja "
                            "handlebars variables variable fill mailmerge publipostage lorem formulaire slots completer reusable reutilisable generic generique markdown regex format") ? ASKED_YES : ASKED_NO;
    return v->template == ASKED_YES;
}
static bool is_slot_word(const struct words *w, size_t i)
{
    return word_in(w, i, "your name date company address phone number email insert nom prenom adresse entreprise societe votre vos telephone numero montant amount city ville "
                         "title titre recipient sender destinataire expediteur client customer order reference signature position poste job department service day month year "
                         "jour mois annee time heure place lieu location subject objet product produit price prix organization organisation school university manager "
                         "team event invoice facture account compte employer inserer indiquer ajouter add todo tbd link lien url value valeur text texte topic sujet state zip code "
                         "here ici specify preciser precisez enter saisir xxx first last full mr mrs");
}

/* Words (not marks) inside a bracket opened at i, up to `close`; 0 if it is not closed within ten words on its line. */
static size_t bracket_end(const struct words *w, size_t i, char close, size_t *texts, size_t *slots, size_t *capitals, size_t *initial)
{
    *texts = *slots = *capitals = *initial = 0;
    for (size_t k = i + 1; k < w->n && k < i + 14; k++) {
        const struct word *x = &w->list[k];
        if (word_is_mark(w, k, close))
            return k;
        if (x->flags & WORD_LINE)
            return 0;
        if (x->kind == WORD_TEXT) {
            ++*texts;
            *slots += is_slot_word(w, k);
            *capitals += (x->flags & WORD_CAPITALS) != 0;
            *initial += (x->flags & WORD_CAPITAL) != 0;
        } else if (x->kind == WORD_MARK && !strchr("-_/'.,:#&", x->mark ? x->mark : '!'))
            return 0;
        else if (x->kind == WORD_NUMBER)
            return 0;
        else if (x->kind == WORD_URL || x->kind == WORD_EMAIL)
            return 0;
    }
    return 0;
}
/* All x, in capitals in the original. */
static bool is_crosses(const struct words *w, size_t i)
{
    if (i >= w->n || w->list[i].kind != WORD_TEXT || !(w->list[i].flags & WORD_CAPITAL))
        return false;
    struct span t = word_text(w, i);
    for (size_t k = 0; k < t.len; k++)
        if (t.at[k] != 'x')
            return false;
    return t.len >= 2 && (w->list[i].flags & WORD_CAPITALS);
}
/* A run "XX/XX/XXXX" from word i: one past it. */
static size_t crosses_past(const struct words *w, size_t i)
{
    size_t past = i + 1;
    while (past + 1 < w->n && w->list[past].kind == WORD_MARK && strchr("/-.: ", w->list[past].mark ? w->list[past].mark : '!') && (w->list[past].flags & WORD_GLUED)
           && (is_crosses(w, past + 1) || w->list[past + 1].kind == WORD_NUMBER) && (w->list[past + 1].flags & WORD_GLUED))
        past += 2;
    return past;
}
void pattern_slots(struct pattern_view *v)
{
    const struct words *w = v->w;
    for (size_t i = 0; i < w->n; i++) {
        const struct word *x = &w->list[i];
        size_t texts, slots, capitals, initial, close;
        if (x->kind == WORD_MARK) {
            if ((x->mark != '[' && x->mark != '{' && x->mark != '<' && x->mark != '%') || pattern_in_code(v, i) || wants_template(v))
                continue;
            if (x->mark == '[' && (close = bracket_end(w, i, ']', &texts, &slots, &capitals, &initial))) {
                struct span inner = span_cut(w->fold->text, x->at, w->list[close].to);
                bool link = word_is_mark(w, close + 1, '(') && (w->list[close + 1].flags & WORD_GLUED);
                bool known = texts == 0 || word_in(w, i + 1, "sic redacted inaudible laughter applause music rires masque censored censure translated note edit source citation ndlr verse chorus intro outro "
                                                        "bridge hook refrain couplet scene unk mask editor pause deleted removed supprime sources image");
                bool slot = (slots && (slots * 2 >= texts || capitals == texts || initial == texts)) || (capitals == texts && texts && (w->list[i + 1].to - w->list[i + 1].at) >= 3)
                            || (slots && word_in(w, i + 1, "your votre insert inserer vos add enter ajouter indiquer nom name preciser date"));
                if (slot && !known && !link && !pattern_given(v, inner)) {
                    pattern_seen(v, "placeholder", i, close + 1, 0.92, "a slot left unfilled");
                    i = close;
                }
            } else if (x->mark == '{' && word_is_mark(w, i + 1, '{') && (close = bracket_end(w, i + 1, '}', &texts, &slots, &capitals, &initial)) && texts
                       && word_is_mark(w, close + 1, '}')) {
                if (!pattern_given(v, span_cut(w->fold->text, x->at, w->list[close + 1].to)))
                    pattern_seen(v, "placeholder", i, close + 2, 0.95, "a template variable left unfilled");
                i = close + 1;
            } else if (x->mark == '{' && (close = bracket_end(w, i, '}', &texts, &slots, &capitals, &initial)) && texts && texts <= 3 && slots
                       && !pattern_given(v, span_cut(w->fold->text, x->at, w->list[close].to))) {
                pattern_seen(v, "placeholder", i, close + 1, 0.85, "a template variable left unfilled");
                i = close;
            } else if (x->mark == '<' && (close = bracket_end(w, i, '>', &texts, &slots, &capitals, &initial)) && texts && texts <= 4 && slots * 2 >= texts
                       && !word_in(w, i + 1, "title address a b i p br div span time") && !pattern_given(v, span_cut(w->fold->text, x->at, w->list[close].to))) {
                pattern_seen(v, "placeholder", i, close + 1, 0.85, "a slot left unfilled");
                i = close;
            } else if ((x->mark == '<' || x->mark == '%') && word_is_mark(w, i + 1, '%')) {
                continue;
            }
            continue;
        }
        if (x->kind != WORD_TEXT)
            continue;
        struct span t = word_text(w, i);
        if (is_crosses(w, i) && !wants_template(v) && !pattern_in_code(v, i)) {
            size_t past = crosses_past(w, i);
            bool unit = past < w->n && (word_is_mark(w, past, '%') || span_is(word_text(w, past), "\xe2\x82\xac") || word_is_mark(w, past, '$') || word_in(w, past, "euros dollars heures"));
            bool money = i > 0 && (word_is_mark(w, i - 1, '$') || span_is(word_text(w, i - 1), "\xe2\x82\xac"));
            bool numeral = t.len <= 3 && past == i + 1 && i > 0 && (w->list[i - 1].flags & WORD_CAPITAL) && !(w->list[i - 1].flags & WORD_FIRST) && w->list[i - 1].kind == WORD_TEXT;
            if ((past > i + 1 || t.len >= 4 || (t.len == 3 && !numeral) || unit || money) && !pattern_given(v, span_cut(w->fold->text, x->at, w->list[past - 1].to)))
                pattern_seen(v, "placeholder", i, past, 0.9, "a value left as crosses");
            i = past - 1;
        } else if (span_is(t, "lorem") && word_is(w, i + 1, "ipsum") && !wants_template(v) && !pattern_asked(v, "lorem ipsum filler remplissage dummy")) {
            size_t past = i + 2;
            while (past < w->n && w->list[past].sentence == x->sentence)
                past++;
            pattern_seen(v, "placeholder", i, past, 0.95, "filler text in a final answer");
            i = past - 1;
        } else if ((span_is(t, "todo") || span_is(t, "tbd") || span_is(t, "tbc") || span_is(t, "fixme")) && (x->flags & WORD_CAPITALS) && !pattern_in_code(v, i)
                   && !pattern_given(v, t))
            pattern_seen(v, "placeholder", i, i + 1, 0.8, "a part left to be done");
        else if (t.len >= 4 && t.at[0] == '_' && t.at[1] == '_' && t.at[2] == '_' && t.at[t.len - 1] == '_' && !wants_template(v) && !pattern_in_code(v, i)
                 && !pattern_asked(v, "blank blanks quiz exercise exercice trous contract contrat form cloze worksheet"))
            pattern_seen(v, "placeholder", i, i + 1, 0.75, "a blank left to fill in");
        else if (word_in(w, i, "your_name company_name user_name nom_client first_name last_name customer_name nom_du_client insert_here votre_nom date_here") && !wants_template(v)
                 && !pattern_in_code(v, i) && !pattern_given(v, t))
            pattern_seen(v, "placeholder", i, i + 1, 0.85, "a slot left unfilled");
    }
}
