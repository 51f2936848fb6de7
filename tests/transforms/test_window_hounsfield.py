"""Between HU and [-1, 1] through a window, and back without loss or seams."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.hounsfield import HOUNSFIELD_WINDOWS
from monai_harmonize.transforms.window_hounsfield import (
    RestoreHounsfield,
    RestoreHounsfieldD,
    RestoreHounsfieldd,
    RestoreHounsfieldDict,
    WindowHounsfield,
    WindowHounsfieldD,
    WindowHounsfieldd,
    WindowHounsfieldDict,
)

LEVELS = torch.arange(-3024.0, 3072.0).reshape(1, 48, 127)
WINDOWS = [*HOUNSFIELD_WINDOWS, (-200.0, 333.3)]


def volume(values) -> MetaTensor:
    return MetaTensor(torch.as_tensor(values, dtype=torch.float32), meta={"filename_or_obj": "scan.nii"})


def test_closed_form() -> None:
    windowed = WindowHounsfield("soft_tissue")(volume([[[-1000.0, -150.0, -50.0], [50.0, 250.0, 2000.0]]]))
    torch.testing.assert_close(windowed.as_tensor(), torch.tensor([[[-1.0, -1.0, -0.5], [0.0, 1.0, 1.0]]]))
    assert windowed.dtype == torch.float32
    assert windowed.meta["filename_or_obj"] == "scan.nii"


@pytest.mark.parametrize("window", WINDOWS)
def test_every_level_survives_in_and_outside_the_window(window) -> None:
    restored = RestoreHounsfield(window)(WindowHounsfield(window)(LEVELS), LEVELS)
    torch.testing.assert_close(restored, LEVELS, rtol=0, atol=1e-3)
    assert torch.equal(restored.round(), LEVELS)


@given(output=st.floats(-1.5, 1.5), level=st.floats(-500, 1300))
def test_within_the_window_the_result_is_the_output(output, level) -> None:
    restored = RestoreHounsfield("bone")(torch.full((1, 1, 1), output), torch.full((1, 1, 1), level))
    assert float(restored) == pytest.approx(400 + 900 * min(max(output, -1), 1), abs=1e-3)


@given(output=st.floats(-1, 1), beyond=st.floats(0, 1000), above=st.booleans())
def test_beyond_the_blend_the_source_stays(output, beyond, above) -> None:
    level = 1300 + 60 + beyond if above else -500 - 60 - beyond
    source = torch.full((1, 1, 1), level)
    restored = RestoreHounsfield("bone", blend=60)(torch.full((1, 1, 1), output), source)
    assert torch.equal(restored, source)


@pytest.mark.parametrize(("change", "steepest"), [(0.1, 2.0), (0.4, 7.0)])
def test_the_ends_of_the_window_leave_no_jump(change, steepest) -> None:
    """A shift by a constant: neighbouring levels stay neighbours; a jump of `change` would be 90 or 360 HU."""
    levels = torch.arange(-1024.0, 3072.0, 0.25)[None, None]
    output = WindowHounsfield("bone")(levels) + change
    restored = RestoreHounsfield("bone")(output.clamp(-1, 1), levels)
    assert (restored - levels).max() == pytest.approx(900 * change, abs=1)
    assert (restored.diff() / levels.diff()).abs().max() < steepest


def test_values_beyond_the_range_of_the_network_are_clipped() -> None:
    restored = RestoreHounsfield("bone")(torch.tensor([[[-7.0, 9.0]]]), torch.tensor([[[0.0, 0.0]]]))
    assert restored.tolist() == [[[-500.0, 1300.0]]]


def test_sources_stay_as_they_are_and_layouts_are_kept() -> None:
    source = LEVELS.reshape(1, 8, 6, 127).permute(0, 3, 2, 1)
    before = source.clone()
    windowed = WindowHounsfield("lung")(source)
    restored = RestoreHounsfield("lung")(windowed, source)
    assert torch.equal(source, before)
    assert windowed.stride() == restored.stride() == source.stride()
    assert torch.equal(restored.round(), source)


def test_other_units_are_named_with_the_file() -> None:
    for values, reason in [([[[0.0, 255.0]]], "8 bits"), ([[[0.0, 0.5]]], "network"), ([[[0.0, 3000.0]]], "Rescale")]:
        with pytest.raises(ImageFileError, match=rf"scan\.nii: .*{reason}.*expected Hounsfield"):
            WindowHounsfield("bone")(volume(values))
        WindowHounsfield("bone", check_unit=False)(volume(values))


def test_wrong_arguments() -> None:
    for make in (WindowHounsfield, RestoreHounsfield):
        with pytest.raises(InputError, match="'teeth'; expected bone"):
            make("teeth")
    for blend in (0, -1, float("nan")):
        with pytest.raises(InputError, match=r"blend is .*positive"):
            RestoreHounsfield("bone", blend)
    with pytest.raises(InputError, match=r"\(1, 2, 2\) and its source \(1, 2, 3\)"):
        RestoreHounsfield("bone")(torch.zeros(1, 2, 2), torch.zeros(1, 2, 3))
    with pytest.raises(InputError, match="source_keys"):
        WindowHounsfieldd(("a", "b"), "bone", source_keys="hounsfield")


def test_dictionaries() -> None:
    item = {"image": volume(LEVELS), "other": 1}
    windowed = WindowHounsfieldd("image", "bone", source_keys="hounsfield")(item)
    assert windowed["hounsfield"] is item["image"]
    assert torch.equal(windowed["image"], WindowHounsfield("bone")(item["image"]))
    windowed["pred"] = torch.as_tensor(windowed["image"]).as_subclass(torch.Tensor)
    restored = RestoreHounsfieldd("pred", "bone")(windowed)
    assert torch.equal(restored["pred"].as_tensor().round(), LEVELS)
    assert restored["pred"].meta["filename_or_obj"] == "scan.nii"
    assert set(item) == {"image", "other"}
    assert "hounsfield" not in WindowHounsfieldd("image", "bone")(item)
    assert WindowHounsfieldd("none", "bone", allow_missing_keys=True)(item) == item
    assert WindowHounsfieldD is WindowHounsfieldDict is WindowHounsfieldd
    assert RestoreHounsfieldD is RestoreHounsfieldDict is RestoreHounsfieldd
