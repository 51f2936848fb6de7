"""Every bundle keeps MONAI's rules and ours (DESIGN: contract of a bundle)."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import onnxruntime
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow, ckpt_export, onnx_export, verify_metadata, verify_net_in_out

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines import Harmonized
from monai_harmonize.phantoms.default_data import DefaultData

BUNDLES = sorted(path.parent.parent for path in Path("bundles").glob("*/configs/train.json"))
FILES = (
    "configs/metadata.json",
    "configs/train.json",
    "configs/inference.json",
    "configs/evaluate.json",
    "configs/multi_gpu_train.json",
    "configs/logging.conf",
    "docs/README.md",
    "LICENSE",
)
# What MONAI Label looks for in the name of a model that reads images; all other bundles change images, or draw them.
READING_TASKS = ("_segmentation", "_classification")
# Entries of training that a resumed one may change: places (how many images were found there is compared), means of
# computing, how often is validated; ``ResumeHandler`` itself compares the number of processes.
FREE = {"bundle_root", "ckpt_dir", "output_dir", "dataset_dir", "manifest", "records"}
FREE |= {"device", "rank", "world_size", "num_workers", "cache_rate", "val_interval"}
# Refuses images or not, and changes none.
FREE |= {"check_unit"}
# Looks on, and changes no bit.
FREE |= {"watch"}
# Entries that are no options.
SECTIONS = {"imports", "_desc_", "initialize", "run", "finalize", "train", "validate"}
pytestmark = pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name)


def load(bundle: Path, name: str) -> dict:
    return json.loads((bundle / "configs" / f"{name}.json").read_text())


def draws(bundle: Path) -> bool:
    """Whether a bundle draws images from latent codes."""
    return load(bundle, "metadata")["network_data_format"]["inputs"]["image"]["format"] == "latent"


def several_images(bundle: Path) -> bool:
    """Whether a bundle makes one image of several of a patient, each a channel of its network's input."""
    tensors = load(bundle, "metadata")["network_data_format"]
    return not draws(bundle) and tensors["inputs"]["image"]["num_channels"] > tensors["outputs"]["pred"]["num_channels"]


@pytest.fixture
def data(bundle: Path, request: pytest.FixtureRequest) -> Path:
    """Images of the sites that the bundle asks for by default."""
    config = load(bundle, "train")
    names = {"SPINE.": "spine_data", "$PAIRED.": "paired_data", "$EVERYWHERE.": "everywhere_data"}
    default = "three_sites" if "sites" in config else "chest_data"
    records = json.dumps(config["records"])
    return request.getfixturevalue(next((name for mark, name in names.items() if mark in records), default))


@pytest.fixture
def trained(bundle: Path, tmp_path: Path) -> Path:
    """Random weights of the bundle's network, one flat state dict."""
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    torch.manual_seed(0)
    path = tmp_path / "model.pt"
    torch.save(parser.get_parsed_content("network_def").state_dict(), path)
    return path


def test_files(bundle: Path) -> None:
    assert [name for name in FILES if not (bundle / name).is_file()] == []
    assert not list(bundle.rglob("*.py"))


def test_json_is_pretty_printed(bundle: Path) -> None:
    for path in bundle.glob("configs/*.json"):
        text = path.read_text()
        assert text == json.dumps(json.loads(text), indent=4, ensure_ascii=False) + "\n", path


def test_metadata(bundle: Path) -> None:
    metadata = load(bundle, "metadata")
    assert metadata["name"] == bundle.name
    assert metadata["version"] in metadata["changelog"]
    if any(task in bundle.name for task in READING_TASKS) or draws(bundle):
        assert "guarantee_class" not in metadata
    else:
        assert metadata["guarantee_class"] in ("G0", "G1", "G2", "G3", "G4")
    for tensor in (
        metadata["network_data_format"]["inputs"]["image"],
        metadata["network_data_format"]["outputs"]["pred"],
    ):
        assert all(isinstance(size, int) for size in tensor["spatial_shape"])


def test_metadata_fits_the_schema(bundle: Path, real_data: Path) -> None:
    # An existing schema file is not downloaded again, so this works without a network.
    schema = real_data / "monai" / "meta_schema_20240725.json"
    verify_metadata(meta_file=str(bundle / "configs" / "metadata.json"), filepath=str(schema))


def test_root_is_the_bundle_and_every_path_derives_from_it(bundle: Path) -> None:
    for name in ("train", "inference"):
        config = load(bundle, name)
        assert config["bundle_root"] == str(bundle)
        rest = json.dumps({key: value for key, value in config.items() if key != "bundle_root"})
        assert "bundles/" not in rest


@pytest.mark.parametrize("name", ["train", "inference"])
def test_properties(bundle: Path, name: str, data: Path, trained: Path, tmp_path: Path) -> None:
    workflow = ConfigWorkflow(
        config_file=str(bundle / "configs" / f"{name}.json"),
        workflow_type=name,
        logging_file=False,
        dataset_dir=str(data),
        output_dir=str(tmp_path / "out"),
        **({"ckpt_dir": str(tmp_path)} if name == "train" else {"checkpoint": str(trained)}),
    )
    workflow.initialize()
    assert workflow.check_properties() == []


def test_network_fits_the_metadata(bundle: Path) -> None:
    configs = bundle / "configs"
    verify_net_in_out(
        net_id="network_def", meta_file=str(configs / "metadata.json"), config_file=str(configs / "inference.json")
    )


