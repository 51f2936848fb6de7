"""Which bundles a server finds."""

import json
import logging
from pathlib import Path

import pytest

from monai_harmonize.data import InputError
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.label_app.served_bundles import Kind, kind_of, modality_of, served_bundles


def test_kinds_come_from_the_metadata() -> None:
    found = served_bundles({})
    all_bundles = {
        path.parents[1].name: json.loads(path.read_text()) for path in Path("bundles").glob("*/configs/metadata.json")
    }
    # Those that draw images from nothing have no image to work on, and one fills in an image from several.
    images = {name: content["network_data_format"]["inputs"]["image"] for name, content in all_bundles.items()}
    several = {name for name, image in images.items() if image["format"] != "latent" and image["num_channels"] > 1}
    assert several == {"collagan_cxr"}
    assert list(found) == sorted(
        name for name, image in images.items() if image["format"] != "latent" and name not in several
    )
    assert kind_of(Bundle(Path("bundles/collagan_cxr"))) is None
    kinds = {name: kind_of(bundle) for name, bundle in found.items()}
    assert {name for name, kind in kinds.items() if kind is Kind.segmentation} == {
        "lung_segmentation_cxr",
        "spine_segmentation_ct",
    }
    assert {name for name, kind in kinds.items() if kind is Kind.classification} == {"tb_classification_cxr"}
    assert None not in kinds.values()
    assert modality_of(found["adain_ct"]) == "CT"
    assert modality_of(found["unit_cxr"]) == "CR"


def test_untrained_bundles_are_told_and_stay(bundles: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = served_bundles({"bundles": str(bundles), "models": "unit_cxr, tone_curve_cxr"})
    assert list(found) == ["unit_cxr", "tone_curve_cxr"]
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("unit_cxr has no weights")
    assert str(bundles / "unit_cxr" / "models" / "model.pt") in told


def test_the_folder_of_the_checkout_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Path("bundles").resolve()
    monkeypatch.chdir(tmp_path)
    assert served_bundles({})["unit_cxr"].root == here / "unit_cxr"


def test_other_bundles_are_left_out(bundles: Path, tmp_path: Path) -> None:
    for name, output in (("a", "labels"), ("b", "segmentation")):
        configs = tmp_path / name / "configs"
        configs.mkdir(parents=True)
        tensor = {"pred": {"format": output}}
        content = {"network_data_format": {"inputs": {}, "outputs": tensor}}
        (configs / "metadata.json").write_text(json.dumps(content))
        (configs / "inference.json").write_text("{}")
    with pytest.raises(InputError, match="there is no bundle that can be served"):
        served_bundles({"bundles": str(tmp_path)})


@pytest.mark.parametrize(
    ("conf", "message"),
    [({"models": "unit_cxr,nothing"}, "there is no bundle nothing"), ({"bundles": "nowhere"}, "no such folder")],
)
def test_wrong_names_are_told(conf: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        served_bundles(conf)
