"""The literal commands of the README, run from the repository root."""

import json
import subprocess
import sys
from pathlib import Path

import itk
import numpy as np
import pydicom
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.transforms import Compose
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from monai_harmonize.transforms import LoadRadiograph, ScaleGreyLevels

CONFIGS = "bundles/cyclegan_cxr/configs"
SMALL = ("--image_size", "32", "--network_def#channels", "4", "--network_def#num_blocks", "1")
SHORT = ("--epochs", "1", "--val_interval", "1")


def on(folder: Path) -> tuple[str, ...]:
    """Options of a small network on the images of a folder."""
    return ("--dataset_dir", str(folder), *SMALL)


def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", *arguments], capture_output=True, text=True, check=False
    )
    if check:
        assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, chest_data: Path) -> Path:
    """Bundle root with the default data inside and a short training behind it."""
    root = tmp_path_factory.mktemp("bundle")
    run("--config_file", f"{CONFIGS}/train.json", "--bundle_root", str(root), *on(chest_data), *SHORT)
    return root


@pytest.mark.slow
def test_training_writes_a_flat_model_and_a_resume_state(bundle: Path) -> None:
    for name in ("model.pt", "model_b2a.pt"):
        state = torch.load(bundle / "models" / name, weights_only=True)
        assert all(isinstance(value, torch.Tensor) for value in state.values())
    state = torch.load(bundle / "models" / "resume.pt", weights_only=True)
    assert state["trainer"]["epoch"] == 1
    assert json.loads((bundle / "models" / "watch.json").read_text())["state"] == "ended"
    scalars, images = logged(bundle / "eval")
    assert {"adversarial_ab", "cycle_a", "identity_b", "discriminator_a", "site_distance", "ssim_to_input"} <= scalars
    assert len(images) >= 2


def logged(folder: Path) -> tuple[set[str], set[str]]:
    """Names of the scalars and images that were written for TensorBoard."""
    scalars: set[str] = set()
    images: set[str] = set()
    for path in folder.glob("events.out.tfevents.*"):
        events = EventAccumulator(str(path)).Reload()
        scalars |= set(events.Tags()["scalars"])
        images |= set(events.Tags()["images"])
    return scalars, images


@pytest.mark.slow
@pytest.mark.parametrize(("overlay", "site"), [(None, "site_a"), ("inference_b2a", "site_b")])
def test_inference_writes_dicom_like_the_sources(
    bundle: Path, chest_data: Path, overlay: str | None, site: str
) -> None:
    files = [f"{CONFIGS}/inference.json", *([f"{CONFIGS}/{overlay}.json"] if overlay else [])]
    run("--config_file", str(files), "--bundle_root", str(bundle), *on(chest_data))
    output = bundle / ("harmonized_b2a" if overlay else "harmonized")
    written = sorted(output.rglob("*.dcm"))
    sources = sorted((chest_data / "test" / site).glob("*.dcm"))
    assert [path.name for path in written] == [path.name for path in sources]
    for path, source in zip(written, sources, strict=True):
        new, old = pydicom.dcmread(path), pydicom.dcmread(source)
        for keyword in ("Rows", "Columns", "BitsStored", "PhotometricInterpretation", "ImagerPixelSpacing"):
            assert new[keyword].value == old[keyword].value, keyword
        assert new.SOPInstanceUID != old.SOPInstanceUID
        assert new.ImageType[0] == "DERIVED"
        assert np.corrcoef(new.pixel_array.ravel(), old.pixel_array.ravel())[0, 1] > 0.5


@pytest.mark.slow
def test_evaluate_writes_the_metrics(bundle: Path, chest_data: Path) -> None:
    configs = f"['{CONFIGS}/train.json', '{CONFIGS}/evaluate.json']"
    run("--config_file", configs, "--bundle_root", str(bundle), *on(chest_data))
    text = (bundle / "eval" / "metrics.csv").read_text()
    assert "site_distance" in text
    assert "ssim_to_input" in text


@pytest.mark.long
@pytest.mark.parametrize("project", ["site", "g0", "g1"])
def test_a_projected_translation_keeps_the_promise_of_its_class(
    bundle: Path, chest_data: Path, tmp_path: Path, project: str
) -> None:
    run(
        "--config_file", f"{CONFIGS}/inference.json", "--bundle_root", str(bundle), *on(chest_data),
        "--project", project, "--output_dir", str(tmp_path),
    )  # fmt: skip
    certificates = [json.loads(path.read_text()) for path in tmp_path.rglob("*.certificate.json")]
    assert len(certificates) == 3
    for certificate in certificates:
        assert certificate["guarantee_class"] == ("G1" if project == "g1" else "G0")
        assert certificate["measures"]["gradient_agreement"] > 0.98
        if project != "g1":
            assert certificate["verdict"] == "pass"
            assert certificate["measures"]["residual_rms"] < 0.002


