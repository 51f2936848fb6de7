"""Splits by patient: no leak, nothing lost, independent of order, even over labels."""

import logging
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_harmonize.data.patient_split import complete_splits, hold_out_validation, split_by_patient

Record = dict[str, Any]
FRACTIONS = {"train": 0.7, "validation": 0.1, "test": 0.2}


@st.composite
def manifests(draw: st.DrawFn) -> list[Record]:
    """Records of two sites; patients have several images and labels, some no name."""
    row = st.tuples(st.sampled_from("ab"), st.one_of(st.none(), st.integers(0, 40)), st.sampled_from([None, 0, 1]))
    records = []
    for index, (site, patient, label) in enumerate(draw(st.lists(row, max_size=120))):
        record = {"image": f"/data/{index}.png", "file": f"{index}.png", "site": site}
        record |= {"patient": f"{site}{patient:08d}"} if patient is not None else {}
        records.append(record | ({"label": label} if label is not None else {}))
    return records


def patient_of(record: Record) -> tuple[str, str]:
    return record["site"], record.get("patient", record["file"])


def patients_per_split(records: list[Record], site: str, labels: set[str] | None = None) -> Counter[str]:
    found: dict[tuple[str, str], set[str]] = {}
    for record in records:
        found.setdefault(patient_of(record), set()).add(str(record.get("label", "")))
    splits = {patient_of(record): record["split"] for record in records if record["site"] == site}
    return Counter(split for patient, split in splits.items() if labels is None or found[patient] == labels)


