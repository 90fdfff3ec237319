"""A small editor: it speaks the Language Server Protocol with a server over its standard streams."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from types import TracebackType
from typing import Any

from tfplab.editor.messages import read_messages, write_message

VERSION = "1.25.0"
"""Of yaml-language-server, by Red Hat: what VS Code's YAML extension, Neovim, Emacs and others run."""

SETTINGS = {"yaml": {"validate": True, "completion": True, "hover": True, "schemaStore": {"enable": False}}}


def yaml_language_server(cache: Path) -> list[str] | None:
    """Return the command of the server; None where there is neither it nor a registry that npm can reach."""
    node = shutil.which("node") or shutil.which("nodejs")
    npm = shutil.which("npm")
    if node is None:
        return None
    given = os.environ.get("YAML_LANGUAGE_SERVER")
    folder = Path(given) if given else cache / f"yaml-language-server-{VERSION}"
    if not folder.is_dir():
        if npm is None:
            return None
        # Several processes may install it at once; the first to finish gives it its name.
        own = cache / f"installing-{os.getpid()}"
        command = [npm, "install", "--prefix", str(own), "--no-audit", "--no-fund", "--fetch-retries=1",
                   "--fetch-timeout=20000", f"yaml-language-server@{VERSION}"]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode:
            return None
        try:
            own.rename(folder)
        except OSError:
            shutil.rmtree(own)
    script = folder / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
    return [node, str(script), "--stdio"] if script.exists() else None


class Editor:
    """An editor with a language server of its own.

    Parameters
    ----------
    command : list of str
    folder : Path
        The workspace.
    """

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **(environment or {})},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.send, self.receive = self.process.stdin, self.process.stdout
        self.numbers = itertools.count(1)
        self.answers: Queue[dict[str, Any]] = Queue()
        self.published: Queue[dict[str, Any]] = Queue()
        self.listener = Thread(target=self._listen, daemon=True)
        self.listener.start()
        self.capabilities = self.ask(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": folder.as_uri(),
                "workspaceFolders": [{"uri": folder.as_uri(), "name": "specs"}],
                "capabilities": {
                    "workspace": {"configuration": True, "workspaceFolders": True},
                    "textDocument": {
                        "publishDiagnostics": {"relatedInformation": True},
                        "completion": {"completionItem": {"snippetSupport": True}},
                        "hover": {"contentFormat": ["markdown", "plaintext"]},
                    },
                },
            },
        )["capabilities"]
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": SETTINGS})

    def __enter__(self) -> Editor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.ask("shutdown", None)
            self.tell("exit", None)
        self.status = self.process.wait(20)
        self.listener.join(20)
        self.send.close()
        self.receive.close()

    def _listen(self) -> None:
        for message in read_messages(self.receive):
            method = message.get("method")
            if method == "textDocument/publishDiagnostics":
                self.published.put(message["params"])
            elif method == "workspace/configuration":
                found = [SETTINGS.get(item.get("section", ""), {}) for item in message["params"]["items"]]
                write_message(self.send, {"id": message["id"], "result": found})
            elif method is not None and "id" in message:
                write_message(self.send, {"id": message["id"], "result": None})
            elif "id" in message:
                self.answers.put(message)

    def tell(self, method: str, parameters: Any) -> None:
        """Send a notification."""
        write_message(self.send, {"method": method, "params": parameters})

    def ask(self, method: str, parameters: Any) -> Any:
        """Send a request and return its result."""
        number = next(self.numbers)
        write_message(self.send, {"id": number, "method": method, "params": parameters})
        while (answer := self.answers.get(timeout=60))["id"] != number:
            pass
        assert "error" not in answer, json.dumps(answer)
        return answer["result"]

    def open(self, path: Path, text: str) -> str:
        """Open a document, which need not be on the disk, and return its name."""
        uri = path.as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def change(self, uri: str, text: str) -> None:
        """Type."""
        document = {"uri": uri, "version": next(self.numbers)}
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def close(self, uri: str) -> None:
        """Close a document."""
        self.tell("textDocument/didClose", {"textDocument": {"uri": uri}})

    def diagnostics(self, uri: str, seconds: float = 60) -> list[dict[str, Any]]:
        """Return what is published of a document next."""
        while True:
            found = self.published.get(timeout=seconds)
            if found["uri"] == uri:
                return list(found["diagnostics"])

    def quiet(self) -> bool:
        """Return whether nothing is published that was not read."""
        try:
            self.published.get(timeout=0.3)
        except Empty:
            return True
        return False

    def complete(self, uri: str, line: int, character: int) -> list[str]:
        """Return the labels that are offered at a place; both count from 0."""
        place = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        found = self.ask("textDocument/completion", place) or {}
        return [one["label"] for one in (found["items"] if isinstance(found, dict) else found)]

    def hover(self, uri: str, line: int, character: int) -> str:
        """Return what is shown of the word at a place."""
        place = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        found = self.ask("textDocument/hover", place)
        contents = found["contents"] if found else ""
        return str(contents["value"] if isinstance(contents, dict) else contents)
