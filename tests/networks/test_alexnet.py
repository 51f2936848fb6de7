"""AlexNet on one grey channel: the features of three equal colours, weights from files, exports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks import AlexNet
from monai_harmonize.networks.torchvision_import import torchvision

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SMALL = 16


@pytest.fixture(scope="module")
def original() -> torch.nn.Module:
    """torchvision's AlexNet with random weights and biases."""
    torch.manual_seed(0)
    network = torchvision.models.alexnet(num_classes=3)
    return network.eval()


@pytest.fixture(scope="module")
def file(original: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "alexnet.pt"
    torch.save(original.state_dict(), path)
    return path


def as_colour(image: Tensor) -> Tensor:
    """Grey in [-1, 1] as standardized red, green and blue."""
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
    return ((image.expand(-1, 3, -1, -1) + 1) / 2 - mean) / deviation


def plane_of_ones(image: Tensor) -> Tensor:
    return torch.cat([image, torch.ones_like(image)], dim=1)


@torch.no_grad()
def test_grey_gives_the_features_of_three_equal_colours_up_to_the_border(original, file) -> None:
    network = AlexNet(weights=file).eval()
    image = 2 * torch.rand(2, 1, 70, 95) - 1
    expected = original.features(as_colour(image))
    torch.testing.assert_close(network.features(plane_of_ones(image)), expected, atol=1e-4, rtol=1e-4)
    hidden = original.classifier[:-1](torch.flatten(original.avgpool(expected), 1))
    logits = F.linear(hidden, network.classifier[-1].weight, network.classifier[-1].bias)
    torch.testing.assert_close(network(image), logits, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_narrow_head_takes_the_features_only(original, file) -> None:
    torch.manual_seed(1)
    network = AlexNet(weights=str(file), hidden_features=SMALL)
    torch.testing.assert_close(network.features[3].weight, original.features[3].weight)
    assert network.classifier[1].out_features == network.classifier[4].out_features == SMALL
    torch.manual_seed(1)
    random = AlexNet(hidden_features=SMALL)
    assert torch.equal(network.classifier[1].weight, random.classifier[1].weight)


def test_random_weights_keep_the_signal(original) -> None:
    """He's initialization: the deviation of the last features is of the order of the input's."""
    torch.manual_seed(0)
    image = torch.randn(4, 1, 128, 128)
    with torch.no_grad():
        features = AlexNet(hidden_features=SMALL).features(plane_of_ones(image))
        # PyTorch's own initialization loses it.
        lost = original.features(image.expand(-1, 3, -1, -1))
    assert 0.1 < features.std() < 10
    assert lost.std() < 0.1 * features.std()


@pytest.mark.parametrize("size", [(64, 64), (128, 96), (225, 64)])
def test_one_logit_per_image_scripted_too(size: tuple[int, int]) -> None:
    network = AlexNet(hidden_features=SMALL).eval()
    image = 2 * torch.rand(2, 1, *size) - 1
    logits = network(image)
    assert logits.shape == (2, 1)
    assert torch.equal(torch.jit.script(network)(image), logits)
    assert AlexNet(out_channels=5, hidden_features=SMALL)(image).shape == (2, 5)


def test_gradients_reach_every_weight() -> None:
    network = AlexNet(hidden_features=SMALL, dropout=0.0)
    network(2 * torch.rand(4, 1, 64, 64) - 1).sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in network.parameters())


def test_other_weights_are_refused(original, tmp_path) -> None:
    path = tmp_path / "weights.pt"
    with pytest.raises(
        InputError, match=r"weights .*absent\.pt: there is no such file; expected one, or a name out of"
    ):
        AlexNet(weights=tmp_path / "absent.pt")
    # One number behind each shape: small files.
    state = {name: torch.zeros(()).expand(value.shape) for name, value in original.state_dict().items()}
    wrong = {
        "features.3.bias is missing, expected": {n: v for n, v in state.items() if n != "features.3.bias"},
        r"features.0.weight is \(64, 1, 11, 11\), expected \(64, 3": {
            **state,
            "features.0.weight": state["features.0.weight"][:, :1],
        },
        r"more is \(2,\), expected no such entry": {**state, "more": torch.zeros(2)},
    }
    for message, content in wrong.items():
        torch.save(content, path)
        with pytest.raises(InputError, match=message):
            AlexNet(weights=path)
    path.write_bytes(b"weights")
    with pytest.raises(InputError, match="is damaged or holds more than tensors"):
        AlexNet(weights=path)


@pytest.mark.parametrize("options", [{"out_channels": 0}, {"hidden_features": 0}, {"dropout": 1.0}])
def test_errors(options) -> None:
    with pytest.raises(InputError, match="expected at least 1"):
        AlexNet(**options)


def test_weights_that_cannot_be_downloaded(monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refuse)
    with pytest.raises(InputError, match=r"IMAGENET1K_V1: cannot be downloaded .*no route to host"):
        AlexNet(weights="IMAGENET1K_V1")


@pytest.mark.long
@pytest.mark.parametrize("first", ["", "import monai.networks.nets, monai.transforms, monai.handlers"])
def test_torchvision_imports_also_after_others_failed(first: str) -> None:
    failed = "try:\n    import torchvision\nexcept Exception: pass\n"
    last = "from monai_harmonize.networks.torchvision_import import torchvision; torchvision.models.alexnet()"
    done = subprocess.run(
        [sys.executable, "-c", f"{first}\n{failed}{last}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_one_module_imports_torchvision() -> None:
    found = set()
    for path in Path("monai_harmonize").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found |= {str(path) for name in names if name.split(".")[0] == "torchvision"}
    assert found == {"monai_harmonize/networks/torchvision_import.py"}
