"""Write and read a run bundle: whole or not at all, and never over anything that is not one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from panels.ledger import LEDGER_COLUMNS
from reports import page
from reports.build import build_table
from reports.cases import case_rows
from reports.figures.build import Drawn, build_figures, figure_formats
from reports.folder import MANIFEST, check_folder, write_folder
from reports.formats.csv import write_rows
from reports.formats.registry import format_named
from reports.record_text import FORMAT, dump_record
from reports.views import table_spec
from specs.errors import BundleError

__all__ = ["Bundle", "check_target", "read_bundle", "write_bundle"]

_RECORD = "run.json"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as read.

    Attributes
    ----------
    folder : Path
    record : dict
        The content of ``run.json``.
    manifest : dict
        Empty where the file is missing.
    """

    folder: Path
    record: dict[str, Any]
    manifest: dict[str, Any]


def write_bundle(
    folder: Path,
    record: Mapping[str, Any],
    spec_text: str,
    sources: Mapping[str, str | bytes],
    manifest: Mapping[str, Any],
) -> None:
    """Write a run bundle beside `folder` and rename it into place.

    Parameters
    ----------
    folder : Path
        Does not exist, is empty, or holds a bundle, which is replaced in one step.
    record : mapping
        As `reports.record.build_record` returns it.
    spec_text : str
        The spec as resolved, YAML: ``spec.yaml``.
    sources : mapping of str to text or bytes
        The spec files as given, by a relative name, written below ``sources/``.
    manifest : mapping
        Digests of the inputs, versions, platform, seeds and times; those of the outputs are added.

    Raises
    ------
    BundleError
        If `folder` holds anything else, or a source's name leaves the bundle.
    """
    write_folder(folder, "run", _files(record, spec_text, sources, manifest), manifest)


def check_target(folder: Path) -> Path:
    """Return where a bundle may be written, links followed.

    Worth asking before hours of estimation.

    Raises
    ------
    BundleError
        If the folder holds anything but a bundle.
    """
    return check_folder(folder, "run")


def read_bundle(path: Path) -> Bundle:
    """Read a run bundle.

    Parameters
    ----------
    path : Path
        Its folder, or its ``run.json``.

    Raises
    ------
    BundleError
        If there is none, or it was written by another version.
    """
    folder = path.parent if path.name == _RECORD else path
    record = _load(folder / _RECORD, path)
    if record.get("format") != FORMAT:
        raise BundleError(
            f"{folder / _RECORD}: format {record.get('format')!r} cannot be read, "
            f"this version reads {FORMAT}; run the spec again"
        )
    manifest = _load(folder / MANIFEST, path) if (folder / MANIFEST).is_file() else {}
    return Bundle(folder, record, manifest)


def _load(file: Path, asked: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BundleError(f"{asked} is not a run bundle: it has no {file.name}; make one with tfplab run") from None
    except NotADirectoryError:
        raise BundleError(f"{asked} is not a run bundle: it is a file; name the folder of the run") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise BundleError(f"{file} cannot be read as JSON: {error}") from None
    if not isinstance(loaded, dict):
        raise BundleError(f"{file} is not the {file.name} of a run bundle")
    return loaded


def _files(
    record: Mapping[str, Any], spec_text: str, sources: Mapping[str, str | bytes], manifest: Mapping[str, Any]
) -> Iterator[tuple[str, str | bytes]]:
    yield _RECORD, dump_record(record)
    yield "spec.yaml", spec_text
    for name, content in sources.items():
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or not place.parts:
            raise BundleError(f"the source {name!r} does not lie below the bundle")
        yield f"sources/{place}", content
    ledger = (tuple(one[key] for key in LEDGER_COLUMNS) for one in record["panel"]["ledger"])
    yield "ledger.csv", write_rows(LEDGER_COLUMNS, ledger)
    for name, variant in record["variants"].items():
        columns, rows = case_rows(variant)
        yield f"variants/{name}.csv", write_rows(columns, (tuple(row.get(key) for key in columns) for row in rows))
    yield from _tables(record)
    locales = page.locales_of(record)
    drawn = {locale: build_figures(record, locale) for locale in locales}
    for locale, figures in drawn.items():
        yield from _figures(record, figures, "" if locale == locales[0] else f".{locale}")
    yield "report.html", page.render(record, spec_text, manifest, locales[0], drawn[locales[0]])


def _tables(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in record["spec"]["tables"]:
        spec = table_spec(record, name)
        for place, locale in enumerate(dict.fromkeys(spec.locales)):
            table = build_table(record, name, locale)
            # The first locale's file has the plain name, the others carry theirs.
            suffix = "" if place == 0 else f".{locale}"
            for one in dict.fromkeys(map(format_named, spec.formats)):
                yield f"tables/{name}{suffix}.{one.extension}", one.document(table)


def _figures(record: Mapping[str, Any], drawn: list[Drawn], suffix: str) -> Iterator[tuple[str, bytes]]:
    for figure in drawn:
        for extension in figure_formats(record, figure.name):
            yield f"figures/{figure.name}{suffix}.{extension}", figure.images[extension]
