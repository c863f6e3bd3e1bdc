"""Refusals: how models say, in the languages they answer in, that they will not name a place."""

import re

_ENGLISH = (
    r"\b(?:sorry|apologi[sz]e|"
    r"(?:unable|can ?not|can['’]t|could(?:n['’]t| not))(?! (?:to )?(?:read|make out|see)\b)|"
    r"do(?:n['’]t| not) (?:feel|think|have|know)|not (?:able|possible|feasible|comfortable|capable|"
    r"going to|appropriate|privy|sufficient|enough)|won['’]t|will not|inappropriate|impossible|"
    r"insufficient|isn['’]t (?:feasible|possible|achievable)|"
    r"(?:difficult|challenging|hard)\b.{0,40}\b(?:pinpoint|determine|narrow|identify|provide|give|"
    r"tell|"
    r"specify|say|assign|infer)|indetermin\w+|"
    r"(?:without|lack of)\b.{0,80}\b(?:details?|clues|information|context|landmarks|image)|"
    r"would require additional|(?:stop|end) (?:this|responding))\b"
)
_OTHERS = (
    # German, Dutch, Scandinavian
    r"\b(?:tut mir leid|leider|entschuldig\w*|(?:kann|konnte|können|lässt sich)\b.{0,60}\bnicht|"
    r"nicht möglich|"
    r"nicht in der lage|unmöglich|het spijt me|helaas|kan\b.{0,60}\b(?:niet|inte|ikke)|"
    r"niet mogelijk|beklager|tyvärr|desværre)\b",
    # French
    r"\b(?:désolée?s?|je regrette|(?:ne|n['’])\s?\w*\b.{0,30}\b(?:peux|peut|puis|pouvons|parviens|"
    r"suis|sais)\b.{0,20}"
    r"\bpas|(?:peux|peut|suis|sais|parviens) pas|impossible de|incapable de|pas (?:possible|"
    r"en mesure)|"
    r"malheureusement)\b",
    # Spanish, Portuguese, Italian, Romanian, Catalan
    r"\b(?:lo siento|lamento|desculpe?|sinto muito|infelizmente|lamentablemente|desafortunadamente|"
    r"mi dispiace|purtroppo|(?:no|não|nao|non|nu) (?:me |mi |lo |se |si |o |é |es |è |estoy |"
    r"estou |sono )*"
    r"(?:puedo|puede|podemos|posible|posso|pode|consigo|possível|possibile|può|riesco|pot|sé|sei|"
    r"so|logro|"
    r"dispongo|tengo|tenho|tem|hay|há|capaz|en condiciones|in grado)|imposible|impossível|"
    r"impossibile|"
    r"îmi pare rău|ho sento)\b",
    # Russian, Ukrainian, Polish, Czech
    r"\b(?:к сожалению|извините|простите|сожалею|не (?:могу|можем|удаётся|удается|удалось|"
    r"способен|знаю|в состоянии)|"
    r"невозможно|на жаль|вибачте|не можу|неможливо|przepraszam|przykro mi|niestety|"
    r"nie (?:mogę|jestem|można|potrafię|da się|wiem)|omlouvám|bohužel|nemohu|nelze)\b",
    # Turkish, Indonesian, Malay, Vietnamese, Swahili, Tagalog
    r"\b(?:üzgünüm|maalesef|ne yazık ki|(?:belirle|söyle|tespit ed|bil)\w*(?:emiyorum|emem|emedim|"
    r"iyorum)|mümkün değil|"
    r"maaf|sayangnya|tidak (?:dapat|bisa|mungkin|mampu|tahu)|tak dapat|xin lỗi|rất tiếc|"
    r"không (?:thể|biết|đủ)|samahani|siwezi|haiwezekani|paumanhin|hindi ko (?:kaya|matukoy))\b",
    # Chinese, Japanese, Korean
    r"抱歉|对不起|對不起|很遗憾|很遺憾|无法|無法|不能(?:确定|確定|判断|判斷|识别|識別|提供)|"
    r"没有办法|沒有辦法|难以(?:确定|判断)|"
    r"難以(?:確定|判斷)|申し訳|すみません|ごめんなさい|残念ながら|できません|できない|"
    r"わかりません|分かりません|不可能です|困難です|"
    r"죄송|미안|유감|수 없습니다|수 없어|없습니다만|불가능|어렵습니다|모르겠",
    # Arabic, Persian, Urdu, Hebrew
    r"عذر|آسف|أسف|للأسف|لا (?:أستطيع|يمكنني|يمكن|أعرف|أقدر)|لا استطيع|غير قادر|من غير الممكن|"
    r"متأسف|ببخشید|نمی\s?\u200c?(?:توان|دان)|"
    r"معذرت|افسوس|معاف|نہیں (?:کر|بتا|جان|لگا)|قاصر|ممکن نہیں|מצטער|סליחה|לא (?:יכול|ניתן|אפשר)",
    # Hindi, Marathi, Bengali, Tamil, Telugu, Thai, Greek
    r"क्षमा|माफ़|माफ|खेद|नहीं (?:कर|बता|पहचान|जान|लगा|पता)|असमर्थ|संभव नहीं|असंभव|शकत नाही|"
    r"দুঃখিত|ক্ষমা|পারছি না|পারি না|পারব না|সম্ভব নয়|অক্ষম|மன்னிக்க|முடியாது|முடியவில்லை|క్షమించ|"
    r"చెప్పలేను|"
    r"ขออภัย|ขอโทษ|เสียใจ|ไม่สามารถ|Λυπάμαι|συγγνώμη|δεν (?:μπορώ|είναι δυνατ)",
    # Not knowing, too little to go by, and hard to say, in the languages of most speakers
    r"\b(?:weiß nicht|weiss nicht|schwer zu sagen|nicht gen(?:ug|ügend)\w*|pas assez|"
    r"difficile (?:de|à|da)|"
    r"no (?:lo )?sé|no hay|difícil (?:de |determinar|decir|saber|dizer)|não sei|insuficientes?|"
    r"non so|"
    r"затрудня\w+|нельзя|недостаточно|(?:сложно|трудно) (?:определить|сказать)|sulit|"
    r"tidak (?:ada|cukup)|yetersiz|bilmiyorum|\w+(?:[ae]m[ıi]yorum|amam|emem|amadım|emedim))\b",
    r"不知道|没有足够|沒有足夠|不足|很难|很難|不清楚|難し|できかね|わかりかね|부족|모르|"
    r"नहीं.{0,15}(?:सकत|पता|मालूम|जानत)|(?:पता|मालूम) नहीं|मुश्किल|कठिन|"
    r"ليس لدي|لا (?:توجد|تتوفر|أدري)|غير (?:كاف|ممكن)|من الصعب|يصعب|مستحيل|"
    r"জানি না|যায় না|যাচ্ছে না|অসম্ভব|কঠিন|"
    r"نہیں.{0,15}(?:سکت|معلوم|پتہ|جانت)|معلوم نہیں|مشکل",
)
_REFUSAL = re.compile("|".join((_ENGLISH, *_OTHERS)), re.IGNORECASE)
_ABROAD = re.compile("|".join(_OTHERS), re.IGNORECASE)
_CLAUSE_END = re.compile(
    r"[.!?。！？।؟;；\n]+|[，、,،]\s*(?=可能|也许|或许|大概|应该|おそらく|たぶん|아마|quizás|"
    r"tal vez|probablemente|peut-être|"
    r"probablement|vielleicht|wahrscheinlich|talvez|provavelmente|возможно|вероятно|скорее|ربما|"
    r"शायद|সম্ভবত|"
    r"شاید|mungkin|forse|probabilmente)|"
    r"[,،]?\s+(?:mais|cependant|pero|sin embargo|aber|jedoch|mas|porém|ma|"
    r"tuttavia|но|однако|"
    r"ale|jednak|ama|ancak|fakat|tapi|tetapi|namun|nhưng|maar|men|لكن|ولكن|लेकिन|परन्तु|किंतु|"
    r"কিন্তু|لیکن|מגר|אבל)(?:\s+|,)|"
    r"[，、,]?\s*(?:但是|但|不过|不過|しかし|ですが|しかしながら|하지만|그러나)",
    re.IGNORECASE,
)


def is_refusal(text: str) -> bool:
    """Whether a text says that it will not, or cannot, name the place."""
    return _REFUSAL.search(text) is not None


def without_refusals_abroad(text: str) -> str:
    """A text in another language than English without the clauses that decline."""
    return ". ".join(clause for clause in _CLAUSE_END.split(text) if not _ABROAD.search(clause))
