"""Contact sheets of feature maps."""

import numpy as np
import pytest
import torch
from PIL import Image

from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation.feature_maps import feature_map_figure, write_feature_maps
from monai_harmonize.networks import FeatureExtractor


def test_one_sheet_per_layer(tmp_path) -> None:
    extractor = FeatureExtractor("vgg19", ["relu2_1", "relu1_1"])
    image = 2 * torch.rand(1, 40, 30, generator=torch.Generator().manual_seed(0)) - 1
    paths = write_feature_maps(extractor, image, tmp_path / "maps", "vgg19", num_channels=8)
    assert [path.name for path in paths] == ["relu1_1.png", "relu2_1.png"]
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == ["relu1_1.png", "relu2_1.png"]
    for path in paths:
        with Image.open(path) as sheet:
            assert sheet.width > 1000
            assert np.asarray(sheet.convert("L")).std() > 10


def test_the_most_active_channels_are_shown_upright_in_their_order() -> None:
    maps = np.zeros((4, 6, 5), np.float32)
    maps[1, 2, 3] = 10
    maps[2] = 100  # does not vary
    maps[3, :3] = 1
    figure = feature_map_figure(np.zeros((12, 10), np.float32), maps, "layer", num_channels=3)
    drawn = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title().split(":")[0] for axes in drawn] == ["image", "1", "3", "0"]
    shown = drawn[1].images[0]
    np.testing.assert_array_equal(shown.get_array(), maps[1].T)
    assert shown.get_clim() == (0, 10)
    assert figure.get_suptitle().startswith("layer: 3 of 4 channels, 6 x 5, 1 silent")


@pytest.mark.parametrize("shape", [(40, 30), (3, 40, 30), (1, 1, 40, 30)])
def test_errors(shape: tuple[int, ...], tmp_path) -> None:
    extractor = FeatureExtractor("vgg19", ["relu1_1"])
    with pytest.raises(InputError, match=r"expected \(1, W, H\) and 1 or more"):
        write_feature_maps(extractor, torch.zeros(shape), tmp_path)
    with pytest.raises(InputError, match="num_channels is 0"):
        write_feature_maps(extractor, torch.zeros(1, 40, 30), tmp_path, num_channels=0)
