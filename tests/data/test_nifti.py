"""NIfTI images and volumes, read and written like their source."""

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from monai.transforms import LoadImage

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.nifti import NiftiRadiographReader, write_like_nifti
from monai_harmonize.data.writer_contract import Maker

AFFINE = np.array([[-0.5, 0.1, 0, 3], [0, -0.7, 0, 4], [0.2, 0, 2, 5], [0, 0, 0, 1]])


def load(path):
    reader = NiftiRadiographReader()
    grey, meta = reader.get_data(reader.read(path))
    return grey, {**meta, "filename_or_obj": str(path)}


def save(path, values, slope=None, inter=0.0):
    image = nibabel.Nifti1Image(values, AFFINE)
    image.header["descrip"] = b"SECRET^PATIENT"
    if slope is not None:
        image.header.set_slope_inter(slope, inter)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize(
    ("stored", "loaded"),
    [((4, 3), (4, 3)), ((4, 3, 1), (4, 3)), ((4, 3, 2), (4, 3, 2)), ((4, 3, 2, 1), (4, 3, 2))],
)
def test_shapes(tmp_path, stored, loaded):
    values = np.arange(np.prod(stored), dtype=np.int16).reshape(stored)
    grey, meta = load(save(tmp_path / "a.nii.gz", values))
    assert grey.shape == loaded == tuple(meta["spatial_shape"])
    np.testing.assert_array_equal(grey, values.reshape(loaded))
    np.testing.assert_allclose(meta["affine"], AFFINE, atol=1e-6)
    write_like_nifti(grey, meta, tmp_path / "out" / "a.nii.gz")
    assert nibabel.load(tmp_path / "out" / "a.nii.gz").shape == stored


def test_metadata(tmp_path):
    grey, meta = load(save(tmp_path / "a.nii", np.array([[-5, 7], [0, 1]], np.int16)))
    assert grey.dtype == np.float32
    assert meta["grey_range"] == (-5, 7)
    assert (meta["source_format"], meta["bits_stored"], meta["polarity_turned"]) == ("nifti", 16, False)
    assert "SECRET" not in repr(meta)


def test_grey_range_leaves_out_nan_and_infinity(tmp_path):
    values = np.array([[np.nan, 2.0], [np.inf, -1.5]], np.float32)
    grey, meta = load(save(tmp_path / "a.nii", values))
    assert meta["grey_range"] == (-1.5, 2)
    np.testing.assert_array_equal(grey, values)
    with pytest.raises(ImageFileError, match="every value is NaN"):
        load(save(tmp_path / "b.nii", np.full((2, 2), np.nan, np.float32)))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    dtype=st.sampled_from([np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64]),
    scaling=st.sampled_from([None, (2.0, 0.0), (0.5, -3.0), (-1.0, 10.0)]),
    turned=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_identity_round_trip_is_exact(tmp_path, dtype, scaling, turned, seed):
    low, high = (0, 256) if dtype is np.uint8 else (0, 30000)
    values = np.random.default_rng(seed).integers(low, high, (3, 4, 2)).astype(dtype)
    source = save(tmp_path / "a.nii", values, *(scaling or ()))
    grey, meta = load(source)
    image = sum(meta["grey_range"]) - grey if turned else grey
    write_like_nifti(image, {**meta, "polarity_turned": turned}, tmp_path / "b.nii", Maker("test 1"))
    old, new = nibabel.load(source), nibabel.load(tmp_path / "b.nii")
    np.testing.assert_array_equal(new.dataobj.get_unscaled(), old.dataobj.get_unscaled())
    assert (new.dataobj.slope, new.dataobj.inter) == (old.dataobj.slope, old.dataobj.inter)
    assert new.get_data_dtype() == old.get_data_dtype() == np.dtype(dtype)
    np.testing.assert_array_equal(new.affine, old.affine)
    assert (new.header["sform_code"], new.header["qform_code"]) == (2, 0)
    assert bytes(new.header["descrip"].item()).startswith(b"monai-harmonize")


def test_integers_are_rounded_and_clipped(tmp_path):
    _, meta = load(save(tmp_path / "a.nii", np.array([[0, 1], [2, 3]], np.uint8)))
    write_like_nifti(np.array([[-4.0, 0.6], [254.4, 999.0]]), meta, tmp_path / "b.nii")
    assert nibabel.load(tmp_path / "b.nii").get_fdata().tolist() == [[0, 1], [254, 255]]


def test_other_images_are_refused(tmp_path):
    rgb = np.zeros((4, 4, 1), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    for values, reason in [
        (rgb, "type"),
        (np.zeros((4, 4, 2, 2), np.int16), r"\(4, 4, 2, 2\)"),
        (np.zeros((4,), np.int16), r"\(4,\)"),
        (np.zeros((2, 2), np.complex64), "complex64"),
        (np.array([[0, 2**30]], np.int32), "float32"),
    ]:
        path = save(tmp_path / "a.nii", values)
        with pytest.raises(ImageFileError, match=reason) as caught:
            load(path)
        assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.95])
