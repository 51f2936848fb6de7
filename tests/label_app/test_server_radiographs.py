"""Radiographs over HTTP: harmonized pixels, probabilities, errors, strategy, training."""

import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
from monai.bundle import ConfigWorkflow
from PIL import Image
from typer.testing import CliRunner

from monai_harmonize.cli import app

sys.path.insert(0, str(Path(__file__).parent))
from serving import Server, requests, serving

client = pytest.importorskip(
    "monailabel.client", reason="make test-label runs these in an environment with MONAI Label"
)
pytestmark = pytest.mark.slow


def write_png(source: Path, path: Path) -> Path:
    """A DICOM radiograph's pixels as 8-bit PNG, bright = dense."""
    dataset = pydicom.dcmread(source)
    levels = dataset.pixel_array.astype(np.float64) / (2**dataset.BitsStored - 1)
    levels = 1 - levels if dataset.PhotometricInterpretation == "MONOCHROME1" else levels
    Image.fromarray((255 * levels).round().astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def studies(tmp_path_factory, radiographs: list[Path]) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    write_png(radiographs[0], folder / "chest.png")
    shutil.copy(radiographs[0], folder / "chest_dicom.dcm")
    (folder / "broken.png").write_bytes((folder / "chest.png").read_bytes()[:200])
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory, studies: Path, bundles: Path):
    own = tmp_path_factory.mktemp("own") / "bundles"
    shutil.copytree(bundles, own)
    names = "tone_curve_cxr,cyclegan_cxr,unit_cxr,tb_classification_cxr"
    with serving(tmp_path_factory.mktemp("server"), studies, own, models=names) as running:
        yield running


def harmonized(server: Server, image: Path, folder: Path, name: str, *options: str) -> Path:
    """The file that the command writes."""
    given = ["harmonize", image, "--bundle", server.bundles / name, "--output", folder, *options, "--panels", "none"]
    done = CliRunner().invoke(app, list(map(str, given)))
    assert done.exit_code == 0, done.output
    return folder / image.name


def probability(server: Server, image: Path, folder: Path) -> float:
    """What the bundle's own command writes."""
    root = server.bundles / "tb_classification_cxr"
    places = {"bundle_root": str(root), "input": str(image), "output_dir": str(folder)}
    workflow = ConfigWorkflow([str(root / "configs" / "inference.json")], logging_file=False, **places)
    workflow.initialize()
    workflow.run()
    return float(pd.read_csv(folder / "predictions.csv")["probability"][0])


def test_info(server: Server) -> None:
    info = server.get("info/")
    models = info["models"]
    assert set(models) == {"tone_curve_cxr", "cyclegan_cxr", "tb_classification_cxr"}  # unit_cxr has no weights
    assert {name: model["type"] for name, model in models.items()} == {
        "tone_curve_cxr": "others",
        "cyclegan_cxr": "others",
        "tb_classification_cxr": "classification",
    }
    assert models["tone_curve_cxr"]["guarantee_class"] == "G0"
    assert models["cyclegan_cxr"]["config"]["project"] == ["none", "g0", "g1"]
    assert models["tb_classification_cxr"]["config"]["harmonizer"] == ["none", "tone_curve_cxr", "cyclegan_cxr"]
    assert models["tb_classification_cxr"]["labels"] == ["tuberculosis"]
    assert list(info["trainers"]) == ["tb_classification_cxr"]
    assert "farthest_look" in info["strategies"]


def test_png_is_what_the_command_writes(server: Server, studies: Path, tmp_path: Path) -> None:
    answer = server.infer("tone_curve_cxr", "chest", "image")
    assert answer.headers["content-type"] == "image/png"
    expected = harmonized(server, studies / "chest.png", tmp_path, "tone_curve_cxr")
    pixels = np.asarray(Image.open(io.BytesIO(answer.content)))
    np.testing.assert_array_equal(pixels, np.asarray(Image.open(expected)))
    assert (pixels != np.asarray(Image.open(studies / "chest.png"))).mean() > 0.5
    params = server.infer("tone_curve_cxr", "chest").json()
    certificate = json.loads((tmp_path / "chest.certificate.json").read_text())
    assert params["certificates"] == [certificate]
    assert params["verdict"] == certificate["verdict"]
    assert params["certificates"][0]["guarantee_class"] == "G0"


