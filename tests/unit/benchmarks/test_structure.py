"""The table of the structure: circles are found, and what is private is not counted."""

from benchmarks.structure import circles, functions, imports, lines_per_room, public_names

FILES = {
    "georay/__init__.py": "",
    "georay/a/__init__.py": "",
    "georay/a/one.py": "from georay.b.two import x\n",
    "georay/a/lazy.py": "def f():\n    from georay.a import one\n    return one\n",
    "georay/b/__init__.py": "",
    "georay/b/two.py": "import georay.a.lazy\n\nclass Shown: ...\n\ndef _hidden(): ...\n",
}


def test_a_circle_between_rooms_is_found_though_no_two_modules_import_each_other():
    assert circles(imports(FILES)) == [{"georay.a", "georay.b"}]
    whole = FILES | {"georay/b/two.py": ""}
    assert circles(imports(whole)) == []


def test_a_circle_within_a_room_is_found():
    assert circles(imports(FILES | {"georay/a/one.py": "from georay.a.lazy import f"})) == [
        {"georay.a.lazy", "georay.a.one"}
    ]


def test_public_names_and_lengths_are_counted():
    assert public_names(FILES) == 2, "the class and f"
    assert max(functions(FILES)) == (3, "georay/a/lazy.py: f")
    assert lines_per_room(FILES) == {"__init__": 0, "a": 4, "b": 5}
