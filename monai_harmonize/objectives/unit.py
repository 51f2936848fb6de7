"""UNIT: unpaired translation through a latent space that both sites share.

Source: Lee, Li, Shin 2020, "Generalization of intensity distribution of medical images using GANs", section
"Generalizer using UNIT", Eqs 8 to 11, with the weights of Liu, Breuel, Kautz 2017 (section 4). Written from the papers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from monai_harmonize.data.errors import InputError
from monai_harmonize.losses import AdversarialCrossEntropy
from monai_harmonize.networks.unit_vae import UNITTranslator
from monai_harmonize.objectives.cut import cut, recomputed
from monai_harmonize.objectives.unpaired import UnpairedTranslation

__all__ = ["UNIT"]


class UNIT(UnpairedTranslation):
    """Two variational autoencoders with a common latent space, each judged by a discriminator of its site.

    An image of A is encoded, one latent code is drawn, and from this one code come its reconstruction, its
    translation and, over the translation's own code, its way back; likewise an image of B. The terms of A, each
    unweighted (those of B have the letters exchanged; Eq. 8 is their weighted sum):

    - ``kl_a``: KL(q(z|x_A) || N(0, I)), first term of Eq. 9;
    - ``reconstruction_a``: negative log-likelihood of x_A given its code, second term of Eq. 9;
    - ``adversarial_ab``: the generator's side of Eq. 10, for an image of A translated to B;
    - ``cycle_kl_a``: the two KL terms of Eq. 11, of x_A (once more) and of its translation;
    - ``cycle_a``: negative log-likelihood of x_A given the code of its translation, last term of Eq. 11;
    - ``discriminator_a``: Eq. 10 seen by the discriminator, the sum of its real and its fake half.

    The likelihood is Laplacian, so that its negative logarithm is the absolute error but for a constant. Absolute
    errors and KL are means over pixels and over elements of the code, not sums: else the adversarial term, which is
    a mean, would count for less the larger the image. The defaults are lambda_0 = 10, lambda_1 = lambda_3 = 0.1 and
    lambda_2 = lambda_4 = 100.

    Args:
        generator_ab: translator of A to B.
        generator_ba: its ``partner()``. Not in a ``DistributedDataParallel`` shell: the trainer averages gradients.
        discriminator_a: MONAI ``PatchDiscriminator`` of site A (its last output is the logit map).
        discriminator_b: the same for site B.
        loss_weights: weights by term, see ``Objective``.
        adversarial_loss: loss with the signature of MONAI's ``PatchAdversarialLoss``; the paper's is the cross-entropy.

    Raises:
        InputError: the translators do not share their latent space, or a loss weight is wrong.
    """

    default_weights: ClassVar[Mapping[str, float]] = {
        "kl_a": 0.1,
        "kl_b": 0.1,
        "reconstruction_a": 100.0,
        "reconstruction_b": 100.0,
        "adversarial_ab": 10.0,
        "adversarial_ba": 10.0,
        "cycle_kl_a": 0.1,
        "cycle_kl_b": 0.1,
        "cycle_a": 100.0,
        "cycle_b": 100.0,
        "discriminator_a": 10.0,
        "discriminator_b": 10.0,
    }

    def __init__(
        self,
        generator_ab: UNITTranslator,
        generator_ba: UNITTranslator,
        discriminator_a: nn.Module,
        discriminator_b: nn.Module,
        loss_weights: Mapping[str, float] | None = None,
        adversarial_loss: nn.Module | None = None,
    ) -> None:
        super().__init__(
            generator_ab,
            generator_ba,
            discriminator_a,
            discriminator_b,
            loss_weights,
            adversarial_loss or AdversarialCrossEntropy(),
        )
        translators = (generator_ab, generator_ba)
        if not all(isinstance(translator, UNITTranslator) for translator in translators):
            names = [type(translator).__name__ for translator in translators]
            raise InputError(f"The generators are {names}; expected a UNITTranslator and its partner(), unwrapped.")
        if not generator_ab.shares_latent_space_with(generator_ba):
            raise InputError("The two translators share no latent space; make the second with the first's partner().")
        self.translators = {"a": generator_ab, "b": generator_ba}

    def generator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield, for either site, the terms of its autoencoder, the adversarial term, and those of the way back.

        Adds ``fake_a`` and ``fake_b``. The shared part of the decoder sees a code once, which saves more time than it
        costs to compute the two ends of a translator, large in memory, twice.

        Args:
            batch: ``image_a`` and ``image_b``, each ``(B, C, H, W[, D])`` in [-1, 1].
        """
        for source, target in (("a", "b"), ("b", "a")):
            forth, back = self.translators[source], self.translators[target]
            image = batch[f"image_{source}"]
            with (
                recomputed(partial(forth.front_end, image)) as features,
                cut(forth.mean_of(features)) as mean,
                cut(forth.sample(mean)) as latent,
                cut(forth.shared_decoder(latent)) as common,
            ):
                # The decoder of a site belongs to the translator that leads to it.
                yield self._autoencoder(source, mean, common, back, image)
                with (
                    cut(forth.decoder(common)) as decoded,
                    recomputed(partial(forth.back_end, decoded)) as fake,
                ):
                    batch[f"fake_{target}"] = fake.detach()
                    yield self._way_back(source, mean, fake, back, image)
                    if self.wants(f"adversarial_{source}{target}"):
                        yield {f"adversarial_{source}{target}": self.unconvincing(target, fake)}

    def discriminator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield one group per discriminator.

        Args:
            batch: ``image_a``, ``image_b`` and the generated ``fake_a``, ``fake_b`` (from a replay pool or fresh).
        """
        for site in ("a", "b"):
            if self.wants(f"discriminator_{site}"):
                real, fake = self.misjudged(site, batch)
                yield {f"discriminator_{site}": real + fake}

    def _autoencoder(
        self, site: str, mean: Tensor, common: Tensor, decoder: UNITTranslator, image: Tensor
    ) -> dict[str, Tensor]:
        """Eq. 9."""
        group: dict[str, Tensor] = {}
        if self.wants(f"kl_{site}"):
            group[f"kl_{site}"] = kl_to_standard_normal(mean)
        if self.wants(f"reconstruction_{site}"):
            group[f"reconstruction_{site}"] = l1_loss(decoder.draw(common), image)
        return group

    def _way_back(
        self, site: str, mean: Tensor, fake: Tensor, back: UNITTranslator, image: Tensor
    ) -> dict[str, Tensor]:
        """Eq. 11."""
        group: dict[str, Tensor] = {}
        if not (self.wants(f"cycle_kl_{site}") or self.wants(f"cycle_{site}")):
            return group
        mean_of_fake = back.encode(fake)
        if self.wants(f"cycle_kl_{site}"):
            group[f"cycle_kl_{site}"] = kl_to_standard_normal(mean) + kl_to_standard_normal(mean_of_fake)
        if self.wants(f"cycle_{site}"):
            group[f"cycle_{site}"] = l1_loss(back.decode(back.sample(mean_of_fake)), image)
        return group


def kl_to_standard_normal(mean: Tensor) -> Tensor:
    """KL(N(mean, I) || N(0, I)) per element of the latent code: half the mean square, in float32 or more."""
    mean = mean.float() if mean.dtype in (torch.float16, torch.bfloat16) else mean
    return mean.square().mean() / 2
