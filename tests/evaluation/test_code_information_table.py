"""The table names the code that controls a factor."""

import pandas as pd
import pytest
import torch
from ignite.engine import Engine
from torch import nn

from monai_harmonize.data import LatentCode
from monai_harmonize.evaluation.code_information_table import CodeInformationTable

LAYOUT = LatentCode(2, [2], continuous=2)


class Drawing(nn.Module):
    """Images whose level is the second continuous code, and whose right half is bright in the second class."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(0.3))

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        image = self.factor * code[:, -1:] * torch.ones(len(code), 1, 8, 8)
        image[:, :, 4:] += 0.6 * (code[:, 3:4] - 0.5)
        return image


def test_the_strongest_pairs_are_those_that_were_built_in(tmp_path, caplog) -> None:
    engine = Engine(lambda *_: None)
    CodeInformationTable(tmp_path / "table.csv", Drawing(), LAYOUT, 200, 64, permutations=19).attach(engine)
    with caplog.at_level("INFO"):
        engine.run([0])
    table = pd.read_csv(tmp_path / "table.csv").set_index(["code", "factor"])
    assert len(table) == 3 * 6
    assert table.loc[("code 2", "mean_level"), "nats"] > 1
    assert table.loc[("category 1", "centre_x"), "nats"] == pytest.approx(0.69, abs=0.05)
    assert table.loc["code 1", "nats"].max() < 0.2
    assert table.loc[("code 2", "mean_level"), "p_value"] == 0.05
    assert "code 2 tells most of" in caplog.text
