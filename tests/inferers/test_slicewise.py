"""Volumes are translated slice by slice."""

import torch

from monai_harmonize.inferers import SeamlessInferer, SlicewiseInferer


def test_a_volume_is_its_slices(make_generator, textured) -> None:
    network, volume = make_generator(), textured(17, 22, 5)
    inner = SeamlessInferer()
    output = SlicewiseInferer(inner)(volume, network)
    assert output.shape == volume.shape
    for place in range(5):
        assert torch.equal(output[..., place], inner(volume[..., place], network))
    assert not torch.equal(output[..., 0], output[..., 1])


def test_an_image_goes_to_the_inner_inferer_as_it_is(make_generator, textured) -> None:
    network, image = make_generator(), textured(17, 22)
    assert torch.equal(SlicewiseInferer(SeamlessInferer())(image, network), SeamlessInferer()(image, network))


def test_a_volume_of_one_slice_and_arguments_of_the_network(textured) -> None:
    volume = textured(5, 6, 1)
    output = SlicewiseInferer(SeamlessInferer())(volume, lambda image, gain, offset: gain * image + offset, 3, offset=1)
    torch.testing.assert_close(output, 3 * volume + 1)
