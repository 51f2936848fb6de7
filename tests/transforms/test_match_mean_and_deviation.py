import numpy as np

from monai_harmonize.metrics import SiteReference
from monai_harmonize.transforms import MatchMeanAndDeviation

RANDOM = np.random.default_rng(0)
REFERENCE = SiteReference.fit([RANDOM.gamma(2, 300 + 50 * place, (1, 50, 50)) for place in range(4)])


def test_mean_and_deviation_are_reached_within_the_mask() -> None:
    (target,) = REFERENCE.channels
    image = RANDOM.gamma(5, 7, (1, 40, 40))
    inside = image[0] > 20
    for mask, pixels in ((None, np.s_[:]), (inside, inside[None])):
        result = MatchMeanAndDeviation(REFERENCE)(image, mask)[pixels]
        np.testing.assert_allclose([result.mean(), result.std()], [target.mean, target.deviation], rtol=1e-9)


def test_it_is_one_line_and_forgets_gain_and_offset() -> None:
    image = RANDOM.gamma(5, 7, (1, 40, 40))
    result = MatchMeanAndDeviation(REFERENCE)(image)
    assert np.corrcoef(image.ravel(), result.ravel())[0, 1] > 1 - 1e-12
    np.testing.assert_allclose(MatchMeanAndDeviation(REFERENCE)(0.1 * image + 3), result, rtol=1e-9)
