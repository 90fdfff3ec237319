"""A spec in Python: as text that keeps its layout, as a mapping, as what is run."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tfplab
from specs.edit import values_of
from tests.specs.test_edit import LIBRARY, documents, laid_out

Make = Callable[..., Path]
MODEL = "models:\n  m:  # ours\n    design: cross_section\n    formula: tfp ~ size\n"


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_a_spec_of_the_library_is_written_as_it_was_read(path: Path, tmp_path: Path) -> None:
    spec = tfplab.Spec.read(path)
    assert not spec.changed
    assert spec.write(tmp_path / "copy.yaml").read_bytes() == path.read_bytes()
    assert spec == values_of(path.read_text(encoding="utf-8"))


@settings(max_examples=int(os.environ.get("TFPLAB_LAYOUTS", "60")), deadline=None)
@given(
    values=documents,
    chance=st.randoms(use_true_random=False),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_any_layout_is_written_as_it_was_read(
    tmp_path_factory: pytest.TempPathFactory, values: Any, chance: random.Random, newline: str, mark: str
) -> None:
    path = tmp_path_factory.mktemp("layouts") / "spec.yaml"
    text = laid_out(values, chance).lstrip(" ")
    # What stands behind the colon of a key has no place at the top.
    text = text[text.index("\n") + 1 :] if not text.startswith(("{", "#")) else text
    content = (mark + "# head\n" + text).replace("\n", newline).encode()
    path.write_bytes(content)
    spec = tfplab.Spec.read(path)
    # Set to what it is, nothing changes either.
    for key, one in values.items():
        if key:
            spec[key] = one
    assert not spec.changed
    assert spec.write().read_bytes() == content
    # What is added is set in the same line breaks, and the mark stays where it was.
    spec["k"] = {"a": "x" * 130}
    after = spec.write().read_bytes()
    assert after.decode().startswith(mark)
    assert after.decode().replace(newline, "").count("\n") == content.decode().replace(newline, "").count("\n")
    assert tfplab.Spec.read(path)["k"] == {"a": "x" * 130}


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_a_spec_built_from_values_is_the_same_study(path: Path, demo_folder: Path, tmp_path: Path) -> None:
    built = tfplab.Spec(values_of(path.read_text(encoding="utf-8")))
    written = built.write(tmp_path / path.name).read_text(encoding="utf-8")
    assert json.dumps(values_of(written)) == json.dumps(built.plain())
    # The demo has the data of all of them.
    original, again = (tfplab.Spec.parse(text, demo_folder / path.name) for text in (path.read_text("utf-8"), written))
    assert (original.check(), again.check()) == ((), ())
    assert again.plan().digest == original.plan().digest


def test_keys_are_set_in_their_place(own_panel: Make) -> None:
    path = own_panel(MODEL)
    spec = tfplab.Spec.read(path)
    before = spec.text
    spec["models"]["m"]["errors"] = "HC3"
    spec.set("productivity.tfp.degree", 3)
    spec["models"]["m"]["reference"] = {"size": "small"}
    assert spec.text == before.replace("degree: 2", "degree: 3") + "    errors: HC3\n    reference: {size: small}\n"
    assert spec.changed
    assert spec.check() == ()
    del spec["models"]["m"]["reference"]
    spec.remove("models.m.errors")
    spec["productivity"]["tfp"]["degree"] -= 1
    assert spec.text == before
    assert not spec.changed
    assert path.read_text() == before


def test_lists_write_through_too() -> None:
    spec = tfplab.Spec(a={"free": ["l", "h"]})
    free = spec["a"]["free"]
    free.append("x")
    free[0] = "L"
    del free[1]
    assert spec.text == "tfplab: 1\na:\n  free: [L, x]\n"
    assert free == ["L", "x"]
    assert "x" in free
    del spec["a"]
    with pytest.raises(tfplab.TfplabError, match=r"a\.free: it is no longer there"):
        len(free)


def test_a_spec_is_a_mapping_of_its_sections(own_panel: Make) -> None:
    spec = tfplab.Spec.read(own_panel(MODEL))
    assert list(spec) == ["tfplab", "title", "panel", "productivity", "models"]
    assert "models" in spec
    assert spec["title"] == "Plants"
    assert spec.get("seed", 7) == 7
    assert spec["models"].plain() == {"m": {"design": "cross_section", "formula": "tfp ~ size"}}
    with pytest.raises(KeyError, match='did you mean "models"'):
        spec["model"]
    with pytest.raises(KeyError, match="there are: m"):
        spec["models"]["zzzz"]
    with pytest.raises(KeyError, match="panl"):
        del spec["panl"]
    other = spec.copy()
    other["title"] = "Other"
    assert spec["title"] == "Plants"
    assert repr(other).endswith("changed: tfplab, title, panel, productivity, models>")
    assert "title: Other" in other._repr_markdown_()


def test_mistakes_have_positions_in_the_text(own_panel: Make) -> None:
    spec = tfplab.Spec(panel={"table": {"files": "nowhere.csv"}}, models={"m": {"design": "cross_secton"}})
    shown = [str(one) for one in spec.check()]
    assert [one.split(": ")[0] for one in shown] == ["<spec>:3:18", "<spec>:5:15"]
    assert 'did you mean "cross_section"?' in shown[1]
    with pytest.raises(tfplab.SpecError, match="<spec>:5:15"):
        spec.run()
    path = own_panel(MODEL)
    read = tfplab.Spec.read(path)
    read["models"]["m"]["errors"] = "HC9"
    (problem,) = read.check()
    assert str(problem.position) == f"{path}:10:13"


def test_what_is_run_is_what_the_spec_says_now(own_panel: Make, tmp_path: Path) -> None:
    path = own_panel(MODEL)
    spec = tfplab.Spec.read(path)
    spec["models"]["m"]["errors"] = "HC3"
    output = tmp_path / "out"
    done = spec.run(output, seed=5)
    assert done.record["models"]["m"]["errors"]["kind"] == "HC3"
    assert "seed: 5" in (output / "spec.yaml").read_text()
    # The bundle keeps the text that was run, under the name of its file.
    assert (output / "sources" / "own.yaml").read_text() == spec.text != path.read_text()
    assert "Plants" in spec.explain()


def test_a_spec_without_a_file_runs_in_the_folder_of_the_process(
    own_panel: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = own_panel(MODEL)
    monkeypatch.chdir(tmp_path)
    sections = tfplab.Spec.read(path).plain()
    done = tfplab.run(sections, tmp_path / "out")
    assert repr(done).startswith("<Run of spec.yaml:")
    stored = tmp_path / "out" / "sources" / "spec.yaml"
    assert stored.read_text() == tfplab.Spec(sections).text
    assert done.record["spec"]["digest"] == tfplab.run(path).record["spec"]["digest"]


def test_a_spec_may_extend_another(own_panel: Make, tmp_path: Path) -> None:
    own_panel(MODEL)
    child = tfplab.Spec.parse("tfplab: 1\nextends: own.yaml\n", tmp_path / "child.yaml")
    child.set("models.m.errors", "HC1")
    assert child.check() == ()
    assert child.plan().written["models"]["m"]["errors"] == "HC1"


def test_writing_is_whole_or_not_at_all(own_panel: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = own_panel(MODEL)
    path.chmod(0o640)
    before = path.read_bytes()
    spec = tfplab.Spec.read(path)
    spec["title"] = "Other"
    with monkeypatch.context() as broken:
        broken.setattr("os.replace", _full)
        with pytest.raises(OSError, match="no space"):
            spec.write()
    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["own.yaml", "plants.csv"]
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    assert spec.write(link) == link
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_text() == spec.text
    with pytest.raises(tfplab.TfplabError, match="the spec has no file yet"):
        tfplab.Spec().write()
    with pytest.raises(tfplab.TfplabError, match="there is no folder"):
        spec.write(tmp_path / "nowhere" / "x.yaml")
    with pytest.raises(tfplab.TfplabError, match="this is a folder"):
        spec.write(tmp_path)
    with pytest.raises(tfplab.TfplabError, match=r"Spec\.read\(path\) reads a file"):
        tfplab.Spec("own.yaml")  # type: ignore[arg-type]


def _full(*_: object) -> None:
    raise OSError("no space")


class _Kind(StrEnum):
    SURE = "sure"


def test_values_that_mean_something_plain_are_converted() -> None:
    spec = tfplab.Spec(
        a=(1, np.int64(2), np.float32(0.5), np.bool_(True), Fraction(1, 4)),
        b={2020: Path("data") / "x.csv", "when": date(2020, 1, 2)},
        c=range(3),
        d=_Kind.SURE,
        e=np.str_("010"),
        f=np.float64(1e-7),
    )
    assert spec.plain() == {
        "tfplab": 1,
        "a": [1, 2, 0.5, True, 0.25],
        "b": {"2020": "data/x.csv", "when": "2020-01-02"},
        "c": [0, 1, 2],
        "d": "sure",
        "e": "010",
        "f": 1e-7,
    }
    assert "e: '010'" in spec.text


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (pd.DataFrame({"a": [1]}), "a table of pandas (DataFrame) cannot stand in a spec, write it to a file"),
        (pd.Series([1]), "Series of pandas cannot stand in a spec, give a list: .tolist()"),
        (np.arange(3), "ndarray of numpy cannot stand in a spec, give a list: .tolist()"),
        (len, "a function (len) cannot stand in a spec, write what it does as an expression"),
        (float("nan"), "nan, not a finite number, cannot stand in a spec, leave the key out"),
        (np.float64("inf"), "inf, not a finite number,"),
        (pd.NaT, "cannot stand in a spec"),
        ({1, 2}, "a set cannot stand in a spec, it has no order: give a list"),
        (b"x", "bytes cannot stand in a spec, decode them to text"),
        (1j, "a complex number, 1j,"),
        (object(), "an object of type object cannot stand in a spec"),
        (2**60, "too large for a number"),
        ("a\0b", "a text with the invisible character U+0000"),
        ("\ud800", "a text with the invisible character U+D800"),
        ({True: 1}, "the key True cannot stand in a spec, keys are text or whole numbers"),
        ({1: 1, "1": 2}, "a key that is there twice"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_that_mean_nothing_in_a_spec_are_refused(value: object, why: str) -> None:
    spec = tfplab.Spec(models={"m": {}})
    with pytest.raises(tfplab.TfplabError) as caught:
        spec["models"]["m"]["x"] = value
    assert str(caught.value).startswith("models.m.x")
    assert why in str(caught.value)
    assert spec == {"tfplab": 1, "models": {"m": {}}}


def test_every_value_that_cannot_be_is_named() -> None:
    knot: list[object] = []
    knot.append(knot)
    with pytest.raises(tfplab.TfplabError) as caught:
        tfplab.Spec(a={"b": len, "c": [1, float("nan")]}, d=knot)
    first, second, third = str(caught.value).splitlines()
    assert (first[:5], second[:7], third[:4]) == ("a.b: ", "a.c.1: ", "d.0.")
    assert "nested more than 20 deep, does it hold itself?" in third.replace(" cannot stand in a spec", "")


def test_a_path_says_where(own_panel: Make) -> None:
    spec = tfplab.Spec.read(own_panel(MODEL))
    for path in ("", "models..m", "."):
        with pytest.raises(tfplab.TfplabError, match="is no path"):
            spec.set(path, 1)
    with pytest.raises(tfplab.TfplabError, match=r"title\.x: title is a single value"):
        spec.set("title.x", 1)
    with pytest.raises(tfplab.TfplabError, match=r"models\.n: there is nothing"):
        spec.remove("models.n")


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"\xff\xfea", "the file is in UTF-16"), (b"a: [1", "spec.yaml:1:"), (b"", "the file is empty"),
     (b"- a\n", "keys are wanted at the top level"), (b"a: !!python/object:os.system x\n", "the tag")],
)  # fmt: skip
def test_what_is_no_yaml_is_refused_when_read(content: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(content)
    with pytest.raises(tfplab.SpecError, match=why):
        tfplab.Spec.read(path)
    with pytest.raises(tfplab.TfplabError, match="half of a surrogate pair"):
        tfplab.Spec.parse("title: \ud800\n")
    with pytest.raises(tfplab.SpecError, match="no such file"):
        tfplab.Spec.read(tmp_path / "nothing.yaml")


def test_progress_is_shown_only_where_it_is_asked_for(own_panel: Make, capsys: pytest.CaptureFixture[str]) -> None:
    tfplab.run(own_panel(MODEL), quiet=False)
    assert capsys.readouterr() == ("", "")  # no terminal


def test_a_run_takes_what_the_command_takes(own_panel: Make) -> None:
    spec = tfplab.Spec.read(own_panel(MODEL + "  n: {like: m, errors: HC1}\n"))
    done = tfplab.run(spec, only=["m"], set={"models.m.errors": "HC3"}, locale=["nl_BE"])
    assert list(done.models) == ["m"]
    assert done.record["models"]["m"]["errors"]["kind"] == "HC3"
    assert not spec.changed
    with pytest.raises(tfplab.TfplabError, match=r"models\.m\.errors: a function \(len\) cannot stand in a spec"):
        tfplab.run(spec, set={"models.m.errors": len})
