"""The audit's stress test with several seeds: does it tell a method that moves disease from one that does not?

python benchmarks/skewed_classes.py [--seeds 0 1 2] [--iterations 400]

Small CycleGANs and site harmonizers are trained from site_b to site_a of the phantoms, once with ill patients at the
source and healthy ones at the target ("skewed"), once with half of the patients ill at both ("balanced").
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from monai.networks.nets import PatchDiscriminator
from torch import Tensor, nn

from monai_harmonize.engines import ObjectiveTrainer
from monai_harmonize.networks import ResNetGenerator, SiteHarmonizer
from monai_harmonize.objectives import CycleGAN, fit_site
from monai_harmonize.safety.audit.stress_test import skewed_class_stress_test

BATCH = 4
PREVALENCE = {"skewed": (1.0, 0.0), "balanced": (0.5, 0.5)}
WEAK = {"cycle_a": 1.0, "cycle_b": 1.0, "identity_a": 0.0, "identity_b": 0.0}


class UnpairedBatches:
    """Random batches of both sites."""

    def __init__(self, source: Tensor, target: Tensor, iterations: int, seed: int) -> None:
        self.images = {"image_a": source, "image_b": target}
        self.iterations, self.seed = iterations, seed

    def __len__(self) -> int:
        return self.iterations

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        generator = torch.Generator().manual_seed(self.seed)
        for _ in range(self.iterations):
            yield {
                name: images[torch.randint(len(images), (BATCH,), generator=generator)]
                for name, images in self.images.items()
            }


def stacked(images: Sequence[np.ndarray]) -> Tensor:
    """Images ``(N, 1, W, H)``."""
    return torch.from_numpy(np.stack(images))[:, None]


def cyclegan(
    source: Sequence[np.ndarray],
    target: Sequence[np.ndarray],
    weights: dict[str, float] | None,
    iterations: int,
    seed: int,
) -> nn.Module:
    """A small CycleGAN; ``weights`` of its losses, ``None`` for the objective's own."""
    torch.manual_seed(seed)
    generators = [ResNetGenerator(2, channels=8, num_blocks=2, upsampling="resize", skip=True) for _ in range(2)]
    discriminators = [PatchDiscriminator(2, 16, 1, num_layers_d=2, norm="instance") for _ in range(2)]
    optimizers = [
        torch.optim.Adam([p for network in networks for p in network.parameters()], 1e-3, (0.5, 0.999))
        for networks in (generators, discriminators)
    ]
    objective = CycleGAN(*generators, *discriminators, loss_weights=weights)
    batches = UnpairedBatches(stacked(source), stacked(target), iterations, seed)
    ObjectiveTrainer("cpu", 1, batches, objective, *optimizers).run()
    return generators[0].eval()


def site_harmonizer(
    source: Sequence[np.ndarray], target: Sequence[np.ndarray], spectral_filter: bool
) -> SiteHarmonizer:
    """The closed form."""
    harmonizer = SiteHarmonizer(spectral_filter=spectral_filter)
    fit_site(harmonizer, *(list(stacked(images)[:, None]) for images in (source, target)))
    return harmonizer.eval()


def main() -> None:
    """Print a Markdown table, a row as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--iterations", type=int, default=400)
    options = parser.parse_args()
    print("| method | classes | seed | verdict | lesions deleted | contrast-to-noise kept | against the curve "
          "| healthy with a false lesion |\n|---|---|---|---|---|---|---|---|")  # fmt: skip
    for seed in options.seeds:
        trained = partial(cyclegan, iterations=options.iterations, seed=seed)
        methods: dict[str, Callable[..., nn.Module]] = {
            "site curve": partial(site_harmonizer, spectral_filter=False),
            "site curve and filter": partial(site_harmonizer, spectral_filter=True),
            "CycleGAN, cycle 1, identity 0": partial(trained, weights=WEAK),
            "CycleGAN, default weights": partial(trained, weights=None),
        }
        for (name, train), (classes, prevalence) in ((m, p) for m in methods.items() for p in PREVALENCE.items()):
            (test,) = skewed_class_stress_test(train, "site_b", "site_a", skews=(prevalence,), seed=seed)
            found = test.audit
            print(
                f"| {name} | {classes} | {seed} | {found.verdict} | {found.deletion.share:.0%} "
                f"| {found.contrast_ratio.estimate:.0%} | {found.against_curve.estimate:.0%} "
                f"| {found.false_lesion_rate.share:.0%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
