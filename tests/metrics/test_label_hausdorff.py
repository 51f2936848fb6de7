"""Surface distances in mm of label maps: MONAI's, closed forms, absent labels, spacing."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from ignite.engine import Engine
from monai.data import MetaTensor, list_data_collate
from monai.handlers import IgniteMetricHandler
from monai.metrics import compute_hausdorff_distance

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.spacing import SPACING_KNOWN
from monai_harmonize.metrics import LabelHausdorffMetric, label_hausdorff

SPACING = (0.5, 2.0, 1.25)
INF, NAN = math.inf, math.nan


def boxes(shift: int, shape: tuple[int, ...] = (20, 16, 12)) -> np.ndarray:
    """Labels 2 and 3 as boxes, the latter at the corner of the volume."""
    labels = np.zeros(shape, dtype=np.uint8)
    labels[3 + shift : 9 + shift, 4:9, 3:8] = 2
    labels[14:, 11:, 8:] = 3
    return labels


def as_monai(prediction: np.ndarray, truth: np.ndarray, classes: int, spacing, percentile: float) -> np.ndarray:
    channels = [
        torch.from_numpy(np.stack([labels == label for label in range(1, classes)]))[None]
        for labels in (prediction, truth)
    ]
    return compute_hausdorff_distance(
        *channels, include_background=True, percentile=percentile, spacing=list(spacing)
    ).numpy()[0]


@pytest.mark.filterwarnings("ignore:the (ground truth|prediction) of class")
@given(st.integers(0, 2**31), st.sampled_from([50.0, 95.0, 100.0]), st.booleans())
def test_as_monai_gives_one_label_at_a_time(seed: int, percentile: float, flat: bool) -> None:
    random = np.random.default_rng(seed)
    shape = (9, 12) if flat else (9, 6, 6)
    guess = random.choice(4, shape, p=[0.7, 0.1, 0.1, 0.1])
    guess.flat[:3] = 1, 2, 3
    # Blocks that have an inside.
    truth = np.kron(random.choice(4, [side // 3 for side in shape]), np.ones([3] * len(shape), dtype=np.int64))
    spacing = SPACING[: len(shape)]
    ours = label_hausdorff(guess, truth, 4, spacing, percentile=percentile)
    theirs = as_monai(guess, truth, 4, spacing, percentile)
    in_both = [label in guess and label in truth for label in (1, 2, 3)]
    np.testing.assert_allclose(ours[in_both], theirs[in_both], rtol=1e-5)
    assert np.isinf(ours[np.logical_not(in_both)]).all()


def test_a_shifted_box_is_as_far_away_as_it_was_shifted() -> None:
    found = label_hausdorff(boxes(2), boxes(0), 5, SPACING, percentile=100)
    np.testing.assert_allclose(found, [NAN, 2 * 0.5, 0, NAN])
    assert label_hausdorff(boxes(2), boxes(0), 5, (1.5, 2, 1), percentile=100)[1] == pytest.approx(3)


def test_the_percentile_forgives_a_stray_pixel() -> None:
    stray = boxes(0)
    stray[19, 0, 0] = 2
    distances = [label_hausdorff(stray, boxes(0), 4, (1, 1, 1), percentile=p)[1] for p in (95, 100)]
    # To the nearest corner of the box, (8, 4, 3).
    np.testing.assert_allclose(distances, [0, math.sqrt(11**2 + 4**2 + 3**2)])
    # The way from truth to prediction counts as well.
    assert label_hausdorff(boxes(0), stray, 4, (1, 1, 1), percentile=100)[1] == distances[1]


@pytest.mark.parametrize("absent", [INF, 30.0, NAN])
def test_labels_that_one_or_both_lack(absent: float) -> None:
    truth, guess = np.zeros((2, 8, 8), dtype=np.int16)
    truth[1:3, 1:3], truth[5, 5], guess[5, 5], guess[7, 7] = 1, 2, 2, 3
    np.testing.assert_array_equal(label_hausdorff(guess, truth, 5, (1, 1), absent=absent), [absent, 0, absent, NAN])
    metric = LabelHausdorffMetric(5, absent=absent, spacing=(1, 1))
    metric(torch.from_numpy(guess)[None, None], torch.from_numpy(truth)[None, None])
    expected = {INF: INF, 30.0: 20.0}.get(absent, 0.0)
    assert float(metric.aggregate()) == expected
    empty = torch.zeros(1, 1, 8, 8)
    metric(empty, empty)
    assert torch.isnan(metric.get_buffer()[1]).all()
    assert float(metric.aggregate()) == expected


def meta(labels: np.ndarray, spacing: tuple[float, ...], **known: bool) -> MetaTensor:
    return MetaTensor(torch.from_numpy(labels)[None], affine=np.diag([*spacing, 1.0]), meta=known)


def test_the_metric_takes_each_image_s_own_spacing() -> None:
    metric = LabelHausdorffMetric(5, percentile=100)
    wide = (1.5, 2.0, 1.0)
    metric([meta(boxes(2), SPACING), meta(boxes(2), wide)], [meta(boxes(0), SPACING), meta(boxes(0), wide)])
    np.testing.assert_allclose(metric.get_buffer()[:, 1], [1, 3])
    assert float(metric.aggregate()) == pytest.approx(1.0)
    metric.reset()
    batches = [[meta(boxes(shift), spacing) for spacing in (SPACING, wide)] for shift in (2, 0)]
    metric(*(list_data_collate(batch) for batch in batches))
    np.testing.assert_allclose(metric.get_buffer()[:, 1], [1, 3])
    metric.reset()
    # Plain labels and an image that says whether its spacing is known; channels instead of labels.
    channels = torch.from_numpy(np.stack([boxes(0) == label for label in range(5)])).float()
    metric([meta(boxes(2), SPACING, **{SPACING_KNOWN: True})], [channels])
    np.testing.assert_allclose(metric.get_buffer()[:, 1], [1])
    fixed = LabelHausdorffMetric(5, percentile=100, spacing=(2, 1, 1))
    fixed([meta(boxes(2), SPACING)], [meta(boxes(0), SPACING)])
    assert float(fixed.get_buffer()[0, 1]) == 4


def test_in_an_evaluator() -> None:
    engine = Engine(lambda _, batch: batch)
    IgniteMetricHandler(metric_fn=LabelHausdorffMetric(5, percentile=100)).attach(engine, "distance")
    engine.run([([meta(boxes(2), SPACING)], [meta(boxes(0), SPACING)])])
    assert engine.state.metrics["distance"] == pytest.approx(0.5)
    assert engine.state.metric_details["distance"].shape == (1, 4)


def test_errors() -> None:
    labels = boxes(0)
    for arguments, message in (
        ((labels, labels[1:], 4, SPACING), "expected the same shape and one length per axis"),
        ((labels, labels, 4, SPACING[:2]), "expected the same shape and one length per axis"),
        ((labels, labels, 3, SPACING), "labels lie in 0 to 3; expected 0 to 2"),
        ((labels, labels - np.int16(1), 4, SPACING), "labels lie in -1 to 2"),
        ((labels, labels * 0.5, 4, SPACING), "a label is no whole number"),
        ((labels, labels * np.nan, 4, SPACING), "labels lie in nan"),
        ((labels, labels, 4, (1, 0, 1)), "spacing is"),
        ((labels, labels, 4, (1, NAN, 1)), "spacing is"),
    ):
        with pytest.raises(InputError, match=message):
            label_hausdorff(*arguments)
    for percentile in (0, 101, NAN):
        with pytest.raises(InputError, match="percentile"):
            label_hausdorff(labels, labels, 4, SPACING, percentile=percentile)
    unknown = meta(labels, SPACING, **{SPACING_KNOWN: False})
    for pair in (([unknown], [unknown]), (torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4))):
        with pytest.raises(InputError, match="no known pixel spacing"):
            LabelHausdorffMetric(4)(*pair)
    with pytest.raises(ValueError, match="no image was given"):
        LabelHausdorffMetric(4).aggregate()
