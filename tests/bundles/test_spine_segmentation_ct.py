"""The bundle's commands: one as a process of its own from the repository root, the others as workflows."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import pytest
import torch
from ignite.engine import Events
from monai.bundle import ConfigParser, ConfigWorkflow
from nibabel.affines import apply_affine
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from monai_harmonize.data.vertebra_numbers import VERTEBRAE
from monai_harmonize.engines import RandStyleTransferd
from monai_harmonize.engines.plain_errors import input_error_in
from monai_harmonize.engines.weights import save_weights
from monai_harmonize.networks import StyleTransferNet
from monai_harmonize.phantoms import ensure_spine_dataset
from monai_harmonize.transforms import LoadLabelMap, LoadRadiograph, RandToneCurved, number_by_nearest

CONFIGS = "bundles/spine_segmentation_ct/configs"
EDGE = 6.0
GRID = {"spacing": [EDGE] * 3, "patch_size": [40, 40]}
SMALL = {**GRID, "network_def#channels": [8, 16, 32], "network_def#strides": [2, 2]}
TRAINING = {"batch_size": 4, "patches_per_volume": 8, "learning_rate": 0.01}
SITES = ("exported", "reference")


def workflow(*names: str, **options: Any) -> ConfigWorkflow:
    """The command line, in this process."""
    given = {**SMALL, **({} if "inference" in names else TRAINING), **options}
    ready = ConfigWorkflow([f"{CONFIGS}/{name}.json" for name in names], logging_file=False, **given)
    ready.initialize()
    return ready


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("spine") / "data"
    counts = {"train": 2, "validation": 1, "test": 2}
    options = {"sites": SITES, "shape": (40, 40, 12), "spacing": (EDGE,) * 3, "workers": 1, "progress": False}
    ensure_spine_dataset(folder, anatomies_per_site=counts, **options)
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, data: Path) -> Path:
    """Bundle root with a short training behind it, by the literal command."""
    root = tmp_path_factory.mktemp("bundle")
    options = {"bundle_root": root, "dataset_dir": data, "epochs": 30, **SMALL, **TRAINING}
    given = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", f"{CONFIGS}/train.json", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return root


def evaluate(bundle: Path, data: Path, output: Path, **options: Any) -> pd.DataFrame:
    places = {"bundle_root": str(bundle), "dataset_dir": str(data), "output_dir": str(output)}
    workflow("train", "evaluate", **places, **options).run()
    return pd.read_csv(output / "images.csv").set_index("image")


def segment(bundle: Path, output: Path, **options: Any) -> None:
    workflow("inference", bundle_root=str(bundle), output_dir=str(output), **options).run()


def test_training_writes_a_flat_model_and_a_resume_state(bundle: Path) -> None:
    state = torch.load(bundle / "models" / "model.pt", weights_only=True)
    assert any(name.endswith("running_mean") for name in state)
    resume = torch.load(bundle / "models" / "resume.pt", weights_only=True)
    assert resume["trainer"]["epoch"] == 30
    assert 0.2 < resume["shared"]["best_model"]["best"] <= 1


def test_masks_agree_with_the_scores(bundle: Path, data: Path, tmp_path: Path) -> None:
    """Scores of the tables, computed anew from the written masks and the label maps of the phantoms."""
    segment(bundle, tmp_path / "masks", dataset_dir=str(data))
    table = evaluate(bundle, data, tmp_path / "scores")
    assert len(table) == 2
    of_labels = pd.read_csv(tmp_path / "scores" / "labels.csv").set_index(["image", "label"])["vertebra_dice"]
    for name, row in table.iterrows():
        source, written = nibabel.load(data / name), nibabel.load(tmp_path / "masks" / name)
        np.testing.assert_allclose(written.affine, source.affine)
        mask = np.asarray(written.dataobj) > 0
        labels = np.asarray(nibabel.load(data / name.replace(".nii.gz", "_mask.nii.gz")).dataobj)
        spine = labels > 0
        both, either = (mask & spine).sum(), (mask | spine).sum()
        assert both
        outside = (~mask & ~spine).sum() / (~mask | ~spine).sum()
        assert row["pixel_accuracy"] == pytest.approx((mask == spine).mean(), abs=1e-4)
        assert row["mean_iou"] == pytest.approx((both / either + outside) / 2, abs=1e-4)
        assert row["dice"] == pytest.approx(2 * both / (mask.sum() + spine.sum()), abs=1e-4)
        assert row["hausdorff95"] >= EDGE
        numbered = number_by_nearest(mask, labels, (EDGE,) * 3)
        for number in np.unique(labels[spine]):
            own, true = numbered == number, labels == number
            expected = 2 * (own & true).sum() / (own.sum() + true.sum())
            assert of_labels[name, VERTEBRAE[number - 1]] == pytest.approx(expected, abs=1e-4)
        assert len(of_labels[name].dropna()) == len(np.unique(labels[spine]))


def test_harmonized_twins_are_scored_on_the_same_labels(bundle: Path, data: Path, tmp_path: Path) -> None:
    for name in ("test/exported", "same/test/exported", "dark/test/exported"):
        (tmp_path / name).mkdir(parents=True)
    for path in (data / "test" / "exported").glob("*[0-9].nii.gz"):
        image = nibabel.load(path)
        for kind, add in (("same", 0), ("dark", -600)):
            values = (np.asarray(image.dataobj) + add).astype(np.int16)
            nibabel.save(nibabel.Nifti1Image(values, image.affine), tmp_path / kind / "test" / "exported" / path.name)
    raw = evaluate(bundle, data, tmp_path / "raw", site="exported")
    same = evaluate(bundle, data, tmp_path / "a", site="exported", harmonized=str(tmp_path / "same"))
    dark = evaluate(bundle, data, tmp_path / "b", site="exported", harmonized=str(tmp_path / "dark"))
    pd.testing.assert_frame_equal(raw, same)
    assert (raw["dice"] != dark["dice"]).all()


@pytest.fixture
def threshold(tmp_path: Path) -> Path:
    """Bundle root whose network is the identity: its mask is what lies in the upper half of the window."""
    save_weights(torch.nn.Identity(), tmp_path / "threshold" / "models" / "model.pt")
    return tmp_path / "threshold"


def bones(folder: Path, threshold: Path, source: Path) -> nibabel.Nifti1Image:
    files = [f"{CONFIGS}/inference.json"]
    options = {**GRID, "input": str(source), "output_dir": str(folder), "bundle_root": str(threshold)}
    ready = ConfigWorkflow(files, logging_file=False, window=[0, 401], **options)
    ready.parser["network_def"] = {"_target_": "torch.nn.Identity"}
    ready.initialize()
    ready.run()
    (written,) = folder.rglob("*.nii.gz")
    return nibabel.load(written)


@pytest.mark.parametrize("axes", ["RAS", "PIR", "LPS"])
def test_the_order_of_axes_changes_nothing(threshold: Path, data: Path, tmp_path: Path, axes: str) -> None:
    image = nibabel.load(min((data / "test" / "reference").glob("*[0-9].nii.gz")))
    turned = image.as_reoriented(ornt_transform(io_orientation(image.affine), axcodes2ornt(axes)))
    nibabel.save(turned, tmp_path / "turned.nii.gz")
    mask = bones(tmp_path / "out", threshold, tmp_path / "turned.nii.gz")
    np.testing.assert_array_equal(mask.dataobj, np.asarray(turned.dataobj) > 200)
    np.testing.assert_allclose(mask.affine, turned.affine)


def test_other_spacings_come_back_to_their_own_voxels(threshold: Path, data: Path, tmp_path: Path) -> None:
    """A ball, on a grid of which the network's is no multiple, moves by less than a tenth of a voxel."""
    affine = np.array([[0, -2.5, 0, 30], [1.7, 0, 0, -20], [0, 0, 4, 5], [0, 0, 0, 1.0]])
    places = np.stack(np.meshgrid(*map(np.arange, (50, 40, 25)), indexing="ij"), -1)
    centre = apply_affine(affine, [26.3, 19.1, 12.4])
    ball = 30 - np.linalg.norm(apply_affine(affine, places) - centre, axis=-1)
    nibabel.save(nibabel.Nifti1Image((20 * ball + 200).astype(np.int16), affine), tmp_path / "ball.nii.gz")
    mask = bones(tmp_path / "out", threshold, tmp_path / "ball.nii.gz")
    np.testing.assert_allclose(mask.affine, affine)
    inside = np.asarray(mask.dataobj) > 0
    assert np.linalg.norm(apply_affine(affine, np.argwhere(inside)).mean(0) - centre) < 0.25
    assert inside.sum() * 1.7 * 2.5 * 4 == pytest.approx(4 / 3 * np.pi * 30**3, rel=0.05)


