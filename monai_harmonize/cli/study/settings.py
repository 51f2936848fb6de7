"""Where a study works, on which images and seeds; what is kept of it, so that a second call goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from monai_harmonize.cli.study.definition import Definition
from monai_harmonize.cli.study.kept import keep_settings, records_digest
from monai_harmonize.cli.study.names import problem_of_name
from monai_harmonize.data import InputError
from monai_harmonize.data.inputs import Inputs
from monai_harmonize.data.manifest import Manifest
from monai_harmonize.evaluation.classification.study_folder import Direction, StudyFolder

__all__ = ["Study"]


@dataclass(frozen=True)
class Study(StudyFolder):
    """Everything that decides the results, and where they lie.

    Args:
        folder: of the study.
        manifest: labelled images of both sites with splits.
        root: folder that the manifest's relative paths start from.
        definition: classifier and methods.
        directions: what is brought where.
        seeds: one classifier each.
        splits: of the source site, to be tested.
        transductive: let the harmonizers train on the tested images, too, without their labels.
        seed: of the harmonizers.
    """

    manifest: Manifest
    root: Path
    definition: Definition
    directions: tuple[Direction, ...]
    seeds: tuple[int, ...]
    splits: tuple[str, ...] = ("test",)
    transductive: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise InputError(f"--seed: needs at least one, and none twice; got {list(self.seeds)}.")
        for site in self.sites:
            if problem := problem_of_name(site):
                raise InputError(f"site {site!r} {problem}; call it otherwise in {self.manifest.path}.")
        for direction in self.directions:
            if direction.source == direction.target:
                raise InputError(
                    f"--source-site and --target-site are both {direction.source}; name two of the sites "
                    f"{', '.join(self.manifest.sites)} of {self.manifest.path}."
                )
        if len({direction.folder for direction in self.directions}) < len(self.directions):
            raise InputError(
                f"both directions would go to {self.directions[0].folder}; call a site otherwise in "
                f"{self.manifest.path}, or give --one-direction."
            )

    @property
    def sites(self) -> tuple[str, ...]:
        """All sites, targets first."""
        named = [site for direction in self.directions for site in (direction.target, direction.source)]
        return tuple(dict.fromkeys(named))

    @property
    def targets(self) -> tuple[str, ...]:
        """Sites that classifiers learn at."""
        return tuple(dict.fromkeys(direction.target for direction in self.directions))

    def harmonizer_weights(self, method: str, direction: Direction) -> Path:
        """Weights of one harmonizer; one training may yield both directions."""
        reverse = self.definition.methods[method].reverse
        if reverse is None:
            return self.folder / "harmonizers" / method / direction.folder / "model.pt"
        first = self.directions[0]
        name = "model.pt" if direction == first else "model_b2a.pt"
        return self.folder / "harmonizers" / method / first.folder / name

    def inputs(self, direction: Direction) -> Inputs:
        """Images to be harmonized."""
        records = self.manifest.select(site=direction.source, split=self.splits)
        return Inputs([{"image": record["image"]} for record in records], self.root)

    def records_of_harmonizers(self) -> Manifest:
        """What harmonizers may train on: with ``transductive`` the tested images, too."""
        if not self.transductive:
            return self.manifest
        tested = [record for record in self.manifest.records if record.get("split") in self.splits]
        further = tuple({**record, "split": "train"} for record in tested if record["split"] != "train")
        return Manifest(self.manifest.path, (*self.manifest.records, *further))

    @property
    def saw_tested_images(self) -> bool:
        """Whether harmonizers that learn from the source site train, or choose weights, on images that are tested."""
        return self.transductive or not {"train", "validation"}.isdisjoint(self.splits)

    def begin(self) -> None:
        """Keep the study's settings in its folder.

        Raises:
            InputError: the folder holds a study of other images, whose results would mix with these, or damaged
                settings.
        """
        fixed = ("manifest", "root", "splits", "transductive", "harmonizer_seed", "classifier")
        keep_settings(self.settings_file, self.settings(), fixed, self.manifest)

    def settings(self) -> dict[str, Any]:
        """Content of ``study.json``, which the report reads."""
        return {
            "sites": list(self.sites),
            "directions": [[direction.source, direction.target] for direction in self.directions],
            "seeds": list(self.seeds),
            "harmonizer_seed": self.seed,
            "splits": list(self.splits),
            "target_split": "train",
            "manifest": str(self.manifest.path.absolute()),
            "root": str(self.root.absolute()),
            "records": {site: records_digest(self.manifest, site) for site in self.sites},
            "transductive": self.transductive,
            "classifier": as_json(asdict(self.definition.classifier)),
            "methods": {name: self.method_settings(name) for name in self.definition.methods},
        }

    def method_settings(self, name: str) -> dict[str, Any]:
        """What the report says of a method."""
        model = self.definition.methods[name]
        metadata = model.find().metadata
        return {
            "title": model.title,
            "guarantee_class": metadata["guarantee_class"],
            "bundle": f"{metadata['name']} {metadata['version']}",
            "overlays": list(model.overlays),
            "transductive": model.learns_from_source and self.saw_tested_images,
            "harmonizer_seeds": [self.seed],
        }


def as_json(value: Mapping[str, Any]) -> Any:
    """As JSON reads it back: no tuples."""
    return json.loads(json.dumps(value))