def test_dicom_is_derived_as_the_command_derives_it(server: Server, studies: Path, tmp_path: Path) -> None:
    answer = server.infer("tone_curve_cxr", "chest_dicom", "image")
    assert answer.headers["content-type"] == "application/dicom"
    derived = pydicom.dcmread(io.BytesIO(answer.content))
    expected = pydicom.dcmread(harmonized(server, studies / "chest_dicom.dcm", tmp_path, "tone_curve_cxr"))
    assert derived.PixelData == expected.PixelData
    assert derived.ImageType[0] == "DERIVED"
    assert derived.SOPInstanceUID != pydicom.dcmread(studies / "chest_dicom.dcm").SOPInstanceUID


def test_both_parts_of_an_answer(server: Server) -> None:
    """As 3D Slicer's client asks: the file and the parameters at once."""
    path, params = client.MONAILabelClient(server.address).infer("tone_curve_cxr", "chest", {})
    assert Path(path).read_bytes() == server.infer("tone_curve_cxr", "chest", "image").content
    assert params["model"] == "tone_curve_cxr"
    Path(path).unlink()


def test_projection_is_an_option(server: Server, studies: Path, tmp_path: Path) -> None:
    free, projected = (server.infer("cyclegan_cxr", "chest", project=project).json() for project in ("none", "g0"))
    assert [one["certificates"][0]["guarantee_class"] for one in (free, projected)] == ["G4", "G0"]
    answer = server.infer("cyclegan_cxr", "chest", "image", project="g0")
    expected = harmonized(server, studies / "chest.png", tmp_path, "cyclegan_cxr", "--project", "g0")
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), np.asarray(Image.open(expected)))


def test_probability_with_and_without_a_harmonizer(server: Server, studies: Path, tmp_path: Path) -> None:
    raw = server.infer("tb_classification_cxr", "chest").json()
    (found,) = raw["prediction"]
    assert (found["idx"], found["label"]) == (0, "tuberculosis")
    assert found["score"] == probability(server, studies / "chest.png", tmp_path / "raw")
    assert raw["above_threshold"] == (found["score"] >= raw["threshold"])
    image = harmonized(server, studies / "chest.png", tmp_path / "images", "cyclegan_cxr", "--project", "g0")
    front = server.infer("tb_classification_cxr", "chest", harmonizer="cyclegan_cxr", project="g0").json()
    assert front["prediction"][0]["score"] == probability(server, image, tmp_path / "front") != found["score"]
    assert front["harmonizer"]["model"] == "cyclegan_cxr"
    assert front["harmonizer"]["certificates"][0]["guarantee_class"] == "G0"


@pytest.mark.parametrize(
    ("model", "image", "params", "status", "message"),
    [
        ("nothing_cxr", "chest", {}, 404, "no model 'nothing_cxr'"),
        ("tone_curve_cxr", "nothing", {}, 404, "no image 'nothing'"),
        ("tone_curve_cxr", "setup.cfg", {}, 404, "no image 'setup.cfg'"),
        ("tone_curve_cxr", "/", {}, 404, "no image '/'"),
        ("tone_curve_cxr", "broken", {}, 400, "broken.png: "),
        ("unit_cxr", "chest", {}, 400, "unit_cxr: there are no trained weights yet"),
        ("cyclegan_cxr", "chest", {"project": "site"}, 400, "project is 'site'; expected one of none, g0, g1."),
        ("cyclegan_cxr", "chest", {"project": "$__import__('os').abort()"}, 400, "expected one of none, g0, g1."),
        ("tb_classification_cxr", "chest", {"harmonizer": "adain_ct"}, 400, "harmonizer is 'adain_ct'; expected"),
        ("tb_classification_cxr", "chest", {"harmonizer": "../unit_cxr"}, 400, "harmonizer is '../unit_cxr'"),
        ("tb_classification_cxr", "chest", {"harmonizer": "unit_cxr"}, 400, "unit_cxr: there are no trained"),
        ("tone_curve_cxr", "chest", {"device": "quantum"}, 400, "device is 'quantum'; expected one of"),
        ("tone_curve_cxr", "chest", {"device": [["meta"]]}, 400, "device is [['meta']]; expected one of"),
        ("tone_curve_cxr", "/" + "x" * 5000, {}, 404, "no image '/xxx"),
    ],
)
def test_wrong_requests(server: Server, model: str, image: str, params: dict, status: int, message: str) -> None:
    answer = server.infer(model, image, **params)
    assert answer.status_code == status
    assert message in answer.json()["detail"]


