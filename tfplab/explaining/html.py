"""The account as a page: one file, equations in MathML, nothing from a network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from reports.formats.html import style
from tfplab.explaining.account import Account, Block, Equations, Listed, Part, Section, Settings, Told
from tfplab.explaining.mathml import mathml
from tfplab.explaining.notation import parse

__all__ = ["render"]

_NUMBER = re.compile(r"\((\d+)\) (.*)", re.DOTALL)
_STYLE = """
h3 { margin-top: 2rem; padding-top: .35rem; border-top: 1px solid var(--hair); }
h4 { font-size: .95rem; font-weight: 600; font-style: italic; margin: .9rem 0 .2rem; }
section > p, .block > p { margin: .3rem 0; }
.block > p .label { font-style: italic; }
.origin { color: var(--soft); font-size: .78rem; font-family: ui-monospace, "DejaVu Sans Mono", Consolas, monospace;
  overflow-wrap: anywhere; }
.equations { margin: .4rem 0 .6rem; padding: 0; list-style: none; line-height: 1.75; }
.equations li { display: flex; gap: .6rem; max-width: 52rem; padding-left: 1rem; }
.equations .number { flex: 0 0 1.8rem; text-align: right; }
.equations .line { flex: 1 1 auto; min-width: 0; overflow-x: auto; overflow-y: hidden; }
math { font-size: 1.12em; }
math .column { font-style: italic; }
table.settings { width: 100%; margin: .6rem 0 .8rem; table-layout: fixed; }
table.settings th, table.settings td { text-align: left; white-space: normal; vertical-align: baseline;
  overflow-wrap: anywhere; padding: .1rem .8rem .1rem 0; border-bottom: 1px solid var(--hair); min-width: 0; }
table.settings thead th { font-size: .78rem; font-weight: 400; color: var(--soft);
  border-bottom: 1px solid var(--rule); }
table.settings col.key { width: 27%; } table.settings col.from { width: 25%; }
table.settings code { font-size: .92em; font-family: ui-monospace, "DejaVu Sans Mono", Consolas, monospace; }
@media print { h2, h3, h4 { break-after: avoid; } .equations li, tr { break-inside: avoid; } }
"""


def render(account: Account) -> str:
    """Return a whole document: inline style, no script.

    Parameters
    ----------
    account : Account
    """
    head = [f"<h1>{escape(account.title)}</h1>"]
    if account.source:
        head.append(f'<p class="byline">Source: {escape(account.source)}</p>')
    head.append(f'<p class="byline">What <code>{escape(account.spec)}</code> asks for, before it is run.</p>')
    links = "".join(f'<li><a href="#{_anchor(one.title)}">{escape(one.title)}</a></li>' for one in account.sections)
    head.append(f'<nav class="contents" aria-label="Contents"><ul>{links}</ul></nav>')
    sections = "\n".join(line for section in account.sections for line in _section(section))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(account.title)}</title>\n<style>\n{style()}{_STYLE}</style>\n</head>\n<body>\n"
        '<header class="title">\n' + "\n".join(head) + f"\n</header>\n<main>\n{sections}\n</main>\n</body>\n</html>\n"
    )


def _anchor(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower())


def _section(section: Section) -> Iterator[str]:
    yield f'<section id="{_anchor(section.title)}">\n<h2>{escape(section.title)}</h2>'
    if section.lead:
        yield f'<p class="lead">{escape(section.lead)}</p>'
    for block in section.blocks:
        yield from _block(block)
    yield "</section>"


def _block(block: Block) -> Iterator[str]:
    yield '<div class="block">'
    if block.heading:
        yield f"<h3>{escape(block.heading)}</h3>"
    for part in block.parts:
        yield from _part(part, block.heading)
    yield "</div>"


def _part(part: Part, heading: str) -> Iterator[str]:
    match part:
        case Equations(title, lines, columns):
            if title:
                yield f"<h4>{escape(title)}</h4>"
            yield '<ul class="equations">'
            numbered = any(map(_NUMBER.match, lines))
            for line in lines:
                yield _line(line, columns, numbered=numbered)
            yield "</ul>"
        case Settings(rows):
            caption = f"Settings of {heading}" if heading else "Settings"
            yield (
                f'<table class="settings" aria-label="{escape(caption)}"><colgroup><col class="key"><col>'
                '<col class="from"></colgroup>\n<thead><tr><th scope="col">key</th><th scope="col">value</th>'
                '<th scope="col">from</th></tr></thead>\n<tbody>'
            )
            for one in rows:
                yield (
                    f'<tr><th scope="row"><code>{escape(one.key)}</code></th><td><code>{escape(one.value)}</code></td>'
                    f'<td class="origin">{escape(one.origin)}</td></tr>'
                )
            yield "</tbody></table>"
        case Told(label, text, origin):
            start = f'<span class="label">{escape(label)}:</span> ' if label else ""
            end = f' <span class="origin">{escape(origin)}</span>' if origin else ""
            yield f"<p>{start}{escape(text)}{end}</p>"
        case Listed(items):
            yield "<ol>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ol>"


def _line(line: str, columns: tuple[str, ...], *, numbered: bool) -> str:
    found = _NUMBER.match(line)
    number = f'<span class="number">{f"({found[1]})" if found else ""}</span>' if numbered else ""
    return f'<li>{number}<span class="line">{mathml(parse(found[2] if found else line, columns))}</span></li>'
