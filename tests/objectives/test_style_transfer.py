"""Style transfer: every term by its formula, what learns, and the three methods by their weights."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines import ObjectiveTrainer
from monai_harmonize.losses import contextual_loss, gram_style_loss, style_loss
from monai_harmonize.networks import StyleTransferNet, channel_statistics
from monai_harmonize.objectives import StyleTransfer

LAYERS = ["relu1_1", "relu2_1"]
EVERY = dict.fromkeys(StyleTransfer.default_weights, 1.0)


@pytest.fixture(scope="module")
def trained() -> StyleTransferNet:
    """A small network whose drawing is no flat grey."""
    torch.manual_seed(0)
    network = StyleTransferNet("vgg19", LAYERS, num_blocks=0)
    torch.nn.init.normal_(network.decoder.layers[-1].get_parameter("weight"), std=0.1)
    return network


@pytest.fixture
def batch() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {f"image_{site}": torch.rand(2, 1, 16, 12, generator=generator) * 2 - 1 for site in "ab"}


def terms(network: StyleTransferNet, batch: dict[str, Tensor], **options) -> dict[str, Tensor]:
    return {
        name: term
        for group in StyleTransfer(network, **options).generator_losses(batch)
        for name, term in group.items()
    }


def test_terms_follow_their_formulas(trained: StyleTransferNet, batch: dict[str, Tensor]) -> None:
    found = terms(trained, batch, loss_weights=EVERY, context_layers=LAYERS)
    content, style = (trained.extractor(batch[f"image_{site}"]) for site in "ab")
    (mean, deviation), (own_mean, own_deviation) = (channel_statistics(each["relu2_1"]) for each in (style, content))
    code = (content["relu2_1"] - own_mean[..., None, None]) / own_deviation[..., None, None]
    code = code * deviation[..., None, None] + mean[..., None, None]
    stylized = trained(batch["image_a"], batch["image_b"])
    torch.testing.assert_close(batch["stylized"], stylized.detach())
    drawn = trained.extractor(stylized)
    expected = {
        "contextual": sum(contextual_loss(drawn[name], content[name]) for name in LAYERS),
        "style": style_loss([drawn[name] for name in LAYERS], [style[name] for name in LAYERS]),
        "gram": gram_style_loss([drawn[name] for name in LAYERS], [style[name] for name in LAYERS]),
        "content": mse_loss(drawn["relu2_1"], code),
        "contextual_style": sum(contextual_loss(drawn[name], style[name]) for name in LAYERS),
        "reconstruction_a": l1_loss(trained.decode(content["relu2_1"], [16, 12]), batch["image_a"]),
        "reconstruction_b": l1_loss(trained.decode(style["relu2_1"], [16, 12]), batch["image_b"]),
    }
    assert list(found) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5)
        assert value > 0


def test_sides_that_are_no_multiples_of_the_stride(trained: StyleTransferNet, batch: dict[str, Tensor]) -> None:
    """Terms are those of the images continued by one pixel; what is drawn has the size of the content."""
    odd = {"image_a": batch["image_a"][:, :, :15, :11], "image_b": batch["image_b"][:, :, :13]}
    even = {name: torch.nn.functional.pad(image, [0, 1, 0, 1], mode="replicate") for name, image in odd.items()}
    even["image_b"] = even["image_b"][..., :12]
    found, expected = (terms(trained, each, loss_weights=EVERY, context_layers=LAYERS) for each in (odd, even))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(odd["stylized"], trained(odd["image_a"], odd["image_b"]).detach())


def test_a_weight_of_zero_costs_nothing(trained: StyleTransferNet, batch: dict[str, Tensor]) -> None:
    assert set(terms(trained, batch)) == {"contextual", "style"}
    huang = {"contextual": 0.0, "content": 1.0}
    assert set(terms(trained, batch, loss_weights=huang)) == {"content", "style"}
    assert not list(StyleTransfer(trained, dict.fromkeys(EVERY, 0.0)).generator_losses(batch))


def test_the_deepest_layer_is_the_context_by_default(trained: StyleTransferNet, batch: dict[str, Tensor]) -> None:
    default, deepest, shallow = (
        terms(trained, batch, context_layers=layers)["contextual"] for layers in (None, ["relu2_1"], ["relu1_1"])
    )
    assert default == deepest != shallow


def test_a_strength_of_zero_asks_for_the_content_itself(batch: dict[str, Tensor]) -> None:
    """So it is for Mechrez: no normalization, the style comes by the loss alone."""
    network = StyleTransferNet("vgg19", LAYERS, alpha=0.0, num_blocks=0)
    group = terms(network, batch, loss_weights={"style": 0.0, "contextual_style": 1.0})
    assert set(group) == {"contextual", "contextual_style"}
    torch.testing.assert_close(batch["stylized"], network.decode(network.encode(batch["image_a"]), [16, 12]))


def test_losses_of_a_batch_are_the_mean_of_its_images(trained: StyleTransferNet, batch: dict[str, Tensor]) -> None:
    whole = terms(trained, dict(batch), loss_weights=EVERY)
    parts = [terms(trained, {key: image[[n]] for key, image in batch.items()}, loss_weights=EVERY) for n in (0, 1)]
    for name, value in whole.items():
        torch.testing.assert_close(value, (parts[0][name] + parts[1][name]) / 2, rtol=1e-4, atol=1e-6)


def test_a_training_step_moves_the_decoder_alone(batch: dict[str, Tensor]) -> None:
    network = StyleTransferNet("vgg19", LAYERS, num_blocks=0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    trainer = ObjectiveTrainer("cpu", 2, [batch], StyleTransfer(network, EVERY), optimizer)
    trainer.run()
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {name for name in before if name.startswith("decoder.")}
    assert set(trainer.state.output["losses"]) == set(EVERY)


def test_training_takes_the_style(batch: dict[str, Tensor]) -> None:
    torch.manual_seed(0)
    network = StyleTransferNet("vgg19", LAYERS, num_blocks=0)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    seen: list[dict[str, float]] = []
    trainer = ObjectiveTrainer("cpu", 30, [batch], StyleTransfer(network), optimizer)
    trainer.add_event_handler("MODEL_COMPLETED", lambda engine: seen.append(engine.state.output["losses"]))
    trainer.run()
    assert seen[-1]["style"] < 0.5 * seen[0]["style"]
    assert seen[-1]["contextual"] < seen[0]["contextual"]


@pytest.mark.parametrize(("site", "other"), ["ab", "ba"])
def test_reconstruction_asks_nothing_of_the_other_image(
    trained: StyleTransferNet, batch: dict[str, Tensor], site: str, other: str
) -> None:
    alone = {**dict.fromkeys(EVERY, 0.0), f"reconstruction_{site}": 1.0}
    changed = {f"image_{site}": batch[f"image_{site}"], f"image_{other}": batch[f"image_{other}"].flip(2)}
    assert terms(trained, dict(batch), loss_weights=alone) == terms(trained, changed, loss_weights=alone)


def test_reconstruction_teaches_the_decoder_to_invert_the_encoder(batch: dict[str, Tensor]) -> None:
    torch.manual_seed(0)
    network = StyleTransferNet("vgg19", LAYERS, num_blocks=0)
    before = l1_loss(network(batch["image_b"], batch["image_b"]), batch["image_b"])
    alone = {**dict.fromkeys(EVERY, 0.0), "reconstruction_b": 1.0}
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    ObjectiveTrainer("cpu", 60, [batch], StyleTransfer(network, alone), optimizer).run()
    assert l1_loss(network(batch["image_b"], batch["image_b"]), batch["image_b"]) < 0.5 * before


def test_unknown_layers_are_told(trained: StyleTransferNet) -> None:
    with pytest.raises(InputError, match=r"\['relu5_1'\]; the encoder gives \['relu1_1', 'relu2_1'\]"):
        StyleTransfer(trained, context_layers=["relu5_1"])
