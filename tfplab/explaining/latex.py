"""The account as a LaTeX document that pdflatex sets by itself, or a part of another one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reports.formats.latex_text import escape
from tfplab.explaining.account import Account, Block, Equations, Listed, Part, Section, Settings, Told
from tfplab.explaining.latex_math import latex_math
from tfplab.explaining.notation import parse

__all__ = ["render"]

_PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
\usepackage{amsmath}
\usepackage{array}
\usepackage{longtable}
\usepackage[margin=2.2cm]{geometry}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt plus 1pt}
\setlength{\LTpre}{2pt}
\setlength{\LTpost}{4pt}
\emergencystretch=3em
\frenchspacing
\begin{document}
"""
_NUMBER = re.compile(r"\((\d+)\) (.*)", re.DOTALL)
# Where a long name or value may break: behind a mark within a word.
_BREAKS = re.compile(r"(?<=[A-Za-z0-9])(\\_|/|\.)(?=[A-Za-z0-9])")


def render(account: Account) -> str:
    """Return a document in plain ASCII; what stands between its first section and its end can be put into a paper.

    Parameters
    ----------
    account : Account
    """
    head = [r"\begin{flushleft}", rf"{{\Large\bfseries {_text(account.title)}\par}}"]
    if account.source:
        head.append(rf"{{\small Source: {_text(account.source)}\par}}")
    head += [rf"{{\small Spec: \texttt{{{_text(account.spec)}}}\par}}", r"\end{flushleft}"]
    body = "\n".join(line for section in account.sections for line in _section(section))
    return _PREAMBLE + "\n".join(head) + f"\n{body}\n\\end{{document}}\n"


def _section(section: Section) -> Iterator[str]:
    yield rf"\section*{{{_text(section.title)}}}"
    if section.lead:
        yield rf"{_text(section.lead)}\par"
    for block in section.blocks:
        yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    if block.heading:
        yield rf"\subsection*{{{_text(block.heading)}}}"
    for part in block.parts:
        yield from _part(part)


def _part(part: Part) -> Iterator[str]:
    match part:
        case Equations(heading, lines, columns):
            if heading:
                yield rf"\textit{{{_text(heading)}}}\par"
            yield r"\begin{list}{}{\setlength{\leftmargin}{3.2em}\setlength{\labelwidth}{2.2em}"
            yield r"\setlength{\itemsep}{1pt}\setlength{\parsep}{0pt}\setlength{\topsep}{2pt}}\raggedright"
            for line in lines:
                number = _NUMBER.match(line)
                label = f"({number[1]})" if number else ""
                yield rf"\item[{label}] {latex_math(parse(number[2] if number else line, columns))}"
            yield r"\end{list}"
        case Settings(rows):
            yield r"{\small\begin{longtable}{@{}>{\raggedright\arraybackslash}p{0.3\linewidth}" + (
                r">{\raggedright\arraybackslash}p{0.42\linewidth}>{\raggedright\arraybackslash}p{0.22\linewidth}@{}}"
            )
            for one in rows:
                yield (
                    rf"\texttt{{{_breaking(one.key)}}} & \texttt{{{_breaking(one.value)}}} & "
                    rf"{{\footnotesize {_breaking(one.origin)}}} \\"
                )
            yield r"\end{longtable}}"
        case Told(label, text, origin):
            start = rf"\textit{{{_text(label)}:}} " if label else ""
            end = rf" {{\footnotesize ({_breaking(origin)})}}" if origin else ""
            yield rf"{start}{_text(text)}{end}\par"
        case Listed(items):
            yield r"\begin{enumerate}\setlength{\itemsep}{1pt}\setlength{\parskip}{0pt}"
            for item in items:
                yield rf"\item {_text(item)}"
            yield r"\end{enumerate}"


def _text(text: str) -> str:
    return escape(text)


def _breaking(text: str) -> str:
    return _BREAKS.sub(r"\1\\allowbreak{}", escape(text))
