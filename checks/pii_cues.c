/* SPDX-License-Identifier: Apache-2.0
 * pii_cues: words that say what a number is, French and English and some of their neighbours' languages, without accents.
 * A number with right check digits is still nothing when the word before it is "parcel". */
#include "checks/pii_parts.h"

static const struct { const char *word; unsigned cue; } cues[] = {
    { "abonne", CUE_OTHER }, { "adherent", CUE_OTHER }, { "adresse", CUE_ADDRESS }, { "address", CUE_ADDRESS }, { "amende", CUE_OTHER }, { "amex", CUE_CARD }, { "amount", CUE_OTHER }, { "ameli", CUE_NIR },
    { "answering", CUE_PHONE }, { "appel", CUE_PHONE }, { "appeler", CUE_PHONE }, { "appelez", CUE_PHONE }, { "appelle", CUE_PHONE }, { "article", CUE_OTHER }, { "assure", CUE_NIR }, { "awb", CUE_OTHER }, { "barcode", CUE_OTHER }, { "barres", CUE_OTHER },
    { "batch", CUE_OTHER }, { "billet", CUE_OTHER }, { "bon", CUE_OTHER }, { "booking", CUE_OTHER }, { "born", CUE_BIRTH }, { "build", CUE_OTHER | CUE_VERSION }, { "bordereau", CUE_OTHER }, { "call", CUE_PHONE }, { "called", CUE_PHONE }, { "card", CUE_CARD }, { "cards", CUE_CARD }, { "carte", CUE_CARD }, { "cartes", CUE_CARD },
    { "case", CUE_OTHER }, { "cb", CUE_CARD }, { "cell", CUE_PHONE }, { "chronopost", CUE_OTHER }, { "cni", CUE_ID }, { "code", CUE_OTHER }, { "colis", CUE_OTHER }, { "colissimo", CUE_OTHER }, { "commande", CUE_OTHER }, { "commandes", CUE_OTHER }, { "commit", CUE_OTHER },
    { "company", CUE_SIREN | CUE_SIRET }, { "compte", CUE_IBAN | CUE_RIB }, { "compteur", CUE_OTHER }, { "contact", CUE_PHONE }, { "contactez", CUE_PHONE }, { "container", CUE_OTHER }, { "conteneur", CUE_OTHER }, { "contract", CUE_OTHER }, { "contrat", CUE_OTHER }, { "cpam", CUE_NIR }, { "credit", CUE_CARD }, { "customer", CUE_OTHER },
    { "debit", CUE_CARD }, { "delivery", CUE_OTHER }, { "devis", CUE_OTHER }, { "dhl", CUE_OTHER }, { "dial", CUE_PHONE }, { "dob", CUE_BIRTH }, { "dossier", CUE_OTHER }, { "driver", CUE_LICENCE }, { "drivers", CUE_LICENCE }, { "driving", CUE_LICENCE }, { "ean", CUE_OTHER }, { "ean13", CUE_OTHER }, { "entreprise", CUE_SIREN | CUE_SIRET },
    { "epoch", CUE_OTHER }, { "equipement", CUE_OTHER }, { "etablissement", CUE_SIRET }, { "etablissements", CUE_SIRET }, { "expedition", CUE_OTHER }, { "facture", CUE_OTHER }, { "factures", CUE_OTHER }, { "fax", CUE_PHONE }, { "fedex", CUE_OTHER }, { "fournisseur", CUE_SIREN | CUE_SIRET }, { "firm", CUE_SIREN }, { "flight", CUE_OTHER }, { "fixe", CUE_PHONE },
    { "gtin", CUE_OTHER }, { "gsm", CUE_PHONE }, { "hash", CUE_OTHER }, { "horodatage", CUE_OTHER }, { "iban", CUE_IBAN }, { "iccid", CUE_OTHER }, { "id", CUE_OTHER }, { "identite", CUE_ID }, { "identity", CUE_ID }, { "imei", CUE_OTHER }, { "imsi", CUE_OTHER }, { "immatriculation", CUE_PLATE | CUE_SIREN }, { "immatricule", CUE_PLATE }, { "immatriculee", CUE_PLATE | CUE_SIREN }, { "insee", CUE_NIR },
    { "invoice", CUE_OTHER }, { "isbn", CUE_OTHER }, { "issn", CUE_OTHER }, { "item", CUE_OTHER }, { "joindre", CUE_PHONE }, { "joignable", CUE_PHONE }, { "licence", CUE_LICENCE }, { "license", CUE_LICENCE }, { "livraison", CUE_OTHER }, { "lot", CUE_OTHER }, { "lots", CUE_OTHER }, { "mandat", CUE_OTHER }, { "mastercard", CUE_CARD }, { "matricule", CUE_OTHER }, { "message", CUE_PHONE },
    { "mobile", CUE_PHONE }, { "modele", CUE_OTHER }, { "montant", CUE_OTHER }, { "ndeg", 0 }, { "naissance", CUE_BIRTH }, { "nir", CUE_NIR }, { "nss", CUE_NIR }, { "numero", 0 }, { "ne", CUE_BIRTH }, { "nee", CUE_BIRTH }, { "order", CUE_OTHER }, { "orders", CUE_OTHER }, { "package", CUE_OTHER }, { "pan", CUE_CARD }, { "parcel", CUE_OTHER }, { "passeport", CUE_PASSPORT }, { "passport", CUE_PASSPORT },
    { "pdl", CUE_OTHER }, { "permis", CUE_LICENCE }, { "phone", CUE_PHONE }, { "piece", CUE_OTHER }, { "plaque", CUE_PLATE }, { "plate", CUE_PLATE }, { "police", CUE_OTHER }, { "policy", CUE_OTHER }, { "portable", CUE_PHONE }, { "prm", CUE_OTHER }, { "prix", CUE_OTHER }, { "price", CUE_OTHER }, { "produit", CUE_OTHER }, { "product", CUE_OTHER }, { "quote", CUE_OTHER }, { "rappeler", CUE_PHONE },
    { "rappelez", CUE_PHONE }, { "rcs", CUE_SIREN }, { "reach", CUE_PHONE }, { "reclamation", CUE_OTHER }, { "recommande", CUE_OTHER }, { "ref", CUE_OTHER }, { "reference", CUE_OTHER }, { "references", CUE_OTHER }, { "registered", CUE_PHONE }, { "reservation", CUE_OTHER }, { "rib", CUE_RIB | CUE_IBAN }, { "ring", CUE_PHONE }, { "registration", CUE_PLATE }, { "secu", CUE_NIR }, { "securite", CUE_NIR }, { "security", CUE_SSN | CUE_NIR }, { "serial", CUE_OTHER }, { "serie", CUE_OTHER },
    { "shipment", CUE_OTHER }, { "shipping", CUE_OTHER }, { "sinistre", CUE_OTHER }, { "siren", CUE_SIREN | CUE_SIRET }, { "siret", CUE_SIRET | CUE_SIREN }, { "sku", CUE_OTHER }, { "sms", CUE_PHONE }, { "sn", CUE_OTHER }, { "societe", CUE_SIREN | CUE_SIRET }, { "ssn", CUE_SSN }, { "suivi", CUE_OTHER }, { "tel", CUE_PHONE }, { "telephone", CUE_PHONE }, { "telephoner", CUE_PHONE }, { "text", CUE_PHONE },
    { "ticket", CUE_OTHER }, { "timestamp", CUE_OTHER }, { "total", CUE_OTHER }, { "tracking", CUE_OTHER }, { "transaction", CUE_OTHER }, { "transporteur", CUE_OTHER }, { "tva", CUE_VAT | CUE_SIREN }, { "txn", CUE_OTHER }, { "upc", CUE_OTHER }, { "ups", CUE_OTHER }, { "uuid", CUE_OTHER }, { "vat", CUE_VAT }, { "version", CUE_OTHER | CUE_VERSION }, { "versions", CUE_OTHER | CUE_VERSION }, { "virement", CUE_IBAN | CUE_RIB },
    { "release", CUE_OTHER | CUE_VERSION }, { "firmware", CUE_OTHER | CUE_VERSION }, { "visa", CUE_CARD }, { "vitale", CUE_NIR }, { "vol", CUE_OTHER }, { "whatsapp", CUE_PHONE }, { "telefon", CUE_PHONE }, { "telefono", CUE_PHONE }, { "handy", CUE_PHONE }, { "contribuable", CUE_OTHER }, { "fiscal", CUE_ID }, { "bancaire", CUE_CARD | CUE_RIB }, { "v", CUE_VERSION },
    { "abonnement", CUE_OTHER }, { "badge", CUE_OTHER }, { "isin", CUE_OTHER }, { "projet", CUE_OTHER }, { "project", CUE_OTHER }, { "solde", CUE_OTHER }, { "loyer", CUE_OTHER }, { "puce", CUE_OTHER }, { "sim", CUE_OTHER }, { "appareil", CUE_OTHER }, { "device", CUE_OTHER }, { "borne", CUE_OTHER },
    { "terminal", CUE_OTHER }, { "tpe", CUE_OTHER }, { "autorisation", CUE_OTHER }, { "operation", CUE_OTHER }, { "fidelite", CUE_OTHER }, { "loyalty", CUE_OTHER }, { "cadeau", CUE_OTHER }, { "gift", CUE_OTHER }, { "grise", CUE_PLATE }, { "assurance", CUE_OTHER }, { "insurance", CUE_OTHER }, { "envoi", CUE_OTHER },
    { "expedie", CUE_OTHER }, { "bagage", CUE_OTHER }, { "demande", CUE_OTHER }, { "request", CUE_OTHER }, { "incident", CUE_OTHER }, { "numserie", CUE_OTHER }, { "modem", CUE_OTHER }, { "lecteur", CUE_OTHER }, { "echantillon", CUE_OTHER }, { "sample", CUE_OTHER }, { "cle", CUE_OTHER }, { "marche", CUE_OTHER },
    { "kit", CUE_OTHER }, { "cheque", CUE_OTHER }, { "check", CUE_OTHER }, { "scan", CUE_OTHER }, { "palette", CUE_OTHER }, { "pallet", CUE_OTHER }, { "capteur", CUE_OTHER }, { "sensor", CUE_OTHER }, { "session", CUE_OTHER }, { "process", CUE_OTHER }, { "pid", CUE_OTHER }, { "port", CUE_OTHER }, { "log", CUE_OTHER }, { "identifiant", CUE_OTHER }, { "inventaire", CUE_OTHER }, { "inventory", CUE_OTHER },
    { "euros", CUE_OTHER }, { "eur", CUE_OTHER }, { "usd", CUE_OTHER }, { "vin", CUE_OTHER }, { "chassis", CUE_OTHER }, { "coordonnees", 0 }, { "latitude", CUE_OTHER }, { "longitude", CUE_OTHER }, { "gps", CUE_OTHER }, { "doi", CUE_OTHER }, { "patent", CUE_OTHER }, { "brevet", CUE_OTHER }, { "population", CUE_OTHER }, { "habitants", CUE_OTHER },
};
enum { CUES = sizeof cues / sizeof *cues };

