"""``harmonize --from``: each image by the model of its own site."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_harmonize.safety.certificate_table import CertificateTable


@pytest.fixture(scope="module")
def models(cli, save_images, tmp_path_factory) -> Path:
    """Site curves from a and from c to b."""
    folder = tmp_path_factory.mktemp("models")
    images = {site: save_images(folder / "images" / site, site, 24) for site in "abc"}
    for site in "ac":
        given = ("fit", "--source", images[site], "--target", images["b"], "--output", folder / "models" / site)
        done = cli(*given)
        assert done.exit_code == 0, done.output
    return folder / "models"


@pytest.fixture
def scans(save_images, tmp_path: Path) -> Path:
    """New images of three known sites, one folder each."""
    for site in "abc":
        save_images(tmp_path / "scans" / site, site, 6, first=500)
    return tmp_path / "scans"


def pixels(folder: Path) -> dict[str, np.ndarray]:
    return {path.relative_to(folder).as_posix(): np.asarray(Image.open(path)) for path in folder.rglob("?/*.png")}


def report(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "origins.csv").open() as text:
        return {Path(row["file"]).name: row for row in csv.DictReader(text)}


def cells(output: str) -> list[str]:
    """The row of the last table."""
    return [line for line in output.splitlines() if line.startswith("│")][-1].replace("│", " ").split()


def test_every_image_gets_the_curve_of_its_own_site(cli, models: Path, scans: Path, tmp_path: Path) -> None:
    given = ("harmonize", scans, "--from", "auto", "--checkpoint", models, "--panels", "none")
    done = cli(*given, "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert cells(done.stdout)[0] == "18"
    found = pixels(tmp_path / "out")
    assert len(found) == 18
    for site in "ac":  # by hand
        alone = ("harmonize", scans, "--pattern", f"{site}/*.png", "--checkpoint", models, "--panels", "none")
        assert cli(*alone, "--from", site, "--output", tmp_path / site).exit_code == 0
        own = pixels(tmp_path / site)
        assert len(own) == 6
        assert all(np.array_equal(found[name], image) for name, image in own.items())
        assert any(not np.array_equal(image, pixels(scans)[name]) for name, image in own.items())
    before = pixels(scans)
    levels = {site: np.mean([image.mean() for name, image in before.items() if name[0] == site]) for site in "abc"}
    for site in "ac":
        reached = np.mean([image.mean() for name, image in found.items() if name[0] == site])
        assert abs(reached - levels["b"]) < 0.3 * abs(levels[site] - levels["b"])
    # What has the look already keeps every byte.
    assert "6 images have the target's look already and were copied" in done.stdout
    for path in (scans / "b").iterdir():
        assert (tmp_path / "out" / "b" / path.name).read_bytes() == path.read_bytes()
    rows = report(tmp_path / "out")
    assert {name[0]: row["done"] for name, row in rows.items()} == {
        "a": "harmonized from a",
        "b": "has the target's look",
        "c": "harmonized from c",
    }
    assert {name[0]: row["site"] for name, row in rows.items()} == {"a": "a", "b": "target", "c": "c"}
    weights = {
        name[0]: row["weights_digest"]
        for name, row in CertificateTable(tmp_path / "out/certificates.csv").known().items()
    }
    assert set(weights) == {"a", "c"}
    assert weights["a"] != weights["c"]
    # The same again: nothing is done twice, though two models share the folder.
    again = cli(*given, "--output", tmp_path / "out")
    assert cells(again.stdout)[0] == "18"
    assert cells(again.stdout)[4] == "12"


def test_a_copy_has_no_certificate_of_an_earlier_harmonization(cli, models: Path, save_images, tmp_path: Path) -> None:
    scans, out = save_images(tmp_path / "scans", "b", 6, first=500), tmp_path / "out"
    given = ("harmonize", scans, "--checkpoint", models, "--output", out, "--panels", "none", "--from")
    assert cli(*given, "a").exit_code == 0
    assert len(CertificateTable(out / "certificates.csv").known()) == 6
    assert cli(*given, "auto").exit_code == 0
    for path in scans.iterdir():
        assert (out / path.name).read_bytes() == path.read_bytes()
    assert CertificateTable(out / "certificates.csv").known() == {}
    assert list(out.glob("*.certificate.*")) == []


def test_images_of_no_site_are_refused_and_nothing_is_written(
    cli, save_images, models: Path, scans: Path, tmp_path: Path
) -> None:
    save_images(scans / "s", "stranger", 6)
    done = cli("harmonize", scans, "--from", "auto", "--checkpoint", models, "--output", tmp_path / "out")
    assert done.exit_code == 2
    told = " ".join(done.stderr.split())
    assert "images of none of the sites: group" in told
    assert "6 images from" in told
    assert "stranger000.png" in told
    assert "--from-unknown skip" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("choice", ["skip", "nearest"])
def test_what_becomes_of_images_of_no_site(
    cli, save_images, models: Path, scans: Path, tmp_path: Path, choice: str
) -> None:
    save_images(scans / "s", "stranger", 6)
    given = ("harmonize", scans, "--from", "auto", "--checkpoint", models, "--from-unknown", choice, "--panels", "none")
    done = cli(*given, "--output", tmp_path / "out")
    strangers = {name: row for name, row in report(tmp_path / "out").items() if name.startswith("stranger")}
    assert len(strangers) == 6
    assert {row["site"] for row in strangers.values()} == {""}
    assert cells(done.stdout)[0] == "24"
    written = {path.name for path in (tmp_path / "out").rglob("stranger*.png")}
    if choice == "skip":
        assert done.exit_code == 1
        assert written == set()
        assert cells(done.stdout)[5] == "6"
        assert {row["done"] for row in strangers.values()} == {"left out"}
    else:
        assert done.exit_code == 0
        assert written == set(strangers)
        for row in strangers.values():
            assert row["done"] in (f"harmonized from {row['nearest']}", "has the target's look")


def test_an_unreadable_file_does_not_stop_the_others(cli, models: Path, scans: Path, tmp_path: Path) -> None:
    (scans / "a" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    given = ("harmonize", scans, "--from", "auto", "--checkpoint", models, "--panels", "none")
    done = cli(*given, "--output", tmp_path / "out")
    assert done.exit_code == 1
    assert "cut.png" in done.stderr
    assert cells(done.stdout)[0] == "19"
    assert cells(done.stdout)[5] == "1"
    assert len(pixels(tmp_path / "out")) == 18


def test_presentation_states_need_no_copies(cli, models: Path, chest_data: Path, tmp_path: Path) -> None:
    """Of DICOM; these phantoms are of none of the sites, so the nearest is asked for."""
    scans = chest_data / "test" / "site_a"
    given = (
        "harmonize",
        scans,
        "--pattern",
        "*.dcm",
        "--from",
        "auto",
        "--from-unknown",
        "nearest",
        "--checkpoint",
        models,
    )
    done = cli(*given, "--presentation-state", "--panels", "none", "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    states = list((tmp_path / "out").rglob("*.pr.dcm"))
    shown = sum(row["done"].startswith("harmonized") for row in report(tmp_path / "out").values())
    assert len(states) == shown
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == shown


def test_models_that_cannot_be_used_together(cli, models: Path, scans: Path, tmp_path: Path) -> None:
    given = ("harmonize", scans, "--output", tmp_path / "out")

    def refused(*options) -> str:
        done = cli(*given, *options)
        assert done.exit_code == 2
        assert not (tmp_path / "out").exists()
        return " ".join(done.stderr.split())

    assert "needs --checkpoint with a folder" in refused("--from", "auto")
    assert "holds no */model.pt" in refused("--from", "auto", "--checkpoint", models / "a")
    assert "there are a, c, and auto" in refused("--from", "z", "--checkpoint", models)
    ct = refused("--from", "auto", "--checkpoint", models, "--bundle", "site_curve_ct")
    assert "radiographs" in ct
    mixed = shutil.copytree(models, tmp_path / "mixed")
    content = json.loads((mixed / "c" / "sites.json").read_text())
    (mixed / "c" / "sites.json").unlink()
    assert "has no sites.json" in refused("--from", "auto", "--checkpoint", mixed)
    content["sites"] = {"source": content["sites"]["target"], "target": content["sites"]["source"]}
    (mixed / "c" / "sites.json").write_text(json.dumps(content))
    assert "different target sites" in refused("--from", "auto", "--checkpoint", mixed)
    del content["sites"]["target"]
    (mixed / "c" / "sites.json").write_text(json.dumps(content))
    assert "expected source and target" in refused("--from", "auto", "--checkpoint", mixed)


def test_inputs_are_no_results_here_either(cli, models: Path, scans: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b").symlink_to(scans / "b")
    before = {path: path.read_bytes() for path in scans.rglob("*.png")}
    done = cli("harmonize", scans, "--from", "auto", "--checkpoint", models, "--output", tmp_path / "out")
    assert done.exit_code == 2
    assert "is an input and is not overwritten" in done.stderr
    assert {path: path.read_bytes() for path in scans.rglob("*.png")} == before
    assert not (tmp_path / "out" / "origins.csv").exists()


def test_too_few_images_leave_no_looks(cli, save_images, models: Path, tmp_path: Path) -> None:
    """Also where an earlier fit had enough."""
    images = {site: save_images(tmp_path / site, site, 4) for site in "ab"}
    folder = shutil.copytree(models / "a", tmp_path / "model")
    assert (folder / "sites.json").is_file()
    assert cli("fit", "--source", images["a"], "--target", images["b"], "--output", folder).exit_code == 0
    assert not (folder / "sites.json").exists()
