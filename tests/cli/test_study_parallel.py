"""Steps in several processes: in the order of need, once each, and what happens when one fails or is killed."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import typer

from monai_harmonize.cli.study.parallel import Clock, needed_stages, run_in_parallel
from monai_harmonize.cli.study.stage import Stage
from monai_harmonize.data import InputError


def write(path: Path, sources: tuple[Path, ...], partner: Path | None = None) -> None:
    """What the steps before left, and the own name, once the partner has begun, too."""
    text = "".join(source.read_text() for source in sources) + path.name
    path.with_suffix(".process").write_text(str(os.getpid()))
    if partner is not None:
        until(partner.with_suffix(".process").exists, 60)
    path.write_text(text)


def until(true, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def stage(folder: Path, name: str, *needs: str, work=None, partner: str | None = None) -> Stage:
    paths = tuple(folder / need for need in needs)
    other = None if partner is None else folder / partner
    done = partial(write, folder / name, paths, other) if work is None else work
    return Stage(name, folder / f"{name}.done.json", dict, done, (folder / name,), needs=paths)


def diamond(folder: Path) -> list[Stage]:
    """Each of the middle ones waits until the other has begun."""
    middle = [stage(folder, name, "a", partner=other) for name, other in ("bc", "cb")]
    return [stage(folder, "a"), *middle, stage(folder, "d", "b", "c")]


def failing(folder: Path) -> list[Stage]:
    return [stage(folder, "a"), stage(folder, "b", "a", work=refuse), stage(folder, "c", "b")]


def refuse() -> None:
    try:
        raise InputError("image.nii: is damaged; get it again.")
    except InputError as error:
        raise RuntimeError("applying transform") from error


def ended(folder: Path) -> list[Stage]:
    return [stage(folder, "a", work=partial(os._exit, 9)), stage(folder, "b", "a")]


def endless(folder: Path) -> list[Stage]:
    return [stage(folder, "a"), stage(folder, "b", "a", work=partial(beat, folder / "beat"))]


def beat(path: Path) -> None:
    while True:
        path.write_text(str(time.time()))
        time.sleep(0.05)


def test_what_each_step_waits_for(tmp_path: Path) -> None:
    assert needed_stages(diamond(tmp_path)) == {0: set(), 1: {0}, 2: {0}, 3: {1, 2}}
    with pytest.raises(ValueError, match=r"'b' needs .*a, which no step before it leaves"):
        needed_stages(diamond(tmp_path)[1:])


def test_time_left() -> None:
    """Two of four steps of 60 s took twice as long; two processes share the rest."""
    now = [100.0]
    clock = Clock([60, 60, 60, 60], 2, lambda: now[0])
    assert str(clock) == "0:00, about 2 min left"
    now[0] = 225.0
    for _ in range(2):
        clock.finish(60, 120, skipped=False)
    assert str(clock) == "2:05, about 2 min left"
    clock.finish(60, 0, skipped=True)  # says nothing of the pace
    assert str(clock) == "2:05, about 1 min left"
    clock.finish(60, 120, skipped=False)
    assert str(clock) == "2:05, less than a minute left"


@pytest.mark.long
def test_steps_run_in_the_order_of_need_once_and_side_by_side(tmp_path: Path, capsys) -> None:
    run_in_parallel(partial(diamond, tmp_path))
    assert (tmp_path / "d").read_text() == "abacd"
    processes = [(tmp_path / f"{name}.process").read_text() for name in "bc"]
    assert len({*processes, str(os.getpid())}) == 3
    assert "[4/4, " in capsys.readouterr().err
    assert "TQDM_DISABLE" not in os.environ


@pytest.mark.long
def test_the_cause_of_a_failure_reaches_the_user(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^image.nii: is damaged; get it again\.$"):
        run_in_parallel(partial(failing, tmp_path))
    assert (tmp_path / "a").is_file()
    assert not (tmp_path / "c").exists()
    assert not (tmp_path / "b.done.json").exists()
    with pytest.raises(InputError, match="memory"):
        run_in_parallel(partial(ended, tmp_path / "other"))


@pytest.mark.long
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_no_step_outlives_the_command(tmp_path: Path, signal_number: int) -> None:
    """Else an orphan would write where the next call works."""
    code = f"import test_study_parallel as steps\nif __name__ == '__main__':\n    steps.main({str(tmp_path)!r})\n"
    file = tmp_path / "command.py"
    file.write_text(code)
    # PYTHONPATH for the workers, which start from nothing.
    paths = os.pathsep.join([str(Path.cwd()), str(Path("tests/cli").absolute()), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths}
    command = subprocess.Popen([sys.executable, str(file)], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        until((tmp_path / "beat").exists, 90)
        command.send_signal(signal_number)
        _, told = command.communicate(timeout=60)
    finally:
        command.kill()
    time.sleep(1)
    last = (tmp_path / "beat").read_text()
    time.sleep(0.5)
    assert (tmp_path / "beat").read_text() == last
    assert not (tmp_path / "b.done.json").exists()
    if signal_number == signal.SIGINT:
        assert "the same command continues" in told
        assert command.returncode == 130


def main(folder: str) -> None:
    """The endless study as a command."""
    try:
        run_in_parallel(partial(endless, Path(folder)))
    except typer.Exit as error:
        sys.exit(error.exit_code)