static unsigned cue_of(const char *word)
{
    for (size_t i = 0; i < CUES; i++)
        if (cues[i].word[0] == word[0] && strcmp(cues[i].word, word) == 0)
            return cues[i].cue;
    return 0;
}
unsigned cue_before(const struct hunt *h, size_t at, unsigned *all)
{
    size_t floor = at > 64 ? at - 64 : 0, end = at, lines = 0;
    unsigned nearest = 0, sum = 0;
    bool has_number = false;    /* another number stands between: a parcel's, an order's word belongs to that one */
    char word[20];
    while (end > floor) {
        unsigned char c = (unsigned char)h->text.at[end - 1];
        if (!is_letter(c)) {
            has_number |= is_digit(c);
            if ((hunt_class[c] & IS_LINE) && ++lines > 1)
                break;
            /* the end of a sentence */
            if ((c == '.' || c == '!' || c == '?') && end < at && is_space((unsigned char)h->text.at[end]) && end > floor + 4 && is_letter((unsigned char)h->text.at[end - 2]) && is_letter((unsigned char)h->text.at[end - 3]) && is_letter((unsigned char)h->text.at[end - 4])) {
                if (end >= 5 && strncasecmp(h->text.at + end - 4, "tel", 3) != 0 && strncasecmp(h->text.at + end - 4, "ref", 3) != 0)
                    break;
            }
            end--;
            continue;
        }
        size_t start = end;
        while (start > floor && is_letter((unsigned char)h->text.at[start - 1]))
            start--;
        if (word_plain(h->text, start, end, word, sizeof word)) {
            unsigned cue = cue_of(word);
            if (strcmp(word, "client") == 0) {      /* a client has a telephone; a client's number is another thing */
                size_t e = start;
                while (e > floor && !is_letter((unsigned char)h->text.at[e - 1]) && h->text.at[e - 1] != '\n')
                    e--;
                size_t b = e;
                while (b > floor && is_letter((unsigned char)h->text.at[b - 1]))
                    b--;
                char back[12];
                word_plain(h->text, b, e, back, sizeof back);
                if (strcmp(back, "numero") == 0 || strcmp(back, "n") == 0 || strcmp(back, "no") == 0 || strcmp(back, "num") == 0 || strcmp(back, "code") == 0 || strcmp(back, "ref") == 0)
                    cue = CUE_OTHER;
            }
            if (has_number && cue & CUE_OTHER)
                cue = 0;
            if (cue && !nearest)
                nearest = cue;
            sum |= cue;
        }
        end = start;
    }
    if (all)
        *all = sum;
    return nearest;
}
unsigned cue_behind(struct hunt *h, size_t end)
{
    size_t i = end;
    char word[20];
    while (i < end + 24) {
        unsigned char c = hunt_at(h, i);
        if (!c || (hunt_class[c] & IS_LINE) || is_digit(c))
            return 0;
        if (!is_letter(c)) {
            i++;
            continue;
        }
        size_t e = i;
        while (e < end + 40 && is_letter(hunt_at(h, e)))
            e++;
        word_plain(h->text, i, e < h->text.len ? e : h->text.len, word, sizeof word);
        unsigned cue = cue_of(word);
        if (strcmp(word, "office") == 0 || strcmp(word, "home") == 0)
            cue = CUE_PHONE;
        if (cue)
            return cue;
        i = e > i ? e : i + 1;
    }
    return 0;
}
