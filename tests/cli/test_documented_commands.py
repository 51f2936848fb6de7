"""The literal commands of the documentation."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import typer

from monai_harmonize.cli import app


def commands(page: str) -> list[list[str]]:
    """Lines of a page's code blocks that start with the command, as arguments."""
    blocks = re.findall(r"```\n(.*?)```", Path(page).read_text(), re.DOTALL)
    lines = [shlex.split(line) for block in blocks for line in block.splitlines()]
    return [line[1:] for line in lines if line[:1] == ["monai-harmonize"]]


PAGES = [
    "README.md",
    *map(str, sorted(Path("docs").glob("*.md"))),
    *map(str, sorted(Path("bundles").glob("*/docs/*.md"))),
]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_can_be_parsed(page: str) -> None:
    for line in commands(page):
        command, arguments = typer.main.get_command(app), list(line)
        while hasattr(command, "commands"):
            command = command.commands[arguments.pop(0)]
        command.make_context(line[0], arguments)


@pytest.mark.long
def test_all_commands_of_the_page(cli, command, chest_data: Path, tmp_path: Path, monkeypatch) -> None:
    """In the order of the page, on small demo data."""
    lines = commands("docs/cli.md")
    shutil.copytree(chest_data, tmp_path / "demo_images")
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    monkeypatch.chdir(tmp_path)
    assert lines[0][:2] == ["demo-data", "demo_images"]  # made in minutes, hence small ones in their place
    for line in lines[1:]:
        if line[0] in ("fit", "harmonize"):
            done = command(*line)
            assert done.returncode == 0, done.stderr
        else:
            assert cli(*line).exit_code == 0, line
    assert {path.name for path in Path("report").iterdir()} >= {"report.html", "summary.json"}
    assert "tone_curve_cxr 0" in Path("report", "report.html").read_text()
    assert len(list(Path("harmonized").rglob("*.dcm"))) == 3
    assert len(list(Path("archives").glob("tone_curve_cxr_v*.zip"))) == 1
    assert len(Path("manifest.csv").read_text().splitlines()) == 13
