"""Manifests from folders and their check."""

from pathlib import Path

import pytest

from monai_harmonize.data import load_manifest


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("home/theirs/a.png", "home/theirs/deep/b.png", "home/theirs/b_mask.gif", "away/ours/c.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "home" / "theirs", tmp_path / "away" / "ours"


def test_built_from_folders_and_read_again(cli, folders, tmp_path: Path) -> None:
    output = tmp_path / "home" / "manifest.csv"
    given = ("manifest", "build", *folders, "--site", "Their hospital, A", "--site", "ours", "--output", output)
    done = cli(*given)
    assert done.exit_code == 0, done.output
    assert output.read_text().splitlines() == [
        "file,site,patient,polarity",
        'theirs/a.png,"Their hospital, A",,',
        'theirs/deep/b.png,"Their hospital, A",,',
        f"{folders[1]}/c.png,ours,,",
    ]
    records = load_manifest(output).records
    assert [record["site"] for record in records] == ["Their hospital, A"] * 2 + ["ours"]
    again = cli(*given)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert cli(*given, "--overwrite", "--pattern", "[!a]*").exit_code == 0
    assert len(output.read_text().splitlines()) == 3


def test_sites_are_called_like_their_folders(cli, folders, tmp_path: Path) -> None:
    assert cli("manifest", "build", *folders, "--output", tmp_path / "manifest.csv").exit_code == 0
    assert load_manifest(tmp_path / "manifest.csv").sites == ["ours", "theirs"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--site", "one"), "1 names for 2 folders"),
        (("--output", "manifest.json"), "no .csv"),
        (("{again}",), "two of the folders"),
    ],
)
def test_refused(cli, folders, tmp_path: Path, arguments, message: str) -> None:
    filled = [argument.format(again=folders[0] / "deep") for argument in arguments]
    done = cli("manifest", "build", "--output", tmp_path / "manifest.csv", *folders, *filled)
    assert done.exit_code == 2
    assert message in done.stderr


@pytest.mark.parametrize("name", [("manifest", "check"), ("check-manifest",)])
def test_check_counts_or_reports_every_problem(cli, chest_data: Path, tmp_path: Path, name) -> None:
    counted = cli(*name, chest_data / "manifest.csv")
    assert counted.exit_code == 0
    assert ["site_a", "train", "6"] in [line.split() for line in counted.stdout.splitlines()]
    assert ("use 'manifest check'" in counted.stderr) == (len(name) == 1)
    (tmp_path / "manifest.csv").write_text("file,site,split\nno.png,a,train\nno2.png,,exam\n")
    done = cli(*name, tmp_path / "manifest.csv")
    assert done.exit_code == 1
    assert all(words in done.stderr for words in ("row 2", "row 3", "no.png", "exam", "site"))
