"""The body in a CT, and its grey levels."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.transforms.body_levels import BodyLevels, BodyLevelsd, body_mask


def scan(size: int = 40, padding: float = -1000.0) -> np.ndarray:
    """A cylinder of 40 HU with a lung of -800 HU inside, a table below, padding in two columns."""
    x, y = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    image = np.full((size, size, 5), -1000.0, np.float32)
    image[(x - size / 2) ** 2 + (y - 16) ** 2 < 12**2] = 40
    image[(x - size / 2) ** 2 + (y - 16) ** 2 < 5**2] = -800
    image[4:-4, 34:36] = 100
    image[:2] = padding
    return image


def test_body_is_the_cylinder_with_its_lung() -> None:
    image = scan()
    image[20, 16] = -1000  # gas inside
    x, y = np.meshgrid(np.arange(40), np.arange(40), indexing="ij")
    wanted = np.broadcast_to(((x - 20) ** 2 + (y - 16) ** 2 < 144)[..., None], image.shape)
    np.testing.assert_array_equal(body_mask(image), wanted)
    np.testing.assert_array_equal(body_mask(image[..., 0]), wanted[..., 0])


def test_a_lung_that_the_field_of_view_cuts_stays() -> None:
    image = scan()[16:25, 12:21]
    assert image[0, 4, 0] == -800
    assert body_mask(image).all()
    # Air in its place is air around the body.
    image[image == -800] = -1000
    assert not body_mask(image)[0, 4].any()


def test_levels_do_not_depend_on_the_air_shown_nor_on_the_padding() -> None:
    narrow, wide = scan(), np.pad(scan(), ((9, 9), (9, 9), (0, 0)), constant_values=-1000)
    levels = [BodyLevels()(torch.from_numpy(image)[None]) for image in (narrow, wide, scan(padding=-3024))]
    for found in levels:
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, levels[0])
    body = int(body_mask(narrow).sum())
    assert levels[0].shape == (1, body + round(0.1 * body))
    assert int((levels[0] == -1000).sum()) == round(0.1 * body)
    assert BodyLevels(air_share=0)(torch.from_numpy(narrow)[None]).shape == (1, body)


def test_a_little_air_counts_as_much_as_plenty() -> None:
    image = np.full((20, 20), 40.0, np.float32)
    image[0, :3] = -1000
    levels = BodyLevels(air_share=0.5)(torch.from_numpy(image)[None])
    assert int((levels == -1000).sum()) == round(0.5 * 397)
    image[0, :3] = 40
    assert BodyLevels(air_share=0.5)(torch.from_numpy(image)[None]).shape == (1, 400)


def test_nothing_but_air_names_the_file() -> None:
    image = MetaTensor(torch.full((1, 8, 8), -1000.0), meta={"filename_or_obj": "slice.dcm"})
    with pytest.raises(ImageFileError, match=r"slice\.dcm.*no body"):
        BodyLevelsd("image")({"image": image})


def test_a_negative_share_is_refused() -> None:
    with pytest.raises(InputError, match="air_share is -1"):
        BodyLevels(air_share=-1)


def test_a_value_that_float32_does_not_hold_is_refused() -> None:
    image = MetaTensor(torch.from_numpy(scan()).double()[None], meta={"filename_or_obj": "slice.dcm"})
    image[0, 20, 16, 2] = -1e300
    with pytest.raises(InputError, match=r"slice\.dcm: has values up to 1e\+300 in size; expected those that float32"):
        BodyLevels()(image)
