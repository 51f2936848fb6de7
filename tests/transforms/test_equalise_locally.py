import numpy as np
import pytest
from skimage.exposure import equalize_adapthist

from monai_harmonize.data.errors import InputError
from monai_harmonize.transforms import EqualiseHistogram, EqualiseLocally

RANDOM = np.random.default_rng(0)
IMAGE = np.cumsum(RANDOM.uniform(0, 1, (1, 128, 128)), axis=1)


def test_it_is_scikit_images_with_bins_that_fit_the_tiles() -> None:
    unit = (IMAGE[0] - IMAGE.min()) / np.ptp(IMAGE)
    expected = equalize_adapthist(unit, [16, 16], clip_limit=2.56 / 64, nbins=64)
    np.testing.assert_allclose(EqualiseLocally((0, 1))(IMAGE)[0], expected, atol=1e-4)
    np.testing.assert_allclose(EqualiseLocally((-3, 5))(IMAGE)[0], 8 * expected - 3, atol=1e-3)


def test_local_contrast_rises_more_than_by_one_curve() -> None:
    """A faint texture on a steep ramp: no single curve can spread it."""
    ramp = np.linspace(0, 1, 256)[:, None] + np.zeros((1, 256, 256))
    textured = ramp + 0.01 * RANDOM.normal(size=ramp.shape)

    def texture(image: np.ndarray) -> float:
        return float(np.diff(image, axis=2).std())

    local, single = (made((0, 1))(textured) for made in (EqualiseLocally, EqualiseHistogram))
    assert texture(local) > 1.5 * texture(single)
    gentle = EqualiseLocally((0, 1), steepest=1.3)(textured)
    assert texture(gentle) < 0.8 * texture(local)


def test_wrong_arguments() -> None:
    for wrong in ({"tiles": 0}, {"steepest": 1.0}):
        with pytest.raises(InputError, match="expected at least 1 and above 1"):
            EqualiseLocally((0, 1), **wrong)
