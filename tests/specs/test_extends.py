"""``extends``: what wins, what is removed, where everything was written, and files that cannot be extended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.errors import Position
from specs.extends import LIBRARY, MAX_CHAIN, ReadSpec, laid_over, read_spec
from specs.tree import Entry, Node, find, plain

HERE = Position("s.yaml", 1, 1)


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def told(spec: ReadSpec, folder: Path) -> list[str]:
    return [str(problem).replace(f"{folder}{os.sep}", "") for problem in spec.problems]


def content(folder: Path, **files: str) -> object:
    """Read a.yaml, which has no problem."""
    write(folder, **files)
    spec = read_spec(folder / "a.yaml")
    assert told(spec, folder) == []
    assert spec.whole
    assert spec.root is not None
    return plain(spec.root)


def test_maps_merge_lists_and_values_replace_and_a_null_removes(tmp_path: Path) -> None:
    a = "extends: b.yaml\nseed: 2\npanel: {years: [2018, 2023], where: null}\n"
    a += "labels: {ai: {nl: Gebruikt AI}}\nfigures:\n"
    b = "tfplab: 1\nseed: 1\npanel: {years: [2017], where: x > 1, firm: id}\n"
    b += "labels: {ai: {en: AI}}\nfigures: {f: {of: x}}\n"
    assert content(tmp_path, a=a, b=b) == {
        "tfplab": 1, "seed": 2, "panel": {"years": (2018, 2023), "firm": "id"},
        "labels": {"ai": {"en": "AI", "nl": "Gebruikt AI"}},
    }  # fmt: skip


def test_errors_and_adoption_of_an_entry_replace_whole(tmp_path: Path) -> None:
    a = "extends: b.yaml\nmodels: {m: {errors: {survey: {strata: s}}, adoption: {cohort: c}}}\n"
    a += "labels: {errors: {nl: y}}\n"
    b = "models: {m: {errors: {cluster: [firm]}, adoption: {indicator: ai}, design: did}}\nlabels: {errors: {en: x}}\n"
    assert content(tmp_path, a=a, b=b) == {
        "models": {"m": {"errors": {"survey": {"strata": "s"}}, "adoption": {"cohort": "c"}, "design": "did"}},
        "labels": {"errors": {"en": "x", "nl": "y"}},
    }


def test_of_a_list_the_later_wins_and_a_chain_goes_all_the_way(tmp_path: Path) -> None:
    files = {"a": "extends: [b.yaml, c.yaml]\ntitle: a\n", "b": "extends: d.yaml\nseed: 2\nsource: b\n",
             "c": "extends: d.yaml\nsource: c\n", "d": "seed: 4\ntfplab: 1\nsource: d\ntitle: d\n"}  # fmt: skip
    # c lies over b with all that it extends.
    assert content(tmp_path, **files) == {"seed": 4, "tfplab": 1, "source": "c", "title": "a"}
    names = [Path(one.shown).name for one in read_spec(tmp_path / "a.yaml").files]
    assert names == ["a.yaml", "c.yaml", "b.yaml", "d.yaml"]


def test_every_value_keeps_its_file_and_line_and_paths_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b.yaml").write_text("tfplab: 1\n\npanel:\n  table: {files: x.csv}\n")
    write(tmp_path, a="extends: below/b.yaml\npanel: {year: y}\n")
    root = read_spec(tmp_path / "a.yaml").root
    assert root is not None
    files, year = find(root, ("panel", "table", "files")), find(root, ("panel", "year"))
    assert files is not None
    assert year is not None
    assert (files.position.file, files.position.line) == (str(tmp_path / "below" / "b.yaml"), 4)
    assert files.position.folder == tmp_path / "below"
    assert (year.position.file, year.position.line) == (str(tmp_path / "a.yaml"), 2)


def test_the_library_speaks_of_the_data_of_whoever_extends_it(tmp_path: Path) -> None:
    write(tmp_path, a="extends: library/hrw_2026.yaml\n", b="extends: library/hrw_2026\n")
    for name in ("a", "b"):
        spec = read_spec(tmp_path / f"{name}.yaml")
        assert spec.problems == ()
        assert spec.root is not None
        files = find(spec.root, ("panel", "accounts", "files"))
        assert files is not None
        assert files.position.folder == tmp_path
        assert files.position.file == str(LIBRARY / "hrw_2026.yaml")
        assert [one.shipped for one in spec.files] == [False, True]


def test_a_folder_of_ones_own_called_library_goes_first(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "hrw_2026.yaml").write_text("tfplab: 1\n")
    assert content(tmp_path, a="extends: library/hrw_2026.yaml\n") == {"tfplab": 1}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("a.yaml", 'a.yaml:1:10: extends: a circle, a.yaml -> a.yaml'),
        ("b.yaml", 'b.yaml:1:10: extends: a circle, a.yaml -> b.yaml -> a.yaml'),
        ("basee.yaml", 'a.yaml:1:10: extends: no such file "basee.yaml"'),
        ("basee.yaml", 'did you mean "base.yaml"?'),
        ("nowhere/base.yaml", 'there is no folder "'),
        ("library/hrw_2025.yaml", 'the library has no spec "hrw_2025.yaml", did you mean "hrw_2026.yaml"?'),
        (".", 'a.yaml:1:10: extends: "." is a folder'),
        ("[]", "a.yaml:1:10: extends: an empty list"),
        ("[base.yaml, 3]", "a.yaml:1:22: extends: the path of a spec is wanted, not 3"),
        ("{file: base.yaml}", "a.yaml:1:10: extends: the path of a spec is wanted, not a map"),
        ("", "a.yaml:1:1: extends: the path of a spec is wanted, not nothing"),
        ("true", "a.yaml:1:10: extends: the path of a spec is wanted, not true"),
        ("text.yaml", "text.yaml:1:1: keys are wanted at the top level"),
        ("broken.yaml", "broken.yaml:1:"),
        ("binary.yaml", "binary.yaml:1:1: the byte 0xFF is not UTF-8"),
        ("'a\\0b'", "a.yaml:1:10: extends:"),
        ("x" * 5000, "a.yaml:1:10: extends:"),
    ],
)  # fmt: skip
def test_what_cannot_be_extended_is_told_at_its_place(tmp_path: Path, written: str, message: str) -> None:
    text = written if "\\0" not in written else '"a\\0b"'
    write(tmp_path, a=f"extends: {text}\n", b="extends: a.yaml\n", base="seed: 1\n", text="- 1\n", broken="a: [1\n")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\x00\x01")
    spec = read_spec(tmp_path / "a.yaml")
    assert not spec.whole
    found = told(spec, tmp_path)
    assert len(found) == len(set(found))
    assert any(message in one for one in found), found


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    os.mkfifo(tmp_path / "pipe.yaml")
    write(tmp_path, a="extends: pipe.yaml\n")
    assert '"pipe.yaml" is no file' in told(read_spec(tmp_path / "a.yaml"), tmp_path)[0]


def test_a_mistake_of_a_parent_is_told_once_at_its_own_line(tmp_path: Path) -> None:
    write(tmp_path, a="extends: [b.yaml, c.yaml]\n", b="extends: d.yaml\n", c="extends: d.yaml\n", d="x: 010\nx: 2\n")
    found = [one.split(":")[:2] for one in told(read_spec(tmp_path / "a.yaml"), tmp_path)]
    assert found == [["d.yaml", "1"], ["d.yaml", "2"]]


def test_long_chains_many_files_and_many_bytes_are_bounded(tmp_path: Path) -> None:
    for number in range(MAX_CHAIN + 5):
        write(tmp_path, **{f"c{number}": f"extends: c{number + 1}.yaml\n"})
    write(tmp_path, **{f"c{MAX_CHAIN + 5}": "seed: 1\n"})
    assert f"more than {MAX_CHAIN} specs that extend one another" in told(read_spec(tmp_path / "c0.yaml"), tmp_path)[0]
    for number in range(60):
        write(tmp_path, **{f"w{number}": "seed: 1\n"})
    names = ", ".join(f"w{number}.yaml" for number in range(60))
    write(tmp_path, wide=f"extends: [{names}]\n")
    assert "more than 40 files" in told(read_spec(tmp_path / "wide.yaml"), tmp_path)[0]
    for number in range(3):
        write(tmp_path, **{f"l{number}": "#" + "x" * 250_000 + "\nseed: 1\n"})
    write(tmp_path, large="extends: [l0.yaml, l1.yaml, l2.yaml]\n")
    assert "bytes in all" in told(read_spec(tmp_path / "large.yaml"), tmp_path)[0]


def test_diamonds_on_diamonds_are_read_once(tmp_path: Path) -> None:
    """2 to the 15 ways lead down: each file is read once all the same."""
    for number in range(15):
        write(tmp_path, **{f"d{number}": f"extends: [d{number + 1}.yaml, e{number + 1}.yaml]\n",
                           f"e{number}": f"extends: [d{number + 1}.yaml, e{number + 1}.yaml]\n"})  # fmt: skip
    write(tmp_path, d15="seed: 1\n", e15="seed: 2\n")
    spec = read_spec(tmp_path / "d0.yaml")
    assert spec.problems == ()
    assert spec.root is not None
    assert plain(spec.root) == {"seed": 2}
    assert len(spec.files) == 31


values = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
maps = st.dictionaries(st.sampled_from("abcd"), values, max_size=4)


def tree(value: object) -> Node:
    if isinstance(value, dict):
        return Node(HERE, {key: Entry(HERE, tree(one)) for key, one in value.items()})
    return Node(HERE, value)  # type: ignore[arg-type]


@given(maps, maps, maps)
def test_laying_over_is_idempotent_and_associative_without_nulls(a: dict, b: dict, c: dict) -> None:
    """Maps and single values: what is on top stays on top however the layers are put together."""
    x, y, z = tree(a), tree(b), tree(c)
    assert plain(laid_over(x, x)) == a
    over = laid_over(x, y)
    assert plain(laid_over(over, y)) == plain(over)
    left, right = plain(laid_over(laid_over(x, y), z)), plain(laid_over(x, laid_over(y, z)))
    if not _forms_differ(a, b) and not _forms_differ(b, c) and not _forms_differ(a, c):
        assert left == right


def _forms_differ(a: object, b: object) -> bool:
    """Return whether a map stands on a single value somewhere: there the order of laying matters."""
    if isinstance(a, dict) and isinstance(b, dict):
        return any(_forms_differ(a[key], b[key]) for key in a.keys() & b.keys())
    return isinstance(a, dict) != isinstance(b, dict)
