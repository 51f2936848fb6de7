"""``sites learn`` and ``sites recognise``."""

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from monai_harmonize.metrics.site_gallery_file import load_site_gallery


def manifest_of(save_images, folder: Path, sites: str = "abc", count: int = 22) -> Path:
    """Two images of two patients, one of every other; two images in the test split."""
    rows = ["file,site,patient,split"]
    for site in sites:
        save_images(folder / site, site, count + 2)
        for number in range(count + 2):
            patient, split = (number // 2 if number < 4 else number), "train" if number < count else "test"
            rows.append(f"{site}/{site}{number:03}.png,{site},{site}-{patient},{split}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder / "manifest.csv"


@pytest.fixture(scope="module")
def learned(cli, save_images, tmp_path_factory) -> Path:
    """File of three sites."""
    folder = tmp_path_factory.mktemp("sites")
    done = cli("sites", "learn", manifest_of(save_images, folder), "--output", folder / "sites.json")
    assert done.exit_code == 0, done.output
    assert "a from 22 images" in done.stdout
    return folder / "sites.json"


def test_the_file_holds_numbers_and_names_of_sites_only(learned: Path) -> None:
    content = json.loads(learned.read_text())
    assert list(content.pop("sites")) == ["a", "b", "c"]
    assert "png" not in learned.read_text()
    assert "a-1" not in learned.read_text()


def test_a_mixed_folder_falls_apart_into_its_sites(cli, save_images, learned: Path, tmp_path: Path) -> None:
    for site in "ca":
        save_images(tmp_path / "scans", site, 8, first=100)
    table = tmp_path / "out" / "table.csv"
    done = cli("sites", "recognise", tmp_path / "scans", "--sites", learned, "--output", table)
    assert done.exit_code == 0, done.output
    with table.open() as text:
        rows = list(csv.DictReader(text))
    assert [(Path(row["file"]).name[0], row["site"], row["group"]) for row in rows] == [
        (site, site, group) for site, group in (("a", "1"), ("c", "2")) for _ in range(8)
    ]
    assert all(float(row["probability"]) > 0.99 and float(row["p_value"]) >= 0.05 for row in rows)
    assert {row["images"] for row in rows} == {"8"}
    assert len({row["fit"] for row in rows}) > 2


def test_what_is_of_no_site_or_unreadable_is_told(cli, save_images, learned: Path, tmp_path: Path) -> None:
    save_images(tmp_path / "scans", "stranger", 6)
    (tmp_path / "scans" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    table = tmp_path / "table.json"
    done = cli("sites", "recognise", tmp_path / "scans", "--sites", learned, "--output", table)
    assert done.exit_code == 1
    assert "unknown" in done.stdout
    assert "cut.png" in done.stderr
    rows = json.loads(table.read_text())
    assert [row["site"] for row in rows] == [None] * 7
    assert {row["nearest"] for row in rows[:6]} <= {"a", "b", "c"}
    assert rows[6]["done"].startswith("unreadable: ")


def test_groups_as_asked(cli, save_images, learned: Path, tmp_path: Path) -> None:
    for site in "ab":
        save_images(tmp_path / "scans", site, 5, first=200)
    counts = {}
    for grouping in ("look", "one", "each"):
        given = ("sites", "recognise", tmp_path / "scans", "--sites", learned, "--grouping", grouping)
        assert cli(*given, "--output", tmp_path / "table.json").exit_code in (0, 1)
        counts[grouping] = len({row["group"] for row in json.loads((tmp_path / "table.json").read_text())})
    assert counts == {"look": 2, "one": 1, "each": 10}


def test_an_inverted_site_is_told(cli, save_images, learned: Path, tmp_path: Path) -> None:
    """The manifest says so when it is learned, and the images come without one."""
    text = (learned.parent / "manifest.csv").read_text().replace("split\n", "split,polarity\n")
    lines = [line + ",inverted" if line.startswith("a/") else line + "," for line in text.splitlines()[1:]]
    inverted = learned.parent / "inverted.csv"
    inverted.write_text("\n".join([text.splitlines()[0], *lines]) + "\n")
    assert cli("sites", "learn", inverted, "--output", tmp_path / "sites.json").exit_code == 0
    scans = save_images(tmp_path / "scans", "a", 6, first=300)
    done = cli("sites", "recognise", scans, "--sites", tmp_path / "sites.json", "--grouping", "one")
    assert done.exit_code == 1
    assert "turned it would be of a" in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [(("--source-site", "a"), "give both"), (("--source-site", "a", "--target-site", "z"), "no site 'z'")],
)
def test_what_cannot_be_learned(cli, learned: Path, tmp_path: Path, options, message: str) -> None:
    done = cli("sites", "learn", learned.parent / "manifest.csv", *options, "--output", tmp_path / "sites.json")
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "sites.json").exists()


def test_a_site_of_few_patients_is_not_learned(cli, save_images, tmp_path: Path) -> None:
    done = cli("sites", "learn", manifest_of(save_images, tmp_path, "b", 7), "--output", tmp_path / "sites.json")
    assert done.exit_code == 2
    assert "b: 7 images of 5 patients; a site is learned from 20" in done.stderr


def test_looks_of_a_model_have_its_roles(cli, learned: Path, tmp_path: Path) -> None:
    given = ("sites", "learn", learned.parent / "manifest.csv", "--source-site", "c", "--target-site", "b")
    assert cli(*given, "--output", tmp_path / "sites.json").exit_code == 0
    roles, own = (load_site_gallery(path).sites for path in (tmp_path / "sites.json", learned))
    assert list(roles) in (["source", "target"], ["target", "source"])
    assert roles["source"].mean.tolist() == own["c"].mean.tolist()
    assert roles["target"].mean.tolist() == own["b"].mean.tolist()


def test_levels_and_tables_that_make_no_sense(cli, save_images, learned: Path, tmp_path: Path) -> None:
    scans = save_images(tmp_path / "scans", "a", 1)
    given = ("sites", "recognise", scans, "--sites", learned)
    assert "level is 0.001; expected 0.043 to 1" in cli(*given, "--level", "0.001").stderr
    done = cli(*given, "--output", tmp_path / "table.txt")
    assert done.exit_code == 2
    assert "no .csv or .json" in done.stderr


@pytest.mark.parametrize("name", ["manifest.csv", "a"])
def test_learn_replaces_nothing_but_sites(cli, save_images, tmp_path: Path, name: str) -> None:
    """A manifest that was named twice would be lost."""
    manifest = manifest_of(save_images, tmp_path, "a")
    before = manifest.read_text()
    done = cli("sites", "learn", manifest, "--output", tmp_path / name)
    assert done.exit_code == 2
    assert f"--output {tmp_path / name}: is " in done.stderr
    assert manifest.read_text() == before


def test_learn_replaces_sites_of_another_version(cli, save_images, tmp_path: Path) -> None:
    (tmp_path / "sites.json").write_text('{"format": "site gallery", "version": 0}')
    done = cli("sites", "learn", manifest_of(save_images, tmp_path, "a"), "--output", tmp_path / "sites.json")
    assert done.exit_code == 0, done.stderr
    assert list(load_site_gallery(tmp_path / "sites.json").sites) == ["a"]


def test_a_model_leads_from_one_site_to_another(cli, save_images, tmp_path: Path) -> None:
    manifest = manifest_of(save_images, tmp_path, "a")
    both = ["--source-site", "a", "--target-site", "a"]
    done = cli("sites", "learn", manifest, "--output", tmp_path / "sites.json", *both)
    assert done.exit_code == 2
    assert "are both a; a model leads from one to another" in done.stderr
    assert not (tmp_path / "sites.json").exists()


@pytest.mark.parametrize("name", ["table.txt", "folder.csv", "sites.json"])
def test_a_wrong_table_is_told_before_images_are_read(
    cli, save_images, learned: Path, tmp_path: Path, name: str
) -> None:
    save_images(tmp_path / "scans", "a", 1)
    (tmp_path / "folder.csv").mkdir()
    known = tmp_path / "sites.json"
    known.write_bytes(learned.read_bytes())
    done = cli("sites", "recognise", tmp_path / "scans", "--sites", known, "--output", tmp_path / name)
    assert done.exit_code == 2
    assert f"{tmp_path / name}: is " in done.stderr
    assert done.stdout == ""
    assert known.read_bytes() == learned.read_bytes()


def test_an_empty_frame_is_of_no_site_and_makes_no_strangers(cli, save_images, learned: Path, tmp_path: Path) -> None:
    save_images(tmp_path / "scans", "a", 3, first=300)
    Image.new("L", (64, 64), 20).save(tmp_path / "scans" / "empty.png")
    done = cli("sites", "recognise", tmp_path / "scans", "--sites", learned, "--output", tmp_path / "table.json")
    assert done.exit_code == 1
    assert "empty.png: every pixel has the same grey level" in done.stderr
    rows = {Path(row["file"]).name: row["site"] for row in json.loads((tmp_path / "table.json").read_text())}
    assert rows.pop("empty.png") is None
    assert set(rows.values()) == {"a"}
