"""The classifier of looks learns what looks differ in, and refuses what cannot be told apart."""

from pathlib import Path

import pytest
import torch

from monai_harmonize.data import InputError
from monai_harmonize.engines.look_classifier import (
    accuracy,
    fit_inception_classifier,
    fit_look_classifier,
    look_classifier,
)
from monai_harmonize.engines.weights import trained_settings
from monai_harmonize.networks.torchvision_import import torchvision


def noisy(deviation: float, seed: int, count: int = 12) -> torch.Tensor:
    """Slices of one mean grey level: only the texture tells them apart."""
    return (deviation * torch.randn(count, 1, 40, 36, generator=torch.Generator().manual_seed(seed))).clamp(-1, 1)


def looks(seed: int) -> list[list[torch.Tensor]]:
    return [[noisy(0.05, seed)], [noisy(0.2, seed + 1)], [noisy(0.5, seed + 2, 7)]]


def framed(slices: torch.Tensor, width: int) -> torch.Tensor:
    return torch.nn.functional.pad(slices, (width,) * 4, value=-1.0)


def test_it_learns_the_looks_and_does_so_again(tmp_path: Path) -> None:
    path = fit_look_classifier(looks(0), tmp_path / "a.pt", steps=30)
    network = look_classifier(path, 3)
    found = accuracy(network, dict(zip("abc", looks(100), strict=True)))
    assert list(found) == ["a", "b", "c"]
    assert min(found.values()) > 0.9
    again = look_classifier(fit_look_classifier(looks(0), tmp_path / "b.pt", steps=30), 3)
    image = noisy(0.3, 7)
    torch.testing.assert_close(again(image), network(image), rtol=0, atol=0)
    other = look_classifier(fit_look_classifier(looks(0), tmp_path / "c.pt", steps=30, seed=1), 3)
    assert not torch.equal(other(image), network(image))


def test_volumes_of_any_size_and_no_look_is_told_by_its_size(tmp_path: Path) -> None:
    """The looks are of one texture; one is shown with more around it, as a wide field of view or padding does."""
    narrow = [noisy(0.3, 0), noisy(0.3, 1, 5)[..., :30]]
    wide = [framed(noisy(0.3, 2), 12), framed(noisy(0.3, 3, 5), 7)]
    path = fit_look_classifier([narrow, wide], tmp_path / "a.pt", steps=40)
    assert trained_settings(path) == {"field": [40, 30]}
    network = look_classifier(path, 2)
    image = noisy(0.3, 9)
    for width in (1, 12, 50):
        torch.testing.assert_close(network(framed(image, width)), network(image), rtol=0, atol=0)
    found = accuracy(network, {"narrow": [noisy(0.3, 4, 40)], "wide": [framed(noisy(0.3, 4, 40), 12)]})
    assert found["narrow"] + found["wide"] == 1
    # What looks do differ in is told at any size.
    path = fit_look_classifier([narrow, [framed(noisy(0.05, 2), 12)]], tmp_path / "b.pt", steps=40)
    network = look_classifier(path, 2)
    assert accuracy(network, {"a": narrow, "b": [framed(noisy(0.05, 5), 3)]}) == {"a": 1, "b": 1}


def test_what_cannot_be_told_apart_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two looks"):
        fit_look_classifier([[noisy(0.1, 0)]], tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"\[12, 0\]"):
        fit_look_classifier([[noisy(0.1, 0)], [noisy(0.1, 0, 0)]], tmp_path / "a.pt")
    with pytest.raises(InputError, match="a slice has 40 x 12 pixels; to tell looks apart, expected 16"):
        fit_look_classifier([[noisy(0.1, 0)], [noisy(0.1, 0)[..., :12]]], tmp_path / "a.pt")
    with pytest.raises(InputError, match="no trained weights"):
        look_classifier(tmp_path / "a.pt", 2)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3])
def test_inception_gets_a_layer_for_the_looks(tmp_path: Path, count: int) -> None:
    """Features of random weights tell these looks apart already."""
    torch.manual_seed(0)
    plain = torchvision.models.inception_v3(weights=None, init_weights=False)
    torch.save(plain.state_dict(), tmp_path / "plain.pt")
    few = [[slices[:3]] for (slices,) in looks(0)[:count]]
    path = fit_inception_classifier(few, tmp_path / "looks.pt", tmp_path / "plain.pt")
    network = look_classifier(path, count)
    assert network(few[0][0]).shape == (3, count)
    torch.testing.assert_close(network(framed(few[0][0], 8)), network(few[0][0]))
    assert min(accuracy(network, dict(zip("abc"[:count], few, strict=True))).values()) > 0.6
