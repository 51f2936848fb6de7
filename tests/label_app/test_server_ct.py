"""CT over HTTP: volumes and series keep their place, masks lie on the source's voxels, a training can be stopped."""

import gzip
import io
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path
from time import sleep
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from monai.bundle import ConfigWorkflow
from typer.testing import CliRunner

from monai_harmonize.cli import app

sys.path.insert(0, str(Path(__file__).parent))
from serving import Server, requests, serving, until

pytest.importorskip("monailabel.client", reason="make test-label runs these in an environment with MONAI Label")
pytestmark = pytest.mark.slow

SERIES = "1.2.840.4711"
MODEL = "spine_segmentation_ct"


@pytest.fixture(scope="module")
def studies(tmp_path_factory, spine_data: Path, ct_series: Path) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    shutil.copytree(ct_series, folder / SERIES)
    (volume,) = spine_data.glob("test/exported/*[0-9].nii.gz")
    shutil.copy(volume, folder / "volume.nii.gz")
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory, studies: Path, bundles: Path):
    own = tmp_path_factory.mktemp("own") / "bundles"
    shutil.copytree(bundles, own)
    with serving(tmp_path_factory.mktemp("server"), studies, own, models=f"adain_ct,{MODEL}") as running:
        yield running


def volume_of(content: bytes) -> nibabel.Nifti1Image:
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(content))


def harmonized(server: Server, image: Path, folder: Path, alpha: float) -> Path:
    """What the command writes at a style strength."""
    folder.mkdir()
    (folder / "alpha.json").write_text(f'{{"alpha": {alpha}}}')
    given = ["harmonize", image, "--bundle", server.bundles / "adain_ct", "--overlay", folder / "alpha.json"]
    done = CliRunner().invoke(app, list(map(str, [*given, "--panels", "none", "--output", folder / "out"])))
    assert done.exit_code == 0, done.output
    return folder / "out" / image.name


def mask_of(server: Server, image: Path, folder: Path) -> nibabel.Nifti1Image:
    """What the bundle's own command writes."""
    root = server.bundles / MODEL
    places = {"bundle_root": str(root), "input": str(image), "output_dir": str(folder)}
    workflow = ConfigWorkflow([str(root / "configs" / "inference.json")], logging_file=False, **places)
    workflow.initialize()
    workflow.run()
    (path,) = folder.rglob("*.nii.gz")
    return nibabel.load(path)


def assert_same(found: nibabel.Nifti1Image, expected: nibabel.Nifti1Image) -> None:
    np.testing.assert_array_equal(np.asarray(found.dataobj), np.asarray(expected.dataobj))
    np.testing.assert_array_equal(found.affine, expected.affine)
    assert found.get_data_dtype() == expected.get_data_dtype()


def test_a_harmonized_volume_is_what_the_command_writes(server: Server, studies: Path, tmp_path: Path) -> None:
    source = nibabel.load(studies / "volume.nii.gz")
    found = volume_of(server.infer("adain_ct", "volume", "image", alpha=0.5).content)
    assert_same(found, nibabel.load(harmonized(server, studies / "volume.nii.gz", tmp_path / "half", 0.5)))
    np.testing.assert_array_equal(found.affine, source.affine)
    assert found.get_data_dtype() == source.get_data_dtype()
    full = volume_of(server.infer("adain_ct", "volume", "image").content)
    assert_same(full, nibabel.load(harmonized(server, studies / "volume.nii.gz", tmp_path / "full", 1.0)))
    # Interpolated by nobody: strength 0.5 has levels that neither the source nor strength 1 has.
    assert len(np.setdiff1d(found.dataobj, source.dataobj)) > 0
    (certificate,) = server.infer("adain_ct", "volume").json()["certificates"]
    assert certificate["guarantee_class"] == "G4"
    assert certificate["shape"] == list(source.shape)