@given(records=manifests(), seed=st.integers(0, 5), order=st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_split_properties(records: list[Record], seed: int, order: random.Random) -> None:
    split = split_by_patient(records, seed=seed)
    # Nothing is lost or changed but the split.
    assert [{key: value for key, value in record.items() if key != "split"} for record in split] == records
    # A patient is in one split, and the split does not depend on the order or on the folder.
    assert len({(*patient_of(r), r["split"]) for r in split}) == len({patient_of(r) for r in split})
    shuffled = [{**record, "image": f"/elsewhere{record['image']}"} for record in records]
    order.shuffle(shuffled)
    again = {record["file"]: record["split"] for record in split_by_patient(shuffled, seed=seed)}
    assert again == {record["file"]: record["split"] for record in split}
    # The shares of a site and of each of its labels are as promised.
    for site in "ab":
        counts = patients_per_split(split, site)
        number = counts.total()
        for name, fraction in FRACTIONS.items():
            assert abs(counts[name] - fraction * number) < 2
            assert counts[name] >= (number >= 3)
        for labels in ({"0"}, {"1"}, {""}, {"0", "1"}, {"", "0"}, {"", "1"}, {"", "0", "1"}):
            of_label = patients_per_split(split, site, labels)
            for name in FRACTIONS:
                share = of_label.total() * counts[name] / max(number, 1)
                assert abs(of_label[name] - share) <= 2


@given(records=manifests(), seed=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_a_name_at_several_sites_is_one_person(records: list[Record], seed: int) -> None:
    """Be they one, or sites that number their patients alike: none is learned of at one site and tested at another."""
    named = [{**record, "patient": record["patient"][1:]} for record in records if "patient" in record]
    split = split_by_patient(named, seed=seed)
    assert len({(record["patient"], record["split"]) for record in split}) == len({r["patient"] for r in split})
    sites = {name: {r["site"] for r in named if r["patient"] == name} for name in {r["patient"] for r in named}}
    for seen_at in ({"a"}, {"b"}, {"a", "b"}):
        names = {name for name, found in sites.items() if found == seen_at}
        counts = Counter(
            {record["patient"]: record["split"] for record in split if record["patient"] in names}.values()
        )
        for name, fraction in FRACTIONS.items():
            assert abs(counts[name] - fraction * len(names)) < 2


@given(records=manifests(), seed=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_hold_out_properties(records: list[Record], seed: int) -> None:
    given_splits = split_by_patient(records, {"train": 0.7, "test": 0.3}, seed=7)
    held_out = hold_out_validation(given_splits, fraction=0.2, seed=seed)
    assert [r["file"] for r in held_out] == [r["file"] for r in given_splits]
    assert len({(*patient_of(r), r["split"]) for r in held_out}) == len({patient_of(r) for r in held_out})
    for before, after in zip(given_splits, held_out, strict=True):
        assert (before["split"], after["split"]) in {
            ("train", "train"),
            ("train", "validation"),
            ("test", "test"),
        }
    for site in "ab":
        training = patients_per_split(given_splits, site)["train"]
        moved = patients_per_split(held_out, site)["validation"]
        assert abs(moved - 0.2 * training) < 1
        assert moved >= (training >= 2)
    # What has validation is left alone.
    assert hold_out_validation(held_out, fraction=0.5) == held_out or any(
        patients_per_split(held_out, site)["train"] == 1 for site in "ab"
    )


def seen(site: str, names: str, split: str | None = None) -> list[Record]:
    """Images of patients named by letters, at one site."""
    given_split = {} if split is None else {"split": split}
    return [{"file": f"{site}/{name}", "site": site, "patient": name, **given_split} for name in names]


def splits_of(records: list[Record]) -> dict[str, set[str]]:
    """Splits of each patient, over all sites."""
    return {r["patient"]: {s["split"] for s in records if s["patient"] == r["patient"]} for r in records}


@given(names=st.text("abcdefghijklmnopqrstuvwxyz", max_size=40), seed=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_who_has_a_split_at_one_site_keeps_it_at_the_others(names: str, seed: int) -> None:
    records = [*seen("a", "abcdefgh", "train"), *seen("a", "ij", "test"), *seen("b", names), *seen("c", names[::2])]
    split = complete_splits(records, seed=seed)
    assert [{**r, "split": s["split"]} for r, s in zip(records, split, strict=True)] == split
    assert split[:10] == records[:10]
    of = splits_of(split)
    assert all(len(splits) == 1 for splits in of.values())
    assert all(of[name] == {"train"} for name in "abcdefgh")
    # Who is nowhere yet is shared out as if nobody else were there.
    new = [r for r in records[10:] if r["patient"] > "j"]
    assert [s for s in split[10:] if s["patient"] > "j"] == split_by_patient(new, seed=seed)


def test_who_is_held_out_is_so_at_every_site() -> None:
    records = [*seen("a", "abcdefghij", "train"), *seen("a", "kl", "validation"), *seen("b", "abcdefghij", "train")]
    for seed in range(5):
        split = hold_out_validation(records, seed=seed)
        of = splits_of(split)
        assert all(len(splits) == 1 for splits in of.values())
        assert sum(of[name] == {"validation"} for name in "abcdefghij") == 1


def test_contradicting_splits_are_told_and_what_is_open_is_tested_on(caplog: pytest.LogCaptureFixture) -> None:
    records = [*seen("a", "pq", "train"), *seen("b", "p", "test"), *seen("b", "q", "truth"), *seen("c", "pq")]
    split = complete_splits(records)
    assert [(r["patient"], r["split"]) for r in split if r["site"] == "c"] == [("p", "test"), ("q", "train")]
    assert caplog.messages == ["1 patients are in other splits at one site than at another; equal names count as one"]


def test_exact_counts() -> None:
    records = [{"image": f"{i}.png", "site": "a", "patient": str(i), "label": i % 2} for i in range(100)]
    split = split_by_patient(records)
    assert Counter(r["split"] for r in split) == {"train": 70, "validation": 10, "test": 20}
    assert Counter(r["split"] for r in split if r["label"]) == {"train": 35, "validation": 5, "test": 10}


def test_seed_draws_anew() -> None:
    records = [{"image": f"{i}.png", "site": "a", "patient": str(i)} for i in range(200)]
    first, second = split_by_patient(records, seed=0), split_by_patient(records, seed=1)
    # Two independent draws agree at 0.7^2 + 0.1^2 + 0.2^2 = 54 % of the patients.
    assert 80 < sum(a["split"] == b["split"] for a, b in zip(first, second, strict=True)) < 136


def test_missing_patients_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    records = [{"image": f"{i}.png", "site": "a"} for i in range(10)] + [
        {"image": "p.png", "site": "a", "patient": "p"}
    ]
    with caplog.at_level(logging.WARNING):
        split_by_patient(records)
    assert caplog.messages == ["10 of 11 records name no patient; each counts as its own"]


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({"train": 0.7, "test": 0.2}, "sum 1"),
        ({"train": 1.2, "test": -0.2}, "positive"),
        ({}, "positive"),
        ({"train": 0.9, "val": 0.1}, "unknown split 'val'"),
        ({"train": 0.9, "truth": 0.1}, "unknown split 'truth'"),
    ],
)
def test_bad_fractions(fractions: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split_by_patient([], fractions)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_bad_validation_fraction(fraction: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        hold_out_validation([], fraction)
