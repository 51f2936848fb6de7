"""Splits of image records by patient: reproducible, independent of row order, even over sites and labels."""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from monai_harmonize.data.manifest_rows import quoted

__all__ = ["Record", "complete_splits", "hold_out_validation", "split_by_patient"]

logger = logging.getLogger(__name__)

Record = dict[str, Any]
Patient = tuple[str, str]

DEFAULT_FRACTIONS: Mapping[str, float] = {"train": 0.7, "validation": 0.1, "test": 0.2}


def split_by_patient(
    records: Sequence[Mapping[str, Any]],
    fractions: Mapping[str, float] | None = None,
    seed: int = 0,
) -> list[Record]:
    """Assign every patient as a whole to one split.

    Each site is shared out by itself: every split gets its fraction of the patients, rounded, and at least
    one where the site has enough of them. Each label of a site (each set of labels, where a patient has
    several) is shared out in the proportions of its site to within two patients. A name at several sites counts as one
    person, who goes into one split everywhere; those of the same sites are shared out as if they were a site. Chance is
    a hash of seed, site and patient: the split depends neither on the order of the records nor on where their files
    lie.

    Args:
        records: manifest records with ``site`` and, where known, ``patient`` and ``label``; a record without
            patient counts as a patient of its own.
        fractions: share of each split, positive, with the sum 1; by default 0.7, 0.1 and 0.2 of
            train, validation and test.
        seed: another seed gives another split.

    Returns:
        Copies of the records in their order, with the key ``split``.

    Raises:
        ValueError: When a split is unknown, a fraction is not positive or their sum is not 1.
    """
    fractions = DEFAULT_FRACTIONS if fractions is None else fractions
    if not fractions or min(fractions.values()) <= 0 or abs(sum(fractions.values()) - 1) > 1e-6:
        raise ValueError(f"fractions must be positive and have the sum 1, got {dict(fractions)}")
    if unknown := fractions.keys() - DEFAULT_FRACTIONS.keys():
        raise ValueError(f"unknown split {quoted(sorted(unknown))}; allowed are {quoted(DEFAULT_FRACTIONS)}")
    nameless = sum("patient" not in record for record in records)
    if nameless:
        logger.warning("%d of %d records name no patient; each counts as its own", nameless, len(records))
    people = _people(records)
    labels: dict[Patient, set[str]] = defaultdict(set)
    for record, person in zip(records, people, strict=True):
        labels[person].add(str(record.get("label", "")))
    split_of: dict[Patient, str] = {}
    for site in {site for site, _ in labels}:
        patients = [patient for patient in labels if patient[0] == site]
        patients.sort(key=lambda patient: (sorted(labels[patient]), _draw(patient, seed)))
        split_of |= zip(patients, _spread(len(patients), fractions), strict=True)
    return [{**record, "split": split_of[person]} for record, person in zip(records, people, strict=True)]


def complete_splits(
    records: Sequence[Mapping[str, Any]], fractions: Mapping[str, float] | None = None, seed: int = 0
) -> list[Record]:
    """Split the records that have no split yet; whoever has one at another site has the same at all.

    Args:
        records: manifest records with ``site`` and, where known, ``split``, ``patient`` and ``label``.
        fractions: see `split_by_patient`, of the patients who have no split at any site.
        seed: another seed gives another split.

    Returns:
        Copies of the records in their order. Of somebody whom the records themselves put into several splits, what
        they left open is tested on rather than learned from.
    """
    known: dict[str, set[str]] = defaultdict(set)
    for record in records:
        if record.get("split") in DEFAULT_FRACTIONS and "patient" in record:
            known[str(record["patient"])].add(record["split"])
    torn = sum(len(splits) > 1 for splits in known.values())
    if torn:
        logger.warning("%d patients are in other splits at one site than at another; equal names count as one", torn)
    # Of several splits the last in order.
    split_of = {name: max(splits, key=list(DEFAULT_FRACTIONS).index) for name, splits in known.items()}
    given = [
        {**r, "split": split_of[str(r["patient"])]} if "split" not in r and r.get("patient") in split_of else dict(r)
        for r in records
    ]
    drawn = iter(split_by_patient([record for record in given if "split" not in record], fractions, seed))
    return [record if "split" in record else next(drawn) for record in given]


def hold_out_validation(records: Sequence[Mapping[str, Any]], fraction: float = 0.1, seed: int = 0) -> list[Record]:
    """Move whole patients from train to validation at every site that has the first and lacks the second.

    Who moves does so at all sites, also at those that have validation already.

    Args:
        records: manifest records with ``site`` and ``split``.
        fraction: share of the site's training patients that moves, in (0, 1); at least one patient of two.
        seed: another seed moves other patients.

    Returns:
        Copies of the records in their order.

    Raises:
        ValueError: When the fraction is not in (0, 1).
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie between 0 and 1, got {fraction}")
    validated = {record["site"] for record in records if record.get("split") == "validation"}
    moves = [record.get("split") == "train" and record["site"] not in validated for record in records]
    train = [record for record, move in zip(records, moves, strict=True) if move]
    held_out = split_by_patient(train, {"train": 1 - fraction, "validation": fraction}, seed)
    moved = {str(r["patient"]) for r in held_out if r["split"] == "validation" and "patient" in r}
    drawn = iter(held_out)
    return [
        next(drawn) if move else {**r, "split": "validation"} if _trains_of(r, moved) else dict(r)
        for r, move in zip(records, moves, strict=True)
    ]


def _trains_of(record: Mapping[str, Any], patients: Collection[str]) -> bool:
    """Whether a record is a training image of one of these patients."""
    return record.get("split") == "train" and "patient" in record and str(record["patient"]) in patients


def _people(records: Sequence[Mapping[str, Any]]) -> list[Patient]:
    """The site, or all sites, at which each record's patient was seen, and the patient."""
    # The path as the manifest writes it is the same on every machine, the absolute one is not.
    names = [str(record.get("patient", f"\0{record.get('file', record.get('image'))}")) for record in records]
    sites: dict[str, set[str]] = defaultdict(set)
    for record, name in zip(records, names, strict=True):
        sites[name].add(str(record["site"]))
    return [("\0".join(sorted(sites[name])), name) for name in names]


def _draw(patient: Patient, seed: int) -> str:
    return hashlib.sha256("\0".join((str(seed), *patient)).encode()).hexdigest()


def _spread(count: int, fractions: Mapping[str, float]) -> list[str]:
    """Names of splits for `count` patients such that every run of them is close to the fractions.

    Each position goes to the split that is furthest behind its share, in integers and hence exactly. Of k
    splits none is ever more than (k - 1) / k patients ahead, and after the last position each has its quota.
    """
    quotas = _quotas(count, fractions)
    given = dict.fromkeys(quotas, 0)
    names = []
    for position in range(1, count + 1):
        name = max(quotas, key=lambda split: quotas[split] * position - count * given[split])
        given[name] += 1
        names.append(name)
    return names


def _quotas(count: int, fractions: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers with the sum `count` by largest remainder, none of them zero where `count` suffices."""
    quotas = {name: int(count * fraction + 1e-9) for name, fraction in fractions.items()}
    by_remainder = sorted(fractions, key=lambda name: quotas[name] - count * fractions[name])
    for name in by_remainder[: count - sum(quotas.values())]:
        quotas[name] += 1
    for name in quotas if count >= len(quotas) else ():
        if quotas[name] == 0:
            quotas[max(quotas, key=lambda split: quotas[split])] -= 1
            quotas[name] = 1
    return quotas
