"""The terms of CollaGAN against closed forms, and where their gradients go."""

import math

import pytest
import torch
from torch import nn

from monai_harmonize.data import InputError
from monai_harmonize.networks import CollaborativeTranslator
from monai_harmonize.objectives import CollaGAN

LEVELS = torch.tensor([[0.2, -0.4, -0.6], [0.0, 0.5, -0.2]])
TARGET = torch.tensor([0, 2])
OTHERS = {0: (1, 2), 2: (0, 1)}


class Sum(nn.Module):
    """Translator of flat images: the sum of the others, each with a factor, and a level for each target."""

    def __init__(self) -> None:
        super().__init__()
        self.factors = nn.Parameter(torch.tensor([0.5, 0.3, 0.1]))
        self.levels = nn.Parameter(torch.tensor([0.05, 0.1, -0.1]))

    def forward(self, images: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        wanted = torch.eye(3)[target][..., None, None]
        return ((1 - wanted) * images * self.factors[:, None, None] + wanted * self.levels[:, None, None]).sum(1, True)


class Level(nn.Module):
    """Discriminator whose maps are factors times the image, the last of several outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.factors = nn.Parameter(torch.tensor([2.0, 1.0, -1.0, 0.5]))

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        return [image, image * self.factors[:, None, None]]


def batch(shown: torch.Tensor | None = None, size: int = 12) -> dict[str, torch.Tensor]:
    given = {"image": LEVELS[..., None, None].repeat(1, 1, size, size), "target": TARGET}
    return given if shown is None else {**given, "shown": shown}


def objective(**options) -> CollaGAN:
    return CollaGAN(Sum(), Level(), **options)


def gather(groups) -> dict[str, float]:
    return {name: float(value) for group in groups for name, value in group.items()}


def filled(levels: list[float], target: int) -> float:
    """What ``Sum`` makes of levels."""
    given = sum(f * v for n, (f, v) in enumerate(zip((0.5, 0.3, 0.1), levels, strict=True)) if n != target)
    return given + (0.05, 0.1, -0.1)[target]


def log_share(level: float, contrast: int) -> float:
    logits = (level, -level, 0.5 * level)
    return logits[contrast] - math.log(sum(map(math.exp, logits)))


def similarity(level: float, truth: float) -> float:
    """SSIM of two flat images in [-1, 1]."""
    x, y = (level + 1) / 2, (truth + 1) / 2
    return (2 * x * y + 1e-4) / (x * x + y * y + 1e-4)


def expected(rows: list[list[float]]) -> dict[str, float]:
    """Terms of the generator when ``rows`` are what it is shown."""
    fakes = [filled(row, target) for row, target in zip(rows, (0, 2), strict=True)]
    again = []
    for row, fake, target, truth in zip(rows, fakes, (0, 2), LEVELS.tolist(), strict=True):
        complete = [fake if n == target else value for n, value in enumerate(row)]
        again += [(filled(complete, other), truth[other]) for other in OTHERS[target]]
    truths = (0.2, -0.2)
    return {
        "adversarial": sum((2 * fake - 1) ** 2 for fake in fakes) / 2,
        "domain": -sum(log_share(fake, target) for fake, target in zip(fakes, (0, 2), strict=True)) / 2,
        # Means over the two patients, sums over the two other contrasts.
        "cycle": sum(abs(made - truth) for made, truth in again) / 2,
        "similarity": -sum(math.log((1 + similarity(made, truth)) / 2) for made, truth in again) / 2,
        "pixel": sum(abs(fake - truth) for fake, truth in zip(fakes, truths, strict=True)) / 2,
    }


ALL = {"pixel": 1.0}


def test_terms_of_the_generator_match_the_equations() -> None:
    game, data = objective(loss_weights=ALL), batch()
    terms = gather(game.generator_losses(data))
    assert terms == pytest.approx(expected(LEVELS.tolist()), rel=2e-3)  # SSIM in single precision
    torch.testing.assert_close(data["real"][:, 0, 0, 0], torch.tensor([0.2, -0.2]))
    fakes = [filled(row, target) for row, target in zip(LEVELS.tolist(), (0, 2), strict=True)]
    torch.testing.assert_close(data["fake"][:, 0, 0, 0], torch.tensor(fakes))


def test_a_hidden_contrast_is_background_in_every_step_and_is_filled_in_from_the_others() -> None:
    game = objective(loss_weights=ALL)
    data = batch(torch.tensor([[False, True, False], [True, True, False]]))
    rows = [[0.2, -0.4, -1.0], [0.0, 0.5, -0.2]]
    assert gather(game.generator_losses(data)) == pytest.approx(expected(rows), rel=2e-3)


def test_terms_of_the_discriminator_match_the_equations() -> None:
    game, data = objective(), batch()
    fakes = [filled(row, target) for row, target in zip(LEVELS.tolist(), (0, 2), strict=True)]
    gather(game.generator_losses(data))
    assert gather(game.discriminator_losses(data)) == pytest.approx(
        {
            "discriminator_real": ((0.4 - 1) ** 2 + (-0.4 - 1) ** 2) / 2,
            "discriminator_fake": sum((2 * fake) ** 2 for fake in fakes) / 2,
            "domain_real": -(log_share(0.2, 0) + log_share(-0.2, 2)) / 2,
        },
        rel=1e-4,
    )


def test_a_translator_that_is_right_pays_nothing_for_cycles() -> None:
    class Right(nn.Module):
        def forward(self, images: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return batch()["image"][torch.arange(2), target][:, None] + 0 * images[:, :1]

    terms = gather(CollaGAN(Right(), Level(), ALL).generator_losses(batch()))
    assert (terms["cycle"], terms["pixel"]) == (0, 0)
    assert terms["similarity"] == pytest.approx(0, abs=1e-6)


def test_gradients_reach_the_own_side_only() -> None:
    game, data = objective(), batch()
    generator, critic = game.generators["translator"], game.discriminators["discriminator"].factors
    gather(game.generator_losses(data))
    for group in game.discriminator_losses(data):
        game.weighted_sum(group).backward()
    assert generator.factors.grad is None
    assert (critic.grad != 0).all()
    for group in game.generator_losses(data):
        game.weighted_sum(group).backward()
    assert (generator.factors.grad != 0).all()
    assert (generator.levels.grad != 0).all()


def test_generated_images_teach_the_discriminator_no_contrast() -> None:
    game, data = objective(), batch()
    gather(game.generator_losses(data))
    before = gather(game.discriminator_losses(data))
    after = gather(game.discriminator_losses({**data, "fake": data["fake"] + 0.3}))
    assert after["domain_real"] == before["domain_real"]
    assert after["discriminator_real"] == before["discriminator_real"]
    assert after["discriminator_fake"] != before["discriminator_fake"]


def test_the_truth_of_the_missing_contrast_reaches_the_generator_by_the_discriminator_alone() -> None:
    """No term but the own ``pixel`` compares with it."""
    terms = []
    for change in (0.0, 0.7):
        data = batch()
        data["image"][torch.arange(2), TARGET] -= change
        terms.append(gather(objective(loss_weights=ALL).generator_losses(data)))
    assert terms[0].pop("pixel") != terms[1].pop("pixel")
    assert terms[0] == terms[1]


def test_the_cycle_teaches_what_was_filled_in() -> None:
    """Its gradient goes back through the image that stands in for the missing one."""
    game = objective(loss_weights={"adversarial": 0.0, "domain": 0.0, "similarity": 0.0})
    data = {name: value[:1] for name, value in batch().items()}
    for group in game.generator_losses(data):
        assert set(group) == {"cycle"}
        game.weighted_sum(group).backward()
    # Contrast 0 is the target and no input of a cycle's result but by what was filled in.
    assert game.generators["translator"].levels.grad[0] != 0


@pytest.mark.parametrize("term", sorted(CollaGAN.default_weights))
def test_weight_zero_skips_the_term_and_only_that(term: str) -> None:
    game, data = objective(loss_weights={"pixel": 1.0, term: 0.0}), batch()
    terms = gather(game.generator_losses(data)) | gather(game.discriminator_losses(data))
    assert set(terms) == set(CollaGAN.default_weights) - {term}


def test_volumes_are_filled_in_as_well() -> None:
    class Mean(nn.Module):
        def forward(self, images: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return images.mean(1, keepdim=True)

    class Maps(nn.Module):
        def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
            return [image.repeat(1, 4, 1, 1, 1)]

    game = CollaGAN(Mean(), Maps())
    data = {"image": torch.rand(2, 3, 12, 12, 12), "target": TARGET}
    terms = gather(game.generator_losses(data)) | gather(game.discriminator_losses(data))
    assert all(math.isfinite(value) for value in terms.values())


def test_a_tiny_training_learns_to_fill_in_what_the_others_tell() -> None:
    """Contrasts that differ by their tone: the cycle alone, without the truth, brings the right one."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Conv2d(6, 16, 1), nn.Tanh(), nn.Conv2d(16, 1, 1))
    discriminator = nn.Sequential(nn.Conv2d(1, 16, 3), nn.LeakyReLU(0.2), nn.Conv2d(16, 4, 1))

    class Listed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = discriminator

        def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
            return [self.network(image)]

    translator = CollaborativeTranslator(generator, 3)
    game = CollaGAN(translator, Listed())
    optimizers = [torch.optim.Adam(n.parameters(), 0.01, (0.5, 0.999)) for n in (generator, discriminator)]

    def patients(count: int) -> torch.Tensor:
        anatomy = nn.functional.interpolate(torch.rand(count, 1, 4, 4), size=16, mode="bilinear")
        return torch.cat([anatomy * 1.6 - 0.8, 0.8 - 1.6 * anatomy, 1.6 * anatomy**2 - 0.8], dim=1)

    def errors() -> list[float]:
        found = []
        with torch.no_grad():
            for target in range(3):
                made = translator(held_out, torch.full((8,), target))
                found.append(float((made[:, 0] - held_out[:, target]).abs().mean()))
        return found

    held_out = patients(8)
    before = errors()
    for _ in range(100):
        data = {"image": patients(4), "target": torch.randint(3, (4,))}
        for side, optimizer in zip((game.generator_losses, game.discriminator_losses), optimizers, strict=True):
            for one in optimizers:
                one.zero_grad()
            for group in side(data):
                game.weighted_sum(group).backward()
            optimizer.step()
    assert max(after / first for after, first in zip(errors(), before, strict=True)) < 0.5


def test_forward_blanks_the_target_and_begins_at_the_mean_of_what_is_there() -> None:
    translator = CollaborativeTranslator(nn.Conv2d(6, 1, 3, padding=1), 3, target=1).eval()
    images = 2 * torch.rand(2, 3, 8, 8) - 1
    images[1, 2] = -1.0
    expected = torch.stack([images[0, [0, 2]].mean(0), images[1, 0]])[:, None]
    torch.testing.assert_close(translator(images), 0.99 * expected)
    nn.init.normal_(translator.translator.generator.weight)
    other = images.clone()
    other[:, 1] = 0.3
    torch.testing.assert_close(translator(other), translator(images))
    target = torch.tensor([2, 0])
    scripted = torch.jit.script(translator)
    torch.testing.assert_close(scripted(images, target), translator(images, target))
    assert not torch.allclose(translator(images, target), translator(images))
    with pytest.raises(InputError, match="target is 3 of 3 domains"):
        CollaborativeTranslator(nn.Conv2d(6, 1, 1), 3, target=3)
