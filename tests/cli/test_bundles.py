"""Which bundles there are and what can be wrong with them."""

import json
import shutil
from pathlib import Path

import pytest

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


def test_list_without_bundles(cli, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli("bundles", "list")
    assert done.exit_code == 2
    assert "holds no bundle" in done.stderr


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
