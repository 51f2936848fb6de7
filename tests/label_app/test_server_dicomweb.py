"""Series of a DICOMweb server: radiographs and CT are found, DICOM comes back, patients stay out of the log."""

import gzip
import io
import json
import shutil
import sys
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from monai_harmonize.cli import app
from monai_harmonize.data.dicom_writer import save_explicit_little_endian
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.label_app.image_looks import LOOK, ImageLooks, save_look
from monai_harmonize.label_app.train_records import digest

sys.path.insert(0, str(Path(__file__).parent))
from dicomweb import dicomweb
from serving import APP, Server, requests, serving

pytest.importorskip("monailabel.client", reason="make test-label runs these in an environment with MONAI Label")
pytestmark = pytest.mark.slow

MODEL = "spine_segmentation_ct"
WRITER = shutil.which("itkimage2segimage")
PATIENT, NUMBER = "Lovelace^Ada", "4711-0815"


@pytest.fixture(scope="module")
def files(tmp_path_factory, radiographs: list[Path], ct_series: Path) -> dict[str, list[Path]]:
    """Series of several modalities, all of one patient, by what they are."""
    folder = tmp_path_factory.mktemp("files")
    sources = {"DX": radiographs[:1], "CR": radiographs[1:2], "US": radiographs[2:3]}
    sources["CT"] = sorted(ct_series.glob("*.dcm"))
    found: dict[str, list[Path]] = {}
    for modality, paths in sources.items():
        for path in paths:
            dataset = pydicom.dcmread(path)
            dataset.PatientName, dataset.PatientID, dataset.Modality = PATIENT, NUMBER, modality
            found.setdefault(modality, []).append(folder / f"{modality}_{path.name}")
            save_explicit_little_endian(dataset, found[modality][-1])
    return found


@pytest.fixture(scope="module")
def uid(files: dict[str, list[Path]]) -> dict[str, str]:
    return {modality: pydicom.dcmread(paths[0]).SeriesInstanceUID for modality, paths in files.items()}


@pytest.fixture(scope="module")
def server(tmp_path_factory, files: dict[str, list[Path]], bundles: Path):
    own = tmp_path_factory.mktemp("own") / "bundles"
    shutil.copytree(bundles, own)
    # A look of the training: that of the DX series, so that the CR series is farther.
    bundle = Bundle(own / "tb_classification_cxr")
    save_look(ImageLooks(bundle).pooled(files["DX"]), 1, bundle.weights.with_name(LOOK))
    every = [path for paths in files.values() for path in paths]
    folder, look = tmp_path_factory.mktemp("server"), {"look": "tb_classification_cxr"}
    with dicomweb(every) as (address, asked), serving(folder, address, own, **look) as running:
        running.asked = asked
        yield running


def test_radiographs_and_ct_are_found(server: Server, uid: dict[str, str]) -> None:
    """MONAI Label alone asks for CT."""
    assert server.get("datastore/?output=stats")["total"] == 3
    asked = {query["Modality"] for query in server.asked if "Modality" in query}
    assert {"CR", "DX", "CT"} <= asked <= {"CR", "DX", "CT", "SEG"}


def test_a_radiograph_comes_back_as_derived_dicom(
    server: Server, files: dict[str, list[Path]], uid: dict[str, str], tmp_path: Path
) -> None:
    answer = server.infer("tone_curve_cxr", uid["DX"], "image")
    assert answer.headers["content-type"] == "application/dicom", answer.text
    given = ["harmonize", *files["DX"], "--bundle", server.bundles / "tone_curve_cxr", "--output", tmp_path]
    assert CliRunner().invoke(app, list(map(str, given))).exit_code == 0
    derived = pydicom.dcmread(io.BytesIO(answer.content))
    assert derived.PixelData == pydicom.dcmread(tmp_path / files["DX"][0].name).PixelData
    assert derived.ImageType[0] == "DERIVED"
    assert derived.StudyInstanceUID == pydicom.dcmread(files["DX"][0]).StudyInstanceUID


def test_a_mask_lies_on_the_volume_that_the_client_shows(server: Server, uid: dict[str, str]) -> None:
    mask = nibabel.Nifti1Image.from_bytes(
        gzip.decompress(server.infer("spine_segmentation_ct", uid["CT"], "image").content)
    )
    shown = requests.get(f"{server.address}/datastore/image", params={"image": uid["CT"]}, timeout=60)
    volume = nibabel.Nifti1Image.from_bytes(gzip.decompress(shown.content))
    assert mask.shape == volume.shape == (24, 24, 8)
    np.testing.assert_array_equal(mask.affine, volume.affine)


