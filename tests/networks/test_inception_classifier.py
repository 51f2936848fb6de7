"""Inception-v3 on grey images: the logits of torchvision's own network, weights from files."""

from pathlib import Path

import pytest
import torch

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.inception_classifier import SIZE, InceptionClassifier
from monai_harmonize.networks.torchvision_import import torchvision

CLASSES = 4
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def original() -> torch.nn.Module:
    """torchvision's network as its own weights expect it: standardized colours."""
    torch.manual_seed(0)
    network = torchvision.models.inception_v3(num_classes=CLASSES, transform_input=True, init_weights=False)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            # Keeps the scale of the signal, so that the logits depend on the image.
            torch.nn.init.kaiming_normal_(module.weight)
    return network.eval()


@torch.no_grad()
def test_the_logits_of_standardized_colours(original, tmp_path: Path) -> None:
    file = tmp_path / "inception.pt"
    torch.save(original.state_dict(), file)
    classifier = InceptionClassifier(file)
    assert classifier.out_channels == CLASSES
    assert not classifier.training
    image = 2 * torch.rand(1, 1, SIZE, SIZE) - 1
    assert (classifier(image) - classifier(0.9 * image)).abs().max() > 0.01
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
    expected = original(((image.expand(-1, 3, -1, -1) + 1) / 2 - mean) / deviation)
    torch.testing.assert_close(classifier(image), expected, atol=1e-4, rtol=1e-3)
    # Another size is resampled: a constant image stays one.
    torch.testing.assert_close(classifier(torch.full((1, 1, 80, 95), 0.3)), classifier(torch.full_like(image, 0.3)))


def test_weights_without_a_last_layer_or_of_another_network(original, tmp_path: Path) -> None:
    state = {name: value for name, value in original.state_dict().items() if not name.startswith("fc.")}
    torch.save(state, tmp_path / "headless.pt")
    with pytest.raises(InputError, match="lack the last layer"):
        InceptionClassifier(tmp_path / "headless.pt")
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="are not those of torchvision's inception_v3"):
        InceptionClassifier(tmp_path / "other.pt")
    with pytest.raises(InputError, match="there is no such file"):
        InceptionClassifier(tmp_path / "absent.pt")
