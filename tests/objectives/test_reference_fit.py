import numpy as np
import pytest
import torch

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics import SiteReference
from monai_harmonize.networks import HistogramMatching
from monai_harmonize.objectives import ReferenceFit

IMAGES = [torch.from_numpy(np.random.default_rng(seed).normal(0, 0.3, (1, 1, 40, 40)).clip(-1, 1)) for seed in range(5)]


def fitted(images: list[torch.Tensor], **settings) -> tuple[HistogramMatching, ReferenceFit]:
    network = HistogramMatching()
    fit = ReferenceFit(network, **settings)
    fit.add_source(torch.rand(1, 1, 40, 40), None)
    for image in images:
        fit.add_target(image, None)
    fit.solve()
    return network, fit


def test_network_and_reference_know_the_target_site_alone() -> None:
    network, fit = fitted(IMAGES, templates=2, seed=3)
    assert fit.reference == SiteReference.fit([image[0] for image in IMAGES], templates=2, seed=3)
    expected = torch.tensor(fit.reference.channels[0].mean_cdf)
    torch.testing.assert_close(network.target_levels, expected)


def test_a_new_start_forgets() -> None:
    _, fit = fitted(IMAGES)
    fit.start()
    fit.add_target(IMAGES[0], None)
    fit.solve()
    assert fit.reference.images == 1


def test_what_cannot_be_fitted() -> None:
    with pytest.raises(InputError, match="no images of at least two grey levels"):
        fitted([])
    with pytest.raises(InputError, match="2 channels and 2049 levels; expected one channel"):
        fitted([torch.cat([image] * 2, dim=1) for image in IMAGES])
