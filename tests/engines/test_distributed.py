"""Two processes train as one, and resume as one."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from training import WithoutNoise, make_trainer, train_in_processes, weights

Weights = dict[str, torch.Tensor]
TWO = {"ranks": 2, "batch_size": 1}


def written(folder: Path) -> list[Weights]:
    return [torch.load(folder / f"weights{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Weights:
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert train_in_processes(folder, **TWO) == [0, 0]
    first, second = written(folder)
    assert all(torch.equal(second[name], value) for name, value in first.items())
    return first


@pytest.mark.slow
@pytest.mark.parametrize("unit", [None, WithoutNoise])
def test_two_processes_equal_one_with_the_double_batch(tmp_path, unit) -> None:
    """Same items, instance norm, no pools: whatever differs is the order of sums, in double precision.

    UNIT's translators share modules and are in no shell.
    """
    options = {"pool_size": 0, "dropout": 0.0, "double": True, "unit": unit}
    assert train_in_processes(tmp_path, **TWO, **options) == [0, 0]
    trainer = make_trainer(batch_size=2, **options)
    start = {name: value.clone() for name, value in weights(trainer).items()}
    trainer.run()
    expected = weights(trainer)
    first, second = written(tmp_path)
    for name, value in expected.items():
        # The gradient of a bias before an instance norm is rounding noise, which Adam enlarges.
        tolerance = 1e-12 if value.ndim > 1 else 1e-6
        torch.testing.assert_close(first[name], value, rtol=0, atol=tolerance, msg=name)
        assert torch.equal(first[name], second[name])
        assert value.ndim < 2 or not torch.equal(value, start[name])


@pytest.mark.slow
@pytest.mark.parametrize("kill", [5, 9])
def test_killed_processes_resume_to_the_same_bits(tmp_path, uninterrupted: Weights, kill: int) -> None:
    """Each of them with random states and replay pools of its own."""
    assert -9 in train_in_processes(tmp_path, **TWO, kill=kill)
    assert not list(tmp_path.glob("weights*"))
    assert train_in_processes(tmp_path, **TWO) == [0, 0]
    for resumed in written(tmp_path):
        assert resumed.keys() == uninterrupted.keys()
        for name, value in uninterrupted.items():
            assert torch.equal(resumed[name], value), name


def test_another_number_of_processes_is_refused(tmp_path) -> None:
    trainer = make_trainer(tmp_path)
    trainer.state.max_epochs = 1
    trainer.run()
    state = torch.load(tmp_path / "resume.pt", weights_only=True)
    state["trainer"]["finished"] = False
    torch.save({**state, "per_rank": state["per_rank"] * 2}, tmp_path / "resume.pt")
    with pytest.raises(ValueError, match="saved by 2 processes, now there are 1; use the same number, or delete"):
        make_trainer(tmp_path).run()