def test_exported_torchscript_computes_the_same(bundle: Path, trained: Path, tmp_path: Path) -> None:
    configs = bundle / "configs"
    ckpt_export(
        net_id="network_def",
        filepath=str(tmp_path / "model.ts"),
        ckpt_file=str(trained),
        meta_file=str(configs / "metadata.json"),
        config_file=str(configs / "inference.json"),
        bundle_root=str(bundle),
    )
    network = restored(bundle, trained)
    image = random_input(bundle)
    torch.testing.assert_close(torch.jit.load(tmp_path / "model.ts").eval()(image), network(image))


@pytest.mark.long
def test_exported_onnx_computes_the_same(bundle: Path, trained: Path, tmp_path: Path) -> None:
    configs = bundle / "configs"
    onnx_export(
        net_id="network_def",
        filepath=str(tmp_path / "model.onnx"),
        ckpt_file=str(trained),
        meta_file=str(configs / "metadata.json"),
        config_file=str(configs / "inference.json"),
    )
    image = random_input(bundle)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    (output,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
    torch.testing.assert_close(torch.from_numpy(output), restored(bundle, trained)(image), atol=1e-4, rtol=1e-4)


def test_a_harmonizer_is_a_transform_that_needs_no_data(bundle: Path, trained: Path, monkeypatch) -> None:
    if "guarantee_class" not in load(bundle, "metadata"):
        with pytest.raises(InputError, match="is no harmonizer"):
            Harmonized(bundle, trained)
        return

    if several_images(bundle):
        with pytest.raises(InputError, match="works on several images of a patient at once"):
            Harmonized(bundle, trained)
        return

    def forbid(*_: object) -> None:
        raise AssertionError("a data set is touched")

    monkeypatch.setattr(DefaultData, "manifest", forbid)
    image = random_input(bundle)[0]
    result = Harmonized(bundle, trained)(image)
    assert result.shape == image.shape
    assert result.isfinite().all()


def test_a_failed_certificate_can_decide(bundle: Path) -> None:
    """Every harmonizer has ``on_fail``; its run ends with the exit code that tells of it, or of a bad file."""
    config = load(bundle, "inference")
    if "guarantee_class" not in load(bundle, "metadata"):
        assert "on_fail" not in config
        return
    assert config["on_fail"] == "write"
    steps = [step["_target_"].split(".")[-1] for step in config["postprocessing"]["transforms"]]
    assert [name for name in steps if "Certif" in name] == ["CertifyHarmonizedd", "SaveCertified", "CertificateWriter"]
    assert {"_target_": "monai_harmonize.safety.StopOnFail", "_disabled_": "$@on_fail != 'stop'"} in config["handlers"]
    assert config["finalize"] == ["$sys.exit(@evaluator.exit_code) if @evaluator.exit_code else None"]


def random_input(bundle: Path) -> torch.Tensor:
    """Image, or latent code, of the size that the metadata name, within [-1, 1]."""
    image = load(bundle, "metadata")["network_data_format"]["inputs"]["image"]
    return 2 * torch.rand(1, image["num_channels"], *image["spatial_shape"]) - 1


def restored(bundle: Path, weights: Path) -> torch.nn.Module:
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    network = parser.get_parsed_content("network_def")
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.requires_grad_(False)
    return network.eval()


def test_networks_of_training_and_inference_agree(bundle: Path) -> None:
    assert load(bundle, "train")["network_def"] == load(bundle, "inference")["network_def"]
    assert load(bundle, "train").get("image_size") == load(bundle, "inference").get("image_size")


def references(value: object) -> set[str]:
    """Top-level entries that a part of a configuration refers to."""
    return set(re.findall(r"[@%](\w+)", json.dumps(value)))


def fingerprints(value: object) -> Iterator[object]:
    """All entries of the name, at any depth."""
    if isinstance(value, dict):
        yield from (child for name, child in value.items() if name == "fingerprint")
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from fingerprints(child)


def options_of(config: dict) -> set[str]:
    """Entries that are values, or expressions of values; not objects and what is made of them."""
    options = set(config) - SECTIONS
    while True:
        objects = {
            name
            for name in options
            if '"_target_"' in json.dumps(config[name]) or references(config[name]) & (set(config) - SECTIONS - options)
        }
        if not objects:
            return options
        options -= objects


def test_a_resumed_training_compares_every_option(bundle: Path) -> None:
    """An option counts as compared with one that is made of it, or with all that it is made of."""
    overlays = {path for path in bundle.glob("configs/*.json") if "Overlay of train.json" in path.read_text()}
    for overlay in [None, *sorted(overlays - {bundle / "configs" / "evaluate.json"})]:
        files = [bundle / "configs" / "train.json", *([overlay] if overlay else [])]
        config = ConfigParser.load_config_files([str(file) for file in files])
        found = list(fingerprints(config))
        assert bool(found) == ("ResumeHandler" in json.dumps(config))
        if not found:
            continue
        options, compared = options_of(config), references(found) | FREE
        for _ in options:
            compared |= {part for name in (compared & options) - FREE for part in references(config[name])}
            compared |= {name for name in options if references(config[name]) and references(config[name]) <= compared}
        assert options - compared == set(), overlay


def test_documented_files_exist(bundle: Path) -> None:
    text = (bundle / "docs" / "README.md").read_text()
    for name in re.findall(r"configs/(\w+\.json)", text):
        assert os.path.isfile(bundle / "configs" / name), name
