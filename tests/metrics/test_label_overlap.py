"""Pixel accuracy, intersection over union and Dice: scikit-learn, MONAI, and cases by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from ignite.engine import Engine
from monai.data import MetaTensor
from monai.handlers import IgniteMetricHandler
from monai.metrics import DiceMetric, MeanIoU
from monai.networks import one_hot
from sklearn import metrics as sklearn_metrics

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics import LabelDiceMetric, LabelIoUMetric, PixelAccuracyMetric
from monai_harmonize.metrics import confusion as module
from monai_harmonize.metrics.confusion import confusion_matrix, label_dice, label_iou, pixel_accuracy

CLASSES = 6
# Two images of 2x4 pixels: in the first, label 1 is hit in one pixel of two, label 2 is missed, label 3 invented.
TRUTH = torch.tensor([[0, 0, 1, 1, 2, 0, 0, 0], [4, 4, 4, 4, 0, 0, 0, 0]]).reshape(2, 1, 2, 4)
GIVEN = torch.tensor([[0, 0, 1, 0, 0, 3, 0, 0], [4, 4, 4, 4, 4, 4, 4, 4]]).reshape(2, 1, 2, 4)
NAN = float("nan")
pairs = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=40)


@given(pairs, st.sampled_from([torch.uint8, torch.int64, torch.float32]))
def test_as_scikit_learn(rows: list[tuple[int, int]], dtype: torch.dtype) -> None:
    true, guess = (np.array(column) for column in zip(*rows, strict=True))
    found = confusion_matrix(*(torch.from_numpy(v).to(dtype) for v in (guess, true)), CLASSES)
    np.testing.assert_array_equal(found, sklearn_metrics.confusion_matrix(true, guess, labels=range(CLASSES)))
    assert float(pixel_accuracy(found)) == pytest.approx(sklearn_metrics.accuracy_score(true, guess))
    present = np.union1d(true, guess)
    for ours, theirs in ((label_iou, sklearn_metrics.jaccard_score), (label_dice, sklearn_metrics.f1_score)):
        scores = ours(found).numpy()
        np.testing.assert_array_equal(np.flatnonzero(~np.isnan(scores)), present)
        np.testing.assert_allclose(scores[present], theirs(true, guess, labels=present, average=None, zero_division=0))


def test_by_hand() -> None:
    accuracy, iou, dice = PixelAccuracyMetric(CLASSES), LabelIoUMetric(CLASSES), LabelDiceMetric(CLASSES)
    for metric in (accuracy, iou, dice):
        metric(GIVEN, TRUTH)
    np.testing.assert_allclose(accuracy.get_buffer(), [[5 / 8], [1 / 2]])
    np.testing.assert_allclose(iou.get_buffer(), [[4 / 7, 1 / 2, 0, 0, NAN, NAN], [0, NAN, NAN, NAN, 1 / 2, NAN]])
    np.testing.assert_allclose(dice.get_buffer(), [[2 / 3, 0, 0, NAN, NAN], [NAN, NAN, NAN, 2 / 3, NAN]])
    assert float(accuracy.aggregate()) == pytest.approx(9 / 16)
    assert float(iou.aggregate()) == pytest.approx(((4 / 7 + 1 / 2) / 4 + 1 / 4) / 2)
    assert float(dice.aggregate()) == pytest.approx((2 / 9 + 2 / 3) / 2)
    foreground = LabelIoUMetric(CLASSES, include_background=False)
    foreground(GIVEN, TRUTH)
    assert float(foreground.aggregate()) == pytest.approx((1 / 6 + 1 / 2) / 2)


def test_pooled_counts_all_pixels_as_one_image() -> None:
    for metric in (PixelAccuracyMetric, LabelIoUMetric, LabelDiceMetric):
        pooled, joined, single = metric(CLASSES, pooled=True), metric(CLASSES), metric(CLASSES)
        for image, labels in zip(GIVEN, TRUTH, strict=True):
            pooled(image[None], labels[None])
        single(GIVEN, TRUTH)
        joined(GIVEN.reshape(1, 1, 4, 4), TRUTH.reshape(1, 1, 4, 4))
        assert float(pooled.aggregate()) == float(joined.aggregate())
        np.testing.assert_array_equal(pooled.get_buffer(), single.get_buffer())
    assert float(pooled.aggregate()) != float(single.aggregate())
    assert pooled.confusions().sum() == TRUTH.numel()


def test_as_monai_where_truth_and_prediction_have_the_same_labels() -> None:
    torch.manual_seed(0)
    truth, given = torch.randint(0, 3, (2, 3, 1, 8, 9, 4))
    channels = [one_hot(labels, 3) for labels in (given, truth)]
    for ours, theirs in (
        (LabelIoUMetric(3), MeanIoU()),
        (LabelIoUMetric(3, include_background=False), MeanIoU(include_background=False)),
        (LabelDiceMetric(3), DiceMetric(include_background=False)),
    ):
        theirs(*channels)
        ours(*channels)
        expected = float(theirs.aggregate())
        assert float(ours.aggregate()) == pytest.approx(expected, rel=1e-6)
        ours.reset()
        ours(list(given), [MetaTensor(labels) for labels in truth])
        assert float(ours.aggregate()) == pytest.approx(expected, rel=1e-6)


def test_images_without_a_label_that_counts_are_left_out() -> None:
    empty = torch.zeros(1, 1, 4, 4)
    dice = LabelDiceMetric(CLASSES)
    dice(empty, empty)
    assert torch.isnan(dice.aggregate())
    dice(GIVEN[1:], TRUTH[1:])
    assert float(dice.aggregate()) == pytest.approx(2 / 3)


def test_in_an_evaluator_the_details_are_scores_of_images() -> None:
    engine = Engine(lambda _, batch: batch)
    for name, metric in (("accuracy", PixelAccuracyMetric(CLASSES)), ("iou", LabelIoUMetric(CLASSES, pooled=True))):
        IgniteMetricHandler(metric_fn=metric).attach(engine, name)
    engine.run([(list(GIVEN[:1]), list(TRUTH[:1])), (list(GIVEN[1:]), list(TRUTH[1:]))])
    assert engine.state.metrics["accuracy"] == pytest.approx(9 / 16)
    assert engine.state.metric_details["accuracy"].shape == (2, 1)
    assert engine.state.metric_details["iou"].shape == (2, CLASSES)


def test_pieces_of_an_image_are_counted_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = confusion_matrix(GIVEN, TRUTH, CLASSES)
    monkeypatch.setattr(module, "CHUNK", 3)
    assert torch.equal(confusion_matrix(GIVEN, TRUTH, CLASSES), expected)


def test_errors() -> None:
    for wrong, value in ((GIVEN + 2, "6"), (GIVEN - 1, "-1"), (GIVEN + 0.5, "0.5"), (GIVEN * NAN, "nan")):
        for pair in ((wrong, TRUTH), (TRUTH, wrong)):
            with pytest.raises(InputError, match=f"^{value} is no label; expected whole numbers from 0 to 5"):
                confusion_matrix(*pair, CLASSES)
    with pytest.raises(InputError, match="prediction of shape"):
        confusion_matrix(GIVEN, TRUTH[:1], CLASSES)
    with pytest.raises(InputError, match="2 channels for 6 labels"):
        LabelDiceMetric(CLASSES)(GIVEN.expand(2, 2, 2, 4), TRUTH)
    with pytest.raises(InputError, match="num_classes is 1"):
        LabelDiceMetric(1)
    with pytest.raises(ValueError, match="no image was given"):
        LabelDiceMetric(2).aggregate()
