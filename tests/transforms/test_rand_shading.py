"""Random shading: smooth, positive, of every direction, inside the grey range, the same for the same seed."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import Compose

from monai_harmonize.transforms import RandShading, RandShadingd


def shading(seed: int = 0, **options) -> RandShading:
    return RandShading(1.0, **options).set_random_state(seed)


@given(st.integers(0, 2**31), st.sampled_from([(-1, 1), (0, 1), (0, 4095)]))
def test_the_image_is_multiplied_from_the_low_end_and_clipped(seed, grey_range) -> None:
    low, high = grey_range
    transform = shading(seed, grey_range=grey_range)
    image = low + (high - low) * torch.rand(1, 9, 7, generator=torch.Generator().manual_seed(seed))
    shaded = transform(image)
    assert shaded.min() >= low
    assert shaded.max() <= high
    free = (shaded < high) & (image > low + 0.01 * (high - low))
    ratio = (shaded - low) / (image - low)
    torch.testing.assert_close(ratio[free], transform.field((9, 7))[None][free], rtol=1e-3, atol=1e-4)
    assert (transform(torch.full_like(image, low), randomize=False) == low).all()


def test_fields_have_the_deviation_asked_for_and_every_direction() -> None:
    transform = shading(deviation=0.3)
    fields = []
    for _ in range(400):
        transform.randomize((8, 6))
        fields.append(transform.field((8, 6)).log())
    stack = torch.stack(fields)
    assert stack[:, 0, 0].std() == pytest.approx(0.3, rel=0.15)
    assert stack.mean() == pytest.approx(0.0, abs=0.03)
    for axis in (1, 2):
        side_to_side = stack.mean(dim=3 - axis)
        assert (side_to_side[:, -1] - side_to_side[:, 0]).std() > 0.2


def test_a_field_is_smooth_at_every_size() -> None:
    transform = shading(3)
    transform.randomize((256, 256))
    log = transform.field((256, 256)).log()
    # Between nodes 128 pixels apart a cubic bends by less than this, however the nodes lie.
    reach = float(log.max() - log.min())
    assert log.diff(dim=0).abs().max() < 4 * reach / 128
    torch.testing.assert_close(transform.field((128, 128))[0, 0], transform.field((256, 256))[0, 0])


def test_a_seed_fixes_the_sequence_and_keys_share_a_field() -> None:
    image = torch.linspace(-1, 1, 64).view(1, 8, 8)
    runs = []
    for _ in range(2):
        transform = Compose([RandShadingd(["a", "b"], prob=0.5)]).set_random_state(7)
        items = [transform({"a": image, "b": image.clone(), "c": image}) for _ in range(12)]
        assert all(torch.equal(item["a"], item["b"]) and item["c"] is image for item in items)
        runs.append(torch.stack([item["a"] for item in items]))
    assert torch.equal(*runs)
    assert 2 <= sum(not torch.equal(one, image) for one in runs[0]) <= 10
    assert RandShading(0.0)(image) is image


def test_whether_and_what_are_drawn_independently() -> None:
    """With one seed for both, a field would hold numbers of the draws whether to act."""
    for seed in range(20):
        state = RandShadingd("a", prob=0.5).set_random_state(seed).shading.R.get_state()[1]
        assert not set(np.random.RandomState(seed).get_state()[1]) & set(state)


def test_metadata_stay_and_volumes_will_do() -> None:
    image = MetaTensor(2 * torch.rand(1, 4, 5, 6) - 1, meta={"grey_range": (0, 1)})
    done = shading()(image)
    assert isinstance(done, MetaTensor)
    assert done.meta["grey_range"] == (0, 1)
    assert (done.shape, done.dtype) == (image.shape, torch.float32)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"deviation": -0.1}, "deviation is -0.1; expected 0 or more"),
        ({"nodes": 1}, "nodes is 1; expected at least 2"),
        ({"grey_range": (1, 1)}, r"grey_range is \(1, 1\)"),
    ],
)
def test_wrong_options_are_named(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        RandShading(**options)
