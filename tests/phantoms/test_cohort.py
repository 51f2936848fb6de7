"""Plans of datasets: unpaired training, paired truth, balance."""

import pytest

from monai_harmonize.phantoms.cohort import plan_cohort

COUNTS = {"train": 12, "validation": 4, "test": 6}
SITES = ("site_a", "site_b", "site_c")


def flat(*, sites=SITES, counts=COUNTS, seed=0, paired=True, shared=0.0):
    return [examination for patient in plan_cohort(sites, counts, seed, paired, shared) for examination in patient]


def test_counts() -> None:
    plan = flat()
    for site in SITES:
        for split, count in COUNTS.items():
            assert sum((e.site, e.split) == (site, split) for e in plan) == count
        assert sum((e.site, e.split) == (site, "truth") for e in plan) == 2 * COUNTS["test"]
    assert not [e for e in flat(paired=False) if e.split == "truth"]


def test_sites_and_splits_share_no_anatomy() -> None:
    own = [e for e in flat() if e.split != "truth"]
    assert len({e.seed for e in own}) == len({e.anatomy for e in own}) == len(own)


def test_truth_is_the_anatomy_of_another_sites_test_patient() -> None:
    plan = flat()
    tests = {e.anatomy: e for e in plan if e.split == "test"}
    truths = [e for e in plan if e.split == "truth"]
    for truth in truths:
        source = tests[truth.anatomy]
        assert (truth.seed, truth.finding) == (source.seed, source.finding)
        assert truth.site != source.site
    assert len({e.stem for e in plan}) == len(plan)


@pytest.mark.parametrize("shared", [0.0, 0.25, 1.0])
def test_shared_patients_are_examined_at_every_site_in_the_same_split(shared: float) -> None:
    plan = flat(shared=shared)
    for home in SITES:
        for split in ("train", "validation"):
            ours = [e for e in plan if e.anatomy.startswith(f"{home}-{split}")]
            elsewhere = [e for e in ours if e.site != home]
            assert len(elsewhere) == 2 * shared * COUNTS[split]
            assert {e.split for e in ours} == {split}
            assert len({(e.seed, e.finding) for e in ours}) == COUNTS[split]
    own = {(e.anatomy, e.seed) for e in plan}
    assert own == {(e.anatomy, e.seed) for e in flat()}
    assert sum(e.split == "truth" for e in plan) == sum(e.split == "truth" for e in flat())


def test_half_of_each_split_is_ill_with_all_kinds() -> None:
    for split, count in COUNTS.items():
        findings = [e.finding for e in flat() if (e.site, e.split) == ("site_b", split)]
        assert findings.count("none") == count // 2
    assert {e.finding for e in flat()} == {"none", "infiltrate", "nodules", "cavity"}


def test_patients_depend_only_on_seed_site_and_split() -> None:
    plan = {(e.anatomy, e.seed) for e in flat() if (e.site, e.split) == ("site_b", "test")}
    other = flat(sites=("site_b",), counts={"train": 3, "test": 6}, paired=False)
    assert plan == {(e.anatomy, e.seed) for e in other if e.split == "test"}
    assert not plan & {(e.anatomy, e.seed) for e in flat(seed=1)}


@pytest.mark.parametrize(("finding_count", "label"), [(0, 0), (1, 1)])
def test_rows_say_label_mask_and_patient(finding_count: int, label: int) -> None:
    examination = next(e for e in flat() if (e.finding != "none") == bool(finding_count))
    row = examination.row(".dcm")
    assert row["label"] == label
    assert bool(row["mask"]) == bool(label)
    assert row["file"] == f"{examination.split}/{examination.site}/{examination.anatomy}.dcm"
    assert row["patient"] == f"PHANTOM-{examination.anatomy}"
    assert row["polarity"] == "normal"
