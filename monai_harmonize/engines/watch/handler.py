"""A handler that watches a training for its known illnesses."""

from __future__ import annotations

import logging
import math
import os
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch.distributed as dist
from ignite.engine import Engine, Events

from monai_harmonize.engines.objective_trainer import ObjectiveTrainer
from monai_harmonize.engines.watch.alarm import Alarm
from monai_harmonize.engines.watch.gradients import GradientProbe
from monai_harmonize.engines.watch.history import LossHistory
from monai_harmonize.engines.watch.judgements import JudgementProbe
from monai_harmonize.engines.watch.measures import falls
from monai_harmonize.engines.watch.options import WatchOptions
from monai_harmonize.engines.watch.pictures import PictureProbe
from monai_harmonize.engines.watch.record import RUNNING, WatchRecord
from monai_harmonize.engines.watch.symptoms import SYMPTOMS, limits

__all__ = ["TrainingWatch"]

logger = logging.getLogger(__name__)

# Separation up to which a discriminator is said to guess.
GUESSING = 0.55
# Distance of grey levels, in standard deviations, up to which generated images are said to have the real ones': healthy
# trainings end there, as the few images of a review are no closer to one another.
NEAR = 0.1
# Smallest size of gradients in parts of the weights that counts as a beginning, so that gradients that were none from
# the first step on have vanished, too: at a hundredth of it, those per weight are around the epsilon of Adam, 1e-8.
LEAST_REFERENCE = 1e-5
# Second symptoms of a statistic, which need no curve of their own.
SHOWN_ALREADY = {"misled", "exploded"}