def test_the_farthest_look_among_series(server: Server, uid: dict[str, str]) -> None:
    found = server.post("activelearning/farthest_look").json()
    assert (found["id"], found["reference"], found["unreadable"]) == (uid["CR"], LOOK, 1)
    assert found["distance"] > 0.01


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ("US", "no such series"),
        ("1.2.3", "no such series"),
        ("../..", "no unique identifier"),
        ("../../../../etc", "no unique identifier"),
        ("CT", "the image is CT"),
    ],
)
def test_other_series_are_refused(server: Server, uid: dict[str, str], series: str, message: str) -> None:
    answer = server.infer("tone_curve_cxr", uid.get(series, series))
    assert answer.status_code == 400
    assert message in answer.json()["detail"]


def test_dicom_seg(server: Server, uid: dict[str, str]) -> None:
    segments = [{"name": "vertebrae"}]
    for asked, message in (
        (server.infer("adain_ct", uid["CT"], "dicom_seg", label_info=segments), "ask with output=image"),
        (server.infer(MODEL, uid["DX"], "dicom_seg", label_info=segments), "the image is DX"),
        (server.infer(MODEL, uid["CT"], "dicom_seg"), "DICOM SEG needs label_info" if WRITER else "pip install dcmqi"),
    ):
        assert asked.status_code == 400
        assert message in asked.json()["detail"]
    if WRITER:
        answer = server.infer(MODEL, uid["CT"], "dicom_seg", label_info=segments)
        assert answer.headers["content-type"] == "application/dicom", answer.text
        written = pydicom.dcmread(io.BytesIO(answer.content))
        assert (written.Modality, written.SegmentSequence[0].SegmentLabel) == ("SEG", "vertebrae")
        assert written.ReferencedSeriesSequence[0].SeriesInstanceUID == uid["CT"]
    parameters = {"image": uid["CT"], "tag": "final"}
    address, files = f"{server.address}/datastore/label", {"label": ("label.bin", bytes([1]) * 24 * 24 * 8)}
    saved = requests.put(address, params=parameters, files=files, timeout=60)
    assert saved.status_code == (502 if WRITER else 400)  # this archive takes nothing
    refused = requests.put(f"{server.address}/datastore/image", params=parameters, files={"file": b"x"}, timeout=60)
    assert "store new ones there" in refused.json()["detail"]


def test_a_batch_of_series(server: Server, uid: dict[str, str]) -> None:
    found = server.post("batch/infer/tone_curve_cxr?run_sync=true").json()
    assert found[uid["CT"]] == {"error": "the image is CT, tone_curve_cxr works on CR; choose another model."}
    assert (found[uid["DX"]]["label"], found[uid["DX"]]["tag"]) == (uid["DX"], "tone_curve_cxr")
    asked = {"label": uid["DX"], "tag": "tone_curve_cxr"}
    stored = requests.get(f"{server.address}/datastore/label", params=asked, timeout=60).content
    single = pydicom.dcmread(io.BytesIO(server.infer("tone_curve_cxr", uid["DX"], "image").content))
    assert pydicom.dcmread(io.BytesIO(stored)).PixelData == single.PixelData


def test_patients_stay_out_of_the_answers(server: Server, uid: dict[str, str]) -> None:
    """3D Slicer names a volume by the patient's number where an answer has one."""
    assert server.post("activelearning/first").json()["PatientID"] == digest(NUMBER)
    paths = ("datastore/?output=all", f"datastore/image/info?image={uid['CT']}", "info/")
    told = [json.dumps(server.get(path)) for path in paths]
    assert digest(NUMBER) in told[0]
    assert not [text for text in told if NUMBER in text or PATIENT in text]


def test_patients_stay_out_of_the_log_and_the_server_ends(server: Server) -> None:
    assert server.stop() == 0
    for log in (server.log, Path(APP) / "logs" / "app.log"):
        text = log.read_text()
        assert "monai_harmonize" in text
        assert NUMBER not in text
        assert PATIENT not in text
        assert "Traceback" not in text
