"""Between the grey levels of a file and [-1, 1], there and back."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.transforms.scale_grey_levels import (
    RestoreGreyLevels,
    RestoreGreyLevelsD,
    RestoreGreyLevelsd,
    RestoreGreyLevelsDict,
    ScaleGreyLevels,
    ScaleGreyLevelsD,
    ScaleGreyLevelsd,
    ScaleGreyLevelsDict,
)


def film(values, grey_range=(0.0, 255.0)) -> MetaTensor:
    meta = {"filename_or_obj": "/data/film.png", "grey_range": grey_range}
    return MetaTensor(torch.tensor(values, dtype=torch.float32)[None], meta=meta)


def test_closed_form() -> None:
    scaled = ScaleGreyLevels()(film([[0.0, 63.75, 127.5], [191.25, 255.0, 51.0]]))
    expected = torch.tensor([[[-1.0, -0.5, 0.0], [0.5, 1.0, -0.6]]])
    torch.testing.assert_close(scaled.as_tensor(), expected)
    assert scaled.dtype == torch.float32
    hounsfield = ScaleGreyLevels((-1000, 1000))(torch.tensor([[-1000, 0, 500, 3000, -2000]]))
    torch.testing.assert_close(hounsfield, torch.tensor([[-1.0, 0.0, 0.5, 1.0, -1.0]]))


def test_the_range_is_that_of_the_unit_not_of_the_content() -> None:
    dark, bright = film([[10.0, 20.0]]), film([[110.0, 120.0]])
    difference = ScaleGreyLevels()(bright) - ScaleGreyLevels()(dark)
    torch.testing.assert_close(difference.as_tensor(), torch.full((1, 1, 2), 200 / 255))


@pytest.mark.parametrize(
    ("shape", "is_ct", "found"),
    [((1, 4, 4), True, "CT"), ((1, 4, 4, 1), True, "CT"), ((1, 4, 4, 3), False, "a volume of 3 slices")],
)
def test_ct_has_no_scale_of_a_bit_depth(shape, is_ct, found) -> None:
    image = MetaTensor(
        torch.zeros(shape), meta={"filename_or_obj": "/data/a.dcm", "grey_range": (-1024.0, 3071.0), "is_ct": is_ct}
    )
    with pytest.raises(ImageFileError, match=f"^/data/a.dcm: is {found}.*; expected a radiograph; take a bundle"):
        ScaleGreyLevels()(image)
    assert ScaleGreyLevels((-1000.0, 1000.0))(image).abs().max() == 0
    image.meta["is_ct"] = False
    assert ScaleGreyLevels()(image[..., :1]).shape == (*image.shape[:-1], 1)


@given(
    bits=st.integers(8, 16),
    signed=st.booleans(),
    slope=st.sampled_from([1.0, 2.0, 0.5]),
    intercept=st.sampled_from([0.0, -1024.0, 100.0]),
)
@settings(max_examples=40, deadline=None)
def test_every_level_of_8_to_16_bits_survives_the_round_trip(bits, signed, slope, intercept) -> None:
    stored = torch.arange(2**bits, dtype=torch.float64) - (2 ** (bits - 1) if signed else 0)
    levels = (stored * slope + intercept).float()
    image = MetaTensor(levels[None, :, None], meta={"grey_range": (float(levels[0]), float(levels[-1]))})
    scaled = ScaleGreyLevels()(image)
    assert scaled.min() == -1
    assert scaled.max() == 1
    restored = RestoreGreyLevels()(scaled).as_tensor()[0, :, 0].double()
    assert torch.equal(torch.round((restored - intercept) / slope), stored)


@given(low=st.floats(-2000, 2000), span=st.floats(1, 5000), share=st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_scaling_is_increasing_and_stays_in_range(low: float, span: float, share: float) -> None:
    level = low + share * span
    scaled = float(ScaleGreyLevels((low, low + span))(torch.tensor([level]))[0])
    assert -1 <= scaled <= 1
    assert scaled == pytest.approx(2 * share - 1, abs=1e-5 * (1 + abs(low) / span))


def test_restoring_clips_what_the_bit_depth_cannot_hold() -> None:
    restore = RestoreGreyLevels((0, 4095))
    assert restore(torch.tensor([-1.5, -1.0, 0.0, 1.0, 1.5])).tolist() == [0.0, 0.0, 2047.5, 4095.0, 4095.0]


def test_the_range_used_is_noted_and_the_input_is_left_alone() -> None:
    image = film([[0.0, 100.0]])
    scaled = ScaleGreyLevels((0, 200))(image)
    assert scaled.meta["grey_range"] == (0.0, 200.0)
    assert scaled.meta["filename_or_obj"] == "/data/film.png"
    assert image.meta["grey_range"] == (0.0, 255.0)
    assert image.tolist() == [[[0.0, 100.0]]]
    assert RestoreGreyLevels()(scaled).tolist() == [[[0.0, 100.0]]]


@pytest.mark.parametrize("grey_range", [(7.0, 7.0), (8.0, 7.0), (float("nan"), 7.0)])
def test_an_empty_range_names_the_file(grey_range) -> None:
    with pytest.raises(ValueError, match=r"/data/film\.png: grey range is .*7\]; expected low < high"):
        ScaleGreyLevels()(film([[7.0]], grey_range))
    with pytest.raises(ValueError, match=r"/data/film\.png"):
        RestoreGreyLevels(grey_range)(film([[0.0]]))


def test_no_known_range_is_an_error() -> None:
    with pytest.raises(ValueError, match="no grey range is known; load it with LoadRadiograph or give grey_range"):
        ScaleGreyLevels()(torch.zeros(1, 2, 2))


def test_dictionary_versions() -> None:
    item = {"image": film([[0.0, 255.0]]), "label": 1}
    scaled = ScaleGreyLevelsd("image")(item)
    assert scaled["image"].tolist() == [[[-1.0, 1.0]]]
    assert (scaled["label"], item["image"].max()) == (1, 255)
    assert ScaleGreyLevelsd("image", (0, 510))(item)["image"].max() == 0
    assert ScaleGreyLevelsd(["image", "absent"], allow_missing_keys=True)(item)["image"].max() == 1
    with pytest.raises(KeyError):
        ScaleGreyLevelsd(["image", "absent"])(item)
    assert ScaleGreyLevelsD is ScaleGreyLevelsDict is ScaleGreyLevelsd
    assert RestoreGreyLevelsD is RestoreGreyLevelsDict is RestoreGreyLevelsd


def test_the_result_takes_over_the_references_metadata() -> None:
    affine = torch.diag(torch.tensor([-0.2, -0.3, 1.0, 1.0], dtype=torch.float64))
    image = film([[0.0, 1000.0]], (0.0, 4095.0))
    image.affine = affine
    item = ScaleGreyLevelsd("image")({"image": image})
    for pred in (torch.tensor([[[0.0, 1.0]]]), MetaTensor(torch.tensor([[[0.0, 1.0]]]), meta={"grey_range": (0, 1)})):
        restored = RestoreGreyLevelsd("pred", reference_key="image")({**item, "pred": pred})
        assert restored["pred"].tolist() == [[[2047.5, 4095.0]]]
        assert restored["pred"].meta["filename_or_obj"] == "/data/film.png"
        assert restored["pred"].meta["grey_range"] == (0.0, 4095.0)
        assert torch.equal(restored["pred"].affine, affine)
        assert restored["image"] is item["image"]
    # What a saver adds to the result's metadata must not show up in the input's.
    restored["pred"].meta["saved_to"] = "/out/film.png"
    assert "saved_to" not in item["image"].meta


def test_missing_results() -> None:
    item = ScaleGreyLevelsd("image")({"image": film([[0.0, 255.0]])})
    assert set(RestoreGreyLevelsd("pred", allow_missing_keys=True)(item)) == {"image"}
    with pytest.raises(KeyError):
        RestoreGreyLevelsd("pred")(item)


@pytest.mark.parametrize("grey_range", [(0.0, 1e300), (-1e308, 1e308), (0.0, math.inf), (math.nan, 1.0)])
def test_a_range_that_float32_does_not_hold_is_named(grey_range: tuple[float, float]) -> None:
    for transform in (ScaleGreyLevels(grey_range), RestoreGreyLevels(grey_range)):
        with pytest.raises(InputError, match=r"image: grey range is .*, which float32 holds"):
            transform(torch.zeros(1, 2, 2))


def test_the_widest_range_of_float32_still_gives_numbers() -> None:
    ends = torch.tensor([[[-3e38, 0.0, 3e38]]])
    torch.testing.assert_close(ScaleGreyLevels((-3e38, 3e38))(ends), torch.tensor([[[-1.0, 0.0, 1.0]]]))
