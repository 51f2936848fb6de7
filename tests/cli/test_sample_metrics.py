"""Synthetic images judged from the command line."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

RANDOM = ("--random-weights", "--layer", "relu", "--size", 32, "--resamples", 20)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for folder, count in (("train", 30), ("held", 20), ("fresh", 12)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            field = gaussian_filter(rng.normal(size=(40, 44)), 2)
            levels = (255 * (field - field.min()) / np.ptp(field)).astype(np.uint8)
            Image.fromarray(levels).save(tmp_path / folder / f"{number}.png")
    return tmp_path


def arguments(folders: Path, *options: object) -> tuple[object, ...]:
    given = ("--samples", folders / "fresh", "--training", folders / "train", "--held-out", folders / "held")
    return ("sample-metrics", *given, "--output", folders / "out", *options)


def test_table_verdict_and_files(cli, folders: Path) -> None:
    done = cli(*arguments(folders, *RANDOM, "--truth", folders / "fresh"))
    assert done.exit_code == 0, done.output
    assert "features: resnet50_relu_random_weights" in done.stdout
    for word in ("fid", "kid", "precision", "recall", "memorised_pixels", "ssim", "held-out"):
        assert word in done.stdout
    assert "No sign of memorised training images or of mode collapse." in done.stdout
    assert "Warning: resnet50_relu_random_weights: the extractor's weights are random" in done.stdout
    assert {path.name for path in (folders / "out").iterdir()} == {
        "neighbours.png", "pairs.csv", "results.csv", "samples.csv", "summary.json",
    }  # fmt: skip


def test_copies_and_bad_files_end_with_exit_code_1(cli, folders: Path) -> None:
    (folders / "fresh" / "copy.png").write_bytes((folders / "train" / "4.png").read_bytes())
    done = cli(*arguments(folders, *RANDOM))
    assert done.exit_code == 1
    assert "The samples repeat training images." in done.stdout
    assert "error" not in done.stderr
    (folders / "fresh" / "copy.png").write_bytes(b"nothing")
    done = cli(*arguments(folders, *RANDOM))
    assert done.exit_code == 1
    assert "copy.png: not a DICOM" in done.stderr
    assert "No sign of memorised" in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--weights", "a.pt", "--random-weights"), "--weights a.pt: and --random-weights exclude each other"),
        (("--weights", "nothing.pt"), "weights nothing.pt: there is no such file"),
        (("--extractor", "clip", "--random-weights"), "extractor 'clip' is not known; expected one of vgg19"),
        ((*RANDOM, "--lpips-weights", "nothing.pt"), "weights nothing.pt: there is no such file"),
        ((*RANDOM, "--inception-weights", "nothing.pt"), "weights nothing.pt: there is no such file"),
        ((*RANDOM, "--neighbours", 12), "samples: 12 images can be read; expected 13 at least"),
    ],
)
def test_wrong_options_are_told_before_anything_is_written(cli, folders: Path, options, message: str) -> None:
    done = cli(*arguments(folders, *options))
    assert done.exit_code == 2, done.output
    assert done.stderr.splitlines()[-1].startswith(f"error: {message}")
    assert not (folders / "out").exists()
