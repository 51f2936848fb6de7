"""What all traditional methods share: kinds of images, masks, number types, images without tone."""

from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_harmonize import transforms
from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.metrics import SiteReference, save_site_reference
from monai_harmonize.transforms.channelwise import of_type

NAMES = (
    "MatchMeanCdf",
    "MatchRandomImage",
    "StandardiseLandmarks",
    "PercentileWindow",
    "MatchMeanAndDeviation",
    "EqualiseHistogram",
    "EqualiseLocally",
    "MatchEnergyBands",
)
# Those that map every pixel by its grey level alone.
CURVES = NAMES[:6]
RANDOM = np.random.default_rng(0)
SITE = [RANDOM.gamma(3 + place, 900, (1, 48, 40)).astype(np.uint16) for place in range(4)]
REFERENCE = SiteReference.fit(SITE)
IMAGE = RANDOM.gamma(2, 1500, (1, 36, 44)).astype(np.uint16)
each = pytest.mark.parametrize("name", NAMES)


def made(name: str, **arguments):
    return getattr(transforms, name)(REFERENCE, **arguments)


@each
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_type_and_shape_stay_and_whole_numbers_are_rounded_and_clipped(name: str, dtype: type) -> None:
    image = np.clip(IMAGE, 0, 255 if dtype == np.uint8 else 32767).astype(dtype)
    result = made(name)(image)
    assert (result.dtype, result.shape) == (image.dtype, image.shape)
    exact = made(name, dtype="float64")(image)
    assert exact.dtype == np.float64
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        exact = np.clip(np.rint(exact), limits.min, limits.max)
    np.testing.assert_allclose(result, exact, rtol=1e-5)


@each
def test_types_of_whole_numbers_are_refused_for_results(name: str) -> None:
    with pytest.raises(InputError, match="dtype is 'int16'"):
        made(name, dtype="int16")


@each
def test_tensors_give_what_arrays_give_and_keep_their_metadata(name: str) -> None:
    expected = made(name)(IMAGE.astype(np.float32))
    tensor = torch.from_numpy(IMAGE.astype(np.float32))
    torch.testing.assert_close(made(name)(tensor), torch.from_numpy(expected))
    image = MetaTensor(tensor, affine=torch.diag(torch.tensor([2.0, 3.0, 1.0, 1.0])), meta={"filename_or_obj": "a"})
    result = made(name)(image)
    assert isinstance(result, MetaTensor)
    assert result.meta["filename_or_obj"] == "a"
    torch.testing.assert_close(result.affine, image.affine)
    np.testing.assert_array_equal(image.numpy(), IMAGE)


@each
def test_a_file_of_the_reference_does_as_well(name: str, tmp_path: Path) -> None:
    path = save_site_reference(REFERENCE, tmp_path / "reference.json")
    found = getattr(transforms, name)(path, dtype="float64")(IMAGE)
    np.testing.assert_allclose(found, made(name, dtype="float64")(IMAGE), rtol=1e-5, atol=1e-2)


@each
@pytest.mark.parametrize("image", [np.full((1, 20, 20), 7, np.int16), np.full((1, 20, 20), 0.25)])
def test_a_constant_image_stays(name: str, image: np.ndarray) -> None:
    np.testing.assert_array_equal(made(name)(image), image)


@each
def test_pixels_that_are_not_finite_stay_and_say_nothing(name: str) -> None:
    image = IMAGE.astype(np.float32)
    marred = image.copy()
    marred[0, 3, 3], marred[0, 3, 4] = np.nan, np.inf
    result = made(name)(marred)
    assert np.isnan(result[0, 3, 3])
    assert np.isposinf(result[0, 3, 4])
    rest = np.isfinite(marred)
    assert np.isfinite(result[rest]).all()
    if name in CURVES:
        shorter = made(name)(image[rest][None, :, None])
        np.testing.assert_allclose(result[rest], shorter[0, :, 0], rtol=1e-6)
    everything = np.full((1, 20, 20), np.nan)
    assert np.isnan(made(name)(everything)).all()


@each
def test_statistics_come_from_the_mask_and_the_change_goes_everywhere(name: str) -> None:
    image = IMAGE.astype(np.float64)
    inside = np.zeros(image.shape[1:], bool)
    inside[:, :22] = True
    half = image[:, :, :22]
    masked = made(name)(image, inside)
    assert (masked[:, :, 22:] != image[:, :, 22:]).mean() > 0.9
    if name in CURVES:
        np.testing.assert_allclose(masked[:, :, :22], made(name)(half), rtol=1e-9)
    # A bright burn beyond the mask changes nothing within.
    burnt = image.copy()
    burnt[:, :, 40:] = 60000
    reach = 22 if name in CURVES else 11
    within = made(name)(burnt, inside)[:, :, :reach]
    np.testing.assert_allclose(within, masked[:, :, :reach], rtol=1e-9 if name in CURVES else 0.3)
    np.testing.assert_array_equal(made(name)(image, np.zeros(inside.shape)), image)
    np.testing.assert_array_equal(made(name)(image, torch.from_numpy(inside[None])), masked)
    with pytest.raises(InputError, match=r"a mask of shape \(3, 3\)"):
        made(name)(image, np.ones((3, 3)))


