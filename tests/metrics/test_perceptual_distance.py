"""LPIPS: the formula on torchvision's features, volumes, weights from files, and what is refused."""

import inspect
import logging
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.perceptual_distance import LPIPSMetric, PerceptualDistance, lpips
from monai_harmonize.networks.torchvision_import import torchvision

# Rectifiers of AlexNet whose output counts.
RECTIFIERS = (1, 4, 7, 9, 11)
# As the package standardizes images in [-1, 1].
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


@pytest.fixture(scope="module")
def features() -> torch.nn.Module:
    """Features of torchvision's AlexNet with random weights."""
    torch.manual_seed(5)
    with torch.device("meta"):
        network = torchvision.models.alexnet().features
    network.to_empty(device="cpu")
    for module in network:
        if isinstance(module, torch.nn.Conv2d):
            module.reset_parameters()
    return network.eval()


@pytest.fixture(scope="module")
def file(features: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "alexnet.pt"
    torch.save({f"features.{name}": value for name, value in features.state_dict().items()}, path)
    return path


@pytest.fixture(scope="module")
def distance(file: Path) -> PerceptualDistance:
    return PerceptualDistance(weights=file)


def by_hand(features: torch.nn.Module, image: Tensor, reference: Tensor) -> Tensor:
    """Weighted squared differences of unit feature vectors, averaged over places, added over layers."""
    shift, scale = (torch.tensor(values)[:, None, None] for values in (SHIFT, SCALE))
    maps = [(levels.expand(-1, 3, -1, -1) - shift) / scale for levels in (image, reference)]
    learned = torch.load(Path(inspect.getfile(lpips)).parent / "weights/v0.1/alex.pth", "cpu", weights_only=True)
    total = torch.zeros(len(image))
    for place, layer in enumerate(features[: RECTIFIERS[-1] + 1]):
        maps = [F.relu(values) if isinstance(layer, torch.nn.ReLU) else layer(values) for values in maps]
        if place in RECTIFIERS:
            first, second = (F.normalize(values, dim=1) for values in maps)
            weight = learned[f"lin{RECTIFIERS.index(place)}.model.1.weight"]
            total = total + F.conv2d((first - second) ** 2, weight).mean((1, 2, 3))
    return total


@torch.no_grad()
def test_the_formula_with_weights_of_a_file(features, distance) -> None:
    image, reference = 2 * torch.rand(2, 3, 1, 40, 53, generator=torch.manual_seed(0)) - 1
    found = distance(image, reference)
    assert found.shape == (3,)
    assert (found > 0).all()
    torch.testing.assert_close(found, by_hand(features, image, reference), atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(distance(reference, image), found)
    assert distance(image, image).tolist() == [0, 0, 0]
    assert distance.name == "lpips_alex"


@torch.no_grad()
def test_a_volume_is_the_mean_of_its_slices(distance) -> None:
    image, reference = 2 * torch.rand(2, 2, 1, 32, 36, 19, generator=torch.manual_seed(1)) - 1
    slices = [distance(image[..., place], reference[..., place]) for place in range(19)]
    torch.testing.assert_close(distance(image, reference), torch.stack(slices).mean(0))


def test_gradients_reach_the_images_and_the_weights_stay(distance) -> None:
    image = torch.zeros(1, 1, 32, 32, requires_grad=True)
    distance(image, torch.rand(1, 1, 32, 32)).sum().backward()
    assert image.grad is not None
    assert image.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in distance.parameters())


def test_a_random_backbone_is_named_and_always_the_same(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        first = PerceptualDistance("squeeze", random_backbone=True)
    torch.manual_seed(7)
    state = torch.random.get_rng_state()
    second = PerceptualDistance("squeeze", random_backbone=True)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert first.name == "lpips_squeeze_random_backbone"
    assert "its backbone is random, so its numbers are no LPIPS" in caplog.text
    image, reference = 2 * torch.rand(2, 1, 1, 32, 32) - 1
    assert float(first(image, reference)) == float(second(image, reference)) > 0


def test_the_metric_keeps_every_pair(distance) -> None:
    image, reference = 2 * torch.rand(2, 3, 1, 32, 32, generator=torch.manual_seed(2)) - 1
    metric = LPIPSMetric(distance)
    metric(image[:1], reference[:1])
    metric(list(image[1:]), list(reference[1:]))
    expected = distance(image, reference)
    torch.testing.assert_close(metric.get_buffer(), expected[:, None])
    torch.testing.assert_close(metric.aggregate(), expected.mean())
    assert str(metric) == "lpips_alex"
    with pytest.raises(ValueError, match="no pair was given"):
        LPIPSMetric(distance).aggregate()


def test_weights_are_stated_never_silently_random(tmp_path: Path, file: Path) -> None:
    with pytest.raises(InputError, match="give the weights of torchvision's alexnet"):
        PerceptualDistance()
    with pytest.raises(InputError, match="random_backbone True; give the weights"):
        PerceptualDistance(weights=file, random_backbone=True)
    with pytest.raises(InputError, match="expected one of alex, vgg, squeeze"):
        PerceptualDistance("resnet", random_backbone=True)
    with pytest.raises(InputError, match="there is no such file"):
        PerceptualDistance(weights=tmp_path / "absent.pt")
    with pytest.raises(InputError, match="are not those of torchvision's squeezenet1_1"):
        PerceptualDistance("squeeze", weights=file)


def test_images_that_do_not_fit(distance) -> None:
    image = torch.zeros(1, 1, 32, 32)
    for pair, message in (
        ((image, image[..., 1:]), "expected the same"),
        ((image.expand(-1, 3, -1, -1),) * 2, "expected the same"),
        ((image[..., 1:],) * 2, "32x31 pixels; expected at least 32"),
        ((image, image + 1.1), r"1.1 to 1.1; expected \[-1, 1\]"),
        ((image - 400, image), "-400 to -400"),
        ((image * float("nan"), image), "nan to nan"),
    ):
        with pytest.raises(InputError, match=message):
            distance(*pair)
