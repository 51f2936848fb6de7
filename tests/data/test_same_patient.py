"""Images of the same patients at several sites come together, aligned, in an order of seed and position alone."""

import numpy as np
import pytest
import torch
from monai.data import CacheDataset, Dataset
from monai.transforms import Compose, RandShiftIntensityd

from monai_harmonize.data import InputError, PositionSampler, SamePatientDataset

SITES = ("a", "b", "c")


def site(patients: str, offset: float, random: bool = False, kind=Dataset) -> Dataset:
    """An image of one pixel for each letter, which tells patient and site; ``-`` is a patient without a name."""
    items = [
        {"image": torch.full((1, 1, 1), ord(p) + offset), **({} if p == "-" else {"patient": p})} for p in patients
    ]
    return kind(items, Compose([RandShiftIntensityd("image", offsets=0.2, prob=1.0)] if random else []))


def together(a: str = "pqrst", b: str = "tsrq-x", c: str = "-qrrty", **options) -> SamePatientDataset:
    """Three sites; q, r and t were examined at all."""
    seed = options.pop("seed", 0)
    sites = zip(SITES, (a, b, c), (0.0, 1000.0, 2000.0), strict=True)
    return SamePatientDataset({name: site(who, offset, **options) for name, who, offset in sites}, seed)


def test_only_patients_of_all_sites_come_and_their_images_are_together() -> None:
    dataset = together()
    assert len(dataset) == 3
    items = [dataset[place] for place in range(3)]
    assert {chr(int(item["image_a"])) for item in items} == set("qrt")
    for item in items:
        assert list(item) == ["image_a", "image_b", "image_c"]
        assert float(item["image_b"]) - 1000 == float(item["image_c"]) - 2000 == float(item["image_a"])


def test_of_several_images_of_a_patient_the_first_counts() -> None:
    first = Dataset([{"image": torch.full((1, 1, 1), float(n)), "patient": "p"} for n in range(3)])
    item = SamePatientDataset({"a": site("p", 0), "b": first})[0]
    assert float(item["image_b"]) == 0


@pytest.mark.parametrize("kind", [Dataset, CacheDataset])
def test_random_transforms_draw_the_same_for_all_sites_and_anew_for_every_position(kind) -> None:
    dataset = together(random=True, kind=kind)
    items = [dataset[position] for position in range(9)]
    drawn = [[float(item[f"image_{name}"]) % 1 for name in SITES] for item in items]
    for one in drawn:
        np.testing.assert_allclose(one, one[0], atol=1e-3)
    assert len({round(one[0], 3) for one in drawn}) == 9
    again = [dataset[position] for position in reversed(range(9))][::-1]
    assert [i["image_b"].tolist() for i in items] == [i["image_b"].tolist() for i in again]


def test_every_epoch_has_all_patients_in_an_order_of_its_own() -> None:
    dataset = together(a="abcdefgh", b="hgfedcba", c="abcdefgh", seed=3)
    orders = []
    for epoch in range(4):
        sampler = PositionSampler(dataset)
        sampler.set_epoch(epoch)
        orders.append(tuple(chr(int(dataset[position]["image_a"])) for position in sampler))
        assert sorted(orders[-1]) == list("abcdefgh")
    assert len(set(orders)) == 4
    other = together(a="abcdefgh", b="hgfedcba", c="abcdefgh", seed=4)
    assert tuple(chr(int(other[position]["image_a"])) for position in range(8)) != orders[0]


def test_sites_without_a_common_patient_are_refused() -> None:
    with pytest.raises(InputError, match=r"'patient' was found at all of the sites a, b, c"):
        together(c="xyz")
    with pytest.raises(InputError, match="column 'patient'"):
        together(b="---")


def test_the_refusal_names_sites_of_the_records_and_how_many_images_name_a_patient() -> None:
    sites = {name: site("pq-", 0) for name in "ab"}
    for name, dataset in sites.items():
        dataset.data = [
            {**record, "site": f"hospital_{name}", **({"patient": "x"} if name == "b" else {})}
            for record in dataset.data
        ]
    expected = r"sites hospital_a, hospital_b\..*2 of 3 of hospital_a, 3 of 3 of hospital_b have a 'patient'.*CycleGAN"
    with pytest.raises(InputError, match=expected):
        SamePatientDataset(sites)
