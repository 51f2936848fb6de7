"""Extractors on one grey channel: the features of three equal colours, frozen whatever happens, named layers."""

from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks import FeatureExtractor
from monai_harmonize.networks.feature_extractor import DEFAULT_LAYERS
from monai_harmonize.networks.torchvision_import import torchvision

NAMES = sorted(DEFAULT_LAYERS)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@cache
def extractor(name: str) -> FeatureExtractor:
    """Random weights; tests must not change them."""
    return FeatureExtractor(name)


def picture(*size: int) -> Tensor:
    return 2 * torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(1)) - 1


def as_colour(image: Tensor) -> Tensor:
    """Grey in [-1, 1] as standardized red, green and blue."""
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
    return ((image.expand(-1, 3, -1, -1) + 1) / 2 - mean) / deviation


def original(name: str) -> nn.Module:
    """torchvision's network on three colours, random to the last bias and statistic; no classifier."""
    torch.manual_seed(0)
    with torch.device("meta"):
        network = torchvision.models.get_model(name)
    for part in ("classifier", "fc"):
        if hasattr(network, part):
            setattr(network, part, nn.Identity())
    network.to_empty(device="cpu")
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.normal_(layer.bias)
        if isinstance(layer, nn.BatchNorm2d):
            for value in (layer.weight, layer.running_var):
                nn.init.uniform_(value, 0.5, 1.5)
            for value in (layer.bias, layer.running_mean):
                nn.init.normal_(value)
    return network.eval()


