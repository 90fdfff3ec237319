"""A new spec from its parts, and its file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from specs.errors import BundleError, TfplabError, did_you_mean
from tfplab.scaffold.data import Data, Files, data_of, with_demo_files
from tfplab.scaffold.designs import sketch_of
from tfplab.scaffold.measures import PRODUCTIVITY, Measures
from tfplab.scaffold.page import Page
from tfplab.scaffold.sketch import DESIGNS_TOLD, METHODS_TOLD

__all__ = ["Wish", "listing", "place_of", "scaffold"]

_NO_NAME = re.compile(r'[<>:"|?*\\/\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new spec is to be.

    Attributes
    ----------
    design, method : str
        The method may be empty: the design's default.
    files : Files
    productivity : str
        A method, ``none``, or empty for the best that the columns allow.
    outcome, instrument : str
        Columns; may be empty.
    """

    design: str
    method: str = ""
    files: Files = field(default_factory=Files)
    productivity: str = ""
    outcome: str = ""
    instrument: str = ""


def place_of(name: str) -> Path:
    """Return the file of a new spec.

    Parameters
    ----------
    name : str
        With or without ``.yaml``; may lead into a folder that is there.

    Raises
    ------
    TfplabError
        Where it is no name of a file, the folder is not there, or something of that name is.
    """
    folder, last = os.path.split(name)
    bad = (
        not last.strip(". ")
        or _NO_NAME.search(last)
        or _RESERVED.fullmatch(last)
        or last != last.strip()
        or last[-1] == "."
    )
    if bad or not last.isprintable() or len(last.encode()) > _LONGEST or "\0" in folder:
        raise TfplabError(f"{ascii(name)[:80]} is no name for a file; write letters, digits, _ and -: tfplab new study")
    path = Path(folder) / (last if last.endswith((".yaml", ".yml")) else f"{last}.yaml")
    if not path.parent.is_dir():
        raise BundleError(f"there is no folder {path.parent}; make it first: no folder is made for a spec")
    if os.path.lexists(path):
        raise BundleError(f"{path} is there already; nothing was written: name another, or remove it first")
    return path


def scaffold(wish: Wish, path: Path) -> tuple[str, Data]:
    """Return the text of a new spec, and what was seen of the files.

    Parameters
    ----------
    wish : Wish
        Paths relative to the working directory, as on the command line.
    path : Path
        Where the spec is going to stand: in it, paths are relative to its folder.

    Raises
    ------
    TfplabError
    """
    _known("--design", wish.design, DESIGNS_TOLD)
    if wish.productivity:
        _known("--productivity", wish.productivity, (*PRODUCTIVITY, "none"))
    data = data_of(with_demo_files(_beside(wish.files, path.parent)), str(path))
    measures = Measures.of(data, wish.productivity, wish.outcome)
    sketch = sketch_of(wish.design, wish.method, data, measures, wish.instrument)
    page = Page()
    page.say("yaml-language-server: $schema=./tfplab.schema.json")
    page.say(
        "Lines behind a # have no effect: alternatives, used by taking the # away. docs/language.md has every key."
    )
    page.say(
        "`tfplab schema -o tfplab.schema.json` writes what the first line names: editors then complete keys and names."
    )
    page.key("tfplab: 1", "the version of the language")
    page.key(
        f"title: {DESIGNS_TOLD[wish.design].partition(':')[0].capitalize()}",
        "at the head of the report; write your own",
    )
    page.off("source: ...", "where the data and the design come from")
    page.key("seed: 1", "of everything that is drawn; the same seed gives the same numbers")
    page.gap()
    if data.missing:
        page.say(
            "There are no such files yet; paths of yours go here. `tfplab demo` writes synthetic ones of these names."
        )
    data.write_panel(page)
    if wish.design != "adoption_rates":
        measures.write_variables(page)
        measures.write_productivity(page)
    sketch.write(page, wish.design)
    return page.text, data


def listing() -> str:
    """Return what there is to choose from, in lines."""
    lines = ["designs (--design), and their methods (--method), the default first:"]
    for design, told in DESIGNS_TOLD.items():
        lines.append(f"  {design:<16} {told}")
        lines += [f"    {method:<16} {why}" for method, why in METHODS_TOLD.get(design, {}).items()]
    lines.append("productivity (--productivity), the default first where the columns allow it:")
    lines += [
        f"  {method:<24} {why}"
        for method, why in {**PRODUCTIVITY, "none": "a column is the outcome: --outcome"}.items()
    ]
    return "\n".join(lines)


def _known(flag: str, value: str, known: object) -> None:
    names = [str(one) for one in known]  # type: ignore[attr-defined]
    if value not in names:
        near = did_you_mean(value, names)
        raise TfplabError(f'{flag}: "{value}" is none; {near + " " if near else ""}there are: {", ".join(names)}')


def _beside(files: Files, folder: Path) -> Files:
    """Return the files as a spec in a folder names them."""

    def moved(path: str) -> str:
        if not path or os.path.isabs(path) or folder in (Path(), Path(".")):
            return path
        return os.path.relpath(path, folder)

    def wave(told: str) -> str:
        year, sign, path = told.partition("=")
        return f"{year}={moved(path)}" if sign and year.isdecimal() else moved(told)

    def layout(named: str) -> str:
        return moved(named) if named.endswith((".yaml", ".yml")) else named

    return replace(
        files,
        table=tuple(moved(one) for one in files.table),
        accounts=tuple(moved(one) for one in files.accounts),
        deflators=tuple(moved(one) for one in files.deflators),
        survey=tuple(wave(one) for one in files.survey),
        layout=layout(files.layout),
        survey_layout=layout(files.survey_layout),
    )
