"""The literal commands of the README, run from the repository root."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from monai.bundle import ConfigParser

CONFIGS = "bundles/unit_cxr/configs"
SMALL = ("--image_size", "32", "--network_def#channels", "4", "--network_def#num_blocks", "1")
SHORT = ("--epochs", "1", "--val_interval", "1")


def on(folder: Path) -> tuple[str, ...]:
    """Options of a small network on the images of a folder."""
    return ("--dataset_dir", str(folder), *SMALL)


def run(*arguments: str, launcher: tuple[str, ...] = ()) -> None:
    command = [sys.executable, *launcher, "-m", "monai.bundle", "run", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def parsed(*names: str) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config([f"{CONFIGS}/{name}.json" for name in names])
    return parser


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, chest_data: Path) -> Path:
    """Bundle root with a short training behind it."""
    root = tmp_path_factory.mktemp("bundle")
    run("--config_file", f"{CONFIGS}/train.json", "--bundle_root", str(root), *on(chest_data), *SHORT)
    return root


@pytest.mark.slow
def test_training_writes_both_translators_with_one_latent_space(bundle: Path) -> None:
    forth, back = (torch.load(bundle / "models" / name, weights_only=True) for name in ("model.pt", "model_b2a.pt"))
    assert forth.keys() == back.keys()
    assert all(isinstance(value, torch.Tensor) for value in forth.values())
    for name, value in forth.items():
        # Biases before an instance norm stay where they are.
        assert value.ndim < 2 or torch.equal(value, back[name]) == name.startswith("shared_"), name
    state = torch.load(bundle / "models" / "resume.pt", weights_only=True)
    assert state["trainer"]["epoch"] == 1


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
        certificate = json.loads(path.with_suffix(".certificate.json").read_text())
        assert certificate["guarantee_class"] == "G4"
        assert certificate["hidden_code"]["cycle_error"] > 0


@pytest.mark.long
def test_inference_does_not_depend_on_chance(bundle: Path, chest_data: Path, tmp_path: Path) -> None:
    pixels = []
    for place in ("one", "other"):
        run(
            "--config_file", f"{CONFIGS}/inference.json", "--bundle_root", str(bundle), *on(chest_data),
            "--output_dir", str(tmp_path / place),
        )  # fmt: skip
        pixels.append([pydicom.dcmread(path).pixel_array for path in sorted((tmp_path / place).rglob("*.dcm"))])
    assert len(pixels[0]) == 3
    for one, other in zip(*pixels, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_evaluate_writes_the_metrics(bundle: Path, chest_data: Path) -> None:
    configs = f"['{CONFIGS}/train.json', '{CONFIGS}/evaluate.json']"
    run("--config_file", configs, "--bundle_root", str(bundle), *on(chest_data))
    text = (bundle / "eval" / "metrics.csv").read_text()
    assert "site_distance" in text
    assert "ssim_to_input" in text


@pytest.mark.long
def test_a_projected_translation_keeps_the_promise_of_its_class(bundle: Path, chest_data: Path, tmp_path: Path) -> None:
    run(
        "--config_file", f"{CONFIGS}/inference.json", "--bundle_root", str(bundle), *on(chest_data),
        "--project", "g0", "--output_dir", str(tmp_path),
    )  # fmt: skip
    certificates = [json.loads(path.read_text()) for path in tmp_path.rglob("*.certificate.json")]
    assert [one["guarantee_class"] for one in certificates] == 3 * ["G0"]
    assert all(one["measures"]["residual_rms"] < 0.002 for one in certificates)


@pytest.mark.long
def test_two_processes_train(tmp_path: Path, chest_data: Path) -> None:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
    configs = f"['{CONFIGS}/train.json', '{CONFIGS}/multi_gpu_train.json']"
    run("--config_file", configs, "--bundle_root", str(tmp_path), *on(chest_data), *SHORT, launcher=launcher)
    state = torch.load(tmp_path / "models" / "resume.pt", weights_only=True)
    assert len(state["per_rank"]) == 2
    forth, back = state["shared"]["generator_ab"], state["shared"]["generator_ba"]
    assert all(torch.equal(value, back[name]) for name, value in forth.items() if name.startswith("shared_"))
    assert torch.load(tmp_path / "models" / "model.pt", weights_only=True).keys() == forth.keys()


def test_config_numbers_are_the_papers() -> None:
    config = parsed("train", "paper")
    assert (config.get("image_size"), config.get("learning_rate")) == (256, 1e-4)
    weights = config.get("loss_weights")
    lambdas = {"kl": 0.1, "cycle_kl": 0.1, "reconstruction": 100, "cycle": 100, "adversarial": 10, "discriminator": 10}
    assert all(value == lambdas[term.rsplit("_", 1)[0]] for term, value in weights.items())
    assert len(weights) == 12


def test_the_papers_translators_have_the_parameters_of_its_structure_and_share_two_blocks() -> None:
    config = parsed("train", "paper")
    forth, back = (config.get_parsed_content(name) for name in ("network_def", "generator_ba_def"))
    block = 2 * (256 * 256 * 9 + 256)
    ends = (49 * 64 + 64) + (64 * 128 * 9 + 128) + (128 * 256 * 9 + 256)
    ends += (256 * 128 * 9 + 128) + (128 * 64 * 9 + 64) + (64 * 49 + 1)
    own, shared = ends + 6 * block, 2 * block + 256 * 256 + 256
    assert sum(p.numel() for p in forth.parameters()) == own + shared
    trained = config.get_parsed_content("generator_optimizer").param_groups[0]["params"]
    assert sum(p.numel() for p in trained) == 2 * own + shared
    assert forth.shares_latent_space_with(back)


def test_weights_of_the_papers_training_fit_its_inference_overlay() -> None:
    networks = [
        (config.get("image_size"), config.get("network_def"))
        for config in (parsed("train", "paper"), parsed("inference", "paper_inference"))
    ]
    assert networks[0] == networks[1]
