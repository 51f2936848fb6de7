"""Trainings of a bundle on labelled images: finished ones replace weights, others never."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from monai.engines import SupervisedTrainer

from monai_harmonize.data import InputError
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.engines.plain_errors import input_error_in
from monai_harmonize.engines.weights import trained_settings
from monai_harmonize.label_app.bundle_training import TrainOptions, train_bundle
from monai_harmonize.label_app.image_looks import LOOK, load_look
from monai_harmonize.label_app.label_kinds import OTHER_IMAGE, OTHER_LABEL
from monai_harmonize.label_app.publication import ATTEMPT, STATS
from monai_harmonize.label_app.train_records import Labelled

MASK = "*_mask.nii.gz"


@pytest.fixture
def bundle(bundles: Path, tmp_path: Path) -> Bundle:
    """The segmentation, small enough for seconds."""
    shutil.copytree(bundles / "spine_segmentation_ct", tmp_path / "spine_segmentation_ct")
    small = Bundle(tmp_path / "spine_segmentation_ct")
    for name in ("train", "inference"):
        path = small.config(name)
        content = json.loads(path.read_text())
        content |= {"spacing": [6.0] * 3, "patch_size": [32, 32]}
        content["network_def"] |= {"channels": [4, 8], "strides": [2]}
        content |= {"patches_per_volume": 2} if name == "train" else {}
        path.write_text(json.dumps(content))
    small.weights.unlink()
    return small


@pytest.fixture
def labelled(spine_data: Path) -> list[Labelled]:
    masks = sorted(spine_data.glob(f"train/*/{MASK}"))
    return [Labelled(mask.with_name(mask.name.replace("_mask", "")), mask) for mask in masks]


def content(bundle: Bundle) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(bundle.weights.parent.glob("[!.]*")) if path.is_file()}


@pytest.mark.slow
def test_a_training_leaves_weights_settings_look_and_numbers(
    bundle: Bundle, labelled: list[Labelled], radiographs: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "class.json").write_text('{"label": 1}')
    others = [Labelled(radiographs[0], labelled[0].label), Labelled(labelled[0].image, tmp_path / "class.json")]
    stats = train_bundle(bundle, [*labelled, *others], TrainOptions(max_epochs=2))
    assert stats["left_out"] == {OTHER_IMAGE: 1, OTHER_LABEL: 1}
    assert sorted(content(bundle)) == [LOOK, "model.json", "model.pt", STATS]
    assert not (bundle.weights.parent / ATTEMPT).exists()
    assert trained_settings(bundle.weights)["spacing"] == [6.0] * 3
    assert load_look(bundle.weights.with_name(LOOK)).sum() == pytest.approx(1, abs=1e-4)
    assert stats == json.loads((bundle.weights.parent / STATS).read_text())
    assert (stats["epoch"], stats["images"], stats["metric"]) == (2, 4, "mean_dice")
    # Served weights are the first candidate: going on never ends with a lower score.
    before = torch.load(bundle.weights, weights_only=True)
    again = train_bundle(bundle, labelled, TrainOptions(max_epochs=1))
    assert again["best_metric"] >= stats["best_metric"]
    # Anew: other weights, of the same seed those of the first training's first epoch.
    train_bundle(bundle, labelled, TrainOptions(max_epochs=1, pretrained=False))
    after = torch.load(bundle.weights, weights_only=True)
    assert any(not torch.equal(after[name], value) for name, value in before.items())


@pytest.mark.slow
def test_a_failed_training_leaves_the_weights_alone(
    bundle: Bundle, labelled: list[Labelled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_bundle(bundle, labelled, TrainOptions(max_epochs=1))
    before = content(bundle)
    broken = tmp_path / "broken_mask.nii.gz"
    broken.write_bytes(labelled[0].label.read_bytes()[:60])
    with pytest.raises(RuntimeError) as raised:
        train_bundle(bundle, [*labelled[1:], Labelled(labelled[0].image, broken)], TrainOptions(max_epochs=1))
    assert "broken_mask.nii.gz" in str(input_error_in(raised.value))
    assert content(bundle) == before
    # After the best epoch has been saved, but before the end.
    monkeypatch.setattr(SupervisedTrainer, "run", interrupted(SupervisedTrainer.run))
    with pytest.raises(RuntimeError, match="run"):
        train_bundle(bundle, labelled, TrainOptions(max_epochs=1))
    assert (bundle.weights.parent / ATTEMPT / "model.pt").is_file()
    assert content(bundle) == before


def interrupted(plain: Callable[..., None]) -> Callable[..., None]:
    """A training that ends with an error of the machine when all its epochs are done."""

    def run(*arguments, **options) -> None:
        plain(*arguments, **options)
        raise MemoryError

    return run


@pytest.mark.parametrize("number", [0, -1, 2.5, True])
@pytest.mark.parametrize("name", ["max_epochs", "batch_size"])
def test_numbers_out_of_range(name: str, number: float) -> None:
    with pytest.raises(InputError, match="expected a whole number of at least 1"):
        TrainOptions(**{"max_epochs": 1, name: number})
