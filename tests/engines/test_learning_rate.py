"""The schedule of CycleGAN, epoch by epoch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.engines import LinearDecay


def rates(epochs: int, decay_from: int, initial: float = 1.0) -> list[float]:
    """Rates of all epochs, and the one after the last."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=initial)
    schedule = LinearDecay(optimizer, epochs, decay_from)
    found = []
    for _ in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return [*found, optimizer.param_groups[0]["lr"]]


def test_the_papers_schedule() -> None:
    """100 epochs at 0.0002, then a line that would reach 0 in the epoch after the last."""
    found = rates(200, 100, 2e-4)
    assert found[:100] == [2e-4] * 100
    assert found[100] == pytest.approx(2e-4 * 100 / 101)
    assert found[150] == pytest.approx(2e-4 * 50 / 101)
    assert found[199] == pytest.approx(2e-4 * 1 / 101)
    assert found[200] == pytest.approx(0.0, abs=1e-12)


def test_edges() -> None:
    assert rates(3, 3) == [1.0, 1.0, 1.0, 0.0]
    assert rates(3, 0) == pytest.approx([3 / 4, 2 / 4, 1 / 4, 0.0])
    assert rates(1, 0) == pytest.approx([0.5, 0.0])
    assert rates(0, 0) == [0.0]


@given(epochs=st.integers(1, 60), data=st.data())
def test_a_constant_part_then_equal_steps_to_zero(epochs: int, data) -> None:
    decay_from = data.draw(st.integers(0, epochs))
    found = rates(epochs, decay_from)
    assert all(rate > 0 for rate in found[:-1])
    assert found[:decay_from] == [1.0] * decay_from
    steps = [before - after for before, after in zip([1.0, *found[decay_from:]], found[decay_from:], strict=False)]
    assert steps == pytest.approx([1 / (epochs - decay_from + 1)] * len(steps))


def test_every_group_keeps_its_own_rate() -> None:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in (1.0, 0.1)]
    optimizer = torch.optim.SGD(groups)
    schedule = LinearDecay(optimizer, 2, 0)
    optimizer.step()
    schedule.step()
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([1 / 3, 0.1 / 3])


def test_the_state_continues() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = LinearDecay(optimizer, 10, 2)
    for _ in range(5):
        optimizer.step()
        schedule.step()
    other = LinearDecay(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0), 10, 2)
    other.load_state_dict(schedule.state_dict())
    other.optimizer.step()
    other.step()
    optimizer.step()
    schedule.step()
    assert other.get_last_lr() == schedule.get_last_lr() == pytest.approx([1 - 5 / 9])


@pytest.mark.parametrize("decay_from", [-1, 11])
def test_the_decay_must_start_within_the_training(decay_from: int) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    with pytest.raises(ValueError, match=rf"decay_from is {decay_from}; expected a number from 0 to epochs \(10\)"):
        LinearDecay(optimizer, 10, decay_from)
