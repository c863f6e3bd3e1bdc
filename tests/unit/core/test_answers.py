"""What the parser reads out of real and odd answers."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from georay.core.answers import Answer, parse_answer


def read(raw: str) -> tuple[str, str | None, str | None]:
    answer = parse_answer(raw)
    return answer.status, answer.country, answer.city


@pytest.mark.parametrize(
    "raw",
    [
        '{"country": "France", "city": "Lyon", "reasons": "signs"}',
        "{'country': 'France', 'city': 'Lyon', 'reasons': 'signs'}",
        "{country: France, city: Lyon, reasons: signs}",
        '{"country": France, "city": Lyon, "reasons": signs}',
        '{"country": "France", "city": "Lyon," "reasons": "signs"}',
        '{"country": "France", "city": "Lyon", "reasons": "signs",}',
        '```json\n{"country": "France", "city": "Lyon", "reasons": ["signs"],}\n```',
        'I see signs.\n{"country": "France", "city": "Lyon", "reasons": "signs"}\nI hope it helps!',
        '{"country": "France", "city": "Lyon", "reasons": "signs',
        '{"location": {"country": "France", "city": "Lyon"}, "reasons": "signs"}',
        '[{"country": "France", "city": "Lyon", "reasons": "signs"}, {"country": "Spain"}]',
        '{"Country": "FRANCE", "City": "Lyon", "Reasons": "signs"}',
        "{'country': '', 'city': ''} {'country': 'France', 'city': 'Lyon', 'reasons': 'signs'}",
        "**Country:** France\n**City:** Lyon\n**Reasons:** signs",
        "- Country: France (by the plates)\n- City: Lyon\n- Reasons: signs",
        "1. Country: France\n2. City: Lyon\n3. Reasons: signs",
        "Country = Frankreich; City = Lyon; Reasons = signs",
    ],
)
def test_one_answer_is_read_from_every_dress_it_comes_in(raw: str) -> None:
    answer = parse_answer(raw)
    assert (answer.status, answer.country, answer.city) == ("answered", "FR", "Lyon")
    assert answer.reasons == "signs"


@pytest.mark.parametrize(
    ("raw", "country", "city"),
    [
        ("Paris, France", "FR", "Paris"),
        ("Final answer: Kyoto, Japan", "JP", "Kyoto"),
        ("**Answer:** Havana, Cuba", "CU", "Havana"),
        ('{"answer": "Kyoto, Japan"}', "JP", "Kyoto"),
        ("United States-Las Vegas", "US", "Las Vegas"),
        ("Tokyo (Japan)", "JP", "Tokyo"),
        ("Bangkok Thailand", "TH", "Bangkok"),
        ("中国,北京", "CN", "北京"),
        ("Lima", "PE", "Lima"),
        ("Paris, France. Mansard roofs and grey zinc.", "FR", "Paris"),
        ("Mansard roofs and grey zinc.\n\nParis, France", "FR", "Paris"),
        ('{"candidates": [{"country": "Peru"}, {"country": "Chile"}]}', "PE", None),
        ("Alemania", "DE", None),
        ("1. Paris, France\n2. Berlin, Germany", "FR", "Paris"),
        ("Country: Peru\nCity: Lima\n\nOr else:\nCountry: Chile\nCity: Arica", "PE", "Lima"),
        ("- France\n- Spain", "FR", None),
        ('{"country": "Deutschland", "city": "München"}', "DE", "München"),
        ('{"country": "Korea, Republic of", "city": "Seoul"}', "KR", "Seoul"),
        (
            '{"country": "United States or Canada", "city": "Osaka or Kyoto"}',
            "US",
            "Osaka or Kyoto",
        ),
        ('{"country": "Japan", "city": "Osaka or Kyoto"}', "JP", "Osaka"),
        ('{"country": "Possibly Belgium, Germany, or France"}', "BE", None),
        ('{"city": "Paris"}', "FR", "Paris"),
        ('{"country": "Kenya", "city": "Unknown"}', "KE", None),
        ('{"country": "USA", "city": "Anytown"}', "US", None),
        ("This image was most likely taken in Las Vegas, United States.", "US", "Las Vegas"),
        ("The country is Kenya and the city is Nairobi.", "KE", "Nairobi"),
        ("I cannot determine it. But if I had to guess, I'd say Portugal.", "PT", None),
        ("It may be in Mexico or Spain. I would guess somewhere in Spain.", "ES", None),
        ("Countries such as France or Italy use them. I believe this is Malta.", "MT", None),
        ("It looks like somewhere in Georgia, maybe Atlanta.", "US", "Atlanta"),
        ("C'est probablement la France, à Lyon.", "FR", "Lyon"),
        ("La imagen parece ser de Barcelona, España.", "ES", "Barcelona"),
        ("这张照片很可能拍摄于中国北京。", "CN", "北京"),
    ],
)
def test_places_are_read_from_short_texts_lists_and_prose(
    raw: str, country: str, city: str | None
) -> None:
    assert read(raw) == ("answered", country, city)


@pytest.mark.parametrize(
    ("raw", "latitude", "longitude"),
    [
        ("48.8566, 2.3522", 48.8566, 2.3522),
        ("It is at 40.7128° N, 74.0060° W", 40.7128, -74.006),
        ("48°51'24\"N 2°21'8\"E", 48.856667, 2.352222),
        ("approximately N7 22.419', E3 23.045'", 7.37365, 3.384083),
        ("27.4704° S latitude and 153.0211° E longitude", -27.4704, 153.0211),
        ("Latitude: 48.85\nLongitude: 2.35", 48.85, 2.35),
        ('{"lat": -33.45, "long": "-70.66"}', -33.45, -70.66),
    ],
)
def test_coordinates_alone_are_an_answer(raw: str, latitude: float, longitude: float) -> None:
    answer = parse_answer(raw)
    assert (answer.status, answer.country, answer.city) == ("answered", None, None)
    assert (answer.latitude, answer.longitude) == pytest.approx((latitude, longitude), abs=1e-5)


@pytest.mark.parametrize(
    "raw",
    [
        "Latitude: between 30°N and 40°N\nLongitude: unknown",
        '{"lat": 91, "long": 10, "city": null, "country": null}',
        '{"lat": 0.0, "long": 0.0, "city": null, "country": null}',
    ],
)
def test_ranges_impossible_values_and_empty_forms_are_no_coordinates(raw: str) -> None:
    answer = parse_answer(raw)
    assert (answer.latitude, answer.longitude) == (None, None)
    assert answer.status != "answered"


@pytest.mark.parametrize(
    "raw",
    [
        "I'm sorry, I can't provide assistance with that request.",
        "I cannot determine the country, e.g. France or Spain, without more details.",
        "It is difficult to pinpoint the exact location.",
        "It is likely in one of the countries such as France or Spain, but I cannot say more.",
        '{"country": "Unknown", "city": "Unknown", "reasons": "no clues"}',
        "Country: N/A\nCity: N/A",
    ],
)
def test_declining_is_told_apart(raw: str) -> None:
    assert read(raw) == ("refused", None, None)


@pytest.mark.parametrize(
    "raw", ["", "   \n", "asdf", "{}", "[]", "null", "{'country': ''}", "🚗" * 50]
)
def test_what_says_nothing_is_unparseable(raw: str) -> None:
    assert parse_answer(raw) == Answer("unparseable")


def test_apostrophes_quotes_and_colons_stay_inside_the_reasons() -> None:
    raw = "{'country': 'Chile', 'reasons': 'it's dry, \"hot\", city: big', 'city': 'Arica'}"
    answer = parse_answer(raw)
    assert answer.reasons == 'it\'s dry, "hot", city: big'
    assert answer.city == "Arica"


def test_prose_around_an_answer_without_reasons_becomes_its_reasons() -> None:
    answer = parse_answer('Palms and blue plates.\n\n{"city": "Lomé", "country": "Togo"}')
    assert (answer.country, answer.city) == ("TG", "Lomé")
    assert answer.reasons == "Palms and blue plates."


def test_what_is_read_can_be_written() -> None:
    answer = parse_answer("Par\ud800is, France")
    assert answer.city is not None
    assert answer.city.encode("utf-8")


def test_what_stood_for_the_country_is_kept() -> None:
    answer = parse_answer('{"country": "Caribbean", "city": "Mawite", "lat": 19.0, "long": -73.9}')
    assert (answer.country, answer.country_text, answer.city) == (None, "Caribbean", "Mawite")


@pytest.mark.parametrize(
    "raw",
    [
        "Norway, Sweden",
        "Norway or Sweden",
        "Norway (70%), Sweden (30%)",
        "60% Norway, 40% Sweden",
        "Norway: 60%\nSweden: 40%",
        "1. Norway 2. Sweden 3. Finland",
        "**1. Norway** (60%)\n**2. Sweden** (40%)",
        "Top guesses: Norway, Sweden, Finland",
        '["Norway", "Sweden"]',
        '{"Norway": 0.7, "Sweden": 0.3}',
        '{"candidates": ["Norway", "Sweden"]}',
        '{"candidates": {"Norway": "70%", "Sweden": "30%"}}',
        '{"country": ["Norway", "Sweden"]}',
        '{"1": "Norway", "2": "Sweden"}',
        "Country: Norway (70%), Sweden (30%)",
        "There is a 70% chance that it is Norway and a 30% chance of Sweden.",
        "### Final Answer: **Norway**",
        "It could be Sweden, but I think it's Norway.",
        "It's not Sweden but Norway.",
    ],
)
def test_of_several_candidates_the_first_that_is_meant_counts(raw: str) -> None:
    assert read(raw) == ("answered", "NO", None)


@pytest.mark.parametrize(
    ("raw", "country", "city"),
    [
        ("Atlanta, Georgia", "US", "Atlanta"),
        ("Batumi, Georgia", "GE", "Batumi"),
        ("My guess is Georgia, USA.", "US", None),
        ("This looks like rural Georgia in the United States.", "US", None),
        ("This appears to be Georgia, in the Caucasus.", "GE", None),
        ('{"country": "Georgia", "city": "Savannah"}', "US", "Savannah"),
        ('{"country": "Georgia", "city": "Tbilisi"}', "GE", "Tbilisi"),
        ('{"city": "Paris", "state": "Texas"}', "US", "Paris"),
        ("I think it is Sydney, New South Wales.", "AU", "Sydney"),
        ("My guess is Lebanon, Pennsylvania.", "US", "Lebanon"),
        ("Lebanon (Ohio)", "US", "Lebanon"),
        ("Victoria, British Columbia", "CA", "Victoria"),
        ("Córdoba, Veracruz", "MX", "Córdoba"),
        ("Curitiba, Paraná", "BR", "Curitiba"),
        ("This looks like Chennai in Tamil Nadu.", "IN", "Chennai"),
        ("Granada, Spain", "ES", "Granada"),
        ("Taipei, Taiwan, China", "TW", "Taipei"),
        ("San Juan, Puerto Rico, USA", "PR", "San Juan"),
    ],
)
def test_a_state_with_its_town_is_no_country(raw: str, country: str, city: str | None) -> None:
    assert read(raw) == ("answered", country, city)


@pytest.mark.parametrize(
    ("raw", "country"),
    [
        ("This looks like Panama City, Florida.", "US"),
        ("I think this is Jersey City.", "US"),
        ("My guess is Mexico City.", "MX"),
        ("This was taken on the Gulf of Mexico coast in Florida.", "US"),
        ("It is likely in New Mexico.", "US"),
        ("I think this is Turkey Creek, Kentucky.", "US"),
        ("My guess is the Niger Delta.", "NG"),
        ("It is probably along the Jordan River in Israel.", "IL"),
        ("The guinea pig cage suggests this is Peru.", "PE"),
        ("This is Cuba Street in Wellington, New Zealand.", "NZ"),
        ("The Panama hat suggests Ecuador.", "EC"),
    ],
)
def test_a_country_inside_another_name_is_not_meant(raw: str, country: str) -> None:
    assert parse_answer(raw).country == country


@pytest.mark.parametrize(
    ("raw", "country", "city"),
    [
        ('{"país": "España", "ciudad": "Sevilla"}', "ES", "Sevilla"),
        ("国家：中国\n城市：上海", "CN", "上海"),
        ("这张照片拍摄于中国香港。", "HK", None),
        ("これはおそらくフランスのリヨンです。", "FR", "リヨン"),
        ("이 사진은 프랑스에서 찍은 것 같습니다.", "FR", None),
        ("यह तस्वीर शायद फ्रांस में ली गई है।", "FR", None),
        ("هذه الصورة على الأرجح في فرنسا.", "FR", None),
        ("Снимок сделан в Норвегии.", "NO", None),
        ("Zdjęcie zrobiono w Norwegii.", "NO", None),
        ("Luultavasti Ruotsissa.", "SE", None),
        ("Bu fotoğraf muhtemelen Türkiye'de çekilmiş.", "TR", None),
        ("Je ne peux pas en être sûr, mais c'est probablement la Belgique.", "BE", None),
    ],
)
def test_places_are_read_in_other_languages(raw: str, country: str, city: str | None) -> None:
    assert read(raw) == ("answered", country, city)


@pytest.mark.parametrize(
    "raw",
    [
        "抱歉，我无法确定这张照片的拍摄地点。",
        "Lo siento, no puedo determinar la ubicación de esta imagen.",
        "क्षमा करें, मैं इस तस्वीर का स्थान निर्धारित नहीं कर सकता।",
        "عذراً، لا أستطيع تحديد موقع هذه الصورة.",
        "দুঃখিত, আমি এই ছবির অবস্থান নির্ধারণ করতে পারছি না।",
        "Desculpe, não consigo determinar o local desta imagem.",
        "К сожалению, невозможно определить страну.",
        "申し訳ありませんが、この写真の場所を特定することはできません。",
        "Es tut mir leid, ich kann den Ort nicht bestimmen.",
        "Je ne peux pas dire si c'est en France ou en Belgique.",
        "معذرت، میں اس تصویر کا مقام نہیں بتا سکتا۔",
        "I cannot tell whether this is Norway or Sweden.",
        '{"país": "desconocido", "ciudad": "desconocida"}',
        "Unknown",
    ],
)
def test_declining_is_told_apart_in_the_large_languages(raw: str) -> None:
    assert read(raw) == ("refused", None, None)


@pytest.mark.parametrize(
    ("raw", "latitude", "longitude"),
    [
        (
            '{"location": {"country": "Chile", "position": {"lat": -33.4, "lng": -70.6}}}',
            -33.4,
            -70.6,
        ),
        ('{"location": {"lat": 48.85, "lng": 2.35}}', 48.85, 2.35),
        ('{"coordinates": [48.8, 2.3]}', 48.8, 2.3),
        ('{"type": "Point", "coordinates": [2.35, 48.85]}', 48.85, 2.35),
        (
            '{"latitude": {"degrees": 33, "minutes": 30, "direction": "S"}, '
            '"longitude": {"degrees": 70, "minutes": 0, "direction": "W"}}',
            -33.5,
            -70.0,
        ),
        ('{"lat": "S 33.87", "lng": "W 70.5"}', -33.87, -70.5),
    ],
)
def test_coordinates_are_found_however_deep(raw: str, latitude: float, longitude: float) -> None:
    answer = parse_answer(raw)
    assert (answer.latitude, answer.longitude) == pytest.approx((latitude, longitude))


@pytest.mark.parametrize("mark", ["```json", "```JSON", "```python", "~~~yaml", "```"])
def test_the_language_of_a_fence_is_no_reason(mark: str) -> None:
    answer = parse_answer(f'{mark}\n{{"country": "France", "city": "Lyon"}}\n{mark[:3]}')
    assert (answer.country, answer.city, answer.reasons) == ("FR", "Lyon", None)


WORDS = (
    "{ } [ ] ' \" : , country city lat ° N - \\ France Paris cannot likely in such as * 12.5 ``` "
    "1e999 # The I place is from answer longitude None null (USA)"
)
FRAGMENTS = st.sampled_from(WORDS.split(" "))
UNITS = ("{", "[", "*", " ", '{"country":', "A ", "1", "country: ", "in Paris, ", "12.34 N ")
MORE_UNITS = (
    "- \n",
    "'country': '",
    "I guess New ",
    "(",
    "https://",
    "N'",
    "(A, ",
    "\\",
    "such as ",
)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300) | st.lists(FRAGMENTS, max_size=40).map(" ".join))
def test_no_text_makes_the_parser_fail(raw: str) -> None:
    answer = parse_answer(raw)
    said = (answer.country, answer.city, answer.latitude)
    assert (answer.status == "answered") == any(value is not None for value in said)
    assert (answer.latitude is None) == (answer.longitude is None)


@pytest.mark.parametrize("unit", UNITS + MORE_UNITS)
def test_hostile_texts_do_not_hang(unit: str) -> None:
    raw = unit * (50_000 // len(unit))
    parse_answer("")
    start = time.process_time()
    parse_answer(raw)
    assert time.process_time() - start < 30, "it hangs"
