"""``fit`` on folders."""

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageOps

from monai_harmonize.cli.fit import two_sites
from monai_harmonize.data import InputError
from monai_harmonize.engines.weights import FittedBy, record_fit
from monai_harmonize.safety.certificate_table import CertificateTable
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


@pytest.mark.parametrize(
    ("overlay", "weight", "guarantee_class"), [("filter", "filter.gain", "G2"), ("network", "", "G0")]
)
def test_harmonize_knows_the_overlay_of_the_fit(
    cli, sites, tmp_path: Path, overlay: str, weight: str, guarantee_class: str
) -> None:
    """A network is fitted with ``network`` and used with ``network_inference``."""
    short = tmp_path / "short.json"
    short.write_text('{"epochs": 1}' if overlay == "network" else "{}")
    given = ("fit", "--source", sites[0], "--target", sites[1], "--output", tmp_path / "model")
    done = cli(*given, "--overlay", overlay, "--overlay", short)
    assert done.exit_code == 0, done.output
    weights = torch.load(tmp_path / "model" / "model.pt", weights_only=True)
    assert any(name.startswith(weight) for name in weights)
    done = cli("harmonize", sites[0], "--checkpoint", tmp_path / "model", "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    rows = CertificateTable(tmp_path / "out" / "certificates.csv").known().values()
    assert {row["guarantee_class"] for row in rows} == {guarantee_class}


def test_weights_of_another_bundle_or_of_an_overlay_that_is_none(cli, sites, tmp_path: Path) -> None:
    """The curve of a radiograph would load as one of CT and turn its air to bone."""
    model = tmp_path / "model"
    assert cli("fit", "--source", sites[0], "--target", sites[1], "--output", model).exit_code == 0
    given = ("harmonize", sites[0], "--checkpoint", model, "--output", tmp_path / "out")
    other = cli(*given, "--bundle", "site_curve_ct")
    assert other.exit_code == 2
    assert "was fitted with the bundle tone_curve_cxr" in other.stderr
    (tmp_path / "trap.json").write_text("{}")
    for name in ("nothing", f"../../../{tmp_path.name}/trap", str(tmp_path / "trap")):
        record_fit(model / "model.pt", FittedBy("tone_curve_cxr", [name]))
        done = cli(*given)
        assert done.exit_code == 2
        assert f"was fitted with the overlay {name!r}" in done.stderr
    assert not (tmp_path / "out").exists()


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
    # The fitted turn makes inverted files right, and right ones wrong.
    for given_folder, inverted in ((folder, False), (sites[0], True)):
        output = tmp_path / f"out_{given_folder.name}"
        done = cli("harmonize", given_folder, "--checkpoint", tmp_path / "model", "--output", output)
        assert done.exit_code == 0, done.output
        for row in CertificateTable(output / "certificates.csv").known().values():
            assert row["polarity_corrected"] == "True"
            assert ("looks inverted" in row["reasons"]) == inverted
            assert (row["verdict"] == "pass") != inverted


def test_too_few_images_and_images_of_both_sites_are_refused(cli, sites, tmp_path: Path) -> None:
    next(sites[0].iterdir()).unlink()
    few = cli("fit", "--source", sites[0], "--target", sites[1], "--output", tmp_path / "model")
    assert few.exit_code == 2
    assert "--source: holds 2 images; at least 3" in few.stderr
    both = cli("fit", "--source", sites[1], "--target", sites[1], "--output", tmp_path / "model")
    assert both.exit_code == 2
    assert "belongs to source and target" in both.stderr


def test_an_overlay_of_inference_is_refused(cli, sites, tmp_path: Path) -> None:
    given = ("fit", "--source", sites[0], "--target", sites[1], "--output", tmp_path / "model")
    done = cli(*given, "--overlay", "network_inference")
    assert done.exit_code == 2
    assert "fit with network." in done.output
    assert not (tmp_path / "model").exists()


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
