/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of refusals, by what they do. Only refusal.c includes this. As FOLD_PLAIN writes them; see lexicon.h for how
 * stems match. Spellings without the apostrophe are there because people and models leave it out.
 */
#ifndef CHECKS_REFUSAL_WORDS_H
#define CHECKS_REFUSAL_WORDS_H
#include "checks/text/lexicon.h"

enum { R_I, R_CANNOT, R_NEGATE, R_WILLNOT, R_LACK, R_HELP, R_SORRY, R_SCOPE, R_POLICY, R_HARM, R_ELSEWHERE, R_MACHINE, R_REQUEST, R_OFFER,
       R_UNDERSTAND, R_LECTURE, REFUSAL_CLASSES };
static const struct lexicon_class refusal_classes[REFUSAL_CLASSES] = {
    [R_I] = { "I",
        "i |i'm |im |i'd |i'll |i've |we |we're |our |my |me |it's not my|"
        "je |j'|m'|mon |ma |mes |moi |nous |notre |nos |me |"
        "ich |wir |mir |mein|uns |yo |mi |nosotros|me |io |noi |eu |nos |meu |minha |ik |wij |mijn |я |мы |мне |我 |我们|私|저는|أنا" },
    [R_CANNOT] = { "cannot",
        "cannot|can not|can't|cant |unable|not able|couldn't|could not|impossible|not possible|isn't possible|incapable|not capable|"
        "not in a position|not equipped|not designed|not programmed|not permitted|not allowed|not authorized|not authorised|not at liberty|"
        "ne peux|ne puis|ne pouvons|ne pourrai|ne pourrons|ne suis pas en mesure|ne sommes pas en mesure|ne saurai|ne saurais|ne saurions|m'est impossible|"
        "nous est impossible|n'est pas possible|incapable|ne suis pas autoris|ne suis pas habilit|ne suis pas capable|ne peut etre|ne peut pas etre|"
        "dans l'impossibilite|suis pas concu|pas en capacite|n'ai pas la possibilite|n'ai pas la capacite|n'ai pas le droit|peux pas|pas le droit de|"
        "kann nicht|kann ich nicht|kann dir nicht|kann ihnen nicht|kann dir dabei nicht|kann ihnen dabei nicht|kann leider|konnen nicht|nicht moglich|"
        "nicht in der lage|darf nicht|no puedo|no podemos|no es posible|no me es posible|incapaz|non posso|non possiamo|non e possibile|nao posso|"
        "nao podemos|nao e possivel|kan niet|kan ik niet|kan je niet|kan u niet|не могу|не можем|невозможно|nie moge|不能|无法|無法|できません|できかねます|할 수 없|لا أستطيع|لا يمكنني" },
    [R_NEGATE] = { "not",
        "not |n't |never |no |nor |neither |don't |doesn't |won't |isn't |aren't |wouldn't |shouldn't |dont |doesnt |wont |isnt |"
        "ne |n'|pas |jamais|aucun|non |ni |plus |nicht |kein|niemals|non |nunca|no |nao |niet |geen |не |нет |nie |不|没|ない|ません" },
    [R_WILLNOT] = { "will not",
        "won't|wont |will not|wouldn't |would not|decline|declining|refuse|refusing|refrain|must insist|not going to|rather not|prefer not|"
        "not comfortable|uncomfortable|not willing|unwilling|choose not|have to decline|must decline|do not feel|don't feel|do not think it|"
        "don't think it|do not want to|don't want to|not something i|avoid |abstain|hesitant|not engage|do not engage|don't engage|do not provide|don't provide|"
        "do not support|don't support|do not condone|don't condone|do not share|don't share|"
        "refuse|refusons|m'abstien|m'absten|abstien|ne souhait|ne desir|ne veux|ne voul|ne vais pas|ne vais ni|ne compte pas|ne donne|ne fourni|ne partag|ne repond|"
        "ne traite|ne communiqu|ne divulgu|ne redig|ne particip|ne cautionn|ne commente|ne prend|ne proced|ne saurais|decline|prefere ne|preferons ne|prefere m'|"
        "prefere eviter|n'aiderai|vous aiderai pas|t'aiderai pas|ne ferai|ne propose|n'ecri|n'effectu|n'encourag|n'assist|n'explique|n'entr|ne genere|ne produi|ne reveler|ne revel|"
        "ne donnerai|ne dirai|pas a l'aise|"
        "lehne|ablehnen|werde nicht|mochte nicht|weigere|verzichte|me niego|rechazo|no voy a|prefiero no|mi rifiuto|rifiuto|preferisco non|non intendo|recuso|"
        "nao vou|prefiro nao|weiger|отказыва|не буду|odmawiam|拒绝|お断り|거절" },
    [R_LACK] = { "lack",
        "don't have|do not have|dont have|don't possess|do not possess|no access|not have access|without access|lack |lacks |not aware|no information|"
        "no knowledge|not know|don't know|not familiar|not sure what|do not actually|don't actually|no record|not find any|couldn't find|cannot find|"
        "can't find|cannot verify|can't verify|cannot confirm|cannot access|can't access|no way to|not privy|not provided|not mention|unclear|"
        "n'ai pas|n'ai aucun|n'ai malheureusement|n'avons pas|n'avons aucun|ne dispose|ne disposons|n'ai acces|n'a pas acces|pas acces|aucun acces|ne possede|ne connais|"
        "ne sais pas|ignore |ne trouve|n'ai ni|sans acces|ne retrouve|ne vois pas|ne m'a pas|"
        "habe keinen|habe keine|habe nicht|kein zugriff|keinen zugriff|keine information|weiss nicht|verfuge nicht|no tengo|no dispongo|no cuento con|no se |"
        "non ho|non dispongo|non so |nao tenho|nao disponho|nao sei|heb geen|weet niet|не имею|нет доступа|не знаю|没有|ありません|없습니다" },
    [R_HELP] = { "help",
        "help|assist|provid|fulfill|fulfil |comply|answer|discuss|generat|creat|produc|writ|respond|offer|giv|shar|support|support|engag|"
        "access|brows|open|perform|complet|process|handl|address|recommend|advise|predict|diagnos|comment|disclos|reveal|express|participat|facilitat|"
        "aid|assist|fourni|repond|donne|redig|explique|trait|partag|communiqu|acced|effectu|consult|ouvr|produi|gener|reveler|divulgu|commenter|"
        "conseill|diagnosti|accompagn|montre|transmett|execut|ecri|cree|satisfaire|acceder|prononc|proced|renseign|indiqu|envoy|"
        "helfen|unterstutz|beantwort|bereitstell|geben|erstell|auskunft|ayud|proporcion|respond|ofrec|generar|ayudar|aiut|forni|rispond|ajud|fornec|"
        "helpen|beantwoord|помочь|помога|ответить|предостав|pomoc|帮助|提供|回答|お手伝い|お答え|도와|답변" },
    [R_SORRY] = { "sorry",
        "sorry|apolog|regret|unfortunately|afraid|forgive|pardon|"
        "desole|navre|excus|regrett|malheureusement|helas|pardon|"
        "leider|tut mir leid|bedaure|entschuldig|lo siento|lamento|lamentablemente|disculp|desafortunad|mi dispiace|purtroppo|spiacente|desculpe|infelizmente|"
        "helaas|het spijt|sorry|к сожалению|извините|простите|niestety|przepraszam|抱歉|对不起|很遗憾|申し訳|残念|죄송|آسف|عذرا" },
    [R_SCOPE] = { "scope",
        "scope|outside|beyond|purview|expertise|capabilit|limited to|only able|only help|only assist|only answer|my role|my purpose|my function|area of|field of|domain|remit|"
        "specializ|not part of|real-time|real time|up-to-date|knowledge cutoff|internet|current event|personal data|physical|"
        "perimetre|domaine|competence|hors de|en dehors|mon role|ma mission|ma fonction|me limite|se limite|limite a|reserve a|dedie|specialis|ne concerne|"
        "cadre de|ne releve|ne fait pas partie|n'entre pas|temps reel|"
        "zustandig|bereich|ausserhalb|rahmen|ambito|fuera de|alcance|fuori|competenza|escopo|fora do|buiten|вне |компетенц|范围|範囲|범위" },
    [R_POLICY] = { "policy",
        "polic|guideline|terms of|rules |regulation|privacy|confidential|copyright|safety|security reason|ethic|moral|principle|responsib|appropriate|"
        "inappropriate|against my|against our|values|programming|"
        "politique|regle|confidentialit|confidentiel|secret bancaire|secret professionnel|vie privee|securite|ethique|deontolog|droit d'auteur|approprie|inapproprie|"
        "acceptable|inacceptable|convenable|charte|"
        "richtlinie|datenschutz|vertraulich|unangemessen|ethisch|politica|confidencial|inapropiad|etic|privacidad|riservat|privacidade|inadequad|beleid|политик|конфиденц|этич|政策|隐私|不当|不適切|부적절" },
    [R_HARM] = { "harm",
        "harm|illegal|unlawful|against the law|danger|violen|offensive|hate |hateful|discriminat|criminal|fraud|abus|exploit|unethical|derogatory|disrespect|"
        "stereotyp|unsafe|suicid|self-harm|explicit|misinformation|prejudic|bias|racis|sexis|"
        "illega|illicite|dangere|nuisible|nuire|infraction|delit|crime|violen|haineu|offensan|fraud|discriminat|interdit|prejudici|diffamat|penal|malveillan|"
        "illegal|schadlich|gefahrlich|straftat|gewalt|ilegal|danin|peligro|dannos|nociv|perigos|schadelijk|незакон|опасн|вред|非法|违法|有害|危险|違法|危険|불법|위험" },
    [R_ELSEWHERE] = { "elsewhere",
        "contact|consult|reach out|seek|professional|hotline|authorit|therapist|doctor|lawyer|expert|advisor|helpline|customer service|official|"
        "encourage you|urge you|suggest you|recommend you|advise you|instead|alternativ|refer to|check with|"
        "contacte|consulte|adresse|appelez|rapproch|conseill|medecin|avocat|notaire|service client|professionnel|rendez-vous|pourra vous|plutot|orient|invite|veuillez|numero|"
        "wende|kontaktier|arzt|anwalt|stattdessen|contact|consult|medico|abogado|avvocato|rivolg|procure|raadpleeg|обратит|咨询|联系|相談|문의|상담" },
    [R_MACHINE] = { "machine",
        "as an ai|i'm an ai|i am an ai|ai language|language model|ai assistant|an ai |artificial intelligence|ai model|chatbot|virtual assistant|as a responsible|"
        "as an artificial|computer program|as a text|my training|trained to|programmed|openai|machine learning|digital assistant|assistant |"
        "en tant qu'ia|en tant qu'assistant|en tant que modele|en tant qu'intelligence|une ia |modele de langage|assistant virtuel|intelligence artificielle|en qualite d'|"
        "en tant que|concu pour|programme pour|je suis un assistant|je suis une ia|"
        "als ki|ki-modell|sprachmodell|kunstliche intelligenz|como ia|como una ia|modelo de lenguaje|inteligencia artificial|come ia|modello linguistico|"
        "modelo de linguagem|als ai|taalmodel|языков|искусственн|人工智能|语言模型|AI|言語モデル|인공지능" },
    [R_REQUEST] = { "request",
        "request|question|query|this topic|that topic|this matter|this subject|this type of|this kind of|that kind of|such content|such requests|such information|"
        "what you're asking|what you are asking|this content|your prompt|the prompt|any of these|with this|with that|for that|do that|do this|this task|this issue|to that|to this|"
        "demande|requete|question|ce sujet|cette operation|ce type|ce genre|ce contenu|cela |ceci |cette information|cette donnee|ce point|a votre place|la-dessus|cette tache|de tel|"
        "anfrage|frage|dabei|thema|damit|solicitud|pregunta|este tema|esta informacion|richiesta|domanda|questo argomento|pedido|pergunta|verzoek|vraag|запрос|вопрос|请求|问题|ご質問|リクエスト|요청|질문" },
    [R_OFFER] = { "offers",
        "however|but i can|instead|i can help|i can offer|happy to|glad to|feel free|would you like|let me know|if you have any|is there anything|anything else|"
        "can i help|may i|i'd be happy|i would be happy|in the meantime|for other|"
        "en revanche|toutefois|cependant|je peux |n'hesite|si vous avez|souhaitez-vous|autre chose|volontiers|puis-je|avec plaisir|par contre|neanmoins|"
        "gerne|stattdessen|jedoch|falls |sin embargo|con gusto|puedo ayudar|tuttavia|posso aiut|no entanto|posso ajudar|echter|однако|但是|しかし|하지만" },
    [R_UNDERSTAND] = { "feels",
        "i understand|i can understand|i hear|i see that|i appreciate|thank you for|it sounds like|it seems|that you're feeling|you're feeling|you are feeling|you're going through|feeling |"
        "overwhelm|not alone|tough|difficult|struggl|support|talk to|it's okay|"
        "je comprends|je concois|merci pour|je vois que|il semble|vous traversez|"
        "ich verstehe|entiendo|comprendo|capisco|entendo|ik begrijp|понимаю" },
    [R_LECTURE] = { "lectures",
        "it is important|it's important|important to|it is not|it's not|is not appropriate|not ethical|not acceptable|never acceptable|we should|should not|shouldn't|must not|should never|"
        "respect|everyone|individuals|regardless of|equal|diversity|inclusive|essential to|crucial|vital|imperative|always |remember|please note|keep in mind|condone|promote|justif|encourag|"
        "il est important|il est essentiel|il convient|n'est pas acceptable|n'est pas approprie|il ne faut pas|respecter|chacun|egalite|rappel|"
        "es ist wichtig|es importante|e importante|het is belangrijk|важно" },
};
#endif