class TrainingWatch:
    """See mode collapse, vanishing gradients, dominance, inversion and non-convergence, and say so once.

    Every few iterations it looks at gradients, logits and images that the training has computed anyway. Some looks
    make a review, where they are fetched from the device and each statistic is compared with its threshold. A symptom
    that lasts is told in a warning, in TensorBoard and in a file, and told again only when it is over. Weights, random
    states and losses are left as they are.

    Only the first of several processes watches; it sees its own images and the gradients of all. Of a resumed training
    the notices continue, and the reviews begin anew.

    Args:
        path: JSON file of what was noticed, see ``WatchRecord``; beside the checkpoints.
        outputs: by generator, batch keys of its images: ``generated``, ``real`` and, for a translator, ``source``.
        discriminators: by name in the objective, batch key of the real images that it judges; one that judges several
            kinds in a step, as those of a pyramid, has their keys, in that order.
        falling: loss terms that ought to fall; by term, batch key of the image whose mean absolute error it is, or
            ``None`` for another kind of term. A term that the training does not have is not missed.
        log_dir: folder of the TensorBoard events; ``None`` for none.
        options: see ``WatchOptions``.

    Raises:
        InputError: an unknown option, symptom or role of an image, a threshold on the wrong side; or, when it is
            attached, a discriminator that the objective does not have.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        outputs: Mapping[str, Mapping[str, str]],
        discriminators: Mapping[str, str | Sequence[str]] | None = None,
        falling: Mapping[str, str | None] | None = None,
        log_dir: str | os.PathLike[str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.options = WatchOptions.checked(options or {})
        self.limits = limits(self.options.thresholds)
        self.discriminators = dict(discriminators or {})
        self.record = WatchRecord(path, log_dir)
        self.pictures = PictureProbe(outputs)
        self.history = LossHistory(falling or {}, self.options.history)
        self.alarms: dict[tuple[str, str], Alarm] = {}
        self.gaps: dict[str, deque[float]] = {}

    def attach(self, engine: ObjectiveTrainer) -> None:
        """Watch a trainer from its start on."""
        objective, every = engine.objective, self.options.every
        self.judgements = JudgementProbe(objective, self.discriminators)
        generators, steps = objective.parts(objective.generators), engine.generator_interval
        self.gradients = [GradientProbe(engine.generator_optimizer, generators, every, steps)]
        if engine.discriminator_optimizer is not None:
            discriminators = objective.parts(objective.discriminators)
            self.gradients.append(GradientProbe(engine.discriminator_optimizer, discriminators, every))
        engine.add_event_handler(Events.STARTED, self.start)

    def start(self, engine: ObjectiveTrainer) -> None:
        """Begin to look, in the first process only."""
        if dist.is_initialized() and dist.get_rank() > 0:
            return
        self.fresh = True
        self.looks = self.steps = 0
        self.judgements.start()
        for probe in self.gradients:
            probe.start()
        if not engine.has_event_handler(self.look):
            engine.add_event_handler(Events.ITERATION_STARTED, self.prepare)
            engine.add_event_handler(Events.ITERATION_COMPLETED, self.look)
            engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)
            engine.add_event_handler(Events.COMPLETED, self.stop)

    def prepare(self, engine: ObjectiveTrainer) -> None:
        """Decide whether this iteration is looked at: only one in which generators step has images of theirs."""
        iteration, interval = engine.state.iteration, engine.generator_interval
        if self.fresh:
            # A resumed state is loaded after all handlers have been told of the start.
            self.fresh = False
            self.begin(iteration - 1)
        drawn, rest = divmod(iteration, interval)
        self.looking = rest == 0 and (drawn - 1) % -(-self.options.every // interval) == 0
        self.judgements.looking = self.looking
        for probe in self.gradients:
            probe.iterations = iteration

    def begin(self, done: int) -> None:
        """Begin with an empty record, or continue that of the iterations done."""
        self.record.clear()
        if done == 0:
            return
        self.record.resume(done)
        for notice in self.record.open_notices():
            self.alarm(notice["symptom"], notice["name"]).active = True
        logger.info(
            "Watch: continues after iteration %d with %d notices; what had been seen for the next review is lost.",
            done,
            len(self.record.notices),
        )

    def look(self, engine: ObjectiveTrainer) -> None:
        """Look at an iteration and, with enough of them, review."""
        output, state = engine.state.output, engine.state
        self.steps += 1
        for name, value in output["losses"].items():
            self.compare("loss_not_finite", name, float(not math.isfinite(value)), engine)
        self.history.add(output["losses"])
        if not self.looking:
            return
        self.pictures.look(output)
        self.judgements.look()
        self.history.look(output)
        self.looks += 1
        if self.looks == self.options.looks:
            self.review(engine)
            self.record.write(RUNNING, state.epoch, state.iteration)

    def review(self, engine: ObjectiveTrainer) -> None:
        """Compare all statistics with their thresholds."""
        values = self.statistics(engine)
        self.looks = self.steps = 0
        self.record.reviews += 1
        shown = {key: found for key, found in values.items() if key not in SHOWN_ALREADY}
        self.record.show(shown, engine.state.iteration)
        for key in values.keys() & SYMPTOMS.keys() if self.record.reviews > self.options.warm_up else ():
            for name, value in values[key].items():
                self.compare(key, name, value, engine)

    def statistics(self, engine: ObjectiveTrainer) -> dict[str, dict[str, float]]:
        """By symptom and name, the statistics of the looks since the last review."""
        pictures = self.pictures.take()
        values: dict[str, dict[str, float]] = {
            key: {name: getattr(one, key) for name, one in pictures.items()}
            for key in ("spread", "dependence", "gap", "rank_correlation", "flipped_edges")
        }
        for name, one in pictures.items():
            # What has nothing to do with its input is not its inversion.
            if self.limits["dependence"].beyond(one.dependence):
                values["rank_correlation"][name] = values["flipped_edges"][name] = math.nan
        values |= self.history.take()
        values["separation"] = values["misled"] = judged = self.judgements.take()
        values |= self.balance(judged, values["gap"])
        values |= {"first_layers": {}, "vanished": {}, "exploded": {}, "not_finite": {}}
        for probe in self.gradients:
            # Of a step that loss scaling leaves out the optimizer does not know.
            iterations = self.steps if engine.gradient_scaler.is_enabled() else 0
            for name, seen in probe.take(iterations // (engine.accumulation_steps * probe.interval)).items():
                values["first_layers"][name] = seen.depth
                values["not_finite"][name] = seen.not_finite
                change = self.change(name, seen.relative)
                values["vanished"][name] = values["exploded"][name] = change
        return {key: found for key, found in values.items() if found}

    def change(self, name: str, relative: float) -> float:
        """Size of a network's gradients in parts of that of the first review after the warm-up."""
        if self.record.reviews < self.options.warm_up or math.isnan(relative):
            return math.nan
        reference = self.record.references.setdefault(name, max(relative, LEAST_REFERENCE))
        return relative / reference

    def balance(self, judged: Mapping[str, float], gaps: Mapping[str, float]) -> dict[str, dict[str, float]]:
        """Who is ahead, by symptom and game.

        Being right is no dominance while the generator still comes closer to the real grey levels, or is there, and
        guessing is no blindness where there is little to see. A critic that is always right is no dominance at all:
        that is what it is for, and its gradient does not vanish.
        """
        values: dict[str, dict[str, float]] = {"dominance": {}, "blindness": {}}
        for name, separated in judged.items():
            roles, real = self.pictures.outputs, self.judgements.real[name]
            gap = max((gap for one, gap in gaps.items() if roles[one]["real"] == real), default=math.nan)
            if math.isnan(gap):
                continue
            history = self.gaps.setdefault(name, deque(maxlen=self.options.history))
            history.append(gap)
            if not self.judgements.critic:
                values["dominance"][name] = math.nan if gap <= NEAR or falls(np.array(history)) else separated
            values["blindness"][name] = gap if separated <= GUESSING else 0.0
        return values

    def alarm(self, key: str, name: str) -> Alarm:
        """Alarm of one symptom of one network or loss."""
        patience = self.options.patience if SYMPTOMS[key].patient else 1
        return self.alarms.setdefault((key, name), Alarm(self.limits[key], patience))

    def compare(self, key: str, name: str, value: float, engine: Engine) -> None:
        """Show an alarm its next value, and tell what it says."""
        alarm, state = self.alarm(key, name), engine.state
        change = alarm.review(value)
        if change is not None:
            notice = {"symptom": key, "name": name, "value": value, "threshold": alarm.limit.threshold}
            self.record.tell(change, {**notice, "epoch": state.epoch, "iteration": state.iteration})

    def save(self, engine: Engine) -> None:
        """Write what is known after an epoch."""
        self.record.write(RUNNING, engine.state.epoch, engine.state.iteration)

    def stop(self, engine: Engine) -> None:
        """Look no more and say what there was."""
        self.judgements.stop()
        for probe in self.gradients:
            probe.stop()
        needed = self.options.warm_up + self.options.patience
        self.record.close(needed, engine.state.epoch, engine.state.iteration)
