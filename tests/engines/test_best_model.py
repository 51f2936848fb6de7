"""The best weights so far, as flat files."""

import logging
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from ignite.engine import Engine
from torch import nn
from torch.optim.swa_utils import AveragedModel

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines import BestModelSaver
from monai_harmonize.engines.weights import trained_setting, trained_settings
from monai_harmonize.networks import ResNetGenerator


class Weight(nn.Module):
    """A network of one number."""

    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))


def validate(saver: BestModelSaver, network: Weight, scores: list[float]) -> list[float]:
    """Train to 1, 2, 3, ..., score each, return what the file holds after each."""
    saved = []
    evaluator = Engine(lambda *_: None)
    saver.attach(evaluator)
    for value, score in enumerate(scores, 1):
        network.value.data.fill_(value)
        evaluator.state.metrics["distance"] = score
        evaluator.run([0])
        file = saver.directory / "model.pt"
        saved.append(float(torch.load(file, weights_only=True)["value"]) if file.exists() else 0.0)
    return saved


@pytest.mark.parametrize(
    ("mode", "scores", "expected"),
    [
        ("min", [3.0, 2.0, 2.5, 2.0, 1.0], [1, 2, 2, 4, 5]),
        ("max", [3.0, 2.0, 3.5, 3.5, 1.0], [1, 1, 3, 4, 4]),
        ("min", [float("nan"), 2.0, float("nan"), 1.0], [0, 2, 2, 4]),
        ("max", [float("-inf"), 0.0], [1, 2]),
    ],
)
def test_the_latest_of_the_best_stays(tmp_path, mode, scores, expected) -> None:
    network = Weight()
    saver = BestModelSaver(tmp_path / "models", {"model.pt": network}, "distance", mode)
    assert validate(saver, network, scores) == expected
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["model.pt"]


def test_scores_of_early_epochs_do_not_count(tmp_path) -> None:
    network = Weight()
    saver = BestModelSaver(tmp_path, {"model.pt": network}, "distance", from_epoch=3)
    evaluator, saved = Engine(lambda *_: None), []
    saver.attach(evaluator)
    for epoch, score in enumerate([1.0, 2.0, 5.0, 6.0, 4.0], 1):
        network.value.data.fill_(epoch)
        evaluator.state.metrics["distance"] = score
        # As MONAI's evaluators tell the epoch of the training.
        evaluator.state.epoch, evaluator.state.max_epochs = epoch - 1, epoch
        evaluator.run([0])
        saved.append(float(torch.load(tmp_path / "model.pt", weights_only=True)["value"]))
    assert saved == [1, 2, 3, 3, 5]
    assert saver.best == 4.0


def test_nan_is_told(tmp_path, caplog) -> None:
    network = Weight()
    validate(BestModelSaver(tmp_path, {"model.pt": network}, "distance"), network, [float("nan")])
    assert "Validation metric distance is NaN" in caplog.text


def test_a_resumed_training_does_not_overwrite_a_better_model(tmp_path) -> None:
    network = Weight()
    saver = BestModelSaver(tmp_path, {"model.pt": network}, "distance")
    assert saver.state_dict() == {"best": None}
    assert validate(saver, network, [2.0]) == [1]
    resumed = BestModelSaver(tmp_path, {"model.pt": network}, "distance")
    resumed.load_state_dict(saver.state_dict())
    assert validate(resumed, network, [3.0, 2.5, 1.5]) == [1, 1, 3]
    assert resumed.state_dict() == {"best": 1.5}


def test_files_are_flat_and_fit_the_plain_generator(tmp_path) -> None:
    def make() -> ResNetGenerator:
        return ResNetGenerator(2, channels=4, num_blocks=1)

    generator, other = make(), make()
    average = AveragedModel(generator)
    average.update_parameters(generator)
    saver = BestModelSaver(tmp_path, {"model.pt": average, "model_b2a.pt": other}, "distance")
    evaluator = Engine(lambda *_: None)
    evaluator.state.metrics = {"distance": torch.tensor(0.5)}
    saver.compare(evaluator)
    for name, network in (("model.pt", generator), ("model_b2a.pt", other)):
        state = torch.load(tmp_path / name, weights_only=True)
        assert all(isinstance(value, torch.Tensor) for value in state.values())
        plain = make()
        plain.load_state_dict(state)
        image = torch.rand(1, 1, 16, 16)
        assert torch.equal(plain.eval()(image), network.eval()(image))


def test_only_the_first_process_writes(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_rank", lambda: 1)
    network = Weight()
    saver = BestModelSaver(tmp_path, {"model.pt": network}, "distance")
    assert validate(saver, network, [2.0, 1.0]) == [0, 0]
    assert saver.state_dict() == {"best": 1.0}


def test_an_interrupted_write_leaves_the_file_before(tmp_path, monkeypatch) -> None:
    network = Weight()
    saver = BestModelSaver(tmp_path, {"model.pt": network}, "distance")
    validate(saver, network, [2.0])

    def full_disk(_: object, file) -> None:
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    evaluator = Engine(lambda *_: None)
    evaluator.state.metrics = {"distance": 1.0}
    with pytest.raises(OSError, match="no space"):
        saver.compare(evaluator)
    assert float(torch.load(tmp_path / "model.pt", weights_only=True)["value"]) == 1
    assert [path.name for path in Path(tmp_path).iterdir()] == ["model.pt"]


def test_progress_is_logged(tmp_path, caplog) -> None:
    network = Weight()
    with caplog.at_level(logging.INFO):
        validate(BestModelSaver(tmp_path, {"model.pt": network}, "distance"), network, [0.5, 0.75])
    assert "distance: 0.50000, the best so far; saved model.pt" in caplog.text
    assert "distance: 0.75000 (best 0.50000)" in caplog.text


def test_errors(tmp_path) -> None:
    with pytest.raises(ValueError, match="mode is 'least'; expected 'min' or 'max'"):
        BestModelSaver(tmp_path, {}, "distance", "least")
    with pytest.raises(KeyError, match="distance"):
        BestModelSaver(tmp_path, {}, "distance").compare(Engine(lambda *_: None))


def test_settings_lie_beside_the_weights(tmp_path: Path) -> None:
    network = Weight()
    validate(BestModelSaver(tmp_path, {"model.pt": network}, "distance", settings={"image_size": 64}), network, [1.0])
    assert trained_settings(tmp_path / "model.pt") == {"image_size": 64}


def test_what_was_measured_is_a_setting_of_the_best_model(tmp_path: Path) -> None:
    saver = BestModelSaver(tmp_path, {"model.pt": Weight()}, "auc", "max", {"image_size": 64}, measured=["threshold"])
    evaluator = Engine(lambda *_: None)
    for auc, threshold in ((0.7, 0.2), (0.8, 0.4), (0.75, 0.6), (0.9, float("nan"))):
        evaluator.state.metrics = {"auc": auc, "threshold": threshold}
        saver.compare(evaluator)
    assert trained_settings(tmp_path / "model.pt") == {"image_size": 64, "threshold": 0.4}
    assert trained_setting(tmp_path / "model.pt", "threshold") == 0.4
    with pytest.raises(
        InputError, match=r"model\.json: holds no rate; train with the bundle's train.json, or give --rate"
    ):
        trained_setting(tmp_path / "model.pt", "rate")
