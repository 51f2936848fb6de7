import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from monai_harmonize.metrics.inversion import GLOBAL, NONE, PARTIAL, Inversion, measure_inversion, radiograph_body

Array = NDArray[np.float64]


def body(seed: int = 0, size: int = 96) -> Array:
    """A bright ellipse with two dark lungs, ribs and texture in black air."""
    across, down = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size), indexing="ij")
    image = 0.75 * ((across / 0.85) ** 2 + (down / 1.1) ** 2 < 1)
    for side in (-1, 1):
        image -= 0.35 * (((across - 0.38 * side) / 0.26) ** 2 + ((down + 0.1) / 0.5) ** 2 < 1)
    texture = gaussian_filter(np.random.default_rng(seed).normal(size=(size, size)), 3)
    return gaussian_filter(image + 0.06 * np.sin(14 * down) * (image > 0), 1) + 0.1 * texture + 0.1


def sides(image: Array, share: float, width: float = 2.0) -> Array:
    """The left `share` inverted within the body's range, with a soft seam."""
    length = len(image)
    weight = 1 / (1 + np.exp((np.arange(length) - share * length) / width))
    return weight[:, None] * (1 - image) + (1 - weight[:, None]) * image


@given(st.floats(0.3, 3), st.floats(0.1, 2), st.integers(0, 20))
def test_an_increasing_curve_is_no_inversion(power: float, slope: float, seed: int) -> None:
    image = body(seed)
    found = measure_inversion(slope * image.clip(1e-3) ** power, image.clip(1e-3))
    assert found.kind == NONE
    assert found.rank_correlation == pytest.approx(1)
    assert found.flipped_edges < 0.02


@given(st.floats(0.3, 3), st.integers(0, 20))
def test_a_falling_curve_is_a_global_inversion(power: float, seed: int) -> None:
    image = body(seed).clip(1e-3)
    found = measure_inversion(-(image**power), image)
    assert found.kind == GLOBAL
    assert found.rank_correlation == pytest.approx(-1)
    assert found.flipped_edges > 0.98


def test_half_of_an_image_inverted_is_found_and_its_share_of_edges_measured() -> None:
    image = body()
    flipped = [measure_inversion(sides(image, share), image).flipped_edges for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert flipped == sorted(flipped)
    assert flipped[0] < 0.01
    assert flipped[2] == pytest.approx(0.5, abs=0.12)
    assert flipped[4] > 0.9
    assert measure_inversion(sides(image, 0.42), image).kind == PARTIAL


def test_an_inverted_body_in_kept_black_air_is_global() -> None:
    """Air that stays black keeps a correlation over the whole image positive; the body alone tells."""
    image = body()
    inside = radiograph_body(image)
    output = np.where(inside, 1.0 - image, image)
    assert np.corrcoef(output.ravel(), image.ravel())[0, 1] > 0
    found = measure_inversion(output, image)
    assert (found.kind, found.rank_correlation) == (GLOBAL, pytest.approx(-1))


def test_edges_of_the_air_do_not_count() -> None:
    """A label beside the body that was turned from white to black says nothing about anatomy."""
    image, output = body(), body()
    for place in range(0, 90, 6):
        image[1:7, place : place + 3], output[1:7, place : place + 3] = 0.45, -0.25
    inside = radiograph_body(image)
    assert not inside[1:7].any()
    assert measure_inversion(output, image).flipped_edges < 0.01


def test_blur_and_noise_are_no_inversion() -> None:
    image = body()
    noisy = gaussian_filter(image, 1.5) + 0.02 * np.random.default_rng(0).normal(size=image.shape)
    assert measure_inversion(noisy, image).kind == NONE


def test_the_body_holds_its_lungs_but_not_the_air() -> None:
    inside = radiograph_body(body())
    assert inside[48, 48]
    assert inside[30, 43]
    assert not inside[2, 2]
    assert radiograph_body(np.pad(np.ones((4, 4)), 40)).all()


@pytest.mark.parametrize(
    ("correlation", "flipped", "kind"),
    [(0.9, 0.1, NONE), (0.9, 0.31, PARTIAL), (0.9, 0.51, GLOBAL), (-0.01, 0.1, GLOBAL), (0.0, 0.3, NONE)],
)
def test_bars(correlation: float, flipped: float, kind: str) -> None:
    assert Inversion(correlation, flipped).kind == kind


def test_a_constant_output_has_no_correlation() -> None:
    found = measure_inversion(np.full((96, 96), 0.5), body())
    assert (found.rank_correlation, found.kind) == (0, NONE)


def test_refuses() -> None:
    image = body()
    with pytest.raises(ValueError, match="differ in shape"):
        measure_inversion(image[:-1], image)
    with pytest.raises(ValueError, match="NaN"):
        measure_inversion(np.where(image > 0.5, np.nan, image), image)
    with pytest.raises(ValueError, match="constant"):
        measure_inversion(image, np.ones_like(image))
