"""The server: it answers an editor over two streams until the editor leaves."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO

from tfplab import __version__
from tfplab.editor.diagnostics import diagnostics_of, is_spec
from tfplab.editor.messages import Message, read_messages, write_message

__all__ = ["serve"]

_NOT_KNOWN = -32601
_CAPABILITIES = {"positionEncoding": "utf-16", "textDocumentSync": {"openClose": True, "change": 1, "save": True}}
"""An editor hands on the whole text at every change: specs are short."""


def serve(receive: BinaryIO, send: BinaryIO) -> int:
    """Speak the Language Server Protocol (3.17) until the editor says exit or the stream ends.

    Parameters
    ----------
    receive, send : binary files
        Standard input and output.

    Returns
    -------
    int
        0 where the editor took its leave as the protocol wants it, else 1.
    """
    waiting: SimpleQueue[Message | None] = SimpleQueue()
    Thread(target=_listen, args=(receive, waiting), daemon=True).start()
    server = _Server(lambda message: write_message(send, message))
    while True:
        # What is typed faster than it can be checked is checked once, when the typing rests.
        if waiting.empty():
            server.check()
        message = waiting.get()
        if message is None or message.get("method") == "exit":
            return 0 if server.left else 1
        server.take(message)


def _listen(stream: BinaryIO, waiting: SimpleQueue[Message | None]) -> None:
    for message in read_messages(stream):
        waiting.put(message)
        if message.get("method") == "exit":
            return  # a thread that still reads when Python ends would abort it
    waiting.put(None)


class _Server:
    def __init__(self, send: Callable[[Message], None]) -> None:
        self.send = send
        self.left = False
        self.texts: dict[str, str] = {}
        self.unchecked: dict[str, None] = {}
        self.found: dict[str, dict[str, list[dict[str, Any]]]] = {}

    def take(self, message: Message) -> None:
        """Take in one message; answer it if it is a request."""
        method, parameters = message.get("method"), message.get("params")
        given: Message = parameters if isinstance(parameters, dict) else {}
        if "id" in message and isinstance(method, str):
            self.answer(message["id"], method)
            return
        asked = given.get("textDocument")
        document: Message = asked if isinstance(asked, dict) else {}
        uri = document.get("uri")
        if not isinstance(uri, str):
            return
        if method == "textDocument/didOpen":
            self.changed(uri, document.get("text"))
        elif method == "textDocument/didChange":
            changes = given.get("contentChanges")
            last = changes[-1] if isinstance(changes, list) and changes else None
            self.changed(uri, last.get("text") if isinstance(last, dict) else None)
        elif method == "textDocument/didSave":
            # Files of data may have come, and other specs may extend this one.
            self.unchecked |= dict.fromkeys(self.texts)
        elif method == "textDocument/didClose":
            self.texts.pop(uri, None)
            self.unchecked.pop(uri, None)
            self.show({uri: {}})
            self.unchecked |= dict.fromkeys(self.texts)

    def answer(self, number: Any, method: str) -> None:
        """Answer a request."""
        if method == "initialize":
            server = {"name": "tfplab", "version": __version__}
            self.send({"id": number, "result": {"capabilities": _CAPABILITIES, "serverInfo": server}})
        elif method == "shutdown":
            self.left = True
            self.send({"id": number, "result": None})
        else:
            self.send({"id": number, "error": {"code": _NOT_KNOWN, "message": f"{method} is not known here"}})

    def changed(self, uri: str, text: Any) -> None:
        """Keep a text, to be checked as soon as nothing else waits."""
        if isinstance(text, str):
            self.texts[uri] = text
            # Others may extend it.
            self.unchecked |= dict.fromkeys((uri, *self.texts))

    def check(self) -> None:
        """Check what was changed, and tell the editor."""
        found: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for uri in self.unchecked:
            try:
                found[uri] = diagnostics_of(uri, self.texts) if is_spec(self.texts[uri]) else {uri: []}
            except Exception:  # a mistake of ours must not take the editor's messages away for the rest of the day
                traceback.print_exc(file=sys.stderr)
        self.unchecked = {}
        self.show(found)

    def show(self, found: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
        """Publish what checks found, by spec, in all the files that they found something in, now or before."""
        changed: dict[str, None] = {}
        for spec, now in found.items():
            changed |= dict.fromkeys((*now, *self.found.pop(spec, {})))
            if now:
                self.found[spec] = now
        for uri in changed:
            # Two specs may extend the same one: its mistake is shown once.
            told: list[dict[str, Any]] = []
            for one in self.found.values():
                told += [diagnostic for diagnostic in one.get(uri, []) if diagnostic not in told]
            self.send({"method": "textDocument/publishDiagnostics", "params": {"uri": uri, "diagnostics": told}})
