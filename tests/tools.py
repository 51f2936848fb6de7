"""Tools of others: those that `make tools` has unpacked, which are not installed, or else this machine's own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

UNPACKED = Path(__file__).parents[1] / ".tools"
MACHINE = Path("/")


def environment_of(root: Path) -> dict[str, str]:
    """Variables with which what lies below a root finds its libraries and dictionaries."""
    if root == MACHINE:
        return dict(os.environ)
    libraries = [*root.glob("usr/lib/*-linux-gnu"), *root.glob("lib/*-linux-gnu")]
    (dictionary,) = root.glob("usr/share/libdcmtk*/dicom.dic")
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries)), "DCMDICTPATH": str(dictionary)}


def run_tool(name: str, package: str, *arguments: object) -> subprocess.CompletedProcess:
    """Run a tool to its end; the test is skipped where it is absent."""
    root = UNPACKED if (UNPACKED / "usr/bin" / name).is_file() else MACHINE
    command = shutil.which(name) if root == MACHINE else root / "usr/bin" / name
    if command is None:
        pytest.skip(f"there is no {name}: run `make tools`, or install Debian's package {package}")
    line = [command, *map(str, arguments)]
    done = subprocess.run(line, env=environment_of(root), capture_output=True, text=True, check=False)
    assert 0 <= done.returncode < 126, done.stderr  # it began and did not crash
    return done
