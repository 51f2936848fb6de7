"""Images put together by device and look; disease is no site."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.evaluation.site_origins import (
    equipment_of,
    gallery_of,
    look_of_file,
    looks_of,
    of_one_device,
    origins,
)
from monai_harmonize.metrics.look_summary import FEATURES
from monai_harmonize.metrics.site_gallery import SiteGallery
from monai_harmonize.metrics.site_look import SiteLook
from monai_harmonize.phantoms import write_chest_dataset


def looks(count: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (count, len(FEATURES)))


@pytest.fixture(scope="module")
def gallery() -> SiteGallery:
    return SiteGallery({"one": SiteLook.fit(looks(30, 0)), "two": SiteLook.fit(looks(30, 1, 3.0))})


def device_files(chest_data: Path, folder: Path, names: list[str]) -> list[Path]:
    """Copies of a DICOM image, each with another name of its device."""
    dataset = dcmread(next((chest_data / "test" / "site_a").glob("*.dcm")))
    folder.mkdir()
    for number, name in enumerate(names):
        dataset.Manufacturer, dataset.ManufacturerModelName, dataset.StationName = "", "", name
        dataset.DeviceSerialNumber = dataset.DetectorID = ""
        dataset.save_as(folder / f"{number:02}.dcm")
    return sorted(folder.iterdir())


def test_devices_are_kept_apart_but_not_those_of_few_images(chest_data: Path, tmp_path: Path) -> None:
    paths = device_files(chest_data, tmp_path / "scans", ["x", "y"] * 5 + ["z", ""])
    assert equipment_of(paths[0]) == ("", "", "", "", "x")
    assert equipment_of(paths[-1]) is None
    assert [[int(path.stem) for path in group] for group in of_one_device(paths)] == [
        [0, 2, 4, 6, 8],
        [1, 3, 5, 7, 9],
        [10, 11],
    ]


def test_a_header_alone_puts_nothing_together(chest_data: Path, gallery: SiteGallery, tmp_path: Path) -> None:
    """Images of one device by their headers, of two sites by their look, and the other way round."""
    paths = device_files(chest_data, tmp_path / "scans", ["x"] * 12)
    seen = dict(zip(paths, np.concatenate([looks(6, 2), looks(6, 3, 3.0)]), strict=True))
    found = origins(seen, gallery)
    assert [(group.origin.site, len(group.images)) for group in found] == [("one", 6), ("two", 6)]
    paths = device_files(chest_data, tmp_path / "others", ["x", "y"] * 6)
    found = origins(dict(zip(paths, looks(12, 4), strict=True)), gallery)
    assert [(group.origin.site, len(group.images)) for group in found] == [("one", 6), ("one", 6)]


def test_every_image_has_its_own_fit(gallery: SiteGallery) -> None:
    seen = {Path(str(number)): look for number, look in enumerate(looks(8, 5))}
    seen[Path("0")] = np.full(len(FEATURES), 2.0)
    (group,) = origins(seen, gallery, "one")
    assert group.origin.site == "one"
    assert group.fits[0] == pytest.approx(1 / 31)
    np.testing.assert_allclose(group.fits, [gallery.sites["one"].p_value(look) for look in seen.values()])


def test_no_images_and_no_such_grouping(gallery: SiteGallery) -> None:
    assert origins({}, gallery) == origins({}, gallery, "one") == origins({}, gallery, "each") == []
    with pytest.raises(InputError, match="grouping is 'none'; expected one of look, one, each"):
        origins({}, gallery, "none")


def test_what_is_no_radiograph_fails_by_itself(chest_data: Path, tmp_path: Path) -> None:
    good = next((chest_data / "test" / "site_a").glob("*.dcm"))
    (tmp_path / "cut.dcm").write_bytes(good.read_bytes()[:900])
    found, failures = looks_of([good, tmp_path / "cut.dcm"])
    np.testing.assert_array_equal(found[good], look_of_file(good))
    assert [Path(failure.path).name for failure in failures] == ["cut.dcm"]


@pytest.mark.long
def test_ill_patients_are_no_other_site_and_another_site_is(tmp_path: Path) -> None:
    """Advanced tuberculosis against healthy patients of the same site, and the same healthy patients elsewhere."""
    options = {"size": 64, "severity": 3.0, "paired": False, "workers": 1, "progress": False}
    write_chest_dataset(tmp_path / "a", sites=("site_a",), anatomies_per_site={"train": 42, "test": 16}, **options)
    write_chest_dataset(tmp_path / "b", sites=("site_b",), anatomies_per_site={"test": 16}, **options)
    here, elsewhere = (load_manifest(tmp_path / name / "manifest.csv") for name in "ab")
    gallery = gallery_of(here.select(split="train", label=0))
    for records, label, known in ((here, 0, True), (here, 1, True), (elsewhere, 0, False)):
        asked, _ = looks_of(Path(record["image"]) for record in records.select(split="test", label=label))
        (group,) = origins(asked, gallery, "one")
        assert len(group.images) == 8
        assert (group.origin.site is not None) == known, (records.sites, label)


def test_real_sites(real_data: Path) -> None:
    """Two hospitals are learned, the third is unknown; batches of the two are told rightly."""
    records = [r for r in load_manifest(real_data / "cxr_manifest.csv").records if r["site"] != "nih_cxr14"]
    chosen = [r for site in ("jsrt", "openist") for r in [r for r in records if r["site"] == site][:50]]
    learned = [record for number, record in enumerate(chosen) if number % 50 < 40]
    gallery = gallery_of(learned)
    for site in gallery.sites:
        rest = [r for r in chosen if r["site"] == site and r not in learned]
        asked = np.stack([look_of_file(Path(r["image"]), r["polarity"]) for r in rest])
        assert gallery.origin(asked).site == site
        other = SiteGallery({name: look for name, look in gallery.sites.items() if name != site})
        assert other.origin(asked).site is None