def test_a_series_comes_back_as_dicom(server: Server, studies: Path, tmp_path: Path) -> None:
    answer = server.infer("adain_ct", SERIES, "image")
    assert answer.headers["content-type"] == "application/zip"
    expected = harmonized(server, studies / SERIES, tmp_path / "command", 1.0)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert sorted(packed.namelist()) == sorted(path.name for path in expected.iterdir() if path.suffix == ".dcm")
        for name in packed.namelist():
            derived = pydicom.dcmread(io.BytesIO(packed.read(name)))
            assert derived.PixelData == pydicom.dcmread(expected / name).PixelData
            assert derived.ImageType[0] == "DERIVED"


def test_masks_lie_on_the_voxels_of_the_source(server: Server, studies: Path, tmp_path: Path) -> None:
    answer = server.infer(MODEL, "volume", "image")
    assert_same(volume_of(answer.content), mask_of(server, studies / "volume.nii.gz", tmp_path / "mask"))
    np.testing.assert_array_equal(volume_of(answer.content).affine, nibabel.load(studies / "volume.nii.gz").affine)
    assert server.infer(MODEL, "volume").json()["label_names"] == {"vertebrae": 1}
    assert server.get("info/")["models"][MODEL]["labels"] == {"vertebrae": 1}
    series = volume_of(server.infer(MODEL, SERIES, "image").content)
    assert_same(series, mask_of(server, studies / SERIES, tmp_path / "series"))


def test_masks_in_the_format_that_a_viewer_asks_for(server: Server) -> None:
    """OHIF's client asks for plain NRRD of unsigned bytes."""
    wish = {"result_extension": ".nrrd", "result_dtype": "uint8", "result_compress": False}
    answer = server.infer(MODEL, "volume", "image", **wish)
    head, _, body = answer.content.partition(b"\n\n")
    assert head.startswith(b"NRRD")
    assert b"encoding: raw" in head
    mask = volume_of(server.infer(MODEL, "volume", "image").content)
    inside = np.asarray(mask.dataobj).astype(np.uint8)
    assert body == inside.tobytes(order="F")
    # Its third version: two bytes a voxel, in one answer with the voxel in the middle of each label.
    both = server.infer(MODEL, "volume", "all", **{**wish, "result_dtype": "uint16"})
    assert inside.astype("<u2").tobytes(order="F") in both.content
    middle = [int(mean) for mean in np.argwhere(inside).mean(axis=0)]
    assert server.infer(MODEL, "volume").json()["centroids"] == {"vertebrae": [1, *middle]}
    fields = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
    origin = np.array(fields["space origin"].strip("()").split(","), dtype=float)
    np.testing.assert_allclose(origin, mask.affine[:3, 3] * (-1, -1, 1), rtol=1e-5)  # NRRD counts to left and back
    refused = server.infer(MODEL, "volume", result_extension=".exe")
    assert refused.status_code == 400
    assert "expected one of .nii.gz, .nrrd" in refused.json()["detail"]
    assert server.infer(MODEL, "volume", result_dtype="text").status_code == 400
    refused = server.infer(MODEL, "volume", "dicom_seg", label_info=[{"name": "vertebrae"}])
    assert refused.status_code == 400
    assert "where the studies are on a DICOMweb server" in refused.json()["detail"]


def test_a_mask_behind_a_harmonizer(server: Server, studies: Path, tmp_path: Path) -> None:
    image = harmonized(server, studies / "volume.nii.gz", tmp_path / "image", 0.5)
    expected = mask_of(server, image, tmp_path / "mask")
    answer = server.infer(MODEL, "volume", "image", harmonizer="adain_ct", alpha=0.5)
    assert_same(volume_of(answer.content), expected)
    raw = volume_of(server.infer(MODEL, "volume", "image").content)
    assert (np.asarray(raw.dataobj) != np.asarray(expected.dataobj)).any()
    slices = volume_of(server.infer(MODEL, SERIES, "image", harmonizer="adain_ct").content)
    folder = harmonized(server, studies / SERIES, tmp_path / "series", 1.0)
    assert_same(slices, mask_of(server, folder, tmp_path / "series_mask"))


def test_what_the_network_refuses_is_told(server: Server) -> None:
    answer = server.infer("adain_ct", "volume", alpha=7)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("alpha is 7")


