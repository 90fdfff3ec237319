"""What stands below a table of errors made for few clusters, and of p-values adjusted for a family of hypotheses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.numbers import count, decimal
from reports.table import Note, listed
from reports.views import Context, View

__all__ = ["family_notes", "few_cluster_notes"]


def few_cluster_notes(context: Context, views: Sequence[View]) -> Iterator[Note]:
    """Say what p-values rest on where it is no t distribution with one number of degrees of freedom.

    Parameters
    ----------
    context : Context
    views : sequence of View
    """
    words = context.words
    said: dict[str, list[str]] = {}
    for view in views:
        errors = view.content.get("errors") or {}
        dfs = [one for one in (errors.get("dfs") or {}).values() if one is not None]
        if dfs:
            low, high = (decimal(one, 1, context.locale) for one in (min(dfs), max(dfs)))
            said.setdefault(words("note.satterthwaite", of="{of}", low=low, high=high), []).append(view.heading)
        drawn = errors.get("wild_bootstrap")
        if drawn is not None and drawn["draws"] is not None:
            kind = "enumerated" if drawn["enumerated"] else drawn["weights"]
            how = words(f"wild.{kind}", draws=count(drawn["draws"], context.locale), seed=drawn["seed"])
            said.setdefault(words("note.wild_bootstrap", of="{of}", how=how), []).append(view.heading)
    for text, headings in said.items():
        of = f" ({listed(headings)})" if len(headings) < len(views) else ""
        yield Note("errors", text.replace("{of}", of))


def family_notes(context: Context, views: Sequence[View]) -> Iterator[Note]:
    """Say what the p-values in brackets are adjusted for, a family each.

    Parameters
    ----------
    context : Context
    views : sequence of View
    """
    words = context.words
    said: dict[str, list[str]] = {}
    for view in views:
        family = view.content.get("family")
        if family is None or not any(one is not None for one in view.adjusted.values()):
            continue
        draws = ""
        if family["draws"] is not None:
            draws = words("family.draws", draws=count(family["draws"], context.locale), seed=family["seed"])
        text = words(
            "note.family",
            of="{of}",
            id=context.labels.declared(family["id"]) or family["id"],
            hypotheses=count(family["hypotheses"], context.locale),
            method=words(f"family.{family['method']}"),
            draws=draws,
        )
        said.setdefault(text, []).append(view.heading)
    for text, headings in said.items():
        of = f" ({listed(headings)})" if len(headings) < len(views) else ""
        yield Note("errors", text.replace("{of}", of))
