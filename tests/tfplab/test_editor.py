"""``tfplab editor``: the messages of check over the Language Server Protocol."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tfplab.editors import Editor
from tests.tfplab.mistaken_specs import BASE, MISTAKES, PANEL
from tfplab.cli import main
from tfplab.editor.diagnostics import diagnostics_of, is_spec, path_of
from tfplab.editor.messages import MOST_BYTES, read_messages, write_message
from tfplab.editor.server import serve

COMMAND = [sys.executable, "-m", "tfplab", "editor", "--stdio"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "panel.csv").write_text(PANEL)
    return tmp_path.resolve()


@pytest.fixture
def editor(folder: Path) -> Iterator[Editor]:
    with Editor(COMMAND, folder, {"PYTHONPATH": str(ROOT)}) as editor:
        yield editor
    assert editor.status == 0


def told(found: list[dict[str, Any]]) -> list[tuple[int, int, str]]:
    return [(*one["range"]["start"].values(), one["message"]) for one in found]


def test_it_says_what_check_says_and_where(folder: Path, editor: Editor, capsys: pytest.CaptureFixture[str]) -> None:
    assert editor.capabilities["positionEncoding"] == "utf-16"
    for number, text in enumerate("# yaml-language-server: tfplab\n" + one for one in list(MISTAKES.values())[::12]):
        path = folder / f"{number}.yaml"
        path.write_text(text, encoding="utf-8")
        assert main(["check", "--json", str(path)]) == 2
        problems = json.loads(capsys.readouterr().out)["specs"][0]["problems"]
        expected = [
            (
                one["line"] - 1,
                one["column"] - 1,
                (f"{one['path']}: " if one["path"] else "")
                + ", ".join(part for part in (one["what"], one["meaning"], one["advice"]) if part),
            )
            for one in problems
        ]
        found = editor.diagnostics(editor.open(path, text))
        assert told(found) == expected
        assert {(one["source"], one["severity"]) for one in found} == {("tfplab", 1)}


def test_it_follows_what_is_typed(folder: Path, editor: Editor) -> None:
    uri = editor.open(folder / "never_saved.yaml", BASE.replace("wlp", "wl"))
    assert [one["message"].split(":")[0] for one in editor.diagnostics(uri)] == ["productivity.tfp.method"]
    editor.change(uri, BASE)
    assert editor.diagnostics(uri) == []
    editor.change(uri, BASE + "figures:\n  'f")
    (one,) = editor.diagnostics(uri)
    assert one["range"]["start"] == {"line": 11, "character": 2}
    editor.close(uri)
    assert editor.diagnostics(uri) == []


def test_the_word_that_is_wrong_is_marked(folder: Path) -> None:
    text = BASE.replace("A study", "{en: '\U0001f600', nl: 37}").replace("degree", "degre")
    (one,) = diagnostics_of("file:///s.yaml", {"file:///s.yaml": text})["file:///s.yaml"][:1]
    line = text.splitlines()[1]
    start, end = (one["range"][name]["character"] for name in ("start", "end"))
    assert line.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le") == "37"


def test_a_byte_order_mark_moves_nothing(folder: Path) -> None:
    uri = (folder / "s.yaml").as_uri()
    text = "\ufeff" + BASE.replace("tfplab: 1", "tfplab: 2")
    assert told(diagnostics_of(uri, {uri: text})[uri])[0][:2] == (0, 9)


def test_a_mistake_in_what_a_spec_extends_is_shown_there(folder: Path, editor: Editor) -> None:
    (folder / "base.yaml").write_text(BASE.replace("wlp", "wl"))
    text = "tfplab: 1\nextends: base.yaml\ntitle: Mine\n"
    uri = editor.open(folder / "own.yaml", text)
    assert editor.diagnostics(uri) == []
    base = (folder / "base.yaml").as_uri()
    # The one of the base is published under the base, once the spec is checked.
    assert [place[:2] for place in told(editor.diagnostics(base))] == [(7, 16)]
    # Mended in the editor, not saved: both are checked with what stands there now.
    editor.open(folder / "base.yaml", BASE)
    assert editor.diagnostics(base) == []


def test_of_a_part_that_names_the_schema_of_parts_nothing_is_asked() -> None:
    assert is_spec("tfplab: 1\n")
    assert is_spec("'tfplab': 1\n")
    assert is_spec("# yaml-language-server: $schema=./tfplab.schema.json\npanel: {}\n")
    assert not is_spec("# yaml-language-server: $schema=./tfplab.fragment.schema.json\nmodels: {}\n")
    assert not is_spec("columns: {tfplab: 1}\n")
    assert not is_spec("name: tfplab\n")


def test_other_files_are_left_alone(folder: Path, editor: Editor) -> None:
    uri = editor.open(folder / "docker.yaml", "services: {a: 1}\n")
    assert editor.diagnostics(uri) == []


def test_documents_without_a_file_have_a_name() -> None:
    assert path_of("file:///a/b%20c.yaml") == Path("/a/b c.yaml")
    assert path_of("untitled:Untitled-1") == Path("Untitled-1")
    assert path_of("untitled:") == Path("untitled.yaml")
    (one,) = diagnostics_of("untitled:Untitled-1", {"untitled:Untitled-1": "tfplab: 1\n"})["untitled:Untitled-1"]
    assert "panel" in one["message"]


def test_saving_checks_again(folder: Path, editor: Editor) -> None:
    (folder / "panel.csv").unlink()
    uri = editor.open(folder / "s.yaml", BASE)
    assert "panel.csv" in editor.diagnostics(uri)[0]["message"]
    (folder / "panel.csv").write_text(PANEL)
    editor.tell("textDocument/didSave", {"textDocument": {"uri": uri}})
    assert editor.diagnostics(uri) == []


def test_what_it_does_not_know_it_refuses(editor: Editor) -> None:
    with pytest.raises(AssertionError, match="textDocument/hover is not known here"):
        editor.ask("textDocument/hover", {})


# ---------------------------------------------------------------- the stream


def exchange(*parts: bytes | dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    """Send a stream; return the server's status and its messages."""
    receive, send = io.BytesIO(), io.BytesIO()
    for part in parts:
        if isinstance(part, bytes):
            receive.write(part)
        else:
            write_message(receive, part)
    receive.seek(0)
    status = serve(receive, send)
    send.seek(0)
    return status, list(read_messages(send))


