"""How notebooks are executed: what fails is told, and nothing goes on without the command that began it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
psutil = pytest.importorskip("psutil")
RUN = Path(__file__).resolve().parents[2] / "tutorials" / "run.py"


def notebook(path: Path, *cells: str) -> Path:
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=code), path)
    return path


def command(*paths: Path, output: Path) -> list[str]:
    return [str(part) for part in (sys.executable, RUN, "--output", output, *paths)]


@pytest.mark.slow
def test_a_command_that_fails_fails_its_notebook(tmp_path: Path) -> None:
    cells = {
        "sound": "%%bash\necho one | grep one\ntrue",
        "line": "%%bash\nfalse\necho after",
        "pipe": "%%bash\nfalse | cat",
        "killed": "import os\nos.kill(os.getpid(), 9)",
    }
    paths = [notebook(tmp_path / f"{name}.ipynb", cell) for name, cell in cells.items()]
    done = subprocess.run(command(*paths, output=tmp_path / "out"), capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "4 notebooks, 3 failed" in done.stdout, done.stdout + done.stderr
    written = {path.stem: path.read_text() for path in (tmp_path / "out").glob("*.ipynb")}
    assert set(written) == set(cells)
    assert "after" not in "".join(nbformat.reads(written["line"], 4).cells[0].outputs[0].get("text", ""))


def begun(marker: Path, seconds: float = 60) -> int:
    """Number of the process that a cell notes, once it does."""
    end = time.monotonic() + seconds
    while not (marker.is_file() and marker.read_text().strip()):
        assert time.monotonic() < end, "the cell has not begun"
        time.sleep(0.1)
    return int(marker.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_goes_on_after_the_command(tmp_path: Path, how: int) -> None:
    """Neither workers nor kernels nor what a cell has started; folders go, too."""
    marker = tmp_path / "pid"
    path = notebook(tmp_path / "long.ipynb", f"%%bash\necho $$ > {marker}\nsleep 300\ntrue")
    (tmp_path / "folders").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "folders")}
    runner = subprocess.Popen(command(path, output=tmp_path / "out"), env=environment, stderr=subprocess.DEVNULL)
    cell = begun(marker)
    family = psutil.Process(runner.pid).children(recursive=True)
    assert cell in {process.pid for process in family}
    runner.send_signal(how)
    runner.wait(20)
    _, alive = psutil.wait_procs(family, timeout=30)
    for process in alive:
        process.kill()
    assert alive == []
    assert list((tmp_path / "folders").iterdir()) == []
