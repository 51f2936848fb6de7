"""What can be wrong with a bundle before it is used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from monai.bundle import ConfigParser

from monai_harmonize.data.tolerant import first_cause
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.engines.weights import save_weights, trained_weights
from monai_harmonize.phantoms import ensure_ct_dataset, ensure_spine_dataset, write_chest_dataset
from monai_harmonize.phantoms.default_data import SPINE_SITES

__all__ = ["problems_of"]

FILES = (
    *(f"configs/{name}.json" for name in ("metadata", "train", "inference", "evaluate", "multi_gpu_train")),
    "configs/logging.conf",
    "docs/README.md",
    "LICENSE",
)


def problems_of(bundle: Bundle) -> list[str]:
    """Missing files, broken JSON, missing MONAI properties, weights of another network; one sentence each."""
    problems = [*missing_files(bundle), *broken_json(bundle)]
    return problems or [*weight_problems(bundle), *property_problems(bundle)]


def missing_files(bundle: Bundle) -> Iterator[str]:
    """Files of the contract that are not there."""
    for name in FILES:
        if not (bundle.root / name).is_file():
            yield f"{name} is missing"


def broken_json(bundle: Bundle) -> Iterator[str]:
    """Configurations that cannot be parsed."""
    for path in sorted(bundle.root.glob("configs/*.json")):
        if error := json_error(path):
            yield f"configs/{path.name} is no JSON: {error}"


def json_error(path: Path) -> str | None:
    """What keeps a file from being JSON."""
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        return str(error)
    return None


def network_of(bundle: Bundle) -> torch.nn.Module:
    """The network that inference uses, with random weights."""
    parser = ConfigParser()
    parser.read_config(str(bundle.config("inference")))
    network: torch.nn.Module = parser.get_parsed_content("network_def")
    return network


def weight_problems(bundle: Bundle) -> Iterator[str]:
    """Weights that inference cannot load; none at all is no problem."""
    if not bundle.weights.is_file():
        return
    try:
        trained_weights(bundle.weights, network_of(bundle))
    except ValueError as error:
        yield str(error)


def few_phantoms(bundle: Bundle, folder: Path) -> Path:
    """Phantoms of the kind that the bundle trains on by default, with all sites, pairs and classes; the folder."""
    records = str(json.loads(bundle.config("train").read_text(encoding="utf-8")).get("records"))
    counts = {"train": 2, "validation": 2, "test": 1}
    options: dict[str, Any] = {"anatomies_per_site": counts, "workers": 1}
    volumes: dict[str, Any] = {**options, "shape": (24, 24, 8), "progress": False}
    if "SPINE." in records:
        ensure_spine_dataset(folder, sites=SPINE_SITES, spacing=(10.0, 10.0, 10.0), **volumes)
    elif "CT." in records:
        ensure_ct_dataset(folder, **volumes)
    else:
        write_chest_dataset(folder, size=64, shared=1.0, **options)
    return folder


def property_problems(bundle: Bundle) -> Iterator[str]:
    """Properties that MONAI asks for, looked up on a few small phantoms with random weights."""
    with TemporaryDirectory() as folder:
        data = few_phantoms(bundle, Path(folder) / "data")
        weights = save_weights(network_of(bundle), Path(folder) / "model.pt")
        for kind, options in (("train", {"ckpt_dir": folder}), ("inference", {"checkpoint": str(weights)})):
            given = {"dataset_dir": str(data), "output_dir": folder, **options}
            try:
                workflow = bundle.workflow(kind, (), given)
                workflow.initialize()
                missing = workflow.check_properties()
            except Exception as error:  # whatever a configuration raises is a finding
                yield f"configs/{kind}.json: {first_cause(error)}"
                continue
            if missing:
                yield f"configs/{kind}.json: MONAI's properties {', '.join(missing)} are missing or wrong"
