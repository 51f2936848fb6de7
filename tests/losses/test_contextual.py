"""The contextual loss in blocks against the formula written out, closed forms and what must not change it."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from torch import Tensor
from torch.nn.functional import normalize
from torch.utils._python_dispatch import TorchDispatchMode

from monai_harmonize.data.errors import InputError
from monai_harmonize.losses import ContextualLoss, contextual_loss

SHAPES = [((5, 4), (5, 4)), ((13,), (30,)), ((3, 2, 5), (2, 2, 2)), ((1,), (4,)), ((4,), (1,)), ((1,), (1,))]


def written_out(generated: Tensor, reference: Tensor, bandwidth: float = 0.5, smoothing: float = 1e-5) -> Tensor:
    """Eqs 6 to 10 line by line, with the whole matrix."""
    generated, reference = generated.flatten(2), reference.flatten(2)
    mean = reference.mean(dim=2, keepdim=True)
    distance = 1 - normalize(generated - mean, dim=1).transpose(1, 2) @ normalize(reference - mean, dim=1)
    relative = distance / (distance.min(dim=2, keepdim=True).values + smoothing)
    weight = torch.exp((1 - relative) / bandwidth)
    similarity = weight / weight.sum(dim=2, keepdim=True)
    return -similarity.max(dim=1).values.mean(dim=1).log().mean()


def features(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def gradients(loss: Callable[..., Tensor], *inputs: Tensor, **options: Any) -> tuple[Tensor, ...]:
    inputs = tuple(each.detach().clone().requires_grad_() for each in inputs)
    return torch.autograd.grad(loss(*inputs, **options), inputs)


def positions(*vectors: tuple[float, ...]) -> Tensor:
    """One image from the feature vector of every position."""
    return torch.tensor(vectors, dtype=torch.float64).t()[None]


def test_closed_form_tells_over_which_index_minimum_sum_and_maximum_run() -> None:
    reference = positions((1, 0), (-1, 0))
    generated = positions((3, 0), (0, 1))
    # Rows of CA: (1, 0), as the first is at its nearest, and (1/2, 1/2), as the second is as far from both.
    assert float(contextual_loss(generated, reference)) == pytest.approx(-math.log(0.75))


def test_closed_form_of_bandwidth_and_smoothing() -> None:
    cosine = 0.6
    # Mean 0; the distances are 0.4, 1.6 and, of the vectors across, 1.8 and 0.2.
    reference = positions((1, 0), (-1, 0), (0, 1), (0, -1))
    generated = positions((cosine, 0.8))
    weights = [math.exp(-distance / (0.2 + 0.3) / 0.7) for distance in (0.4, 1.6, 0.2, 1.8)]
    expected = -math.log(sum(weight / sum(weights) for weight in weights) / 4)
    assert float(contextual_loss(generated, reference, bandwidth=0.7, smoothing=0.3)) == pytest.approx(expected)
    both = positions((cosine, 0.8), (1, 0))
    second = [math.exp(-distance / 0.3 / 0.7) for distance in (0, 2, 1, 1)]
    rows = [[weight / sum(row) for weight in row] for row in (weights, second)]
    expected = -math.log(sum(max(pair) for pair in zip(*rows, strict=True)) / 4)
    assert float(contextual_loss(both, reference, bandwidth=0.7, smoothing=0.3)) == pytest.approx(expected)


@pytest.mark.parametrize("block", [1, 7, 64])
@pytest.mark.parametrize(("ours", "theirs"), SHAPES)
def test_value_and_gradients_are_those_of_the_formula(ours: tuple[int], theirs: tuple[int], block: int) -> None:
    generated, reference = features(2, 6, *ours), features(2, 6, *theirs, seed=1)
    options = {"bandwidth": 0.3, "smoothing": 1e-3}
    found = contextual_loss(generated, reference, **options, block=block)
    assert found.shape == ()
    torch.testing.assert_close(found, written_out(generated, reference, **options), rtol=1e-9, atol=1e-12)
    if math.prod(theirs) > 1:
        expected = gradients(written_out, generated, reference, **options)
        found = gradients(contextual_loss, generated, reference, **options, block=block)
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("block", [2, 100])
@pytest.mark.parametrize("wanted", [(True, True), (True, False), (False, True)])
def test_gradcheck(wanted: tuple[bool, bool], block: int) -> None:
    inputs = [features(2, 4, 3, 3).requires_grad_(wanted[0]), features(2, 4, 7, seed=1).requires_grad_(wanted[1])]
    assert torch.autograd.gradcheck(lambda *pair: contextual_loss(*pair, block=block, smoothing=1e-2), inputs)


def test_few_rows_win_and_only_they_get_gradients() -> None:
    reference, generated = features(1, 8, 5), features(1, 8, 60, seed=1)
    found, expected = (gradients(loss, generated, reference)[0] for loss in (contextual_loss, written_out))
    assert 0 < int((found.abs().amax(dim=1) > 0).sum()) <= 5
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("near", [1.0, 1e-2])
def test_float32_is_as_close_as_the_formula_in_float32(near: float) -> None:
    reference = features(1, 64, 300)
    generated = reference + near * features(1, 64, 300, seed=1)
    exact = gradients(written_out, generated, reference)[0]
    plain, found = (gradients(loss, generated.float(), reference.float())[0] for loss in (written_out, contextual_loss))
    error, allowed = ((each - exact).norm() / exact.norm() for each in (found, plain))
    assert float(error) < max(2 * float(allowed), 1e-5)


@pytest.mark.parametrize("block", [1, 2, 8])
def test_of_equal_generated_features_the_first_has_the_gradient(block: int) -> None:
    reference = positions((1, 0), (-1, 0), (0, 1), (0, -1))
    once, twice = positions((1, 0), (0, 1), (3, 1)), positions((1, 0), (0, 1), (3, 1), (1, 0))
    options = {"block": block, "smoothing": 0.5}
    torch.testing.assert_close(
        contextual_loss(twice, reference, **options), contextual_loss(once, reference, **options)
    )
    of_once, of_twice = (gradients(contextual_loss, each, reference, **options)[0] for each in (once, twice))
    torch.testing.assert_close(of_twice[..., :3], of_once)
    assert of_once[..., 0].any()
    assert not of_twice[..., 3].any()
    assert of_twice[..., 1:].isfinite().all()


def test_a_position_as_far_from_two_has_the_gradient_of_the_formula() -> None:
    reference, generated = positions((1, 0), (-1, 0)), positions((3, 0), (0, 1))
    found, expected = (gradients(loss, generated, reference, smoothing=0.1) for loss in (contextual_loss, written_out))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("value", [0.0, 0.1, -1e4])
def test_constant_features_have_no_direction(value: float, dtype: torch.dtype) -> None:
    constant, varied = torch.full((1, 3, 77), value, dtype=dtype), features(1, 3, 9, dtype=dtype)
    for generated, reference in ((constant, constant), (varied, constant)):
        assert float(contextual_loss(generated, reference)) == pytest.approx(math.log(77), rel=1e-6)
        gradient = gradients(contextual_loss, generated, reference)
        assert all(each.isfinite().all() for each in gradient)
    assert not gradients(contextual_loss, constant, constant)[0].any()


def test_rounding_of_the_mean_is_no_direction() -> None:
    reference = (features(1, 4, 3001) + 100).float()
    at_mean = reference.double().mean(dim=2, keepdim=True).float()
    assert (at_mean != reference.mean(dim=2, keepdim=True)).any()
    other = (features(1, 4, 1, seed=1) + 100).float()
    of_rounding, of_more = (
        gradients(contextual_loss, torch.cat([near, other], dim=2), reference)[0] for near in (at_mean, at_mean + 0.01)
    )
    assert not of_rounding[..., 0].any()
    assert of_rounding[..., 1].any()
    assert of_more[..., 0].any()


def test_a_cosine_rounded_above_one_is_one() -> None:
    reference = features(1, 32, 200, dtype=torch.float32)
    unit = normalize(reference - reference.mean(dim=2, keepdim=True), dim=1)[0]
    assert float((unit.t() @ unit).max()) > 1
    assert float(contextual_loss(reference, reference, smoothing=1e-9)) == pytest.approx(0, abs=1e-6)
    assert gradients(contextual_loss, reference, reference, smoothing=1e-9)[0].isfinite().all()


def test_a_feature_at_the_mean_is_at_distance_one_of_all() -> None:
    reference = positions((1, 0), (-1, 0), (0, 0))
    generated = positions((0, 0))
    assert float(contextual_loss(generated, reference)) == pytest.approx(math.log(3))
    assert not gradients(contextual_loss, generated, reference)[0].any()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 12), st.integers(1, 5), st.floats(0.01, 5))
def test_between_zero_and_the_logarithm_of_the_positions(
    seed: int, ours: int, theirs: int, channels: int, bandwidth: float
) -> None:
    generated, reference = features(1, channels, ours, seed=seed), features(1, channels, theirs, seed=seed + 1)
    loss = float(contextual_loss(generated, reference, bandwidth=bandwidth, block=5))
    assert -1e-12 <= loss <= math.log(theirs) + 1e-12


def test_zero_for_the_same_distinct_features_in_any_order_as_the_bandwidth_falls() -> None:
    reference = features(1, 16, 50)
    generated = reference[..., torch.randperm(50, generator=torch.Generator().manual_seed(2))]
    far, near = (float(contextual_loss(generated, reference, bandwidth=w, smoothing=0.1)) for w in (10.0, 0.05))
    assert far > 1
    assert abs(near) < 1e-12


def test_order_of_positions_and_what_the_cosine_does_not_see() -> None:
    generated, reference = features(2, 5, 11), features(2, 5, 17, seed=1)
    expected = contextual_loss(generated, reference)
    shuffled = generated[..., torch.randperm(11)], reference[..., torch.randperm(17)]
    torch.testing.assert_close(contextual_loss(*shuffled), expected)
    mean = reference.mean(dim=2, keepdim=True)
    lengths = torch.rand(2, 1, 11, dtype=torch.float64) + 0.5
    torch.testing.assert_close(contextual_loss(mean + lengths * (generated - mean), reference), expected)
    torch.testing.assert_close(contextual_loss(1e-6 * (generated + 3), 1e-6 * (reference + 3)), expected)
    assert abs(float(contextual_loss(generated + 3, reference) - expected)) > 1e-3


def test_a_batch_is_the_mean_of_its_images() -> None:
    generated, reference = features(2, 5, 4, 3), features(2, 5, 6, seed=1)
    single = [contextual_loss(generated[k : k + 1], reference[k : k + 1]) for k in range(2)]
    assert abs(float(single[0] - single[1])) > 1e-3
    torch.testing.assert_close(contextual_loss(generated, reference), torch.stack(single).mean())


def test_options_matter_and_the_block_does_not() -> None:
    generated, reference = features(1, 5, 40), features(1, 5, 40, seed=1)
    default = float(ContextualLoss()(generated, reference))
    assert default == float(contextual_loss(generated, reference))
    assert abs(float(ContextualLoss(bandwidth=0.1)(generated, reference)) - default) > 1e-2
    assert abs(float(ContextualLoss(smoothing=1e-1)(generated, reference)) - default) > 1e-2
    assert float(ContextualLoss(block=3)(generated, reference)) == pytest.approx(default, rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    generated, reference = features(1, 8, 30).to(dtype), features(1, 8, 30, seed=1).to(dtype)
    loss = contextual_loss(generated, reference)
    assert loss.dtype == torch.float32
    assert float(loss) == float(contextual_loss(generated.float(), reference.float()))
    assert gradients(contextual_loss, generated, reference)[0].dtype == dtype


def test_autocast_changes_nothing_forward_or_backward() -> None:
    generated, reference = features(1, 32, 60).float(), features(1, 32, 60, seed=1).float()
    expected = contextual_loss(generated, reference), gradients(contextual_loss, generated, reference)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = contextual_loss(generated, reference), gradients(contextual_loss, generated, reference)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_nan_shows() -> None:
    generated, reference = features(1, 4, 6), features(1, 4, 6, seed=1)
    spoilt = generated.clone()
    spoilt[0, 0, 2] = math.nan
    assert math.isnan(float(contextual_loss(spoilt, reference, block=2)))
    assert math.isnan(float(contextual_loss(reference, spoilt, block=2)))


def test_tensors_with_metadata() -> None:
    generated, reference = features(1, 4, 6), features(1, 4, 6, seed=1)
    loss = contextual_loss(MetaTensor(generated), MetaTensor(reference))
    assert type(loss) is Tensor
    assert float(loss) == float(contextual_loss(generated, reference))


def test_no_tensor_is_larger_than_features_or_a_block() -> None:
    class Largest(TorchDispatchMode):
        elements = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            for each in result if isinstance(result, tuple | list) else [result]:
                if isinstance(each, Tensor):
                    self.elements = max(self.elements, each.numel())
            return result

    generated, reference = features(1, 8, 600).requires_grad_(), features(1, 8, 500, seed=1).requires_grad_()
    with Largest() as ours:
        contextual_loss(generated, reference, block=10).backward()
    assert ours.elements == 10 * 500
    with Largest() as plain:
        written_out(generated, reference).backward()
    assert plain.elements == 600 * 500


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        ((features(1, 4), features(1, 4)), {}, r"shape \(1, 4\).*spatial axes"),
        ((features(1, 4, 3), features(2, 4, 3)), {}, "same B"),
        ((features(1, 4, 3), features(1, 5, 3)), {}, "same C"),
        ((features(1, 4, 0), features(1, 4, 3)), {}, "one position or more"),
        ((features(1, 4, 3).int(), features(1, 4, 3)), {}, "torch.int32.*floating-point"),
        ((features(1, 4, 3), features(1, 4, 3)), {"bandwidth": 0.0}, "bandwidth is 0.0; expected a number above 0"),
        ((features(1, 4, 3), features(1, 4, 3)), {"smoothing": math.nan}, "smoothing is nan"),
        ((features(1, 4, 3), features(1, 4, 3)), {"block": 0}, "block is 0; expected 1 or more"),
    ],
)
def test_errors_name_the_problem(inputs: tuple[Tensor, Tensor], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        contextual_loss(*inputs, **options)
    if options:
        with pytest.raises(InputError, match=message):
            ContextualLoss(**options)
