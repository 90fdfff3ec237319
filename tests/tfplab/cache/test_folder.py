"""The folder of a cache: nobody else's, bounded, and whatever is broken in it is a miss."""

from __future__ import annotations

import os
import stat
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tfplab.cache.folder import CacheError, CacheFolder, Miss
from tfplab.cache.keys import key_of
from tfplab.cache.records import to_bytes

PARTS = {"option:degree": "3"}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


@pytest.fixture
def cache(tmp_path: Path) -> CacheFolder:
    return CacheFolder(tmp_path / "kept")


def write(folder: Path) -> str:
    (folder / "rows.parquet").write_bytes(b"rows")
    return "a record"


def test_what_is_kept_is_found(cache: CacheFolder) -> None:
    with pytest.raises(Miss, match=r"^$"):
        cache.load("fit", PARTS)
    assert cache.keep("fit", PARTS, {"x": np.arange(3)}) == ""
    found, _ = cache.load("fit", PARTS)
    assert found["x"].tolist() == [0, 1, 2]
    with pytest.raises(Miss):
        cache.load("panel", PARTS)
    with pytest.raises(Miss):
        cache.load("fit", {"option:degree": "2"})
    assert cache.keep("panel", PARTS, None, write) == ""
    value, folder = cache.load("panel", PARTS)
    assert (value, (folder / "rows.parquet").read_bytes()) == ("a record", b"rows")
    cache.forget("panel", PARTS)
    with pytest.raises(Miss):
        cache.load("panel", PARTS)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_it_is_its_owners_alone(cache: CacheFolder) -> None:
    mask = os.umask(0)
    try:
        cache.keep("panel", PARTS, None, write)
        cache.remember("spec tfp", PARTS)
        cache.keep_digests({("a", 1, 2, 3): "d"})
    finally:
        os.umask(mask)
    for path in (cache.folder, *cache.folder.rglob("*")):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    assert not list(cache.folder.glob("new-*"))


@pytest.mark.parametrize("name", ["record", "rows.parquet"])
@pytest.mark.parametrize("how", ["cut", "changed", "gone", "empty", "foreign"])
def test_what_is_broken_is_a_miss_with_its_reason_and_goes(cache: CacheFolder, name: str, how: str) -> None:
    cache.keep("panel", PARTS, None, write)
    path = cache.folder / f"panel-{key_of(PARTS)}" / name
    data = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": data[:-1], "changed": data[:-2] + b"zz", "empty": b"", "foreign": to_bytes([1])}[how])
    with pytest.raises(Miss, match=r"what was kept (cannot be read|is|has)"):
        cache.load("panel", PARTS)
    assert not path.parent.exists()
    assert cache.keep("panel", PARTS, None, write) == ""
    assert cache.load("panel", PARTS)[0] == "a record"


def test_a_record_of_other_parts_is_no_answer(cache: CacheFolder) -> None:
    cache.keep("fit", PARTS, 1)
    other = {"option:degree": "4"}
    (cache.folder / f"fit-{key_of(PARTS)}").rename(cache.folder / f"fit-{key_of(other)}")
    with pytest.raises(Miss, match="is of something else"):
        cache.load("fit", other)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("x")
    with pytest.raises(CacheError, match="is no cache of tfplab"):
        CacheFolder(tmp_path)
    with pytest.raises(CacheError):
        CacheFolder(tmp_path / "thesis.docx")
    assert names(tmp_path) == ["thesis.docx"]


def test_deleting_it_is_safe(cache: CacheFolder) -> None:
    import shutil

    cache.keep("fit", PARTS, 1)
    shutil.rmtree(cache.folder)
    with pytest.raises(Miss):
        cache.load("fit", PARTS)
    # Whoever holds it goes on, and says that nothing is kept.
    assert "cannot be written" in cache.keep("fit", PARTS, 1)
    cache.remember("x", PARTS)
    cache.keep_digests({})
    assert cache.latest("x") == ()
    again = CacheFolder(cache.folder)
    assert again.keep("fit", PARTS, 1) == ""
    assert again.clear() > 0
    assert names(cache.folder) == ["CACHEDIR.TAG"]


def test_the_oldest_goes_first(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path / "kept", limit=25_000)
    for number in range(4):
        cache.keep("fit", {"n": str(number)}, np.arange(1000))
        os.utime(cache.folder / f"fit-{key_of({'n': str(number)})}", (number + 1, number + 1))
        if number == 1:
            cache.load("fit", {"n": "0"})  # used again
    left = [number for number in range(4) if (cache.folder / f"fit-{key_of({'n': str(number)})}").exists()]
    assert left == [0, 2, 3]
    assert "the cache may hold" in cache.keep("fit", {"n": "9"}, np.arange(5000))
    assert CacheFolder(cache.folder, limit=10_000)
    assert len(list(cache.folder.glob("fit-*"))) == 1


def test_what_a_stopped_run_left_goes(cache: CacheFolder) -> None:
    for name, age in (("new-old", 2 * 24 * 3600), ("new-young", 0)):
        (cache.folder / name).mkdir()
        os.utime(cache.folder / name, (time.time() - age,) * 2)
    CacheFolder(cache.folder)
    assert [path.name for path in cache.folder.glob("new-*")] == ["new-young"]


def test_runs_at_the_same_time_do_not_break_each_other(tmp_path: Path) -> None:
    value, wrong = np.arange(2000), []

    def work(seed: int) -> None:
        cache, rng = CacheFolder(tmp_path / "kept", limit=60_000), np.random.default_rng(seed)
        for _ in range(25):
            number = int(rng.integers(6))
            parts = {"n": str(number)}
            try:
                found, _ = cache.load("fit", parts)
                wrong.extend([number] if found.tolist() != (value + number).tolist() else [])
            except Miss:
                told = cache.keep("fit", parts, value + number)
                wrong.extend([told] if told else [])
            cache.remember("x", parts)
            cache.latest("x")

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []
    assert not list((tmp_path / "kept").glob("new-*"))


def test_the_latest_parts_are_remembered_and_bounded(cache: CacheFolder) -> None:
    for number in range(12):
        cache.remember("spec tfp", {"n": str(number)})
        time.sleep(0.002)
    assert [one["n"] for one in cache.latest("spec tfp")] == [str(number) for number in range(4, 12)]
    assert cache.latest("spec other") == ()
    path = next(cache.folder.glob("of-*/*"))
    path.write_bytes(b"broken")
    assert len(cache.latest("spec tfp")) == 7


def test_digests_come_back_and_broken_ones_are_forgotten(cache: CacheFolder) -> None:
    assert cache.digests() == {}
    cache.keep_digests({("a", 1, 2, 3): "d"})
    assert cache.digests() == {("a", 1, 2, 3): "d"}
    cache.keep_digests({("a", 1, 2, 3): "d", ("b", 1, 2, 3): "e", ("a", 1, 3, 3): "f"})
    assert cache.digests() == {("a", 1, 3, 3): "f", ("b", 1, 2, 3): "e"}
    (cache.folder / "digests").write_bytes(b"x")
    assert cache.digests() == {}
