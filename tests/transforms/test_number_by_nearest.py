"""Every voxel of a mask belongs to the vertebra that it lies in, or to the nearest one."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor

from monai_harmonize.transforms import NumberByNearestd, number_by_nearest

seeds = st.integers(0, 2**32 - 1)


def nearest_label(place: np.ndarray, labels: np.ndarray, spacing: np.ndarray) -> set[int]:
    """Labels at the least distance, of all labelled voxels; the definition."""
    places = np.argwhere(labels)
    distances = np.linalg.norm((places - place) * spacing, axis=1)
    return set(labels[tuple(places[np.isclose(distances, distances.min())].T)].tolist())


@given(seeds)
@settings(max_examples=25)
def test_it_follows_the_definition(seed: int) -> None:
    random = np.random.default_rng(seed)
    spacing = random.uniform(0.5, 4, 3)
    labels = np.where(random.random((6, 5, 4)) < 0.15, random.integers(1, 4, (6, 5, 4)), 0)
    mask = random.random(labels.shape) < 0.5
    found = number_by_nearest(mask, labels, tuple(spacing))
    assert not found[~mask].any()
    np.testing.assert_array_equal(found[mask & (labels > 0)], labels[mask & (labels > 0)])
    for place in np.argwhere(mask & (labels == 0)):
        assert int(found[tuple(place)]) in (nearest_label(place, labels, spacing) if labels.any() else {0})


def test_millimetres_count_not_voxels() -> None:
    labels = np.zeros((1, 5, 5), np.float32)
    labels[0, 2, 4], labels[0, 4, 2] = 7, 9
    mask = np.zeros(labels.shape, bool)
    mask[0, 2, 2] = True
    for spacing, expected in (((1.0, 3.0, 1.0), 7), ((1.0, 1.0, 3.0), 9)):
        item = {
            "pred": MetaTensor(torch.from_numpy(mask)[None].float(), affine=torch.eye(4)),
            "label": MetaTensor(
                torch.from_numpy(labels)[None], affine=torch.diag(torch.tensor([*spacing, 1.0])),
                meta={"spacing_known": True},
            ),
        }  # fmt: skip
        numbered = NumberByNearestd("pred", "label")(item)["pred"]
        assert numbered[0, 0, 2, 2] == expected
        assert numbered.sum() == expected
