"""Which bundles there are and what can be wrong with them."""

import json
import shutil
from pathlib import Path

import pytest

from monai_harmonize.engines.bundle import SHIPPED, find_bundle

NAME = "tone_curve_cxr"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy below a folder of its own."""
    return shutil.copytree(f"bundles/{NAME}", tmp_path / "bundles" / NAME, ignore=shutil.ignore_patterns("models"))


def test_list(cli, bundle: Path, model: Path, monkeypatch) -> None:
    monkeypatch.chdir(bundle.parents[1])
    (row,) = (line.replace("│", " ").split() for line in cli("bundles", "list").stdout.splitlines() if NAME in line)
    assert row[1:3] == [json.loads((bundle / "configs/metadata.json").read_text())["version"], "G0"]
    assert row[-1] == "no"
    shutil.copytree(model, bundle / "models")
    (row,) = (line.replace("│", " ").split() for line in cli("bundles", "list").stdout.splitlines() if NAME in line)
    assert row[-1] == "yes"


def test_list_in_an_empty_folder_shows_those_of_the_package(cli, tmp_path: Path, monkeypatch) -> None:
    names = sorted(path.parents[1].name for path in Path("bundles").glob("*/configs/metadata.json"))
    monkeypatch.chdir(tmp_path)
    done = cli("bundles", "list")
    assert done.exit_code == 0
    rows = [line.replace("│", " ").split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows if row and row[0] in names] == names


def test_a_bundle_here_hides_that_of_the_package(bundle: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_bundle(NAME).root == Path("bundles") / NAME
    assert find_bundle("cyclegan_cxr").root.is_absolute()


def test_copy(cli, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("bundles", "copy", "cyclegan_cxr", "histogram_cxr").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "bundles").iterdir()) == ["cyclegan_cxr", "histogram_cxr"]
    copied = tmp_path / "bundles" / "cyclegan_cxr"
    assert {path.name for path in copied.iterdir()} == {"LICENSE", "configs", "docs"}
    for file in copied.rglob("*.json"):
        assert file.read_bytes() == (SHIPPED / "cyclegan_cxr" / "configs" / file.name).read_bytes()
    for names in (["cyclegan_cxr"], ["unit_cxr", "cyclegan_cxr"], ["unit_cxr", "nowhere"]):
        again = cli("bundles", "copy", *names)
        assert again.exit_code == 2
        assert "exists already" in again.stderr or "no folder of a bundle" in again.stderr
        assert not (tmp_path / "bundles" / "unit_cxr").exists()
    # From within a bundle, and one that is named twice.
    monkeypatch.chdir(copied)
    assert cli("bundles", "copy", ".", copied, "--output", tmp_path / "own").exit_code == 0
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["cyclegan_cxr"]


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(path.name for path in Path("bundles").iterdir()))
def test_our_bundles_are_sound(cli, name: str) -> None:
    done = cli("bundles", "check", name)
    assert done.exit_code == 0, done.output
    assert f"bundles/{name}" in done.stdout


def test_weights_are_loaded(cli, bundle: Path, model: Path) -> None:
    shutil.copytree(model, bundle / "models")
    assert "weights load" in cli("bundles", "check", bundle).stdout
    (bundle / "models" / "model.pt").write_bytes(b"no weights")
    done = cli("bundles", "check", bundle)
    assert done.exit_code == 1
    assert "model.pt: is damaged" in done.stderr


def change(path: Path, **entries: object) -> None:
    """Replace entries of a configuration; ``None`` removes one."""
    content = {name: value for name, value in json.loads(path.read_text()).items() if name not in entries}
    content |= {name: value for name, value in entries.items() if value is not None}
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "LICENSE").unlink(), "LICENSE is missing"),
        (lambda root: (root / "configs/filter.json").write_text("{"), "configs/filter.json is no JSON"),
        (lambda root: change(root / "configs/inference.json", inferer=None), "inferer"),
        (lambda root: change(root / "configs/train.json", network_def={"_target_": "no.such.Network"}), "no.such"),
    ],
)
def test_a_spoilt_bundle(cli, bundle: Path, spoil, message: str) -> None:
    spoil(bundle)
    done = cli("bundles", "check", bundle)
    assert done.exit_code == 1
    assert message in done.stderr
