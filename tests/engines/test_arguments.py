"""Misspelt options of a bundle run."""

import json

import pytest

from monai_harmonize.data import InputError
from monai_harmonize.engines.arguments import known_arguments


@pytest.fixture
def files(tmp_path) -> list[str]:
    contents = {"train.json": {"epochs": 2, "network_def": {"channels": 4}}, "overlay.json": {"extra": 1}}
    for name, content in contents.items():
        (tmp_path / name).write_text(json.dumps(content))
    return [str(tmp_path / name) for name in contents]


def test_known_options_pass(files) -> None:
    known_arguments(["run", "--config_file", files[0], "--epochs", "3", "--network_def#channels", "8"])
    known_arguments(
        ["run", "--config_file", str(files), "--extra=3", "--network_def::norm", "batch", "--run_id", "run"]
    )
    known_arguments(["pytest", "--durations=15"])


@pytest.mark.parametrize("arguments", [["--epohcs", "3"], ["--epohcs=3"], ["--epohcs#a", "1"]])
def test_unknown_option_is_refused_with_the_valid_ones(files, arguments) -> None:
    with pytest.raises(InputError, match=r"epohcs.*Did you mean epochs\?.*network_def"):
        known_arguments(["run", "--config_file", files[0], *arguments])
    with pytest.raises(InputError, match="extra"):
        known_arguments(["run", f"--config_file={files[0]}", "--extra", "1"])
