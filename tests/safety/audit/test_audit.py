"""Harmonizers whose effect on lesions is known must get the numbers and the verdict they deserve."""

import json
from functools import partial

import numpy as np
import pytest
import torch

from monai_harmonize.data.errors import InputError
from monai_harmonize.safety.audit import audit, phantom_site, render_lesion_pairs
from monai_harmonize.safety.audit.ensemble import ensemble_deviation
from monai_harmonize.safety.audit.estimates import median_of, rate_of
from monai_harmonize.safety.audit.false_lesions import LesionLike, find_false_lesions


@pytest.fixture(scope="module")
def pairs():
    return render_lesion_pairs("site_b", 12, size=64, seed=9, lesions="conspicuous masses")


def eraser(pairs, left):
    """Harmonizer that knows the truth and leaves only a share of every lesion."""
    healthy = {pair.ill.tobytes(): torch.from_numpy(pair.healthy)[None, None] for pair in pairs}

    def harmonize(image):
        clean = healthy.get(image.numpy().tobytes(), image)
        return clean + left * (image - clean)

    return harmonize


def painter(pair, image):
    """Paint a nodule of 24 mm into the middle of the right-hand lung."""
    columns, rows = np.indices(pair.lungs.shape)
    place = np.argwhere(pair.lungs & (columns > pair.lungs.shape[0] / 2)).mean(axis=0)
    disc = np.hypot(columns - place[0], rows - place[1]) * pair.spacing <= 12
    return (image + 0.4 * disc).astype(np.float32)


def test_pairs_differ_by_the_lesion_alone(pairs) -> None:
    for pair in pairs:
        change = np.abs(pair.ill - pair.healthy)
        assert pair.lesion.any()
        assert (pair.lesion & pair.lungs).sum() > 0.5 * pair.lesion.sum()
        assert change[pair.lesion].mean() > 5 * change[~pair.lesion].mean()


def test_prevalence_decides_who_is_ill() -> None:
    make = partial(phantom_site, "site_b", 4, size=64, seed=3, lesions="conspicuous masses")
    none, half, all_ill = (make(prevalence=share) for share in (0.0, 0.5, 1.0))
    changed = [not np.array_equal(one, other) for one, other in zip(half, none, strict=True)]
    assert changed == [True, True, False, False]
    assert np.array_equal(half[1], all_ill[1])
    with pytest.raises(InputError, match=r"1\.5"):
        make(prevalence=1.5)


def test_the_identity_passes_with_exact_numbers(pairs) -> None:
    found = audit(lambda image: image, pairs, backward=lambda image: image)
    assert found.verdict == "pass"
    assert found.reasons == ()
    assert found.contrast_ratio.estimate == pytest.approx(1)
    assert found.deletion.count == 0
    assert found.hidden_code.amplification == pytest.approx(1, abs=1e-4)
    assert json.loads(found.to_json())["deletion"]["total"] == 12


def test_a_curve_passes_whatever_it_does_to_contrast(pairs) -> None:
    found = audit(lambda image: torch.sign(image) * image.abs() ** 1.5 * 0.8 + 0.1, pairs)
    assert found.verdict == "pass"
    assert found.against_curve.estimate == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("left", "deleted"), [(0.0, 12), (0.4, 12), (0.6, 0)])
def test_deletion_is_counted_at_half_of_the_contrast(pairs, left: float, deleted: int) -> None:
    found = audit(eraser(pairs, left), pairs)
    assert found.contrast_ratio.estimate == pytest.approx(left, abs=1e-3)
    assert found.deletion.count == deleted
    assert found.verdict == ("fail" if deleted else "warn")


def test_noise_lowers_visibility_but_deletes_nothing(pairs) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = 0.2 * torch.randn(1, 1, 64, 64, generator=generator)
    found = audit(lambda image: image + noise, pairs)
    assert found.contrast_ratio.estimate < 0.7
    assert found.deletion.count == 0


def test_painted_nodules_are_found_where_they_are(pairs) -> None:
    for pair in pairs:
        assert find_false_lesions(pair, pair.healthy, LesionLike()) == []
    located = [find_false_lesions(pair, painter(pair, pair.healthy), LesionLike()) for pair in pairs]
    assert sum(bool(found) for found in located) >= 10
    for pair, found in zip(pairs, located, strict=True):
        if found:
            disc = np.argwhere(painter(pair, pair.healthy) > pair.healthy + 0.2).mean(axis=0)
            assert np.linalg.norm(disc - found[0].centre) < 2


def test_false_lesions_fail(pairs) -> None:
    painted = {pair.healthy.tobytes(): torch.from_numpy(painter(pair, pair.healthy))[None, None] for pair in pairs}
    found = audit(lambda image: painted.get(image.numpy().tobytes(), image), pairs)
    assert found.verdict == "fail"
    assert "false lesion" in found.reasons[0]


def test_ensembles_that_disagree_warn(pairs) -> None:
    image = torch.zeros(1, 1, 8, 8)
    deviation, change = ensemble_deviation(image, [lambda x: x + 0.2, lambda x: x - 0.2])
    assert float(deviation.mean()) == pytest.approx(0.1 * np.sqrt(2))
    assert float(change.abs().max()) < 1e-6
    found = audit(lambda x: 0.9 * x, pairs[:10], ensemble=[lambda x: 0.5 * x, lambda x: 1.1 * x])
    assert found.disagreement.members == 3
    assert found.verdict == "warn"
    assert "3 trainings differ" in found.reasons[0]
    same = audit(lambda x: 0.9 * x, pairs[:10], ensemble=[lambda x: 0.9 * x])
    assert same.disagreement.relative == 0
    assert same.verdict == "pass"


def test_intervals() -> None:
    none = rate_of(0, 24)
    assert none.low == 0
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 24))
    assert median_of([]) is None
    assert median_of([2.0, 2.0]).high == 2
    spread = median_of([1.0, 2.0, 3.0, 4.0, 9.0])
    assert spread.low < spread.estimate == 3 < spread.high


def test_wrong_outputs_are_refused(pairs) -> None:
    with pytest.raises(InputError, match="shape"):
        audit(lambda image: image[..., :32], pairs)
    with pytest.raises(InputError, match="finite"):
        audit(lambda image: image * float("nan"), pairs)
    with pytest.raises(InputError, match="at least one pair"):
        audit(lambda image: image, [])
