"""The whole audit as one call: a trained bundle in, tables and report out."""

from __future__ import annotations

import copy
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from torch import Tensor, nn

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.weights import trained_settings, trained_weights
from monai_harmonize.evaluation.audit_report import render_audit_report
from monai_harmonize.networks import digest_of_weights
from monai_harmonize.phantoms import SITES
from monai_harmonize.phantoms.dicom_dx import Exposure, write_dx
from monai_harmonize.safety.audit import Audit, AuditRules, LesionPair, audit_measured, render_lesion_pairs
from monai_harmonize.safety.audit.audit import Harmonize

__all__ = ["AuditRun", "BundleHarmonizer", "run_audit"]

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class AuditRun:
    """What `run_audit` made.

    Args:
        report: the HTML page.
        audit: all numbers and the verdict.
    """

    report: Path
    audit: Audit


class BundleHarmonizer:
    """A trained harmonizer with the preprocessing and the inferer of its bundle.

    Args:
        bundle: folder of the bundle.
        checkpoint: its weights; `models/model.pt` of the bundle by default.
        overlays: further configurations, for example `filter`.

    Raises:
        InputError: a configuration or the weights are missing, or belong to another network.
    """

    def __init__(self, bundle: PathLike, checkpoint: PathLike | None = None, overlays: Sequence[str] = ()) -> None:
        self.bundle = Path(bundle)
        self.checkpoint = Path(checkpoint) if checkpoint is not None else self.bundle / "models" / "model.pt"
        configs = [self.bundle / "configs" / f"{name}.json" for name in ("inference", *overlays)]
        missing = [str(path) for path in (*configs, self.checkpoint) if not path.is_file()]
        if missing:
            raise InputError(f"{', '.join(missing)}: no such file; name a trained bundle and its weights.")
        parser = ConfigParser()
        parser.read_config([str(path) for path in configs])
        parser.read_meta(str(self.bundle / "configs" / "metadata.json"))
        settings = trained_settings(self.checkpoint) | {"bundle_root": str(self.bundle)}
        parser.update({**settings, "checkpoint": str(self.checkpoint), "device": "cpu"})
        self.metadata: dict[str, Any] = parser.get("_meta_")
        self.preprocessing: Any = parser.get_parsed_content("preprocessing")
        self.inferer: Any = parser.get_parsed_content("inferer")
        self.network: nn.Module = parser.get_parsed_content("network").eval()
        self.image_size = settings.get("image_size")
        trained_weights(self.checkpoint, self.network)

    def harmonize(self, image: Tensor) -> Tensor:
        """Source to target, `(1, 1, W, H)` on [-1, 1]."""
        return torch.as_tensor(self.inferer(image, self.network))

    def with_weights(self, checkpoint: PathLike) -> Harmonize:
        """The same bundle with the weights of another training."""
        network = copy.deepcopy(self.network)
        trained_weights(checkpoint, network)
        return lambda image: torch.as_tensor(self.inferer(image, network))

    def backward(self) -> Harmonize | None:
        """Target to source of a cycle network, from `model_b2a.pt` beside the weights; `None` without the file."""
        path = self.checkpoint.with_name("model_b2a.pt")
        return self.with_weights(path) if path.is_file() and path != self.checkpoint else None

    def load(self, pair: LesionPair, site: str) -> LesionPair:
        """The pair as the bundle's preprocessing loads it from the site's DICOM files."""
        with tempfile.TemporaryDirectory() as folder:
            images = [self._through_file(getattr(pair, kind), pair, site, Path(folder) / kind) for kind in KINDS]
        return replace(pair, ill=images[0], healthy=images[1])

    def _through_file(self, image: Any, pair: LesionPair, site: str, stem: Path) -> Any:
        path = stem.with_suffix(".dcm")
        exposure = Exposure(f"PHANTOM-{pair.name}", "F", pair.spacing, f"{pair.name}/{stem.name}")
        write_dx(path, np.ascontiguousarray((image.T + 1) / 2, np.float32), SITES[site], exposure)
        loaded: MetaTensor = self.preprocessing({"image": str(path)})["image"]
        return np.ascontiguousarray(loaded[0].as_subclass(Tensor).numpy(), np.float32)


KINDS = ("ill", "healthy")


def run_audit(
    bundle: PathLike,
    checkpoint: PathLike | None,
    output: PathLike,
    *,
    source_site: str = "site_a",
    patients: int = 48,
    size: int = 256,
    seed: int = 0,
    lesions: str = "tuberculosis",
    ensemble: Sequence[PathLike] = (),
    overlays: Sequence[str] = (),
    rules: AuditRules | None = None,
) -> AuditRun:
    """Audit a trained harmonizer on phantoms of its source site and write `audit.json` and `audit.html`.

    Args:
        bundle: folder of the bundle; its inference configuration gives network, inferer and preprocessing.
        checkpoint: weights; `None` takes `models/model.pt` of the bundle. A `model_b2a.pt` beside them is the
            backward network of the hidden-code test.
        output: folder, made if missing; each file is written whole or not at all.
        source_site: phantom site on which it was trained as the source.
        patients: rendered with and without a lesion.
        size: pixels per edge of the phantoms.
        seed: of the cohort; the default data's patients are others.
        lesions: "tuberculosis" or "conspicuous masses".
        ensemble: weights of further trainings of the same bundle.
        overlays: configurations after `inference`, for example `filter`.
        rules: what is allowed.

    Raises:
        InputError: weights or configurations are missing or do not fit, or an option is outside its values.
    """
    loaded = BundleHarmonizer(bundle, checkpoint, overlays)
    rendered = render_lesion_pairs(source_site, patients, size=size, seed=seed, lesions=lesions)
    pairs = [loaded.load(pair, source_site) for pair in rendered]
    found, audited = audit_measured(
        loaded.harmonize,
        pairs,
        backward=loaded.backward(),
        ensemble=[loaded.with_weights(path) for path in ensemble],
        rules=rules,
    )
    provenance = {
        "Bundle": f"{loaded.metadata['name']} {loaded.metadata['version']}",
        "Guarantee class": str(getattr(loaded.network, "guarantee_class", loaded.metadata["guarantee_class"])),
        "Weights": digest_of_weights(loaded.checkpoint),
        "Patients": f"{patients} phantoms of {source_site}, {size} x {size} pixels, {lesions}, seed {seed}",
    }
    folder = Path(output)
    record = {**json.loads(found.to_json()), "provenance": provenance}
    texts = {
        "audit.json": json.dumps(record, indent=4) + "\n",
        "audit.html": render_audit_report(found, audited, provenance),
    }
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return AuditRun(folder / "audit.html", found)
