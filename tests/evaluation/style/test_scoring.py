"""Scores of drawings whose right answer is known: unchanged images, perfect ones, a constant offset."""

from dataclasses import replace

import pytest
import torch

from monai_harmonize.data import InputError
from monai_harmonize.evaluation.style.examples import Examples, as_seen, examples_of
from monai_harmonize.evaluation.style.scoring import Judges, StyleCase, score_styles, spread_slices

LOOKS = ("home", "bright", "dark")
LEVEL = {"home": 0.0, "bright": 0.5, "dark": -0.5}


def volume(look: str, patient: int) -> torch.Tensor:
    noise = torch.rand(1, 16, 16, 4, generator=torch.Generator().manual_seed(patient))
    return 0.4 * (noise - 0.5) + LEVEL[look]


def classifier(slices: torch.Tensor) -> torch.Tensor:
    """Certain of the look whose level is nearest."""
    levels = torch.tensor([LEVEL[look] for look in LOOKS])
    return -1e4 * (slices.mean(dim=(1, 2, 3))[:, None] - levels).abs()


def cases() -> list[StyleCase]:
    label = torch.zeros(16, 16, 4, dtype=torch.long)
    label[4:8] = 1
    home = [
        StyleCase(f"h{p}", f"p{p}", "home", volume("home", p), label, {look: volume(look, p) for look in LOOKS[1:]})
        for p in range(2)
    ]
    others = [
        StyleCase(f"{look}{p}", f"p{p}", look, volume(look, p), label, {"home": volume("home", p)})
        for look in LOOKS[1:]
        for p in range(2)
    ]
    return [*home, *others]


def segment(drawn: torch.Tensor) -> torch.Tensor:
    """Right in the home look, background alone in others."""
    label = torch.zeros(drawn.shape[1:], dtype=torch.long)
    if abs(float(drawn.mean())) < 0.1:
        label[4:8] = 1
    return label


JUDGES = Judges(classifier, lambda first, second: (first - second).abs().mean()[None], segment, 2)


def perfect(content: torch.Tensor, number: int) -> torch.Tensor:
    return content - content.mean() + LEVEL[LOOKS[number]]


def test_images_as_they_are() -> None:
    table = score_styles(lambda content, _: content, cases(), LOOKS, JUDGES)
    there, back = table[table["way"] == "to"], table[table["way"] == "back"]
    assert len(there) == len(back) == 4
    assert (there["lpips"] == 0).all()
    assert (there["cis"] == 0).all()
    assert (there["recognized"] == 0).all()
    assert there["mae_truth"].to_numpy() == pytest.approx(0.25)
    # Background alone: the spine's IoU is 0, that of background 3/4.
    assert back["mean_iou"].to_numpy() == pytest.approx(0.375)
    assert there["mean_iou"].isna().all()


def test_perfect_drawings() -> None:
    table = score_styles(perfect, cases(), LOOKS, JUDGES)
    there, back = table[table["way"] == "to"], table[table["way"] == "back"]
    assert there["recognized"].eq(1).all()
    # Two outputs of one input that the classifier takes for two looks without a doubt.
    assert there["cis"].to_numpy() == pytest.approx(float(torch.tensor(2.0).log()))
    assert (there["ssim_truth"] > 0.97).all()
    assert (there["mae_truth"] < 0.01).all()
    assert back["mean_iou"].eq(1).all()
    assert back["lpips"].to_numpy() == pytest.approx(0.5, abs=0.02)


def test_one_look_has_no_diversity_and_no_truth_no_similarity() -> None:
    found = [replace(case, truths={}) for case in cases() if case.look != "dark"]
    table = score_styles(perfect, found, LOOKS[:2], JUDGES)
    assert table["cis"].isna().all()
    assert table[["ssim_truth", "mae_truth"]].isna().all(axis=None)
    with pytest.raises(InputError, match="no test image"):
        score_styles(perfect, [], LOOKS, JUDGES)


@pytest.mark.parametrize(("depth", "count", "expected"), [(8, 2, [2, 6]), (9, 3, [1, 4, 7]), (3, 8, [0, 1, 2])])
def test_slices_lie_in_the_middle_of_equal_parts(depth: int, count: int, expected: list[int]) -> None:
    assert spread_slices(torch.arange(depth).expand(1, 4, 4, depth), count)[0, 0, 0].tolist() == expected


def test_examples_come_back_from_their_file(tmp_path) -> None:
    found = examples_of(perfect, cases(), LOOKS)
    found.write(tmp_path / "examples.npz")
    again = Examples.read(tmp_path / "examples.npz")
    assert set(again.drawn) == set(again.truths) == set(again.styles) == {"bright", "dark"}
    assert (again.content == as_seen(volume("home", 0)[0, ..., 2])).all()
    assert again.drawn["dark"].mean() == pytest.approx(-0.5, abs=0.05)


def test_front_is_up_and_right_is_left() -> None:
    axial = torch.zeros(3, 3)
    axial[2, 0] = 1  # right, back
    assert as_seen(axial)[0, 2] == 1  # columns first: left column, lowest row
