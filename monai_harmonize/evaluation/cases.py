"""Which files belong together: source image, harmonized twin, paired truth and a template of the target.

Items are manifest records: mappings with `image`, the path of a file, and whatever else the reader needs to
know of it (`polarity`).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.manifest import Manifest

__all__ = ["Case", "Pairing", "pair_files", "pair_manifest"]

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One image of the source site with what it is compared with.

    Args:
        name: path of the source image below its folder; identifies the case in every table.
        group: patient; images of one patient are resampled together.
        source: the image as the source site made it.
        harmonized: the same image after harmonization.
        template: the image of the target site that histogram matching imitates.
        truth: the same anatomy as the target site would have shown it, where that exists.
    """

    name: str
    group: str
    source: Item
    harmonized: Item
    template: Item
    truth: Item | None = None


@dataclass(frozen=True)
class Pairing:
    """All files of an evaluation.

    Args:
        cases: source images that have a harmonized file.
        targets: images of the target site.
        missing: names of source images without a harmonized file.
    """

    cases: tuple[Case, ...]
    targets: tuple[Item, ...]
    missing: tuple[str, ...] = ()


def pair_manifest(
    manifest: Manifest,
    harmonized_dir: Path,
    *,
    root: Path,
    source_site: str,
    target_site: str,
    split: str | Sequence[str] = "test",
    seed: int = 0,
) -> Pairing:
    """Cases of one split of a manifest.

    The harmonized file has the source file's path below `root`, inside `harmonized_dir`. Paired truth is the
    record of split ``truth`` at the target site with the same `anatomy`. Templates for histogram matching
    come from the target's training images, so that the baseline does not see the images it is measured
    against; without any, from `split`.

    Args:
        manifest: with splits.
        harmonized_dir: what inference wrote.
        root: folder that the harmonized files' relative paths start from.
        source_site: site of the harmonized images.
        target_site: site they were brought to.
        split: splits of both sites to compare.
        seed: draws the templates.

    Raises:
        InputError: two source files share one relative path, or no harmonized file exists at all.
        ManifestError: a site or the split has no image.
    """
    sources = manifest.select(site=source_site, split=split)
    targets = manifest.select(site=target_site, split=split)
    templates = manifest.select(site=target_site, split="train", allow_empty=True) or targets
    truths = manifest.select(site=target_site, split="truth", allow_empty=True)
    truth_of = {str(record["anatomy"]): record for record in truths if "anatomy" in record}
    names = [_relative_name(record["image"], root) for record in sources]
    truth = [truth_of.get(str(record["anatomy"])) if "anatomy" in record else None for record in sources]
    twins = [harmonized_dir / name for name in names]
    candidates = list(zip(names, sources, twins, truth, strict=True))
    return _pairing(candidates, targets, templates, seed)


def pair_files(
    sources: Sequence[Path],
    harmonized: Sequence[Path],
    targets: Sequence[Path],
    *,
    truth: Mapping[Path, Path] | None = None,
    templates: Sequence[Path] | None = None,
    seed: int = 0,
) -> Pairing:
    """Cases of plain file lists; a harmonized file belongs to the source file with the same stem.

    Args:
        sources: images of the source site.
        harmonized: what inference made of them.
        targets: images of the target site to compare with.
        truth: source file to its paired truth.
        templates: target images for histogram matching; `targets` by default.
        seed: draws the templates.

    Raises:
        InputError: two files of one list share a stem, or no source has a harmonized file.
    """
    names = [path.stem for path in sources]
    by_stem = {path.stem: path for path in harmonized}
    _refuse_repeats([path.stem for path in harmonized])
    twins = [by_stem.get(name, Path(f"{name} (no file with this stem)")) for name in names]
    pairs = truth or {}
    truths = [{"image": str(pairs[path])} if path in pairs else None for path in sources]
    source_items, target_items, template_items = (
        [{"image": str(path)} for path in paths] for paths in (sources, targets, templates or targets)
    )
    candidates = list(zip(names, source_items, twins, truths, strict=True))
    return _pairing(candidates, target_items, template_items, seed)


def _pairing(
    candidates: Sequence[tuple[str, Item, Path, Item | None]],
    targets: Sequence[Item],
    templates: Sequence[Item],
    seed: int,
) -> Pairing:
    _refuse_repeats([name for name, *_ in candidates])
    if not candidates or not targets:
        raise InputError("both sites need at least one image; one of the two lists is empty")
    drawn = np.random.default_rng(seed).integers(len(templates), size=len(candidates))
    cases, missing = [], []
    for (name, source, twin, truth), draw in zip(candidates, drawn, strict=True):
        if not twin.is_file():
            missing.append(name)
            continue
        # The writer keeps polarity and format of the source, so its record describes the harmonized file too.
        output = {**source, "image": str(twin)}
        cases.append(Case(name, str(source.get("patient", name)), source, output, templates[draw], truth))
    if not cases:
        raise InputError(
            f"none of {len(candidates)} source images has a harmonized file; the first one looked for is "
            f"{candidates[0][2]}"
        )
    return Pairing(tuple(cases), tuple(targets), tuple(missing))


def _relative_name(path: str, root: Path) -> str:
    relative = os.path.relpath(path, root)
    return os.path.basename(path) if relative.startswith(os.pardir) else Path(relative).as_posix()


def _refuse_repeats(names: Sequence[str]) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise InputError(f"several files are called {repeated[0]!r}, so pairs cannot be told apart; rename them")
