"""A table of a run again, in another format or locale: from its record alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reports.build import build_tables
from reports.bundle import read_bundle
from reports.formats.registry import format_named
from reports.views import table_spec
from specs.errors import TfplabError, did_you_mean

__all__ = ["render_tables"]


def render_tables(run: Path, names: Sequence[str], form: str, locale: str | None) -> str:
    """Return tables of a run as text.

    Parameters
    ----------
    run : Path
        The bundle.
    names : sequence of str
        All tables where empty.
    form : str
        ``markdown`` or ``md``, ``html``, ``latex`` or ``tex``, ``csv``.
    locale : str or None
        Each table's first locale where None.

    Returns
    -------
    str
        One after the other, an empty line between.

    Raises
    ------
    TfplabError
        If the run, a table, the format or the locale does not exist.
    """
    record = read_bundle(run).record
    writer = format_named(form)
    known = record["spec"]["tables"]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are: {', '.join(known) or 'none'}"
            raise TfplabError(f'{run} has no table "{name}", {hint}')
    texts = []
    for name in names or known:
        chosen = locale or table_spec(record, name).locales[0]
        texts += [writer.render(table) for table in build_tables(record, chosen, [name])]
    return "\n".join(texts)
