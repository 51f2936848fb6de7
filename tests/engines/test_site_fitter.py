"""Fitting in passes: which part meets what, in which order, with which spacing."""

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines import SiteFitter
from monai_harmonize.networks import SiteHarmonizer
from monai_harmonize.objectives import fit_site, site_fits
from monai_harmonize.objectives.site_fit import SiteFit


class Recorder(SiteFit):
    """Notes what it is given."""

    def __init__(self, log: list, name: str) -> None:
        super().__init__(before=lambda image, _: image + 1)
        self.log, self.name = log, name

    def start(self) -> None:
        self.log.append((self.name, "start"))

    def add(self, image: Tensor, spacing: list[float] | None, of_target: bool) -> None:
        self.log.append((self.name, float(image.mean()), spacing, of_target))

    def solve(self) -> None:
        self.log.append((self.name, "solve"))


def item(level: float, of_target: bool, spacing: float | None = None) -> dict:
    meta = {"spacing_known": spacing is not None, "affine": torch.diag(torch.tensor([-(spacing or 1), -2.0, 1, 1]))}
    return {"image": MetaTensor(torch.full((1, 4, 6), level), meta=meta), "of_target": of_target}


def loader(items: list[dict]) -> DataLoader:
    return DataLoader(Dataset(items), batch_size=1, num_workers=0)


def test_each_part_meets_both_sites_in_a_pass_of_its_own() -> None:
    log: list = []
    items = [item(0.25, False, 0.5), item(0.5, True)]
    SiteFitter("cpu", 2, loader(items), [Recorder(log, "one"), Recorder(log, "two")]).run()
    expected = []
    for name in ("one", "two"):
        expected += [(name, "start"), (name, 1.25, [0.5, 2.0], False), (name, 0.5, None, True), (name, "solve")]
    assert log == expected


def test_epochs_are_parts() -> None:
    with pytest.raises(InputError, match="max_epochs is 3 for 1 parts"):
        SiteFitter("cpu", 3, loader([item(0, True)]), [Recorder([], "one")])


@pytest.mark.parametrize("spectral_filter", [False, True])
def test_a_turned_dark_site_comes_back(spectral_filter: bool) -> None:
    """Source: the target's images, darker and inverted; the fitted harmonizer undoes both on unseen images."""
    generator = np.random.default_rng(0)

    def anatomy() -> np.ndarray:
        shape = np.linspace(-1, 1, 48)[:, None] * np.ones(48)
        return 0.7 * shape + 0.25 * generator.uniform(-1, 1, (48, 48))

    def source(image: np.ndarray) -> np.ndarray:
        return -(1.8 * ((image + 1) / 2) ** 1.4 - 0.95)

    def tensor(image: np.ndarray, of_target: bool) -> dict:
        return {"image": MetaTensor(torch.from_numpy(image[None]).float()), "of_target": of_target}

    items = [tensor(source(anatomy()), False) for _ in range(8)] + [tensor(anatomy(), True) for _ in range(8)]
    harmonizer = SiteHarmonizer(spectral_filter=spectral_filter)
    fits = site_fits(harmonizer, inverted="turn")
    SiteFitter("cpu", len(fits), loader(items), fits).run()
    unseen = anatomy()
    image = torch.from_numpy(source(unseen))[None, None].float()
    error = (harmonizer(harmonizer.turned(image))[0, 0].numpy() - unseen).std()
    assert error < (0.05 if spectral_filter else 0.02)
    assert harmonizer.guarantee_class == ("G2" if spectral_filter else "G0")


def test_a_second_run_fits_anew() -> None:
    harmonizer = SiteHarmonizer()
    items = [item(level, of_target) for level in (-0.5, 0.5) for of_target in (False, True)]
    fits = site_fits(harmonizer, inverted="keep")
    fitter = SiteFitter("cpu", len(fits), loader(items), fits)
    fitter.run()
    first = {name: value.clone() for name, value in harmonizer.state_dict().items()}
    fitter.run()
    assert all(torch.equal(first[name], value) for name, value in harmonizer.state_dict().items())


@pytest.mark.parametrize("spectral_filter", [False, True])
def test_images_in_memory_give_the_same_fit(spectral_filter: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    source = [torch.rand(1, 1, 40, 48, generator=generator) for _ in range(3)]
    target = [2 * image**2 - 1 for image in source]
    fitted, in_memory = (SiteHarmonizer(spectral_filter=spectral_filter) for _ in range(2))
    fits = site_fits(fitted, inverted="keep")
    items = [
        {"image": image[0], "of_target": place} for place, images in enumerate((source, target)) for image in images
    ]
    SiteFitter("cpu", len(fits), loader(items), fits).run()
    fit_site(in_memory, source, target, inverted="keep")
    assert all(torch.equal(value, in_memory.state_dict()[name]) for name, value in fitted.state_dict().items())
