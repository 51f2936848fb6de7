"""Fingerprints of weights."""

import hashlib
from collections import OrderedDict

import pytest
import torch

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.site_tone_curve import SiteToneCurve
from monai_harmonize.networks.weights_digest import digest_of_weights

STATE = {"b": torch.tensor(2.0), "a": torch.arange(6, dtype=torch.int16).reshape(2, 3).T}


def test_closed_form():
    bytes_a = b"\0\0\3\0\1\0\4\0\2\0\5\0"
    text = b"a torch.int16 (3, 2)\n" + bytes_a + b"b torch.float32 ()\n" + b"\0\0\0\x40"
    assert digest_of_weights(STATE, 64) == hashlib.sha256(text).hexdigest()
    assert digest_of_weights(STATE) == digest_of_weights(STATE, 64)[:16]


def test_files_in_memory_and_order_agree(tmp_path):
    torch.save(STATE, tmp_path / "one.pt")
    torch.save(OrderedDict(reversed(list(STATE.items()))), tmp_path / "two.pt")
    digests = {digest_of_weights(item) for item in (STATE, tmp_path / "one.pt", str(tmp_path / "two.pt"))}
    assert len(digests) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"b": torch.tensor(2.0000002)},
        {"a": STATE["a"].T},
        {"a": STATE["a"].to(torch.int32)},
        {"c": STATE["b"]},
        {"b": torch.tensor(2.0, dtype=torch.bfloat16)},
    ],
    ids=["value", "shape", "type", "name", "bfloat16"],
)
def test_every_change_shows(change):
    assert digest_of_weights({**STATE, **change}) != digest_of_weights(STATE)


def test_another_curve_has_another_digest():
    curve = SiteToneCurve(num_knots=3)
    before = digest_of_weights(curve.state_dict())
    curve.set_knots([-1, 0, 1], [-1, 0.25, 1])
    assert digest_of_weights(curve.state_dict()) != before


def test_what_is_no_state_dict(tmp_path):
    (tmp_path / "torn.pt").write_bytes(b"PK\3\4")
    torch.save({"network": STATE}, tmp_path / "nested.pt")
    torch.save([1], tmp_path / "list.pt")
    for name, reason in [
        ("absent.pt", "no such weights file"),
        ("torn.pt", "damaged"),
        ("nested.pt", "no flat state dict"),
        ("list.pt", "no flat state dict"),
    ]:
        with pytest.raises(InputError, match=rf"{name}: .*{reason}"):
            digest_of_weights(tmp_path / name)
    for digits in (11, 65):
        with pytest.raises(InputError, match=f"digits is {digits}"):
            digest_of_weights(STATE, digits)