@pytest.mark.long
@pytest.mark.parametrize(("overlay", "guarantee_class"), [("bounded_grid", "G1"), ("bounded_residual", "G3")])
def test_a_bounded_generator_works_on_the_native_pixels_and_is_certified_as_its_class(
    overlay: str, guarantee_class: str, chest_data: Path, tmp_path: Path
) -> None:
    files = [f"{CONFIGS}/{name}.json" for name in ("inference", overlay, "bounded_inference")]
    parser = ConfigParser()
    parser.read_config(files)
    torch.manual_seed(0)
    network = parser.get_parsed_content("network_def").eval()
    for parameter in network.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    torch.save(network.state_dict(), tmp_path / "model.pt")
    # The size of the training is smaller than the images.
    where = ("--dataset_dir", str(chest_data), "--output_dir", str(tmp_path / "out"), "--image_size", "32")
    run("--config_file", str(files), *where, "--checkpoint", str(tmp_path / "model.pt"))
    certificates = [json.loads(path.read_text()) for path in tmp_path.rglob("*.certificate.json")]
    assert [one["guarantee_class"] for one in certificates] == 3 * [guarantee_class]
    load = Compose([LoadRadiograph(), ScaleGreyLevels()])
    for source in sorted((chest_data / "test" / "site_a").glob("*.dcm")):
        (written,) = (tmp_path / "out").rglob(source.name)
        with torch.no_grad():
            expected = network(load(source)[None].as_subclass(torch.Tensor))[0].clamp(-1, 1)
        assert (expected - load(source)).abs().mean() > 0.01
        # Half a level of 12 bits, and how the sum of a convolution may differ.
        torch.testing.assert_close(load(written).as_subclass(torch.Tensor), expected, atol=6e-4, rtol=0)


@pytest.mark.slow
def test_one_batch_of_good_and_bad_files(bundle: Path, chest_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    source = next((chest_data / "test" / "site_a").glob("*.dcm"))
    (folder / "good.dcm").write_bytes(source.read_bytes())
    (folder / "deep" / "good.dcm").write_bytes(source.read_bytes())
    (folder / "cut.dcm").write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    colour = pydicom.dcmread(source)
    colour.SamplesPerPixel, colour.PhotometricInterpretation, colour.PlanarConfiguration = 3, "RGB", 0
    colour.PixelData = colour.PixelData * 3
    colour.save_as(folder / "colour.dcm")
    for name, pixels in {
        "pixel.png": np.full((1, 1), 7, np.uint8),
        "constant.png": np.full((40, 40), 99, np.uint8),
        "odd.png": np.random.default_rng(0).integers(0, 65536, (37, 101)).astype(np.uint16),
        "tiny.png": np.arange(6, dtype=np.uint8).reshape(2, 3),
    }.items():
        Image.fromarray(pixels).save(folder / name)
    done = run(
        "--config_file", f"{CONFIGS}/inference.json", "--bundle_root", str(bundle), *SMALL,
        "--input", str(folder), "--output_dir", str(tmp_path / "out"), check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    written = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    images = {"good.dcm", "deep/good.dcm", "pixel.png", "constant.png", "odd.png", "tiny.png"}
    certificates = {str(Path(name).with_suffix(".certificate.json")) for name in images}
    pictures = {name for name in written if name.endswith(".certificate.png")}
    assert written == images | certificates | pictures | {"certificates.csv"}
    assert {"constant.certificate.png", "pixel.certificate.png"} <= pictures
    assert "cut.dcm" in done.stdout
    assert "colour.dcm" in done.stdout
    assert "2 of 8 files failed" in done.stdout
    record = json.loads((tmp_path / "out" / "odd.certificate.json").read_text())
    assert record["hidden_code"]["cycle_error"] > 0
    assert record["measures"]["hidden_code_amplification"] == record["hidden_code"]["amplification"]
    odd = np.asarray(Image.open(tmp_path / "out" / "odd.png"))
    assert odd.shape == (37, 101)
    assert odd.dtype.itemsize >= 2


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input", "{empty}"], "holds no DICOM, PNG"),
        (["--input", "{empty}/missing.dcm"], "missing.dcm"),
        (["--checkpoint", "{empty}/none.pt"], "there are no trained weights"),
        (["--manifest", "{manifest}"], "row 2"),
        (["--dataset_dir", "{data}", "--source_site", "site_x"], "site_a"),
        (["--dataset_dir", "{empty}"], "manifest.csv"),
        (["--input", "[]"], "no input is given"),
        (["--dataset_dir", "{data}", "--network_def#channels", "5"], "weights of another network"),
    ],
)
def test_wrong_input_is_one_clear_message(
    bundle: Path, chest_data: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "manifest.csv").write_text("file,site,split\nabsent.png,site_a,test\n")
    names = {"empty": tmp_path / "empty", "manifest": tmp_path / "manifest.csv", "data": chest_data}
    filled = [argument.format(**names) for argument in arguments]
    done = run(
        "--config_file", f"{CONFIGS}/inference.json", "--bundle_root", str(bundle), *SMALL, *filled, check=False
    )  # fmt: skip
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in (bundle / "models").glob(".*")} <= {".training.lock"}


