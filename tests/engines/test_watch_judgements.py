"""What discriminators of all kinds say of real and of generated images is caught, and nothing else."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from monai.networks.nets import MultiScalePatchDiscriminator, PatchDiscriminator
from torch import Tensor, nn

from monai_harmonize.data import InputError, LatentCode
from monai_harmonize.engines.watch.judgements import JudgementProbe
from monai_harmonize.engines.watch.measures import separation
from monai_harmonize.losses import AdversarialCrossEntropy
from monai_harmonize.networks import (
    ConvolutionalDiscriminator,
    ConvolutionalGenerator,
    GrowingDiscriminator,
    GrowingGenerator,
    LaplacianPyramidDiscriminator,
    LaplacianPyramidGenerator,
    ResNetGenerator,
)
from monai_harmonize.networks.domain_translator import DomainTranslator
from monai_harmonize.objectives import ACGAN, CGAN, GAN, LAPGAN, PGGAN, WGAN, InfoGAN, Objective
from monai_harmonize.objectives.pix2pix import Pix2Pix
from monai_harmonize.objectives.stargan import StarGAN

CODE = LatentCode(4, categories=[2], continuous=1)


def batch(size: int = 16) -> dict[str, Tensor]:
    codes = [CODE.draw(np.random.RandomState(seed)) for seed in range(6)]
    images = {key: 2 * torch.rand(6, 1, size, size) - 1 for key in ("image", "image_a", "image_b")}
    domains = {"domain": torch.tensor([0, 1] * 3), "target": torch.tensor([1, 0] * 3)}
    return {**images, **domains, "code": torch.stack(codes)[:, :, None, None]}


def drawing(objective: type[GAN], channels: int = 1, numbers: int = 1, norm: str | None = "batch", **options) -> GAN:
    generator = ConvolutionalGenerator(2, CODE.channels, 1, 16, 4)
    return objective(generator, ConvolutionalDiscriminator(2, channels, numbers, 16, 4, norm), **options)


def heard(objective: Objective, real: dict, data: dict[str, Tensor], looks: int = 1) -> dict[str, float]:
    """What a probe finds in steps of both sides, of which every second one is looked at."""
    probe = JudgementProbe(objective, real)
    probe.start()
    for step in range(2 * looks):
        probe.looking = step % 2 == 0
        list(objective.generator_losses(data))
        list(objective.discriminator_losses(data))
        probe.look()
        assert probe.looking == any(map(len, probe.looks.values())) or step > 0
    found = probe.take()
    probe.stop()
    list(objective.discriminator_losses(data))
    probe.look()
    assert probe.take() == {}
    return found


def between(real: Tensor, generated: Tensor) -> float:
    return separation(real.detach().numpy(), generated.detach().numpy())


@pytest.mark.parametrize(
    ("objective", "options"),
    [
        (GAN, {}),
        (CGAN, {"channels": 3, "code": CODE}),
        (ACGAN, {"numbers": 3, "code": CODE}),
        (InfoGAN, {"numbers": 4, "code": CODE}),
        (WGAN, {"norm": None}),
    ],
)
def test_the_first_number_counts_whatever_a_discriminator_sees_and_says(objective: type[GAN], options: dict) -> None:
    torch.manual_seed(0)
    one, data = drawing(objective, **options), batch()
    found = heard(one, {"discriminator": "image"}, data, looks=2)
    judged = [one.judged(data[key], data)[:, :1] for key in ("image", "fake")]
    assert found == {"discriminator": pytest.approx(between(*judged))}
    assert 0 < found["discriminator"] < 1


def test_pairs_and_domains_count_as_well() -> None:
    torch.manual_seed(0)
    data = batch()
    pairs = Pix2Pix(ResNetGenerator(2, channels=2, num_blocks=1), PatchDiscriminator(2, 2, 2, num_layers_d=1))
    found = heard(pairs, {"discriminator_b": "image_b"}, data)
    maps = [
        pairs.discriminators["discriminator_b"](torch.cat([data["image_a"], data[key]], 1))[-1]
        for key in ("image_b", "fake_b")
    ]
    assert found == {"discriminator_b": pytest.approx(between(*maps), abs=1e-3)}
    translator = DomainTranslator(ResNetGenerator(2, in_channels=3, channels=2, num_blocks=1), 2)
    domains = StarGAN(translator, ConvolutionalDiscriminator(2, 1, 3, 16, 4, None))
    found = heard(domains, {"discriminator": "image"}, data)
    assert found == {
        "discriminator": pytest.approx(between(*(domains.judged(data[k])[:, :1] for k in ("image", "fake"))))
    }


def test_a_growing_critic_judges_real_images_as_they_are_shown() -> None:
    torch.manual_seed(0)
    objective = PGGAN(GrowingGenerator(2, CODE.channels, 1, 16, 4, 8), GrowingDiscriminator(2, 1, 1, 16, 4, 8))
    for network in objective.networks.values():
        network.progress.fill_(0.5)
    data = batch()
    found = heard(objective, {"discriminator": "shown"}, data)
    assert data["shown"].unfold(2, 2, 2).unfold(3, 2, 2).std((-1, -2)).max() < 1e-6
    judged = [objective.judged(data[key], data) for key in ("shown", "fake")]
    assert found == {"discriminator": pytest.approx(between(*judged))}


def test_each_level_of_a_pyramid_is_a_game_of_its_own() -> None:
    torch.manual_seed(0)
    generator = LaplacianPyramidGenerator(2, CODE.channels, 1, 16, 4, level_noise=3)
    objective, data = LAPGAN(generator, LaplacianPyramidDiscriminator(2, 1, 16, 4)), batch()
    found = heard(objective, {"discriminator": ["real_8", "real_16"]}, data)
    coarse = dict(zip((8, 16), (coarse for _, coarse in objective.levels(data["image"])), strict=True))
    assert found == {
        f"discriminator/real_{size}": pytest.approx(
            between(*(objective.discriminator(data[f"{key}_{size}"], coarse[size]) for key in ("real", "fake")))
        )
        for size in coarse
    }
    assert len(set(found.values())) == 2
    (together,) = heard(objective, {"discriminator": "image"}, data)
    assert together == "discriminator"


class Together(Objective):
    """Two discriminators that both speak before a loss is computed, one of them at two scales."""

    default_weights: ClassVar = {"image": 1.0, "image_a": 1.0}

    def __init__(self) -> None:
        plain = PatchDiscriminator(2, 2, 1, num_layers_d=1)
        scales = MultiScalePatchDiscriminator(
            num_d=2, num_layers_d=1, spatial_dims=2, channels=2, in_channels=1, minimum_size_im=16
        )
        super().__init__({}, {"plain": plain, "scales": scales})
        self.adversarial_loss = Listed()

    def generator_losses(self, batch):
        yield {}

    def discriminator_losses(self, batch):
        said = {
            key: (self.discriminators["plain"](batch[key]), self.discriminators["scales"](batch[key]))
            for key in ("image", "image_a")
        }
        for key, real in (("image", True), ("image_a", False)):
            plain, scales = said[key]
            yield {
                f"{key}": self.adversarial_loss(plain[-1], real, True) + self.adversarial_loss(scales[0], real, True)
            }


class Listed(nn.Module):
    """Adversarial loss of one map or of several."""

    def forward(self, logits: Tensor | list[Tensor], target_is_real: bool, for_discriminator: bool) -> Tensor:
        maps = [logits] if isinstance(logits, Tensor) else logits
        loss = AdversarialCrossEntropy()
        return torch.stack([loss(one, target_is_real, for_discriminator) for one in maps]).mean()


def test_who_said_something_is_known_by_where_it_stands_in_memory() -> None:
    torch.manual_seed(0)
    objective, data = Together(), batch()
    found = heard(objective, {"plain": "image", "scales": "image"}, data)
    maps = [objective.discriminators["plain"](data[key])[-1] for key in ("image", "image_a")]
    assert found["plain"] == pytest.approx(between(*maps))
    scales = [
        torch.cat([one.reshape(-1) for one in objective.discriminators["scales"](data[key])[0]])
        for key in ("image", "image_a")
    ]
    assert found["scales"] == pytest.approx(between(*scales))
    assert heard(objective, {"plain": "image"}, data) == {"plain": found["plain"]}


def test_values_of_a_critic_are_compared_within_a_step_only() -> None:
    """A critic's values may drift as a whole from step to step; logits have a zero."""
    said = [(torch.tensor([2.0, 4.0]), torch.tensor([1.0, 3.0])), (torch.tensor([102.0, 104.0]), torch.tensor([101.0]))]
    for objective, expected in (
        (WGAN, (0.75 + 1) / 2),
        (GAN, separation(np.array([2, 4, 102, 104]), np.array([1, 3, 101]))),
    ):
        probe = JudgementProbe(drawing(objective, norm=None), {"discriminator": "image"})
        probe.looks["discriminator"] = list(said)
        assert probe.take() == {"discriminator": pytest.approx(expected)}


def test_who_cannot_be_listened_to_is_refused() -> None:
    with pytest.raises(InputError, match=r"The watch names \['critic'\]; the objective has \['discriminator'\]"):
        JudgementProbe(drawing(GAN), {"critic": "image"})
    without = drawing(GAN)
    without.adversarial_loss = None
    with pytest.raises(InputError, match=r"names \['discriminator'\]; GAN has no adversarial_loss"):
        JudgementProbe(without, {"discriminator": "image"})
