/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of attacks on instructions, in the languages they come in, by what they do. Only injection.c includes this.
 * As FOLD_PLAIN writes them: lower case, no accents, plain apostrophes. See lexicon.h for how stems match.
 */
#ifndef CHECKS_INJECTION_WORDS_H
#define CHECKS_INJECTION_WORDS_H
#include "checks/text/lexicon.h"

enum { W_OVERRIDE, W_INSTRUCTION, W_PRIOR, W_ALL, W_REVEAL, W_SECRET, W_SYSTEM, W_ROLE, W_NOLIMIT, W_SAY, W_NEW, W_ACT, W_MARKER, W_MODE,
       W_PERSONA, W_YOUR, W_AI, W_PROMPT, INJECTION_CLASSES };
static const struct lexicon_class injection_classes[INJECTION_CLASSES] = {
    [W_OVERRIDE] = { "override",
        "ignor|disregard|forget|forgot |overrid|overrul|overwrit|bypass|circumvent|discard|neglect|never mind|nevermind|stop follow|stop obey|"
        "stop being|stop acting|do not follow|don't follow|dont follow|do not obey|don't obey|do not listen|don't listen|disobey|no longer bound|"
        "not bound by|break free|broken free|escape|drop all|drop your|delete all|delete your|erase|reset|clear your|abandon|cancel|undo |replace|"
        "do not comply|pay no attention|set aside|throw away|skip the|skip all|skip your|void |nullify|supersede|"
        "oubli|desobei|contourn|ne respecte|ne respectez|ne tiens pas compte|ne tenez pas compte|ne tiens aucun compte|ne tenez aucun compte|"
        "ne tiens plus compte|ne tenez plus compte|ne suis plus|ne suis pas les|ne suivez plus|ne suivez pas|n'obei|fais abstraction|"
        "faites abstraction|passe outre|passez outre|mets de cote|mettez de cote|laisse tomber|arrete de suivre|arretez de suivre|cesse de|cessez de|"
        "annul|neglige|efface|remplac|outrepass|ecarte|ecartez|supprime tes|supprimez vos|"
        "vergiss|vergess|missacht|beachte nicht|befolge nicht|ubergeh|uberschreib|umgeh|losche|verwirf|halte dich nicht|"
        "olvid|haz caso omiso|no hagas caso|no sigas|omit|descart|anula|salta|desobedec|pasa por alto|"
        "dimentic|non seguire|trascura|scarta|annulla|aggira|disobbedi|"
        "esquec|desconsider|nao siga|despreze|"
        "negeer|vergeet|volg niet|omzeil|"
        "игнорир|забуд|забыть|отбрось|не следуй|отмени|обойди|"
        "zignoruj|zapomnij|pomin|zapomen|"
        "unut|yok say|gormezden|dikkate alma|"
        "忽略|无视|忘记|忘掉|不要遵守|不要理会|覆盖|绕过|無視|忘れ|従わない|上書き|무시|잊어|따르지|"
        "تجاهل|انس |تخط|अनदेखा|भूल|नजरअंदाज|abaikan|lupakan|bo qua|quen |phot lo" },
    [W_INSTRUCTION] = { "instruction",
        "instruct|instrucc|instruc|instruk|rule |rules|guideline|guidance|directive|prompt|polic|restriction|limitation|programming|constraint|"
        "regulation|command|context |directions|moderation|safety|safeguard|guardrail|filter|ethic|"
        "consigne|directive|regle|ordre|politique|contrainte|garde-fou|limites|"
        "anweisung|regel|vorgabe|richtlinie|vorschrift|befehl|aufgabe|einschrankung|auftrag|"
        "reglas|directric|normas|ordenes|restriccion|politicas|"
        "istruzion|regole|direttiv|ordini|indicazion|restrizion|"
        "regras|diretriz|ordens|restric|"
        "instructies|regels|richtlijn|opdracht|"
        "инструкц|правил|указан|команд|ограничен|директив|"
        "polecen|zasad|wytyczn|pokyn|"
        "talimat|kural|yonerge|komut|"
        "指令|指示|规则|規則|规定|提示|命令|限制|ルール|プロンプト|지시|규칙|명령|지침|프롬프트|"
        "تعليمات|قواعد|أوامر|निर्देश|नियम|instruksi|aturan|huong dan|quy tac|chi thi" },
    [W_PRIOR] = { "prior",
        "previous|prior |above|earlier|preceding|before|initial|original|former|foregoing|so far|until now|up to now|already given|past |last |"
        "precedent|avant |dessus|anterieur|initial|d'origine|jusqu'ici|jusqu'a present|ci-dessus|"
        "vorherig|vorig|obig|bisherig|zuvor|davor|fruher|vorangegangen|ursprunglich|"
        "anterior|previ|inicial|de arriba|antes |"
        "precedent|iniziali|prima |sopra |originali|"
        "acima|vorige|eerdere|voorgaande|hierboven|bovenstaande|"
        "предыдущ|прежн|ранее|выше|раньше|"
        "poprzedni|wczesniej|predchozi|onceki|yukaridaki|"
        "之前|以上|上述|先前|前面|前の|以前|上記|これまで|이전|위의|앞의|السابق|أعلاه|पिछले|पूर्व|ऊपर|sebelumnya|di atas|truoc do|phia tren" },
    [W_ALL] = { "all",
        "all |any |every|whatever|anything|entire|whole|"
        "tout |toute|tous |n'importe|integral|"
        "alle |alles|allen|aller |samtlich|jede|"
        "todo |toda |todos|todas|cualquier|tutto|tutte|tutti|qualsiasi|tudo|qualquer|alle |"
        "все |всё |всех|любой|wszystk|vsechn|tum |butun|所有|全部|一切|すべて|全て|모든|모두|جميع|كل |सभी|सब |semua|tat ca|moi " },
    [W_REVEAL] = { "reveal",
        "reveal|show |print|display|output|repeat|leak|disclos|expose|dump|recite|divulge|spell out|tell me|give me|share |list |copy |paste|"
        "what is|what's|what are|what were|summari|translate|encode|verbatim|word for word|exact |"
        "revel|montre|affich|repet|divulgu|donne-moi|donnez-moi|donne moi|dis-moi|dites-moi|dis moi|recopi|communique-moi|transmets-moi|mot pour mot|"
        "mot a mot|quel est|quelles sont|quels sont|tradui|"
        "zeig|verrat|wiederhol|gib mir|gib den|nenne|offenbar|drucke|wortlich|was ist|was sind|sag mir|"
        "muestra|muestrame|repite|dime |dame |imprime|cual es|cuales son|revela|"
        "mostra|rivela|ripeti|dimmi|dammi|stampa|qual e|quali sono|"
        "diga-me|repita|mostre|revele|toon |onthul|herhaal|"
        "покаж|раскр|повтор|выведи|скажи|назови|напечатай|pokaz|ujawn|powtorz|goster|tekrarla|"
        "显示|告诉|输出|重复|泄露|打印|透露|表示して|教えて|出力|繰り返|보여|알려|출력|반복|공개|"
        "اعرض|اكشف|أظهر|كرر|أخبرني|दिखा|बता|दोहरा|tampilkan|tunjukkan|ungkap|tiet lo|hien thi|cho toi biet" },
    [W_SECRET] = { "secret",
        "password|passcode|secret|hidden|confidential|credential|api key|access key|token|private|"
        "mot de passe|mots de passe|confidentiel|identifiant|cle api|cles api|code d'acces|codes d'acces|cache |"
        "passwort|kennwort|geheim|vertraulich|schlussel|zugangs|"
        "contrasena|secreto|confidencial|clave|credencial|segreto|riservat|credenziali|senha|segredo|wachtwoord|geheime|"
        "парол|секрет|ключ|hasl|tajn|sifre|gizli|parola|密码|密碼|秘密|口令|机密|パスワード|秘密|비밀|암호|كلمة السر|كلمة المرور|سري|पासवर्ड|गुप्त|kata sandi|rahasia|mat khau|bi mat" },
    [W_SYSTEM] = { "system",
        "system|model |systeme|modele|systemes|sistema|modelo|modello|систем|модел|系统|模型|システム|モデル|시스템|모델|نظام|النظام|मॉडल|सिस्टम|sistem|he thong" },
    [W_ROLE] = { "role",
        "you are |you're |youre |act as|acting as|act like|pretend|roleplay|role-play|role play|simulat|play the|you will be|you will act|"
        "you are now|behave|become |imagine|persona|character|immerse|embody|impersonat|take on|"
        "tu es |vous etes|agis |agissez|joue le|jouez le|fais semblant|faites semblant|comporte-toi|comporter|tu seras|vous serez|tu deviens|incarne|"
        "imagine|prends le role|dans la peau|tu vas jouer|tu vas etre|"
        "du bist|sie sind|tu so|verhalte|spiel |spiele |stell dir|stelle dir|agiere|handle als|"
        "eres |actua|finge|haz de|imagina|comportate|sei |fingi|agisci|immagina|voce e|aja como|finja|je bent|doe alsof|"
        "ты |вы |представь|притвор|действуй|веди себя|jestes|udawaj|sen bir|gibi davran|rol yap|"
        "你是|你现在|扮演|假装|充当|想象|あなたは|ふりをし|演じ|너는|당신은|역할|척해|أنت |تظاهر|تصرف|तुम |आप |कल्पना|अभिनय|kamu adalah|anda adalah|berpura|ban la|gia vo|dong vai" },
    [W_NOLIMIT] = { "without limits",
        "unrestrict|uncensor|unfilter|unlimited|no restriction|without restriction|no limit|without limit|no rules|no filter|without filter|"
        "without any|no ethical|no moral|anything now|amoral|immoral|unethical|illegal|jailbreak|jailbroken|free of|free from|freed from|"
        "no longer|not have to|regardless of|no matter|never refuse|cannot refuse|can't refuse|must comply|always comply|do anything|no boundaries|"
        "sans limite|sans censure|sans filtre|sans restriction|sans aucune|aucune limite|aucune restriction|aucune regle|aucune politique|plus aucune|"
        "non censure|sans contrainte|sans regle|n'obei|libre de|debride|illimite|levees|sans retenue|tout faire|"
        "ungefiltert|unzensiert|ohne einschrankung|ohne filter|ohne regeln|ohne zensur|keine einschrankung|keine regeln|uneingeschrankt|"
        "sin restriccion|sin censura|sin filtro|sin limite|sin regla|senza restrizion|senza censura|senza filtri|senza limiti|senza regole|"
        "sem restric|sem censura|sem filtro|sem limite|zonder beperking|zonder filter|"
        "без ограничен|без цензур|без правил|без фильтр|bez ogranicz|sinirsiz|kisitlama olmadan|sansursuz|"
        "没有限制|无限制|不受限制|没有任何|制限なし|制約なし|제한 없|검열 없|بدون قيود|بلا قيود|बिना किसी|tanpa batas|tanpa sensor|khong gioi han" },
    [W_SAY] = { "say",
        "say |respond|answer|reply|write |begin with|start with|state |return |exactly|only the|just the|simply |"
        "reponds|repondez|dis |dites|ecris|ecrivez|commence par|uniquement|seulement|exactement|"
        "antworte|sage |sag |schreibe|schreib |nur |genau|"
        "di |responde|escribe|solo |exactamente|rispondi|scrivi|di'|esattamente|responda|escreva|diga|antwoord|zeg |"
        "ответь|отвечай|напиши|скажи|только|odpowiedz|powiedz|yaz |cevap|说|回答|回复|写|只|言って|答え|말해|대답|قل |أجب|कहो|जवाब|jawab|katakan|tra loi|noi " },
    [W_NEW] = { "new",
        "new |now |instead|from now|from this point|updated|henceforth|hereby|starting now|effective immediately|"
        "nouvel|nouveau|maintenant|desormais|a partir de|dorenavant|a la place|"
        "neue|jetzt|ab sofort|ab jetzt|stattdessen|nunmehr|"
        "nuev|ahora|a partir|en su lugar|nuov|adesso|ora |d'ora in poi|invece|agora|de agora|nov|nieuw|vanaf nu|"
        "нов|теперь|сейчас|отныне|вместо|teraz|odtad|simdi|artik|bundan sonra|新的|现在|从现在|改为|今から|新しい|代わりに|이제|지금부터|새로운|الآن|جديد|अब |नया|नए|sekarang|mulai|bay gio|tu gio" },
    [W_ACT] = { "act outside",
        "send |email |e-mail|forward|upload|post |http|transfer|execute|run |delete|curl |click|exfiltrat|fetch|download|visit|navigate|"
        "envoie|envoyez|transmet|transfer|execute|supprim|telecharg|clique|"
        "sende|schicke|ubertrag|fuhre|losche|klicke|lade |"
        "envia|reenvia|ejecuta|borra|descarga|invia|inoltra|esegui|scarica|envie|execute|apague|stuur|verwijder|"
        "отправ|перешли|выполни|удали|wyslij|wykonaj|gonder|calistir|发送|转发|执行|删除|下载|送信|実行|削除|보내|실행|삭제|أرسل|نفذ|احذف|भेज|चला|kirim|jalankan|gui |thuc hien" },
    [W_MARKER] = { "marker",
        "important|attention|urgent|note to|system:|system message|user:|assistant:|human:|<|im_start|im_end|endoftext|[inst|begin |end of|<system|"
        "</|<<sys|### |[system|priority|achtung|wichtig|importante|attenzione|atencion|warning|admin|override:|end of document|end of text|"
        "fin du document|fin du texte|mise a jour|重要|注意|важно|внимание|onemli|penting|중요|مهم" },
    [W_MODE] = { "mode",
        "mode |developer|debug|maintenance|root |sudo|administrator|test mode|god mode|dev mode|terminal|console|shell|authorized|authorised|"
        "permission|security team|red team|developpeur|mainten|administrateur|autoris|equipe securite|equipe de securite|"
        "entwickler|wartung|modus|desarrollador|modo |sviluppatore|modalita|manutenzione|desenvolvedor|ontwikkelaar|"
        "режим|разработчик|админ|отлад|tryb|programist|modu|gelistirici|开发者|管理员|调试|模式|開発者|モード|管理者|개발자|모드|관리자|مطور|وضع|مسؤول|डेवलपर|मोड|pengembang|che do|nha phat trien" },
    [W_PERSONA] = { "persona",
        "dan |dan's|stan |dude |aim |evil|devil|villain|hacker|unhinged|two responses|two ways|both as|in character|stay in|remain in|"
        "grandmother|grandma|grand-mere|mamie|grossmutter|abuela|nonna|bisbis|hypothetical|fictional|alter ego|opposite|double reponse|deux fois|"
        "deux reponses|bosewicht|злой|бабушк|奶奶|おばあ|할머니|جدتي|दादी" },
    [W_YOUR] = { "your",
        "your |yours|yourself|you were|you have been|you've been|tes |ton |ta |vos |votre|toi |vous |tu |dein|deine|ihre|ihr |dich |tus |su |sus |tuo |tue |tuoi|"
        "suas |seus |seu |sua |jouw|je |твои|твой|ваши|свои|twoj|senin|你的|您的|あなたの|네 |너의|당신의|تعليماتك|आपके|तुम्हारे|तुम्हारी|anda |kamu|cua ban" },
    [W_AI] = { "an assistant",
        "assistant|chatbot|chat bot|ai |ais |a.i.|llm|chatgpt|gpt|openai|language model|model,|bot |bots |claude|gemini|llama|bard |anthropic|copilot|agent |agents |summarizer|"
        "automated reader|artificial intelligence|"
        "ia |l'ia|modele de langage|intelligence artificielle|robot conversationnel|"
        "ki |sprachmodell|kunstliche intelligenz|inteligencia artificial|modelo de lenguaje|modello linguistico|intelligenza artificiale|modelo de linguagem|"
        "ассистент|ии |языковая модель|助手|人工智能|语言模型|アシスタント|言語モデル|어시스턴트|언어 모델|مساعد|एआई|सहायक|asisten|tro ly" },
    [W_PROMPT] = { "prompt",
        "prompt|preamble|initial message|first message|opening message|system message|what you were told|you were told|you have been told|you were given|"
        "everything above|text above|words above|lines above|sentence above|above this line|before this line|before my message|this conversation|"
        "prompt systeme|message systeme|tout ce qui precede|ce qui precede|qu'on t'a|que l'on t'a|on t'a|on vous a|"
        "systemprompt|alles davor|alles vorher|alles gesagte|dir gesagt|todo lo anterior|lo que te dijeron|tutto cio che|tudo o que esta acima|"
        "промпт|提示词|系统提示|上面的所有|プロンプト|프롬프트|प्रॉम्प्ट" },
};
#endif
