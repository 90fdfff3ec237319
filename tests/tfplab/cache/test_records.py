"""Records as bytes: equal to the bit on the way back, and nothing but records is read."""

from __future__ import annotations

import json
import pickle
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimation.registry import PRODUCTIVITY
from estimation.results import EquationRows, Failed, Inference
from tests.estimation.test_every_estimator import known
from tfplab.cache.records import (
    RECORDS,
    BrokenRecordError,
    NotPlainError,
    digest_of,
    from_bytes,
    settled,
    to_bytes,
)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal to the bit, types and memory order of arrays included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return (
            one.dtype == other.dtype
            and one.shape == other.shape
            and one.tobytes() == other.tobytes()
            and (one.flags.c_contiguous or not one.flags.f_contiguous or other.flags.f_contiguous)
        )
    if isinstance(one, float):
        return one.hex() == other.hex()
    if isinstance(one, np.generic):
        return one.tobytes() == other.tobytes()
    if isinstance(one, dict):
        return len(one) == len(other) and all(
            same(a, b) and same(x, y) for (a, x), (b, y) in zip(one.items(), other.items(), strict=True)
        )
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if is_dataclass(one):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    return bool(one == other)


numbers = st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), st.text(), st.floats().map(np.float64))
arrays = st.tuples(
    st.sampled_from(["<f8", "<i8", "<i2", "|b1", "<f4", ">f8", "<U3"]),
    st.lists(st.integers(0, 4), max_size=3),
    st.sampled_from("CF"),
    st.integers(0, 9),
).map(lambda one: np.asarray(np.arange(100)[: int(np.prod(one[1]))].reshape(one[1]) + one[3], one[0], order=one[2]))
keys = st.one_of(st.integers(), st.text(), st.booleans(), st.none(), st.tuples(st.text(), st.integers()))
values = st.recursive(
    st.one_of(numbers, arrays),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
    ),
    max_leaves=12,
)


@given(values)
@settings(max_examples=300, deadline=None)
def test_plain_values_come_back_to_the_bit(value: Any) -> None:
    back = from_bytes(to_bytes(value))
    assert to_bytes(back) == to_bytes(value)
    assert settled(back) is back


@pytest.mark.parametrize("number", [-0.0, float("inf"), float("nan"), 5e-324, 0.1, 1.7976931348623157e308])
def test_no_number_is_rounded(number: float) -> None:
    assert from_bytes(to_bytes(number)).hex() == number.hex()


@pytest.mark.parametrize("method", sorted(PRODUCTIVITY))
def test_the_fit_of_every_method_comes_back(method: str) -> None:
    fit = known(method)
    assert same(fit, from_bytes(to_bytes(fit)))
    assert digest_of(fit) == digest_of(from_bytes(to_bytes(fit)))


def test_every_record_of_the_list_exists_and_is_frozen() -> None:
    for module, names in RECORDS.items():
        for name in names:
            kind = getattr(import_module(module), name)
            assert is_dataclass(kind)
            assert kind.__dataclass_params__.frozen, name
            assert kind.__module__ == module


def test_what_lies_in_columns_stays_in_columns() -> None:
    value = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert from_bytes(to_bytes(value)).flags.f_contiguous
    # A part of a larger array is in one piece afterwards, and its own.
    whole = np.arange(24.0).reshape(4, 6)
    for one in (whole[:, 1:3], whole.T[1:5, ::2], whole[::2, 0]):
        inference = Inference(one, *(whole,) * 4)
        found = settled({"x": (inference, [one])})
        assert same(found, from_bytes(to_bytes({"x": (inference, [one])})))
        assert found["x"][0].std_errors.flags.c_contiguous
        assert found["x"][0].statistics is whole


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([object()]), ValueError("x"), len, Ellipsis, b"x"])
def test_what_is_no_record_is_refused_when_it_is_written(value: object) -> None:
    with pytest.raises(NotPlainError):
        to_bytes({"x": value})


def test_what_was_cut_off_or_changed_is_told() -> None:
    whole = to_bytes(Failed("tfp", "wlp", "no rows", {"ln_l is missing": 3}))
    for stop in range(len(whole)):
        with pytest.raises(BrokenRecordError):
            from_bytes(whole[:stop])
    for at in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[at] ^= 1
        with pytest.raises(BrokenRecordError):
            from_bytes(bytes(changed))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_anything_else_is_no_record(data: bytes) -> None:
    for one in (data, b"tfplab records 1\n" + data):
        with pytest.raises(BrokenRecordError):
            from_bytes(one)


def forged(text: Any, body: bytes = b"") -> bytes:
    """A file with the right frame around any text."""
    import hashlib

    written = json.dumps(text).encode()
    data = b"tfplab records 1\n" + len(written).to_bytes(8, "big") + written + body
    return data + hashlib.blake2b(data, digest_size=32).digest()


@pytest.mark.parametrize(
    "text",
    [
        {"r": "os:system", "of": ["command"], "v": ["true"]},
        {"r": "estimation.results:np", "of": [], "v": []},
        {"r": "estimation.results:Failed", "of": ["name"], "v": ["x"]},
        {"r": "estimation.results:Failed", "of": ["name", "design", "reason", "dropped"], "v": ["x"]},
        {"a": ["|O", [1], False]},
        {"a": ["<f8", [10**18], False]},
        {"a": ["<f8", [-1], False]},
        {"a": ["nonsense", [1], False]},
        {"f": "0x"},
        {"d": [[{"l": []}, 1]]},
        {"x": 1},
        [1],
        1.5,
        {"t": 3},
    ],
)
def test_a_forged_file_makes_nothing(text: Any) -> None:
    with pytest.raises(BrokenRecordError):
        from_bytes(forged(text))


def test_a_forged_file_cannot_nest_without_end() -> None:
    deep = '{"t":[' * 100_000 + "1" + "]}" * 100_000
    import hashlib

    data = b"tfplab records 1\n" + len(deep).to_bytes(8, "big") + deep.encode()
    with pytest.raises(BrokenRecordError):
        from_bytes(data + hashlib.blake2b(data, digest_size=32).digest())


def test_a_pickle_is_not_opened() -> None:
    with pytest.raises(BrokenRecordError):
        from_bytes(pickle.dumps({"x": 1}))


def test_digests_tell_values_apart() -> None:
    one = Inference(*(np.arange(3.0),) * 5)
    other = Inference(*(np.arange(3.0),) * 4, np.nextafter(np.arange(3.0), 9))
    assert digest_of(one) != digest_of(other)
    assert digest_of(EquationRows(1, {"a": 2})) == digest_of(EquationRows(1, {"a": 2}))
    assert len({digest_of(one) for one in (1, True, 1.0, "1", (1,), [1], None, np.float64(1))}) == 8
