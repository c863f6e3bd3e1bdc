"""Throws mutated answers at the parser, guided by coverage; stops at the first crash or hang.

    python tests/fuzz/fuzz_answers.py -max_total_time=600 -timeout=5 -max_len=4096

Needs atheris (`pip install atheris`); the flags are libFuzzer's.
"""

import sys

import atheris

with atheris.instrument_imports(include=["georay.core"]):
    from georay.core.answers import parse_answer
    from georay.core.gazetteer import Gazetteer

GAZETTEER = Gazetteer.load()
SEEDS = (
    '{"country": "France", "city": "Lyon", "reasons": "signs"}',
    "{'country': 'Chile', 'city': 'Arica', 'reasons': 'it's dry'}",
    "**Country:** Brasil (likely)\n* City: São Paulo\n* Latitude: 23.5° S",
    "I cannot be sure, but I would guess this is near Osaka, Japan, not Kyoto.",
    "N7 22.419', E3 23.045' which is in Nigeria",
    "1. Paris, France\n2. Berlin, Germany",
    "这张照片很可能拍摄于中国北京。",
)


def check(data: bytes) -> None:
    raw = data.decode("utf-8", "surrogateescape")
    answer = parse_answer(raw, GAZETTEER)
    said = (answer.country, answer.city, answer.latitude)
    assert (answer.status == "answered") == any(value is not None for value in said)
    assert (answer.latitude is None) == (answer.longitude is None)
    assert answer.country is None or answer.country in GAZETTEER.countries()


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Plain mutation, now and then from a realistic answer instead of from the corpus."""
    if seed % 4 == 0:
        data = SEEDS[seed // 4 % len(SEEDS)].encode()
    return atheris.Mutate(data, max_size)


if __name__ == "__main__":
    atheris.Setup(sys.argv, check, custom_mutator=mutate)
    atheris.Fuzz()
