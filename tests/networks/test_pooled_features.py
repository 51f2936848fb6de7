"""Feature vectors of images: names, layers, volumes, both Inceptions, what is refused."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.feature_extractor import FeatureExtractor
from monai_harmonize.networks.pooled_features import PooledFeatures
from monai_harmonize.networks.torchvision_import import torchvision


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return 2 * torch.rand(20, 1, 24, 32, generator=torch.manual_seed(0)) - 1


def test_means_of_a_layer_and_its_name(images) -> None:
    features = PooledFeatures("resnet50", random_weights=True, layer="relu")
    expected = FeatureExtractor("resnet50", ["relu"])(images)["relu"].mean(dim=(2, 3))
    torch.testing.assert_close(features(images), expected)
    assert features.name == "resnet50_relu_random_weights"
    deepest = PooledFeatures("vgg19", random_weights=True)
    assert deepest.name == "vgg19_relu4_1_random_weights"
    assert deepest(images[:1]).shape == (1, 512)
    assert not list(deepest.parameters())


def test_a_volume_is_the_mean_of_its_slices(images) -> None:
    features = PooledFeatures("resnet50", random_weights=True, layer="relu")
    volume = torch.stack([images[:2], images[2:4], images[4:6]], dim=-1)
    expected = torch.stack([features(volume[..., place]) for place in range(3)]).mean(0)
    torch.testing.assert_close(features(volume), expected)


def test_slices_of_a_volume_along_each_axis(images) -> None:
    plain = PooledFeatures("resnet50", random_weights=True, layer="relu")
    features = PooledFeatures("resnet50", random_weights=True, layer="relu", orthogonal=True, slice_step=8)
    assert features.name == "resnet50_relu_random_weights_orthogonal_every_8"
    volume = images[:20, 0, :, :17][None].repeat(2, 1, 1, 1).mul(torch.tensor([1, -0.5])[:, None, None, None])[:, None]
    # 20 x 24 x 17 voxels: every eighth slice from the fifth on.
    along = (
        [volume[:, :, place] for place in (4, 12)],
        [volume[:, :, :, place] for place in (4, 12, 20)],
        [volume[..., place] for place in (4, 12)],
    )
    expected = torch.cat([torch.stack([plain(each) for each in slices]).mean(0) for slices in along], dim=1)
    torch.testing.assert_close(features(volume), expected)
    torch.testing.assert_close(features(images), plain(images))
    # An axis that the step leaps over gives its last slice.
    torch.testing.assert_close(features(volume[..., :2])[:, -64:], plain(volume[..., 1]))


def test_weights_of_a_file_name_the_result(images, tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = torchvision.models.resnet50()
    torch.save(network.state_dict(), tmp_path / "radiology.v2.pt")
    features = PooledFeatures("resnet50", weights=tmp_path / "radiology.v2.pt", layer="relu")
    assert features.name == "resnet50_relu_radiology"
    other = PooledFeatures("resnet50", random_weights=True, layer="relu")
    assert not torch.allclose(features(images), other(images))


@pytest.mark.slow
def test_last_features_of_torchvisions_inception(images, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = torchvision.models.inception_v3(aux_logits=False, init_weights=False, transform_input=False).eval()
    torch.save(network.state_dict(), tmp_path / "inception.pt")
    features = PooledFeatures("inception_v3", weights=tmp_path / "inception.pt")
    assert features.name == "inception_v3_inception"
    with torch.no_grad():
        expected = network.fc(features(images[:1]))
        resized = F.interpolate(images[:1], (299, 299), mode="bilinear", antialias=True).expand(-1, 3, -1, -1)
        torch.testing.assert_close(network(resized), expected, rtol=1e-3, atol=1e-4)


class Scripted(nn.Module):
    """A network in the form of the file of published FIDs: what gives the features is called layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 5, 7, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.layers(image)


@pytest.fixture
def scripted(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    path = tmp_path / "inception-2015-12-05.pt"
    torch.jit.script(Scripted().eval()).save(str(path))
    return path


def test_the_file_of_published_fids_as_clean_fid_reads_it(images, scripted: Path) -> None:
    """Its own class and its own resizing, without its download."""
    inception = pytest.importorskip("cleanfid.inception_torchscript", reason="clean-fid is the peer of this test")
    resize = pytest.importorskip("cleanfid.resize")
    features = PooledFeatures("fid_inception", weights=scripted)
    assert features.name == "fid_inception_inception-2015-12-05"
    resizer = resize.make_resizer("PIL", False, "bicubic", (299, 299))
    levels = ((images[0, 0] + 1) * 127.5).numpy()
    peer = inception.InceptionV3W(str(scripted.parent), download=False)
    found = torch.from_numpy(resizer(levels[..., None].repeat(3, axis=2))).permute(2, 0, 1)[None]
    # The class reshapes to its 2048 features; the file here has five.
    with torch.no_grad():
        expected = peer.layers((found - 128) / 128).flatten(1)
    torch.testing.assert_close(features(images[:1]), expected, rtol=1e-3, atol=1e-4)


def test_what_is_refused(images, tmp_path: Path, scripted: Path) -> None:
    for options, message in (
        ({"extractor": "clip"}, "extractor 'clip' is not known; expected one of vgg19, "),
        ({}, "give the weights of resnet50"),
        ({"weights": "a.pt", "random_weights": True}, "random_weights True; give"),
        ({"extractor": "inception_v3", "random_weights": True}, "inception_v3 needs weights"),
        ({"extractor": "fid_inception", "weights": scripted, "layer": "relu"}, "has no choice of layers"),
        ({"extractor": "fid_inception", "weights": tmp_path / "no.pt"}, "no.pt: is no TorchScript file"),
        ({"random_weights": True, "slice_step": 0}, "slice_step is 0"),
        ({"random_weights": True, "layer": "relu9"}, "layers .'relu9'. of resnet50"),
    ):
        with pytest.raises(InputError, match=message):
            PooledFeatures(**options)
    features = PooledFeatures("resnet50", random_weights=True, layer="relu")
    with pytest.raises(InputError, match=r"expected \(B, 1, W, H\[, D\]\)"):
        features(images[:, 0])
