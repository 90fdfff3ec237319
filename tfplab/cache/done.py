"""What became of the steps of a run that may take from earlier ones, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Done", "told"]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one step.

    Attributes
    ----------
    what : str
        ``panel``, ``productivity tfp``, ``model table1``.
    reused : bool
    why : str
        Where it was taken from, or why it was made anew.
    note : str
        Why it could not be kept; empty if it was, or if nothing keeps it.
    """

    what: str
    reused: bool
    why: str
    note: str = ""

    @property
    def told(self) -> str:
        """The line for the terminal."""
        kind = self.what.partition(" ")[0]
        made = {"panel": "built", "figure": "computed"}.get(kind, "estimated")
        line = f"{self.what}: {self.why}" if self.reused else f"{self.what} {made} anew: {self.why}"
        return f"{line} (not kept: {self.note})" if self.note else line


def told(steps: Sequence[Done]) -> list[str]:
    """Return what was reused and what was not, and why, in lines; the cases of a variant are counted in one."""
    lines: dict[str, list[Done]] = {}
    for one in steps:
        what, bracket, _ = one.what.partition("[")
        lines.setdefault(f"variant {what.partition(' ')[2]}" if bracket else one.what, []).append(one)
    return [done[0].told if what == done[0].what else f"{what}: {_counted(done)}" for what, done in lines.items()]


def _counted(cases: list[Done]) -> str:
    anew = [one for one in cases if not one.reused]
    if not anew:
        return f"all {len(cases)} cases {cases[0].why}"
    return f"{len(anew)} of {len(cases)} cases estimated anew: {anew[0].why}"
