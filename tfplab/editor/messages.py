"""Messages of the language server protocol: a header, an empty line, a JSON text of so many bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

__all__ = ["MOST_BYTES", "read_messages", "write_message"]

MOST_BYTES = 64 * 1024 * 1024
"""A message that says it is longer is none: the stream is not what it should be."""

Message = dict[str, Any]


def read_messages(stream: BinaryIO) -> Iterator[Message]:
    """Yield the messages of a stream until it ends, or is no longer one of messages.

    Parameters
    ----------
    stream : binary file
        Language Server Protocol 3.17, "Base Protocol". A text that is no JSON map is left out.
    """
    while (length := _length(stream)) is not None:
        body = stream.read(length)
        if len(body) < length:
            return
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            continue
        if isinstance(message, dict):
            yield message


def _length(stream: BinaryIO) -> int | None:
    """Read a header; None at the end of the stream."""
    length = None
    while line := stream.readline(1000):
        name, _, value = line.strip().partition(b":")
        if not name:
            if length is None:
                return None
            return length
        if name.lower() == b"content-length":
            digits = value.strip()
            if not digits.isdigit() or int(digits) > MOST_BYTES:
                return None
            length = int(digits)
    return None


def write_message(stream: BinaryIO, message: Message) -> None:
    """Write one message, and push it out."""
    body = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode("utf-8", "replace")
    stream.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    stream.flush()
