"""The trainer of site harmonizers: one pass over both sites for each part, no gradient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from ignite.engine import Events
from monai.engines import Trainer
from monai.inferers import Inferer
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.spacing import pixel_spacing_of
from monai_harmonize.objectives.site_fit import SiteFit

__all__ = ["SiteFitter"]


class SiteFitter(Trainer):
    """Fit the parts of a site harmonizer one after the other; an epoch is a part.

    Args:
        device: where images are analysed.
        max_epochs: number of ``fits``.
        train_data_loader: yields dicts of ``image``, one image ``(1, C, H, W[, D])`` at a time and of any size, and
            ``of_target``, whether it belongs to the target site.
        fits: the parts in the order in which images meet them.
        inferer: kept for the bundle's ``train#inferer``; a fit applies its parts itself.
        train_handlers: MONAI or ignite handlers; at ``EPOCH_COMPLETED`` they find the part solved.
        kwargs: further arguments of ``monai.engines.Trainer``.

    Raises:
        InputError: there is no part, or ``max_epochs`` is not their number.
    """

    def __init__(
        self,
        device: torch.device | str,
        max_epochs: int,
        train_data_loader: Iterable[dict[str, Any]],
        fits: Sequence[SiteFit],
        inferer: Inferer | None = None,
        train_handlers: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if not fits or max_epochs != len(fits):
            raise InputError(f"max_epochs is {max_epochs} for {len(fits)} parts; expected one epoch per part.")
        super().__init__(device=device, max_epochs=max_epochs, data_loader=train_data_loader, decollate=False, **kwargs)
        self.fits: list[SiteFit] = list(fits)
        self.inferer = inferer
        self.add_event_handler(Events.EPOCH_STARTED, self._start)
        self.add_event_handler(Events.EPOCH_COMPLETED, self._solve)
        self._register_handlers(train_handlers or ())

    @property
    def fit(self) -> SiteFit:
        """The part of the running epoch."""
        place: int = self.state.epoch - 1
        return self.fits[place]

    def run(self) -> None:
        """Fit all parts; a second call fits them anew."""
        # The base class would build a gradient scaler of its own here.
        super(Trainer, self).run()

    def _start(self) -> None:
        self.fit.start()

    def _solve(self) -> None:
        self.fit.solve()

    @torch.no_grad()
    def _iteration(self, _: Any, batchdata: dict[str, Any]) -> dict[str, Any]:
        image = batchdata["image"]
        spacing = pixel_spacing_of(image)
        plain = torch.as_tensor(image).as_subclass(Tensor).to(self.state.device)
        add = self.fit.add_target if bool(batchdata["of_target"]) else self.fit.add_source
        add(plain, spacing)
        return {"losses": {}}
