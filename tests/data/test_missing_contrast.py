"""What is missing is drawn from seed and position alone, and something is always left."""

import numpy as np
import pytest
import torch
from monai.data import Dataset

from monai_harmonize.data import InputError, MissingContrastDataset, PositionSampler, datasets_of_sites, load_manifest


def patients(**options) -> MissingContrastDataset:
    """Four patients at three sites, images of one pixel that tell both."""
    sites = {
        name: Dataset([{"image": torch.full((1, 1, 1), 10.0 * p + s), "patient": str(p)} for p in range(4)])
        for s, name in enumerate("abc")
    }
    for dataset in sites.values():
        dataset.transform = dict
    return MissingContrastDataset(sites, **options)


def drawn(dataset: MissingContrastDataset, count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    items = [dataset[position] for position in range(count)]
    return torch.stack([i["target"] for i in items]).numpy(), torch.stack([i["shown"] for i in items]).numpy()


def test_an_item_has_all_images_of_one_patient_in_the_order_of_the_sites() -> None:
    dataset = patients()
    found = [dataset[position]["image"].flatten().tolist() for position in range(4)]
    assert sorted(found) == [[10 * p, 10 * p + 1, 10 * p + 2] for p in range(4)]
    assert type(dataset[0]["image"]) is torch.Tensor


@pytest.mark.parametrize("hidden", [0.0, 0.4, 1.0])
def test_the_target_is_never_shown_and_others_are_hidden_as_often_as_asked(hidden: float) -> None:
    target, shown = drawn(patients(hidden=hidden))
    assert not shown[np.arange(300), target].any()
    assert set(shown.sum(axis=1)) <= {1, 2}
    # One of the two others stays, the other goes with this probability.
    assert (shown.sum(axis=1) == 1).mean() == pytest.approx(hidden, abs=0.09)
    for contrast in range(3):
        assert (target == contrast).mean() == pytest.approx(1 / 3, abs=0.09)
        assert shown[target != contrast, contrast].mean() == pytest.approx(1 - hidden / 2, abs=0.09)


def test_an_item_is_a_function_of_seed_and_position() -> None:
    dataset, again, other = patients(hidden=0.5), patients(hidden=0.5), patients(hidden=0.5, seed=1)
    forth = [dataset[position] for position in range(40)]
    back = [again[position] for position in reversed(range(40))][::-1]
    for one, same in zip(forth, back, strict=True):
        assert all(torch.equal(one[key], same[key]) for key in one)
    assert any(not torch.equal(forth[position]["shown"], other[position]["shown"]) for position in range(40))
    sampler = PositionSampler(dataset)
    sampler.set_epoch(2)
    assert [torch.equal(dataset[p]["target"], forth[p]["target"]) for p in sampler] == 4 * [True]


@pytest.mark.parametrize("hidden", [-0.1, 1.1])
def test_wrong_options_are_refused(hidden: float) -> None:
    with pytest.raises(InputError, match=f"hidden with a probability of {hidden}"):
        patients(hidden=hidden)
    with pytest.raises(InputError, match="1 contrasts"):
        MissingContrastDataset({"a": patients().datasets["a"]})


def test_data_sets_of_sites_come_in_the_order_asked_for(everywhere_data) -> None:
    manifest = load_manifest(everywhere_data / "manifest.csv")
    found = datasets_of_sites(manifest, ["site_c", "site_a"], "validation", dict, progress=False)
    assert list(found) == ["site_c", "site_a"]
    assert {item["site"] for item in found["site_c"].data} == {"site_c"}
    assert {item["patient"] for item in found["site_c"].data} == {item["patient"] for item in found["site_a"].data}
