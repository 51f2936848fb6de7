"""The bar of a training: place, losses, time left."""

import re

import pytest
from ignite.engine import Engine
from tqdm import tqdm

from monai_harmonize.engines import TrainingProgress, progress


@pytest.fixture
def live(monkeypatch) -> None:
    """Write at every step, as tests have no time to wait."""
    monkeypatch.setattr(progress, "tqdm", lambda **options: tqdm(**{**options, "mininterval": 0, "miniters": 1}))


def train(losses: list[float], follower: TrainingProgress, epochs: int = 2, start: int = 0) -> Engine:
    """Engine of as many iterations per epoch as there are losses."""
    engine = Engine(lambda _, loss: {"losses": {"cycle": loss}} if loss >= 0 else 1 / 0)
    follower.attach(engine)
    if start:
        engine.load_state_dict({"iteration": start, "epoch_length": len(losses), "max_epochs": epochs})
    engine.run(losses, max_epochs=epochs)
    return engine


def lines(text: str) -> list[str]:
    return [line for line in re.split(r"[\r\n]+", text) if line.strip()]


def test_every_step_is_counted_with_the_time_left(live, capsys) -> None:
    train([1.0, 2.0, 3.0, 4.0], TrainingProgress(every=1))
    told = lines(capsys.readouterr().err)
    counts = [int(number) for line in told for number in re.findall(r" (\d+)/8 ", line)]
    assert sorted(set(counts)) == list(range(9))
    assert counts == sorted(counts)
    left = r"epoch [12]/2: .*\[\d\d:\d\d<\d\d:\d\d, +[\d.]+(step/s|s/step), cycle=[\d.]+\]"
    assert all(re.search(left, line) for line in told[1:])
    assert "epoch 2/2: 100%" in told[-1]
    assert "<00:00" in told[-1]


def test_losses_are_running_means_shown_now_and_then(live, capsys) -> None:
    follower = TrainingProgress(smoothing=0.25, every=2)
    train([1.0, 3.0, 0.0, 8.0], follower, epochs=1)
    # 1, then 0.75 * 1 + 0.25 * 3 = 1.5, then 0.75 * 1.5 = 1.125, then 0.75 * 1.125 + 0.25 * 8.
    assert follower.means == {"cycle": 2.84375}
    told = capsys.readouterr().err
    shown = re.findall(r"cycle=([\d.]+)", told)
    assert list(dict.fromkeys(shown)) == ["1.500", "2.844"]


def test_a_resumed_training_starts_where_it_stands(live, capsys) -> None:
    train([1.0, 2.0, 3.0], TrainingProgress(), epochs=3, start=6)
    told = lines(capsys.readouterr().err)
    assert "6/9" in told[0]
    assert "epoch 3/3" in told[-1]
    assert "9/9" in told[-1]


def test_the_bar_is_closed_at_the_end_and_a_new_training_gets_a_new_one(capsys) -> None:
    follower = TrainingProgress()
    for _ in range(2):
        train([1.0], follower)
        assert follower.bar is None
    assert capsys.readouterr().err.count("100%") == 2


def test_an_error_closes_the_bar_and_goes_on_its_way(capsys) -> None:
    follower = TrainingProgress()
    with pytest.raises(ZeroDivisionError):
        train([1.0, -1.0], follower)
    assert follower.bar is None
    assert "1/4" in capsys.readouterr().err


@pytest.mark.parametrize(("terminal", "interval"), [(True, 0.5), (False, 15.0)])
def test_a_log_file_gets_a_line_now_and_then(monkeypatch, terminal: bool, interval: float) -> None:
    made = []
    monkeypatch.setattr(progress, "tqdm", lambda **options: made.append(options) or tqdm(**options, disable=True))
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: terminal, raising=False)
    train([1.0], TrainingProgress())
    assert made[0]["mininterval"] == interval
