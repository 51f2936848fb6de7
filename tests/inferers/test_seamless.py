"""Any size goes through, and no tile can be told from another."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from monai.inferers import SlidingWindowInferer
from torch import nn

from monai_harmonize.inferers import SeamlessInferer, fixed_instance_norm, seamless

ANY_FIXTURE = [HealthCheck.function_scoped_fixture]


@given(height=st.integers(1, 70), width=st.integers(1, 70))
@settings(max_examples=30, deadline=None, suppress_health_check=ANY_FIXTURE)
def test_every_size_comes_back_as_it_went_in(make_generator, textured, height: int, width: int) -> None:
    network, seen = make_generator(), []
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[2:]))
    output = SeamlessInferer()(textured(height, width), network)
    assert output.shape == (1, 1, height, width)
    assert output.isfinite().all()
    assert all(
        n % 4 == 0 and n >= 16 and n - length <= max(3, 16 - length)
        for size in seen
        for n, length in zip(size, (height, width), strict=True)
    )


@given(height=st.integers(1, 40), width=st.integers(1, 40))
@settings(max_examples=30, deadline=None, suppress_health_check=ANY_FIXTURE)
def test_an_identity_network_changes_nothing_in_one_piece_or_in_tiles(textured, height: int, width: int) -> None:
    image = textured(height, width)
    assert torch.equal(SeamlessInferer()(image, torch.clone), image)
    tiled = SeamlessInferer(max_pixels=256, tile=16)(image, torch.clone)
    torch.testing.assert_close(tiled, image, rtol=0, atol=1e-12)


def test_a_size_that_fits_is_the_networks_own_result(make_generator, textured) -> None:
    network, image = make_generator(), textured(20, 36)
    assert torch.equal(SeamlessInferer(max_pixels=20 * 36)(image, network), network(image))


def test_padding_reflects_as_far_as_the_image_reaches() -> None:
    row = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    padded = SeamlessInferer(min_size=12, tile=12, overlap=0.0).pad(row[None, None, None])
    assert padded.shape == (1, 1, 12, 12)
    assert padded[0, 0, 0].tolist() == padded[0, 0, -1].tolist() == [1, 2, 3, 4, 5, 4, 3, 2, 1, 1, 1, 1]
    odd = SeamlessInferer(multiple=8, min_size=8, tile=8, overlap=0.0).pad(torch.arange(9.0)[None, None, None])
    assert odd[0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 7, 6, 5, 4, 3, 2, 1]
    single = SeamlessInferer().pad(torch.full((1, 1, 1, 1), 7.0))
    assert torch.equal(single, torch.full((1, 1, 16, 16), 7.0))
    fitting = torch.rand(1, 1, 16, 20)
    assert SeamlessInferer().pad(fitting) is fitting


@pytest.fixture
def exact_statistics(monkeypatch):
    """Measure on the given whole image, so that tiles can be compared with it to the last digit."""

    def use(image: torch.Tensor) -> None:
        monkeypatch.setattr(seamless, "fixed_instance_norm", lambda network, _: fixed_instance_norm(network, image))

    return use


@pytest.mark.parametrize(
    ("size", "mean", "most"), [((192, 256), 5e-4, 0.02), ((188, 132), 0.02, 1), ((97, 181), 0.02, 1)]
)
def test_tiles_add_up_to_the_whole_image(make_generator, textured, exact_statistics, size, mean, most) -> None:
    """Up to what the weights leave of the tiles' own padding: e^-4 where the tiles divide the image evenly.

    Where the last tile is shifted by a few pixels only, both tiles weigh little at the image's border.
    """
    network, image = make_generator(), textured(*size)
    whole = SeamlessInferer()(image, network)
    exact_statistics(SeamlessInferer().pad(image))
    tiled = SeamlessInferer(max_pixels=128 * 32, tile=128)(image, network)
    assert whole.std() > 0.2
    assert (tiled - whole).abs().mean() < mean
    assert (tiled - whole).abs().max() < most


@pytest.fixture
def shallow() -> nn.Module:
    """A translator of a few pixels' reach: whatever differs between its tiles comes from the statistics."""
    layers = [nn.Conv2d(1, 8, 5, padding=2, padding_mode="reflect"), nn.InstanceNorm2d(8), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Conv2d(8, 1, 3, padding=1, padding_mode="reflect"))
    draws = torch.Generator().manual_seed(3)
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0.0, 0.2, generator=draws)
    return network.double().requires_grad_(False)


def steps(image: torch.Tensor, places: list[int], axis: int) -> torch.Tensor:
    """Step in brightness into each of these rows or columns, averaged along pieces of 64 pixels."""
    jumps = image.diff(dim=axis)[0, 0]
    pieces = (jumps if axis == 2 else jumps.T).unflatten(1, (-1, 64))
    return pieces.mean(2).abs().mean(1)[torch.tensor(places) - 1]


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_no_step_at_the_borders_of_tiles(shallow, textured, axis: int, noise: float) -> None:
    """What tiling changes has no larger steps at the borders of tiles than elsewhere."""
    image = textured(256, 256, noise=noise)
    whole = shallow(image)
    borders = [64, 128, 192]  # where tiles of 128 pixels begin and end
    elsewhere = [place for place in range(8, 250) if all(abs(place - border) > 4 for border in borders)]
    change = SeamlessInferer(max_pixels=128 * 128, tile=128)(image, shallow) - whole
    assert steps(change, borders, axis).max() < steps(change, elsewhere, axis).max()
    # Side by side, each with its own statistics, tiles are seen by this measure.
    cut = SlidingWindowInferer((64, 64), overlap=0)(image, shallow) - whole
    assert steps(cut, borders, axis).max() > 10 * steps(cut, elsewhere, axis).mean()