def test_a_dicom_series_gets_a_nifti_mask(bundle: Path, tmp_path: Path) -> None:
    options = {"sites": SITES[1:], "shape": (40, 40, 12), "spacing": (EDGE,) * 3, "workers": 1}
    manifest = ensure_spine_dataset(
        tmp_path / "data", anatomies_per_site={"test": 1}, file_format="dicom", progress=False, **options
    )
    (series,) = (path for path in (manifest.parent / "test" / "reference").iterdir() if path.is_dir())
    segment(bundle, tmp_path / "out", input=str(series))
    (written,) = (tmp_path / "out").rglob("*.nii.gz")
    mask = nibabel.load(written)
    image = LoadRadiograph()(series)
    assert mask.shape == tuple(image.shape[1:])
    np.testing.assert_allclose(mask.affine, image.affine.numpy(), atol=1e-4)
    table = evaluate(bundle, tmp_path / "data", tmp_path / "scores")
    labels = LoadLabelMap()(next((manifest.parent / "test" / "reference").glob("*_mask.nii.gz")), image)[0].numpy() > 0
    inside = np.asarray(mask.dataobj) > 0
    expected = 2 * (inside & labels).sum() / (inside.sum() + labels.sum())
    assert table["dice"].tolist() == pytest.approx([expected], abs=1e-4)


