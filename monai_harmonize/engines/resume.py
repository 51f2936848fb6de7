"""Exact resume: a training that was killed and started again ends with the same bits."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.distributed as dist
from filelock import FileLock, Timeout
from ignite.engine import Engine, Events
from torch import nn

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.tensor_file import read_tensors
from monai_harmonize.engines.objective_trainer import unwrap

__all__ = ["RandomState", "ResumeHandler", "Stateful", "save_atomically"]

logger = logging.getLogger(__name__)

LOCK = ".training.lock"
# Loading processes of a training that was killed end, and let go of its folder, some seconds after it.
PATIENCE = 10.0


class Stateful(Protocol):
    """Anything whose whole state fits in tensors and plain types."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any:
        """Continue from a state."""


class RandomState:
    """Random generators of Python, NumPy and PyTorch (CPU and every CUDA device) as one state."""

    def state_dict(self) -> dict[str, Any]:
        """Return all states as tensors and plain types."""
        name, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)  # noqa: NPY002 - the global state is what is saved
        return {
            "python": random.getstate(),
            "numpy": (name, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, gauss),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        random.setstate(state["python"])
        name, keys, position, has_gauss, gauss = state["numpy"]
        np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, gauss))  # noqa: NPY002
        torch.set_rng_state(state["torch"])
        if torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["cuda"])


class ResumeHandler:
    """Save the whole training state after every epoch and continue from it at the next start.

    Place it last among the trainer's handlers, so that schedulers and validation of the epoch are included. The file
    holds tensors and plain types only and is loaded with ``weights_only=True``; it is replaced atomically, so that a
    kill at any moment leaves the last complete one. Other processes are kept out of its folder meanwhile, since two
    trainings would each continue the other's state.

    Args:
        path: the state file.
        shared: what all processes have in common, by name: networks, optimizers, schedulers, the best score.
        per_rank: what each process has of its own, by name: replay pools, random states.
        fingerprint: plain values that must agree on resume (sites, network, seed); a difference is an error.
        every: epochs between two saves; the last epoch is always saved.

    Raises:
        InputError: at the start of training, when the file belongs to another configuration or number of processes, or
            another training works in its folder.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        shared: Mapping[str, Stateful],
        per_rank: Mapping[str, Stateful],
        fingerprint: Mapping[str, Any] | None = None,
        every: int = 1,
    ) -> None:
        self.path = Path(path)
        self.shared = dict(shared)
        self.per_rank = dict(per_rank)
        self.fingerprint = dict(fingerprint or {})
        self.every = every
        # One for all handlers of this process, and gone with it, however it ends.
        self.lock = FileLock(self.path.with_name(LOCK), thread_local=False, is_singleton=True)

    def attach(self, engine: Engine) -> None:
        """Load when training starts and save when epochs end."""
        engine.add_event_handler(Events.STARTED, self.keep_others_out)
        engine.add_event_handler(Events.STARTED, self.load)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def keep_others_out(self) -> None:
        """Refuse to start where another process trains; of several processes of one training the first asks."""
        if dist.is_initialized() and dist.get_rank() > 0:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.lock.acquire(timeout=PATIENCE)
        except Timeout as error:
            raise InputError(
                f"{self.path.parent}: another training works there just now; wait for its end, or choose another "
                "folder with --ckpt_dir."
            ) from error

    def save(self, engine: Engine) -> None:
        """Write the state of a completed epoch; with several processes, rank 0 gathers and writes."""
        epoch = engine.state.epoch
        if epoch % self.every and epoch != engine.state.max_epochs:
            return
        mine = {name: item.state_dict() for name, item in self.per_rank.items()}
        ranks = [mine]
        if dist.is_initialized():
            ranks = [{} for _ in range(dist.get_world_size())]
            dist.all_gather_object(ranks, mine)
            if dist.get_rank() > 0:
                return
        state = {
            "trainer": {
                "epoch": epoch,
                "iteration": engine.state.iteration,
                "finished": epoch >= engine.state.max_epochs,
            },
            "fingerprint": self.fingerprint,
            "shared": {name: plain_item(item).state_dict() for name, item in self.shared.items()},
            "per_rank": ranks,
        }
        save_atomically(state, self.path)

    def load(self, engine: Engine) -> None:
        """Continue from the file if there is one and its training was interrupted."""
        if not self.path.exists():
            return
        try:
            state = read_tensors(self.path)
        except Exception as error:  # unpickling a damaged file raises whatever its bytes lead to
            raise InputError(f"{self.path}: is damaged; delete it to start anew.") from error
        if state["trainer"]["finished"]:
            logger.info("%s is of a training that ended; this one starts anew.", self.path)
            return
        if state["fingerprint"] != self.fingerprint:
            saved = state["fingerprint"]
            names = sorted(saved.keys() | self.fingerprint.keys())
            told = [(name, saved.get(name), self.fingerprint.get(name)) for name in names]
            differences = [f"{name} {before}, now {now}" for name, before, now in told if before != now]
            raise InputError(
                f"{self.path}: the saved training has {'; '.join(differences)}. "
                "Use the same configuration, or delete the file to start anew."
            )
        rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        if len(state["per_rank"]) != world:
            raise InputError(
                f"{self.path}: saved by {len(state['per_rank'])} processes, now there are {world}; "
                "use the same number, or delete the file to start anew."
            )
        for items, states in ((self.shared, state["shared"]), (self.per_rank, state["per_rank"][rank])):
            for name, item in items.items():
                self.load_item(name, item, states)
        engine.state.epoch = state["trainer"]["epoch"]
        engine.state.iteration = state["trainer"]["iteration"]
        logger.info("Resumed from %s after epoch %d of %d.", self.path, engine.state.epoch, engine.state.max_epochs)

    def load_item(self, name: str, item: Stateful, states: Mapping[str, Any]) -> None:
        """Continue one item from its state among those of the file."""
        try:
            plain_item(item).load_state_dict(states[name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise InputError(
                f"{self.path}: its {name} belongs to another configuration. "
                "Use the same configuration, or delete the file to start anew."
            ) from error


def plain_item(item: Stateful) -> Stateful:
    """Item as it is without distribution, so that files do not depend on it."""
    return unwrap(item) if isinstance(item, nn.Module) else item


def save_atomically(state: Any, path: Path) -> None:
    """Write with ``torch.save`` beside ``path``, flush to disk and rename."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        try:
            torch.save(state, file)
        except RuntimeError as error:
            # Ending the archive fails in turn and hides the interrupt; of a full disk ``atomic_path`` tells.
            if isinstance(error.__context__, KeyboardInterrupt):
                raise error.__context__ from None
            raise
        file.flush()
        os.fsync(file.fileno())
