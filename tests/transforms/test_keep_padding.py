"""Padding of a CT stays."""

import torch
from monai.data import MetaTensor

from monai_harmonize.transforms import KeepPaddingd


def test_padding_comes_back_and_all_else_stays() -> None:
    image = MetaTensor(torch.tensor([[[-3024.0, -1500.0, -1024.0, 3000.0]]]), meta={"source_format": "nifti"})
    result = torch.tensor([[[-3100.0, -1700.0, -1030.0, 3300.0]]])
    kept = KeepPaddingd("pred")({"image": image, "pred": result.clone()})["pred"]
    assert kept.tolist() == [[[-3024.0, -1700.0, -1030.0, 3300.0]]]
    assert kept.meta["source_format"] == "nifti"
    all_kept = KeepPaddingd("pred", below=-1000)({"image": image, "pred": result})["pred"]
    assert all_kept.tolist() == [[[-3024.0, -1500.0, -1024.0, 3300.0]]]
