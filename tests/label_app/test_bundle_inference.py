"""One image through a bundle: the bytes of the command line, and errors without the server's folders."""

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image
from typer.testing import CliRunner

from monai_harmonize.cli import app
from monai_harmonize.data import InputError
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.engines.weights import FittedBy, record_fit
from monai_harmonize.label_app import bundle_inference
from monai_harmonize.label_app.bundle_inference import run_inference
from monai_harmonize.label_app.modality_check import other_modality
from monai_harmonize.label_app.publication import ATTEMPT, publish
from monai_harmonize.label_app.result_file import result_file


def test_pixels_and_certificate_are_those_of_the_command(
    bundles: Path, radiographs: list[Path], tmp_path: Path
) -> None:
    bundle = Bundle(bundles / "tone_curve_cxr")
    written = run_inference(bundle, radiographs[0], tmp_path / "out", {})
    given = ["harmonize", radiographs[0], "--bundle", bundle.root, "--output", tmp_path / "command"]
    assert CliRunner().invoke(app, list(map(str, given))).exit_code == 0
    (image,) = written.images
    expected = pydicom.dcmread(tmp_path / "command" / radiographs[0].name)
    assert pydicom.dcmread(image).PixelData == expected.PixelData
    (path,) = (tmp_path / "command").glob("*.certificate.json")
    assert written.certificates == [json.loads(path.read_text())]
    assert written.verdict == written.certificates[0]["verdict"]


def test_a_series_is_written_slice_by_slice(bundles: Path, ct_series: Path, tmp_path: Path) -> None:
    written = run_inference(Bundle(bundles / "adain_ct"), ct_series, tmp_path / "out", {"alpha": 0.5})
    assert len(written.images) == len(list(ct_series.glob("*.dcm"))) == 8
    assert len(written.certificates) == 1
    packed = result_file(written.images)
    assert packed.suffix == ".zip"
    shutil.unpack_archive(packed, tmp_path / "unpacked")
    packed.unlink()
    assert sorted(path.name for path in (tmp_path / "unpacked").iterdir()) == [path.name for path in written.images]


def test_an_option_changes_the_result(bundles: Path, ct_series: Path, tmp_path: Path) -> None:
    bundle = Bundle(bundles / "adain_ct")
    first, other = (run_inference(bundle, ct_series, tmp_path / str(alpha), {"alpha": alpha}) for alpha in (0.0, 1.0))
    assert first.certificates[0]["measures"] != other.certificates[0]["measures"]


def test_probability_and_threshold(bundles: Path, radiographs: list[Path], tmp_path: Path) -> None:
    bundle = Bundle(bundles / "tb_classification_cxr")
    ((probability, above),) = run_inference(bundle, radiographs[0], tmp_path / "out", {}).probabilities
    assert 0 < probability < 1
    assert above == (probability >= 0.5)


def test_a_damaged_file_is_named_without_its_folder(bundles: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InputError) as raised:
        run_inference(Bundle(bundles / "tone_curve_cxr"), tmp_path / "cut.png", tmp_path / "out", {})
    assert str(raised.value).startswith("cut.png: ")
    assert str(tmp_path) not in str(raised.value)


def test_weights_that_do_not_fit_are_refused(bundles: Path, tmp_path: Path, radiographs: list[Path]) -> None:
    """Other code loads what fits and leaves the rest of the network as it was drawn."""
    shutil.copytree(bundles / "cyclegan_cxr" / "configs", tmp_path / "cyclegan_cxr" / "configs")
    bundle = Bundle(tmp_path / "cyclegan_cxr")
    with pytest.raises(InputError, match="no trained weights yet"):
        run_inference(bundle, radiographs[0], tmp_path / "out", {})
    bundle.weights.parent.mkdir()
    shutil.copy(bundles / "tone_curve_cxr" / "models" / "model.pt", bundle.weights)
    with pytest.raises(InputError, match="weights of another network"):
        run_inference(bundle, radiographs[0], tmp_path / "out", {})


def test_overlays_noted_beside_the_weights_are_used(bundles: Path, tmp_path: Path) -> None:
    shutil.copytree(bundles / "tone_curve_cxr", tmp_path / "tone_curve_cxr")
    bundle = Bundle(tmp_path / "tone_curve_cxr")
    record_fit(bundle.weights, FittedBy("tone_curve_cxr", ["filter"]))
    Image.fromarray(np.arange(4096, dtype=np.uint8).reshape(64, 64)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="weights of another network"):
        run_inference(bundle, tmp_path / "a.png", tmp_path / "out", {})


def test_another_modality_is_refused(bundles: Path, ct_series: Path, radiographs: list[Path], tmp_path: Path) -> None:
    """Slices of CT would be scaled by their bits and harmonized one by one as if they were radiographs."""
    with pytest.raises(InputError, match="the image is CT, tone_curve_cxr works on CR"):
        run_inference(Bundle(bundles / "tone_curve_cxr"), ct_series, tmp_path / "out", {})
    with pytest.raises(InputError, match="the image is DX, spine_segmentation_ct works on CT"):
        run_inference(Bundle(bundles / "spine_segmentation_ct"), radiographs[0], tmp_path / "out", {})
    Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="the image is a PNG file, spine_segmentation_ct works on CT"):
        run_inference(Bundle(bundles / "spine_segmentation_ct"), tmp_path / "a.png", tmp_path / "out", {})
    nibabel.Nifti1Image(np.zeros((8, 8, 4), dtype=np.int16), np.eye(4)).to_filename(tmp_path / "a.nii.gz")
    with pytest.raises(InputError, match="the image is a volume, tone_curve_cxr works on CR"):
        run_inference(Bundle(bundles / "tone_curve_cxr"), tmp_path / "a.nii.gz", tmp_path / "out", {})
    nibabel.Nifti1Image(np.zeros((8, 8, 1), dtype=np.int16), np.eye(4)).to_filename(tmp_path / "flat.nii.gz")
    assert other_modality(Bundle(bundles / "tone_curve_cxr"), tmp_path / "flat.nii.gz") is None
    assert not (tmp_path / "out").exists()


def test_weights_replaced_during_an_inference_are_asked_again(
    bundles: Path, radiographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training is published after the settings were read, before the weights are: no answer is made of both."""
    shutil.copytree(bundles / "tb_classification_cxr", tmp_path / "tb_classification_cxr")
    bundle = Bundle(tmp_path / "tb_classification_cxr")
    trained = bundle.weights.parent / ATTEMPT
    shutil.copytree(bundles / "tb_classification_cxr" / "models", trained)
    (trained / "model.json").write_text(json.dumps({"image_size": 64, "threshold": 0.9}))
    plain, asked = bundle_inference.trained_settings, []

    def published_meanwhile(weights: Path) -> dict:
        found = plain(weights)
        asked.append(found["threshold"])
        if len(asked) == 1:
            publish(bundle.weights)
        return found

    monkeypatch.setattr(bundle_inference, "trained_settings", published_meanwhile)
    written = run_inference(bundle, radiographs[0], tmp_path / "out", {})
    assert asked == [0.5, 0.9]
    assert written.settings["threshold"] == 0.9
    ((_, above),) = written.probabilities
    assert not above


def test_nothing_written_is_told() -> None:
    with pytest.raises(InputError, match="nothing was written"):
        result_file([])
