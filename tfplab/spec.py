"""A spec in Python: read, built, changed, checked, written and run. Its YAML text is the truth, comments included."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping, MutableSequence, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specs.edit import remove, set_value, values_of
from specs.errors import Problem, SpecError, TfplabError, did_you_mean
from specs.formats import VERSION
from specs.yaml_text import Value, block
from tfplab.files import content_of, write_atomically
from tfplab.first_gate import make_plan
from tfplab.plan import UNNAMED, Plan
from tfplab.values import as_value

if TYPE_CHECKING:
    from tfplab.api import Run

__all__ = ["Items", "Section", "Spec"]

_BOM = "\ufeff"


class _Part:
    """What a spec, a section of it and a list in it have in common: a way into the spec."""

    _spec: Spec
    _path: tuple[str, ...]

    def _value(self) -> Any:
        """Return the values as they are now."""
        return self._spec._get(self._path)

    def _inside(self, step: str, value: Value) -> Any:
        """Return a value as one can change it: maps and lists write through to the spec."""
        if isinstance(value, dict):
            return Section(self._spec, (*self._path, step))
        if isinstance(value, list):
            return Items(self._spec, (*self._path, step))
        return value

    def __repr__(self) -> str:
        return f"<{'.'.join(self._path)}: {self._value()!r}>"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _Part):
            other = other._value()
        return bool(self._value() == other)

    __hash__ = None  # type: ignore[assignment]

    def plain(self) -> Any:
        """Return a copy in dicts, lists and single values, which no longer writes to the spec."""
        return self._value()


class Section(_Part, MutableMapping[str | int, Any]):
    """A map of a spec; what is set in it is set in the spec."""

    def __init__(self, spec: Spec, path: tuple[str, ...]) -> None:
        self._spec, self._path = spec, path

    def __getitem__(self, key: str | int) -> Any:
        found, name = self._value(), str(key)
        if name not in found:
            raise KeyError(_missing(name, found))
        return self._inside(name, found[name])

    def __setitem__(self, key: str | int, value: object) -> None:
        self._spec.set((*self._path, str(key)), value)

    def __delitem__(self, key: str | int) -> None:
        if key not in self:
            raise KeyError(_missing(str(key), self._value()))
        self._spec.remove((*self._path, str(key)))

    def __contains__(self, key: object) -> bool:
        return str(key) in self._value()

    def __iter__(self) -> Iterator[str | int]:
        return iter(self._value())

    def __len__(self) -> int:
        return len(self._value())


class Items(_Part, MutableSequence[Any]):
    """A list of a spec; what is set in it is set in the spec."""

    def __init__(self, spec: Spec, path: tuple[str, ...]) -> None:
        self._spec, self._path = spec, path

    def __getitem__(self, index: Any) -> Any:
        found = self._value()
        if isinstance(index, slice):
            return found[index]
        return self._inside(str(range(len(found))[index]), found[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._changed(lambda items: items.__setitem__(index, value))

    def __delitem__(self, index: Any) -> None:
        self._changed(lambda items: items.__delitem__(index))

    def insert(self, index: int, value: Any) -> None:
        """Put a value before the item of this number."""
        self._changed(lambda items: items.insert(index, value))

    def _changed(self, change: Any) -> None:
        items = list(self._value())
        change(items)
        self._spec.set(self._path, items)

    def __len__(self) -> int:
        return len(self._value())


class Spec(_Part, MutableMapping[str | int, Any]):
    """A spec of the language, as text and as a mapping of its sections.

    What is set is cut into the text: comments, order, quotation marks and layout of all else stay as they are.

    Parameters
    ----------
    sections : mapping, optional
        The spec's keys; ``tfplab: 1`` is put in front where it is missing.
    **more
        Further sections, by keyword.

    Raises
    ------
    TfplabError
        If a value cannot stand in a spec: a table, a function, a number that is not finite.

    Examples
    --------
    >>> import tfplab
    >>> spec = tfplab.Spec(panel={"table": {"files": "panel.csv"}})
    >>> spec["models"] = {"m": {"design": "cross_section", "formula": "y ~ x"}}
    >>> spec.set("models.m.errors", "HC3")
    >>> print(spec.text)
    tfplab: 1
    panel:
      table: {files: panel.csv}
    models:
      m: {design: cross_section, formula: y ~ x, errors: HC3}
    <BLANKLINE>
    """

    def __init__(self, sections: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        if not isinstance(sections, (Mapping, type(None))):
            raise TfplabError(
                f"sections are wanted, not {type(sections).__name__}: Spec.read(path) reads a file, Spec.parse(text) "
                "takes its text"
            )
        given = as_value({**(sections or {}), **more})
        assert isinstance(given, dict)
        values = given if "tfplab" in given else {"tfplab": VERSION, **given}
        self._begin("\n".join(block(values, 0, 0)) + "\n", None)
        # An odd key or value would be read as another one: found here and not in a run.
        if self._values != values:
            raise TfplabError("the spec cannot be written as YAML that reads back as itself")

    def _begin(self, text: str, path: Path | None) -> None:
        self._bom, self._text, self._file = text.startswith(_BOM), text.removeprefix(_BOM), path
        self._written = text if path is not None else None
        self._values = values_of(self._text, str(path or UNNAMED))
        self._spec, self._path = self, ()

    @classmethod
    def read(cls, path: str | Path) -> Spec:
        """Read a spec from its file.

        Raises
        ------
        SpecError
            If the file cannot be read as YAML. What it says may be wrong in any other way: see `check`.
        """
        return cls.parse(content_of(Path(path)), Path(path))

    @classmethod
    def parse(cls, text: str, path: str | Path | None = None) -> Spec:
        """Take a text for a spec.

        Parameters
        ----------
        text : str
        path : str or Path, optional
            The file whose content it is: what the spec's paths are relative to, and where `write` writes.

        Raises
        ------
        SpecError
            If the text cannot be read as YAML.
        """
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise TfplabError("the text has half of a surrogate pair, which no file can hold")
        spec = cls.__new__(cls)
        spec._begin(text, None if path is None else Path(path))
        return spec

    @property
    def text(self) -> str:
        """The YAML text, as `write` writes it."""
        return (_BOM if self._bom else "") + self._text

    @property
    def path(self) -> Path | None:
        """The file that it was read from or written to."""
        return self._file

    @property
    def changed(self) -> bool:
        """Whether the text is another one than that of its file when it was read or written."""
        return self.text != self._written

    def _get(self, path: tuple[str, ...]) -> Any:
        found: Any = self._values
        for step in path:
            inside = isinstance(found, dict) and step in found
            inside |= isinstance(found, list) and step.isdecimal() and int(step) < len(found)
            found = (found[int(step)] if isinstance(found, list) else found[step]) if inside else None
        if not isinstance(found, (dict, list)):
            raise TfplabError(f"{'.'.join(path)}: it is no longer there")
        return _copy(found)

    def __getitem__(self, key: str | int) -> Any:
        if str(key) not in self._values:
            raise KeyError(_missing(str(key), self._values))
        return self._inside(str(key), self._values[str(key)])

    def __setitem__(self, key: str | int, value: object) -> None:
        self.set((str(key),), value)

    def __delitem__(self, key: str | int) -> None:
        if str(key) not in self._values:
            raise KeyError(_missing(str(key), self._values))
        self.remove((str(key),))

    def __contains__(self, key: object) -> bool:
        return str(key) in self._values

    def __iter__(self) -> Iterator[str | int]:
        return iter(list(self._values))

    def __len__(self) -> int:
        return len(self._values)

    def set(self, path: str | tuple[str, ...], value: object) -> None:
        """Set a value; maps that are missing on the way are made.

        Parameters
        ----------
        path : str
            With dots between the keys, ``models.table1.errors``; items of a list by number, from 0.
        value : object

        Raises
        ------
        TfplabError
            If the value cannot stand in a spec, the path leads through a single value or beyond the end of a list,
            or the text cannot be changed there without changing something else.
        """
        steps = _steps(path)
        self._now(set_value(self._text, steps, as_value(value, ".".join(steps))))

    def remove(self, path: str | tuple[str, ...]) -> None:
        """Take a key or an item away, by a path as in `set`.

        Raises
        ------
        TfplabError
            If there is nothing, or the text cannot be changed there without changing something else.
        """
        self._now(remove(self._text, _steps(path)))

    def _now(self, text: str) -> None:
        self._values, self._text = values_of(text), text

    def copy(self) -> Spec:
        """Return a spec of its own, of the same text and file."""
        other = Spec.parse(self.text, self._file)
        other._written = self._written
        return other

    __copy__ = copy

    def check(self) -> tuple[Problem, ...]:
        """Return every mistake that can be found before any data are read; nothing where it is well formed.

        Positions are those of `text`; of a spec without a file they say ``<spec>``.
        """
        try:
            self.plan()
        except SpecError as error:
            return error.problems
        return ()

    def explain(self, format: str = "text") -> str:  # noqa: A002
        """Return the plan in words and equations.

        Parameters
        ----------
        format : str
            ``text``, ``latex`` or ``html``.

        Raises
        ------
        SpecError
            With every mistake.
        """
        from tfplab.explaining.formats import render
        from tfplab.explaining.gather import account_of

        return render(account_of(self.plan()), format)

    def run(self, output: str | Path | None = None, **options: Any) -> Run:
        """Run the spec as it is now; see `tfplab.run`."""
        from tfplab.api import run

        return run(self, output, **options)

    def plan(self, seed: int | None = None, given: Sequence[str] = ()) -> Plan:
        """Return the plan of the spec as it is now, every name in it bound.

        Parameters
        ----------
        seed : int, optional
            Instead of the spec's own.
        given : sequence of str, optional
            Values laid over it, ``path=value`` each.

        Raises
        ------
        SpecError
            With every mistake.
        """
        path = self._file or Path(UNNAMED)
        return make_plan(path, seed, given, texts={os.path.realpath(path): self.text})

    def write(self, path: str | Path | None = None) -> Path:
        """Write the text to a file, whole or not at all, and return it; byte for byte what was read if nothing changed.

        Parameters
        ----------
        path : str or Path, optional
            The file that it was read from, by default. Paths in the spec are relative to the folder it is in.

        Raises
        ------
        TfplabError
            If no file is named, and none is known.
        """
        target = Path(path) if path is not None else self._file
        if target is None:
            raise TfplabError("the spec has no file yet: name one, spec.write('study.yaml')")
        write_atomically(target, self.text.encode())
        self._file, self._written = target, self.text
        return target

    def __repr__(self) -> str:
        state = ", changed" if self._file is not None and self.changed else ""
        return f"<Spec {self._file or 'without a file'}{state}: {', '.join(map(str, self._values))}>"

    def _repr_markdown_(self) -> str:
        return f"```yaml\n{self._text.rstrip()}\n```"


def _steps(path: str | tuple[str, ...]) -> tuple[str, ...]:
    steps = tuple(path.split(".")) if isinstance(path, str) else path
    if not steps or not all(steps):
        raise TfplabError(f"{'.'.join(steps)!r} is no path, write it as models.table1.errors")
    return steps


def _copy(values: Any) -> Any:
    """Return maps and lists of their own."""
    if isinstance(values, dict):
        return {key: _copy(one) for key, one in values.items()}
    if isinstance(values, list):
        return [_copy(one) for one in values]
    return values


def _missing(name: str, known: Mapping[str, Any]) -> str:
    hint = did_you_mean(name, known) or f"there are: {', '.join(known) or 'none'}"
    return f'"{name}", {hint}'
