from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monai_harmonize.evaluation import Case, Evaluation, Measurement, Pairing, judge

DISTANCES = {"raw": 0.2, "harmonized": 0.03, "histogram_matched": 0.05}


def evaluation(
    distances: dict[str, float] = DISTANCES,
    cases: int = 40,
    truths: int = 0,
    edges: float = 0.99,
    **more: Any,
) -> Evaluation:
    items = [{"image": f"b{i}"} for i in range(40)]
    paired = tuple(
        Case(f"c{i}", f"p{i}", items[0], items[0], items[0], items[0] if i < truths else None) for i in range(cases)
    )
    rows = [Measurement(m, "wasserstein_to_target", d, d / 2, d * 2, np.nan, cases) for m, d in distances.items()]
    share = distances["harmonized"] / distances["raw"]
    rows.append(Measurement("harmonized", "remaining_share", share, share / 2, share * 2, np.nan, cases))
    rows.append(Measurement("target_halves", "wasserstein_to_target", 0.008, 0.004, 0.015, np.nan, 40))
    similarity = {"ssim_to_input": 0.8, "residual_rms": 0.012, "gradient_agreement": edges}
    rows += [Measurement("harmonized", name, v, v, v, 0.05, cases) for name, v in similarity.items()]
    if truths:
        for method, v in (("raw", 0.7), ("harmonized", 0.9), ("histogram_matched", 0.8)):
            rows.append(Measurement(method, "ssim_to_truth", v, v, v, 0.05, truths))
    table = pd.DataFrame(
        {
            "image": [c.name for c in paired],
            "method": "harmonized",
            "residual_rms": np.linspace(0.01, 0.03, cases),
            "gradient_agreement": edges,
        }
    )
    return Evaluation(Pairing(paired, tuple(items), more.get("missing", ())), tuple(rows), table, {})


def test_headline_gives_the_share_that_remains() -> None:
    verdict = judge(evaluation(), "A", "B")
    assert verdict.headline == "The harmonized images of A are 15% as far from B as the raw ones."
    assert verdict.warnings == ()
    looks, structure = verdict.findings
    for number in ("0.200", "0.030", "8% to 30%", "0.050", "0.008"):
        assert number in looks
    for number in ("0.800 ± 0.050", "1.2%", "3.0% in the worst", "99.0%"):
        assert number in structure


def test_headline_says_when_it_became_worse() -> None:
    verdict = judge(evaluation(DISTANCES | {"harmonized": 0.3}), "A", "B")
    assert "moved A away from B" in verdict.headline
    assert "150%" in verdict.headline


@pytest.mark.parametrize("raw", [0.0, 0.014])
def test_sites_as_near_as_halves_of_one_have_nothing_to_harmonize(raw: float) -> None:
    near = evaluation(DISTANCES)
    rows = tuple(
        replace(m, estimate=raw) if (m.method, m.measure) == ("raw", "wasserstein_to_target") else m
        for m in near.measurements
    )
    verdict = judge(replace(near, measurements=rows), "A", "B")
    assert "hardly differ" in verdict.headline
    assert any("no farther from B than random halves" in w for w in verdict.warnings)


def test_truth_is_told_where_it_exists() -> None:
    verdict = judge(evaluation(truths=40), "A", "B")
    assert "SSIM to the paired truth: 0.700 raw, 0.900 harmonized, 0.800 by histogram matching." in verdict.findings


def test_warnings_for_few_missing_inverted_and_partly_true() -> None:
    missing = tuple(f"m{i}" for i in range(7))
    verdict = judge(evaluation(cases=12, truths=3, edges=0.1, missing=missing), "A", "B")
    text = "\n".join(verdict.warnings)
    assert "7 of 19 source images have no harmonized file and are left out: m0, m1, m2, m3, m4 and 2 more." in text
    assert "A has only 12 patients" in text
    assert "B has only" not in text
    assert "12 outputs look inverted" in text
    assert "Only 3 of 12 images have a paired truth" in text


def test_refuses_an_evaluation_without_its_numbers() -> None:
    with pytest.raises(ValueError, match="holds no wasserstein_to_target of raw"):
        judge(replace(evaluation(), measurements=()), "A", "B")
