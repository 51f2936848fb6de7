"""What the protocol prints: numbers as people read them, nothing where there is none."""

from math import nan
from pathlib import Path

import pandas as pd
import pytest

from monai_harmonize.cli.messages import console
from monai_harmonize.cli.protocol import number, print_tables, spread
from monai_harmonize.evaluation.classification import ClassificationReport
from monai_harmonize.evaluation.classification.study import Study

SITES = {"source": "site_a", "target": "site_b"}
AREA = {"auc": 0.6172, "auc_low": 0.5294, "auc_high": 0.7105, "sensitivity": 0.333, "specificity": 0.667}


@pytest.mark.parametrize(
    ("mean", "deviation", "text"), [(0.8034, 0.0351, "0.803 ± 0.035"), (0.8, nan, "0.800"), (nan, nan, "")]
)
def test_mean_and_deviation(mean: float, deviation: float, text: str) -> None:
    assert spread(mean, deviation) == text


def test_a_number_that_is_none_is_left_out() -> None:
    assert number(0.628, ".0%") == "63%"
    assert number(nan, ".0%") == ""


def test_each_direction_gets_both_tables_of_the_paper() -> None:
    similarity = {"title": "CycleGAN", "ssim": 0.838, "ssim_sd": 0.008, "inverted": 2, "images": 64}
    paper = {"paper_ssim": 0.737, "paper_ssim_sd": 0.059}
    raw = {"title": "raw", "transductive": None, "recovered": nan, "p_raw_holm": nan, "paper_auc": 0.73}
    method = {"title": "CycleGAN", "transductive": True, "recovered": 0.628, "p_raw_holm": 0.0061, "paper_auc": 0.84}
    report = ClassificationReport(
        Path("report.html"),
        Study(Path(), ("site_a", "site_b"), (0,), (), (), Path(), Path()),
        pd.DataFrame([SITES | similarity | paper]),
        pd.DataFrame([SITES | AREA | raw, SITES | AREA | method]),
        *[pd.DataFrame()] * 3,
    )
    with console.capture() as printed:
        print_tables(report)
    lines = [" ".join(line.split()) for line in printed.get().splitlines()]
    assert "CycleGAN 0.838 ± 0.008 2 of 64 0.737 ± 0.059" in lines
    assert "raw 0.617 0.529-0.711 0.33 0.67 0.73" in lines
    assert "Table 2: classifier of site_b on images of site_a" in lines
    # The first column gives way where a terminal is narrow; its numbers stay on one line.
    (row,) = [line for line in lines if "0.0061" in line]
    assert row.endswith("0.617 0.529-0.711 63% 0.0061 0.33 0.67 0.84")
    assert "(transductive)" in printed.get()
