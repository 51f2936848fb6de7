"""Values beyond the range come back, and go no further."""

import torch

from monai_harmonize.networks.inward_clamp import inward_clamp


def test_values_are_clipped_and_gradients_point_inwards() -> None:
    values = torch.tensor([-3.0, -3.0, -1.0, 0.5, 1.0, 2.0, 2.0], dtype=torch.float64, requires_grad=True)
    result = inward_clamp(values)
    assert result.tolist() == [-1, -1, -1, 0.5, 1, 1, 1]
    # A descent step moves against the gradient: outside, only the one that comes nearer counts.
    (gradient,) = torch.autograd.grad(result, values, torch.tensor([-1.0, 1, 1, -1, -1, 1, -1], dtype=torch.float64))
    assert gradient.tolist() == [-1, 0, 1, -1, -1, 1, 0]


def test_a_wish_beyond_the_range_drives_nothing_out() -> None:
    """With the gradient of the identity the value would be near -10 after these steps, and every later one small."""
    value = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([value], 0.1)
    for _ in range(100):
        optimizer.zero_grad()
        (inward_clamp(value) + 2).square().sum().backward()
        optimizer.step()
    assert -1.5 < value.item() <= -1
    optimizer.zero_grad()
    (inward_clamp(value) - 0.5).square().sum().backward()
    optimizer.step()
    assert value.item() > -1.2


def test_scripted_code_clips_the_same() -> None:
    values = torch.linspace(-2, 2, 9)
    assert torch.equal(torch.jit.script(inward_clamp)(values), inward_clamp(values))
