"""The order of unpaired data depends on a seed and a position, on nothing else."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import CacheDataset, DataLoader, Dataset
from monai.transforms import Compose, RandGaussianNoised

from monai_harmonize.data import InputError, PositionSampler, UnpairedDataset


def site(values, random: bool = False, kind=Dataset) -> Dataset:
    """Images of one pixel that tell which of the site's images they are."""
    items = [{"image": torch.full((1, 1, 1), float(value)), "site": "a"} for value in values]
    return kind(items, Compose([RandGaussianNoised("image", prob=0.5)] if random else []))


def pair(item) -> tuple[float, float]:
    return float(item["image_a"]), float(item["image_b"])


def epoch_of(dataset: UnpairedDataset, epoch: int) -> list[tuple[float, float]]:
    return [pair(dataset[epoch * len(dataset) + place]) for place in range(len(dataset))]


@given(
    seed=st.integers(0, 2**32),
    asked=st.lists(st.integers(0, 99), max_size=6),
    position=st.integers(0, 10**9),
)
@settings(max_examples=25, deadline=None)
def test_an_item_is_a_function_of_seed_and_position(seed: int, asked: list[int], position: int) -> None:
    fresh = UnpairedDataset(site(range(7), random=True), site(range(10, 15), random=True), seed)
    used = UnpairedDataset(site(range(7), random=True), site(range(10, 15), random=True), seed)
    for other in asked:
        used[other]
    np.random.rand()
    assert pair(used[position]) == pair(fresh[position]) == pair(fresh[position])


