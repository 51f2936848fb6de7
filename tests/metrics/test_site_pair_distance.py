"""The distance of several sites is the mean over the ordered pairs that were shown."""

import pytest
import torch

from monai_harmonize.metrics import SitePairDistanceMetric, pooled_histogram

LEVELS = (-0.75, -0.25, 0.75)


def flat(level: float) -> torch.Tensor:
    return torch.full((1, 4, 4), level)


HISTOGRAMS = [pooled_histogram([flat(level)], bins=8, value_range=(-1, 1)) for level in LEVELS]


def test_each_pair_is_pooled_by_itself_and_counts_the_same() -> None:
    metric = SitePairDistanceMetric(HISTOGRAMS)
    metric(torch.stack([flat(-0.25), flat(0.25)]), torch.tensor([[0, 1], [1, 2]]))
    # Half of the pixels of the pair 0 to 1 are off by 0.5, which is a quarter of the scale of 2.
    metric([flat(0.25)], [torch.tensor([0, 1])])
    assert float(metric.aggregate()) == pytest.approx((0.25 / 2 + 0.25) / 2)
    for pair, expected in (((0, 1), 0.125), ((1, 2), 0.25)):
        one = SitePairDistanceMetric(HISTOGRAMS, pair)
        one([flat(-0.25), flat(0.25), flat(0.25)], [torch.tensor(p) for p in ([0, 1], [1, 2], [0, 1])])
        assert float(one.aggregate()) == pytest.approx(expected)


def test_images_that_stay_as_they_are_have_the_distance_of_the_sites() -> None:
    metric = SitePairDistanceMetric(HISTOGRAMS)
    pairs = [(one, other) for one in range(3) for other in range(3) if one != other]
    metric([flat(LEVELS[one]) for one, _ in pairs], [torch.tensor(pair) for pair in pairs])
    # Levels differ by 0.5, 1 and 1.5, each in both directions.
    assert float(metric.aggregate()) == pytest.approx((0.25 + 0.5 + 0.75) / 3)
    metric.reset()
    with pytest.raises(ValueError, match="no image of these pairs"):
        metric.aggregate()


def test_its_range_is_that_of_the_images() -> None:
    metric = SitePairDistanceMetric(HISTOGRAMS, (0, 1), value_range=(0, 255))
    metric([torch.full((1, 2, 2), 255.0)], [torch.tensor([0, 1])])
    # From the bin of -0.25, the fourth of eight, to the last one.
    assert float(metric.aggregate()) == pytest.approx(4 / 8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((HISTOGRAMS[0],), "histograms have shape"),
        ((HISTOGRAMS[:1],), "histograms have shape"),
        ((HISTOGRAMS, (1, 1)), r"pair is \(1, 1\)"),
        ((HISTOGRAMS, (0, 3)), r"pair is \(0, 3\)"),
    ],
)
def test_wrong_arguments_are_named(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SitePairDistanceMetric(*arguments)
