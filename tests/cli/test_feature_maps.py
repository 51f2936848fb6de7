"""Contact sheets of feature maps from the command line."""

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from monai_harmonize.cli.feature_maps import network_image
from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.phantoms.ct_dicom import Acquisition, Geometry, write_ct_series
from monai_harmonize.transforms import LoadRadiograph, ScaleGreyLevels

SHAPE = (24, 20, 6)
SPACING = (1.0, 2.0, 3.0)
# The bone window, level 400 and width 1800.
LOW, HIGH = -500, 1300


@pytest.fixture(scope="module")
def hounsfield() -> np.ndarray:
    """HU to the patient's left, back and head, no two slices alike; half of them outside the window."""
    return np.random.default_rng(0).integers(-1024, 2000, SHAPE).astype(np.int16)


@pytest.fixture(scope="module")
def stored(hounsfield: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The volume as NIfTI in any order and direction of axes (``"LPS"``, ``"PIR"``), or as ``"series"``."""
    folder = tmp_path_factory.mktemp("volumes")

    def file(orientation: str) -> Path:
        path = folder / f"{orientation}.nii.gz"
        if orientation == "series":
            acquisition = Acquisition(site="a", patient="b", kilovolt=120, body_part="SPINE")
            (folder / orientation).mkdir(exist_ok=True)
            write_ct_series(folder / orientation, hounsfield, acquisition, Geometry(SPACING, (0, 0, 0)), "key")
            return folder / orientation
        whole = nibabel.Nifti1Image(hounsfield, np.diag([-1.0, -2.0, 3.0, 1.0]))
        wanted = nibabel.orientations.axcodes2ornt(orientation)
        now = nibabel.orientations.axcodes2ornt("LPS")
        nibabel.save(whole.as_reoriented(nibabel.orientations.ornt_transform(now, wanted)), path)
        return path

    return file


@pytest.mark.parametrize("orientation", ["LPS", "RAS", "PIR", "SAL", "series"])
def test_a_slice_is_axial_and_upright_however_the_volume_is_stored(
    hounsfield: np.ndarray, stored: Callable[[str], Path], orientation: str
) -> None:
    """Counted from the feet, the patient's right first, front first, through the bone window."""
    window = np.clip((hounsfield.astype(float) - LOW) / (HIGH - LOW) * 2 - 1, -1, 1)
    path = stored(orientation)
    for number, expected in ((0, 0), (4, 4), (None, SHAPE[2] // 2)):
        image = network_image(path, None, number, 512)
        assert type(image) is torch.Tensor
        assert image.shape == (1, *SHAPE[:2])
        np.testing.assert_allclose(image[0], window[..., expected], atol=1e-5)


def test_window_and_size_change_what_the_network_sees(hounsfield: np.ndarray, stored: Callable[[str], Path]) -> None:
    lung = network_image(stored("RAS"), "lung", 2, 512)[0]
    np.testing.assert_allclose(lung, np.clip((hounsfield[..., 2] + 600) / 750, -1, 1), atol=1e-5)
    assert network_image(stored("RAS"), None, None, 12).shape == (1, 12, 10)


def test_a_radiograph_keeps_its_own_grey_range(scans: Path) -> None:
    path = next(scans.glob("*.dcm"))
    expected = ScaleGreyLevels()(LoadRadiograph()(path))
    np.testing.assert_array_equal(network_image(path, None, None, 512), expected)


def test_errors_of_an_image(scans: Path, stored: Callable[[str], Path]) -> None:
    radiograph = next(scans.glob("*.dcm"))
    with pytest.raises(ImageFileError, match=r"LPS.nii.gz: has no axial slice 6; expected --slice 0 to 5"):
        network_image(stored("LPS"), None, 6, 512)
    with pytest.raises(ImageFileError, match=r"\.dcm: is one image without slices"):
        network_image(radiograph, None, 0, 512)
    with pytest.raises(ImageFileError, match=r"\.dcm: its values lie in .* expected Hounsfield units"):
        network_image(radiograph, "bone", None, 512)


def test_a_folder_of_sheets_per_image(cli, scans: Path, stored: Callable[[str], Path], tmp_path: Path) -> None:
    options = ("--channels", 2, "--output", tmp_path / "maps")
    done = cli("feature-maps", scans / "deep", stored("series"), stored("PIR"), *options)
    assert done.exit_code == 1  # two radiographs in one folder are no series
    assert "error: " in done.stderr
    assert "deep" in done.stderr
    sheets = sorted(path.relative_to(tmp_path / "maps") for path in (tmp_path / "maps").rglob("*.png"))
    names = [f"relu{depth}_1.png" for depth in (1, 2, 3, 4)]
    assert [path.name for path in sheets] == names * 2
    assert [path.parent.name for path in sheets[::4]] == ["PIR", "series"]


def test_layers_extractor_channels_and_slice(cli, stored: Callable[[str], Path], tmp_path: Path) -> None:
    def sheet(*options: object) -> tuple[list[str], Image.Image]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        done = cli("feature-maps", stored("RAS"), "--output", folder, *options)
        assert done.exit_code == 0, done.output
        files = sorted((folder / "RAS").iterdir())
        with Image.open(files[0]) as picture:
            return [file.name for file in files], picture.convert("L")

    resnet = ("--extractor", "resnet50", "--layer", "relu", "--layer", "layer1.0", "--channels", 5)
    names, few = sheet(*resnet)
    assert names == ["layer1.0.png", "relu.png"]
    _, many = sheet(*resnet[:-1], 6)
    assert (few.width, 1.6 * few.height) < (many.width + 1, many.height)  # a second row
    _, first = sheet(*resnet, "--slice", 0)
    _, again = sheet(*resnet, "--slice", 0)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, few)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--extractor", "vgg5"), "extractor 'vgg5' is not known; expected one of vgg19, "),
        (("--layer", "relu9_9"), "layers ['relu9_9'] of vgg19: expected at least one and only layers out of relu1_1"),
        (("--weights", "nothing.pt"), "weights nothing.pt: there is no such file"),
        (("--window", "teeth"), "window is 'teeth'; expected bone, soft_tissue, lung, wide"),
        (("--pattern", "*.dcm"), "--pattern *.dcm: no image has such a name"),
    ],
)
def test_wrong_options_are_told_before_anything_is_done(
    cli, stored: Callable[[str], Path], tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    done = cli("feature-maps", stored("LPS"), "--output", tmp_path / "maps", *options)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {message}")
    assert not (tmp_path / "maps").exists()


def test_images_without_grey_levels_or_too_small_for_the_layer(cli, tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.full((16, 16), 7, np.int16), np.eye(4)), tmp_path / "constant.nii")
    Image.fromarray(np.arange(49, dtype=np.uint8).reshape(7, 7)).save(tmp_path / "small.png")
    done = cli("feature-maps", tmp_path, "--output", tmp_path / "maps")
    assert done.exit_code == 1
    assert "constant.nii: grey range is [7, 7]; expected low < high" in done.stderr
    assert "small.png: has 7 x 7 pixels for the network; relu4_1 needs at least 8 each way" in done.stderr
    one = cli("feature-maps", tmp_path / "small.png", "--layer", "relu1_1", "--output", tmp_path / "maps")
    assert one.exit_code == 0
