"""The watch of the bundles that train against or with other networks: what it is told, and how it is left out."""

import json
from pathlib import Path

import pytest
from monai.bundle import ConfigParser

from monai_harmonize.engines import TrainingWatch

BUNDLES = {
    "cyclegan_cxr": {"fake_a", "fake_b", "image_a", "image_b"},
    "unit_cxr": {"fake_a", "fake_b", "image_a", "image_b"},
    "mgan_cxr": {"fake_b", "image_a", "image_b"},
    "adain_ct": {"stylized", "image_a", "image_b"},
}


def watch_of(bundle: str, **options: object) -> TrainingWatch | None:
    """Handler as a bundle makes it."""
    parser = ConfigParser()
    parser.read_config(f"bundles/{bundle}/configs/train.json")
    parser.update(options)
    (place,) = (i for i, one in enumerate(parser["train"]["handlers"]) if one["_target_"].endswith("TrainingWatch"))
    return parser.get_parsed_content(f"train#handlers#{place}")


@pytest.mark.parametrize("bundle", BUNDLES)
def test_a_watch_looks_at_images_and_losses_of_its_objective(bundle: str, tmp_path: Path) -> None:
    watch = watch_of(bundle, ckpt_dir=str(tmp_path), output_dir=str(tmp_path))
    assert {key for keys in watch.pictures.outputs.values() for key in keys.values()} == BUNDLES[bundle]
    weights = json.loads(Path(f"bundles/{bundle}/configs/train.json").read_text())["loss_weights"]
    assert watch.history.falling.keys() | set(watch.real) <= weights.keys()
    assert set(watch.real) == {name for name in weights if name.startswith("discriminator")}
    assert watch.record.path == tmp_path / "watch.json"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bundle", BUNDLES)
@pytest.mark.parametrize("nothing", [None, "$None"])
def test_null_leaves_the_watch_out(bundle: str, nothing: str | None) -> None:
    assert watch_of(bundle, watch=nothing) is None
