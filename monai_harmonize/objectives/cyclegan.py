"""CycleGAN: unpaired translation with adversarial, cycle-consistency and identity terms.

Source: Lee, Li, Shin 2020, "Generalization of intensity distribution of medical images using GANs", Eqs 5 to 7 and 12
(X is site A, Y is site B), after Zhu et al. 2017; gradient consistency: Hiasa et al. 2018, "Cross-modality image
synthesis from unpaired data using CycleGAN"; paired and unpaired data together: Jin et al. 2018, "Deep CT to MR
synthesis using paired and unpaired data" (MR-GAN); shape consistency: Zhang, Yang, Zheng 2018, "Translating and
segmenting multimodal medical volumes with cycle- and shape-consistency GAN". Written from the papers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from monai.losses import PatchAdversarialLoss
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from monai_harmonize.data.errors import InputError
from monai_harmonize.losses import gradient_correlation
from monai_harmonize.objectives.unpaired import UnpairedTranslation

__all__ = ["CycleGAN"]


class CycleGAN(UnpairedTranslation):
    """Two generators, A to B and B to A, each judged by a discriminator of its target site.

    The terms, each unweighted:

    - ``adversarial_ab``, ``adversarial_ba``: least-squares loss of a generator, Eq. 6;
    - ``cycle_a``, ``cycle_b``: mean absolute error of an image that went there and back, the two halves of Eq. 5;
    - ``identity_a``, ``identity_b``: mean absolute change of an image that already is of the target site, Eq. 12;
    - ``gradient_a``, ``gradient_b``: 1 minus the gradient correlation of an image and its translation, Eq. 4 of Hiasa
      et al.; 0 by default, 0.25 each is theirs;
    - ``paired_a``, ``paired_b``: mean absolute error of the translation of an image to its partner at the other site,
      over those that have one (``paired``); 0 by default, MR-GAN with weights of the order of ``cycle_a``;
    - ``shape_a``, ``shape_b``: whether a frozen network finds the organ in the translation where the image has it, see
      ``ShapeConsistency``; 0 by default;
    - ``discriminator_a``, ``discriminator_b``: Eq. 6 seen by a discriminator, the mean of its real and fake halves.

    The defaults are lambda = 10 of Eq. 7 and half of it for identity (Zhu et al. 2017, section 5.2).

    Args:
        generator_ab: ``(B, C, H, W[, D])`` in [-1, 1] of site A to the same shape at site B.
        generator_ba: the other direction.
        discriminator_a: MONAI ``PatchDiscriminator`` of site A (its last output is the logit map).
        discriminator_b: the same for site B.
        loss_weights: weights by term, see ``Objective``.
        adversarial_loss: MONAI loss with the signature of ``PatchAdversarialLoss``; the paper's least squares acts
            on the logits themselves, hence without the activation that MONAI would add.
        shape_losses: by the site whose look it reads, ``"b"`` for ``shape_a``: of translation, image and its mask.

    Raises:
        InputError: a term of shape counts and its loss is not given.
    """

    default_weights: ClassVar[Mapping[str, float]] = {
        "adversarial_ab": 1.0,
        "adversarial_ba": 1.0,
        "cycle_a": 10.0,
        "cycle_b": 10.0,
        "identity_a": 5.0,
        "identity_b": 5.0,
        "gradient_a": 0.0,
        "gradient_b": 0.0,
        "paired_a": 0.0,
        "paired_b": 0.0,
        "shape_a": 0.0,
        "shape_b": 0.0,
        "discriminator_a": 1.0,
        "discriminator_b": 1.0,
    }

    def __init__(
        self,
        generator_ab: nn.Module,
        generator_ba: nn.Module,
        discriminator_a: nn.Module,
        discriminator_b: nn.Module,
        loss_weights: Mapping[str, float] | None = None,
        adversarial_loss: nn.Module | None = None,
        shape_losses: Mapping[str, nn.Module] | None = None,
    ) -> None:
        super().__init__(
            generator_ab,
            generator_ba,
            discriminator_a,
            discriminator_b,
            loss_weights,
            adversarial_loss or PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True),
        )
        self.shape_losses = dict(shape_losses or {})
        for source, target in (("a", "b"), ("b", "a")):
            if self.wants(f"shape_{source}") and target not in self.shape_losses:
                raise InputError(f"shape_{source} counts; give shape_losses of the look of {target!r}.")

    def generator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield direction A to B, direction B to A and the two identities; adds ``fake_a`` and ``fake_b``.

        Args:
            batch: ``image_a`` and ``image_b``, each ``(B, C, H, W[, D])`` in [-1, 1]; with terms of pairs also
                ``paired``, ``(B,)``, 1 where the two images are of one patient, else 0; with terms of shape perhaps
                ``lung_mask_a`` and ``lung_mask_b``, of the shape of the images.
        """
        for source, target in (("a", "b"), ("b", "a")):
            forth = self.generators[f"generator_{source}{target}"]
            back = self.generators[f"generator_{target}{source}"]
            image = batch[f"image_{source}"]
            fake = forth(image)
            batch[f"fake_{target}"] = fake.detach()
            group: dict[str, Tensor] = {}
            if self.wants(f"adversarial_{source}{target}"):
                group[f"adversarial_{source}{target}"] = self.unconvincing(target, fake)
            if self.wants(f"cycle_{source}"):
                group[f"cycle_{source}"] = l1_loss(back(fake), image)
            if self.wants(f"gradient_{source}"):
                group[f"gradient_{source}"] = 1 - gradient_correlation(image, fake).mean()
            if self.wants(f"paired_{source}"):
                group[f"paired_{source}"] = error_of_pairs(fake, batch[f"image_{target}"], batch.get("paired"))
            if self.wants(f"shape_{source}"):
                group[f"shape_{source}"] = self.shape_losses[target](fake, image, batch.get(f"lung_mask_{source}"))
            yield group
        for source, target in (("a", "b"), ("b", "a")):
            if self.wants(f"identity_{target}"):
                image = batch[f"image_{target}"]
                yield {f"identity_{target}": l1_loss(self.generators[f"generator_{source}{target}"](image), image)}

    def discriminator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield one group per discriminator.

        Args:
            batch: ``image_a``, ``image_b`` and the generated ``fake_a``, ``fake_b`` (from a replay pool or fresh).
        """
        for site in ("a", "b"):
            if self.wants(f"discriminator_{site}"):
                real, fake = self.misjudged(site, batch)
                yield {f"discriminator_{site}": (real + fake) / 2}


def error_of_pairs(image: Tensor, truth: Tensor, paired: Tensor | None) -> Tensor:
    """Mean absolute error over the pairs of a batch, ``(B, C, H, W[, D])`` each; 0 where there is none."""
    if paired is None:
        raise InputError(
            "paired_a and paired_b need to know which images are pairs; set pair_by to the manifest's column that "
            "tells the patient, or both weights to 0."
        )
    errors = (image - truth).abs().flatten(1).mean(1)
    return (errors * paired).sum() / paired.sum().clamp_min(1)
