"""YAML with positions: what is read, and every trap with its exact message."""
# ruff: noqa: E501  (messages stand whole, as a user reads them)

from __future__ import annotations

from pathlib import Path

import pytest

from specs.errors import Position
from specs.read import MAX_DEPTH, MAX_VALUES, read
from specs.source import MAX_BYTES
from specs.tree import find
from tests.specs.support import root_of, tree, values


def test_values_of_yaml_1_2(tmp_path: Path) -> None:
    text = "a: NO\nb: yes\nc: 'x'\nd: -1.5\ne: 1e3\nf: true\ng: ~\nh: 12:30\ni: 2023-01-01\nj: 1_000\nk: 0\nl: .5\n"
    assert values(tmp_path, text) == {
        "a": "NO", "b": "yes", "c": "x", "d": -1.5, "e": 1000.0, "f": True, "g": None, "h": "12:30",
        "i": "2023-01-01", "j": "1_000", "k": 0, "l": 0.5,
    }  # fmt: skip


def test_every_key_and_value_has_its_place(tmp_path: Path) -> None:
    root = root_of(tmp_path, "tfplab: 1\npanel:\n  years: [2017, 2023]\n  survey: {2021: 'a b'}\n")
    panel = root.entries["panel"]
    assert panel.key_position == Position("s.yaml", 2, 1)
    assert panel.node.entries["years"].key_position == Position("s.yaml", 3, 3)
    assert [item.position.column for item in panel.node.entries["years"].node.items] == [11, 17]
    wave = panel.node.entries["survey"].node.entries["2021"]
    assert wave.key_position == Position("s.yaml", 4, 12)
    assert wave.node.position == Position("s.yaml", 4, 18)
    assert wave.node.at(2) == Position("s.yaml", 4, 21)


