"""Where a style study works, on which images and seeds; what is kept of it, so that a second call goes on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from monai_harmonize.cli.study.kept import keep_settings, records_digest
from monai_harmonize.cli.study.names import problem_of_name
from monai_harmonize.cli.style_study.definition import Sites, StyleDefinition
from monai_harmonize.data import InputError
from monai_harmonize.data.manifest import Manifest
from monai_harmonize.data.patient_split import Record
from monai_harmonize.evaluation.style.study_folder import StyleStudyFolder

__all__ = ["StyleStudy"]

# Patients of other sites' test splits, shown in a look, are tested there, too.
TESTED = ("test", "truth")


@dataclass(frozen=True)
class StyleStudy(StyleStudyFolder):
    """Everything that decides the results, and where they lie.

    Args:
        folder: of the study.
        manifest: CT of all looks with label maps and splits.
        root: folder that the manifest's relative paths start from.
        definition: what is compared.
        sites: looks.
        seeds: one segmentation network of each kind each.
        style_seed: of the style transfer networks and the classifier of looks.
        lpips_weights: of AlexNet, a file or a name of torchvision's; without it the distance has a random backbone.
        inception_weights: of Inception-v3, the same; without it the classifier of looks is a small DenseNet.
    """

    manifest: Manifest
    root: Path
    definition: StyleDefinition
    sites: Sites
    seeds: tuple[int, ...] = (0,)
    style_seed: int = 0
    lpips_weights: str | None = None
    inception_weights: str | None = None

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise InputError(f"--seed: needs at least one, and none twice; got {list(self.seeds)}.")
        if not self.sites.shifted:
            raise InputError("--shifted: needs one look at least, which the methods learn.")
        if len(set(self.sites.all)) < len(self.sites.all):
            raise InputError(
                f"--home, --shifted and --unseen name a site twice: {', '.join(self.sites.all)}; the sites of "
                f"{self.manifest.path} are {', '.join(self.manifest.sites)}."
            )
        for site in self.sites.all:
            if problem := problem_of_name(site):
                raise InputError(f"site {site!r} {problem}; call it otherwise in {self.manifest.path}.")

    def tested(self, look: str) -> list[Record]:
        """Records of a look on which segmentation is tested."""
        return self.manifest.select(site=look, split=TESTED)

    def home_cases(self) -> list[Record]:
        """Records of home test patients in the home look."""
        return self.manifest.select(site=self.sites.home, split="test")

    def cases(self, look: str) -> list[Record]:
        """Records to be brought to the home look: the home test patients where they are shown in it, else its own."""
        patients = {record.get("patient") for record in self.home_cases()} - {None}
        shown = [
            record
            for record in self.manifest.select(site=look, split="truth", allow_empty=True)
            if record.get("patient") in patients
        ]
        return shown or self.manifest.select(site=look, split="test")

    def looks_of(self, method: str) -> list[str | None]:
        """Looks that a method has a network for; ``None`` for one of all."""
        return [*self.sites.known] if method in self.definition.one_look_each else [None]

    def parts(self, network: tuple[str, str]) -> list[Path]:
        """Weights of a style transfer network: one file, or one for each known look."""
        return [self.style_weights(*network, look) for look in self.looks_of(network[0])]

    def records_of_styles(self) -> Manifest:
        """What style transfer learns from: training splits, and one validation volume of each known look.

        A distance between sites cannot rank networks of several styles, so the last pass is what counts.
        """
        kept = self.manifest.select(site=self.sites.known, split="train")
        kept += [self.manifest.select(site=look, split="validation")[0] for look in self.sites.known]
        return Manifest(self.manifest.path, tuple(kept))

    def begin(self) -> None:
        """Keep the study's settings in its folder.

        Raises:
            InputError: the folder holds a study of other images, whose results would mix with these, or damaged
                settings.
        """
        fixed = ("manifest", "root", "sites", "style_seed")
        keep_settings(self.settings_file, self.settings(), fixed, self.manifest)

    def settings(self) -> dict[str, Any]:
        """Content of ``study.json``, which the report reads."""
        definition = self.definition
        kept: dict[str, Any] = {
            "manifest": str(self.manifest.path.absolute()),
            "root": str(self.root.absolute()),
            "sites": asdict(self.sites),
            "seeds": list(self.seeds),
            "style_seed": self.style_seed,
            "slices": definition.slices,
            "lpips_weights": self.lpips_weights,
            "inception_weights": self.inception_weights,
            "records": {site: records_digest(self.manifest, site) for site in self.sites.all},
            "methods": {name: model.title for name, model in definition.methods.items()},
            "extractors": list(definition.extractors),
            "networks": definition.networks,
            "kinds": {kind: definition.segmentation_model(kind).title for kind in definition.kinds},
        }
        # As JSON reads it back: no tuples.
        return dict(json.loads(json.dumps(kept)))
