"""Patients and the images from which a missing one is filled in."""

from pathlib import Path

import pytest

from monai_harmonize.data import InputError, Manifest, contrasts_of_patients

SITES = ("a", "b", "c")


def manifest(rows: str) -> Manifest:
    """Of each word, for example ``p:ab``, a patient and sites; ``p:ab=truth`` names the split."""
    records = []
    for row in rows.split():
        places, _, split = row.partition("=")
        patient, sites = places.split(":")
        named = {"patient": patient} if patient else {}
        records += [{"image": f"/{s}/{patient}.png", "site": s, "split": split or "test", **named} for s in sites]
    return Manifest(Path("/in/manifest.csv"), tuple(records))


def paths(item: dict) -> list:
    return [None if record is None else record["image"] for record in item["contrasts"]]


def test_an_item_holds_all_but_the_wanted_one_in_the_order_of_the_network() -> None:
    found = contrasts_of_patients(manifest("q:cab p:a p:cb=truth"), SITES, ["test", "truth"], ["b"])
    assert [paths(item) for item in found.items] == [["/a/q.png", None, "/c/q.png"], ["/a/p.png", None, "/c/p.png"]]
    assert [item["target"] for item in found.items] == [1, 1]
    assert [item["label"]["image"] for item in found.items] == ["/b/q.png", "/b/p.png"]
    assert [item["image"] for item in found.items] == ["/a/q.png", "/a/p.png"]
    assert found.root == Path("/in")


def test_splits_are_kept_apart_and_missing_images_are_none() -> None:
    (item,) = contrasts_of_patients(manifest("p:c p:ab=train"), SITES, ["test"], ["a"]).items
    assert paths(item) == [None, None, "/c/p.png"]
    assert item["label"] is None
    assert item["image"] == "/c/p.png"


def test_of_several_images_the_first_counts() -> None:
    records = manifest("p:aab p:a").records
    named = Manifest(Path("m.csv"), tuple({**record, "image": str(n)} for n, record in enumerate(records)))
    (item,) = contrasts_of_patients(named, SITES[:2], ["test"], ["b"]).items
    assert paths(item) == ["0", None]


def test_patients_who_have_it_can_be_left_out() -> None:
    found = contrasts_of_patients(manifest("p:ab q:ac r:abc"), SITES, ["test"], ["b"], only_missing=True)
    assert [item["image"] for item in found.items] == ["/a/q.png"]
    with pytest.raises(InputError, match="every patient has an image of a; nothing is missing"):
        contrasts_of_patients(manifest("p:abc q:ac"), SITES, ["test"], ["a"], only_missing=True)


def test_every_target_has_its_items_and_the_only_image_of_a_patient_is_named() -> None:
    found = contrasts_of_patients(manifest("p:abc q:b"), SITES, ["test"], SITES).items
    assert [(item["target"], paths(item)) for item in found[2:4]] == [
        (1, ["/a/p.png", None, "/c/p.png"]),
        (1, [None, None, None]),
    ]
    assert found[3]["image"] == "/b/q.png"


def test_what_cannot_be_filled_in_is_refused() -> None:
    with pytest.raises(InputError, match="target_site is 'd'; expected one of a, b, c"):
        contrasts_of_patients(manifest("p:abc"), SITES, ["test"], ["d"])
    with pytest.raises(InputError, match=r"/b/\.png: its row in .* has no 'patient'"):
        contrasts_of_patients(manifest("p:abc :b"), SITES, ["test"], ["a"])


def test_contrasts_of_the_same_name_are_refused() -> None:
    with pytest.raises(InputError, match=r"sites is .*expected a list of two or more different names"):
        contrasts_of_patients(manifest("p:abc"), ["a", "a"], ["test"], ["a"])
