"""``harmonize --from``: each image by the model that was fitted to its site."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from monai_harmonize.cli.job import Job, refuse_inputs
from monai_harmonize.cli.messages import console
from monai_harmonize.cli.sites import print_origins
from monai_harmonize.cli.summary import Summary
from monai_harmonize.data import InputError
from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.inputs import Inputs
from monai_harmonize.data.output_paths import OutputPaths
from monai_harmonize.data.tolerant import Failure
from monai_harmonize.evaluation.site_origins import Group, looks_of, origins
from monai_harmonize.evaluation.site_origins_table import write_origins
from monai_harmonize.metrics.site_gallery import SiteGallery
from monai_harmonize.metrics.site_gallery_file import load_site_gallery
from monai_harmonize.metrics.site_look import SiteLook
from monai_harmonize.safety.certificate_table import CertificateTable
from monai_harmonize.safety.certificate_writer import TABLE_NAME, CertificateWriter

__all__ = ["AUTO", "LOOKS", "REPORT", "SOURCE", "TARGET", "FromUnknown", "Models", "harmonize_by_origin"]

AUTO = "auto"
# Beside the weights: the looks of both sites, by these names.
LOOKS, SOURCE, TARGET = "sites.json", "source", "target"
REPORT = "origins.csv"
# Targets of two fits are of one site unless they lie apart as far as this share of its own images.
SAME_TARGET = 0.05


class FromUnknown(str, Enum):
    """What becomes of images of a site for which there is no model."""

    refuse = "refuse"
    skip = "skip"
    nearest = "nearest"


@dataclass(frozen=True)
class Models:
    """Models of several source sites and one target: a folder with a subfolder for each source site.

    Args:
        folders: by the site's name.
    """

    folders: Mapping[str, Path]

    @classmethod
    def below(cls, folder: Path | None) -> Models:
        """Those of a folder.

        Raises:
            InputError: there is none.
        """
        if folder is None:
            raise InputError("--from: needs --checkpoint with a folder of models, a subfolder for each source site.")
        found = {path.parent.name: path.parent for path in sorted(folder.glob("*/model.pt"))}
        if not found:
            raise InputError(
                f"--checkpoint {folder}: holds no */model.pt. --from wants one model for each source site: "
                f"monai-harmonize fit --source A --target OURS --output {folder / 'A'}, and so on."
            )
        return cls(found)

    def of(self, site: str) -> Path:
        """Folder of one site's model.

        Raises:
            InputError: there is none.
        """
        if site not in self.folders:
            raise InputError(f"--from {site}: there is no such model; there are {', '.join(self.folders)}, and {AUTO}.")
        return self.folders[site]

    def gallery(self) -> tuple[SiteGallery, str]:
        """Looks of the source sites by name, and of their target, whose name comes second.

        Raises:
            InputError: a model has no looks, or the models have several targets.
        """
        sites, targets = {}, {}
        for name, folder in self.folders.items():
            if not (folder / LOOKS).is_file():
                raise InputError(
                    f"{folder}: has no {LOOKS}, by which its site is recognised. Fit it again with 20 images of each "
                    f"site or more, or: monai-harmonize sites learn MANIFEST --source-site {name} --target-site OURS "
                    f"--output {folder / LOOKS}"
                )
            looks = load_site_gallery(folder / LOOKS).sites
            if set(looks) != {SOURCE, TARGET}:
                raise InputError(f"{folder / LOOKS}: holds {', '.join(looks)}; expected {SOURCE} and {TARGET}.")
            sites[name], targets[name] = looks[SOURCE], looks[TARGET]
        chosen = max(targets, key=lambda name: targets[name].images)
        for name, look in targets.items():
            if not alike(targets[chosen], look):
                raise InputError(
                    f"{self.folders[name]} and {self.folders[chosen]}: have different target sites, and an image could "
                    "get either look. Keep models of one target in one folder."
                )
        target = TARGET
        while target in sites:
            target += "_site"
        return SiteGallery({**sites, target: targets[chosen]}), target


def alike(one: SiteLook, other: SiteLook) -> bool:
    """Whether two looks may be of one site."""
    return bool(one.p_value(other.mean, other.images) >= SAME_TARGET)


def harmonize_by_origin(
    models: Models,
    job_of: Callable[[Path, str], Job],
    known: Inputs,
    output: Path,
    *,
    grouping: str,
    level: float,
    unknown: FromUnknown,
    again: bool,
    copies: bool,
) -> Summary:
    """Recognise each image's site and harmonize it with the model of this site.

    Images that have the target's look already are copied byte by byte. What was decided of every image stands in
    ``origins.csv`` in the output folder.

    Args:
        models: by source site.
        job_of: the job of a model's folder and of its name.
        known: all images.
        output: folder of the results.
        grouping: see ``origins``.
        level: see ``origins``.
        unknown: what to do with images of a site for which there is no model.
        again: do finished images anew.
        copies: whether images of the target's look are copied; presentation states need no image.

    Raises:
        InputError: images of unknown origin that are to be refused, nothing is written then; or see ``Job.run``.
    """
    gallery, target = models.gallery()
    jobs = {name: job_of(folder, name) for name, folder in models.folders.items()}
    paths = OutputPaths(output, known.root)
    places = {Path(item["image"]): paths.path_for(Path(item["image"])) for item in known.items}
    refuse_inputs(places)
    looks, failures = looks_of(places)
    groups = origins(looks, gallery, grouping, level)
    print_origins(groups, failures)
    if unknown is FromUnknown.refuse:
        refuse_unknown(groups)
    chosen = {path: site_of(group, unknown) for group in groups for path in group.images}
    done = {path: "left out" if site is None else f"harmonized from {site}" for path, site in chosen.items()}
    done |= {path: "has the target's look" for path, site in chosen.items() if site == target}
    write_origins(groups, failures, output / REPORT, done)
    total = Summary(0, {}, 0, told(failures, done), 0.0)
    for name, job in jobs.items():
        own = [path for path, site in chosen.items() if site == name]
        if own and total.stopped is None:
            total += job.run(Inputs([{"image": str(path)} for path in own], known.root), output, again=again)
    same = [path for path, site in chosen.items() if site == target]
    if copies:
        forget_certificates(output, [places[path] for path in same])
    for path in same if copies else ():
        with atomic_path(places[path]) as temporary:
            shutil.copyfile(path, temporary)
    if same:
        console.print(f"{len(same)} images have the target's look already{' and were copied' if copies else ''}.")
    console.print(f"Origins: {output / REPORT}")
    return total + Summary(len(places) - total.images, {}, 0, [], 0.0)


def forget_certificates(output: Path, results: Sequence[Path]) -> None:
    """Remove what an earlier run certified of files in whose place a copy comes, which was not harmonized."""
    CertificateTable(output / TABLE_NAME).drop({path.relative_to(output).as_posix() for path in results})
    names = CertificateWriter("pred", output)
    for path in results:
        for ending in (".certificate.json", ".certificate.png"):
            names.beside(path, ending).unlink(missing_ok=True)


def site_of(group: Group, unknown: FromUnknown) -> str | None:
    """Site by whose model a group is harmonized."""
    return group.origin.nearest if unknown is FromUnknown.nearest else group.origin.site


def told(failures: Sequence[Failure], done: Mapping[Path, str]) -> list[str]:
    """What failed before anything was harmonized, one line for each image."""
    left = [f"{path}: is of none of the sites" for path, what in done.items() if what == "left out"]
    return [*map(str, failures), *left]


def refuse_unknown(groups: Sequence[Group]) -> None:
    """Raise ``InputError`` for groups of unknown origin."""
    lines = []
    for number, group in enumerate(groups, start=1):
        told = group.origin
        if told.site is None:
            turned = "" if told.turned is None else f"; turned, bright for dark, they would be of {told.turned}"
            near = f"nearest is {told.nearest}, p = {told.p_value:.3f}{turned}"
            lines.append(f"group {number}, {len(group.images)} images from {group.images[0]} on: {near}")
    if lines:
        raise InputError(
            "images of none of the sites: " + "; ".join(lines) + ". Nothing was written. Fit a model to this site "
            "(monai-harmonize fit), or leave these images out with --from-unknown skip, or take the nearest site's "
            "model with --from-unknown nearest and look at the results."
        )