def as_old_file(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As torchvision's files are: DenseNet's older names, no counters."""
    state = {key: value for key, value in state.items() if "num_batches_tracked" not in key}
    for layer in ("norm", "conv"):
        for number in "12":
            state = {
                key.replace(f".{layer}{number}.", f".{layer}.{number}.") if "denselayer" in key else key: value
                for key, value in state.items()
            }
    return state


def features_before_the_deepest(network: nn.Module, name: str, image: Tensor) -> Tensor:
    """The deepest default layer of torchvision's own network, by its own modules."""
    colour = as_colour(image)
    if name == "vgg19":
        # Four convolutions with rectifier in two blocks, their pools, four more and a pool, and one more.
        return network.features[:21](colour)
    if name.startswith("resnet"):
        stem = network.maxpool(network.relu(network.bn1(network.conv1(colour))))
        return network.layer2(network.layer1(stem))
    names = [key for key, _ in network.features.named_children()]
    transition = network.features.transition2
    return transition.relu(transition.norm(network.features[: names.index("transition2")](colour)))


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_grey_gives_the_features_of_three_equal_colours_at_the_border_too(name: str, tmp_path: Path) -> None:
    network = original(name)
    torch.save(as_old_file(network.state_dict()), tmp_path / "weights.pt")
    own = FeatureExtractor(name, weights=tmp_path / "weights.pt")
    image = picture(45, 38)
    expected = features_before_the_deepest(network, name, image)
    found = own(image)[own.layers[-1]]
    scale = expected.abs().mean()
    torch.testing.assert_close(found / scale, expected / scale, atol=1e-4, rtol=1e-4)
    # Features of the border are not those of the middle.
    assert (found[..., 0, :] - found[..., 2, :]).abs().mean() > 0.1 * scale


@pytest.mark.parametrize("name", NAMES)
def test_layers_channels_and_strides(name: str) -> None:
    network = extractor(name)
    assert network.layers == list(DEFAULT_LAYERS[name])
    image = picture(64, 96).requires_grad_()
    features = network(image)
    for layer, channels, stride in zip(network.layers, network.channels, network.strides, strict=True):
        assert features[layer].shape == (2, channels, 64 // stride, 96 // stride)
        assert features[layer].min() >= 0
        features[layer].sum().backward(retain_graph=True)
        assert (image.grad != 0).float().mean() > 0.5
    assert (network.channels[-1], network.strides[-1]) == (512, 8)


@pytest.mark.parametrize("name", NAMES)
def test_random_weights_keep_variation_at_every_depth(name: str) -> None:
    """Every layer still varies over the image, no channel is silent, and the scale stays within ten."""
    image = torch.linspace(-1, 1, 64).expand(1, 1, 64, 64) * torch.sin(torch.arange(64.0) / 5)[:, None]
    for features in extractor(name)(image).values():
        power = features.square().mean()
        assert 0.01 < power < 100
        assert features.var(dim=(2, 3)).mean() > 0.2 * power
        assert (features.amax((2, 3)) > 0).float().mean() > 0.95


def test_random_weights_follow_the_seed_alone() -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    again = FeatureExtractor("resnet50")
    assert torch.equal(torch.get_rng_state(), state)
    other = FeatureExtractor("resnet50", seed=1)
    image, deepest = picture(32, 32), again.layers[-1]
    assert torch.equal(again(image)[deepest], extractor("resnet50")(image)[deepest])
    assert not torch.allclose(other(image)[deepest], again(image)[deepest])


def test_nothing_changes_the_weights() -> None:
    network = FeatureExtractor("densenet121")
    before = {key: value.clone() for key, value in network.state_dict().items()}
    parent = nn.Sequential(network).train().requires_grad_(True)
    assert not list(parent.parameters())
    assert not any(module.training for module in network.modules())
    image = picture(32, 32).requires_grad_()
    sum(value.sum() for value in parent(image).values()).backward()
    for scripted in (torch.jit.script(network).train(), network):
        scripted(picture(40, 32))
        assert all(torch.equal(value, before[key]) for key, value in scripted.state_dict().items())
    assert all(value.grad is None for value in network.buffers())


def test_nothing_behind_the_deepest_layer_is_kept() -> None:
    shallow = FeatureExtractor("vgg19", ["relu2_1", "relu1_2"])
    assert shallow.layers == ["relu1_2", "relu2_1"]
    convolutions = [(2, 64), (64, 64), (64, 128)]
    assert sum(value.numel() for value in shallow.buffers()) == sum(9 * i * o + o for i, o in convolutions)
    assert not any("layer3" in key for key in extractor("resnet101").state_dict())


def test_deeper_layers_tell_the_resnets_apart() -> None:
    for name, blocks in (("resnet50", 6), ("resnet101", 23)):
        with pytest.raises(InputError, match=rf"layer3\.{blocks}'\] of {name}: expected .* layer3\.{blocks - 1}, lay"):
            FeatureExtractor(name, [f"layer3.{blocks}"])


@pytest.mark.parametrize("name", ["vgg19", "resnet50", "densenet121"])
def test_scripted_extractor_computes_the_same(name: str) -> None:
    network, image = extractor(name), picture(33, 47)
    for key, value in torch.jit.script(network)(image).items():
        torch.testing.assert_close(value, network(image)[key])


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="extractor 'vgg16' is not known; expected one of vgg19, resnet50"):
        FeatureExtractor("vgg16")
    with pytest.raises(InputError, match=r"\['conv1_1'\] of vgg19: expected .* relu1_1, relu1_2, .*relu5_4\."):
        FeatureExtractor("vgg19", ["relu1_1", "conv1_1"])
    with pytest.raises(InputError, match="expected at least one"):
        FeatureExtractor("vgg19", [])
    with pytest.raises(InputError, match=r"layers is 'relu2_1'; expected a list of names, such as \['relu2_1'\]"):
        FeatureExtractor("vgg19", "relu2_1")
    with pytest.raises(InputError, match=r"transition1\.relu, transition2\.relu, transition3\.relu\."):
        FeatureExtractor("densenet121", ["denseblock1"])
    with pytest.raises(InputError, match="has 3 channels; expected 1"):
        extractor("resnet50")(torch.zeros(1, 3, 32, 32))
    with torch.device("meta"):
        state = torchvision.models.resnet101().state_dict()
    torch.save({key: torch.zeros(()).expand(value.shape) for key, value in state.items()}, tmp_path / "other.pt")
    with pytest.raises(InputError, match=r"not those of torchvision's resnet50; layer3\.10\..*no such entry"):
        FeatureExtractor("resnet50", weights=tmp_path / "other.pt")
    with pytest.raises(InputError, match=r"no such file; expected one, or a name out of IMAGENET1K_V1, IMAGENET1K_V2"):
        FeatureExtractor("resnet50", weights="imagenet")
