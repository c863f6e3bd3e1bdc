"""Words that decide whether a name in an English sentence is that of a place."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SHORT_FORMS = frozenset({"US", "USA", "UK", "UAE", "DRC", "U.S", "U.K", "U.S.A"})
"""Names of three letters or fewer that do name a country; "it" and "no" are codes, not names."""

JOINING = _words("of and the de da do dos del la las los el le den di du al es sur am an der")
"""Words in lower case inside a name: Isle of Man, Rio de Janeiro."""

BEFORE_PLACE = _words(
    "in from near to across throughout around within outside of through towards toward into at "
    "between like unlike than and or up downtown northern southern eastern western central north "
    "south east west northeast northwest southeast southwest northeastern northwestern "
    "southeastern southwestern rural urban coastal inland mainland upper lower"
)

AFTER_PLACE = _words(
    "has have is are was uses use features tends can does also shares borders lies contains "
    "resembles looks drives often mostly usually generally commonly province region state city "
    "town island islands valley peninsula county district prefecture river lake"
)

ALSO_WORDS = _words(
    "bath battle best chad china cork cuba deal georgia guinea hope java jersey jordan lima "
    "lincoln madison male mali man march mobile nice of oman orange paris polish reading rugby "
    "sale sandwich split tour tours troy turkey victoria virginia washington wells along bend"
)
"""Places whose name is also a word, a dish or a person's: alone they prove nothing."""

NOT_TOWNS = _words(
    "a all also although america an another any area areas as at avenue based bars big black blue "
    "bollard bollards both brown buddhist building buildings by camera car cars cast circle city "
    "cleaner coast common cross cyrillic dark different double driving due each europe every few "
    "field find flag flags flat for found from front gas general generation give given google "
    "grass great green grey guardrail guardrails hand heat here hidden high hill hills house how "
    "however if image in island islands it its kanji khmer landscape large latin left less lights "
    "line lines look looking low lower many map maps meta middle mix more most mostly mountain "
    "mountains much narrow nearly nearby new no north not note old on one only orthodox other "
    "our outer overall palm park parts plains plate plates plonkit pole poles power public rare "
    "rear red region rice right river road roads rock rural sand sea see several short side sign "
    "signs similar since small snow so soil some south standard star states stop straight street "
    "streets such sun tall text that the their there these they thin this those three to town "
    "trees tropical true two typical typically union unique unlike urban utility vegetation "
    "vehicle very view warning water way we well west when where which while white wide winter "
    "with wood wooden yellow you your union jack trekker catholic christian muslim islamic "
    "european african asian soviet english arabic special notable pinpointing vocabulary"
)
"""Ordinary words, and words of the game, that some town somewhere is called too."""

CONTINENTS = _words(
    "africa america americas antarctica asia australasia caribbean europe eurasia mediterranean "
    "oceania eu scandinavia earth"
)
"""Too wide to be a place; also with a direction in front of them."""

DIRECTIONS = _words(
    "northern southern eastern western central north south east west northeast northwest "
    "southeast southwest latin middle northeastern northwestern southeastern southwestern the"
)

NO_PLACE_AFTER_PEOPLE = _words(
    "alphabet alphabets bath baths bread cafe characters coffee cuisine delight descent dish "
    "dishes door doors dressing flu fonts food fries grammar keyboard language languages letter "
    "letters menu mile names new oven pizza pronunciation restaurant restaurants roulette script "
    "scripts sentence sentences setter sheepdog shepherd siding sounding speaker speakers speaking "
    "spelling symbols tea text translation translations vowels windows word words writing"
)
""""Turkish coffee", "French windows", "Spanish text": a people's name without its country."""

NOT_QUALIFIED = _words(
    "and or is are was in as with on of has have belongs uses used also does can will that which "
    "from to for by at than but the a an your my it its can"
)
"""Words that a people's name does not qualify: what is meant before them is the language."""

SPOKEN = _words(
    "speak speaks spoken written read reads say says language languages translated alphabet"
)
