"""The trainer of every objective, adversarial or not; it knows no paper."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from ignite.engine import EventEnum, Events
from monai.engines import Trainer
from monai.engines.utils import IterationEvents
from monai.inferers import Inferer
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DistributedSampler

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.average_gradients import average_gradients, start_alike
from monai_harmonize.engines.replay_pool import ReplayPool
from monai_harmonize.objectives.objective import Objective

__all__ = ["ObjectiveEvents", "ObjectiveTrainer", "unwrap"]

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class ObjectiveEvents(EventEnum):
    """Moments within one iteration, for handlers.

    Gradients are freed with the step: look at them in ``Optimizer.register_step_pre_hook``.
    """

    GENERATORS_STEPPED = "generators_stepped"
    DISCRIMINATORS_STEPPED = "discriminators_stepped"


class ObjectiveTrainer(Trainer):
    """Alternate generator and discriminator steps of an ``Objective``.

    Each group of loss terms is backpropagated by itself, so that only one group's graph is alive, and the networks of
    the other side are frozen meanwhile. With a ``generator_interval`` of n, as in WGAN, the discriminator steps in
    every iteration and the generator in every n-th. ``engine.state.output`` holds ``losses`` (floats by term) and the
    batch with what the objective added to it. With several processes, gradients of networks that are not in a
    ``DistributedDataParallel`` shell are averaged before a step.

    Args:
        device: where to train; networks are expected to be there.
        max_epochs: epochs to train.
        train_data_loader: yields dicts of image tensors ``(B, C, H, W[, D])`` in [-1, 1].
        objective: networks and losses.
        generator_optimizer: optimizer of the generators' parameters.
        discriminator_optimizer: optimizer of the discriminators' parameters; ``None`` for an objective without them.
        replay_pools: by batch key, histories that the discriminator step reads instead of the fresh images.
        averages: by network name, exponential moving averages updated after each generator step.
        precision: ``"float32"``, or the autocast type ``"bfloat16"`` or ``"float16"`` (CUDA, with loss scaling).
        gradient_scaler: loss scaling, given from outside so that its state can be saved; made here if missing.
        channels_last: keep networks and 2D images in that memory format.
        accumulation_steps: iterations whose gradients make one optimizer step; an epoch's last step may have fewer.
        generator_interval: iterations of which only the last one has a generator step; counted over the whole training.
        inferer: kept for the bundle's ``train#inferer``; objectives call their networks themselves.
        train_handlers: MONAI or ignite handlers.
        kwargs: further arguments of ``monai.engines.Trainer``.

    Raises:
        InputError: an unknown precision, float16 without CUDA, fewer than one epoch, accumulation step or generator
            interval, discriminators without an optimizer, or what the generator step of each iteration is needed for
            (replay pools, accumulated gradients) with a longer interval.
    """

    def __init__(
        self,
        device: torch.device | str,
        max_epochs: int,
        train_data_loader: Iterable[dict[str, Tensor]],
        objective: Objective,
        generator_optimizer: Optimizer,
        discriminator_optimizer: Optimizer | None = None,
        replay_pools: Mapping[str, ReplayPool] | None = None,
        averages: Mapping[str, AveragedModel] | None = None,
        precision: str = "float32",
        gradient_scaler: torch.amp.GradScaler | None = None,
        channels_last: bool = False,
        accumulation_steps: int = 1,
        generator_interval: int = 1,
        inferer: Inferer | None = None,
        train_handlers: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            device=device,
            max_epochs=max_epochs,
            data_loader=train_data_loader,
            prepare_batch=move_images,
            event_names=[ObjectiveEvents],
            decollate=False,
            **kwargs,
        )
        device_type = torch.device(device).type
        if max_epochs < 1:
            raise InputError(f"epochs is {max_epochs}; expected 1 or more.")
        if precision not in PRECISIONS:
            raise InputError(f"precision is {precision!r}; expected one of {sorted(PRECISIONS)}.")
        if precision == "float16" and device_type != "cuda":
            raise InputError(f"precision 'float16' needs CUDA, the device is {device_type}; use 'bfloat16'.")
        if accumulation_steps < 1:
            raise InputError(f"accumulation_steps is {accumulation_steps}; expected 1 or more.")
        if generator_interval < 1:
            raise InputError(f"generator_interval is {generator_interval}; expected 1 or more.")
        if generator_interval > 1 and (replay_pools or accumulation_steps > 1 or discriminator_optimizer is None):
            raise InputError(
                f"generator_interval is {generator_interval}; expected 1 with replay pools, accumulation_steps "
                f"{accumulation_steps} or without discriminators."
            )
        if objective.discriminators and discriminator_optimizer is None:
            raise InputError(f"{sorted(objective.discriminators)} have no optimizer; give discriminator_optimizer.")
        self.objective = objective
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.replay_pools = dict(replay_pools or {})
        self.averages = dict(averages or {})
        self.accumulation_steps = accumulation_steps
        self.generator_interval = generator_interval
        self.inferer = inferer
        self.precision = precision
        scaling = torch.amp.GradScaler(device_type, enabled=precision == "float16")
        self.gradient_scaler = scaling if gradient_scaler is None else gradient_scaler
        self.channels_last = channels_last
        if channels_last:
            for network in objective.networks.values():
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._register_handlers(train_handlers or ())
        # After the handlers, since one of them may set the epoch of a resumed training.
        self.add_event_handler(Events.STARTED, self._announce_epoch)
        self.add_event_handler(Events.STARTED, lambda: start_alike(objective.networks.values()))
        self.add_event_handler(Events.EPOCH_COMPLETED, self._announce_epoch)

    def run(self) -> None:
        """Train until ``max_epochs``; a second call continues."""
        # The base class would build a gradient scaler of its own here.
        super(Trainer, self).run()

    def _announce_epoch(self) -> None:
        # Ignite opens the first data iterator before its EPOCH_STARTED, too late for prefetching workers.
        sampler = getattr(self.data_loader, "sampler", None)
        if isinstance(sampler, DistributedSampler):
            sampler.set_epoch(self.state.epoch + 1)

    def _autocast(self) -> torch.autocast:
        device_type = self.state.device.type
        return torch.autocast(device_type, PRECISIONS[self.precision], enabled=self.precision != "float32")

    def _iteration(self, engine: Any, batchdata: dict[str, Tensor]) -> dict[str, Any]:
        batch = self.prepare_batch(
            batchdata,
            self.state.device,
            self.non_blocking,
            channels_last=self.channels_last,
            **self.to_kwargs,
        )
        objective = self.objective
        for network in objective.networks.values():
            network.train()
        # Counted anew in each epoch, so that no gradient waits while the state is saved.
        length = engine.state.epoch_length or engine.state.iteration + 1
        place = (engine.state.iteration - 1) % length
        first = place % self.accumulation_steps == 0
        last = place + 1 == length or (place + 1) % self.accumulation_steps == 0

        losses: dict[str, Tensor] = {}
        if engine.state.iteration % self.generator_interval == 0:
            losses |= self._step(
                objective.generator_losses(batch),
                self.generator_optimizer,
                objective.generators,
                objective.discriminators,
                first,
                last,
            )
            if last:
                for name, average in self.averages.items():
                    average.update_parameters(unwrap(objective.networks[name]))
            engine.fire_event(ObjectiveEvents.GENERATORS_STEPPED)

        if self.discriminator_optimizer is not None:
            shown = {**batch, **{key: pool(batch[key]) for key, pool in self.replay_pools.items()}}
            losses |= self._step(
                objective.discriminator_losses(shown),
                self.discriminator_optimizer,
                objective.discriminators,
                objective.generators,
                first,
                last,
            )
            # What the step added is shown to handlers, what it took from a pool is not.
            batch = {**shown, **batch}
        if last:
            self.gradient_scaler.update()
        engine.fire_event(ObjectiveEvents.DISCRIMINATORS_STEPPED)

        engine.state.output = {"losses": {name: float(value) for name, value in losses.items()}, **batch}
        engine.fire_event(IterationEvents.MODEL_COMPLETED)
        output: dict[str, Any] = engine.state.output
        return output

    def _step(
        self,
        groups: Iterator[dict[str, Tensor]],
        optimizer: Optimizer,
        trained: Mapping[str, nn.Module],
        frozen: Mapping[str, nn.Module],
        first: bool,
        last: bool,
    ) -> dict[str, Tensor]:
        """Backpropagate group by group and step; return the unweighted terms, detached."""
        if first:
            optimizer.zero_grad(set_to_none=True)
        losses: dict[str, Tensor] = {}
        with frozen_networks(frozen.values()):
            while True:
                with self._autocast():
                    group = next(groups, None)
                    if group is None:
                        break
                    total = self.objective.weighted_sum(group) / self.accumulation_steps if group else None
                if total is not None:
                    self.gradient_scaler.scale(total).backward()  # type: ignore[no-untyped-call]
                losses |= {name: value.detach() for name, value in group.items()}
        if last and losses:
            average_gradients(trained.values())
            self.gradient_scaler.step(optimizer)
            # Not only before the next step: the other side's step needs the memory.
            optimizer.zero_grad(set_to_none=True)
        return losses


class frozen_networks(ExitStack):  # noqa: N801 - reads as a statement
    """Context in which no parameter of the networks asks for a gradient; DDP does not wait for them either."""

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        super().__init__()
        self.networks = list(networks)

    def __enter__(self) -> frozen_networks:
        """Freeze, remembering what was frozen before."""
        for network in self.networks:
            trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
            for parameter in trained:
                parameter.requires_grad_(False)
                self.callback(parameter.requires_grad_, True)
            if isinstance(network, DistributedDataParallel):
                self.enter_context(network.no_sync())
        return self


def unwrap(network: nn.Module) -> nn.Module:
    """Network without its ``DistributedDataParallel`` shell."""
    return network.module if isinstance(network, DistributedDataParallel) else network


def move_images(
    batch: Mapping[str, Any],
    device: torch.device | str | None = None,
    non_blocking: bool = False,
    channels_last: bool = False,
    **kwargs: Any,
) -> dict[str, Tensor]:
    """Tensors of a batch as plain tensors on the device; entries that are no tensors stay behind."""
    images = {key: torch.as_tensor(value) for key, value in batch.items() if isinstance(value, Tensor)}
    images = {key: value.as_subclass(Tensor) for key, value in images.items()}
    moved = {key: value.to(device=device, non_blocking=non_blocking, **kwargs) for key, value in images.items()}
    if not channels_last:
        return moved
    # Numbers that come with the images have no such format.
    return {k: v.to(memory_format=torch.channels_last) if v.ndim == 4 else v for k, v in moved.items()}