def test_tiles_are_close_to_the_whole_image(shallow, textured) -> None:
    """The statistics of the reduced image stand in for those of the whole: 0.05 of the range [-1, 1] on average."""
    image = textured(256, 256, noise=0.0)
    whole = shallow(image)
    tiled = SeamlessInferer(max_pixels=128 * 128, tile=128)(image, shallow)
    assert (tiled - whole).abs().mean() < 0.05
    assert (tiled - whole).abs().max() < 0.15
    own = SlidingWindowInferer((128, 128), overlap=0.5, mode="gaussian")(image, shallow)
    assert (tiled - whole).abs().mean() < 0.2 * (own - whole).abs().mean()


def test_the_rim_of_the_image_has_no_steps_either(make_generator, textured, exact_statistics) -> None:
    network, image = make_generator(), textured(256, 256)
    exact_statistics(image)
    difference = SeamlessInferer(max_pixels=128 * 128, tile=128)(image, network) - network(image)
    rim = torch.cat([difference[..., :4, :].flatten(), difference[..., -4:].flatten()])
    assert rim.abs().max() < 0.02


def test_tiles_share_their_statistics(make_generator, textured) -> None:
    """Two tiles with the same content and other surroundings give the same result."""
    network = make_generator()
    piece = textured(64, 64)
    image = torch.cat([torch.cat([piece, piece], 3), torch.cat([piece, 0.1 * piece - 0.5], 3)], 2)
    tiled = SeamlessInferer(max_pixels=64 * 64, tile=64, overlap=0.0)(image, network)
    torch.testing.assert_close(tiled[..., 24:40, 24:40], tiled[..., 24:40, 88:104], rtol=0, atol=1e-12)
    naive = SlidingWindowInferer((64, 64), overlap=0)(image, network)
    darker = (..., slice(88, 104), slice(88, 104))
    assert (tiled[darker] - tiled[..., 24:40, 24:40]).abs().mean() > 0.2
    # By itself, instance norm hides that the last piece is darker and flatter.
    assert (naive[darker] - naive[..., 24:40, 24:40]).abs().mean() < 0.05


def test_images_of_a_batch_do_not_mix(make_generator, textured) -> None:
    network, inferer = make_generator(), SeamlessInferer(max_pixels=32 * 32, tile=32)
    images = torch.cat([textured(64, 48), 0.3 * textured(64, 48, seed=1)])
    single = torch.cat([inferer(image[None], network) for image in images])
    torch.testing.assert_close(inferer(images, network), single, rtol=0, atol=1e-12)


def test_volumes_whole_and_in_tiles(make_generator, textured, exact_statistics) -> None:
    network, image = make_generator(3), textured(15, 18, 96)
    whole = SeamlessInferer(max_pixels=10**6)(image, network)
    padded = SeamlessInferer().pad(image)
    assert torch.equal(whole, network(padded)[..., :15, :18, :96])
    exact_statistics(padded)
    tiled = SeamlessInferer(max_pixels=10**4, tile=64)(image, network)
    assert tiled.shape == image.shape
    # Tiles of 64 voxels are not much larger than twice the receptive field.
    assert (tiled - whole).abs().mean() < 0.02 * whole.std()


def test_single_precision_and_arguments_of_the_network(textured) -> None:
    def network(image, gain, *, offset):
        return gain * image + offset

    image = textured(40, 40).float()
    for inferer in (SeamlessInferer(), SeamlessInferer(max_pixels=256, tile=16)):
        output = inferer(image, network, 2.0, offset=0.5)
        torch.testing.assert_close(output, 2 * image + 0.5)
        assert output.dtype == torch.float32


def test_more_channels_may_come_out(textured) -> None:
    image = textured(40, 24)
    for inferer in (SeamlessInferer(), SeamlessInferer(max_pixels=256, tile=16)):
        output = inferer(image, lambda inputs: torch.cat([inputs, -inputs], 1))
        torch.testing.assert_close(output, torch.cat([image, -image], 1))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"min_size": 18}, "min_size is 18; expected a positive multiple of 4"),
        ({"min_size": 0}, "min_size is 0"),
        ({"tile": 510}, "tile is 510"),
        ({"tile": 16, "multiple": 32, "min_size": 32}, "tile is 16; expected a positive multiple of 32"),
        ({"overlap": 0.3}, r"overlap is 0\.3; expected tile \* \(1 - overlap\) to be a multiple of 4"),
        ({"overlap": 1.0}, r"overlap is 1\.0"),
        ({"overlap": -0.5}, r"overlap is -0\.5"),
        ({"tile": 64, "overlap": 0.99}, r"overlap is 0\.99"),
    ],
)
def test_sizes_that_do_not_fit_the_strides(options, told) -> None:
    with pytest.raises(ValueError, match=told):
        SeamlessInferer(**options)