def test_volumes_have_a_network_of_their_own(data: Path, tmp_path: Path) -> None:
    options = {"bundle_root": str(tmp_path), "patch_size": [16, 16, 8]}
    trained = workflow("train", "unet_3d", dataset_dir=str(data), epochs=1, batch_size=2, **options)
    shapes = []
    trainer = trained.parser.get_parsed_content("train#trainer")
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED, lambda engine: shapes.append(tuple(engine.state.output["image"].shape))
    )
    trained.run()
    assert set(shapes) == {(2, 1, 16, 16, 8)}
    workflow("inference", "unet_3d", dataset_dir=str(data), output_dir=str(tmp_path / "out"), **options).run()
    assert len(list((tmp_path / "out").rglob("*.nii.gz"))) == 2
    with pytest.raises(RuntimeError) as error:
        workflow("inference", bundle_root=str(tmp_path), output_dir=str(tmp_path / "out"))
    assert "trained with spatial_dims 3, not 2" in str(input_error_in(error.value))


@pytest.fixture(scope="module")
def style(tmp_path_factory) -> Path:
    network = StyleTransferNet(layers=("relu1_1", "relu2_1"))
    network.store_styles([torch.rand(2, 1, 24, 24)])
    return save_weights(network, tmp_path_factory.mktemp("style") / "model.pt")


def test_looks_are_drawn_between_the_crop_and_the_light_changes(data: Path, style: Path, tmp_path: Path) -> None:
    places = {"dataset_dir": str(data), "ckpt_dir": str(tmp_path), "output_dir": str(tmp_path / "eval")}
    for overlay, options, kind in (
        ("style_augmented", {"style_checkpoint": str(style), "style_prob": 1.0}, RandStyleTransferd),
        ("tone_curve_augmented", {"tone_curve_prob": 1.0}, RandToneCurved),
    ):
        ready = workflow("train", overlay, epochs=1, **places, **options, seed=1)
        steps = ready.parser.get_parsed_content("train#preprocessing").transforms
        names = [type(step).__name__ for step in steps]
        assert names.index("SqueezeDimd") < names.index(kind.__name__) < names.index("RandAffined")
        (step,) = (step for step in steps if isinstance(step, kind))
        item = {"image": torch.rand(1, 24, 24), "label": torch.ones(1, 24, 24)}
        drawn = step(item)
        assert not torch.equal(drawn["image"], item["image"])
        assert drawn["label"] is item["label"]
        ready.run()
        for file in tmp_path.glob("*.pt"):
            file.unlink()


def test_a_style_of_another_window_is_refused_and_one_number_will_do(data: Path, style: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(style, tmp_path / "model.pt"))
    copy.with_suffix(".json").write_text(json.dumps({"num_styles": 1, "window": [-500.0, 1300.0]}))
    options = {"dataset_dir": str(data), "style_checkpoint": str(copy), "style_numbers": 0, "style_strength": 0.7}
    parser = workflow("train", "style_augmented", **options).parser
    steps, noted = (parser.get_parsed_content(f"train#{name}") for name in ("look_transforms", "fingerprint"))
    assert (noted["style_numbers"], noted["style_strength"]) == ([0], [0.7, 0.7])
    assert (steps[0].style.styles, steps[0].style.strength) == ((0,), (0.7, 0.7))
    with pytest.raises(RuntimeError) as error:
        workflow("train", "style_augmented", **options, window="lung").parser.get_parsed_content("train#dataset")
    message = "was trained with window [-500.0, 1300.0], and the images are shown through [-1350.0, 150.0]"
    assert message in str(input_error_in(error.value))


