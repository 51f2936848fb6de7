"""DeLong's variance and tests against published analyses, against brute force and against resampling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from monai_harmonize.metrics.delong import AucTest, auc_interval, delong_covariance, paired_auc_test, unpaired_auc_test
from monai_harmonize.metrics.weighted_auc import weighted_auc

Array = NDArray[np.float64]

# 113 patients after a subarachnoid haemorrhage (Turck et al. 2010), the data of Robin et al. (BMC Bioinformatics 2011):
# WFNS grade, S100B and NDKA in micrograms per litre; P is a poor outcome after six months, G a good one.
HAEMORRHAGE = """
G 1 .13 3.01;G 1 .14 8.54;G 1 .1 8.09;G 1 .04 10.42;P 3 .13 17.4;P 2 .1 12.75;G 5 .47 6;P 4 .16 13.2;G 1 .18 15.54;
G 2 .1 6.01;P 5 .12 15.96;G 2 .1 17.86;P 5 .44 5.18;P 5 .71 8.9;G 1 .04 13.41;G 2 .08 20.75;P 5 .49 11.6;G 2 .04 16.11;
P 2 .07 32.37;P 5 .33 54.82;P 2 .09 32.41;G 1 .09 49.94;P 1 .07 40.34;G 1 .11 9.47;G 1 .07 6.29;G 2 .17 12.53;
G 1 .07 6.54;G 2 .11 6.3;G 1 .13 80.3;G 1 .19 12.8;G 3 .05 9.8;G 4 .16 9.81;P 2 .41 9.85;G 1 .14 18.21;G 4 .34 5.03;
P 5 .35 14.04;P 4 .48 21.93;G 1 .09 8.02;P 4 .96 7.42;P 2 .25 8.38;G 5 .5 6.59;G 5 .46 9.63;G 1 .16 13.12;G 1 .07 7.96;
G 2 .43 14.34;G 4 .45 41.43;G 1 .11 7.63;G 1 .08 7.06;G 2 .09 12.59;P 5 .86 13.56;P 5 .52 3.87;G 2 .08 9.44;
G 1 .06 7.66;G 2 .13 12.98;P 5 2.07 419.19;G 1 .1 27.19;G 2 .14 22.27;G 2 .15 9.95;P 2 .07 21.22;G 1 .06 11.73;
P 5 .77 10.4;G 1 .05 58.83;G 1 .09 6.39;P 2 .3 11.09;P 5 .03 12.22;P 2 .09 13.67;G 1 .04 17.21;P 4 .23 22.63;
P 5 .7 12.9;G 2 .09 9.7;P 4 .27 21.57;P 4 .71 8.23;P 1 .08 72.57;P 4 .26 15.54;G 1 .08 10.51;G 2 .16 10.6;G 1 .09 14.57;
P 4 .13 5.19;P 2 .1 9.63;G 1 .08 4.61;P 2 .11 21.48;G 3 .33 17.3;G 2 .11 12.71;G 4 .28 9.44;G 2 .07 11.07;G 1 .1 19.46;
G 4 .32 10.83;P 5 .22 5.37;G 1 .07 11.97;G 1 .05 7.75;G 5 .24 9.83;G 4 .38 10.55;G 2 .1 28.49;G 2 .15 8.53;
G 1 .08 12.57;
G 1 .14 12.9;G 1 .1 46.83;G 3 .07 11.68;G 1 .04 12.67;G 2 .19 9.01;P 5 .56 9.57;P 2 .14 34.06;P 2 .58 11.72;
P 5 .32 14.26;P 5 .82 47.61;P 5 .74 11.67;G 2 .15 24.58;G 4 .47 10.33;G 4 .17 13.87;P 5 .44 15.89;G 1 .15 22.43;
G 1 .5 6.79;G 1 .48 13.45
"""
# 43 patients with ovarian cancer, the example of DeLong, DeLong and Clarke-Pearson (1988) as the documentation of SAS
# (LOGISTIC procedure, "Comparing Receiver Operating Characteristic Curves") prints it: albumin, total protein,
# K-G score (less is better), and whether surgery helped.
OVARIAN = """
3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0 1.6 5.6 5 1 3.8 5.7 5 1 3.7 6.7 6 1
3.2 5.4 4 1 3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1 4.3 7.0 4 1 3.6 6.7 4 0 2.3 4.4 6 1 4.2 7.6 4 0 4.0 6.6 6 0 3.5 5.8 6 1
3.8 6.8 7 1 3.0 4.7 8 0 4.5 7.4 5 1 3.7 7.4 5 1 3.1 6.6 6 1 4.1 8.2 6 1 4.3 7.0 5 1 4.3 6.5 4 1 3.2 5.1 5 1 2.6 4.7 6 1
3.3 6.8 6 0 1.7 4.0 7 0 3.7 6.1 5 1 3.3 6.3 7 1 4.2 7.7 6 1 3.5 6.2 5 1 2.9 5.7 9 0 2.1 4.8 7 1 2.8 6.2 8 0 4.0 7.0 7 1
3.3 5.7 6 1 3.7 6.9 5 1 3.6 6.6 5 1
"""


def haemorrhage() -> tuple[NDArray[np.int64], Array]:
    rows = [row.split() for row in HAEMORRHAGE.replace("\n", "").split(";")]
    return np.array([int(row[0] == "P") for row in rows]), np.array([row[1:] for row in rows], float).T


def test_areas_and_covariance_of_the_haemorrhage_data() -> None:
    labels, scores = haemorrhage()
    assert (labels.sum(), len(labels)) == (41, 113)
    areas, covariance = delong_covariance(labels, scores)
    # pROC's own regression tests (var, cov), in R.
    published = [
        [0.00146991470882363, 0.00119615567376754, -0.000532967856762438],
        [0.00119615567376754, 0.00266868245717244, -0.000756164938056579],
        [-0.000532967856762438, -0.000756164938056579, 0.0031908105493913],
    ]
    np.testing.assert_allclose(covariance, published, rtol=1e-12)
    np.testing.assert_allclose(areas, [0.8236789, 0.7313686, 0.6119580], atol=5e-8)
    # pROC prints 0.6301 to 0.8326 for S100B.
    assert auc_interval(areas[1], covariance[1, 1], scale="plain") == pytest.approx((0.6301, 0.8326), abs=5e-5)


@pytest.mark.parametrize(
    ("first", "second", "statistic", "p_value"),
    [
        (0, 1, 2.20898359144091, 0.0271757822291882),
        (0, 2, 2.79777591868904, 0.00514557970691098),
        (2, 1, -1.39077002573558, 0.164295175223054),
    ],
)
def test_paired_test_of_the_haemorrhage_data(first: int, second: int, statistic: float, p_value: float) -> None:
    labels, scores = haemorrhage()
    found = paired_auc_test(labels, scores[first], scores[second])
    assert (found.statistic, found.p_value) == pytest.approx((statistic, p_value), rel=1e-12)


@pytest.mark.parametrize(
    ("first", "second", "statistic", "p_value"),
    [
        (0, 1, 1.43490640926908, 0.152825378808796),
        (0, 2, 3.10125096778969, 0.00220950791756457),
        (2, 1, -1.55995743389685, 0.120192832430845),
    ],
)
def test_unpaired_test_of_the_haemorrhage_data(first: int, second: int, statistic: float, p_value: float) -> None:
    labels, scores = haemorrhage()
    areas, covariance = delong_covariance(labels, scores)
    found = unpaired_auc_test(*((areas[k], covariance[k, k], len(labels)) for k in (first, second)))
    assert (found.statistic, found.p_value) == pytest.approx((statistic, p_value), rel=1e-12)


def test_the_ovarian_example_of_the_paper() -> None:
    table = np.array(OVARIAN.split(), float).reshape(-1, 4).T
    scores = np.stack([10 - table[2], table[0], table[1]])
    areas, covariance = delong_covariance(table[3].astype(int), scores)
    np.testing.assert_allclose(areas, [0.7258, 0.7366, 0.6478], atol=5e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), [0.1028, 0.0927, 0.1000], atol=5e-5)
    contrast = np.array([[-1, 1, 0], [-1, 0, 1]]) @ areas
    spread = np.array([[-1, 1, 0], [-1, 0, 1]]) @ covariance @ np.array([[-1, 1, 0], [-1, 0, 1]]).T
    assert contrast @ np.linalg.solve(spread, contrast) == pytest.approx(2.5340, abs=5e-5)


def brute_force(labels: NDArray[np.int64], scores: Array) -> tuple[Array, Array]:
    """The definitions of the paper, pair by pair."""
    ill, well = scores[:, labels == 1], scores[:, labels == 0]
    order = (ill[:, :, None] > well[:, None]) + 0.5 * (ill[:, :, None] == well[:, None])
    covariance = np.cov(order.mean(axis=2)) / ill.shape[1] + np.cov(order.mean(axis=1)) / well.shape[1]
    return order.mean(axis=(1, 2)), covariance


@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(2, 12), st.integers(1, 6))
def test_ranks_give_the_pairwise_definition_with_ties(seed: int, ill: int, well: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat([1, 0], (ill, well)))
    scores = random.integers(0, levels, (3, ill + well)).astype(float)
    areas, covariance = delong_covariance(labels, scores)
    expected, expected_covariance = brute_force(labels, scores)
    np.testing.assert_allclose(areas, expected, atol=1e-12)
    np.testing.assert_allclose(covariance, expected_covariance, atol=1e-12)
    assert areas[0] == pytest.approx(roc_auc_score(labels, scores[0]))


def test_the_error_is_that_of_resampling_and_the_p_value_that_of_permuting() -> None:
    random = np.random.default_rng(1)
    labels = np.repeat([1, 0], (60, 80))
    shared = random.normal(size=140)
    first = 1.2 * labels + shared + 0.7 * random.normal(size=140)
    second = 0.6 * labels + shared + 0.7 * random.normal(size=140)
    found = paired_auc_test(labels, first, second)
    draws = [random.multinomial(count, np.full(count, 1 / count), 2000) for count in (60, 80)]
    weights = np.hstack(draws).astype(float)
    differences = weighted_auc(labels, first, weights) - weighted_auc(labels, second, weights)
    assert found.standard_error == pytest.approx(np.std(differences), rel=0.06)
    # Without a difference, which of the two scores is the first is a coin's choice.
    ranks = [np.argsort(np.argsort(values)).astype(float) for values in (first, second)]
    unequal = paired_auc_test(labels, *ranks)
    extreme = 0
    for _ in range(2000):
        swap = random.random(140) < 0.5
        one, other = np.where(swap, ranks[1], ranks[0]), np.where(swap, ranks[0], ranks[1])
        areas, _ = delong_covariance(labels, np.stack([one, other]))
        extreme += abs(areas[0] - areas[1]) >= abs(unequal.difference)
    assert extreme / 2000 == pytest.approx(unequal.p_value, abs=0.02)


def test_the_interval_covers_what_it_promises() -> None:
    random = np.random.default_rng(2)
    labels = np.repeat([1, 0], (25, 30))
    # Scores of N(d, 1) against N(0, 1) have the area Phi(d / sqrt 2): 0.9 for d of 1.8124.
    covered = 0
    for _ in range(1000):
        areas, covariance = delong_covariance(labels, 1.8124 * labels + random.normal(size=55))
        low, high = auc_interval(areas[0], covariance[0, 0])
        covered += low <= 0.9 <= high
    assert 0.93 < covered / 1000 < 0.985


def test_twice_the_same_image_of_every_patient_tells_nothing_new() -> None:
    labels, scores = haemorrhage()
    areas, covariance = delong_covariance(labels, scores)
    twice = [np.repeat(values, 2, axis=-1) for values in (labels, scores)]
    patients = [f"p{row}" for row in np.repeat(np.arange(113), 2)]
    same, clustered = delong_covariance(*twice, patients)
    np.testing.assert_allclose(same, areas)
    np.testing.assert_allclose(clustered, covariance, rtol=1e-12)
    assert delong_covariance(*twice)[1][0, 0] == pytest.approx(covariance[0, 0] / 2, rel=0.02)
    singles = delong_covariance(labels, scores, [str(row) for row in range(113)])[1]
    np.testing.assert_allclose(singles, covariance, rtol=1e-12)


def test_patients_with_both_classes_are_taken_together() -> None:
    """A patient's own offset, the same in an ill and a well image, leaves their order alone: less variance."""
    random = np.random.default_rng(3)
    errors, found = [], []
    labels, patients = np.tile([0, 1], 60), [str(row // 2) for row in range(120)]
    for _ in range(400):
        scores = labels + np.repeat(2 * random.normal(size=60), 2) + 0.5 * random.normal(size=120)
        areas, covariance = delong_covariance(labels, scores, patients)
        errors.append(covariance[0, 0])
        found.append(areas[0])
    assert np.mean(errors) == pytest.approx(np.var(found), rel=0.2)
    assert delong_covariance(labels, scores)[1][0, 0] > 2 * covariance[0, 0]


def test_perfect_separation_and_equal_scores() -> None:
    labels, perfect = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9])
    areas, covariance = delong_covariance(labels, perfect)
    assert (areas[0], covariance[0, 0]) == (1, 0)
    assert np.isnan(auc_interval(1.0, 0.0)).all()
    assert paired_auc_test(labels, perfect, perfect**2) == AucTest(0, 0, 0, 1)
    worse = paired_auc_test(labels, perfect, -perfect)
    assert (worse.difference, worse.statistic, worse.p_value) == (1, np.inf, 0)


