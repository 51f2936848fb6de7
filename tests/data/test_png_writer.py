"""PNG and JPEG files written like their source."""

import numpy as np
import pytest
from PIL import Image

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.png_reader import PngRadiographReader
from monai_harmonize.data.png_writer import write_like_png
from monai_harmonize.data.writer_contract import Maker


def load(path):
    reader = PngRadiographReader()
    grey, meta = reader.get_data(reader.read(path))
    return grey, {**meta, "filename_or_obj": str(path)}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("turned", [False, True])
def test_identity_round_trip_is_exact(tmp_path, dtype, turned):
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (5, 3), endpoint=True).astype(dtype)
    Image.fromarray(values).save(tmp_path / "a.png", dpi=(254, 127))
    grey, meta = load(tmp_path / "a.png")
    if turned:  # as LoadRadiograph does where the manifest says so
        grey, meta = np.iinfo(dtype).max - grey, {**meta, "polarity_turned": True}
    write_like_png(grey, meta, tmp_path / "out" / "a.png", Maker("test 1"))
    again, new_meta = load(tmp_path / "out" / "a.png")
    np.testing.assert_array_equal(again, values.T)
    assert new_meta["bits_stored"] == meta["bits_stored"]
    np.testing.assert_array_equal(new_meta["affine"], meta["affine"])
    assert new_meta["affine"][0, 0] == pytest.approx(-0.1)
    assert Image.open(tmp_path / "out" / "a.png").info["Software"].startswith("monai-harmonize")


def test_values_are_rounded_and_clipped(tmp_path):
    Image.fromarray(np.zeros((1, 4), np.uint8)).save(tmp_path / "a.png")
    _, meta = load(tmp_path / "a.png")
    write_like_png(np.array([[-5], [0.6], [254.4], [300]]), meta, tmp_path / "b.png")
    assert np.asarray(Image.open(tmp_path / "b.png")).tolist() == [[0, 1, 254, 255]]


def test_jpeg_stays_jpeg_and_close(tmp_path):
    values = np.add.outer(np.arange(32), 4 * np.arange(48)).astype(np.uint8)
    Image.fromarray(values).save(tmp_path / "a.jpg", quality=100)
    grey, meta = load(tmp_path / "a.jpg")
    write_like_png(grey, meta, tmp_path / "b.jpg")
    again, new_meta = load(tmp_path / "b.jpg")
    assert new_meta["source_format"] == "jpeg"
    assert np.abs(again - grey).max() <= 2


def test_nothing_is_written_of_what_cannot_be_right(tmp_path):
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / "a.png")
    grey, meta = load(tmp_path / "a.png")
    for image, target, reason in [
        (grey.T, tmp_path / "b.png", r"size \(2, 3\)"),
        (np.full_like(grey, np.inf), tmp_path / "b.png", "6 pixels"),
        (grey, tmp_path / "a.png", "source itself"),
    ]:
        with pytest.raises(ImageFileError, match=reason):
            write_like_png(image, meta, target)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
