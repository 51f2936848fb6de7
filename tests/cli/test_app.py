"""Names, help and exit codes of the commands."""

import pytest

from monai_harmonize import __version__

COMMANDS = (
    "harmonize", "fit", "evaluate", "demo-data",
    "manifest build", "manifest check", "bundles list", "bundles check",
)  # fmt: skip


def test_version_and_help(cli) -> None:
    assert cli("--version").output.strip() == __version__
    text = cli("--help").output
    assert all(name.split()[0] in text for name in COMMANDS)
    assert all(f"{code} " in text for code in (0, 1, 2, 3, 130))
    assert "phantoms" not in text


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_has_an_example(cli, name: str) -> None:
    done = cli(*name.split(), "--help")
    assert done.exit_code == 0
    assert f"Example: monai-harmonize {name} " in " ".join(done.output.split()) + " "


@pytest.mark.parametrize(
    "arguments",
    [
        ("harmonize", "scan.dcm"),
        ("harmonize", "scan.dcm", "--output", "out", "--on-fail", "perhaps"),
        ("harmonize", "scan.dcm", "--output", "out", "--workers", "-1"),
        ("harmonize", "scan.dcm", "--output", "out", "--project", "g7"),
        ("fit", "--source", "a", "--output", "out"),
        ("nothing",),
    ],
)
def test_wrong_usage(cli, arguments: tuple[str, ...]) -> None:
    assert cli(*arguments).exit_code == 2


@pytest.mark.slow
def test_wrong_input_is_one_message_without_a_traceback(command, tmp_path) -> None:
    done = command("harmonize", tmp_path / "none.dcm", "--output", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "none.dcm" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
