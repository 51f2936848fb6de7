"""Trainings that are ill are noticed, one illness after the other, and a healthy one is not."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from ignite.engine import Events
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines import ObjectiveTrainer, TrainingWatch
from monai_harmonize.engines.watch.record import WatchRecord

sys.path.insert(0, str(Path(__file__).parent))
from training import make_trainer, train_in_processes, weights
from watched import FALLING, OUTPUTS, REAL, SHORT, last_values, noticed, small_generator, watched_trainer


class Ignorant(nn.Module):
    """Generator whose images have nothing to do with its inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.network = small_generator()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.network(2 * torch.rand_like(image) - 1)


class Tone(nn.Module):
    """One slope and one shift."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 1)
        nn.init.constant_(self.layer.weight, slope)
        nn.init.zeros_(self.layer.bias)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.layer(image).clamp(-1, 1)


def frozen_at_constant() -> nn.Module:
    """Generator whose last layer is zero and does not learn."""
    network = small_generator()
    network.skip = False
    network.layers[-1].requires_grad_(False)
    return network


def sigmoid_chain() -> nn.Module:
    """Deep generator of saturated layers without normalisation."""
    layers: list[nn.Module] = [nn.Conv2d(1, 4, 3, padding=1)]
    for _ in range(8):
        layers += [nn.Sigmoid(), nn.Conv2d(4, 4, 3, padding=1)]
    return nn.Sequential(*layers, nn.Sigmoid(), nn.Conv2d(4, 1, 3, padding=1), nn.Tanh())


def trained(folder: Path, **options) -> dict[str, set[str]]:
    watched_trainer(folder, **options).run()
    return noticed(folder)


def test_a_healthy_training_is_left_in_peace(tmp_path: Path, caplog) -> None:
    caplog.set_level("INFO")
    assert trained(tmp_path) == {}
    assert "Watch: nothing noticed in 4 reviews." in caplog.messages


def test_a_generator_with_a_constant_last_layer_has_collapsed(tmp_path: Path) -> None:
    found = trained(tmp_path, generators=(frozen_at_constant(), small_generator()))
    assert found["spread"] == {"generator_ab"}
    assert last_values(tmp_path)["spread"]["generator_ab"] == 0
    assert last_values(tmp_path)["spread"]["generator_ba"] > 0.3


def test_a_generator_that_ignores_its_input_is_told_from_one_that_does_not(tmp_path: Path) -> None:
    found = trained(tmp_path, generators=(Ignorant(), small_generator()), options={**SHORT, "looks": 12}, epochs=5)
    assert found["dependence"] == {"generator_ab"}


def test_a_chain_of_sigmoids_has_vanishing_gradients_in_its_first_layers(tmp_path: Path) -> None:
    found = trained(tmp_path, generators=(sigmoid_chain(), small_generator()))
    assert found["first_layers"] == {"generator_ab"}
    assert last_values(tmp_path)["first_layers"]["generator_ab"] < 1e-3
    assert last_values(tmp_path)["first_layers"]["generator_ba"] > 0.05


@pytest.mark.long
def test_a_discriminator_that_learns_a_hundred_times_faster_dominates(tmp_path: Path) -> None:
    found = trained(tmp_path, learning_rates=(4e-5, 4e-3), floor=0.4, epochs=7)
    assert found == {"dominance": {"discriminator_a", "discriminator_b"}}


def test_discriminators_that_do_not_learn_are_fooled(tmp_path: Path) -> None:
    found = trained(tmp_path, learning_rates=(1e-3, 0.0), floor=0.4)
    assert found == {"blindness": {"discriminator_a", "discriminator_b"}}


def test_inverted_generators_satisfy_the_cycle_and_are_noticed(tmp_path: Path) -> None:
    found = trained(tmp_path, generators=(Tone(-1.0), Tone(-1.0)), learning_rates=(1e-4, 1e-4))
    assert found["rank_correlation"] == found["flipped_edges"] == {"generator_ab", "generator_ba"}
    assert last_values(tmp_path)["no_better_than_grey"]["cycle_a"] < 0.1


def test_too_large_a_learning_rate_does_not_converge(tmp_path: Path) -> None:
    found = trained(tmp_path, learning_rates=(0.5, 4e-4))
    assert found["no_better_than_grey"] & {"cycle_a", "cycle_b", "identity_a", "identity_b"}


def test_a_loss_that_is_no_number_is_told_at_once(tmp_path: Path) -> None:
    trainer = watched_trainer(tmp_path, epochs=1)
    trainer.add_event_handler(Events.ITERATION_STARTED(once=3), lambda: spoil(trainer))
    trainer.run()
    notices = json.loads((tmp_path / "watch.json").read_text())["notices"]
    lost = {notice["name"]: notice["iteration"] for notice in notices if notice["symptom"] == "loss_not_finite"}
    assert lost["cycle_a"] == 3
    assert all(notice["over"] is None for notice in notices)


def spoil(trainer: ObjectiveTrainer) -> None:
    """Make the weights of a generator what too large a step would have made of them."""
    for parameter in trainer.objective.generators["generator_ab"].parameters():
        parameter.data.fill_(math.nan)


def test_gradients_that_vanish_on_the_way_are_noticed(tmp_path: Path) -> None:
    """Weighted by nothing, a loss has no gradient."""
    trainer = watched_trainer(tmp_path, generators=(Tone(0.9), Tone(0.9)), epochs=4)
    weights = trainer.objective.loss_weights

    def fade() -> None:
        weights.update({name: 1e-4 * weight for name, weight in weights.items() if not name.startswith("disc")})

    trainer.add_event_handler(Events.EPOCH_COMPLETED(once=2), fade)
    trainer.run()
    assert noticed(tmp_path)["vanished"] == {"generator_ab", "generator_ba"}


def test_a_symptom_is_told_once_and_again_when_it_is_over(tmp_path: Path, caplog) -> None:
    trainer = watched_trainer(tmp_path, generators=(Tone(-1.0), Tone(0.9)), learning_rates=(1e-4, 1e-4), epochs=7)
    generator = trainer.objective.generators["generator_ab"]
    trainer.add_event_handler(Events.EPOCH_COMPLETED(once=4), lambda: generator.layer.weight.data.fill_(0.9))
    trainer.run()
    notices = json.loads((tmp_path / "watch.json").read_text())["notices"]
    (ranks,) = [notice for notice in notices if notice["symptom"] == "rank_correlation"]
    # A review per epoch, the first of which warms up; two must agree.
    assert (ranks["name"], ranks["epoch"], ranks["iteration"], ranks["threshold"]) == ("generator_ab", 3, 24, 0.0)
    assert ranks["value"] < -0.9
    assert (ranks["over"]["epoch"], ranks["over"]["iteration"]) == (6, 48)
    assert ranks["over"]["value"] > 0.9
    told = [message for message in caplog.messages if "the rank correlation" in message]
    assert len(told) == 2
    assert told[0].startswith("Watch, epoch 3, iteration 24: inversion: generator_ab turns light into dark")
    assert "What to do: begin anew" in told[0]
    assert told[1].startswith("Watch, epoch 6, iteration 48: inversion is over")


def test_tensorboard_has_every_statistic_and_the_words(tmp_path: Path) -> None:
    trained(tmp_path, generators=(Tone(-1.0), Tone(0.9)), epochs=4)
    (path,) = (tmp_path / "events").glob("events.out.tfevents.*")
    events = EventAccumulator(str(path)).Reload()
    values = last_values(tmp_path)
    finite = {key: [name for name, value in found.items() if value is not None] for key, found in values.items()}
    shown = {f"watch/{key}/{name}" for key, names in finite.items() for name in names}
    assert set(events.Tags()["scalars"]) >= shown
    assert [event.step for event in events.Scalars("watch/spread/generator_ab")] == [8, 16, 24, 32]
    assert events.Scalars("watch/spread/generator_ab")[-1].value == pytest.approx(values["spread"]["generator_ab"])
    words = [event.tensor_proto.string_val[0].decode() for event in events.Tensors("watch/notices/text_summary")]
    assert any("generator_ab turns light into dark" in text for text in words)
    assert "watch/summary/text_summary" in events.Tags()["tensors"]


def test_a_watch_changes_no_bit_of_a_training(tmp_path: Path) -> None:
    plain, watched = make_trainer(), make_trainer()
    TrainingWatch(tmp_path / "watch.json", OUTPUTS, REAL, FALLING, tmp_path, SHORT).attach(watched)
    plain.run()
    torch.manual_seed(0)
    watched.run()
    before = weights(plain)
    assert all(torch.equal(value, before[name]) for name, value in weights(watched).items())


def test_of_a_resumed_training_the_notices_continue(tmp_path: Path, caplog) -> None:
    caplog.set_level("INFO")
    trained(tmp_path, generators=(Tone(-1.0), Tone(0.9)), learning_rates=(1e-4, 1e-4), epochs=4)
    before = json.loads((tmp_path / "watch.json").read_text())
    later = watched_trainer(tmp_path, generators=(Tone(-1.0), Tone(0.9)), learning_rates=(1e-4, 1e-4), epochs=7)
    later.add_event_handler(Events.STARTED, lambda: later.state.__dict__.update(epoch=4, iteration=32))
    caplog.clear()
    later.run()
    after = json.loads((tmp_path / "watch.json").read_text())
    assert after["notices"] == before["notices"]
    assert after["resumed_at"] == [32]
    assert after["reviews"] == 7
    assert after["references"] == before["references"]
    assert not [message for message in caplog.messages if "turns light" in message]
    assert [message for message in caplog.messages if "continues after iteration 32" in message]


def test_notices_of_what_a_resumed_training_undoes_are_forgotten(tmp_path: Path) -> None:
    record = WatchRecord(tmp_path / "watch.json", None)
    notice = {"symptom": "rise", "name": "cycle_a", "value": 1.0, "threshold": 0.5, "epoch": 1}
    record.tell("begins", {**notice, "iteration": 10})
    record.tell("ends", {**notice, "iteration": 30})
    record.tell("begins", {**notice, "iteration": 40})
    record.write("running", 4, 40)
    record.resume(20)
    assert [one["iteration"] for one in record.notices] == [10]
    assert [one["iteration"] for one in record.open_notices()] == [10]


def test_a_damaged_file_is_begun_anew(tmp_path: Path, caplog) -> None:
    (tmp_path / "watch.json").write_text("{}")
    record = WatchRecord(tmp_path / "watch.json", None)
    record.resume(20)
    assert record.notices == []
    assert record.resumed_at == [20]
    assert "begun anew" in caplog.text


def test_a_training_without_a_review_does_not_claim_to_be_healthy(tmp_path: Path, caplog) -> None:
    caplog.set_level("INFO")
    trained(tmp_path, epochs=2)
    assert any("too short to tell: 2 reviews, and a symptom must last until the 3." in text for text in caplog.messages)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"often": 1}, r"watch has \['often'\]; expected some of \['every'"),
        ({"every": 0}, "watch#every is 0; expected a whole number of 1 or more"),
        ({"looks": 2.5}, "watch#looks is 2.5"),
        ({"thresholds": {"spreads": 0.1}}, r"watch#thresholds names \['spreads'\]; expected some of"),
        ({"thresholds": {"spread": 1.5}}, "watch#thresholds#spread is 1.5; expected a number below 1"),
        ({"thresholds": {"dominance": "high"}}, "watch#thresholds#dominance is 'high'"),
        ({"thresholds": {"first_layers": -1}}, "expected a number above 0"),
        ({"thresholds": 0.1}, "watch#thresholds is 0.1; expected numbers by symptom"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        TrainingWatch(tmp_path / "watch.json", OUTPUTS, options=options)


def test_wrong_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"outputs#generator has \['fake', 'real'\]"):
        TrainingWatch(tmp_path / "watch.json", {"generator": {"fake": "fake_b", "real": "image_b"}})
    with pytest.raises(InputError, match=r"The watch names \['judge'\]; the objective has \['discriminator_a'"):
        TrainingWatch(tmp_path / "watch.json", OUTPUTS, {"judge": "image_b"}).attach(make_trainer())


def test_a_threshold_decides(tmp_path: Path) -> None:
    """A healthy training is ill by thresholds that nothing satisfies."""
    strict = {"spread": 0.999, "flipped_edges": 0.0001, "dominance": 0.76}
    options = {**SHORT, "thresholds": strict}
    found = trained(tmp_path, generators=(Tone(0.5), Tone(0.5)), learning_rates=(1e-5, 1e-3), options=options)
    assert found["spread"] == {"generator_ab", "generator_ba"}


@pytest.mark.long
def test_only_the_first_of_two_processes_watches(tmp_path: Path) -> None:
    assert train_in_processes(tmp_path, ranks=2, watch=SHORT) == [0, 0]
    assert [path.name for path in tmp_path.glob("watch*.json")] == ["watch0.json"]
    record = json.loads((tmp_path / "watch0.json").read_text())
    assert record["state"] == "ended"


@pytest.mark.parametrize("accumulation_steps", [1, 3])
def test_gradients_are_those_of_the_step(tmp_path: Path, accumulation_steps: int) -> None:
    """Norms before the steps, by hand."""
    trainer = watched_trainer(
        tmp_path, epochs=3, accumulation_steps=accumulation_steps, options={**SHORT, "warm_up": 0}
    )
    network, taken = trainer.objective.generators["generator_ba"], []

    def take(*_: object) -> None:
        weights = [p for p in network.parameters() if p.ndim > 1]
        sizes = [
            sum(float(value.double().square().sum()) for value in values)
            for values in ([p.grad for p in weights], [p.data for p in weights])
        ]
        taken.append(math.sqrt(sizes[0] / sizes[1]))

    trainer.generator_optimizer.register_step_pre_hook(take)
    trainer.run()
    record = json.loads((tmp_path / "watch.json").read_text())
    per_review = len(taken) // 3
    assert per_review == {1: 8, 3: 3}[accumulation_steps]
    assert record["references"]["generator_ba"] == pytest.approx(np.median(taken[:per_review]), rel=1e-4)
    assert record["values"]["vanished"]["generator_ba"] == pytest.approx(
        np.median(taken[-per_review:]) / np.median(taken[:per_review]), rel=1e-4
    )
    assert record["values"]["not_finite"]["generator_ba"] == 0