@given(count_a=st.integers(1, 9), count_b=st.integers(1, 4), seed=st.integers(0, 99), epoch=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_every_image_of_a_comes_once_per_epoch(count_a: int, count_b: int, seed: int, epoch: int) -> None:
    dataset = UnpairedDataset(site(range(count_a)), site(range(100, 100 + count_b)), seed)
    pairs = epoch_of(dataset, epoch)
    assert sorted(a for a, _ in pairs) == list(range(count_a))
    assert {b for _, b in pairs} <= set(range(100, 100 + count_b))


def test_epochs_and_seeds_differ() -> None:
    dataset = UnpairedDataset(site(range(20)), site(range(100, 120)), seed=5)
    other = UnpairedDataset(site(range(20)), site(range(100, 120)), seed=6)
    orders = [tuple(a for a, _ in epoch_of(dataset, epoch)) for epoch in range(5)]
    orders.append(tuple(a for a, _ in epoch_of(other, 0)))
    assert len(set(orders)) == 6
    assert all(order != tuple(range(20)) for order in orders)


def test_partners_are_drawn_evenly_and_without_regard_to_a() -> None:
    dataset = UnpairedDataset(site(range(4)), site(range(5)), seed=0)
    table = np.zeros((4, 5))
    for epoch in range(500):
        for a, b in epoch_of(dataset, epoch):
            table[int(a), int(b)] += 1
    # 500 draws per row, 100 expected per cell with a standard deviation of 9.
    assert np.abs(table - 100).max() < 40


def test_random_transforms_repeat_and_differ_between_positions() -> None:
    def draw() -> list[tuple[float, float]]:
        return epoch_of(UnpairedDataset(site([0] * 30, random=True), site([0] * 30, random=True), seed=1), 0)

    first = draw()
    torch.manual_seed(99)
    np.random.seed(99)
    assert draw() == first
    noise_a, noise_b = zip(*first, strict=True)
    for noise in (noise_a, noise_b):
        changed = [value for value in noise if value != 0]
        assert 5 < len(changed) < 25
        assert len(set(changed)) == len(changed)
    assert noise_a != noise_b


@pytest.mark.parametrize("kind", [Dataset, CacheDataset])
def test_workers_and_caches_change_nothing(kind) -> None:
    def make(kind) -> UnpairedDataset:
        options = {"progress": False} if kind is CacheDataset else {}
        return UnpairedDataset(
            site(range(6), True, lambda *a: kind(*a, **options)),
            site(range(5), True, lambda *a: kind(*a, **options)),
            seed=3,
        )

    expected = epoch_of(make(Dataset), 2)
    dataset = make(kind)
    sampler = PositionSampler(dataset)
    sampler.set_epoch(2)
    for workers in (0, 2):
        loader = DataLoader(dataset, batch_size=1, sampler=sampler, num_workers=workers)
        assert [pair(item) for item in loader] == expected


def test_one_transform_may_serve_both_sites() -> None:
    shared = Compose([RandGaussianNoised("image", prob=1.0)])
    data = [{"image": torch.zeros(1, 1, 1)}] * 3
    dataset = UnpairedDataset(Dataset(data, shared), Dataset(data, shared), seed=2)
    first = epoch_of(dataset, 0)
    assert epoch_of(dataset, 0) == first
    assert all(a != b for a, b in first)


def test_only_the_images_are_handed_on() -> None:
    item = UnpairedDataset(site([1]), site([2]))[0]
    assert set(item) == {"image_a", "image_b"}
    data = Dataset([{"ct": torch.zeros(1)}], Compose([]))
    assert set(UnpairedDataset(data, data, key="ct")[0]) == {"ct_a", "ct_b"}


@pytest.mark.parametrize(("count_a", "count_b", "name"), [(0, 3, "A"), (3, 0, "B")])
def test_a_site_without_images_is_an_error(count_a: int, count_b: int, name: str) -> None:
    with pytest.raises(ValueError, match=f"Site {name} has no images; check the site's name and the split"):
        UnpairedDataset(site(range(count_a)), site(range(count_b)))


@given(count=st.integers(1, 20), ranks=st.integers(1, 4), epoch=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_ranks_share_out_the_positions_of_an_epoch(count: int, ranks: int, epoch: int) -> None:
    dataset = UnpairedDataset(site(range(count)), site([0]))
    shards = []
    for rank in range(ranks):
        sampler = PositionSampler(dataset, ranks, rank)
        sampler.set_epoch(epoch)
        shards.append(list(sampler))
        assert len(shards[-1]) == len(sampler) == -(-count // ranks)
    everything = [position for shard in shards for position in shard]
    assert set(everything) == set(range(epoch * count, (epoch + 1) * count))
    if count % ranks == 0:
        assert len(set(everything)) == len(everything)


def test_two_ranks_in_step_see_the_batches_of_one_process() -> None:
    dataset = UnpairedDataset(site(range(6)), site([0]))
    samplers = [PositionSampler(dataset, 2, rank) for rank in range(2)]
    assert [position for step in zip(*samplers, strict=True) for position in step] == list(PositionSampler(dataset))


def known(patients, first: int) -> Dataset:
    """Images of one pixel that tell their number, with noise and their patients."""
    items = [{"image": torch.full((1, 1, 1), float(first + place)), "patient": p} for place, p in enumerate(patients)]
    return Dataset(items, Compose([RandGaussianNoised("image", prob=1.0, std=0.1)]))


def test_patients_of_both_sites_come_as_pairs_with_equal_draws() -> None:
    dataset = UnpairedDataset(known("abc", 0), known(["c", "x", "a", "c", None], 100), seed=2, pair_by="patient")
    partners = {0: 102, 2: 100}
    for position in range(30):
        item = dataset[position]
        image_a, image_b = pair(item)
        place = round(image_a)
        assert float(item["paired"]) == (place in partners)
        if place in partners:
            assert round(image_b) == partners[place]
            assert image_a - place == pytest.approx(image_b - partners[place], abs=1e-4)
        else:
            assert abs((image_a - place) - (image_b - round(image_b))) > 1e-6
    assert len({round(pair(dataset[position])[1]) for position in range(60)}) == 5


def test_unless_asked_for_nothing_is_paired() -> None:
    assert "paired" not in UnpairedDataset(known("ab", 0), known("ab", 9), 3)[0]


@pytest.mark.parametrize(("patients", "by"), [("ab", "other"), ("xy", "patient")])
def test_pairs_are_refused_where_there_is_none(patients: str, by: str) -> None:
    with pytest.raises(InputError, match=rf"No '{by}' was found at all of the sites A, B.*column '{by}'"):
        UnpairedDataset(known("ab", 0), known(patients, 9), 3, pair_by=by)


def test_a_mask_comes_along_where_there_is_one() -> None:
    with_masks = Dataset([{"image": torch.zeros(1, 1, 1), "mask": torch.full((1, 1, 1), float(n))} for n in range(3)])
    dataset = UnpairedDataset(with_masks, site(range(2)), also=["mask", "site"])
    item = dataset[0]
    assert item.keys() == {"image_a", "mask_a", "image_b", "site_b"}
    assert {float(dataset[place]["mask_a"]) for place in range(3)} == {0.0, 1.0, 2.0}