def test_an_editor_that_goes_without_a_word_leaves_status_1() -> None:
    assert exchange()[0] == 1
    assert exchange({"method": "exit"})[0] == 1
    assert exchange({"id": 1, "method": "shutdown"}, {"method": "exit"})[0] == 0


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"Content-Length: many\r\n\r\n",
        b"Content-Length: %d\r\n\r\n{}" % (MOST_BYTES + 1),
        b"Content-Length: 100\r\n\r\n{}",
        b"\x00" * 5000,
    ],
)
def test_garbage_ends_it(garbage: bytes) -> None:
    assert exchange(garbage) == (1, [])


@pytest.mark.parametrize("body", [b"nonsense", b"[1, 2]", b"[" * 100_000, b'"text"', b"\xff\xfe"])
def test_messages_that_are_none_are_passed_over(body: bytes) -> None:
    status, answers = exchange(
        b"Content-Length: %d\r\nContent-Type: x\r\n\r\n" % len(body) + body,
        {"id": 7, "method": "shutdown"},
        {"method": "exit"},
    )
    assert (status, answers) == (0, [{"jsonrpc": "2.0", "id": 7, "result": None}])


def test_odd_parameters_stop_nothing() -> None:
    odd: list[dict[str, Any]] = [
        {"method": "textDocument/didOpen", "params": parameters}
        for parameters in (
            None,
            [],
            {},
            {"textDocument": None},
            {"textDocument": {"uri": 3}},
            {"textDocument": {"uri": "a"}},
        )
    ]
    odd += [{"method": "textDocument/didChange", "params": {"textDocument": {"uri": "a"}, "contentChanges": one}}
            for one in (None, [], [None], [{"text": 3}], 5)]  # fmt: skip
    assert exchange(*odd, {"method": 3}, {"id": 1, "method": "shutdown"}, {"method": "exit"})[0] == 0


def test_nothing_but_the_protocol_is_written_to_standard_output(tmp_path: Path) -> None:
    done = subprocess.run(COMMAND, input=b"", capture_output=True, env={"PYTHONPATH": str(ROOT)}, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")
