"""What a training does between its steps: gradients, parameters, anything at an event."""

from collections.abc import Callable

import torch
from ignite.engine import Events
from torch import Tensor

from monai_harmonize.engines import ObjectiveEvents, ObjectiveTrainer

GENERATORS = ("generator_ab", "generator_ba")
DISCRIMINATORS = ("discriminator_a", "discriminator_b")
State = dict[str, list[Tensor | None]]


def run(trainer: ObjectiveTrainer, iterations: int) -> ObjectiveTrainer:
    """Train for a few iterations only."""
    trainer.add_event_handler(Events.ITERATION_COMPLETED(once=iterations), trainer.terminate)
    trainer.run()
    return trainer


def at(trainer: ObjectiveTrainer, event: Events | ObjectiveEvents, take: Callable[[], object]) -> list:
    """Collect a value whenever an event is fired."""
    taken: list = []
    trainer.add_event_handler(event, lambda: taken.append(take()))
    return taken


def parameters(trainer: ObjectiveTrainer) -> State:
    return {name: [p.detach().clone() for p in net.parameters()] for name, net in trainer.objective.networks.items()}


def gradients(trainer: ObjectiveTrainer) -> State:
    return {
        name: [None if p.grad is None else p.grad.clone() for p in net.parameters()]
        for name, net in trainer.objective.networks.items()
    }


def at_step(trainer: ObjectiveTrainer) -> tuple[list[State], list[State]]:
    """Collect all gradients whenever the generators', or the discriminators', optimizer is about to step."""
    taken: tuple[list[State], list[State]] = ([], [])
    for optimizer, into in zip((trainer.generator_optimizer, trainer.discriminator_optimizer), taken, strict=True):
        optimizer.register_step_pre_hook(lambda *_, into=into: into.append(gradients(trainer)))
    return taken


def same(one: list[Tensor | None], other: list[Tensor | None]) -> bool:
    return all(
        a is b or (a is not None and b is not None and torch.equal(a, b)) for a, b in zip(one, other, strict=True)
    )


def moved(one: list[Tensor], other: list[Tensor]) -> bool:
    """Whether every convolution's weights changed; a bias before an instance norm has no effect."""
    return all(not torch.equal(a, b) for a, b in zip(one, other, strict=True) if a.ndim > 1)
