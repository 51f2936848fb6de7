"""One model, several sites: any of them can be asked for, by the names that it was trained with."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from monai_harmonize.data import InputError
from monai_harmonize.engines import Harmonized, TrainingWatch
from monai_harmonize.engines.plain_errors import input_error_in
from monai_harmonize.engines.weights import trained_settings

CONFIGS = "bundles/stargan_cxr/configs"
# Another order than that of the defaults.
SITES = ["site_c", "site_a", "site_b"]
GENERATOR = {"channels": 4, "num_blocks": 1, "skip": False}
SMALL = {"image_size": 16, **{f"network_def#generator#{name}": value for name, value in GENERATOR.items()}}


def workflow(name: str, *overlays: str, **options: object) -> ConfigWorkflow:
    files = [f"{CONFIGS}/{one}.json" for one in (name, *overlays)]
    kind = "train" if name == "train" else "infer"
    return ConfigWorkflow(files, workflow_type=kind, logging_file=False, **(SMALL | options))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, three_sites: Path) -> Path:
    """Folder with the models of a training of some seconds; without the skip, as in the paper."""
    root = tmp_path_factory.mktemp("bundle")
    training = workflow(
        "train", dataset_dir=str(three_sites), bundle_root=str(root), sites=SITES, epochs=50, val_interval=25,
        batch_size=6, learning_rate=0.002,
    )  # fmt: skip
    run(training)
    return root


def run(started: ConfigWorkflow) -> None:
    started.initialize()
    started.run()


def curves(root: Path) -> dict[str, np.ndarray]:
    """What TensorBoard was told of each loss."""
    events = EventAccumulator(str(root / "eval")).Reload()
    return {name: np.array([event.value for event in events.Scalars(name)]) for name in events.Tags()["scalars"]}


@pytest.mark.long
def test_losses_behave_as_in_the_paper(folder: Path) -> None:
    """The critic learns the sites, images come back, and what the critic can tell apart becomes less."""
    told = curves(folder)
    estimate, real, back = (told[name] for name in ("critic_estimate", "domain_real", "reconstruction"))
    assert (len(estimate), len(back)) == (100, 50)
    # At chance among three sites the cross entropy is log 3.
    assert real[:5].mean() == pytest.approx(np.log(3), abs=0.05)
    assert real[-20:].mean() < 0.3 * np.log(3)
    assert back[-10:].mean() < 0.8 * back[:10].mean()
    highest = estimate[:-20].max()
    assert highest > 10 * abs(estimate[:5].mean())
    assert estimate[-20:].mean() < 0.4 * highest


@pytest.mark.long
def test_every_site_can_be_asked_for_by_its_name(folder: Path, three_sites: Path, tmp_path: Path) -> None:
    """Without the option `sites`: the numbers are those of the weights."""
    assert trained_settings(folder / "models" / "model.pt") == {"image_size": 16, "sites": SITES}
    source = next((three_sites / "test" / "site_b").glob("*.dcm"))
    written = {}
    for site in SITES:
        inference = workflow(
            "inference", bundle_root=str(folder), source_site="site_b", target_site=site, input=str(source),
            output_dir=str(tmp_path / site),
        )  # fmt: skip
        inference.initialize()
        assert inference.parser.get_parsed_content("network_def").target == SITES.index(site)
        inference.run()
        written[site] = pydicom.dcmread(tmp_path / site / source.name)
        record = json.loads((tmp_path / site / source.name).with_suffix(".certificate.json").read_text())
        # There and back with one network.
        assert record["hidden_code"]["cycle_error"] > 0
    old = pydicom.dcmread(source)
    assert len({new.SOPInstanceUID for new in [old, *written.values()]}) == 4
    assert len({new.PixelData for new in [old, *written.values()]}) == 4
    for site, new in written.items():
        assert (new.Rows, new.Columns, new.BitsStored) == (old.Rows, old.Columns, old.BitsStored)
        assert f"to {site}" in new.DerivationDescription


@pytest.mark.long
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"target_site": "site_x"},
            "target_site: 'site_x' is no site that this model knows; expected one of site_c, site_a, site_b",
        ),
        ({"source_site": "site_x", "input": "{input}"}, "source_site: 'site_x' is no site that this model knows"),
        ({"sites": ["site_a", "site_b", "site_c"]}, "trained with sites ['site_c', 'site_a', 'site_b'], not ['site_a'"),
        ({"image_size": 32}, "trained with image_size 16, not 32"),
    ],
)
def test_what_the_weights_do_not_know_is_refused(
    folder: Path, three_sites: Path, tmp_path: Path, options: dict, message: str
) -> None:
    given = {key: str(three_sites / "test") if value == "{input}" else value for key, value in options.items()}
    places = {"bundle_root": str(folder), "dataset_dir": str(three_sites), "output_dir": str(tmp_path)}
    with pytest.raises(RuntimeError) as caught:
        run(workflow("inference", **places, **given))
    cause = input_error_in(caught.value)
    assert isinstance(cause, InputError)
    assert message in str(cause)


@pytest.mark.long
def test_the_command_harmonize_asks_for_a_site(folder: Path, three_sites: Path, tmp_path: Path, cli) -> None:
    overlay = tmp_path / "small.json"
    overlay.write_text(json.dumps({name: value for name, value in SMALL.items() if name != "image_size"}))
    source = next((three_sites / "test" / "site_b").glob("*.dcm"))
    given = ("harmonize", source, "--bundle", "stargan_cxr", "--checkpoint", folder / "models", "--overlay", overlay)
    results = []
    for site in ("site_a", "site_c"):
        done = cli(*given, "--to", site, "--output", tmp_path / site)
        assert done.exit_code == 0, done.output
        results.append(pydicom.dcmread(tmp_path / site / source.name))
    assert results[0].SOPInstanceUID != results[1].SOPInstanceUID
    assert results[0].PixelData != results[1].PixelData
    done = cli(*given, "--to", "site_x", "--output", tmp_path / "x")
    assert done.exit_code == 2
    assert "'site_x' is no site that this model knows" in done.stderr
    network = Harmonized("bundles/stargan_cxr", folder / "models", [str(overlay)], {"target_site": "site_a"}).network
    assert (network.target, len(network.planes)) == (1, 3)


@pytest.mark.long
def test_evaluate_measures_every_pair_of_sites(folder: Path, three_sites: Path, tmp_path: Path) -> None:
    evaluation = workflow(
        "train", "evaluate", dataset_dir=str(three_sites), bundle_root=str(folder), sites=SITES,
        output_dir=str(tmp_path),
    )  # fmt: skip
    run(evaluation)
    table = pd.read_csv(tmp_path / "metrics.csv", header=None, index_col=0)[1]
    pairs = [f"{one}_to_{other}" for one in SITES for other in SITES if one != other]
    assert set(table.index) == {*pairs, "site_distance", "ssim_to_input"}
    assert table["site_distance"] == pytest.approx(table[pairs].astype(float).mean())


@pytest.mark.long
def test_two_processes_train_with_averaged_gradients(three_sites: Path, tmp_path: Path) -> None:
    configs = f"['{CONFIGS}/train.json', '{CONFIGS}/multi_gpu_train.json']"
    options = {**SMALL, "epochs": 1, "val_interval": 1, "batch_size": 2}
    given = {**options, "bundle_root": tmp_path, "dataset_dir": three_sites}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"),
            *("-m", "monai.bundle", "run", "--config_file", configs),
            *[str(part) for name, value in given.items() for part in (f"--{name}", value)],
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    state = torch.load(tmp_path / "models" / "resume.pt", weights_only=True)
    assert len(state["per_rank"]) == 2
    assert (
        torch.load(tmp_path / "models" / "model.pt", weights_only=True).keys() == state["shared"]["translator"].keys()
    )


def test_the_watch_looks_at_what_the_critics_step_translated(tmp_path: Path) -> None:
    training = workflow("train", ckpt_dir=str(tmp_path), output_dir=str(tmp_path))
    handlers = training.parser["train"]["handlers"]
    (place,) = (place for place, one in enumerate(handlers) if one["_target_"].endswith("TrainingWatch"))
    watch = training.parser.get_parsed_content(f"train#handlers#{place}")
    assert isinstance(watch, TrainingWatch)
    assert watch.pictures.outputs == {"translator": {"generated": "fake", "real": "image", "source": "image"}}
    assert watch.history.falling.keys() <= json.loads(Path(CONFIGS, "train.json").read_text())["loss_weights"].keys()


def test_config_numbers_are_the_papers() -> None:
    weights = json.loads(Path(CONFIGS, "train.json").read_text())["loss_weights"]
    assert (weights["domain"], weights["domain_real"], weights["reconstruction"]) == (1, 1, 10)
    assert weights["gradient_penalty"] == 10
    paper = json.loads(Path(CONFIGS, "paper.json").read_text())
    assert (paper["image_size"], paper["batch_size"], paper["generator_interval"]) == (128, 16, 5)
    assert (paper["learning_rate"], paper["network_def#generator#num_blocks"]) == (0.0001, 6)


def test_the_papers_training_has_200_000_iterations(three_sites: Path) -> None:
    parser = ConfigParser()
    parser.read_config([f"{CONFIGS}/train.json", f"{CONFIGS}/paper.json"])
    parser.update({"dataset_dir": str(three_sites), "cache_rate": 0.0, "num_workers": 0, "batch_size": 5})
    # 12 images are 3 batches of an epoch.
    assert parser.get_parsed_content("epochs") == 66667
    assert parser.get_parsed_content("decay_from") == 33333


def test_weights_of_the_papers_training_fit_its_inference_overlay() -> None:
    networks = []
    for files in (("train", "paper"), ("inference", "paper_inference")):
        parser = ConfigParser()
        parser.read_config([f"{CONFIGS}/{name}.json" for name in files])
        networks.append((parser.get("image_size"), parser.get("network_def")))
    assert networks[0] == networks[1]