@pytest.mark.parametrize("line_break", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_breaks_and_byte_order_mark_do_not_matter(tmp_path: Path, line_break: bytes, mark: bytes) -> None:
    root, problems = tree(tmp_path, mark + line_break.join([b"a: 1", b"b:", b"  c: 2", b""]))
    assert problems == []
    assert root is not None
    assert root.entries["b"].node.entries["c"].key_position == Position("s.yaml", 3, 3)


@pytest.mark.parametrize(
    ("written", "text", "places"),
    [
        ("a: >\n  foo\n  bar\n", "foo bar\n", {"f": (2, 3), "b": (3, 3), "r": (3, 5)}),
        ("a: |\n    x\n    y z\n", "x\ny z\n", {"x": (2, 5), "z": (3, 7)}),
        ("a: foo\n  bar\n", "foo bar", {"f": (1, 4), "b": (2, 3)}),
        ("a: 'it''s y'\n", "it's y", {"i": (1, 5), "s": (1, 9), "y": (1, 11)}),
        ('a: "\\u00e9b\\\n   c\\td"\n', "ébc\td", {"é": (1, 5), "b": (1, 11), "c": (2, 4), "d": (2, 7)}),
        ('a: "x\n\n  y"\n', "x\ny", {"x": (1, 5), "y": (3, 3)}),
        ("a: &name\n  x y\n", "x y", {"x": (2, 3), "y": (2, 5)}),
    ],
)
def test_characters_of_texts_on_several_lines_have_their_places(
    tmp_path: Path, written: str, text: str, places: dict[str, tuple[int, int]]
) -> None:
    node = root_of(tmp_path, written).entries["a"].node
    assert node.value == text
    found = {character: node.at(text.index(character)) for character in places}
    assert {character: (place.line, place.column) for character, place in found.items()} == places


def test_aliases_repeat_a_value_at_its_own_place(tmp_path: Path) -> None:
    root = root_of(tmp_path, "a: &x [1, 2]\nb: *x\n")
    again = find(root, ("b", 1))
    assert again is not None
    assert again.position == Position("s.yaml", 1, 11)


QUOTE = "quote it for text"
FLOW = "inside {} and [] quote an expression that holds [ or a comma: \"nace in ['C', 'G']\""
TORN = "inside {} and [] a comma ends a value, quote the whole expression"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        # numbers that two people read differently
        ("a: 010\n", [f"s.yaml:1:4: a: 010 begins with 0, some programs read it as another number, {QUOTE}: '010', "
                      "or write 10"]),
        ("a: -007.5\n", ["s.yaml:1:4: a: -007.5 begins with 0, some programs read it as another number, "
                         f"{QUOTE}: '-007.5', or write -7.5"]),
        ("a: {nace: 01}\n", ["s.yaml:1:11: a.nace: 01 begins with 0, some programs read it as another number, "
                             f"{QUOTE}: '01', or write 1"]),
        ("a: 0x1F\nb: 0o17\n", [
            f"s.yaml:1:4: a: 0x1F is a number in another base, write it in decimal, or {QUOTE}: '0x1F'",
            f"s.yaml:2:4: b: 0o17 is a number in another base, write it in decimal, or {QUOTE}: '0o17'"]),
        ("a: .inf\nb: -.Inf\nc: .NaN\n", [
            "s.yaml:1:4: a: .inf is not a finite number, quote it if text is meant: '.inf'",
            "s.yaml:2:4: b: -.Inf is not a finite number, quote it if text is meant: '-.Inf'",
            "s.yaml:3:4: c: .NaN is not a finite number, quote it if text is meant: '.NaN'"]),
        ("a: 1e999\n", [f"s.yaml:1:4: a: 1e999 is too large for a number, {QUOTE}: '1e999'"]),
        ("a: 99999999999999999999\n",
         [f"s.yaml:1:4: a: 99999999999999999999 is too large for a number, {QUOTE}: '99999999999999999999'"]),
        # keys
        ("a: 1\nb: 2\na: 3\na: 4\n", ["s.yaml:3:1: a: the key is written twice, first on line 1, leave one out",
                                      "s.yaml:4:1: a: the key is written twice, first on line 1, leave one out"]),
        ("x: {2021: a, '2021': b}\n",
         ["s.yaml:1:14: x.2021: the key is written twice, first on line 1, leave one out"]),
        ("true: 1\n", ["s.yaml:1:1: true serves as a key, a key is text, quote it: 'true'"]),
        ("x: {null: 1}\n", ["s.yaml:1:5: x: an empty key, a key is text, quote it if the text null is meant"]),
        ("x:\n  : 1\n", ["s.yaml:2:3: x: an empty key, a key is text, quote it if the text null is meant"]),
        ("1.50: 1\n", ["s.yaml:1:1: 1.50 serves as a key, a key is text, quote it: '1.50'"]),
        ("x: {[a]: 1}\n",
         ["s.yaml:1:5: x: a list or a map serves as a key, a key is text, quote an expression"]),
        ("? {a: 1}\n: 2\n",
         ["s.yaml:1:3: a list or a map serves as a key, a key is text, quote an expression"]),
        ("<<: {a: 1}\nb: 1\n",
         ['s.yaml:1:1: the merge key "<<", it is not part of YAML 1.2, use like: instead']),
        ("x: {b:1}\n", ['s.yaml:1:5: x.b:1: "b:1" is one word, put a space behind the colon']),
        # tags and documents
        ("a: !!python/object/apply:os.system ['true']\n",
         ['s.yaml:1:4: a: the tag "!!python/object/apply:os.system", a spec holds plain values, leave it out']),
        ("a: !mine x\n", ['s.yaml:1:4: a: the tag "!mine", a spec holds plain values, leave it out']),
        ("!!map {a: 1}\n", ['s.yaml:1:1: the tag "!!map", a spec holds plain values, leave it out']),
        ("a: !t!x y\n", ["s.yaml:1:4: a: a tag, a spec holds plain values, leave it out"]),
        ("a: 1\n---\nb: 2\n",
         ["s.yaml:2:1: a second document, a file holds one spec, leave out the --- and what follows"]),
        ("%YAML 1.1\n---\na: NO\n",
         ["s.yaml:2:1: a YAML directive, specs are YAML 1.2, leave out the line that begins with %"]),
        # anchors
        ("a: *b\n", ['s.yaml:1:4: a: the anchor "b" is named nowhere before']),
        ("a: &b [*b]\n", ['s.yaml:1:8: a.0: the anchor "b" stands inside itself']),
        # tabs and indentation
        ("a:\n\tb: 1\n", ["s.yaml:2:1: a: a tab, YAML indents by spaces, replace it by spaces"]),
        ("a:\n  b: 1\n\tc: 2\n", ["s.yaml:3:1: a: a tab, YAML indents by spaces, replace it by spaces"]),
        ("a: 1\n b: 2\n", ['s.yaml:2:3: a second ":" on one line, quote a text that holds a colon and a space, '
                           "or check the indentation"]),
        ("a:\n    b: 1\n  c: 2\n", ["s.yaml:3:3: this line fits no other, its indentation or its beginning "
                                    "differs, indent the keys of one map alike"]),
        ("a: 1\nb\nc: 2\n", ['s.yaml:2:1: a key without ":", write key: value with a space behind the colon, '
                             "or check the indentation"]),
        ("a: - b\n", ['s.yaml:1:4: a: a "-" behind a key, begin the list on its own line']),
        # what is opened and never closed
        ("a: 'x\nb: 1\n", ["s.yaml:1:4: a: a quotation mark is opened and never closed, close it"]),
        ("a: {b: 1\n", ['s.yaml:1:4: a: "{" is opened and never closed, add "}"']),
        ("a: [b, 1\n", ['s.yaml:1:4: a: "[" is opened and never closed, add "]"']),
        ("a: }\n", ["s.yaml:1:4: a: a value is missing here, give one, or quote a text that begins with a sign"]),
        ('a: "data\\file.csv"\n', ['s.yaml:1:9: a: an escape makes the invisible character U+000C, "\\" has a '
                                     "meaning in double quotes, write single quotes"]),
        ("a: @x\n", ['s.yaml:1:4: a: a text begins with "@", YAML keeps it for itself, quote the text']),
        ('a: "data\\file.csv\\q"\n',
         ['s.yaml:1:19: a: "\\q" has no meaning in double quotes, write single quotes: \'data\\file.csv\'']),
        # expressions inside {} and []
        ("x: {y: min(a, b), z: 3}\n", [f's.yaml:1:8: x.y: "min(a" ends at a comma, {TORN}']),
        ("x: {y: cut(e, [10, 20], labels=['a', 'b'])}\n",
         [f's.yaml:1:8: x.y: "cut(e" ends at a comma, {TORN}']),
        ("x: [a, max(b, c)]\n", [f's.yaml:1:8: x.1: "max(b" ends at a comma, {TORN}']),
        ("x: {where: nace in ['C']}\n", [f's.yaml:1:20: x: "[" is not expected here, {FLOW}']),
        # what is no spec at all
        ("- a\n", ["s.yaml:1:1: keys are wanted at the top level, write one key a line, a colon and a space behind it: "
                   "title: My study"]),
        ("just text\n", ["s.yaml:1:1: keys are wanted at the top level, write one key a line, a colon and a space "
                         "behind it: title: My study"]),
        ("", ["s.yaml:1:1: the file is empty, a spec begins with tfplab: 1"]),
        ("# only this\n", ["s.yaml:1:1: the file is empty, a spec begins with tfplab: 1"]),
        ("---\n", ["s.yaml:1:1: the file is empty, a spec begins with tfplab: 1"]),
    ],
)  # fmt: skip
def test_traps(tmp_path: Path, text: str, messages: list[str]) -> None:
    assert tree(tmp_path, text)[1] == messages


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"a: 1\nb: caf\xe9\n", "s.yaml:2:7: the byte 0xE9 is not UTF-8, the file is in another encoding, save it as UTF-8"),
        ("a: 1".encode("utf-16"), "s.yaml:1:1: the file is in UTF-16, a spec is UTF-8, save it as UTF-8"),
        ("a: 1".encode("utf-16-le"), "s.yaml:1:2: the invisible character U+0000, is this a text file?"),
        (b"a: 1\nb: x\x00\n", "s.yaml:2:5: the invisible character U+0000, is this a text file?"),
        ("a: x\u2028y\n".encode(), "s.yaml:1:5: the invisible character U+2028, delete it"),
        (b"a: \x1b[0m\n", "s.yaml:1:4: the invisible character U+001B, delete it"),
        (b"PAR1\x15\x04\x15", "s.yaml:1:5: the invisible character U+0015, delete it"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_text(tmp_path: Path, raw: bytes, message: str) -> None:
    assert tree(tmp_path, raw) == (None, [message])


def test_all_traps_of_a_file_at_once(tmp_path: Path) -> None:
    root, problems = tree(tmp_path, "a: 010\nb: {c: .inf, c: 1}\nd: !x 1\n<<: 2\n")
    assert root is not None
    assert [problem.split(":")[1] for problem in problems] == ["1", "2", "2", "3", "4"]


def test_missing_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("a: 1\n")
    _, problems = read(tmp_path / "studi.yaml", shown="studi.yaml")
    assert [str(one) for one in problems] == ['studi.yaml:1:1: no such file, did you mean "study.yaml"?']
    _, problems = read(tmp_path / "nowhere" / "x.yaml", shown="x.yaml")
    assert [str(one) for one in problems] == ["x.yaml:1:1: no such file"]
    _, problems = read(tmp_path, shown="folder")
    assert [str(one) for one in problems] == [
        "folder:1:1: this is a folder, a file is wanted, name one of its files: study.yaml"
    ]


def test_a_data_file_in_the_place_of_a_spec(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(b"firm,year\n" * MAX_BYTES)
    _, problems = read(tmp_path / "data.csv", shown="data.csv")
    assert [str(one) for one in problems] == [
        "data.csv:1:1: the file has 2,621,440 bytes, at most 262,144 are read, is this a spec, or data?"
    ]


def test_depth_is_bounded(tmp_path: Path) -> None:
    assert tree(tmp_path, "a: " + "[" * 5_000)[1] == [
        f"s.yaml:1:23: a{'.0' * (MAX_DEPTH - 1)}: nested more than {MAX_DEPTH} deep"
    ]
    deep = "\n".join(" " * level + "a:" for level in range(100)) + " 1\n"
    assert tree(tmp_path, deep)[1] == [f"s.yaml:21:21: {'.'.join('a' * MAX_DEPTH)}: nested more than {MAX_DEPTH} deep"]


def test_aliases_do_not_nest_deeper_than_what_is_written_out(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{level}: &a{level} [*a{level - 1}]" for level in range(1, 3_000)]
    assert tree(tmp_path, "\n".join(lines))[1] == [f"s.yaml:20:12: a19.0: nested more than {MAX_DEPTH} deep"]


def test_aliases_that_explode_are_bounded(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)]
    root, problems = tree(tmp_path, "\n".join(lines))
    assert root is None
    assert len(problems) == 1
    assert f": more than {MAX_VALUES} values, aliases count as often as they are used" in problems[0]
