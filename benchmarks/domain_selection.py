"""How well sites are recognised, and images of a site that is not known: per image, per batch, in mixed folders.

python benchmarks/domain_selection.py --manifest $MONAI_HARMONIZE_DATA/cxr_manifest.csv

Without a manifest: the embedded phantoms, and for the question of disease those with tuberculosis. The patients of
every site are dealt at random into two halves, one to learn the sites from and one to ask about; this is repeated.
A number is the mean over the deals, with the range of the middle 95 % of them in brackets. "Unknown" is asked by
learning all sites but one and asking about the images of that one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from monai.utils import set_determinism
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.evaluation.site_origins import look_of_file
from monai_harmonize.metrics import site_look
from monai_harmonize.metrics.look_groups import look_groups
from monai_harmonize.metrics.site_gallery import LEVEL, Origin, SiteGallery
from monai_harmonize.metrics.site_look import FEWEST_IMAGES, SiteLook
from monai_harmonize.phantoms.default_data import CHEST, TUBERCULOSIS

Array = NDArray[np.float64]
COUNTS = (1, 5, 20)
DRAWS = 40


@dataclass(frozen=True)
class Images:
    """Summaries of images of one site, ``(N, F)``, their patients and labels, ``(N,)``."""

    looks: Array
    patients: NDArray[np.str_]
    labels: NDArray[np.str_]

    def where(self, chosen: NDArray[np.bool_]) -> Images:
        """Some of them."""
        return Images(self.looks[chosen], self.patients[chosen], self.labels[chosen])

    def halves(self, rng: np.random.Generator) -> tuple[Images, Images]:
        """Two parts without a common patient."""
        names = np.unique(self.patients)
        first = np.isin(self.patients, rng.permutation(names)[: len(names) // 2])
        return self.where(first), self.where(~first)

    def batches(self, count: int, rng: np.random.Generator) -> Iterator[Array]:
        """Every image, or batches of ``count`` drawn at random; none of a site that has fewer."""
        if count == 1:
            yield from self.looks[:, None]
        elif len(self.looks) >= count:
            for _ in range(DRAWS):
                yield self.looks[rng.choice(len(self.looks), count, replace=False)]

    @property
    def look(self) -> SiteLook:
        """Learned from these images."""
        return SiteLook.fit(self.looks, self.patients.tolist())


def read(everything: Sequence[Mapping[str, Any]]) -> dict[str, Images]:
    """Images of each site, those aside that serve as paired truth."""
    records = [record for record in everything if record.get("split") != "truth"]
    looks = [look_of_file(Path(record["image"]), record["polarity"]) for record in records]
    sites = np.array([record["site"] for record in records])
    patients = np.array([str(record.get("patient", record["image"])) for record in records])
    labels = np.array([str(record.get("label", "")) for record in records])
    images = Images(np.stack(looks), patients, labels)
    return {site: images.where(sites == site) for site in sorted(set(sites))}


def score(gallery: SiteGallery, batch: Array) -> float:
    """How unlike all known sites a batch is: the least distance, in units of the site's own median."""
    mean, count = batch.mean(axis=0), len(batch)
    return min(float(look.distance(mean, count) / np.median(look.distances)) for look in gallery.sites.values())


def told(values: Sequence[float], form: str = "{:.1%}") -> str:
    """Mean over the deals and the middle 95 % of them."""
    low, high = np.nanquantile(values, [0.025, 0.975])
    return f"{form.format(np.nanmean(values))} ({form.format(low)} to {form.format(high)})"


def recognised(sites: Mapping[str, Images], deals: int) -> Iterator[str]:
    """Rows of the table of recognition."""
    for count in COUNTS:
        numbers: dict[str, list[float]] = {name: [] for name in ("right", "nearest", "alarm", "auroc", *sites)}
        for seed in range(deals):
            rng = np.random.default_rng(seed)
            halves = {site: images.halves(rng) for site, images in sites.items()}
            looks = {site: half.look for site, (half, _) in halves.items()}
            known, rest = SiteGallery(looks), {}
            asked: list[tuple[str, Origin]] = []
            scores: list[tuple[int, float]] = []
            for site, (_, half) in halves.items():
                batches = list(half.batches(count, rng))
                asked += [(site, known.origin(batch)) for batch in batches]
                scores += [(0, score(known, batch)) for batch in batches]
                rest = SiteGallery({name: look for name, look in looks.items() if name != site})
                scores += [(1, score(rest, batch)) for batch in batches]
                missed = [rest.origin(batch).site is not None for batch in batches]
                numbers[site].append(float(np.mean(missed)) if missed else np.nan)
            numbers["right"].append(float(np.mean([site == origin.site for site, origin in asked])))
            numbers["nearest"].append(float(np.mean([site == origin.nearest for site, origin in asked])))
            numbers["alarm"].append(float(np.mean([origin.site is None for _, origin in asked])))
            numbers["auroc"].append(float(roc_auc_score(*zip(*scores, strict=True))))
        cells = [told(numbers[name]) for name in ("right", "nearest", "alarm")]
        cells += [told(numbers["auroc"], "{:.3f}"), *(told(numbers[site]) for site in sites)]
        yield f"| {count} | " + " | ".join(cells) + " |"


