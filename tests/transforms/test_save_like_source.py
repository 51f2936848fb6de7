"""Images go back into files like those they came from."""

import nibabel
import numpy as np
import pydicom
import pytest
import torch
from monai.data import DataLoader, Dataset, ITKReader, MetaTensor, decollate_batch
from monai.transforms import Compose
from PIL import Image
from pydicom.dataset import Dataset as Header
from pydicom.dataset import FileMetaDataset

from monai_harmonize import __version__
from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.inferers import SeamlessInferer, SlicewiseInferer
from monai_harmonize.phantoms.ct_dataset import ensure_ct_dataset
from monai_harmonize.transforms.load_radiograph import LoadRadiograph, LoadRadiographd
from monai_harmonize.transforms.save_like_source import (
    SaveLikeSource,
    SaveLikeSourceD,
    SaveLikeSourced,
    SaveLikeSourceDict,
)
from monai_harmonize.transforms.window_hounsfield import (
    RestoreHounsfield,
    RestoreHounsfieldd,
    WindowHounsfield,
    WindowHounsfieldd,
)

CR = "1.2.840.10008.5.1.4.1.1.1"


def write_png(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def write_dicom(path, values):
    """MONOCHROME1, 12 bit, with a name that would lead out of the folder."""
    header = Header()
    header.update({"SOPClassUID": CR, "SOPInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.4", "Rows": values.shape[0]})
    header.update({"Columns": values.shape[1], "BitsAllocated": 16, "BitsStored": 12, "PixelRepresentation": 0})
    header.update({"HighBit": 11, "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME1"})
    header.PatientName, header.SeriesDescription = "..^..", "../../escape"
    header.add_new("PixelData", "OW", values.astype("<u2").tobytes())
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    header.is_little_endian, header.is_implicit_VR = True, False
    pydicom.dcmwrite(path, header, write_like_original=False)
    return path


@pytest.fixture
def films(tmp_path):
    """One source of each format."""
    values = np.random.default_rng(0).integers(0, 4096, (5, 4)).astype(np.uint16)
    folder = tmp_path / "in"
    sources = [write_png(folder / "a.png", values)]
    sources.append(write_png(folder / "eight" / "a.png", (values // 16).astype(np.uint8)))
    sources.append(write_dicom(folder / "1.2.840.77", values))
    for name in ("volume.nii.gz", "plane.nii"):
        shape = (5, 4) if name == "plane.nii" else (5, 2, 2)
        nibabel.save(nibabel.Nifti1Image(values.reshape(shape), np.diag([2, 3, 4, 1])), folder / name)
        sources.append(folder / name)
    return sources


@pytest.mark.parametrize("polarity", ["normal", "inverted"])
def test_identity_for_every_format(tmp_path, films, polarity):
    save = SaveLikeSource(tmp_path / "out", data_root=tmp_path / "in", suffix="_h", bundle="test 1")
    for source in films:
        image = LoadRadiograph()(source, polarity)
        saved = save(image)
        again = LoadRadiograph()(saved.meta["saved_to"], polarity)
        assert torch.equal(again, image), source
        for key in ("grey_range", "bits_stored", "source_format", "polarity_turned"):
            assert again.meta[key] == image.meta[key], (source, key)
        assert torch.equal(again.affine, image.affine)
    written = sorted(
        str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()
    )
    assert written == ["1.2.840.77_h", "a_h.png", "eight/a_h.png", "plane_h.nii", "volume_h.nii.gz"]


def test_brighter_is_brighter_whatever_the_polarity(tmp_path, films):
    """Dense stays dense: the written MONOCHROME1 pixels fall where the image rises."""
    image = LoadRadiograph()(films[2])
    SaveLikeSource(tmp_path / "out")((image + 100).clamp(max=4095))
    before, after = (pydicom.dcmread(folder / "1.2.840.77") for folder in (tmp_path / "in", tmp_path / "out"))
    assert after.PhotometricInterpretation == "MONOCHROME1"
    np.testing.assert_array_equal(after.pixel_array, np.maximum(before.pixel_array.astype(int) - 100, 0))
    assert LoadRadiograph()(tmp_path / "out" / "1.2.840.77").mean() > image.mean()


def test_batch_of_a_network_goes_back(tmp_path, films):
    data = Dataset([{"image": films[0], "polarity": "inverted"}] * 2, LoadRadiographd(keys="image"))
    batch = next(iter(DataLoader(data, batch_size=2)))
    batch["pred"] = (batch["image"] * 1.0).to(torch.bfloat16)
    item = decollate_batch(batch)[0]
    out = SaveLikeSourced(keys="pred", output_dir=tmp_path / "out")(item)
    assert out["pred"].meta["saved_to"] == str(tmp_path / "out" / "a.png")
    again = LoadRadiograph()(tmp_path / "out" / "a.png", "inverted")
    np.testing.assert_allclose(again, item["image"], atol=2**7)  # bfloat16 keeps 8 bits
    assert SaveLikeSourceD is SaveLikeSourceDict is SaveLikeSourced


def test_every_format_names_method_and_weights(tmp_path, films):
    options = {"bundle": "test 1", "weights_digest": "0123456789abcdef"}
    save = SaveLikeSourced(keys="image", output_dir=tmp_path / "out", data_root=tmp_path / "in", **options)
    paths = [save({"image": LoadRadiograph()(source)})["image"].meta["saved_to"] for source in films]
    expected = f"monai-harmonize {__version__} test 1 weights SHA-256 0123456789abcdef"
    assert Image.open(paths[0]).info["Software"] == expected
    assert expected in pydicom.dcmread(paths[2]).DerivationDescription
    assert nibabel.load(paths[3]).header["descrip"].item().decode() == expected
    assert SaveLikeSource("out", **options).maker.weights_digest == options["weights_digest"]
    with pytest.raises(InputError, match="hexadecimal"):
        SaveLikeSource(tmp_path / "out", weights_digest="model.pt")(LoadRadiograph()(films[0]))


def test_same_names_do_not_replace_each_other(tmp_path, films):
    one, two = (LoadRadiograph()(films[n]) for n in (0, 1))
    save = SaveLikeSource(tmp_path / "out")
    save(one)
    with pytest.raises(ImageFileError, match=r"would replace that of .*data_root"):
        save(two)
    save(one)  # a repeated run may replace its own


def test_source_is_not_overwritten(tmp_path, films):
    before = films[0].read_bytes()
    image = LoadRadiograph()(films[0]) * 0
    for save in (SaveLikeSource(tmp_path / "in"), SaveLikeSource(tmp_path / "in", data_root=tmp_path / "in")):
        with pytest.raises(ImageFileError, match="source itself"):
            save(image)
    assert films[0].read_bytes() == before


def test_source_outside_the_root(tmp_path, films):
    root = tmp_path / "elsewhere"
    image = SaveLikeSource(tmp_path / "out", data_root=root)(LoadRadiograph()(films[0]))
    assert image.meta["saved_to"] == str(tmp_path / "out" / films[0].name)


def test_relative_paths_name_the_same_place(tmp_path, films, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = LoadRadiograph()("in/eight/../eight/a.png")
    assert SaveLikeSource("out", data_root="in")(image).meta["saved_to"] == "out/eight/a.png"


def test_wrong_images(tmp_path, films):
    image = LoadRadiograph()(films[0])
    save = SaveLikeSource(tmp_path / "out")
    with pytest.raises(ValueError, match=r"a\.png: .*shape \(2, 4, 5\)"):
        save(torch.cat([image, image]))
    with pytest.raises(ImageFileError, match="size"):
        save(image[:, :2])
    with pytest.raises(ImageFileError, match="NaN"):
        save(image * float("nan"))
    with pytest.raises(ValueError, match="LoadRadiograph"):
        save(MetaTensor(image.as_tensor(), meta={"filename_or_obj": "a.png"}))
    assert not (tmp_path / "out").exists()


def test_suffix_is_no_path():
    with pytest.raises(ValueError, match="separator"):
        SaveLikeSource("out", suffix="/../x")


def test_ct_series_through_window_and_slices_and_back(tmp_path):
    """As a bundle does it: load, window, network on batches of slices, HU again, derived series."""
    manifest = ensure_ct_dataset(
        tmp_path / "ct",
        sites=("site_a",),
        anatomies_per_site={"test": 1},
        shape=(18, 13, 9),
        file_format="dicom",
        progress=False,
        workers=1,
    )
    (folder,) = {path.parent for path in manifest.parent.rglob("*.dcm")}
    prepare = Compose(
        [LoadRadiographd(keys="image"), WindowHounsfieldd(keys="image", window="bone", source_keys="hounsfield")]
    )
    batch = next(iter(DataLoader(Dataset([{"image": str(folder)}], prepare), batch_size=1)))
    infer = SlicewiseInferer(SeamlessInferer(), axis="axial", batch_size=4)
    batch["pred"] = infer(batch["image"], lambda slices: slices + 0.1)
    item = RestoreHounsfieldd(keys="pred", window="bone")(decollate_batch(batch)[0])
    saved = SaveLikeSourced(keys="pred", output_dir=tmp_path / "out", data_root=tmp_path / "ct")(item)["pred"]
    assert saved.meta["saved_to"] == str(tmp_path / "out" / folder.relative_to(tmp_path / "ct"))
    before, after = (LoadRadiograph()(path) for path in (folder, saved.meta["saved_to"]))
    assert torch.equal(before.affine, after.affine)
    change = (after - before).as_tensor()
    inside = (before.as_tensor() >= -500) & (before.as_tensor() <= 1210)
    assert inside.any()
    assert (change[inside] == 90).all()
    assert (change[before.as_tensor() < -680] == 0).all()
    assert change.min() == 0


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["totalseg_dicom_siemens", "verse014_ct.nii.gz"])
def test_real_ct_survives_a_window_and_its_inverse(tmp_path, real_data, name):
    """A Siemens series without series UID, and a sagittal spine; ITK finds both at the same place."""
    source = real_data / "ct" / name
    image = LoadRadiograph()(source)
    restored = RestoreHounsfield("bone")(WindowHounsfield("bone")(image), image)
    path = SaveLikeSource(tmp_path)(restored).meta["saved_to"]
    again = LoadRadiograph()(path)
    assert torch.equal(again.as_tensor(), image.as_tensor())
    assert torch.equal(again.affine, image.affine)
    reader = ITKReader()
    values, meta = reader.get_data(reader.read(path))
    np.testing.assert_array_equal(np.asarray(values), image[0])
    np.testing.assert_allclose(meta["affine"], image.affine, atol=1e-6)
