"""Volumes are translated slice by slice."""

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Orientation

from monai_harmonize.data.errors import InputError
from monai_harmonize.inferers import SeamlessInferer, SlicewiseInferer


@pytest.mark.parametrize("batch_size", [1, 2, 5, 8])
def test_a_volume_is_its_slices(make_generator, textured, batch_size) -> None:
    network, volume = make_generator(), torch.cat([textured(17, 22, 5), textured(17, 22, 5, seed=1)])
    inner = SeamlessInferer()
    output = SlicewiseInferer(inner, batch_size=batch_size)(volume, network)
    assert output.shape == volume.shape
    for place in range(5):
        torch.testing.assert_close(output[..., place], inner(volume[..., place], network), rtol=0, atol=1e-12)
    assert not torch.equal(output[..., 0], output[..., 1])


def test_an_image_goes_to_the_inner_inferer_as_it_is(make_generator, textured) -> None:
    network, image = make_generator(), textured(17, 22)
    assert torch.equal(SlicewiseInferer(SeamlessInferer())(image, network), SeamlessInferer()(image, network))


def test_a_volume_of_one_slice_and_arguments_of_the_network(textured) -> None:
    volume = textured(5, 6, 1)
    output = SlicewiseInferer(SeamlessInferer())(volume, lambda image, gain, offset: gain * image + offset, 3, offset=1)
    torch.testing.assert_close(output, 3 * volume + 1)


@pytest.mark.parametrize("axes", ["LPS", "RAS", "PIR", "ASL", "IRA"])
def test_axial_slices_of_any_order_of_axes(make_generator, textured, axes) -> None:
    """The network sees the slices of a DICOM series, and its result is where the volume has them."""
    network, inner = make_generator(), SeamlessInferer()
    series = textured(17, 18, 7)
    expected = torch.stack([inner(one, network) for one in series.unbind(-1)], dim=-1)
    place = torch.diag(torch.tensor([-2.0, -3.0, 5.0, 1.0], dtype=torch.float64))
    turn = Orientation(axes, labels=None)
    batch, wanted = (turn(MetaTensor(one[0], affine=place))[None] for one in (series, expected))
    batch.affine = batch.affine[None]
    output = SlicewiseInferer(inner, axis="axial", batch_size=4)(batch, network)
    torch.testing.assert_close(output.as_subclass(torch.Tensor), wanted.as_subclass(torch.Tensor), rtol=0, atol=1e-12)
    assert torch.equal(torch.as_tensor(output.affine), torch.as_tensor(batch.affine))
    as_they_are = torch.stack([inner(one, network) for one in batch.as_tensor().unbind(-1)], dim=-1)
    assert torch.equal(SlicewiseInferer(inner)(batch, network).as_tensor(), as_they_are)


def test_an_axial_image_is_turned_and_any_other_is_not(make_generator, textured) -> None:
    network, inner = make_generator(), SeamlessInferer()
    image = textured(17, 18)
    infer = SlicewiseInferer(inner, axis="axial")
    right = MetaTensor(image.transpose(2, 3), affine=torch.eye(4)[:, [1, 0, 2, 3]])
    expected = inner(image.flip(2, 3), network).flip(2, 3).transpose(2, 3)
    torch.testing.assert_close(infer(right, network).as_tensor(), expected, rtol=0, atol=1e-12)
    sagittal = MetaTensor(image, affine=torch.eye(4)[:, [1, 2, 0, 3]])
    assert torch.equal(infer(sagittal, network).as_tensor(), inner(image, network))


def test_no_more_than_the_batch_is_given_at_once_and_without_gradients(textured) -> None:
    seen = []
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)

    def network(slices):
        seen.append(len(slices))
        return weight * slices

    output = SlicewiseInferer(SeamlessInferer(), batch_size=3)(textured(8, 8, 7), network)
    assert seen == [3, 3, 1]
    assert not output.requires_grad


def test_the_result_lies_in_memory_as_the_volume_and_may_have_more_channels(textured) -> None:
    volume = textured(5, 6, 7).permute(0, 1, 4, 3, 2)
    infer = SlicewiseInferer(SeamlessInferer(), batch_size=2)
    output = infer(volume, lambda slices: slices.float())
    assert output.stride() == volume.stride()
    assert output.dtype == torch.float32
    classes = infer(volume, lambda slices: torch.cat([slices, -slices], 1))
    torch.testing.assert_close(classes, torch.cat([volume, -volume], 1))


def test_wrong_arguments(textured) -> None:
    with pytest.raises(InputError, match=r"'coronal'; expected one of \('last', 'axial'\)"):
        SlicewiseInferer(SeamlessInferer(), axis="coronal")
    with pytest.raises(InputError, match="batch_size is 0"):
        SlicewiseInferer(SeamlessInferer(), batch_size=0)
    with pytest.raises(InputError, match="at least one slice"):
        SlicewiseInferer(SeamlessInferer())(torch.zeros(1, 1, 4, 4, 0), torch.neg)
