"""The page about the systems: what its tables and figure say, and that they are the records'."""

import json
from xml.etree import ElementTree

import pytest

from benchmarks import baselines_page as page
from benchmarks.record import FOLDER

BANDS = {"0": 30, "1 to 7": 40, "8 or more": 30}


def share(value):
    return {"value": value, "low": max(0.0, value - 0.04), "high": value + 0.04}


def system(country, city=0.1):
    return {"country": share(country), "city": share(city), "within_750_km": share(country)}


@pytest.fixture
def results():
    """Three rows, of which the best is told from the last alone."""
    systems = {
        "PlaNet": system(0.2),
        page.NAMES_NO_TOWN: system(0.3, 0.0),
        "ViT": system(0.05),
    }
    best = {"row": page.NAMES_NO_TOWN, "share": 0.3, "not_told_apart": ["PlaNet"]}
    part = {"systems": {name: one["country"] for name, one in systems.items()}, "best": best}
    took = {"minutes": 3.0, "num_steps": 1_200, "epochs": [2.5, 4], "learnt_per_second": 99.6}
    return {
        "systems": systems,
        "best": {"country": best, "city": best | {"row": "PlaNet", "not_told_apart": []}},
        "by_amount": {"few": part, "many": part},
        "by_clues": {
            name: {"images": count, "systems": part["systems"]} for name, count in BANDS.items()
        },
        "took": {
            "PlaNet": took | {"answered_per_second": 60.4},
            page.NAMES_NO_TOWN: took | {"answered_per_second": 8.0},
            "ViT": {"answered_per_second": 44.0},
        },
    }


def cells(line):
    return [one.strip() for one in line.strip("|").split("|")]


def test_the_best_stands_first_in_bold_and_what_is_not_told_from_it_has_a_star(results):
    _, _, first, second, third, *not_run = map(cells, page.systems_table(results))
    assert first[:4] == [
        page.NAMES_NO_TOWN, "**30.0 % (26.0 to 34.0)**", "not asked", "not asked",
    ]  # fmt: skip
    assert second[:3] == ["PlaNet", "20.0 % (16.0 to 24.0) *", "**10.0 % (6.0 to 14.0)**"]
    assert third[1] == "5.0 % (1.0 to 9.0)" and third[4] == third[1]
    assert [row[0] for row in not_run] == ["LLaVA", "Qwen-VL", "GPT-4V"]
    assert {one for row in not_run for one in row[1:]} == {"not run"}


def test_a_row_of_another_budget_is_said_to_be_one(results):
    rows = {row[0]: row for row in map(cells, page.speeds_table(results))}
    assert rows["PlaNet"][1:] == ["3.0", "1,200", "2.5 + 4", "100", "60"]
    assert rows["ViT"][1] == "another budget" and rows["ViT"][-1] == "44"


def test_the_figure_has_a_dot_for_each_band_of_each_system(results):
    drawn = ElementTree.fromstring(page.clues_svg(results))
    tag = "{http://www.w3.org/2000/svg}"
    assert len(drawn.findall(f".//{tag}g/{tag}circle")) == len(BANDS) * len(results["systems"])
    texts = [one.text for one in drawn.iter(f"{tag}text")]
    assert {"PlaNet", "ViT", "1 to 7 (40)"} <= set(texts)


def test_photographs_stand_beside_what_is_reached_without_looking():
    floors = {
        "commonest_country": "US",
        "always_the_commonest": share(0.16),
        "a_drawn_country_by_chance": 0.031,
        "nearest_towns_name": {"200 km": 0.99},
    }
    row = {"country": share(0.02), "within": {"200 km": share(0.0)}, "commonest_answer": ["JP", 40]}
    results = {"photographs": 99, "systems": {"ViT": row}, "floors": floors}
    _, _, vit, always, chance, nearest = map(cells, page.photographs_table(results))
    assert vit == ["ViT", "2.0 % (0.0 to 6.0)", "0.0 % (0.0 to 4.0)", "JP (40 of 99)"]
    assert always[1] == "16.0 % (12.0 to 20.0)" and always[-1] == "US"
    assert chance[1] == "3.1 %" and nearest[2] == "99.0 %"


def test_a_block_is_replaced_and_the_rest_of_the_page_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    page.PAGE.write_text("before\n<!-- one -->\nold\n<!-- end of one -->\nafter\n")
    page.write_block("one", ["new", "lines"])
    page.write_block("one", ["new", "lines"])
    assert page.PAGE.read_text() == (
        "before\n<!-- one -->\n\nnew\nlines\n\n<!-- end of one -->\nafter\n"
    )
    with pytest.raises(ValueError, match="no place between '<!-- two -->'"):
        page.write_block("two", [])


def test_the_page_has_a_place_for_every_table():
    text = page.PAGE.read_text()
    for name in ("systems", "figure", "speeds", "photographs"):
        assert f"<!-- {name} -->" in text and f"<!-- end of {name} -->" in text


def test_the_tables_of_the_page_are_those_of_the_records_that_there_are():
    tables = [
        ("baselines", "systems", page.systems_table),
        ("baselines", "speeds", page.speeds_table),
        ("real_photographs", "photographs", page.photographs_table),
    ]
    text = page.PAGE.read_text()
    for record, name, table in tables:
        if not (path := FOLDER / f"{record}.json").exists():
            continue
        block = text.partition(f"<!-- {name} -->")[2].partition(f"<!-- end of {name} -->")[0]
        assert block.strip().splitlines() == table(json.loads(path.read_text())["results"])
