"""The item at a position depends on the seed and the position alone."""

import pytest
from monai.data import DataLoader, Dataset
from monai.transforms import Compose, RandLambda

from monai_harmonize.data import PositionalDataset, PositionSampler


def jittered(count: int = 7) -> Dataset:
    return Dataset([float(n) for n in range(count)], Compose([RandomShift()]))


class RandomShift(RandLambda):
    """Adds a number in [0, 0.5), so that the whole part tells the item."""

    def __init__(self) -> None:
        super().__init__(lambda value: value, prob=1.0)

    def __call__(self, value, lazy=None):
        return value + 0.5 * self.R.rand()


def epoch(dataset: PositionalDataset, number: int, workers: int = 0, **ranks: int) -> list[float]:
    sampler = PositionSampler(dataset, **ranks)
    sampler.set_epoch(number)
    return [float(item[0]) for item in DataLoader(dataset, batch_size=1, sampler=sampler, num_workers=workers)]


def test_an_epoch_shows_every_item_once_in_its_own_order() -> None:
    dataset = PositionalDataset(jittered(), seed=3)
    first, second = epoch(dataset, 0), epoch(dataset, 1)
    assert sorted(map(int, first)) == sorted(map(int, second)) == list(range(7))
    assert [int(item) for item in first] != [int(item) for item in second]
    assert len({item % 1 for item in first + second}) == 14


def test_positions_decide_whatever_was_read_before_and_wherever() -> None:
    dataset = PositionalDataset(jittered(), seed=3)
    expected = epoch(dataset, 2)
    assert [dataset[position] for position in (20, 15, 14)] == [expected[n] for n in (6, 1, 0)]
    assert epoch(PositionalDataset(jittered(), seed=3), 2) == expected
    assert epoch(PositionalDataset(jittered(), seed=4), 2) != expected
    ranks = [epoch(dataset, 2, num_replicas=2, rank=rank) for rank in (0, 1)]
    assert ranks[0] == expected[0::2]
    assert ranks[1][:3] == expected[1::2]


@pytest.mark.slow
def test_workers_change_nothing() -> None:
    dataset = PositionalDataset(jittered(), seed=3)
    assert epoch(dataset, 1, workers=2) == epoch(dataset, 1)


def test_no_items() -> None:
    with pytest.raises(ValueError, match="no items"):
        PositionalDataset(Dataset([]))
