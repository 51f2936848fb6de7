"""Two commands never work in one folder at a time, and a killed one leaves it free."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from monai_harmonize.cli.alone import alone_in
from monai_harmonize.data import InputError

HOLDING = """
import sys, time
from pathlib import Path
from monai_harmonize.cli.alone import alone_in

with alone_in(Path(sys.argv[1])):
    print("inside", flush=True)
    time.sleep(120)
"""


@pytest.mark.slow
def test_a_folder_is_free_once_the_command_is_dead(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    command = [sys.executable, "-c", HOLDING, str(folder)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "inside\n"
        with pytest.raises(InputError, match="study: another command works there just now"), alone_in(folder):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait(60)
        with alone_in(folder):
            pass
    finally:
        holder.kill()


def test_it_is_free_after_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), alone_in(tmp_path / "new" / "study"):
        raise ZeroDivisionError
    with alone_in(tmp_path / "new" / "study"), alone_in(tmp_path / "other"):
        pass


@pytest.mark.parametrize("command", ["protocol", "style-study"])
def test_the_second_command_is_refused_before_it_touches_anything(cli, tmp_path: Path, command: str) -> None:
    """Not even images are looked for or made, on which the first may be working."""
    options = (command, "--output", tmp_path / "study", "--dataset-dir", tmp_path / "nothing")
    with alone_in(tmp_path / "study"):
        done = cli(*options)
        assert done.exit_code == 2
        assert done.stderr.startswith(f"error: --output {tmp_path / 'study'}: another command works there just now")
    done = cli(*options)
    assert done.exit_code == 2
    assert "nothing: holds none of manifest.csv" in done.stderr
