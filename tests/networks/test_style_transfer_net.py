"""Properties of style transfer: identity, strength, several styles, stored styles, any size, exports."""

from functools import cache

import pytest
import torch
from monai.networks.utils import convert_to_onnx
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks import StyleTransferNet
from monai_harmonize.networks.calibrated_weights import natural_noise
from monai_harmonize.networks.feature_extractor import DEFAULT_LAYERS

LAYERS = ("relu1_1", "relu2_1")


def network(**options) -> StyleTransferNet:
    torch.manual_seed(0)
    return StyleTransferNet(**{"layers": LAYERS, **options}).eval()


@cache
def shared() -> StyleTransferNet:
    """Tests must not change it."""
    return network()


def picture(seed: int = 0, count: int = 2, size: tuple[int, int] = (24, 20)) -> Tensor:
    return 2 * torch.rand(count, 1, *size, generator=torch.Generator().manual_seed(seed)) - 1


def look(seed: int, size: tuple[int, int] = (24, 20)) -> Tensor:
    """Images of little contrast, brighter or darker."""
    return 0.2 * picture(seed, 3, size) + (0.5 if seed % 2 else -0.5)


@pytest.mark.parametrize("name", sorted(DEFAULT_LAYERS))
def test_every_extractor_translates_images(name: str) -> None:
    torch.manual_seed(0)
    transfer = StyleTransferNet(name)
    image, style = natural_noise(torch.Generator().manual_seed(9))[:1], look(1, (64, 64))[:1]
    output = transfer(image, style)
    assert output.shape == image.shape
    assert output.abs().max() <= 1
    with torch.no_grad():
        assert torch.equal(transfer(image, image), transfer(image))
        assert (output - transfer(image)).abs().mean() > 0.01
        # The decoder's input has the same size whatever the extractor's features have.
        assert 0.5 < (transfer.encode(image) / transfer.feature_scale).square().mean().sqrt() < 2
    output.sum().backward()
    assert len(list(transfer.parameters())) == len(list(transfer.decoder.parameters()))


@torch.no_grad()
def test_the_content_as_style_is_a_reconstruction() -> None:
    transfer, image = shared(), picture()
    reconstructed = transfer.decode(transfer.encode(image), [24, 20])
    assert torch.equal(transfer(image, image), reconstructed)
    # Nothing is stored yet.
    assert torch.equal(transfer(image), reconstructed)


@torch.no_grad()
def test_features_take_the_statistics_of_the_style() -> None:
    transfer, seen = network(), []
    handle = transfer.decoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    image, style = picture(), look(1)[:2]
    transfer(image, style)
    handle.remove()
    features = seen[0] * transfer.feature_scale
    mean, deviation = transfer.statistics(style)
    torch.testing.assert_close(features.mean((2, 3)), mean, atol=1e-5, rtol=1e-4)
    # Nearly, where the channel of the content is nearly constant.
    variance = transfer.encode(image).var((2, 3), correction=0)
    expected = deviation * torch.sqrt(variance / (variance + 1e-5))
    torch.testing.assert_close(features.std((2, 3), correction=0), expected, atol=1e-4, rtol=1e-3)
    assert (variance > 1).float().mean() > 0.5


@torch.no_grad()
def test_strength_leads_from_the_content_to_the_style() -> None:
    image, style = picture(), look(1)[:1]
    outputs = []
    for alpha in (0.0, 0.5, 1.0):
        transfer = network(alpha=alpha)
        outputs.append(transfer(image, style))
        transfer.store_styles([style])
        torch.testing.assert_close(transfer(image), outputs[-1], atol=1e-6, rtol=1e-5)
    assert torch.equal(outputs[0], shared()(image))
    halfway, whole = ((one - outputs[0]).abs().mean() for one in outputs[1:])
    assert 0 < halfway < whole


@torch.no_grad()
def test_each_image_gets_its_own_style() -> None:
    transfer, image = shared(), picture()
    styles = torch.cat([look(1)[:1], look(2)[:1]])
    both = transfer(image, styles)
    for k in range(2):
        torch.testing.assert_close(transfer(image[[k]], styles[[k]]), both[[k]], atol=1e-6, rtol=1e-5)
    assert (both - transfer(image, styles.flip(0))).abs().mean() > 1e-3
    # One style of another size for all.
    assert transfer(image, look(1, (30, 41))[:1]).shape == image.shape


@torch.no_grad()
def test_stored_styles_are_means_over_images_of_any_size() -> None:
    transfer = network(num_styles=2)
    first, second = list(look(1)), [*look(2), *look(4, (17, 33))]
    transfer.store_styles([look(1), iter(second)])
    for position, images in enumerate((first, second)):
        found = [transfer.statistics(image[None]) for image in images]
        for stored, index in ((transfer.style_means, 0), (transfer.style_deviations, 1)):
            torch.testing.assert_close(stored[position], torch.cat([pair[index] for pair in found]).mean(0))
    assert transfer.style_weights.tolist() == [0.5, 0.5]
    restored = network(num_styles=2, seed=5)
    restored.load_state_dict(transfer.state_dict())
    assert torch.equal(restored(picture()), transfer(picture()))


