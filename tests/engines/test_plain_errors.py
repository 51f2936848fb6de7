"""What a user did wrong is told in one line, everything else with its traceback."""

import subprocess
import sys

import pytest

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.engines.plain_errors import file_error_in, input_error_in, plain_errors


def wrapped(error: Exception, explicit: bool = True) -> RuntimeError:
    """The error as a library hands it on, twice."""
    middle, outer = ValueError("applying transform"), RuntimeError("failed to instantiate")
    for inner, around in ((error, middle), (middle, outer)):
        around.__cause__, around.__context__ = (inner, inner) if explicit else (None, inner)
    return outer


@pytest.mark.parametrize("explicit", [True, False])
def test_the_users_error_is_found_behind_others(explicit: bool) -> None:
    error = ImageFileError("a.dcm", "is empty")
    assert input_error_in(wrapped(error, explicit)) is error
    assert input_error_in(error) is error
    assert input_error_in(wrapped(KeyError("x"), explicit)) is None
    assert input_error_in(None) is None


def test_the_process_ends_with_the_bare_message(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    plain_errors()
    error = wrapped(InputError("manifest.csv: 1 problem"))
    with pytest.raises(SystemExit, match="2"):
        sys.excepthook(type(error), error, None)
    assert capsys.readouterr().err == "error: manifest.csv: 1 problem\n"


def test_python_ends_with_the_exit_code_of_the_hook() -> None:
    """Which it does for ``SystemExit``, though its manual does not say so."""
    program = "from monai_harmonize.engines.plain_errors import *; from monai_harmonize.data.errors import InputError; "
    done = subprocess.run(
        [sys.executable, "-c", f"{program}plain_errors(); raise InputError('epochs is 0')"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "error: epochs is 0\n")


def test_other_errors_keep_their_traceback(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    plain_errors()
    error = wrapped(KeyError("network"))
    sys.excepthook(type(error), error, None)
    told = capsys.readouterr().err
    assert "RuntimeError: failed to instantiate" in told
    assert "KeyError: 'network'" in told
    assert "error: " not in told


def test_what_the_file_system_refuses_is_told_too(monkeypatch, capsys, tmp_path) -> None:
    """But not an error that came up while one was handled, nor one without a file."""
    with pytest.raises(IsADirectoryError) as refused:
        tmp_path.open("w")
    assert file_error_in(wrapped(refused.value)) is refused.value
    assert file_error_in(wrapped(refused.value, explicit=False)) is None
    assert file_error_in(OSError("no file")) is None
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    plain_errors()
    error = wrapped(refused.value)
    with pytest.raises(SystemExit, match="2"):
        sys.excepthook(type(error), error, None)
    assert capsys.readouterr().err == f"error: [Errno 21] Is a directory: '{tmp_path}'\n"
