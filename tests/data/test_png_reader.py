"""PNG and JPEG files: exact values, and refusal of what is not plain grey."""

import struct
import zlib

import numpy as np
import pytest
from monai.transforms import LoadImage
from PIL import Image

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.png_reader import PngRadiographReader
from monai_harmonize.data.png_writer import write_like_png


def read(path):
    reader = PngRadiographReader()
    return reader.get_data(reader.read(path))


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bytes(values: np.ndarray, bits: int, interlaced: bool = False, extra: bytes = b"") -> bytes:
    """Grey PNG by the letter of the standard; an interlaced one holds one pixel, where all methods agree."""
    rows, columns = values.shape
    header = struct.pack(">IIBBBBB", columns, rows, bits, 0, 0, 0, int(interlaced))
    kind = ">u2" if bits == 16 else "u1"
    lines = b"".join(b"\0" + row.astype(kind).tobytes() for row in values)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(("dtype", "bits"), [(np.uint8, 8), (np.uint16, 16)])
def test_values_are_exact_and_columns_come_first(tmp_path, dtype, bits):
    values = np.random.default_rng(0).integers(0, 2**bits, (5, 3)).astype(dtype)
    values[0, :2] = 0, 2**bits - 1
    (tmp_path / "a.png").write_bytes(png_bytes(values, bits))
    grey, meta = read(tmp_path / "a.png")
    assert grey.dtype == np.float32
    np.testing.assert_array_equal(grey, values.T)
    assert meta["spatial_shape"].tolist() == [3, 5]
    assert meta["grey_range"] == (0, 2**bits - 1)
    assert (meta["source_format"], meta["bits_stored"], meta["polarity_turned"]) == ("png", bits, False)
    np.testing.assert_array_equal(meta["affine"], np.diag([-1, -1, 1, 1]))


def test_interlaced(tmp_path):
    (tmp_path / "a.png").write_bytes(png_bytes(np.array([[40000]]), 16, interlaced=True))
    assert read(tmp_path / "a.png")[0].tolist() == [[40000]]


@pytest.mark.parametrize(("unit", "spacing"), [(1, (0.2, 0.1)), (0, (1, 1))], ids=["metre", "aspect only"])
def test_spacing_from_phys(tmp_path, unit, spacing):
    phys = chunk(b"pHYs", struct.pack(">IIB", 5000, 10000, unit))
    (tmp_path / "a.png").write_bytes(png_bytes(np.zeros((2, 2)), 8, extra=phys))
    affine = read(tmp_path / "a.png")[1]["affine"]
    assert np.diag(affine)[:2].tolist() == pytest.approx([-spacing[0], -spacing[1]])


def test_grey_jpeg(tmp_path):
    Image.fromarray(np.full((8, 16), 77, np.uint8)).save(tmp_path / "a.jpg", quality=100, dpi=(72, 72))
    grey, meta = read(tmp_path / "a.jpg")
    assert grey.shape == (16, 8)
    assert np.abs(grey - 77).max() <= 1
    assert meta["source_format"] == "jpeg"
    np.testing.assert_array_equal(meta["affine"], np.diag([-1, -1, 1, 1]))


@pytest.mark.parametrize(
    ("mode", "name", "reason"),
    [
        ("RGBA", "a.png", "RGB with alpha"),
        ("LA", "a.png", "grey with alpha"),
        ("1", "a.png", "bit depth is 1"),
        ("CMYK", "a.jpg", "CMYK"),
    ],
)
def test_other_pixels_are_refused(tmp_path, mode, name, reason):
    path = tmp_path / name
    Image.new(mode, (4, 4)).save(path)
    with pytest.raises(ImageFileError, match=reason) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_transparent_level_is_refused(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "a.png", transparency=0)
    with pytest.raises(ImageFileError, match="transparent"):
        read(tmp_path / "a.png")


def test_lying_image_is_refused(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (8, 4)).save(tmp_path / "a.jpg", exif=exif)
    with pytest.raises(ImageFileError, match="EXIF orientation is 6"):
        read(tmp_path / "a.jpg")


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9])
def test_cut_files(tmp_path, name, share):
    path = tmp_path / name
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ImageFileError, match=r"truncated|damaged"):
        read(path)


def test_damaged_checksum(tmp_path):
    content = bytearray(png_bytes(np.random.default_rng(0).integers(0, 256, (64, 64)), 8))
    content[100] ^= 0xFF
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageFileError, match="damaged"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_colour_is_refused_and_grey_stored_as_colour_is_not(tmp_path, name):
    grey = np.linspace(0, 255, 48, dtype=np.uint8).reshape(6, 8)
    Image.fromarray(grey).convert("RGB").save(tmp_path / name, quality=100)
    reader = PngRadiographReader()
    array, meta = reader.get_data(reader.read(tmp_path / name))
    assert meta["bits_stored"] == 8
    assert np.abs(array - grey.T).max() <= (0 if name == "a.png" else 4)
    Image.new("RGB", (8, 6), (200, 20, 20)).save(tmp_path / name)
    with pytest.raises(ImageFileError, match=f"{name}.*coloured"):
        reader.read(tmp_path / name)


def test_palette_is_read_as_it_is_shown(tmp_path):
    indices = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = Image.fromarray(indices, mode="P")
    image.putpalette([255 - level for level in range(256) for _ in range(3)])
    image.save(tmp_path / "a.png")
    reader = PngRadiographReader()
    array, _ = reader.get_data(reader.read(tmp_path / "a.png"))
    np.testing.assert_array_equal(array, 255 - indices.T.astype(np.float32))
    write_like_png(array, {**meta_of(tmp_path / "a.png")}, tmp_path / "b.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "b.png")), 255 - indices)
    image.putpalette([level * (channel == 0) for level in range(256) for channel in range(3)])
    image.save(tmp_path / "a.png")
    with pytest.raises(ImageFileError, match="coloured"):
        reader.read(tmp_path / "a.png")


def meta_of(path) -> dict:
    return {**PngRadiographReader().get_data(PngRadiographReader().read(path))[1], "filename_or_obj": str(path)}


def test_monai_load_image_takes_the_reader(tmp_path):
    Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)).save(tmp_path / "a.png")
    image = LoadImage(reader=PngRadiographReader(), ensure_channel_first=True)(tmp_path / "a.png")
    assert image[0].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert PngRadiographReader().verify_suffix(["a.PNG", "b.jpeg"])
    assert not PngRadiographReader().verify_suffix("a.dcm")