@torch.no_grad()
def test_several_styles_are_blended() -> None:
    transfer, image = network(num_styles=2), picture()
    looks = [look(1), look(2)]
    outputs = []
    for weights in ([1, 0], [0, 1], [0.5, 0.5], [0, 0]):
        transfer.store_styles(looks, weights)
        outputs.append(transfer(image))
    first, second, between, none = outputs
    assert torch.equal(none, shared()(image))
    apart = (first - second).abs().mean()
    assert max((between - first).abs().mean(), (between - second).abs().mean()) < apart
    styles = transfer.style_means, transfer.style_deviations
    torch.testing.assert_close(transfer.stylize(image, *styles, torch.tensor([0.5, 0.5])), between)
    each = transfer.stylize(image, *styles, torch.eye(2))
    torch.testing.assert_close(each, torch.cat([first[:1], second[1:]]), atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_one_of_the_stored_styles_is_chosen() -> None:
    transfer, image = network(num_styles=2), picture()
    transfer.store_styles([look(1), look(2)])
    for style in range(2):
        chosen = network(num_styles=2, style=style)
        chosen.load_state_dict(transfer.state_dict())
        expected = transfer.stylize(image, transfer.style_means, transfer.style_deviations, torch.eye(2)[style])
        assert torch.equal(chosen(image), expected)
        torch.testing.assert_close(torch.jit.script(chosen)(image), expected)
    assert (chosen(image) - transfer(image)).abs().max() > 1e-3


@torch.no_grad()
def test_statistics_of_a_volume_make_its_slices_independent_of_each_other() -> None:
    transfer, image = network(), picture(0, 3)
    transfer.store_styles([look(1)])
    means, deviations = transfer.statistics(image)
    own = means.mean(0, keepdim=True), deviations.mean(0, keepdim=True)
    options = transfer.style_means, transfer.style_deviations, transfer.style_weights
    whole = transfer.stylize(image, *options, own)
    for k in range(3):
        torch.testing.assert_close(transfer.stylize(image[[k]], *options, own), whole[[k]], atol=1e-6, rtol=1e-5)
    assert (whole - transfer(image)).abs().max() > 1e-3


@pytest.mark.parametrize("size", [(9, 9), (16, 9), (23, 40), (65, 33)])
@torch.no_grad()
def test_any_size(size: tuple[int, int]) -> None:
    transfer = network(layers=None)
    image = picture(0, 1, size)
    output = transfer(image, look(1)[:1])
    assert output.shape == image.shape
    # Continued at the far borders by hand: the same image there.
    width, height = (-side % 8 for side in size)
    continued = torch.nn.functional.pad(image, (0, height, 0, width), mode="replicate")
    assert torch.equal(transfer(continued, look(1)[:1])[:, :, : size[0], : size[1]], output)


def test_gradients_reach_the_decoder_and_the_image_alone() -> None:
    transfer, image = network(), picture().requires_grad_()
    before = {key: value.clone() for key, value in transfer.extractor.state_dict().items()}
    optimizer = torch.optim.Adam(transfer.parameters(), 1e-3)
    for _ in range(2):
        optimizer.zero_grad()
        (transfer.train()(image, look(1)[:1]) - 1).square().mean().backward()
        optimizer.step()
    assert all(weight.grad.abs().sum() > 0 for weight in transfer.decoder.parameters())
    assert image.grad.abs().sum() > 0
    assert all(torch.equal(value, before[key]) for key, value in transfer.extractor.state_dict().items())


@torch.no_grad()
def test_autocast_measures_in_float32() -> None:
    transfer, image = shared(), picture()
    exact = transfer(image, look(1)[:1])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = transfer(image, look(1)[:1])
        assert transfer.statistics(image)[0].dtype == torch.float32
    torch.testing.assert_close(rough.float(), exact, atol=0.05, rtol=0)


@torch.no_grad()
def test_scripted_network_computes_the_same() -> None:
    transfer, image = network(), picture(0, 2, (23, 20))
    transfer.store_styles([look(1)])
    scripted = torch.jit.script(transfer)
    torch.testing.assert_close(scripted(image), transfer(image))
    torch.testing.assert_close(scripted(image, look(2)[:1]), transfer(image, look(2)[:1]))
    with pytest.raises(torch.jit.Error, match="8 x 2 pixels; expected at least 3"):
        scripted(image[:, :, :8, :2])


@pytest.mark.parametrize("name", ["vgg19", "resnet50", "densenet121"])
def test_it_exports_to_onnx_with_one_input(name: str) -> None:
    transfer, image = network(extractor=name, layers=None), picture(0, 1, (36, 32))
    transfer.store_styles([look(1, (32, 32))])
    # Compares with the runtime's output.
    convert_to_onnx(transfer, [image], verify=True, use_ort=True, dynamo=False, rtol=1e-4, atol=1e-4)


def test_errors() -> None:
    for options in ({"alpha": 1.5}, {"alpha": -0.1}, {"num_styles": 0}):
        with pytest.raises(InputError, match="expected 0 <= alpha <= 1 and at least 1"):
            network(**options)
    for style in (-1, 1):
        with pytest.raises(InputError, match="expected one of the 1 stored styles, from 0 on"):
            network(style=style)
    for options in ({"style": "sharp"}, {"style": 0.5}, {"num_styles": "two"}, {"num_styles": 1.5}):
        with pytest.raises(InputError, match=r"expected a whole number, not the name of a look"):
            network(**options)
    with pytest.raises(InputError, match="alpha is 'half'; expected a number from 0 to 1"):
        network(alpha="half")
    transfer = shared()
    with pytest.raises(InputError, match="2 styles for 3 images given; expected 1 or as many"):
        transfer(picture(0, 3), picture(1, 2))
    with pytest.raises(InputError, match="2 x 20 pixels; expected at least 3 along each side"):
        transfer(picture(0, 1, (2, 20)))
    with pytest.raises(InputError, match="2 looks and 1 weights given; expected num_styles, 1"):
        transfer.store_styles([look(1), look(2)])
    with pytest.raises(InputError, match="look 0 has no image"):
        transfer.store_styles([[]])
    for weights in ([-0.1], [1.5], [float("nan")]):
        with pytest.raises(InputError, match="expected at least 0 each and at most 1 in all"):
            transfer.store_styles([look(1)], weights)
