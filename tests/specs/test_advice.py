"""The section `advice`: codes with reasons, of everything or by entry, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.advice import Silence, parse_silences
from specs.read import read


def parsed(tmp_path: Path, text: str) -> tuple[dict[str, Silence], list[str]]:
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    root, problems = read(path, shown="a.yaml")
    assert root is not None
    assert not problems
    found, wrong = parse_silences(root.entries.get("advice"), ["table1", "tfp", "nl"])
    return found, [str(one) for one in wrong]


def test_a_reason_a_reason_by_language_and_reasons_by_entry(tmp_path: Path) -> None:
    text = """
advice:
  few_clusters: eight regions are all there are
  bad_control: {en: as published, fr: comme publié}
  twfe_alone: {table1: one date, tfp: {en: no, nl: neen}}
"""
    found, wrong = parsed(tmp_path, text)
    assert wrong == []
    assert found["few_clusters"].of("anything") == "eight regions are all there are"
    assert found["bad_control"].of("table1") == {"en": "as published", "fr": "comme publié"}
    assert found["twfe_alone"].of("table1") == "one date"
    assert found["twfe_alone"].of("tfp") == {"en": "no", "nl": "neen"}
    assert found["twfe_alone"].of("other") is None
    assert found["twfe_alone"].written == {"table1": "one date", "tfp": {"en": "no", "nl": "neen"}}


def test_an_entry_named_as_a_language_is_the_entry(tmp_path: Path) -> None:
    found, wrong = parsed(tmp_path, "advice: {bad_control: {nl: why}}")
    assert wrong == []
    assert (found["bad_control"].of("nl"), found["bad_control"].of("table1")) == ("why", None)


def test_none_is_none(tmp_path: Path) -> None:
    assert parsed(tmp_path, "title: x") == ({}, [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("advice: few_clusters", "a.yaml:1:9: advice: codes with their reasons are wanted"),
        ("advice: [few_clusters]", "a.yaml:1:9: advice: codes with their reasons are wanted"),
        ("advice:", "a.yaml:1:1: advice: codes with their reasons are wanted"),
        ("advice: {few_clusters: }", "a.yaml:1:10: advice.few_clusters: no reason"),
        ("advice: {few_clusters: '  '}", "a.yaml:1:24: advice.few_clusters: no reason"),
        ("advice: {few_clusters: true}", "a.yaml:1:24: advice.few_clusters: a reason is wanted, not true"),
        ("advice: {few_clusters: 3}", "a.yaml:1:24: advice.few_clusters: a reason is wanted, not 3"),
        ("advice: {few_clusters: [a]}", "a.yaml:1:24: advice.few_clusters"),
        ("advice: {few_clusters: {tabel1: x}}", 'a.yaml:1:25: advice.few_clusters: no model or productivity entry'),
        ("advice: {few_clusters: {table1: ''}}", "a.yaml:1:33: advice.few_clusters.table1: no reason"),
    ],
)  # fmt: skip
def test_mistakes_are_told_at_their_place(tmp_path: Path, text: str, told: str) -> None:
    found, wrong = parsed(tmp_path, text)
    assert len(wrong) == 1
    assert wrong[0].startswith(told)
    assert "few_clusters" not in found or not found["few_clusters"].written
