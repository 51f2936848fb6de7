import numpy as np

from monai_harmonize.metrics import SiteReference
from monai_harmonize.transforms import MatchHistogram, MatchRandomImage

RANDOM = np.random.default_rng(0)
# Every image has its own brightness, by which it is known.
SITE = [RANDOM.normal(100 * place, 10, (1, 48, 48)) for place in range(8)]
REFERENCE = SiteReference.fit(SITE)
IMAGES = [RANDOM.normal(0, 1 + place, (1, 40, 40)) for place in range(60)]


def drawn(seed: int, images: list[np.ndarray]) -> list[int]:
    return [round(float(np.median(MatchRandomImage(REFERENCE, seed)(image))) / 100) for image in images]


def test_each_image_has_its_own_draw_whatever_the_order() -> None:
    first = drawn(0, IMAGES)
    assert set(first) == set(range(8))
    assert max(np.bincount(first)) < 20
    assert drawn(0, IMAGES[::-1]) == first[::-1]
    assert drawn(1, IMAGES) != first


def test_it_is_matching_to_the_image_drawn() -> None:
    result = MatchRandomImage(REFERENCE)(IMAGES[0])
    template = SITE[drawn(0, IMAGES[:1])[0]]
    # The reference keeps 256 steps of an image.
    inner = np.abs(IMAGES[0] / IMAGES[0].std()) < 2
    np.testing.assert_allclose(result[inner], MatchHistogram(template)(IMAGES[0])[inner], atol=0.4)