def test_wrong_requests_to_other_end_points(server: Server) -> None:
    for path, message in (
        ("train/nothing_cxr", "there is no model 'nothing_cxr'; there are "),
        ("batch/infer/nothing_cxr", "there is no model 'nothing_cxr'"),
        ("activelearning/nothing", "no such strategy 'nothing'"),
    ):
        answer = server.post(path)
        assert answer.status_code == 404
        assert message in answer.json()["detail"]
    answer = server.post("activelearning/farthest_look", model="adain_ct")
    assert answer.status_code == 400
    assert "model is 'adain_ct'" in answer.json()["detail"]
    for path, body, message in (
        ("activelearning/first", {"strategy": ["x"]}, "strategy is ['x']"),
        ("activelearning/farthest_look", {"model": ["x"]}, "model is ['x']"),
        ("train/tone_curve_cxr?run_sync=true", {}, "is not trained on labels; those that can be: tb_class"),
        ("train/tb_classification_cxr?run_sync=true", {"max_epochs": "a"}, "max_epochs is 'a'"),
    ):
        answer = server.post(path, **body)
        assert answer.status_code == 400
        assert message in answer.json()["detail"]


def test_an_uploaded_file_needs_no_place_among_the_studies(server: Server, studies: Path) -> None:
    with (studies / "chest.png").open("rb") as content:
        answer = server.infer("tone_curve_cxr", "", "image", files={"file": ("mine.png", content)})
    assert answer.content == server.infer("tone_curve_cxr", "chest", "image").content


def test_a_session_holds_an_image(server: Server, studies: Path) -> None:
    with (studies / "chest.png").open("rb") as content:
        session = requests.put(f"{server.address}/session/", files={"files": ("mine.png", content)}, timeout=60).json()
    address = f"{server.address}/infer/tone_curve_cxr"
    asked = {"session_id": session["session_id"], "output": "image"}
    answer = requests.post(address, params=asked, data={"params": "{}"}, timeout=60)
    assert answer.content == server.infer("tone_curve_cxr", "chest", "image").content


def test_params_that_are_no_json(server: Server) -> None:
    asked = {"image": "chest", "output": "json"}
    for text in ("no", "[1]", "3", '"a"', "null"):
        address = f"{server.address}/infer/tone_curve_cxr"
        answer = requests.post(address, params=asked, data={"params": text}, timeout=60)
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith("params is no JSON object")
    assert requests.post(address, timeout=60).status_code == 400  # no image, no file


def test_answers_that_a_model_does_not_have(server: Server) -> None:
    for model, output, message in (
        ("tb_classification_cxr", "image", "answers with numbers, not with a file; ask with output=json"),
        ("tb_classification_cxr", "dicom_seg", "ask with output=json"),
        ("tone_curve_cxr", "dicom_seg", "answers with an image, not with a segmentation"),
    ):
        answer = server.infer(model, "chest", output)
        assert answer.status_code == 400
        assert message in answer.json()["detail"]
    assert server.infer("tb_classification_cxr", "chest", "all").json()["prediction"]


