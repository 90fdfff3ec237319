"""The account as plain text."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from tfplab.explaining.account import Account, Block, Equations, Listed, Part, Section, Settings, Told

__all__ = ["render"]

WIDTH = 110
_KEPT = "\0"
WIDEST = 78
"""Beyond which an origin is not pushed: it stands behind a longer setting by itself."""


def render(account: Account) -> str:
    """Return the account as lines of at most 110 characters; origins stand in a column.

    Parameters
    ----------
    account : Account
    """
    head = [account.title] + ([f"Source: {account.source}"] if account.source else [])
    title = "\n".join(line for part in head for line in wrap(part, WIDTH))
    return "\n\n".join([title, *map(_section, account.sections)])


def _section(section: Section) -> str:
    lines = [section.title, "-" * len(section.title), *(wrap(section.lead, WIDTH) if section.lead else [])]
    for number, block in enumerate(section.blocks):
        if block.heading and (number or section.lead):
            lines.append("")
        lines += _block(block)
    return "\n".join(lines)


def _block(block: Block) -> Iterator[str]:
    if block.heading:
        yield from wrap(block.heading, WIDTH)
    for part in block.parts:
        yield from _part(part, "  " if block.heading else "")


def _part(part: Part, start: str) -> Iterator[str]:
    match part:
        case Equations(heading, lines):
            if heading:
                yield f"{start}{heading}"
            for line in lines:
                yield from _said(line, f"{start}    ", f"{start}      ")
        case Settings(rows):
            pairs = [(f"{start}{one.key} = {one.value}", one.origin) for one in rows]
            column = max((len(text) for text, _ in pairs if len(text) <= WIDEST), default=0)
            for text, origin in pairs:
                *before, last = _said(text, "", f"{start}    ")
                yield from before
                yield f"{last}  # {origin}" if before else f"{last:<{column}}  # {origin}"
        case Told(label, text, origin):
            # An origin is not broken over lines.
            said = f"{text}  {_KEPT.join(('#', *origin.split(' ')))}" if origin else text
            for line in _said(said, f"{start}{label}: " if label else start, f"{start}    " if label else start):
                yield line.replace(_KEPT, " ")
        case Listed(items):
            for number, item in enumerate(items, 1):
                yield from _said(item, f"{start}{number}. ", f"{start}{' ' * len(f'{number}. ')}")
            yield ""


def _said(text: str, first: str, later: str) -> list[str]:
    lines = wrap(text, WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)
    return lines or [first]
