"""The audit of a bundle from its files: record and page."""

import json
from pathlib import Path

import pytest
import torch

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.weights import save_weights
from monai_harmonize.evaluation import run_audit
from monai_harmonize.networks import ResNetGenerator, SiteHarmonizer

OPTIONS = {"patients": 10, "size": 64, "lesions": "conspicuous masses"}


def test_a_curve_of_the_bundle_passes(tmp_path: Path) -> None:
    weights = save_weights(SiteHarmonizer(), tmp_path / "model.pt")
    run = run_audit("bundles/tone_curve_cxr", weights, tmp_path / "out", ensemble=[weights], **OPTIONS)
    assert run.audit.verdict == "pass"
    assert run.audit.contrast_ratio.estimate == pytest.approx(1, abs=1e-3)
    assert run.audit.disagreement.relative == 0
    assert run.audit.hidden_code is None
    record = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert record["provenance"]["Guarantee class"] == "G0"
    page = run.report.read_text()
    assert page.count("data:image/png;base64") == 4
    assert 'src="http' not in page
    assert "pass" in page


@pytest.mark.long
def test_a_cycle_network_gets_the_hidden_code_test(tmp_path: Path) -> None:
    torch.manual_seed(0)
    for name in ("model", "model_b2a"):
        network = ResNetGenerator(2, channels=16, num_blocks=4, upsampling="resize", skip=True)
        save_weights(network, tmp_path / f"{name}.pt")
    run = run_audit("bundles/cyclegan_cxr", tmp_path / "model.pt", tmp_path / "out", **OPTIONS)
    assert run.audit.verdict == "pass"
    assert run.audit.hidden_code.amplification == pytest.approx(1, abs=0.2)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.pt"):
        run_audit("bundles/tone_curve_cxr", tmp_path / "absent.pt", tmp_path / "out")
