"""What trained networks draw in a look: one that stores all looks, and one for each."""

import json
from pathlib import Path

import pytest
import torch

from monai_harmonize.cli.study.definition import Model
from monai_harmonize.cli.style_study.judging import Drawing
from monai_harmonize.engines.weights import record_fit, save_weights
from monai_harmonize.networks import StyleTransferNet
from monai_harmonize.networks.channel_statistics import channel_statistics

LAYERS = ["relu1_1", "relu2_1"]


def trained(path: Path, model: Model, styles: int, seed: int) -> StyleTransferNet:
    """A network whose stored styles are those of constant images of different levels."""
    torch.manual_seed(seed)
    network = StyleTransferNet(layers=LAYERS, num_styles=styles)
    looks = [torch.rand(2, 1, 16, 16) * (number + 1) / styles for number in range(styles)]
    network.store_styles(looks)
    save_weights(network, path)
    path.with_suffix(".json").write_text(json.dumps({"num_styles": styles}))
    record_fit(path, model.find().fit(model.overlays))
    return network


@pytest.fixture
def volume() -> torch.Tensor:
    return 2 * torch.rand(1, 20, 16, 3, generator=torch.Generator().manual_seed(1)) - 1


def test_a_look_is_drawn_in_its_stored_style_with_statistics_of_all_slices(tmp_path: Path, volume) -> None:
    model = Model("adain_ct", "Huang")
    network = trained(tmp_path / "model.pt", model, 2, 0)
    drawing = Drawing(model, [tmp_path / "model.pt"])
    slices = volume.movedim(-1, 0)
    # Of the volume as if it were one large image.
    own = channel_statistics(stacked(network.encode(slices)))
    for look in range(2):
        style = network.style_means, network.style_deviations, torch.eye(2)[look]
        expected = network.stylize(slices, *style, own).clamp(-1, 1)
        torch.testing.assert_close(drawing(volume, look), expected.movedim(0, -1), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(drawing(volume, 0), drawing(volume, 1), atol=1e-3)


def stacked(features: torch.Tensor) -> torch.Tensor:
    """Slices ``(N, C, W, H)`` side by side, ``(1, C, N * W, H)``."""
    return features.movedim(0, 1).flatten(1, 2)[None]


def test_a_network_of_each_look_draws_without_normalization(tmp_path: Path, volume) -> None:
    model = Model("adain_ct", "Mechrez", ("contextual_transformation",))
    paths = [tmp_path / look / "model.pt" for look in "ab"]
    for seed, path in enumerate(paths):
        path.parent.mkdir()
        trained(path, model, 1, seed)
    drawing = Drawing(model, paths)
    assert [network.alpha for network in drawing.networks] == [0.0, 0.0]
    slices = volume.movedim(-1, 0)
    for look, network in enumerate(drawing.networks):
        expected = network.decode(network.encode(slices), [20, 16]).clamp(-1, 1)
        torch.testing.assert_close(drawing(volume, look), expected.movedim(0, -1), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(drawing(volume, 0), drawing(volume, 1), atol=1e-3)
