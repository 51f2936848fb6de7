"""``fit`` on folders."""

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageOps

from monai_harmonize.cli.fit import two_sites
from monai_harmonize.data import InputError
from monai_harmonize.transforms import LoadRadiograph


@pytest.fixture
def sites(chest_data: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Three images of each site."""
    folders = tmp_path / "theirs", tmp_path / "ours"
    for folder, site in zip(folders, ("site_a", "site_b"), strict=True):
        folder.mkdir()
        for path in sorted((chest_data / "train" / site).glob("*.dcm"))[:3]:
            shutil.copy(path, folder)
    return folders


def distances(output: str) -> tuple[float, float]:
    words = next(line for line in output.splitlines() if "Wasserstein" in line).replace(",", "").split()
    return float(words[words.index("before") - 1]), float(words[words.index("after") - 1])


def test_three_images_of_each_site_are_enough(cli, sites, tmp_path: Path) -> None:
    done = cli("fit", "--source", sites[0], "--target", sites[1], "--output", tmp_path / "model")
    assert done.exit_code == 0, done.output
    before, after = distances(done.stdout)
    assert after < 0.2 * before
    assert "of the fitted images themselves" in done.stdout
    assert "Fitted to 3 source and 3 target images" in done.stdout
    assert float(torch.load(tmp_path / "model" / "model.pt", weights_only=True)["polarity"]) == 1


def test_the_filter_is_fitted_and_the_next_command_names_it(cli, sites, tmp_path: Path) -> None:
    given = ("fit", "--source", sites[0], "--target", sites[1], "--output", tmp_path / "model")
    done = cli(*given, "--overlay", "filter")
    assert done.exit_code == 0, done.output
    assert "filter.gain" in torch.load(tmp_path / "model" / "model.pt", weights_only=True)
    assert "--overlay filter" in done.stdout


def test_an_inverted_site(cli, chest_data: Path, sites, tmp_path: Path) -> None:
    """PNG files have no tag that tells; so an inverted copy is an inverted image."""
    folder = tmp_path / "inverted"
    folder.mkdir()
    for path in sites[0].glob("*.dcm"):
        image = LoadRadiograph()(path)
        low, high = image.meta["grey_range"]
        pixels = ((image[0].T - low) / (high - low) * 255).byte().numpy()
        ImageOps.invert(Image.fromarray(pixels)).save(folder / f"{path.stem}.png")
    given = ("fit", "--source", folder, "--target", sites[1], "--output", tmp_path / "model")
    refused = cli(*given)
    assert refused.exit_code == 2
    assert "3 of 3 source images are inverted" in refused.stderr
    assert not (tmp_path / "model" / "model.pt").exists()
    assert cli(*given, "--inverted", "turn").exit_code == 0
    assert float(torch.load(tmp_path / "model" / "model.pt", weights_only=True)["polarity"]) == -1


def test_too_few_images_and_images_of_both_sites_are_refused(cli, sites, tmp_path: Path) -> None:
    next(sites[0].iterdir()).unlink()
    few = cli("fit", "--source", sites[0], "--target", sites[1], "--output", tmp_path / "model")
    assert few.exit_code == 2
    assert "--source: holds 2 images; at least 3" in few.stderr
    both = cli("fit", "--source", sites[1], "--target", sites[1], "--output", tmp_path / "model")
    assert both.exit_code == 2
    assert "belongs to source and target" in both.stderr


def test_every_tenth_image_is_held_out_where_there_are_ten(tmp_path: Path) -> None:
    for site, count in (("a", 25), ("b", 9)):
        (tmp_path / site).mkdir()
        for number in range(count):
            (tmp_path / site / f"{number:02}.png").write_bytes(b"")
    manifest = two_sites([tmp_path / "a"], [tmp_path / "b"], tmp_path / "out", "*.png")
    assert len(manifest.select("source", "train")) == 23
    held_out = {Path(item["image"]).name for item in manifest.select("source", "validation")}
    assert held_out == {"09.png", "19.png"}
    fitted = {item["image"] for item in manifest.select("target", "train")}
    assert len(fitted) == 9
    assert {item["image"] for item in manifest.select("target", "validation")} == fitted
    with pytest.raises(InputError, match=r"--pattern \*.dcm"):
        two_sites([tmp_path / "a"], [tmp_path / "b"], tmp_path / "out", "*.dcm")
