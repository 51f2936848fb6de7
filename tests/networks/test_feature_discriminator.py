"""A judge of features: what it looks at, what learns, and how its features are scaled."""

import pytest
import torch

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks import DecodedFeatures, FeatureDiscriminator, FeatureExtractor
from monai_harmonize.networks.calibrated_weights import natural_noise


def test_features_of_content_and_a_judgement_of_each_place() -> None:
    network = FeatureDiscriminator(layer="relu2_1", content_layer="relu1_1", channels=4)
    image = torch.rand(2, 1, 16, 12) * 2 - 1
    content, logits = network(image)
    assert (content.shape, logits.shape) == ((2, 64, 16, 12), (2, 1, 8, 6))
    features = FeatureExtractor("vgg19", ["relu1_1", "relu2_1"])(image)
    torch.testing.assert_close(content, features["relu1_1"] / network.content_scale)
    torch.testing.assert_close(logits, network.judge(features["relu2_1"] / network.scale))


def test_features_are_in_parts_of_their_size() -> None:
    network = FeatureDiscriminator(layer="relu1_2")
    content, _ = network(natural_noise(torch.Generator().manual_seed(0)))
    assert float(content.square().mean()) == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("num_layers", [0, 2])
def test_a_patch_is_as_large_as_the_convolutions_make_it(num_layers: int) -> None:
    """Each place sees the 3 x 3 pixels of relu1_1 and one more place around for each layer."""
    torch.manual_seed(0)
    network = FeatureDiscriminator(layer="relu1_1", channels=4, num_layers=num_layers)
    image = torch.zeros(1, 1, 21, 21, requires_grad=True)
    network(image)[-1][0, 0, 10, 10].backward()
    seen = image.grad[0, 0].nonzero() - 10
    assert int(seen.abs().max()) == 1 + num_layers


def test_only_the_judge_learns_and_weights_of_both_sides_are_the_same() -> None:
    network, generator = FeatureDiscriminator(layer="relu1_2"), DecodedFeatures(layers=["relu1_2"])
    assert {name.split(".")[0] for name, _ in network.named_parameters()} == {"judge"}
    for name, value in generator.extractor.state_dict().items():
        torch.testing.assert_close(value, network.extractor.state_dict()[name])


@pytest.mark.parametrize("options", [{"channels": 0}, {"num_layers": -1}, {"content_layer": "relu9_1"}])
def test_wrong_options_are_told(options: dict) -> None:
    with pytest.raises(InputError, match="expected"):
        FeatureDiscriminator(layer="relu1_1", **options)
