"""The history of generated images: what goes in, what comes out, and its state."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_harmonize.engines import ReplayPool


def numbered(start: int, count: int) -> torch.Tensor:
    """Images `(count, 1, 1, 1)` that can be told apart."""
    return torch.arange(start, start + count, dtype=torch.float32).view(-1, 1, 1, 1)


def feed(pool: ReplayPool, count: int, batch: int = 1) -> list[int]:
    """Numbers that come out when 0, 1, 2, ... go in."""
    return [int(image) for start in range(0, count, batch) for image in pool(numbered(start, batch))]


def held(pool: ReplayPool) -> list[int]:
    return [int(image) for image in pool.images]


def test_until_it_is_full_everything_is_stored_and_returned() -> None:
    pool = ReplayPool(4)
    assert feed(pool, 4) == held(pool) == [0, 1, 2, 3]


def test_size_zero_hands_the_batch_on() -> None:
    pool, batch = ReplayPool(0), torch.rand(2, 1, 3, 3)
    assert pool(batch) is batch
    assert pool.images == []


@given(size=st.integers(1, 6), batches=st.integers(0, 12), batch=st.integers(1, 3), seed=st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_no_image_is_lost_or_shown_twice(size: int, batches: int, batch: int, seed: int) -> None:
    """Apart from those that filled the pool, every image is either out or still in."""
    pool, count = ReplayPool(size, seed), batches * batch
    out = feed(pool, count, batch)
    filling = list(range(min(size, count)))
    assert sorted(out + held(pool)) == sorted(list(range(count)) + filling)
    assert len(held(pool)) == min(size, count)
    assert all(number <= place // batch * batch + batch for place, number in enumerate(out))


def test_half_of_the_images_are_exchanged_for_random_older_ones() -> None:
    pool = ReplayPool(50, seed=7)
    out = feed(pool, 5050)[50:]
    ages = [place + 50 - number for place, number in enumerate(out) if number != place + 50]
    # 5000 draws of probability 1/2: standard deviation 0.007.
    assert len(ages) / 5000 == pytest.approx(0.5, abs=0.03)
    # An image stays for as long as chance 1/2 * 1/50 spares it: 100 images on average.
    assert sum(ages) / len(ages) == pytest.approx(100, rel=0.1)


def test_the_seed_decides() -> None:
    assert feed(ReplayPool(5, 1), 60) == feed(ReplayPool(5, 1), 60) != feed(ReplayPool(5, 2), 60)
    torch.manual_seed(0)
    first = feed(ReplayPool(5, 1), 60)
    torch.manual_seed(1)
    assert feed(ReplayPool(5, 1), 60) == first


def test_a_batch_is_exchanged_image_by_image() -> None:
    assert feed(ReplayPool(5, 3), 60, batch=4) == feed(ReplayPool(5, 3), 60)


def test_what_is_stored_does_not_change_with_the_batch() -> None:
    pool, batch = ReplayPool(1), numbered(7, 1)
    pool(batch)
    batch.zero_()
    assert held(pool) == [7]


def test_the_saved_pool_continues_alike(tmp_path) -> None:
    pool = ReplayPool(5, seed=4)
    feed(pool, 23)
    torch.save(pool.state_dict(), tmp_path / "pool.pt")
    expected = feed(pool, 40)
    other = ReplayPool(5, seed=99)
    feed(other, 9)
    other.load_state_dict(torch.load(tmp_path / "pool.pt", weights_only=True))
    assert feed(other, 40) == expected


def test_a_state_is_not_changed_by_what_follows() -> None:
    pool = ReplayPool(3)
    feed(pool, 3)
    state = pool.state_dict()
    feed(pool, 30)
    assert [int(image) for image in state["images"]] == [0, 1, 2]


def test_precision_follows_the_batch() -> None:
    pool = ReplayPool(1, seed=0)
    pool(numbered(0, 1))
    outputs = [pool(numbered(1, 1).to(torch.bfloat16)) for _ in range(8)]
    assert {output.dtype for output in outputs} == {torch.bfloat16}


def test_errors() -> None:
    with pytest.raises(ValueError, match="size is -1"):
        ReplayPool(-1)
    pool = ReplayPool(4)
    feed(pool, 4)
    with pytest.raises(ValueError, match="saved pool holds 4 images; this pool holds 3"):
        ReplayPool(3).load_state_dict(pool.state_dict())
    larger = ReplayPool(6)
    larger.load_state_dict(pool.state_dict())
    assert held(larger) == [0, 1, 2, 3]
