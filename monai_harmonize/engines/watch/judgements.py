"""What discriminators say in their own step about real and about generated images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.watch.measures import separation
from monai_harmonize.losses import WassersteinLoss
from monai_harmonize.objectives.objective import Objective

__all__ = ["JudgementProbe"]

# Patches of an image that are looked at.
MOST_PATCHES = 1024
# Of MONAI's adversarial losses.
ARGUMENTS = ("logits", "target_is_real", "for_discriminator")


class JudgementProbe:
    """Logits of discriminators, caught where their own step computes the adversarial loss; no network runs once more.

    The loss is told whether the images are real. So it does not matter what a discriminator sees beside an image, what
    else it says, or that images come from a replay pool; penalties on mixtures of images are not counted.

    A discriminator that says more than one thing of real images in a step, such as one per level of a pyramid, plays
    as many games. They have the names ``discriminator/key`` if there is a batch key for each, and else are one.

    Args:
        objective: has ``adversarial_loss``, a module that takes the arguments of MONAI's ``PatchAdversarialLoss``.
        real: by discriminator, batch key of the real images, or the keys in the order in which they are judged.

    Raises:
        InputError: a discriminator that the objective does not have, or an objective without ``adversarial_loss``.
    """

    def __init__(self, objective: Objective, real: Mapping[str, str | Sequence[str]]) -> None:
        unknown = sorted(set(real) - set(objective.discriminators))
        if unknown:
            raise InputError(f"The watch names {unknown}; the objective has {sorted(objective.discriminators)}.")
        self.loss: Any = getattr(objective, "adversarial_loss", None)
        if real and not isinstance(self.loss, nn.Module):
            raise InputError(f"The watch names {sorted(real)}; {type(objective).__name__} has no adversarial_loss.")
        # Values of a critic have no zero: they are compared only with those of the same step.
        self.critic = isinstance(self.loss, WassersteinLoss)
        self.discriminators = {name: objective.discriminators[name] for name in real}
        self.alone = next(iter(real)) if len(objective.discriminators) == 1 and real else None
        self.real: dict[str, str] = {}
        self.games: dict[str, list[str]] = {}
        for name, keys in real.items():
            several = [keys] if isinstance(keys, str) else list(keys)
            named = {name if len(several) == 1 else f"{name}/{key}": key for key in several}
            self.real |= named
            self.games[name] = list(named)
        self.looking = False
        self.speakers: dict[int, str] = {}
        self.caught: dict[str, tuple[list[Tensor], list[Tensor]]] = {name: ([], []) for name in real}
        self.looks: dict[str, list[tuple[Tensor, Tensor]]] = {game: [] for game in self.real}
        self.hooks: list[Any] = []

    def start(self) -> None:
        """Listen from now on."""
        for name, network in self.discriminators.items():

            def remember(network: nn.Module, inputs: Any, output: Any, name: str = name) -> None:  # noqa: ARG001
                if self.looking:
                    self.speakers |= {place(part): name for part in parts(output)}

            self.hooks.append(network.register_forward_hook(remember))
        if self.discriminators and self.loss is not None:
            self.hooks.append(self.loss.register_forward_hook(self.listen, with_kwargs=True))

    def stop(self) -> None:
        """Listen no more."""
        for hook in self.hooks:
            hook.remove()
        self.hooks.clear()

    def listen(self, loss: nn.Module, given: tuple[Any, ...], named: dict[str, Any], _: Tensor) -> None:  # noqa: ARG002
        """Keep what a discriminator said, as its loss is computed."""
        if not self.looking:
            return
        arguments = dict(zip(ARGUMENTS, given, strict=False)) | named
        if not arguments["for_discriminator"]:
            return
        logits = parts([*given, *named.values()])
        name = next((self.speakers[place(part)] for part in logits if place(part) in self.speakers), self.alone)
        if name in self.caught:
            flat = torch.cat([part.detach().reshape(-1) for part in logits])
            self.caught[name][0 if arguments["target_is_real"] else 1].append(thinned(flat))

    def look(self) -> None:
        """Sort what was said in this iteration by games."""
        for name, (real, generated) in self.caught.items():
            games = self.games[name]
            if real and generated and len(games) == 1:
                self.looks[name].append((torch.cat(real), torch.cat(generated)))
            elif len(real) == len(generated) == len(games):
                for game, pair in zip(games, zip(real, generated, strict=True), strict=True):
                    self.looks[game].append(pair)
            real.clear()
            generated.clear()
        self.speakers.clear()

    def take(self) -> dict[str, float]:
        """``separation`` since the last call by game: of all patches, of a critic the mean over the looks."""
        seen = {}
        for game, looks in self.looks.items():
            pairs = [tuple(part.float().cpu().numpy() for part in pair) for pair in looks]
            if pairs and not self.critic:
                pairs = [tuple(np.concatenate(part) for part in zip(*pairs, strict=True))]
            if pairs:
                seen[game] = float(np.mean([separation(*pair) for pair in pairs]))
            looks.clear()
        return seen


def parts(output: Any) -> list[Tensor]:
    """Tensors of an output, one or several, also in lists of lists."""
    if isinstance(output, Tensor):
        return [output]
    return [part for one in output for part in parts(one)] if isinstance(output, list | tuple) else []


def place(part: Tensor) -> int:
    """Where the memory of a tensor begins; that of a part of it begins there, too."""
    return part.untyped_storage().data_ptr()


def thinned(logits: Tensor) -> Tensor:
    """Evenly chosen logits as a vector of at most 1024."""
    return logits[:: -(-len(logits) // MOST_PATCHES)]
