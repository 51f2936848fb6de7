"""Looks of images: read once, compared by closed forms, damaged files left out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_harmonize.data import InputError
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.label_app.image_looks import (
    BINS,
    ImageLooks,
    farthest_first,
    load_look,
    look_of_reference,
    save_look,
)
from monai_harmonize.metrics import SiteReference
from monai_harmonize.metrics.site_reference_file import save_site_reference


def write(path: Path, level: int) -> Path:
    Image.fromarray(np.full((64, 64), level, dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def looks(bundles: Path) -> ImageLooks:
    return ImageLooks(Bundle(bundles / "tb_classification_cxr"))


def test_distance_is_the_shift_of_the_grey_levels(looks: ImageLooks, tmp_path: Path) -> None:
    levels = {"a": 0, "b": 51, "c": 204, "d": 255}
    found = {name: looks.look(write(tmp_path / f"{name}.png", level)) for name, level in levels.items()}
    ranked = farthest_first(found, found["a"])
    assert [name for name, _ in ranked] == ["d", "c", "b", "a"]
    assert [distance for _, distance in ranked] == pytest.approx([1, 0.8, 0.2, 0], abs=1.5 / BINS)


def test_equals_come_by_name_and_the_unreadable_not_at_all(looks: ImageLooks, tmp_path: Path) -> None:
    for name in ("z", "b", "m"):
        write(tmp_path / f"{name}.png", 100)
    (tmp_path / "k.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    found = {path.stem: looks.look(path) for path in (tmp_path / f"{name}.png" for name in "zkbm")}
    assert found["k"] is None
    assert list(looks.unreadable) == [tmp_path / "k.png"]
    assert [name for name, _ in farthest_first(found, np.eye(BINS)[0])] == ["b", "m", "z"]


def test_an_image_is_read_again_only_when_it_changed(looks: ImageLooks, tmp_path: Path, monkeypatch) -> None:
    path = write(tmp_path / "a.png", 0)
    first = looks.look(path)
    reads = []
    plain = looks.read
    monkeypatch.setattr(looks, "read", lambda image: reads.append(image) or plain(image))
    assert looks.look(path) is first
    assert reads == []
    write(path, 255)
    assert looks.look(path).argmax() == BINS - 1
    assert reads == [path]
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert looks.look(path) is None
    write(path, 0)
    assert looks.look(path).argmax() == 0
    assert looks.unreadable == {}


def test_the_pool_is_the_mean_of_what_can_be_read(looks: ImageLooks, tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.png", 0), write(tmp_path / "b.png", 255), tmp_path / "absent.png"]
    pool = looks.pooled(paths)
    assert (pool[0], pool[-1], pool.sum()) == pytest.approx((0.5, 0.5, 1))
    with pytest.raises(InputError, match="no labelled image can be read"):
        looks.pooled(paths[2:])


def test_a_folder_of_slices_is_one_image(bundles: Path, ct_series: Path) -> None:
    looks = ImageLooks(Bundle(bundles / "spine_segmentation_ct"))
    assert looks.look(ct_series).sum() == pytest.approx(1)
    assert looks.unreadable == {}


def test_files_of_looks(tmp_path: Path) -> None:
    look = np.random.default_rng(0).dirichlet(np.ones(BINS))
    save_look(look, 3, tmp_path / "look.json")
    np.testing.assert_allclose(load_look(tmp_path / "look.json"), look, rtol=1e-5)
    for damaged in ("", "[]", '{"histogram": [1, 2]}', '{"histogram": "a"}'):
        (tmp_path / "look.json").write_text(damaged)
        with pytest.raises(InputError, match=r"look\.json"):
            load_look(tmp_path / "look.json")


def test_the_look_of_a_reference_is_that_of_its_images(tmp_path: Path) -> None:
    images = np.random.default_rng(0).uniform(-1, 0, (4, 1, 64, 64)).astype(np.float32)
    save_site_reference(SiteReference.fit(images), tmp_path / "reference.json")
    look = look_of_reference(tmp_path / "reference.json")
    assert look[: BINS // 2].sum() == pytest.approx(1, abs=0.01)
    ((_, distance),) = farthest_first({"a": look}, np.repeat([2 / BINS, 0], BINS // 2))
    assert distance < 0.01
