"""What discriminators say in their own step about real and about generated images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from monai_harmonize.engines.watch.measures import separation

__all__ = ["JudgementProbe"]

# Patches of an image that are looked at.
MOST_PATCHES = 1024


class JudgementProbe:
    """Logits of discriminators, caught as the discriminator step computes them; no network runs once more.

    An image of the batch is a real one; any other that the step shows is a generated one, fresh or from a replay pool.

    Args:
        discriminators: by name; the last of several outputs is the logit map.
        real: by the same names, batch key of the real images.
    """

    def __init__(self, discriminators: Mapping[str, nn.Module], real: Mapping[str, str]) -> None:
        self.discriminators = dict(discriminators)
        self.real = dict(real)
        self.looking = False
        self.caught: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in discriminators}
        self.looks: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in discriminators}
        self.hooks: list[Any] = []

    def start(self) -> None:
        """Listen from now on."""
        for name, network in self.discriminators.items():

            def catch(network: nn.Module, images: tuple[Tensor, ...], output: Any, name: str = name) -> None:
                # In the generators' step they are frozen.
                if self.looking and any(parameter.requires_grad for parameter in network.parameters()):
                    logits = output[-1] if isinstance(output, list | tuple) else output
                    self.caught[name].append((images[0], thinned(logits.detach())))

            self.hooks.append(network.register_forward_hook(catch))

    def stop(self) -> None:
        """Listen no more."""
        for hook in self.hooks:
            hook.remove()
        self.hooks.clear()

    def look(self, batch: Mapping[str, Any]) -> None:
        """Sort what was said in this iteration by the images of its batch."""
        for name, caught in self.caught.items():
            real = [logits for image, logits in caught if image is batch[self.real[name]]]
            generated = [logits for image, logits in caught if image is not batch[self.real[name]]]
            if real and generated:
                self.looks[name].append((torch.cat(real), torch.cat(generated)))
            caught.clear()

    def take(self) -> dict[str, float]:
        """``separation`` of all patches since the last call; discriminators that said nothing are left out."""
        seen = {}
        for name, looks in self.looks.items():
            if looks:
                real, generated = (torch.cat(part).float().cpu().numpy() for part in zip(*looks, strict=True))
                seen[name] = separation(real, generated)
            looks.clear()
        return seen


def thinned(logits: Tensor) -> Tensor:
    """Evenly chosen logits as a vector of at most 1024."""
    flat = logits.reshape(-1)
    return flat[:: -(-len(flat) // MOST_PATCHES)]
