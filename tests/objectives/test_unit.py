"""The terms of UNIT against closed forms, and where their gradients go."""

import math
from collections.abc import Iterable

import pytest
import torch
from monai.losses import PatchAdversarialLoss
from monai.networks.nets import PatchDiscriminator
from torch import Tensor, nn

from monai_harmonize.networks import ResNetGenerator, UNITTranslator
from monai_harmonize.objectives import UNIT

# What an image of A, and of B, is multiplied with on its way to a code, and a code on its way to an image.
ENCODE_A, ENCODE_B, DECODE_A, DECODE_B = 3.0, 5.0, 0.25, 0.5
TERMS = set(UNIT.default_weights)
OF_GENERATORS = {term for term in TERMS if not term.startswith("discriminator")}
TermValues = dict[str, float]


class Line(UNITTranslator):
    """Translator that multiplies."""

    def __init__(self, encode: float, decode: float, shared: nn.Module) -> None:
        nn.Module.__init__(self)
        self.to_code, self.to_image = nn.Parameter(torch.tensor(encode)), nn.Parameter(torch.tensor(decode))
        self.front_end = self.decoder = nn.Identity()
        self.shared_encoder = self.shared_decoder = shared

    def mean_of(self, features: Tensor) -> Tensor:
        return self.to_code * features

    def back_end(self, decoded: Tensor) -> Tensor:
        return self.to_image * decoded


class Level(nn.Module):
    """Discriminator whose logits are the image plus a constant; like MONAI's it returns a list."""

    def __init__(self, offset: float = 0.0) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.tensor(offset))

    def forward(self, image: Tensor) -> list[Tensor]:
        return [image, image + self.offset]


def linear_objective(**options) -> UNIT:
    """In evaluation mode, where the code is its mean."""
    shared = nn.Identity()
    forth, back = Line(ENCODE_A, DECODE_B, shared).eval(), Line(ENCODE_B, DECODE_A, shared).eval()
    return UNIT(forth, back, Level(0.1), Level(-0.2), **options)


def batch() -> dict[str, Tensor]:
    return {"image_a": torch.full((1, 1, 2, 2), 0.4), "image_b": torch.full((1, 1, 2, 2), 0.8)}


def gather(groups: Iterable[dict[str, Tensor]]) -> TermValues:
    return {name: float(value) for group in groups for name, value in group.items()}


def cost(logit: float) -> float:
    """Minus log of the sigmoid."""
    return math.log(1 + math.exp(-logit))


def test_generator_terms_match_the_equations() -> None:
    data = batch()
    fake_b, fake_a = 0.5 * 3 * 0.4, 0.25 * 5 * 0.8
    expected = {
        "kl_a": (3 * 0.4) ** 2 / 2,  # Eq. 9
        "kl_b": (5 * 0.8) ** 2 / 2,
        "reconstruction_a": abs(0.25 * 3 * 0.4 - 0.4),
        "reconstruction_b": abs(0.5 * 5 * 0.8 - 0.8),
        "adversarial_ab": cost(fake_b - 0.2),  # Eq. 10
        "adversarial_ba": cost(fake_a + 0.1),
        "cycle_kl_a": (3 * 0.4) ** 2 / 2 + (5 * fake_b) ** 2 / 2,  # Eq. 11
        "cycle_kl_b": (5 * 0.8) ** 2 / 2 + (3 * fake_a) ** 2 / 2,
        "cycle_a": abs(0.25 * 5 * fake_b - 0.4),
        "cycle_b": abs(0.5 * 3 * fake_a - 0.8),
    }
    assert gather(linear_objective().generator_losses(data)) == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(data["fake_b"], torch.full((1, 1, 2, 2), fake_b))
    torch.testing.assert_close(data["fake_a"], torch.full((1, 1, 2, 2), fake_a))
    assert not data["fake_a"].requires_grad


def test_discriminator_terms_match_the_equation() -> None:
    data = batch() | {"fake_a": torch.full((1, 1, 2, 2), 0.5), "fake_b": torch.full((1, 1, 2, 2), -0.5)}
    terms = gather(linear_objective().discriminator_losses(data))
    assert terms["discriminator_a"] == pytest.approx(cost(0.4 + 0.1) + cost(-(0.5 + 0.1)), rel=1e-5)
    assert terms["discriminator_b"] == pytest.approx(cost(0.8 - 0.2) + cost(-(-0.5 - 0.2)), rel=1e-5)


