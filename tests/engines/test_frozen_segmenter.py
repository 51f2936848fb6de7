"""A segmentation network of the user's that looks on."""

from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines import frozen_segmenter

BUNDLE = "lung_segmentation_cxr"


@pytest.fixture
def network() -> torch.nn.Module:
    parser = ConfigParser()
    parser.read_config(f"bundles/{BUNDLE}/configs/inference.json")
    torch.manual_seed(0)
    return parser.get_parsed_content("network_def")


def test_it_computes_what_the_trained_network_does(network: torch.nn.Module, tmp_path: Path) -> None:
    torch.save(network.state_dict(), tmp_path / "model.pt")
    image = torch.rand(1, 1, 32, 32)
    for place in (tmp_path, tmp_path / "model.pt"):
        segmenter = frozen_segmenter(place)
        assert not segmenter.training
        assert not any(parameter.requires_grad for parameter in segmenter.parameters())
        torch.testing.assert_close(segmenter(image), network.eval()(image).detach())


def test_missing_weights_are_told_with_the_command_that_makes_them(tmp_path: Path) -> None:
    command = f"python -m monai.bundle run --config_file bundles/{BUNDLE}/configs/train.json --site NAME"
    with pytest.raises(InputError) as told:
        frozen_segmenter(tmp_path / "none.pt")
    assert f"{tmp_path / 'none.pt'}: there is no segmentation network" in str(told.value)
    assert command in str(told.value)


def test_weights_of_another_network_are_told(tmp_path: Path) -> None:
    torch.save(torch.nn.Conv2d(1, 1, 3).state_dict(), tmp_path / "model.pt")
    with pytest.raises(InputError, match="weights of another network"):
        frozen_segmenter(tmp_path)
