"""Axial slices as a DICOM series has them, from any order of axes and exactly back."""

from itertools import permutations, product

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Orientation, SqueezeDim

from monai_harmonize.data.axial_axis import axial_axis
from monai_harmonize.data.slice_turn import SliceTurn, slice_turn

ORDERS = ["".join(axes) for pairs in permutations(("LR", "PA", "SI")) for axes in product(*pairs)]
# A spine that lies a little askew.
ASKEW = torch.tensor([[-0.7, 0.1, 0.05, 3], [0.1, -0.69, 0.3, -8], [0.02, 0.2, 2.4, 5], [0, 0, 0, 1.0]]).double()


@pytest.mark.parametrize("axes", ORDERS)
def test_slices_of_every_order_of_axes_become_the_same(axes: str) -> None:
    series = MetaTensor(torch.arange(60.0).reshape(1, 5, 4, 3), affine=ASKEW)
    volume = Orientation(axes, labels=None)(series)
    axis = axial_axis(volume)
    turn = slice_turn(volume, axis)
    slices = volume.as_tensor().movedim(1 + axis, 0)
    turned = turn.there(slices)
    wanted = series.as_tensor().movedim(-1, 0)
    assert torch.equal(turned, wanted.flip(0) if "I" in axes else wanted)
    assert torch.equal(turn.back(turned), slices)
    batch = MetaTensor(volume.as_tensor()[None], affine=volume.affine[None])
    assert slice_turn(batch, axis) == turn
    if axis == 2:  # one slice that was cut out of it
        assert slice_turn(SqueezeDim(-1)(volume[..., 1:2])) == slice_turn(volume[..., 1]) == turn


def test_without_metadata_or_across_the_body_nothing_is_turned() -> None:
    assert slice_turn(torch.zeros(1, 4, 3, 2), 2) == SliceTurn()
    for axes in (("PIR"), ("RSA")):
        plane = Orientation(axes, labels=None)(MetaTensor(torch.zeros(1, 4, 3, 2), affine=ASKEW))[..., 0]
        assert slice_turn(plane) == SliceTurn()
    assert slice_turn(MetaTensor(torch.zeros(1, 4, 3), affine=torch.diag(torch.tensor([0, 1.0, 1, 1])))) == SliceTurn()
