"""A training that was killed and continued ends with the same bits."""

import errno
import io
import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines import RandomState, ResumeHandler, resume
from monai_harmonize.engines.resume import save_atomically
from monai_harmonize.networks import UNITTranslator

sys.path.insert(0, str(Path(__file__).parent))
from training import make_trainer, train_in_processes


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> dict[str, torch.Tensor]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert train_in_processes(folder) == [0]
    return torch.load(folder / "weights0.pt", weights_only=True)


@pytest.mark.parametrize(("kill", "workers"), [(1, 0), (5, 0), (7, 2), (12, 0)])
def test_killed_training_ends_with_the_same_bits(tmp_path, uninterrupted, kill: int, workers: int) -> None:
    assert train_in_processes(tmp_path, kill=kill) == [-9]
    assert train_in_processes(tmp_path, workers=workers) == [0]
    resumed = torch.load(tmp_path / "weights0.pt", weights_only=True)
    assert resumed.keys() == uninterrupted.keys()
    for name, value in uninterrupted.items():
        assert torch.equal(resumed[name], value), name


def test_two_kills_in_a_row(tmp_path, uninterrupted) -> None:
    assert [train_in_processes(tmp_path, kill=kill) for kill in (4, 8, 0)] == [[-9], [-9], [0]]
    resumed = torch.load(tmp_path / "weights0.pt", weights_only=True)
    assert all(torch.equal(resumed[name], value) for name, value in uninterrupted.items())


def test_accumulated_gradients_do_not_get_lost(tmp_path) -> None:
    """Two iterations make a step, three an epoch: the state saved in between is complete all the same."""
    assert train_in_processes(tmp_path / "whole", accumulation_steps=2) == [0]
    killed = [train_in_processes(tmp_path / "killed", accumulation_steps=2, kill=kill) for kill in (5, 0)]
    assert killed == [[-9], [0]]
    whole, resumed = (torch.load(tmp_path / f / "weights0.pt", weights_only=True) for f in ("whole", "killed"))
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())


def test_modules_that_networks_share_and_the_noise_of_codes_continue(tmp_path) -> None:
    assert train_in_processes(tmp_path / "whole", unit=UNITTranslator) == [0]
    killed = [train_in_processes(tmp_path / "killed", unit=UNITTranslator, kill=kill) for kill in (5, 0)]
    assert killed == [[-9], [0]]
    whole, resumed = (torch.load(tmp_path / f / "weights0.pt", weights_only=True) for f in ("whole", "killed"))
    for name, value in whole.items():
        assert torch.equal(resumed[name], value), name


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
    assert sorted(path.name for path in tmp_path.iterdir()) == [".training.lock", "resume.pt"]


@pytest.mark.parametrize("cause", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_what_ends_a_save_midway_is_told(tmp_path, monkeypatch, cause: BaseException) -> None:
    class Ending(io.FileIO):
        def write(self, data: object) -> int:
            if self.tell() > 1000:
                raise cause
            return super().write(data)

    def opened(path: Path, mode: str) -> Ending:
        return Ending(path, mode)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(type(cause)) as told:
        save_atomically({"weights": torch.rand(10000)}, tmp_path / "resume.pt")
    if isinstance(told.value, OSError):
        assert told.value.filename == str(tmp_path / "resume.pt")
    assert not list(tmp_path.iterdir())


def test_another_configuration_is_refused_and_a_finished_training_starts_anew(tmp_path) -> None:
    trainer = make_trainer(tmp_path)
    trainer.state.epoch = 2
    ResumeHandler(tmp_path / "resume.pt", {}, {}, {"site": "a", "seed": 0}).save(trainer)
    with pytest.raises(ValueError, match=r"resume\.pt: the saved training has site a, now b\. Use"):
        ResumeHandler(tmp_path / "resume.pt", {}, {}, {"site": "b", "seed": 0}).load(trainer)
    trainer.state.epoch = 4
    handler = ResumeHandler(tmp_path / "resume.pt", {}, {}, {"site": "a"})
    handler.save(trainer)
    trainer.state.epoch = 0
    handler.load(trainer)
    assert trainer.state.epoch == 0


def test_two_trainings_at_once_do_not_share_a_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(resume, "PATIENCE", 0.1)
    with FileLock(tmp_path / ".training.lock"), pytest.raises(InputError, match="another training works there"):
        make_trainer(tmp_path).run()
    assert not (tmp_path / "resume.pt").exists()
    for _ in range(2):
        make_trainer(tmp_path).run()
    assert (tmp_path / "resume.pt").exists()


def test_a_damaged_file_and_another_network_are_refused(tmp_path) -> None:
    trainer = make_trainer(tmp_path)
    trainer.state.epoch = 2
    path = tmp_path / "resume.pt"
    network = torch.nn.Linear(2, 2)
    weight = network.weight.detach()
    ResumeHandler(path, {"net": network}, {}).save(trainer)
    with pytest.raises(InputError, match=r"resume\.pt: its net belongs to another configuration"):
        ResumeHandler(path, {"net": torch.nn.Linear(3, 2)}, {}).load(trainer)
    with pytest.raises(InputError, match=r"resume\.pt: its other belongs to another configuration"):
        ResumeHandler(path, {"other": torch.nn.Linear(2, 2)}, {}).load(trainer)
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[whole.index(weight.numpy().tobytes())] ^= 255
    for content in (whole[:500], b"", b"hello", changed):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"resume\.pt: is damaged; delete it"):
            ResumeHandler(path, {}, {}).load(trainer)


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
