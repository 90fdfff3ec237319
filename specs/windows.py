"""How a spec says between which years a change lies: ``[2020, 2023]``, or a list of such pairs."""

from __future__ import annotations

from typing import Annotated, Any

from specs.fields import Checked, as_written, mistake

__all__ = ["Window", "WindowField", "WindowsField"]

Window = tuple[int, int]
"""The first and the last year of a change."""

EXAMPLE = "write [2020, 2023]"


def _is_year(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _window(value: Any, path: tuple[int, ...] = ()) -> Window:
    if not isinstance(value, (tuple, list)):
        raise mistake(f"two years are wanted, not {as_written(value)}", "", EXAMPLE, path=path)
    for place, one in enumerate(value):
        if not _is_year(one):
            raise mistake(f"a year is wanted, not {as_written(one)}", "", EXAMPLE, path=(*path, place))
    if len(value) != 2:
        what = "a window has two years, the first and the last"
        advice = "several windows are a list of pairs: [[2017, 2020], [2020, 2023]]" if len(value) > 2 else EXAMPLE
        raise mistake(what, "", advice, path=path)
    first, last = value
    if first >= last:
        meaning = "a window goes from an earlier year to a later one"
        advice = f"write [{last}, {first}]" if last < first else EXAMPLE
        raise mistake(f"{last} is not after {first}", meaning, advice, path=path)
    return first, last


def _windows(value: Any) -> tuple[Window, ...]:
    if not isinstance(value, (tuple, list)) or not any(isinstance(one, (tuple, list)) for one in value):
        return (_window(value),)
    found: list[Window] = []
    for place, one in enumerate(value):
        window = _window(one, (place,))
        if window in found:
            raise mistake(f"the window {list(window)} stands twice", "", "leave one out", path=(place,))
        found.append(window)
    return tuple(found)


def _written(value: tuple[Window, ...]) -> list[Any]:
    return list(value[0]) if len(value) == 1 else [list(one) for one in value]


_PAIR = {
    "type": "array",
    "items": {"type": "integer", "errorMessage": "a year is wanted"},
    "minItems": 2,
    "maxItems": 2,
    "errorMessage": "two years are wanted",
    "lengthErrorMessage": "a window has two years, the first and the last",
    "first": True,
}

WindowField = Annotated[Window, Checked(_window, list, _PAIR)]
"""``[2017, 2020]``."""

WindowsField = Annotated[
    tuple[Window, ...],
    Checked(_windows, _written, {"anyOf": [_PAIR, {"type": "array", "items": _PAIR, "minItems": 1, "of": "array"}]}),
]
"""``[2020, 2023]``, or a list of such pairs."""