@each
def test_volumes_work_in_every_memory_order(name: str) -> None:
    volume = RANDOM.gamma(2, 1500, (1, 16, 20, 24)).astype(np.int16)
    result = made(name)(volume)
    assert result.shape == volume.shape
    np.testing.assert_array_equal(made(name)(np.asfortranarray(volume)), result)
    # Channels last in memory: no channel lies densely.
    pair = np.concatenate([volume, volume // 3])
    np.testing.assert_array_equal(made(name)(np.asfortranarray(pair)), made(name)(pair))
    flipped = volume[:, ::-1, :, ::2]
    np.testing.assert_array_equal(made(name)(flipped), made(name)(flipped.copy()))


@each
def test_channels_are_independent(name: str) -> None:
    both = made(name)(np.concatenate([IMAGE, IMAGE // 3]))
    np.testing.assert_array_equal(both[:1], made(name)(IMAGE))
    np.testing.assert_array_equal(both[1:], made(name)(IMAGE // 3))
    own = SiteReference.fit([np.concatenate([image, image // 3]) for image in SITE])
    second = getattr(transforms, name)(own)(np.concatenate([IMAGE, IMAGE]))[1:]
    alone = getattr(transforms, name)(SiteReference.fit([image // 3 for image in SITE]))
    if name != "MatchRandomImage":
        np.testing.assert_array_equal(second, alone(IMAGE))
    with pytest.raises(InputError, match="the image has 3 channels; the site's reference has 2"):
        getattr(transforms, name)(own)(np.concatenate([IMAGE] * 3))


@each
def test_the_dictionary_version_uses_the_items_mask(name: str) -> None:
    inside = np.zeros((1, 36, 44), np.uint8)
    inside[:, :, :22] = 1
    twin = getattr(transforms, name + "d")(["image", "other"], REFERENCE, mask_key="lungs", allow_missing_keys=True)
    item = {"image": IMAGE, "lungs": inside, "kept": 1}
    result = twin(item)
    np.testing.assert_array_equal(result["image"], made(name)(IMAGE, inside))
    assert set(result) == set(item)
    np.testing.assert_array_equal(twin({"image": IMAGE})["image"], made(name)(IMAGE))
    with pytest.raises(KeyError):
        getattr(transforms, name + "d")("other", REFERENCE)(item)
    module = __import__(twin.__module__, fromlist=["x"])
    assert getattr(module, name + "D") is getattr(module, name + "Dict") is getattr(transforms, name + "d")


@pytest.mark.parametrize("name", CURVES)
def test_curves_increase_and_see_every_level(name: str) -> None:
    """Neighbouring levels of 16 bits stay apart wherever the curve has a slope: there are no bins."""
    ramp = np.arange(65536, dtype=np.uint16).reshape(1, 256, 256)
    result = made(name, dtype="float64")(ramp).ravel()
    assert (np.diff(result) >= 0).all()
    if name != "PercentileWindow":
        # 256 bins would leave 0.004; the reference's own levels may repeat.
        assert (np.diff(result) > 0).mean() > 0.95


@pytest.mark.parametrize("bad", [np.zeros(5), np.zeros((1, 4, 4), complex), np.full((1, 2, 2), "a")])
def test_what_is_no_image_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="expected numbers"):
        made("MatchMeanCdf")(bad)


EXTREMES = [np.int64(np.iinfo(np.int64).min), np.uint64(np.iinfo(np.uint64).max), 1e300, -1.7e308, np.float32(3e38)]


@each
@pytest.mark.parametrize("extreme", EXTREMES, ids=str)
def test_a_level_beyond_all_images_is_named_with_its_file(name: str, extreme: np.generic) -> None:
    """Squares would overflow, and float64 would merge whole numbers: the results would be wrong or NaN."""
    image = IMAGE.astype(np.asarray(extreme).dtype)
    image[0, 0, 0] = extreme
    inside = np.ones(IMAGE.shape[1:], bool)
    inside[0, 0] = False
    for mask in (None, inside):
        with pytest.raises(InputError, match=r"^a grey level is"):
            made(name)(image, mask)
    if image.dtype != np.uint64:
        with pytest.raises(ImageFileError, match=r"^scan\.nii: a grey level is"):
            made(name)(MetaTensor(torch.from_numpy(image), meta={"filename_or_obj": "scan.nii"}))


def test_no_site_or_template_has_a_level_beyond_all_images() -> None:
    extreme = np.where(IMAGE.max() == IMAGE, 1e300, IMAGE)
    with pytest.raises(InputError, match=r"a grey level is 1e\+300"):
        SiteReference.fit([extreme])
    with pytest.raises(InputError, match=r"a grey level is 1e\+300"):
        transforms.MatchHistogram(extreme)
    for levels in ((0, 1e300), (0, float("inf")), (-np.inf, 0), (0, float("nan"))):
        with pytest.raises(InputError, match=r"expected two that increase, at most 1e\+15"):
            transforms.EqualiseHistogram(levels)


@each
def test_an_image_that_varies_by_less_than_rounding_stays(name: str) -> None:
    image = IMAGE * 1e-310
    np.testing.assert_array_equal(made(name)(image), image)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.int32, np.uint8])
@pytest.mark.parametrize("working", [np.float32, np.float64])
def test_whole_numbers_of_any_size_are_clipped_and_not_wrapped(dtype: type, working: type) -> None:
    limits = np.iinfo(dtype)
    result = of_type(np.array([-1e30, 1.4, 1e30], working), np.dtype(dtype))
    assert result.dtype == dtype
    assert result[0] == limits.min
    assert result[1] == 1
    assert limits.max - 2048 <= int(result[2]) <= limits.max
