"""Windows by name, and volumes that are not in HU."""

import pytest
import torch

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.hounsfield import HOUNSFIELD_WINDOWS, check_hounsfield, hounsfield_range


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("bone", (-500, 1300)),
        ("soft_tissue", (-150, 250)),
        ("lung", (-1350, 150)),
        ("wide", (-1024, 3071)),
        ([-200, 1000.5], (-200, 1000.5)),
    ],
)
def test_ranges(window, expected) -> None:
    assert hounsfield_range(window) == expected


@pytest.mark.parametrize(
    ("window", "reason"),
    [
        ("bones", "'bones'; expected bone, soft_tissue, lung, wide, or the lowest and highest HU"),
        ((300, 300), r"\(300, 300\) HU; expected lowest < highest"),
        ((400, -100), r"\(400, -100\) HU.*level and a width"),
        ((0, float("inf")), "inf"),
        ((float("nan"), 0), "nan"),
        ((-1e308, 1e308), r"\(-1e\+308, 1e\+308\) HU; .* within 1e\+06"),
        ((float("nan"), 1), "nan"),
        ((1, 2, 3), r"\(1, 2, 3\); expected a name"),
        (("low", "high"), "expected a name"),
        (None, "expected a name"),
    ],
)
def test_no_windows(window, reason) -> None:
    with pytest.raises(InputError, match=reason):
        hounsfield_range(window)


def test_every_window_shows_water() -> None:
    for name in HOUNSFIELD_WINDOWS:
        low, high = hounsfield_range(name)
        assert low < 0 < high


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([0.0, 1.0], r"lie in \[0, 1\], as of an image scaled for a network; expected Hounsfield units"),
        ([-1.0, 0.5], "scaled for a network"),
        ([0.0, 255.0], "as of an image of 8 bits"),
        ([24.0, 4095.0], r"stored values without Rescale Slope and Intercept \(0028,1053 and 1052\)"),
        ([-1000.0, float("nan")], "NaN or infinite"),
        ([float("-inf"), 0.0], "NaN or infinite"),
    ],
)
def test_other_units_are_named(values, reason) -> None:
    with pytest.raises(ImageFileError, match=reason) as caught:
        check_hounsfield(torch.tensor(values), "scan.nii")
    assert str(caught.value).startswith("scan.nii: ")


@pytest.mark.parametrize("values", [[-1000.0, 3000.0], [-50.0, 60.0], [-3024.0, -1000.0], [-1.0, 2.0]])
def test_hounsfield_units_pass(values) -> None:
    check_hounsfield(torch.tensor(values))