def test_default_weights_are_the_papers() -> None:
    lambdas = {"kl": 0.1, "cycle_kl": 0.1, "reconstruction": 100, "cycle": 100, "adversarial": 10, "discriminator": 10}
    assert {term: lambdas[term.rsplit("_", 1)[0]] for term in TERMS} == UNIT.default_weights


def test_another_adversarial_loss() -> None:
    least_squares = PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True)
    terms = gather(linear_objective(adversarial_loss=least_squares).generator_losses(batch()))
    assert terms["adversarial_ab"] == pytest.approx((0.6 - 0.2 - 1) ** 2, rel=1e-5)


@pytest.mark.parametrize("term", sorted(TERMS))
def test_weight_zero_skips_the_term_and_only_that(term: str) -> None:
    objective, data = linear_objective(loss_weights={term: 0.0}), batch()
    found = gather(objective.generator_losses(data)) | gather(objective.discriminator_losses(data))
    everything = linear_objective()
    data = batch()
    expected = gather(everything.generator_losses(data)) | gather(everything.discriminator_losses(data))
    assert found == {name: value for name, value in expected.items() if name != term}


def test_one_code_serves_reconstruction_and_translation() -> None:
    """Of equal decoders come equal images, although the code is drawn by chance."""
    torch.manual_seed(0)
    forth = UNITTranslator(2, channels=2, num_blocks=1)
    back = forth.partner()
    back.decoder.load_state_dict(forth.decoder.state_dict())
    back.back_end.load_state_dict(forth.back_end.state_dict())
    image = 2 * torch.rand(1, 1, 16, 16) - 1
    data = {"image_a": image, "image_b": image}
    terms = gather(UNIT(forth, back, Level(), Level()).generator_losses(data))
    error = {site: float((data[f"fake_{site}"] - image).abs().mean()) for site in "ab"}
    assert terms["reconstruction_a"] == pytest.approx(error["b"], rel=1e-5)
    assert terms["reconstruction_b"] == pytest.approx(error["a"], rel=1e-5)
    assert error["a"] != error["b"]


def real_objective(spatial_dims: int = 2, **options) -> tuple[UNIT, dict[str, Tensor]]:
    """Networks and images in double precision."""
    torch.manual_seed(0)
    forth = UNITTranslator(spatial_dims, channels=2, num_blocks=2).double()
    discriminators = [
        PatchDiscriminator(spatial_dims, 4, 1, num_layers_d=1, norm="instance").double() for _ in range(2)
    ]
    shape = (1, 1, *[16] * spatial_dims)
    data = {name: 2 * torch.rand(shape, dtype=torch.float64) - 1 for name in ("image_a", "image_b")}
    return UNIT(forth, forth.partner().double(), *discriminators, **options), data


def backpropagate(objective: UNIT, groups: Iterable[dict[str, Tensor]]) -> None:
    for group in groups:
        if group:
            objective.weighted_sum(group).backward()


# Parts that a term trains, by the names of the networks; what both share is of either.
REACHES = {
    "kl_a": {"encoder_a", "shared_encoder"},
    "reconstruction_a": {"encoder_a", "shared_encoder", "shared_decoder", "decoder_a"},
    "adversarial_ab": {"encoder_a", "shared_encoder", "shared_decoder", "decoder_b"},
    "cycle_kl_a": {"encoder_a", "encoder_b", "shared_encoder", "shared_decoder", "decoder_b"},
    "cycle_a": {"encoder_a", "encoder_b", "shared_encoder", "shared_decoder", "decoder_a", "decoder_b"},
    "kl_b": {"encoder_b", "shared_encoder"},
    "reconstruction_b": {"encoder_b", "shared_encoder", "shared_decoder", "decoder_b"},
    "adversarial_ba": {"encoder_b", "shared_encoder", "shared_decoder", "decoder_a"},
    "cycle_kl_b": {"encoder_a", "encoder_b", "shared_encoder", "shared_decoder", "decoder_a"},
    "cycle_b": {"encoder_a", "encoder_b", "shared_encoder", "shared_decoder", "decoder_a", "decoder_b"},
}


