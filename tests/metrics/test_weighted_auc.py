import numpy as np
from sklearn.metrics import roc_auc_score

from monai_harmonize.metrics.weighted_auc import weighted_auc


def test_the_area_is_that_of_scikit_learn_with_weights_and_ties() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 60)
    found = random.integers(0, 12, 60) + 2.0 * labels
    weights = random.integers(0, 4, (5, 60)).astype(float)
    expected = [roc_auc_score(labels, found, sample_weight=row) for row in weights]
    np.testing.assert_allclose(weighted_auc(labels, found, weights), expected, rtol=1e-12)
