"""Sites have the numbers of their places, and nothing else is one of them."""

import pytest

from monai_harmonize.data import InputError, Manifest, ManifestError, records_of_sites, site_number, translations_of

SITES = ["north", "south", "São Paulo (2)"]


def manifest(tmp_path) -> Manifest:
    rows = [("south", "train"), ("north", "train"), ("South", "test"), ("north", "test"), ("south", "train")]
    records = ({"image": str(place), "site": site, "split": split} for place, (site, split) in enumerate(rows))
    return Manifest(tmp_path / "manifest.csv", tuple(records))


def test_the_order_of_the_names_is_that_of_the_numbers() -> None:
    assert [site_number(site, SITES) for site in SITES] == [0, 1, 2]
    assert site_number("north", ("south", "north")) == 1


def test_a_site_that_is_none_of_them_is_named() -> None:
    with pytest.raises(InputError, match=r"'west' is no site that this model knows; expected one of north, south, São"):
        site_number("west", SITES)


@pytest.mark.parametrize(
    "sites",
    ["north", ["north"], [], ["north", "north"], ["north", "$exit()"], ["north", "@seed"], ["north", ""], [1, 2]],
)
def test_what_is_no_list_of_plain_names_is_refused(sites) -> None:
    with pytest.raises(InputError, match="expected a list of two or more different names"):
        site_number("north", sites)


def test_records_have_the_number_of_their_site(tmp_path) -> None:
    found = records_of_sites(manifest(tmp_path), ["south", "north"], "train")
    assert [(record["image"], record["domain"]) for record in found] == [("0", 0), ("4", 0), ("1", 1)]
    with pytest.raises(ManifestError, match="south"):
        records_of_sites(manifest(tmp_path), ["south", "north"], "test")


def test_every_image_goes_to_every_other_site_once() -> None:
    records = [{"image": "a", "domain": 0}, {"image": "b", "domain": 2}]
    found = [(record["image"], record["domain"], record["target"]) for record in translations_of(records, 3)]
    assert found == [("a", 0, 1), ("a", 0, 2), ("b", 2, 0), ("b", 2, 1)]
    assert "target" not in records[0]