@pytest.mark.parametrize("term", sorted(REACHES))
def test_a_term_trains_the_parts_that_it_is_about(term: str) -> None:
    objective, data = real_objective(loss_weights=dict.fromkeys(TERMS - {term}, 0.0))
    for network in objective.discriminators.values():
        network.requires_grad_(False)
    backpropagate(objective, objective.generator_losses(data))
    forth, back = objective.translators["a"], objective.translators["b"]
    parts = {
        "front_end_a": forth.front_end,
        "front_end_b": back.front_end,
        "back_end_a": back.back_end,
        "back_end_b": forth.back_end,
        "encoder_a": forth.encoder,
        "encoder_b": back.encoder,
        "decoder_a": back.decoder,
        "decoder_b": forth.decoder,
        "shared_encoder": forth.shared_encoder,
        "shared_decoder": forth.shared_decoder,
    }
    reached = {
        name for name, part in parts.items() if any(p.grad is not None and p.grad.any() for p in part.parameters())
    }
    ends = {name.replace("encoder", "front_end").replace("decoder", "back_end") for name in REACHES[term]}
    assert reached == REACHES[term] | (ends & parts.keys())
    assert all(p.grad is None for network in objective.discriminators.values() for p in network.parameters())


def test_the_discriminators_terms_train_the_discriminators_alone() -> None:
    objective, data = real_objective()
    with torch.no_grad():
        gather(objective.generator_losses(data))
    calls: list[int] = []
    for network in objective.generators.values():
        for part in (network.front_end, network.back_end):
            part.register_forward_hook(lambda *_: calls.append(1))
    backpropagate(objective, objective.discriminator_losses(data))
    assert calls == []
    assert all(p.grad is None for network in objective.generators.values() for p in network.parameters())
    assert all(p.grad is not None for network in objective.discriminators.values() for p in network.parameters())


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_grouped_gradients_equal_those_of_the_whole_sum(spatial_dims: int) -> None:
    objective, data = real_objective(spatial_dims)
    networks = nn.ModuleList(objective.networks.values())
    torch.manual_seed(1)
    backpropagate(objective, objective.generator_losses(dict(data)))
    grouped = [p.grad.clone() for p in networks.parameters()]
    networks.zero_grad(set_to_none=True)

    torch.manual_seed(1)
    total = torch.zeros((), dtype=torch.float64)
    for site, other in ("ab", "ba"):
        forth, back = objective.translators[site], objective.translators[other]
        image = data[f"image_{site}"]
        mean = forth.encode(image)
        code = mean + torch.randn_like(mean)
        fake = forth.decode(code)
        again = back.encode(fake)
        logits = objective.discriminators[f"discriminator_{other}"](fake)[-1]
        # Eqs 9 to 11; the KL of the image stands in two of them.
        total = total + 0.2 * (mean**2).mean() / 2 + 0.1 * (again**2).mean() / 2
        total = total + 100 * (back.decode(code) - image).abs().mean()
        total = total - 10 * logits.sigmoid().log().mean()
        total = total + 100 * (back.decode(again + torch.randn_like(again)) - image).abs().mean()
    total.backward()
    whole = [p.grad for p in networks.parameters()]
    for one, other in zip(grouped, whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-9)
    assert max(float(gradient.abs().max()) for gradient in whole) > 0.1


def test_what_fits_no_latent_space_is_refused() -> None:
    forth, judges = UNITTranslator(2, channels=2, num_blocks=1), (Level(), Level())
    with pytest.raises(ValueError, match="share no latent space"):
        UNIT(forth, UNITTranslator(2, channels=2, num_blocks=1), *judges)
    with pytest.raises(ValueError, match=r"\['ResNetGenerator', 'UNITTranslator'\]; expected a UNITTranslator"):
        UNIT(ResNetGenerator(2, channels=2, num_blocks=1), forth, *judges)
    with pytest.raises(ValueError, match=r"\['lambda_1'\].*kl_a"):
        UNIT(forth, forth.partner(), *judges, loss_weights={"lambda_1": 0.1})
