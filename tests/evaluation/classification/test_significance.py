import numpy as np
import pytest
from scipy.stats import norm

from monai_harmonize.evaluation.classification.recovery import area_rows
from monai_harmonize.evaluation.classification.scores import Scores, ScoreSet
from monai_harmonize.evaluation.classification.significance import auc_tests, holm
from monai_harmonize.evaluation.resampling import stratified_bootstrap_weights
from monai_harmonize.metrics.delong import delong_covariance, paired_auc_test


def scores(area: float, count: int, seed: int, shared: np.ndarray | None = None, seeds: int = 1) -> Scores:
    """Two normal distributions of the wanted area."""
    labels = np.arange(count) % 2
    random = np.random.default_rng(seed)
    noise = random.normal(size=(seeds, count)) * (1 if shared is None else 0.5)
    values = np.sqrt(2) * norm.ppf(area) * labels + noise + (0 if shared is None else np.sqrt(0.75) * shared)
    names = tuple(f"image {number}" for number in range(count))
    return Scores(names, names, labels, norm.cdf(values - 1))


def score_set(raw: float, method: float, own: float, count: int = 400, seeds: int = 1) -> ScoreSet:
    shared = np.random.default_rng(9).normal(size=count)
    others = {"raw": scores(raw, count, 1, shared, seeds), "method": scores(method, count, 2, shared, seeds)}
    return ScoreSet(tuple(range(seeds)), scores(own, count, 3, seeds=seeds), others)


def test_holm_is_the_step_down_correction() -> None:
    # 4 x 0.01; 3 x 0.02; 2 x 0.04, at least the one before; 0.03 keeps the order of the input.
    assert holm([0.04, 0.01, 0.03, 0.005]) == pytest.approx([0.06, 0.03, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


def test_the_statistic_of_correlated_scores_is_that_of_theory() -> None:
    """Areas 0.75 and 0.85 with a correlation of 0.75: many draws give the standard error of DeLong."""
    found, errors = [], []
    for seed in range(200):
        shared = np.random.default_rng(seed).normal(size=200)
        raw, method = scores(0.75, 200, 1000 + seed, shared), scores(0.85, 200, 5000 + seed, shared)
        test = paired_auc_test(raw.labels, method.probabilities[0], raw.probabilities[0])
        found.append(test.difference)
        errors.append(test.standard_error)
    assert np.mean(found) == pytest.approx(0.1, abs=0.006)
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.12)


def test_without_a_difference_few_p_values_are_small() -> None:
    small = 0
    for seed in range(300):
        shared = np.random.default_rng(seed).normal(size=100)
        raw, method = scores(0.8, 100, 1000 + seed, shared), scores(0.8, 100, 5000 + seed, shared)
        small += paired_auc_test(raw.labels, method.probabilities[0], raw.probabilities[0]).p_value < 0.05
    assert small / 300 == pytest.approx(0.05, abs=0.035)


def test_raw_and_method_are_paired_own_is_not() -> None:
    made = score_set(0.7, 0.85, 0.95)
    table = auc_tests(made).set_index(["scores", "first", "second"]).loc["mean of seeds"]
    assert table["paired"].to_dict() == {("method", "raw"): True, ("method", "own"): False, ("raw", "own"): False}
    _, covariance = delong_covariance(
        made.own.labels, np.stack([made.others[name].probabilities[0] for name in ("method", "raw")])
    )
    paired = table.loc[("method", "raw"), "standard_error"]
    assert paired**2 == pytest.approx(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], rel=1e-6)
    own = delong_covariance(made.own.labels, made.own.probabilities)[1][0, 0]
    assert table.loc[("raw", "own"), "standard_error"] ** 2 == pytest.approx(covariance[1, 1] + own, rel=1e-6)


def test_without_a_loss_there_is_no_share() -> None:
    rows = {row["method"]: row for row in area_rows(score_set(0.85, 0.9, 0.86), resamples=200)}
    assert rows["raw"]["loss_low"] < 0 < rows["raw"]["loss_high"]
    assert np.isnan(rows["method"]["recovered"])
    rows = {row["method"]: row for row in area_rows(score_set(0.7, 0.85, 0.95), resamples=200)}
    assert rows["method"]["recovered"] == pytest.approx(0.6, abs=0.12)
    assert rows["method"]["recovered_low"] < rows["method"]["recovered"] < rows["method"]["recovered_high"]


def test_an_interval_of_an_area_is_that_of_delong() -> None:
    made = score_set(0.7, 0.85, 0.95)
    rows = {row["method"]: row for row in area_rows(made, resamples=2000)}
    for name, found in made.all.items():
        error = delong_covariance(found.labels, found.probabilities)[1][0, 0] ** 0.5
        width = rows[name]["auc_high"] - rows[name]["auc_low"]
        assert width == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_a_seed_more_adds_a_spread_and_a_row_of_tests() -> None:
    one, three = score_set(0.7, 0.85, 0.95), score_set(0.7, 0.85, 0.95, seeds=3)
    assert np.isnan(area_rows(one, resamples=20)[1]["auc_sd"])
    row = area_rows(three, resamples=20)[1]
    areas = [delong_covariance(three.others["raw"].labels, p)[0][0] for p in three.others["raw"].probabilities]
    assert (row["auc"], row["auc_sd"]) == pytest.approx((np.mean(areas), np.std(areas, ddof=1)))
    assert len(auc_tests(three)) == 4 * 3


def test_resamples_keep_both_classes_and_whole_patients() -> None:
    labels = np.array([1, 1, 0, 0, 0, 0])
    patients = ["a", "a", "b", "c", "c", "d"]
    weights = stratified_bootstrap_weights(patients, labels, 500, np.random.default_rng(0))
    np.testing.assert_allclose(weights[:, labels == 1].sum(axis=1), 2)
    np.testing.assert_allclose(weights[:, labels == 0].sum(axis=1), 4)
    np.testing.assert_array_equal(weights[:, 3], weights[:, 4])
    np.testing.assert_array_equal(weights[:, :2], 1)
    # Of three patients without the finding, each is left out of 8 in 27 resamples.
    assert (weights[:, 2:] == 0).mean(axis=0) == pytest.approx([8 / 27] * 4, abs=0.06)
    # A patient of both classes stands with the ill ones and is never torn.
    both = np.array([1, 0, 1, 1, 0, 0])
    mixed = stratified_bootstrap_weights(["a", "a", "b", "b", "c", "d"], both, 50, np.random.default_rng(0))
    np.testing.assert_array_equal(mixed[:, 0], mixed[:, 1])


def test_probabilities_of_zero_and_one_stay_in_order() -> None:
    made = Scores(("a", "b", "c"), ("a", "b", "c"), np.array([0, 1, 1]), np.array([[0.0, 0.5, 1.0]]))
    assert np.isfinite(made.mean_logits).all()
    assert (np.diff(made.mean_logits) > 0).all()
