"""The bundle's commands: one as a process of its own from the repository root, the others as workflows."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import pydicom
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from monai_harmonize.engines.weights import trained_settings
from monai_harmonize.phantoms import ensure_spine_dataset
from monai_harmonize.safety.thresholds import Bar, Thresholds, load_thresholds, save_thresholds

CONFIGS = "bundles/adain_ct/configs"
COUNTS = {"train": 2, "validation": 1, "test": 1}
SITES = ("exported", "reference")
SMALL = {"epochs": 2, "image_size": 16, "slices_per_volume": 2, "layers": ["relu1_1", "relu2_1"]}
SMALL |= {"context_layers": ["relu2_1"], "learning_rate": 1e-4}
SHAPE, SPACING = (24, 24, 8), (10.0, 10.0, 10.0)


def workflow(*names: str, **options: Any) -> ConfigWorkflow:
    """The command line, in this process."""
    ready = ConfigWorkflow([f"{CONFIGS}/{name}.json" for name in names], logging_file=False, **options)
    ready.initialize()
    return ready


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("spine") / "data"
    ensure_spine_dataset(
        folder, sites=SITES, anatomies_per_site=COUNTS, shape=SHAPE, spacing=SPACING, workers=1, progress=False
    )
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, data: Path) -> Path:
    """Bundle root with a trained network, by the literal command."""
    root = tmp_path_factory.mktemp("bundle")
    options = {"bundle_root": root, "dataset_dir": data, **SMALL}
    given = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", f"{CONFIGS}/train.json", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return root


@pytest.mark.long
def test_training_stores_the_style_of_the_target_site(bundle: Path, data: Path) -> None:
    state = torch.load(bundle / "models" / "model.pt", weights_only=True)
    ready = workflow("train", bundle_root=str(bundle), dataset_dir=str(data), **SMALL)
    network = ready.parser.get_parsed_content("network")
    (look,) = ready.parser.get_parsed_content("train#looks")
    volumes = [item["image"].as_subclass(torch.Tensor) for item in look]
    found = [torch.stack(network.statistics(volume.movedim(-1, 0))).mean(1) for volume in volumes]
    torch.testing.assert_close(torch.stack([state["style_means"], state["style_deviations"]])[:, 0], sum(found) / 2)
    assert state["style_weights"].tolist() == [1.0]


def test_one_network_learns_the_styles_of_several_sites(data: Path, tmp_path: Path) -> None:
    places = {"dataset_dir": str(data), "bundle_root": str(tmp_path)}
    ready = workflow("train", **places, **{**SMALL, "epochs": 1}, source_site="reference", target_site=list(SITES))
    ready.run()
    styles = {record["site"] for record in ready.parser.get_parsed_content("train#data_b")}
    assert styles == set(SITES)
    state = torch.load(tmp_path / "models" / "model.pt", weights_only=True)
    assert state["style_weights"].tolist() == [0.5, 0.5]
    assert not torch.equal(*state["style_means"])
    with pytest.raises(RuntimeError) as error:
        workflow("inference", layers=SMALL["layers"], **places)
    assert "trained with num_styles 2, not 1; add --num_styles 2" in str(error.value.__cause__)
    first, second = (
        workflow("inference", layers=SMALL["layers"], num_styles=2, style=style, **places).parser for style in (0, 1)
    )
    image = torch.rand(1, 1, 16, 16)
    outputs = [parser.get_parsed_content("network").eval()(image) for parser in (first, second)]
    assert not torch.equal(*outputs)


RECONSTRUCTIONS = {"reconstruction_a", "reconstruction_b"}


@pytest.mark.parametrize(
    ("overlays", "expected"),
    [
        ([], {"content", "style"} | RECONSTRUCTIONS),
        (["xu"], {"contextual", "style"} | RECONSTRUCTIONS),
        (["contextual_transformation"], {"contextual", "contextual_style", "reconstruction_b"}),
    ],
)
def test_each_method_trains_on_its_terms(data: Path, tmp_path: Path, overlays: list[str], expected: set[str]) -> None:
    places = {"ckpt_dir": str(tmp_path), "output_dir": str(tmp_path / "eval"), "dataset_dir": str(data)}
    ready = workflow("train", *overlays, **places, **{**SMALL, "epochs": 1})
    network = ready.parser.get_parsed_content("network")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    ready.run()
    trainer = ready.parser.get_parsed_content("train#trainer")
    assert set(trainer.state.output["losses"]) == expected
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert {name for name in moved if not name.startswith("decoder.")} == set()
    assert moved


@pytest.mark.parametrize("name", ["resnet50", "resnet101", "densenet121", "densenet169", "densenet201"])
def test_overlays_of_extractors_serve_training_and_inference(name: str) -> None:
    networks = []
    for kind in ("train", "inference"):
        parser = ConfigParser()
        parser.read_config([f"{CONFIGS}/{kind}.json", f"{CONFIGS}/{name}.json"])
        networks.append(parser.get_parsed_content("network_def"))
    assert networks[0].extractor.layers == networks[1].extractor.layers
    assert parser["extractor"] == name


def test_processes_share_the_work(data: Path, tmp_path: Path, monkeypatch) -> None:
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    parser = ConfigParser()
    parser.read_config([f"{CONFIGS}/{name}.json" for name in ("train", "multi_gpu_train")])
    parser.update({**SMALL, "dataset_dir": str(data), "ckpt_dir": str(tmp_path), "output_dir": str(tmp_path)})
    sampler = parser.get_parsed_content("train#sampler")
    assert (sampler.rank, sampler.num_replicas) == (1, 2)
    assert len(sampler) == len(parser.get_parsed_content("train#dataset")) / 2


@pytest.mark.long
def test_a_distributed_training_stores_the_same_styles(bundle: Path, data: Path, tmp_path: Path) -> None:
    """By the literal command, in a single process: it ends with the weights of the plain one."""
    options = {"bundle_root": tmp_path, "dataset_dir": data, **SMALL}
    given = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    files = str([f"{CONFIGS}/{name}.json" for name in ("train", "multi_gpu_train")])
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=1", "-m", "monai.bundle"]
    done = subprocess.run([*launch, "run", "--config_file", files, *given], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (torch.load(one / "models" / "model.pt", weights_only=True) for one in (bundle, tmp_path))
    torch.testing.assert_close(second, first)


def harmonize(bundle: Path, data: Path, output: Path, **options: Any) -> None:
    places = {"bundle_root": str(bundle), "dataset_dir": str(data), "output_dir": str(output)}
    workflow("inference", **places, layers=SMALL["layers"], **options).run()


def test_volumes_keep_geometry_and_type(data: Path, tmp_path: Path) -> None:
    root = train(tmp_path / "bundle", data, window=[0, 100], epochs=1)
    harmonize(root, data, tmp_path, window=[0, 100])
    (source,) = (path for path in (data / "test" / "exported").glob("*.nii.gz") if "mask" not in path.name)
    old, new = nibabel.load(source), nibabel.load(tmp_path / "test" / "exported" / source.name)
    np.testing.assert_array_equal(old.affine, new.affine)
    assert old.get_data_dtype() == new.get_data_dtype() == np.int16
    before, after = (np.asarray(image.dataobj).astype(int) for image in (old, new))
    assert before.shape == after.shape
    # What lies outside the window, and beyond the tenth of it in which both meet, stays as it was.
    outside = (before < -10) | (before > 110)
    assert outside.any()
    np.testing.assert_array_equal(after[outside], before[outside])
    assert not np.array_equal(before, after)
    table = pd.read_csv(tmp_path / "certificates.csv")
    assert table["guarantee_class"].tolist() == ["G4"]
    # The network redraws the window: on the scale of all HU, what it does to bones would look small.
    (certificate,) = (tmp_path / "test" / "exported").glob("*.certificate.json")
    assert json.loads(certificate.read_text())["grey_range"] == [0, 100]


def rewritten(data: Path, folder: Path, change: Callable[[nibabel.Nifti1Image], nibabel.Nifti1Image]) -> Path:
    """A copy of a data set whose files are changed."""
    shutil.copytree(data, folder)
    for path in folder.rglob("*.nii.gz"):
        nibabel.save(change(nibabel.load(path)), path)
    return folder


def turned(image: nibabel.Nifti1Image, axes: str) -> nibabel.Nifti1Image:
    return image.as_reoriented(ornt_transform(io_orientation(image.affine), axcodes2ornt(axes)))


def train(root: Path, data: Path, *overlays: str, **options: Any) -> Path:
    workflow("train", *overlays, bundle_root=str(root), dataset_dir=str(data), **{**SMALL, **options}).run()
    return root


@pytest.mark.long
@pytest.mark.parametrize("axes", ["PIR", "RAS"])
def test_the_order_of_axes_changes_nothing(bundle: Path, data: Path, tmp_path: Path, axes: str) -> None:
    """Neither what a training learns, nor what inference makes of a volume, which keeps its own axes."""
    other = rewritten(data, tmp_path / "data", partial(turned, axes=axes))
    root = train(tmp_path, other)
    first, second = (torch.load(one / "models" / "model.pt", weights_only=True) for one in (bundle, root))
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=1e-5, rtol=1e-4)
    harmonize(bundle, data, tmp_path / "a")
    harmonize(bundle, other, tmp_path / "b")
    (path,) = (path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.nii.gz"))
    expected, source, result = (nibabel.load(each / path) for each in (tmp_path / "a", other, tmp_path / "b"))
    np.testing.assert_array_equal(result.affine, source.affine)
    values = np.asarray(turned(expected, axes).dataobj).astype(int)
    # Sums in another order, rounded to whole HU.
    np.testing.assert_allclose(np.asarray(result.dataobj), values, atol=1)
    assert np.abs(values - np.asarray(source.dataobj)).max() > 50


@pytest.mark.long
def test_window_and_spacing_of_the_style_are_noted(bundle: Path, data: Path, tmp_path: Path) -> None:
    settings = {"num_styles": 1, "window": [-500.0, 1300.0], "spacing": list(SPACING)}
    assert trained_settings(bundle / "models" / "model.pt") == settings
    root = train(tmp_path, data, spacing=[12.0, 8.0, 20.0], window="soft_tissue", epochs=1)
    settings = {"num_styles": 1, "window": [-150.0, 250.0], "spacing": [12.0, 8.0, 20.0]}
    assert trained_settings(root / "models" / "model.pt") == settings
    ready = workflow("train", dataset_dir=str(data), **SMALL, spacing=[12.0, 8.0, 20.0])
    (look,) = ready.parser.get_parsed_content("train#looks")
    assert look[0]["image"].shape == (1, 20, 30, 4)
    with pytest.raises(RuntimeError) as error:
        harmonize(root, data, tmp_path / "out")
    assert "was trained with window [-150.0, 250.0], not [-500.0, 1300.0]" in str(error.value.__cause__)


def test_odd_crops_and_volumes_below_them(data: Path, tmp_path: Path) -> None:
    """What is missing of a crop is air; all crops of a batch are of one size."""
    small = rewritten(data, tmp_path / "data", lambda image: image.slicer[:21, 2:17, :3])
    root = train(tmp_path, small, image_size=23, batch_size=2, epochs=1)
    ready = workflow("train", bundle_root=str(root), dataset_dir=str(small), **{**SMALL, "image_size": 23})
    for item in ready.parser.get_parsed_content("train#dataset_a"):
        assert item["image"].shape == (1, 23, 23)
        assert (item["image"][0, :1] == -1).all()
        assert (item["image"][0, :, :4] == -1).all()
        assert (item["image"][0, 1:22, 4:19] > -1).any()
    evaluated = pd.read_csv(evaluate(root, small) / "metrics.csv", header=None, index_col=0)[1]
    assert evaluated.notna().all()


def evaluate(root: Path, data: Path) -> Path:
    workflow("train", "evaluate", bundle_root=str(root), dataset_dir=str(data), **SMALL).run()
    return root / "eval"


@pytest.mark.parametrize("axes", [2, 3])
def test_files_of_one_slice(data: Path, tmp_path: Path, axes: int) -> None:
    """``(W, H)`` and ``(W, H, 1)``, from the training to the result."""

    def one_slice(image: nibabel.Nifti1Image) -> nibabel.Nifti1Image:
        cut = image.slicer[:, :20, 3:4]
        return cut if axes == 3 else nibabel.Nifti1Image(np.asarray(cut.dataobj)[..., 0], cut.affine, cut.header)

    slices = rewritten(data, tmp_path / "data", one_slice)
    root = train(tmp_path, slices)
    assert pd.read_csv(evaluate(root, slices) / "metrics.csv", header=None)[1].notna().all()
    harmonize(root, slices, tmp_path / "out")
    (path,) = (tmp_path / "out").rglob("*.nii.gz")
    result, source = nibabel.load(path), nibabel.load(slices / path.relative_to(tmp_path / "out"))
    assert result.shape == source.shape == (24, 20, 1)[:axes]
    np.testing.assert_array_equal(result.affine, source.affine)
    assert np.abs(np.asarray(result.dataobj).astype(int) - np.asarray(source.dataobj)).max() > 20


@pytest.mark.long
def test_a_dicom_series_becomes_one_new_series(bundle: Path, tmp_path: Path) -> None:
    data, output = tmp_path / "data", tmp_path / "out"
    ensure_spine_dataset(
        data, sites=SITES[:1], anatomies_per_site={"test": 1}, shape=SHAPE, spacing=SPACING, file_format="dicom",
        workers=1, progress=False,
    )  # fmt: skip
    (series,) = (path for path in (data / "test" / "exported").iterdir() if path.is_dir())
    harmonize(bundle, data, output, input=str(series))
    written = [pydicom.dcmread(path) for path in sorted(output.rglob("*.dcm"))]
    assert len(written) == len(list(series.iterdir()))
    assert len({one.SeriesInstanceUID for one in written}) == 1
    assert len({one.SOPInstanceUID for one in written}) == len(written)


def good_and_cut(folder: Path, data: Path) -> Path:
    """A folder of a volume and of its first bytes."""
    (source,) = (path for path in (data / "test" / "exported").glob("*.nii.gz") if "mask" not in path.name)
    folder.mkdir()
    shutil.copy(source, folder / "good.nii.gz")
    (folder / "cut.nii.gz").write_bytes(source.read_bytes()[:900])
    return folder


@pytest.mark.long
def test_a_bad_volume_does_not_stop_the_good_one(bundle: Path, data: Path, tmp_path: Path) -> None:
    options = {"bundle_root": bundle, "input": good_and_cut(tmp_path / "in", data), "output_dir": tmp_path / "out"}
    given = [
        part for name, value in (options | {"layers": SMALL["layers"]}).items() for part in (f"--{name}", str(value))
    ]
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", f"{CONFIGS}/inference.json", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr[-3000:]
    told = done.stdout + done.stderr
    assert "1 of 2 files failed" in told
    assert "cut.nii.gz: truncated or damaged" in told
    assert [path.name for path in (tmp_path / "out").glob("*.nii.gz")] == ["good.nii.gz"]
    assert len(pd.read_csv(tmp_path / "out" / "certificates.csv")) == 1


def plus_1024(image: nibabel.Nifti1Image) -> nibabel.Nifti1Image:
    """What a scanner stores beside an intercept of -1024."""
    stored = np.clip(np.asarray(image.dataobj).astype(int) + 1024, 0, 65535).astype(np.uint16)
    return nibabel.Nifti1Image(stored, image.affine)


@pytest.mark.long
def test_values_that_are_no_hounsfield_units(bundle: Path, data: Path, tmp_path: Path, caplog) -> None:
    folder = good_and_cut(tmp_path / "in", data)
    (folder / "cut.nii.gz").unlink()
    nibabel.save(plus_1024(nibabel.load(folder / "good.nii.gz")), folder / "stored.nii.gz")
    harmonize(bundle, data, tmp_path / "out", input=str(folder))
    assert "as of stored values without Rescale Slope and Intercept" in caplog.text
    assert "set check_unit to false" in caplog.text
    assert [path.name for path in (tmp_path / "out").glob("*.nii.gz")] == ["good.nii.gz"]
    harmonize(bundle, data, tmp_path / "off", input=str(folder), check_unit=False)
    assert (tmp_path / "off" / "stored.nii.gz").is_file()


@pytest.mark.long
@pytest.mark.parametrize("on_fail", ["write", "skip", "copy", "stop"])
def test_a_failed_certificate_decides(bundle: Path, data: Path, tmp_path: Path, on_fail: str) -> None:
    folder = good_and_cut(tmp_path / "in", data)
    (folder / "cut.nii.gz").unlink()
    never = {"G4": {"clipped_pixels": Bar("at_most", -2.0, -1.0)}}
    save_thresholds(Thresholds("a test", {**load_thresholds().classes, **never}), tmp_path / "never.json")
    refused = {"postprocessing#transforms#0#thresholds": str(tmp_path / "never.json")}
    options = {"bundle_root": str(bundle), "input": str(folder), "output_dir": str(tmp_path / "out")}
    ready = workflow("inference", **options, layers=SMALL["layers"], on_fail=on_fail, **refused)
    ready.run()
    assert pd.read_csv(tmp_path / "out" / "certificates.csv")["verdict"].tolist() == ["fail"]
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.nii.gz")}
    source = {"good.nii.gz": (folder / "good.nii.gz").read_bytes()}
    assert (written == source) == (on_fail == "copy")
    assert bool(written) == (on_fail in ("write", "copy"))
    assert ready.parser.get_parsed_content("evaluator").exit_code == (3 if on_fail == "stop" else 0)


def neighbouring_slices(folder: Path, copy: Path, count: int) -> Path:
    """A folder with the first slices of a series: a valid, shorter one."""
    slices = sorted(folder.rglob("*.dcm"), key=lambda path: pydicom.dcmread(path).ImagePositionPatient[2])
    copy.mkdir()
    for path in slices[:count]:
        shutil.copy(path, copy)
    return copy


@pytest.mark.real_data
@pytest.mark.long
@pytest.mark.parametrize("name", ["verse014_ct.nii.gz", "totalseg_dicom_siemens"])
def test_real_ct_comes_back_with_its_geometry(bundle: Path, real_data: Path, tmp_path: Path, name: str) -> None:
    source, output = real_data / "ct" / name, tmp_path / "out"
    if source.is_dir():
        source = neighbouring_slices(source, tmp_path / "series", 3)
    small = {"layers": SMALL["layers"], "bundle_root": str(bundle), "output_dir": str(output)}
    workflow("inference", **small, input=str(source)).run()
    if source.is_file():
        old, new = nibabel.load(source), nibabel.load(output / source.name)
        np.testing.assert_array_equal(old.affine, new.affine)
        assert old.shape == new.shape
    else:
        old_slices = [pydicom.dcmread(path) for path in sorted(source.rglob("*.dcm"))]
        new_slices = [pydicom.dcmread(path) for path in sorted(output.rglob("*.dcm"))]
        places = [sorted(tuple(one.ImagePositionPatient) for one in group) for group in (old_slices, new_slices)]
        assert len(places[0]) == 3
        assert places[0] == places[1]