@pytest.mark.slow
@pytest.mark.parametrize("axes", [2, 3])
def test_files_of_one_slice(data: Path, tmp_path: Path, axes: int) -> None:
    """``(W, H)`` and ``(W, H, 1)``, from the training to the mask and its scores."""
    shutil.copytree(data, tmp_path / "data")
    for path in (tmp_path / "data").rglob("*.nii.gz"):
        image = nibabel.load(path).slicer[:, :36, 5:6]
        values = np.asarray(image.dataobj)
        nibabel.save(nibabel.Nifti1Image(values if axes == 3 else values[..., 0], image.affine), path)
    places = {"dataset_dir": str(tmp_path / "data"), "bundle_root": str(tmp_path)}
    workflow("train", epochs=20, **places).run()
    segment(tmp_path, tmp_path / "masks", dataset_dir=str(tmp_path / "data"))
    table = evaluate(tmp_path, tmp_path / "data", tmp_path / "scores")
    assert len(table) == 2
    for name, row in table.iterrows():
        source, mask = (nibabel.load(folder / name) for folder in (tmp_path / "data", tmp_path / "masks"))
        assert mask.shape == source.shape == (40, 36, 1)[:axes]
        np.testing.assert_allclose(mask.affine, source.affine)
        spine = np.asarray(nibabel.load(tmp_path / "data" / name.replace(".nii.gz", "_mask.nii.gz")).dataobj) > 0
        inside = np.asarray(mask.dataobj) > 0
        assert row["dice"] == pytest.approx(2 * (inside & spine).sum() / (inside.sum() + spine.sum()), abs=1e-4)
    assert table["dice"].max() > 0


def test_processes_share_the_work(data: Path, tmp_path: Path, monkeypatch) -> None:
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    parser = ConfigParser()
    parser.read_config([f"{CONFIGS}/{name}.json" for name in ("train", "multi_gpu_train")])
    parser.update({**SMALL, **TRAINING, "dataset_dir": str(data), "bundle_root": str(tmp_path)})
    sampler = parser.get_parsed_content("train#sampler")
    assert (sampler.rank, sampler.num_replicas) == (1, 2)
    assert len(sampler) == len(parser.get_parsed_content("train#dataset")) / 2


def test_a_stopped_training_ends_with_the_same_bits(data: Path, tmp_path: Path) -> None:
    """The second training is stopped after the first of three epochs and started again."""

    def train(name: str, stop: bool = False) -> dict[str, Any]:
        options = {"bundle_root": str(tmp_path / name), "dataset_dir": str(data), "epochs": 3}
        ready = workflow("train", "tone_curve_augmented", **options)
        if stop:
            trainer = ready.parser.get_parsed_content("train#trainer")
            trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: engine.terminate())
        ready.run()
        return torch.load(tmp_path / name / "models" / "resume.pt", weights_only=True)

    whole = train("whole")
    train("parts", stop=True)
    resumed = train("parts")
    for name, value in whole["shared"]["network"].items():
        assert torch.equal(value, resumed["shared"]["network"][name]), name


