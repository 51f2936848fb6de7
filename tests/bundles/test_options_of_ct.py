"""Options of the CT bundles that are refused before an image is read."""

import pytest

from monai_harmonize.engines.bundle import find_bundle
from monai_harmonize.engines.plain_errors import input_error_in


def refusal(bundle: str, kind: str, options: dict) -> str:
    """What a bundle says to options, of images that are not there."""
    overlays = [kind] if kind == "evaluate" else []
    first = "inference" if kind == "inference" else "train"
    with pytest.raises(RuntimeError) as error:
        find_bundle(bundle).workflow(first, overlays, options).initialize()
    return str(input_error_in(error.value))


@pytest.mark.parametrize("spacing", [[0, 5, 8], [5, 5], [-5, 5, 8], 5, "abc"])
@pytest.mark.parametrize(
    ("bundle", "kind"),
    [
        ("adain_ct", "train"),
        ("adain_ct", "evaluate"),
        ("spine_segmentation_ct", "train"),
        ("spine_segmentation_ct", "evaluate"),
        ("spine_segmentation_ct", "inference"),
    ],
)
def test_a_wrong_spacing(tmp_path, bundle: str, kind: str, spacing: object) -> None:
    told = refusal(bundle, kind, {"spacing": spacing, "dataset_dir": str(tmp_path / "none")})
    expected = "null or three" if bundle == "adain_ct" else "three"
    assert told.startswith(f"spacing is {spacing!r}; expected {expected} numbers above 0")


@pytest.mark.parametrize(
    ("bundle", "kind", "options", "message"),
    [
        ("adain_ct", "inference", {"style": "sharp"}, "style is 'sharp'; expected a whole number"),
        ("adain_ct", "inference", {"layers": "relu2_1"}, "layers is 'relu2_1'; expected a list"),
        ("adain_ct", "inference", {"alpha": "half"}, "alpha is 'half'; expected a number"),
    ],
)
def test_another_kind_of_value(bundle: str, kind: str, options: dict, message: str) -> None:
    assert refusal(bundle, kind, options).startswith(message)
