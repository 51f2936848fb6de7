"""Exact matching to a template, against scikit-image."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.exposure import match_histograms

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics import level_counts as counting
from monai_harmonize.transforms import MatchHistogram, MatchHistogramd, level_curve

RANDOM = np.random.default_rng(0)
SMALL = st.integers(-30, 30)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(50, 60), (20, 24, 30)])
def test_values_are_those_of_scikit_image(dtype: type, shape: tuple[int, ...]) -> None:
    limit = 100 if np.dtype(dtype).itemsize == 1 else 30000
    image = RANDOM.normal(limit / 2, limit / 8, shape).astype(dtype)
    template = RANDOM.gamma(2, limit / 12, (40, 30, 4)[: len(shape)]).astype(dtype)
    expected = match_histograms(image, template)
    found = MatchHistogram(template[None], dtype=str(expected.dtype))(image[None])[0]
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_volume_of_several_pieces_and_another_memory_order(order: str) -> None:
    volume = RANDOM.normal(0, 400, (90, 80, 70)).astype(np.int16, order=order)
    template = RANDOM.normal(100, 300, (60, 60, 60)).astype(np.int16)
    assert volume.size > counting.CHUNK
    found = MatchHistogram(template[None], dtype="float64")(volume[None])[0]
    np.testing.assert_array_equal(found, match_histograms(volume, template))
    as_floats = MatchHistogram(template[None], dtype="float64")(volume[None].astype(np.float32))[0]
    np.testing.assert_array_equal(as_floats, found)


def test_whole_numbers_go_through_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    take = np.take
    monkeypatch.setattr(np, "take", lambda *a, **k: (taken.append(a[1].size), take(*a, **k))[1])
    MatchHistogram(np.arange(9)[None])(RANDOM.integers(0, 999, (1, 600, 600)))
    assert sum(taken) == 600 * 600
    assert max(taken) <= level_curve.CHUNK


def test_a_mix_of_whole_numbers_and_fractions_in_one_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(level_curve, "CHUNK", 100)
    image = np.concatenate([RANDOM.integers(0, 50, 450), RANDOM.normal(20, 9, 450)]).reshape(1, 30, 30)
    template = RANDOM.normal(size=(1, 20, 20))
    np.testing.assert_array_equal(MatchHistogram(template)(image)[0], match_histograms(image[0], template[0]))


@given(hnp.arrays(np.int16, (1, 5, 6), elements=SMALL), hnp.arrays(np.int16, (1, 4, 4), elements=SMALL))
def test_it_keeps_order_and_only_the_order_counts(image: np.ndarray, template: np.ndarray) -> None:
    match = MatchHistogram(template, dtype="float64")
    result = match(image)
    if np.ptp(image) > 0:
        order = np.argsort(image.ravel(), kind="stable")
        assert (np.diff(result.ravel()[order]) >= 0).all()
        assert template.min() <= result.min() <= result.max() == template.max()
        # Any increasing curve before it is without effect.
        np.testing.assert_array_equal(match(image.astype(np.float64) ** 3 + 5), result)
        np.testing.assert_array_equal(match(image * 100), result)


@given(hnp.arrays(np.int16, (1, 5, 6), elements=SMALL), hnp.arrays(np.int16, (1, 5, 6), elements=SMALL))
def test_an_image_that_matches_already_stays(image: np.ndarray, template: np.ndarray) -> None:
    np.testing.assert_array_equal(MatchHistogram(image)(image), image)
    shuffled = np.random.default_rng(0).permuted(template, axis=None)
    np.testing.assert_array_equal(MatchHistogram(template)(shuffled), shuffled)


def test_templates_by_channel() -> None:
    image, template = RANDOM.normal(size=(2, 9, 9)), RANDOM.normal(size=(2, 8, 8))
    np.testing.assert_array_equal(MatchHistogram(template)(image)[1], MatchHistogram(template[1:])(image[1:])[0])
    with pytest.raises(InputError, match="the image has 3 channels, the template 2"):
        MatchHistogram(template)(RANDOM.normal(size=(3, 9, 9)))
    with pytest.raises(InputError, match="holds no finite number"):
        MatchHistogram(np.full((1, 3, 3), np.nan))


def test_dictionary_version() -> None:
    image, template = torch.rand(1, 9, 9), torch.rand(1, 7, 7)
    result = MatchHistogramd("image", template)({"image": image})["image"]
    torch.testing.assert_close(result, MatchHistogram(template)(image))
