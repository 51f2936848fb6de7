"""Tensors come back as they were written, or not at all."""

import pytest
import torch

from monai_harmonize.data.tensor_file import read_tensors

STATE = {"a": torch.linspace(-1.0, 1.0, 7), "b": [1, "text"]}


@pytest.mark.parametrize("zipped", [True, False])
def test_round_trip(tmp_path, zipped: bool) -> None:
    torch.save(STATE, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    content = read_tensors(tmp_path / "a.pt")
    assert torch.equal(content["a"], STATE["a"])
    assert content["b"] == STATE["b"]


def test_every_changed_byte_of_a_tensor_is_noticed(tmp_path) -> None:
    path = tmp_path / "a.pt"
    torch.save(STATE, path)
    whole, values = path.read_bytes(), STATE["a"].numpy().tobytes()
    start = whole.index(values)
    for place in range(start, start + len(values)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ValueError, match=r"checksum of its part a/data/0 differs"):
            read_tensors(path)