def test_nothing_outside_the_folder_is_written_or_removed(server: Server, studies: Path, tmp_path: Path) -> None:
    """Names and tags that are paths, links of the administrator, archives that climb, Python as an image."""
    shutil.copy(studies / "volume.nii.gz", tmp_path / "mine.nii.gz")
    (studies / "linked.nii.gz").symlink_to(tmp_path / "mine.nii.gz")
    server.upload("new", studies / "volume.nii.gz")  # so that the link is seen
    store = f"{server.address}/datastore"

    def put(what: str, name: str, **asked: str) -> Any:
        return requests.put(
            f"{store}/{what}", params=asked, files={what.replace("image", "file"): (name, b"x")}, timeout=60
        )

    for answer in (
        put("image", "a.nii.gz", image="../escaped"),
        put("image", "a.nii.gz", image="linked"),
        put("image", "torch.py", image="torch"),
        put("label", "a.json", image="volume", tag="../../escaped"),
        put("label", "a.py", image="volume", tag="final"),
        server.infer(MODEL, "volume", save_label=True, label_tag="../.."),
        requests.get(f"{store}/dataset", timeout=60),
    ):
        assert answer.status_code == 400, answer.text
    # The store forgets everything for a moment whenever it looks after its folder.
    until(lambda: requests.delete(f"{store}/image", params={"id": "linked"}, timeout=60).status_code == 200)
    assert (tmp_path / "mine.nii.gz").read_bytes() == (studies / "volume.nii.gz").read_bytes()
    assert not (studies / "linked.nii.gz").is_symlink()
    with tarfile.open(tmp_path / "climbing.tar", "w") as archive:
        archive.add(studies / "volume.nii.gz", "../climbed.nii.gz")
    with (tmp_path / "climbing.tar").open("rb") as content:
        asked = {"params": {"uncompress": "true"}, "files": {"files": ("a.tar", content)}, "timeout": 60}
        assert requests.put(f"{server.address}/session/", **asked).status_code == 400
    started = server.post(f"train/{MODEL}", bundle_path=str(studies)).json()
    assert started["request"]["bundle_path"] == str(server.bundles / MODEL)
    server.wait_for_training("RUNNING", "ERROR")
    server.stop_training()
    server.wait_for_training("STOPPED", "ERROR")
    assert not [path for name in ("escaped*", "climbed*") for path in studies.parent.rglob(name)]


def test_training_serves_new_weights_and_can_be_stopped(server: Server, spine_data: Path, tmp_path: Path) -> None:
    weights = server.bundles / MODEL / "models" / "model.pt"
    for number, mask in enumerate(sorted(spine_data.glob("train/*/*_mask.nii.gz"))):
        server.upload(f"train_{number}", mask.with_name(mask.name.replace("_mask", "")))
        server.label(f"train_{number}", mask)
    before = weights.read_bytes()
    server.post(f"train/{MODEL}", max_epochs=1000, train_batch_size=2)
    attempt = weights.parent / "label_training"
    while not (attempt / "resume.pt").is_file():  # an epoch is over
        assert server.get("train/")["status"] in ("SUBMITTED", "RUNNING"), server.get("train/")["details"]
        sleep(0.5)
    assert server.post(f"train/{MODEL}").status_code == 429
    server.stop_training()
    assert server.wait_for_training("STOPPED", "DONE", "ERROR")["status"] == "STOPPED"
    assert weights.read_bytes() == before
    assert server.get("info/")["train_stats"][MODEL] == {}

    server.post(f"train/{MODEL}", max_epochs=1)
    task = server.wait_for_training("DONE", "ERROR")
    assert task["status"] == "DONE", task["details"]
    assert weights.read_bytes() != before
    assert not attempt.exists()
    stats = server.get("info/")["train_stats"][MODEL]
    assert (stats["epoch"], stats["images"]) == (1, 4)
    answer = server.infer(MODEL, "train_0", "image")
    image = next(iter(sorted(spine_data.glob("train/*/*_mask.nii.gz"))))
    source = image.with_name(image.name.replace("_mask", ""))
    assert_same(volume_of(answer.content), mask_of(server, source, tmp_path / "mask"))
