from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from reports import bundle
from reports.bundle import check_target, read_bundle, write_bundle
from specs.errors import BundleError
from tests.reports.published import panel_facts, published_record, spec_facts

MANIFEST = {
    "tfplab": "0.1.0",
    "libraries": {"numpy": "2.4.6"},
    "inputs": {"data/a.csv": {"sha256": "ab" * 32, "bytes": 123456}},
    "seed": 1,
    "started": "2026-01-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return published_record()


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    """A record without figures, quick to write."""
    tables = {"t": {"models": ["table1"], "formats": ["md"]}}
    return published_record(spec=spec_facts(tables=tables, figures={}), figures=[])


def write(folder: Path, record: dict[str, Any], sources: dict[str, str | bytes] | None = None) -> None:
    write_bundle(
        folder,
        record,
        "tfplab: 1\n",
        {"hrw.yaml": "tfplab: 1  # ours\n"} if sources is None else sources,
        MANIFEST,
    )


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_bundle_holds_what_the_language_document_says(tmp_path: Path, record: dict[str, Any]) -> None:
    folder = tmp_path / "deep" / "run"
    write(folder, record)
    found = files(folder)
    assert {"run.json", "spec.yaml", "sources/hrw.yaml", "report.html", "ledger.csv", "manifest.json"} <= set(found)
    assert {"tables/table1.html", "tables/table1.tex", "tables/table1.md", "tables/table1.csv"} <= set(found)
    assert {"tables/table1.en.html", "tables/robust.html"} <= set(found)
    assert {"figures/figure9.svg", "figures/figure9.png", "figures/figure9.en.svg"} <= set(found)
    assert list(tmp_path.joinpath("deep").iterdir()) == [folder]
    assert 'lang="nl-BE"' in found["tables/table1.html"].decode()

    manifest = json.loads(found["manifest.json"])
    assert manifest["inputs"] == MANIFEST["inputs"]
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in found.items() if name != "manifest.json"}
    assert {name: of["sha256"] for name, of in manifest["outputs"].items()} == digests
    assert read_bundle(folder).record == record
    assert read_bundle(folder / "run.json").record == record


def test_the_record_holds_no_time_path_or_digest_of_an_input(tmp_path: Path, record: dict[str, Any]) -> None:
    write(tmp_path / "run", record)
    text = (tmp_path / "run" / "run.json").read_text()
    for secret in ("2026-01-01", "abab", "data/a.csv", str(tmp_path)):
        assert secret not in text


def test_equal_runs_give_equal_files(tmp_path: Path, record: dict[str, Any]) -> None:
    write(tmp_path / "a", record)
    write_bundle(
        tmp_path / "b",
        record,
        "tfplab: 1\n",
        {"hrw.yaml": "tfplab: 1  # ours\n"},
        {**MANIFEST, "started": "later"},
    )
    first, second = files(tmp_path / "a"), files(tmp_path / "b")
    del first["manifest.json"], second["manifest.json"]
    assert first == second


def test_the_ledger_balances_in_its_csv(tmp_path: Path, plain: dict[str, Any]) -> None:
    write(tmp_path / "run", plain)
    with (tmp_path / "run" / "ledger.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(panel_facts().ledger.entries)
    steps: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        steps.setdefault((row["table"], row["step"]), []).append(row)
    for lines in steps.values():
        dropped = sum(int(line["dropped"]) for line in lines)
        assert int(lines[0]["rows_in"]) == int(lines[0]["rows_out"]) + dropped


def test_a_bundle_replaces_a_bundle(tmp_path: Path, plain: dict[str, Any]) -> None:
    folder = tmp_path / "run"
    write(folder, plain, {"old.yaml": "a: 1\n"})
    (folder / ".DS_Store").write_text("litter")
    write(folder, plain)
    assert "sources/old.yaml" not in files(folder)
    assert ".DS_Store" not in files(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_empty_folder_will_do_and_a_link_is_followed(tmp_path: Path, plain: dict[str, Any]) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write(tmp_path / "link", plain)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "run.json").is_file()


@pytest.mark.parametrize("name", ["thesis.docx", "run.json", "sub/notes.txt", "manifest.json"])
def test_any_other_folder_is_refused(tmp_path: Path, plain: dict[str, Any], name: str) -> None:
    folder = tmp_path / "mine"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("{}")
    with pytest.raises(BundleError, match="holds files that are not a run bundle's"):
        write(folder, plain)
    assert files(folder) == {name: b"{}"}
    assert list(tmp_path.iterdir()) == [folder]


def test_a_bundle_in_which_somebody_keeps_notes_is_refused(tmp_path: Path, plain: dict[str, Any]) -> None:
    write(tmp_path / "run", plain)
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match=r"notes\.txt"):
        write(tmp_path / "run", plain)
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(BundleError, match="is a file"):
        check_target(tmp_path / "x")


def test_nothing_remains_of_a_run_that_breaks_off(
    tmp_path: Path, plain: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    write(folder, plain)
    before = files(folder)

    def broken(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(bundle.page, "render", broken)
    with pytest.raises(KeyboardInterrupt):
        write(folder, plain)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "new", plain)
    assert files(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_the_older_bundle_comes_back_if_the_last_step_fails(
    tmp_path: Path, plain: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    write(folder, plain)
    before = files(folder)
    rename = Path.rename

    def refusing(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise PermissionError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(PermissionError):
        write(folder, plain)
    assert files(folder) == before


@pytest.mark.parametrize("name", ["../escape.yaml", "/etc/passwd", "a/../../b", ""])
def test_sources_stay_below_the_bundle(tmp_path: Path, plain: dict[str, Any], name: str) -> None:
    with pytest.raises(BundleError, match="does not lie below"):
        write(tmp_path / "run", plain, {name: "x"})
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_bundle_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"is not a run bundle: it has no run\.json"):
        read_bundle(tmp_path)
    with pytest.raises(BundleError, match="is not a run bundle"):
        read_bundle(tmp_path / "nowhere")
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(BundleError, match="cannot be read as JSON"):
        read_bundle(tmp_path)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(BundleError, match=r"is not the run\.json"):
        read_bundle(tmp_path)
    (tmp_path / "run.json").write_text('{"format": 99}')
    with pytest.raises(BundleError, match="format 99 cannot be read"):
        read_bundle(tmp_path)
    with pytest.raises(BundleError, match="is not a run bundle: it is a file"):
        read_bundle(tmp_path / "run.json" / "run.json")