def test_a_stopped_training_goes_on_with_the_same_augmentation_only(data: Path, style: Path, tmp_path: Path) -> None:
    def train(overlay: str, options: dict[str, Any], stop: bool = False) -> None:
        places = {"bundle_root": str(tmp_path / overlay), "dataset_dir": str(data)}
        ready = workflow("train", overlay, epochs=2, cache_rate=0.0, **places, **options)
        if stop:
            trainer = ready.parser.get_parsed_content("train#trainer")
            trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: engine.terminate())
        ready.run()

    weights = torch.load(style, weights_only=True)
    for folder, brighter in (("same", 0.0), ("other", 0.1)):
        (tmp_path / folder).mkdir()
        changed = {**weights, "style_means": weights["style_means"] + brighter}
        torch.save(changed, tmp_path / folder / "model.pt")
    styled = {"style_checkpoint": str(style), "style_prob": 0.25}
    for overlay, first, changes in (
        (
            "style_augmented",
            styled,
            [
                ({"style_checkpoint": str(tmp_path / "other" / "model.pt")}, r"has style_weights \w{16}, now \w{16}\."),
                ({"style_prob": 0.5}, r"has style_prob 0\.25, now 0\.5\."),
                ({"style_strength": [0.0, 1.0]}, r"has style_strength \[0\.5, 1\.0\], now \[0\.0, 1\.0\]"),
                ({"style_numbers": [0]}, r"has style_numbers None, now \[0\]"),
                ({"numbering": {"1": 20, "20": 21}}, "has numbering verse, now {'1': 20, '20': 21}"),
                ({"mask_columns": ["mask"]}, r"has mask_columns \['vertebra_mask', 'mask'\], now \['mask'\]"),
            ],
        ),
        ("tone_curve_augmented", {}, [({"tone_curve_prob": 0.25}, r"has tone_curve_prob 0\.5, now 0\.25\.")]),
    ):
        train(overlay, first, stop=True)
        for change, message in changes:
            with pytest.raises(Exception, match=r"resume\.pt|Failed") as raised:
                train(overlay, {**first, **change})
            assert re.search(message, str(input_error_in(raised.value))), message
    train("style_augmented", {**styled, "style_checkpoint": str(tmp_path / "same")})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask_columns": ["liver_mask"]}, "none of 2 selected images has a mask; fill the column liver_mask"),
        ({"ckpt_dir": "absent"}, "there are no trained weights"),
        ({"numbering": "nnunet"}, "expected one of ['totalsegmentator', 'verse'], or a mapping"),
        ({"window": "brain"}, "brain"),
        ({"spacing": [5.0, 5.0, 5.0]}, "was trained with spacing [6.0, 6.0, 6.0], not [5.0, 5.0, 5.0]"),
        ({"site": "elsewhere"}, "no site 'elsewhere'"),
    ],
)
def test_wrong_options_are_one_clear_message(
    bundle: Path, data: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - MONAI wraps what a configuration raises
        evaluate(bundle, data, tmp_path, **options)
    assert message in str(input_error_in(raised.value))


def test_bad_volumes_do_not_stop_the_good_ones(bundle: Path, data: Path, tmp_path: Path, caplog) -> None:
    folder, affine = tmp_path / "in", np.diag([EDGE, EDGE, EDGE, 1])
    folder.mkdir()
    source = min((data / "test" / "reference").glob("*[0-9].nii.gz"))
    (folder / "good.nii.gz").write_bytes(source.read_bytes())
    values = np.asarray(nibabel.load(source).dataobj).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(np.stack([values] * 2, -1), affine), folder / "four.nii.gz")
    values[3, 4, 5] = np.nan
    nibabel.save(nibabel.Nifti1Image(values, affine), folder / "nan.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.full((40, 40, 12), 9000, np.int16), affine), folder / "unit.nii.gz")
    ready = workflow("inference", bundle_root=str(bundle), input=str(folder), output_dir=str(tmp_path / "out"))
    with caplog.at_level("INFO"):
        ready.run()
    assert "3 of 4 files failed" in caplog.text
    for name, message in (("four", "its shape is (40, 40, 12, 2)"), ("nan", "NaN"), ("unit", "9000")):
        assert any(f"{name}.nii.gz: " in line and message in line for line in caplog.text.splitlines()), name
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.nii.gz"]


@pytest.mark.real_data
@pytest.mark.long
def test_a_network_learns_a_real_volume(real_data: Path, tmp_path: Path) -> None:
    """Trained and scored on one lumbar CT of sagittal slices: what the pipeline holds, not how it generalizes."""
    manifest = tmp_path / "manifest.csv"
    row = "ct/verse014_ct.nii.gz,verse,verse014,train,ct/verse014_seg-vert.nii.gz"
    manifest.write_text(f"file,site,patient,split,mask\n{row}\n")
    places = {"manifest": str(manifest), "dataset_dir": str(real_data), "bundle_root": str(tmp_path)}
    options = {
        "site": "verse", "spacing": [2.0, 1.0, 1.0], "patch_size": [48, 192], "patches_per_volume": 64, "batch_size": 8,
        "epochs": 40, "val_interval": 20, "learning_rate": 0.004, "train#random_transforms": [],
        "network_def#channels": [16, 32, 64, 128], "network_def#strides": [2, 2, 2],
    }  # fmt: skip
    workflow("train", **places, **options, **{"validate#data": "$@train#data[:1]"}).run()
    workflow("train", "evaluate", **places, **options, split="train").run()
    assert pd.read_csv(tmp_path / "eval" / "images.csv")["dice"].item() > 0.95
    options = {key: options[key] for key in ("spacing", "patch_size", "network_def#channels", "network_def#strides")}
    sources = [real_data / "ct" / name for name in ("verse014_ct.nii.gz", "totalseg_dicom_siemens")]
    segment(tmp_path, tmp_path / "out", input=[str(source) for source in sources], **options)
    for source in sources:
        image = LoadRadiograph()(source)
        (written,) = (tmp_path / "out").rglob(f"{source.name.removesuffix('.nii.gz')}.nii.gz")
        assert nibabel.load(written).shape == tuple(image.shape[1:])
        np.testing.assert_allclose(nibabel.load(written).affine, image.affine.numpy(), atol=1e-4)