def in_folders(sites: Mapping[str, Images], deals: int) -> Iterator[str]:
    """Rows of the table of folders, split by look: of one site, of two, and of a known and an unknown one."""
    for count in (10, 40):
        numbers: dict[str, list[float]] = {"one": [], "groups": [], "two": [], "unknown": [], "beside": []}
        for seed in range(deals):
            rng = np.random.default_rng(seed)
            halves = {site: images.halves(rng) for site, images in sites.items()}
            looks = {site: half.look for site, (half, _) in halves.items()}
            drawn = {}
            for site, (_, half) in halves.items():
                drawn[site] = half.looks[rng.permutation(len(half.looks))[: count // 2]]
            for site in sites:
                whole = halves[site][1].looks[rng.permutation(len(halves[site][1].looks))[:count]]
                right, groups = rightly(SiteGallery(looks), [(site, whole)])
                numbers["one"].append(right[0])
                numbers["groups"].append(groups)
                other = str(rng.choice([name for name in sites if name != site]))
                mixed = [(site, drawn[site]), (other, drawn[other])]
                numbers["two"].append(float(np.mean(rightly(SiteGallery(looks), mixed)[0])))
                rest = SiteGallery({name: look for name, look in looks.items() if name != site})
                unknown, known = rightly(rest, [(None, drawn[site]), (other, drawn[other])])[0]
                numbers["unknown"].append(unknown)
                numbers["beside"].append(known)
        form = {"groups": "{:.2f}"}
        yield f"| {count} | " + " | ".join(told(numbers[name], form.get(name, "{:.1%}")) for name in numbers) + " |"


def rightly(gallery: SiteGallery, parts: Sequence[tuple[str | None, Array]]) -> tuple[list[float], int]:
    """Share of the images of each part that are told rightly in one folder, and the number of groups."""
    looks = np.concatenate([rows for _, rows in parts])
    truth = np.repeat(np.arange(len(parts)), [len(rows) for _, rows in parts])
    groups, right = look_groups(looks, gallery), np.zeros(len(parts))
    for group in range(groups.max() + 1):
        site = gallery.origin(looks[groups == group]).site
        for part, (true, _) in enumerate(parts):
            right[part] += np.sum((groups == group) & (truth == part)) * (site == true)
    return [float(count / len(rows)) for count, (_, rows) in zip(right, parts, strict=True)], int(groups.max()) + 1


def by_disease(sites: Mapping[str, Images], deals: int) -> Iterator[str]:
    """Rows of the table of false alarms: batches of ill or healthy patients of a known site."""
    for site, images in sites.items():
        if set(images.labels) != {"0", "1"}:
            continue
        for learned in ("all", "healthy"):
            cells = []
            for label in "01":
                for count in COUNTS:
                    alarms = []
                    for seed in range(deals):
                        rng = np.random.default_rng(seed)
                        half, asked = images.halves(rng)
                        chosen = half if learned == "all" else half.where(half.labels == "0")
                        if len(np.unique(chosen.patients)) < FEWEST_IMAGES:
                            continue
                        gallery = SiteGallery({site: chosen.look})
                        batches = list(asked.where(asked.labels == label).batches(count, rng))
                        alarms.append(np.mean([gallery.origin(batch).site is None for batch in batches]))
                    cells.append(told(alarms) if alarms else "")
            yield f"| {site} | {learned} | " + " | ".join(cells) + " |"


def table(heads: Sequence[str], rows: Iterator[str]) -> None:
    """Print rows as they come."""
    print("| " + " | ".join(heads) + " |", "|---" * len(heads) + "|", sep="\n")
    for row in rows:
        print(row, flush=True)
    print()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest")
    parser.add_argument("--deals", type=int, default=20)
    parser.add_argument("--likeness", type=float, default=site_look.LIKENESS)
    options = parser.parse_args()
    set_determinism(0)
    site_look.LIKENESS = options.likeness
    if options.manifest is None:
        sites = read(CHEST.manifest(None, None, "bundles/tone_curve_cxr/data").records)
        ill = read(TUBERCULOSIS.manifest(None, None, "bundles/tb_classification_cxr/data").records)
    else:
        ill = sites = read(load_manifest(options.manifest).records)
    print(f"Level {LEVEL:g}, {options.deals} deals, likeness {options.likeness:g}; images: ", end="")
    print(", ".join(f"{site} {len(images.looks)}" for site, images in sites.items()), end="\n\n")
    heads = ["images in a batch", "site told rightly", "nearest is right", "called unknown", "AUROC of unknown"]
    table([*heads, *(f"{site} not known, but taken for another" for site in sites)], recognised(sites, options.deals))
    heads = ["images in a folder", "of one site: right", "groups", "of two sites: right", "beside a known one: unknown"]
    table([*heads, "and the known one right"], in_folders(sites, options.deals))
    heads = [f"{kind}, {count}" for kind in ("healthy", "ill") for count in COUNTS]
    table(["site", "learned from", *heads], by_disease(ill, options.deals))


if __name__ == "__main__":
    main()
