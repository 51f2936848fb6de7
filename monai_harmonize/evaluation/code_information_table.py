"""Which visible factor each code of a generator controls, as a table."""

from __future__ import annotations

import logging
import os
from dataclasses import astuple, fields
from pathlib import Path

import pandas as pd
import torch
from ignite.engine import Engine, Events
from monai.data import DataLoader
from torch import Tensor, nn

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.latent_code import LatentCode
from monai_harmonize.data.latent_codes import LatentCodes
from monai_harmonize.metrics.code_information import CodeInformation, code_information
from monai_harmonize.metrics.visible_factors import visible_factors

__all__ = ["CodeInformationTable", "information_of_codes"]

logger = logging.getLogger(__name__)


class CodeInformationTable:
    """Handler that draws samples at the end of an evaluator's run and writes ``information_of_codes`` of them.

    Args:
        path: the CSV file.
        network: generator, with its weights by then; on the device of the engine.
        code: layout of its codes.
        samples: how many are drawn.
        batch_size: how many at once.
        seed: of the codes, and of the permutations.
        permutations: see ``code_information``.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        network: nn.Module,
        code: LatentCode,
        samples: int = 1000,
        batch_size: int = 16,
        seed: int = 0,
        permutations: int = 19,
    ) -> None:
        self.path = Path(path)
        self.network = network
        self.code = code
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.permutations = permutations

    def attach(self, engine: Engine) -> None:
        """Work at the end of the run."""
        engine.add_event_handler(Events.COMPLETED, self.write)

    @torch.no_grad()
    def write(self) -> None:
        """Draw, measure, write, and tell the strongest factor of each code."""
        device = next(self.network.parameters()).device
        self.network.eval()
        batches = DataLoader(LatentCodes(self.code, self.samples, self.seed), batch_size=self.batch_size)
        drawn = [(batch["code"], self.network(batch["code"].to(device)).cpu()) for batch in batches]
        codes, images = (torch.cat(parts) for parts in zip(*drawn, strict=True))
        table = information_of_codes(self.code, codes, images, self.permutations, self.seed)
        with atomic_path(self.path) as temporary:
            table.to_csv(temporary, index=False)
        for name, rows in table.groupby("code", sort=False):
            best = rows.loc[rows["nats"].idxmax()]
            told = (name, best.factor, best.nats, best.low, best.high, best.chance)
            logger.info("%s tells most of %s: %.2f nats (95 %% interval %.2f to %.2f, chance %.2f)", *told)


def information_of_codes(
    code: LatentCode, codes: Tensor, images: Tensor, permutations: int = 19, seed: int = 0
) -> pd.DataFrame:
    """Mutual information of every code but the noise with every visible factor.

    Args:
        code: layout of the codes.
        codes: ``(B, channels, 1, 1)``.
        images: drawn from them, ``(B, 1, W, H)`` in [-1, 1].
        permutations: see ``code_information``.
        seed: see ``code_information``.

    Returns:
        ``code``, ``factor`` and the fields of ``CodeInformation``; a row for each pair.
    """
    values = {
        f"category {place + 1}": (code.category(codes, place).argmax(1), True) for place in range(len(code.categories))
    }
    values |= {f"code {place + 1}": (numbers, False) for place, numbers in enumerate(code.numbers(codes).unbind(1))}
    rows = []
    for name, (value, categorical) in values.items():
        for factor, seen in visible_factors(images).items():
            found = code_information(value.numpy(), seen.numpy(), categorical, permutations, seed)
            rows.append((name, factor, *astuple(found)))
    return pd.DataFrame(rows, columns=["code", "factor", *(field.name for field in fields(CodeInformation))])
