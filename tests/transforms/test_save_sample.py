"""What is written can be read again, and says that it is synthetic."""

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from monai_harmonize.data import InputError
from monai_harmonize.transforms import LoadRadiographd, SaveSampled, ScaleGreyLevelsd
from monai_harmonize.transforms.save_sample import NOTE


def test_a_radiograph_is_read_with_the_grey_levels_that_were_drawn(tmp_path) -> None:
    image = 2 * torch.rand(1, 12, 9) - 1
    image[0, 0, 0], image[0, 0, 1] = -1.2, 1.2  # clipped
    item = {"pred": image, "number": 7}
    assert SaveSampled("pred", tmp_path / "new", bundle="dcgan_cxr 0.1.0")(item) == item
    path = tmp_path / "new" / "sample_0007.png"
    read = ScaleGreyLevelsd("image")(LoadRadiographd("image")({"image": str(path)}))["image"]
    torch.testing.assert_close(torch.as_tensor(np.asarray(read)), image.clamp(-1, 1), atol=2e-5, rtol=0)
    with Image.open(path) as opened:
        assert opened.size == (12, 9)
        assert opened.text["Description"] == NOTE
        assert "dcgan_cxr 0.1.0" in opened.text["Software"]


def test_a_volume_becomes_nifti(tmp_path) -> None:
    volume = 2 * torch.rand(1, 5, 4, 3) - 1
    SaveSampled("pred", tmp_path, "place")({"pred": volume, "place": torch.tensor(12)})
    read = nibabel.load(tmp_path / "sample_0012.nii.gz")
    np.testing.assert_array_equal(read.get_fdata(dtype=np.float32), volume[0].numpy())
    assert bytes(read.header["descrip"]).decode().startswith(NOTE)


def test_a_synthetic_ct_is_in_hounsfield_units_and_millimetres(tmp_path) -> None:
    volume = torch.tensor([-1.5, -1, 0, 0.5009, 1, 3]).reshape(1, 3, 1, 2)
    save = SaveSampled("pred", tmp_path, bundle="dcgan_ct 0.1.0", window=(-200, 800), spacing=[3.0, 2.5, 4.0])
    save({"pred": volume, "number": 0})
    path = str(tmp_path / "sample_0000.nii.gz")
    read = LoadRadiographd("image")({"image": path})["image"]
    assert read.flatten().tolist() == [-200, -200, 300, 550, 800, 800]
    assert read.pixdim.tolist() == [3.0, 2.5, 4.0]
    stored = nibabel.load(path)
    assert stored.get_data_dtype() == np.int16
    assert nibabel.aff2axcodes(stored.affine) == ("R", "A", "S")
    assert stored.header.get_xyzt_units()[0] == "mm"
    for wrong in ({"window": "bony"}, {"spacing": [3.0, 3.0]}):
        with pytest.raises(InputError, match=f"{next(iter(wrong))} is"):
            SaveSampled("pred", tmp_path, **wrong)


@pytest.mark.parametrize("shape", [(2, 4, 4), (4, 4), (1, 2, 2, 2, 2)])
def test_what_is_no_grey_image_is_refused_and_leaves_nothing(tmp_path, shape: tuple) -> None:
    with pytest.raises(ValueError, match=r"expected \(1, W, H\) or \(1, W, H, D\)"):
        SaveSampled("pred", tmp_path)({"pred": torch.zeros(shape), "number": 0})
    assert list(tmp_path.iterdir()) == []


def test_samples_of_an_earlier_run_are_told_once(tmp_path, caplog) -> None:
    """Else what two generators drew is judged as one set."""
    for earlier in (0, 3):
        saver = SaveSampled("pred", tmp_path / "drawn")
        for number in range(3):
            saver({"pred": torch.zeros(1, 4, 4), "number": number})
        told = [message.partition(":")[2] for message in caplog.messages]
        assert [text.split(";")[0] for text in told] == [" holds 3 samples of an earlier run"] * (earlier > 0)
