"""The literal commands of docs/cli.md, in the order of the page, on small demo data."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

COMMANDS = [
    line.removeprefix("monai-harmonize ")
    for block in re.findall(r"```\n(.*?)```", Path("docs/cli.md").read_text(), re.DOTALL)
    for line in block.splitlines()
]


@pytest.mark.slow
def test_all_commands_of_the_page(command, chest_data: Path, tmp_path: Path) -> None:
    shutil.copytree("bundles", tmp_path / "bundles", ignore=shutil.ignore_patterns("models", "data", "eval"))
    shutil.copytree(chest_data, tmp_path / "demo_images")
    assert COMMANDS[0].startswith("demo-data demo_images")  # made in minutes, hence small ones in their place
    for line in COMMANDS[1:]:
        done = command(*shlex.split(line), cwd=tmp_path)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert {path.name for path in (tmp_path / "report").iterdir()} >= {"report.html", "summary.json"}
    assert "tone_curve_cxr 0" in (tmp_path / "report" / "report.html").read_text()
    assert len(list((tmp_path / "harmonized").rglob("*.dcm"))) == 3
    assert len((tmp_path / "manifest.csv").read_text().splitlines()) == 13
