"""The paper's second contribution: a classifier trained with looks of another site, tested at a third, unseen one.

    python benchmarks/look_augmentation.py --study eval/study --site site_c

Takes classifiers and harmonizers of a study of ``monai-harmonize protocol`` on the phantoms. For every seed it trains
the same classifier on images of the target site of which half are rendered by the way back of the translators, into
the look of the source site. Tested: the target site, the source site and phantoms of a site that no network has seen.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from monai_harmonize.cli.messages import only_warnings
from monai_harmonize.cli.study.definition import Model, find_definition
from monai_harmonize.cli.study.stages import run
from monai_harmonize.data.manifest import Manifest, load_manifest
from monai_harmonize.metrics.delong import auc_interval, delong_covariance, paired_auc_test
from monai_harmonize.phantoms import ensure_chest_dataset
from monai_harmonize.phantoms.cohort import COHORTS

AUGMENTED, PLAIN = "augmented", "plain"


def scored(model: Model, weights: Path, manifest: Manifest, site: str, folder: Path) -> pd.DataFrame:
    """Scores of the test images of a site, from their file where they were made before."""
    if not (folder / "scores.csv").is_file():
        options = {"records": manifest, "site": site, "split": "test", "harmonized": None, "checkpoint": str(weights)}
        run(model, ["evaluate"], {**model.train, **options, "output_dir": str(folder)})
    return pd.read_csv(folder / "scores.csv")


def compare(tables: dict[str, list[pd.DataFrame]]) -> str:
    """One row: both areas with intervals, on the mean of the seeds' logits, and the paired test."""
    first = tables[PLAIN][0]
    assert all(table["image"].equals(first["image"]) for each in tables.values() for table in each)
    means = {}
    for name, each in tables.items():
        probabilities = np.clip(np.stack([table["probability"] for table in each]), 1e-6, 1 - 1e-6)
        means[name] = np.log(probabilities / (1 - probabilities)).mean(axis=0)
    labels, groups = first["label"].to_numpy(), first["patient"].astype(str).to_list()
    areas, covariance = delong_covariance(labels, np.stack([means[PLAIN], means[AUGMENTED]]), groups)
    cells = []
    for area, variance in zip(areas, covariance.diagonal(), strict=True):
        low, high = auc_interval(float(area), float(variance))
        cells.append(f"{area:.3f} ({low:.3f} to {high:.3f})")
    test = paired_auc_test(labels, means[AUGMENTED], means[PLAIN], groups)
    return f"{cells[0]} | {cells[1]} | {test.difference:+.3f}, p = {test.p_value:.3g}"


def main() -> None:
    """Train, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, required=True)
    parser.add_argument("--definition", default="lee2020", help="of the study")
    parser.add_argument("--methods", nargs="+", default=["cyclegan", "unit"], help="translators with a way back")
    parser.add_argument("--site", default="site_c", help="phantom site that is new to all networks")
    parser.add_argument("--strength", type=float, nargs=2, default=[0.0, 1.0], help="range of the share of the look")
    parser.add_argument("--seeds", type=int, nargs="+", help="of the study's seeds; all by default")
    options = parser.parse_args()
    settings = json.loads((options.study / "study.json").read_text())
    source, target = settings["directions"][0]
    manifest = load_manifest(settings["manifest"], settings["root"]).with_splits()
    cohort = COHORTS["tuberculosis"]
    counts = {"test": cohort.counts["test"]}
    unseen = load_manifest(
        ensure_chest_dataset(
            options.study / f"data_{options.site}",
            sites=(options.site,),
            anatomies_per_site=counts,
            severity=cohort.severity,
        )
    )
    definition = find_definition(options.definition)
    plain = definition.classifier
    looks = []
    for name in options.methods:
        method = definition.methods[name]
        weights = options.study / "harmonizers" / name / f"{source}_to_{target}" / "model_b2a.pt"
        overlays = [*method.configurations_of_inference, method.reverse]
        looks.append({"bundle": f"bundles/{method.bundle}", "checkpoint": str(weights), "overlays": overlays})
    further = {"looks": looks, "train#look#strength": options.strength}
    augmented = Model(plain.bundle, "augmented", (*plain.overlays, "augmented"), {**plain.train, **further})
    seeds = options.seeds or settings["seeds"]
    found: dict[str, dict[str, list[pd.DataFrame]]] = {}
    for seed in seeds:
        folder = options.study / "augmented" / target / f"seed_{seed}"
        weights = {
            PLAIN: options.study / "classifiers" / target / f"seed_{seed}" / "model.pt",
            AUGMENTED: folder / "model.pt",
        }
        with only_warnings():
            if not (folder / "done").is_file():
                given = {"records": manifest, "site": target, "seed": seed}
                places = {"ckpt_dir": str(folder), "output_dir": str(folder / "eval")}
                run(augmented, [], {**given, **augmented.train, **places})
                (folder / "done").touch()
            for site, images in ((target, manifest), (source, manifest), (options.site, unseen)):
                for name, model in ((PLAIN, plain), (AUGMENTED, plain)):
                    table = scored(model, weights[name], images, site, folder / f"{name}_{site}")
                    found.setdefault(site, {}).setdefault(name, []).append(table)
    print(f"Classifier of {target}, seeds {seeds}; looks: way back of {', '.join(options.methods)}.\n")
    print("| tested on | AUC plain | AUC with looks | difference, DeLong |")
    print("|---|---|---|---|")
    for site, tables in found.items():
        print(f"| {site}, {len(tables[PLAIN][0])} images | {compare(tables)} |")


if __name__ == "__main__":
    main()