def test_cut_files(tmp_path, name, share):
    values = np.random.default_rng(0).integers(0, 30000, (32, 32), dtype=np.int16)
    path = save(tmp_path / name, values)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ImageFileError, match="damaged"):
        load(path)


def test_nothing_is_written_of_what_cannot_be_right(tmp_path):
    grey, meta = load(save(tmp_path / "a.nii", np.zeros((4, 3, 1), np.int16)))
    for image, target, reason in [
        (grey[:2], tmp_path / "b.nii", r"size \(2, 3\)"),
        (np.full_like(grey, np.nan), tmp_path / "b.nii", "12 pixels"),
        (grey, tmp_path / "a.nii", "source itself"),
    ]:
        with pytest.raises(ImageFileError, match=reason):
            write_like_nifti(image, meta, target)
    assert [path.name for path in tmp_path.iterdir()] == ["a.nii"]


def test_monai_load_image_takes_the_reader(tmp_path):
    save(tmp_path / "a.nii", np.zeros((4, 3, 2), np.int16))
    image = LoadImage(reader=NiftiRadiographReader(), ensure_channel_first=True)(tmp_path / "a.nii")
    assert image.shape == (1, 4, 3, 2)


@pytest.mark.parametrize(
    ("affine", "found"),
    [
        (np.diag([0.5, 0.7, 0.0, 1.0]), r"0.5 0 0 0; 0 0.7 0 0; 0 0 0 0"),
        (np.array([[1, 2, 0, 0], [0, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1.0]]), "1 2 0 0"),
        (np.diag([0.5, np.nan, 2.0, 1.0]), "nan"),
    ],
)
def test_affines_that_cannot_be_inverted(tmp_path, affine, found):
    path = save(tmp_path / "a.nii", np.zeros((4, 3, 2), np.int16))
    content = bytearray(path.read_bytes())
    content[280:328] = affine[:3].astype("<f4").tobytes()  # srow_x, srow_y, srow_z, which nibabel does not write so
    path.write_bytes(content)
    with pytest.raises(ImageFileError, match=rf"a\.nii: its affine \(.*{found}.*cannot be inverted; expected one"):
        load(path)


def test_oblique_and_sheared_affines_are_read(tmp_path):
    _, meta = load(save(tmp_path / "a.nii", np.zeros((4, 3, 2), np.int16)))
    np.testing.assert_allclose(meta["affine"], AFFINE, atol=1e-6)


@pytest.mark.parametrize("codes", [(1, 0), (0, 1), (2, 1)])
@pytest.mark.parametrize("stored", [(5, 4), (5, 4, 1), (5, 4, 3), (5, 4, 1, 1), (5, 4, 3, 1)])
def test_the_place_is_kept_by_sform_or_qform(tmp_path, stored, codes):
    """MONAI's own reader takes the voxel sizes for the sform of a file of two or four dimensions without a qform."""
    turned = nibabel.eulerangles.euler2mat(0.3, 0.2, -0.4)
    oblique = nibabel.affines.from_matvec(turned @ np.diag([0.5, 0.7, 2.0]), [-30.0, 12.0, 80.0])
    image = nibabel.Nifti1Image(np.arange(np.prod(stored), dtype=np.int16).reshape(stored), None)
    image.header.set_zooms([0.5, 0.7, 2.0, 1.0][: len(stored)])
    for code, place in zip(codes, (image.set_sform, image.set_qform), strict=True):
        place(oblique, code) if code else place(None)
    nibabel.save(image, tmp_path / "source.nii")
    grey, meta = load(tmp_path / "source.nii")
    np.testing.assert_allclose(meta["affine"], oblique, atol=1e-5)
    write_like_nifti(grey, meta, tmp_path / "result.nii")
    result = nibabel.load(tmp_path / "result.nii")
    np.testing.assert_array_equal(result.affine, nibabel.load(tmp_path / "source.nii").affine)
    assert [int(result.header[name]) for name in ("sform_code", "qform_code")] == list(codes)


def test_a_series_of_volumes_is_named(tmp_path):
    with pytest.raises(ImageFileError, match=r"\(4, 4, 2, 2\); expected .*give one image or volume a file"):
        load(save(tmp_path / "a.nii", np.zeros((4, 4, 2, 2), np.int16)))


def test_volume_that_runs_the_other_way_in_memory_is_written_rightly(tmp_path):
    values = np.arange(24, dtype=np.int16).reshape(4, 3, 2)
    grey, meta = load(save(tmp_path / "a.nii", values, 2.0, 1.0))
    write_like_nifti(np.ascontiguousarray(grey) + 2, meta, tmp_path / "b.nii")
    np.testing.assert_array_equal(nibabel.load(tmp_path / "b.nii").dataobj.get_unscaled(), values + 1)