@pytest.mark.long
def test_two_processes_train_with_ddp(tmp_path: Path, chest_data: Path) -> None:
    configs = f"['{CONFIGS}/train.json', '{CONFIGS}/multi_gpu_train.json']"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    options = ["--bundle_root", str(tmp_path), *on(chest_data), *SHORT]
    done = subprocess.run(
        [*launcher, "-m", "monai.bundle", "run", "--config_file", configs, *options],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    state = torch.load(tmp_path / "models" / "resume.pt", weights_only=True)
    assert len(state["per_rank"]) == 2
    assert not any(name.startswith("module.") for name in state["shared"]["generator_ab"])
    assert (
        torch.load(tmp_path / "models" / "model.pt", weights_only=True).keys() == state["shared"]["generator_ab"].keys()
    )


@pytest.mark.long
@pytest.mark.real_data
def test_real_radiograph_comes_out_right_way_up_with_dark_lungs(bundle: Path, real_data: Path, tmp_path: Path) -> None:
    source = real_data / "dicom" / "RG1_J2KI_CR_CHEST_philips.dcm"
    run(
        "--config_file", f"{CONFIGS}/inference.json", "--bundle_root", str(bundle), *SMALL,
        "--input", str(source), "--output_dir", str(tmp_path),
    )  # fmt: skip
    written = tmp_path / source.name
    new, old = pydicom.dcmread(written), pydicom.dcmread(source)
    assert (new.Rows, new.Columns, new.BitsStored) == (1955, 1841, 15)
    assert new.PhotometricInterpretation == "MONOCHROME1"
    pixels = new.pixel_array.astype(float)
    assert np.corrcoef(pixels[::8, ::8].ravel(), old.pixel_array[::8, ::8].ravel())[0, 1] > 0.9
    # MONOCHROME1: high stored values are shown dark, and lungs are dark.
    lung, spine = pixels[700:1000, 450:650].mean(), pixels[700:1000, 870:980].mean()
    assert lung > spine
    # ITK turns MONOCHROME1 while it reads.
    shown = np.squeeze(itk.array_from_image(itk.imread(str(written))))
    np.testing.assert_array_equal(shown, 2**15 - 1 - new.pixel_array)


def test_config_numbers_are_the_papers() -> None:
    paper = json.loads(Path(CONFIGS, "paper.json").read_text())
    assert (paper["image_size"], paper["epochs"], paper["decay_from"]) == (256, 200, 100)
    assert (paper["network_def#channels"], paper["network_def#num_blocks"]) == (64, 9)


def test_weights_of_the_papers_training_fit_its_inference_overlay() -> None:
    networks = []
    for files in (("train", "paper"), ("inference", "paper_inference")):
        parser = ConfigParser()
        parser.read_config([f"{CONFIGS}/{name}.json" for name in files])
        networks.append((parser.get("image_size"), parser.get("network_def")))
    assert networks[0] == networks[1]


def test_paired_and_unpaired_data_train_together(paired_data: Path, tmp_path: Path) -> None:
    files = [f"{CONFIGS}/{name}.json" for name in ("train", "paired_and_unpaired")]
    small = {"image_size": 32, "network_def#channels": 4, "network_def#num_blocks": 1, "epochs": 1, "val_interval": 1}
    where = {"dataset_dir": str(paired_data), "bundle_root": str(tmp_path)}
    workflow = ConfigWorkflow(files, workflow_type="train", logging_file=False, **small, **where)
    workflow.initialize()
    objective = workflow.parser.get_parsed_content("objective")
    assert objective.loss_weights["paired_a"] == objective.loss_weights["paired_b"] == objective.loss_weights["cycle_a"]
    workflow.run()
    scalars, _ = logged(tmp_path / "eval")
    assert {"paired_a", "paired_b", "cycle_a", "adversarial_ab"} <= scalars
    fingerprint = torch.load(tmp_path / "models" / "resume.pt", weights_only=True)["fingerprint"]
    assert fingerprint["pair_by"] == "patient"
