"""What `tfplab new` asks on a terminal: a line of explanation, a default in brackets, and an empty answer takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from specs.errors import did_you_mean
from tfplab.scaffold.measures import PRODUCTIVITY
from tfplab.scaffold.sketch import DESIGNS_TOLD, METHODS_TOLD
from tfplab.scaffold.spec import Wish

__all__ = ["ask"]


def ask(wish: Wish, design: str | None, read: Callable[[str], str] = input, say: Callable[[str], None] = print) -> Wish:
    """Ask for what no flag has said.

    Parameters
    ----------
    wish : Wish
        What the flags said.
    design : str or None
        As a flag said it.
    read, say : callable
        The terminal.
    """
    if design is None:
        say("What is the question?")
        _offer(DESIGNS_TOLD, say)
        wish = replace(wish, design=_one_of("design", DESIGNS_TOLD, wish.design, read, say))
    methods = METHODS_TOLD.get(wish.design, {})
    if methods and not wish.method:
        say("How is it estimated?")
        _offer(methods, say)
        first = next(iter(methods))
        chosen = _one_of("method", methods, first, read, say)
        wish = replace(wish, method="" if chosen == first else chosen)
    files = wish.files
    if not files.table and not files.accounts:
        say("A file with a row for each firm and year (csv, dta, xlsx ...); empty: annual accounts as they come.")
        table = _text("table", "", read)
        files = replace(files, table=(table,) if table else ())
    if not files.table and not files.accounts:
        say("Files of annual accounts, a path or a glob; empty: those that the demo has, to be changed in the spec.")
        accounts = _text("accounts", "", read)
        if accounts:
            say("Files of the ICT survey, YEAR=PATH with a space between them; empty: none.")
            survey = tuple(_text("survey", "", read).split())
            say("A file of price indices by nace and year; empty: none, amounts stay in current prices.")
            deflators = _text("deflators", "", read)
            files = replace(files, accounts=(accounts,), survey=survey, deflators=(deflators,) if deflators else ())
    wish = replace(wish, files=files)
    if files.table:
        say("Columns are told by their names and values; an empty answer leaves it to that.")
        chosen_columns = dict(files.chosen)
        for role, why in (
            ("firm", "The column that tells firms apart"),
            ("year", "The column of years"),
            ("adoption", "The column that is 1 where a firm uses AI and 0 where it does not"),
        ):
            if role not in chosen_columns:
                say(f"{why}.")
                answer = _text(role, "", read)
                if answer:
                    chosen_columns[role] = answer
        wish = replace(wish, files=replace(files, chosen=chosen_columns))
    if not wish.productivity and not wish.outcome and wish.design != "adoption_rates":
        say("How is productivity measured? auto: the best that the columns allow; none: a column is the outcome.")
        methods = {"auto": "", **PRODUCTIVITY, "none": ""}
        _offer(PRODUCTIVITY, say)
        answer = _one_of("productivity", methods, "auto", read, say)
        wish = replace(wish, productivity="" if answer == "auto" else answer)
        if answer == "none":
            say("The column that is explained.")
            wish = replace(wish, outcome=_text("outcome", "", read))
    return wish


def _offer(known: Mapping[str, str], say: Callable[[str], None]) -> None:
    for name, why in known.items():
        say(f"  {name:<24}{why}")


def _text(what: str, default: str, read: Callable[[str], str]) -> str:
    try:
        return read(f"  {what} [{default or 'empty'}]: ").strip() or default
    except EOFError:
        return default


def _one_of(
    what: str,
    known: Sequence[str] | dict[str, str],
    default: str,
    read: Callable[[str], str],
    say: Callable[[str], None],
) -> str:
    for _ in range(3):
        answer = _text(what, default, read)
        if answer in known:
            return answer
        say(f"  there is no {what} {answer}; " + (did_you_mean(answer, known) or f"there are: {', '.join(known)}"))
    return default