def test_a_batch_stores_what_it_makes(server: Server, studies: Path) -> None:
    found = server.post("batch/infer/tone_curve_cxr?run_sync=true", images=["chest", "broken", "nothing"]).json()
    assert found["chest"]["params"]["verdict"] in ("pass", "warn", "fail")
    assert (studies / "labels" / "tone_curve_cxr" / "chest.png").read_bytes() == server.infer(
        "tone_curve_cxr", "chest", "image"
    ).content
    assert found["broken"]["error"].startswith("broken.png: ")
    assert "no image 'nothing'" in found["nothing"]["error"]
    assert not server.get("datastore/")["label_tags"].get("final")
    found = server.post("batch/infer/tb_classification_cxr?run_sync=true", images=["chest"]).json()
    assert found["chest"]["params"]["prediction"] == server.infer("tb_classification_cxr", "chest").json()["prediction"]
    for wrong in ({"max_workers": "x"}, {"images": 3}, {"max_batch_size": -1}):
        assert server.post("batch/infer/tone_curve_cxr?run_sync=true", **wrong).status_code == 400


def test_uploads_strategy_and_training(server: Server, radiographs: list[Path], tmp_path: Path) -> None:
    """From an empty look to a model that was trained on the server; in one test, since each step needs the last."""
    asked = server.post("activelearning/farthest_look", model="tb_classification_cxr")
    assert asked.status_code == 400
    assert "no look of the training" in asked.json()["detail"]
    # Two flat images, one nearly as the labelled ones, the other far away; and one that is equally far.
    for name, level in (("near", 120), ("far", 250), ("also_far", 250)):
        Image.fromarray(np.full((64, 64), level, dtype=np.uint8)).save(tmp_path / f"{name}.png")
        server.upload(name, tmp_path / f"{name}.png")
    for number in range(8):
        level, label = 60 + 10 * (number % 2) + number, tmp_path / f"{number}.json"
        Image.fromarray(np.full((64, 64), level, dtype=np.uint8)).save(tmp_path / f"{number}.png")
        label.write_text(json.dumps({"label": number % 2}))
        server.upload(f"labelled_{number}", tmp_path / f"{number}.png")
        server.label(f"labelled_{number}", label)
    asked = server.post("activelearning/farthest_look", model="tb_classification_cxr").json()
    assert (asked["id"], asked["reference"], asked["unreadable"]) == ("also_far", "labelled images", 1)
    mean = np.mean([60 + 10 * (number % 2) + number for number in range(8)])
    assert asked["distance"] == pytest.approx((250 - mean) / 255, abs=2 / 256)

    weights = server.bundles / "tb_classification_cxr" / "models" / "model.pt"
    before, scored = weights.read_bytes(), server.infer("tb_classification_cxr", "chest").json()["prediction"]
    server.post("train/tb_classification_cxr", max_epochs=2, val_split=0.5, train_batch_size=2, pretrained=False)
    task = server.wait_for_training("DONE", "ERROR")
    assert task["status"] == "DONE", task["details"]
    assert weights.read_bytes() != before
    after = server.infer("tb_classification_cxr", "chest").json()
    assert after["prediction"] != scored
    stats = server.get("info/")["train_stats"]["tb_classification_cxr"]
    assert (stats["images"], stats["epoch"], stats["metric"]) == (8, 2, "auc")
    asked = server.post("activelearning/farthest_look", model="tb_classification_cxr").json()
    assert (asked["id"], asked["reference"]) == ("also_far", "look.json")

    # A label that is none: the training fails, in words, and the weights stay.
    before = weights.read_bytes()
    (tmp_path / "bad.json").write_text('{"label": "maybe"}')
    server.label("near", tmp_path / "bad.json")
    server.post("train/tb_classification_cxr", max_epochs=1)
    task = server.wait_for_training("DONE", "ERROR")
    assert task["status"] == "ERROR"
    assert "error: near.json: its label is 'maybe'" in "\n".join(task["details"])
    assert weights.read_bytes() == before
