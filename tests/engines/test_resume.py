"""A training that was killed and continued ends with the same bits."""

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_harmonize.engines import RandomState, ResumeHandler

sys.path.insert(0, str(Path(__file__).parent))
from training import make_trainer

PROGRAM = Path(__file__).parent / "training.py"


def train(folder: Path, *arguments: str) -> int:
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, PROGRAM, folder, *arguments], capture_output=True, check=False, timeout=300
    ).returncode


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> dict[str, torch.Tensor]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert train(folder) == 0
    return torch.load(folder / "weights.pt", weights_only=True)


@pytest.mark.parametrize(("kill", "workers"), [(1, 0), (5, 0), (7, 2), (12, 0)])
def test_killed_training_ends_with_the_same_bits(tmp_path, uninterrupted, kill: int, workers: int) -> None:
    assert train(tmp_path, "--kill", str(kill)) == -9
    assert train(tmp_path, "--workers", str(workers)) == 0
    resumed = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert resumed.keys() == uninterrupted.keys()
    for name, value in uninterrupted.items():
        assert torch.equal(resumed[name], value), name


def test_two_kills_in_a_row(tmp_path, uninterrupted) -> None:
    assert [train(tmp_path, "--kill", "4"), train(tmp_path, "--kill", "8"), train(tmp_path)] == [-9, -9, 0]
    resumed = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert all(torch.equal(resumed[name], value) for name, value in uninterrupted.items())


def test_the_file_is_replaced_atomically(tmp_path, monkeypatch) -> None:
    trainer = make_trainer(tmp_path)
    trainer.run()
    before = (tmp_path / "resume.pt").read_bytes()

    def full_disk(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    handler = ResumeHandler(tmp_path / "resume.pt", {}, {})
    with pytest.raises(OSError, match="no space"):
        handler.save(trainer)
    assert (tmp_path / "resume.pt").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["resume.pt"]


def test_another_configuration_is_refused_and_a_finished_training_starts_anew(tmp_path) -> None:
    trainer = make_trainer(tmp_path)
    trainer.state.epoch = 2
    ResumeHandler(tmp_path / "resume.pt", {}, {}, {"site": "a"}).save(trainer)
    with pytest.raises(ValueError, match=r"resume.pt.*'site': 'a'.*'site': 'b'"):
        ResumeHandler(tmp_path / "resume.pt", {}, {}, {"site": "b"}).load(trainer)
    trainer.state.epoch = 4
    handler = ResumeHandler(tmp_path / "resume.pt", {}, {}, {"site": "a"})
    handler.save(trainer)
    trainer.state.epoch = 0
    handler.load(trainer)
    assert trainer.state.epoch == 0


def test_random_state_covers_every_generator(tmp_path) -> None:
    def draw() -> list[float]:
        return [random.random(), float(np.random.rand()), float(np.random.randn()), float(torch.rand(()))]

    np.random.randn()  # leaves a cached second value, which belongs to the state
    state = RandomState().state_dict()
    torch.save(state, tmp_path / "state.pt")
    expected = draw()
    assert draw() != expected
    RandomState().load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert draw() == expected