def test_swapping_the_classes_and_any_increasing_map_change_nothing() -> None:
    labels, scores = haemorrhage()
    areas, covariance = delong_covariance(labels, scores)
    other_areas, other = delong_covariance(1 - labels, -np.log(scores))
    np.testing.assert_allclose(other_areas, areas)
    np.testing.assert_allclose(other, covariance)


def test_logit_interval_is_symmetric_in_log_odds() -> None:
    low, high = auc_interval(0.8, 0.01)
    assert low * high / ((1 - low) * (1 - high)) == pytest.approx((0.8 / 0.2) ** 2)
    # Its width in log odds is twice 1.96 standard errors over A (1 - A).
    assert np.log(high / (1 - high)) - np.log(low / (1 - low)) == pytest.approx(2 * 1.959964 * 0.1 / 0.16)
    assert auc_interval(0.95, 0.01, scale="plain")[1] == 1


@pytest.mark.parametrize(
    ("labels", "scores", "words"),
    [
        ([1, 1, 1], [0.1, 0.2, 0.3], "all 3 labels are 1"),
        ([0, 0], [0.1, 0.2], "all 2 labels are 0"),
        ([0, 2, 1], [0.1, 0.2, 0.3], r"found \[2\]"),
        ([0, 1, 1], [0.1, float("nan"), 0.3], "1 scores are NaN"),
        ([0, 1, 1], [0.1, 0.3], "shape"),
        ([0, 1, 1], [0.1, 0.2, 0.3], "two patients of each class; there are 2 and 1"),
    ],
)
def test_refuses(labels: list[int], scores: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        delong_covariance(labels, scores)


def test_refuses_an_unknown_scale_and_groups_of_another_length() -> None:
    with pytest.raises(ValueError, match="scale is 'log'"):
        auc_interval(0.8, 0.01, scale="log")
    with pytest.raises(ValueError, match="2 groups for 4 labels"):
        delong_covariance([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], ["a", "b"])
