"""The options reach the phantoms."""

import pytest

from monai_harmonize.cli import demo_data
from monai_harmonize.phantoms import SITES
from monai_harmonize.phantoms.cohort import COHORTS, DEFAULT_COUNTS


@pytest.mark.parametrize("name", ["demo-data", "phantoms"])
def test_options(cli, monkeypatch, tmp_path, name: str) -> None:
    asked = {}

    def write(folder, **options):
        asked.update(options, folder=folder)
        return folder / "manifest.csv"

    monkeypatch.setattr(demo_data, "write_chest_dataset", write)
    done = cli(name, tmp_path, "--format", "png", "--size", "32", "--seed", "4")
    assert done.exit_code == 0
    subtle = {"sites": tuple(SITES), "anatomies_per_site": DEFAULT_COUNTS, "severity": 1.0, "shared": 0.0}
    assert asked == {"folder": tmp_path, "file_format": "png", "size": 32, "seed": 4, **subtle}
    assert done.stdout.strip() == str(tmp_path / "manifest.csv")
    assert ("use 'demo-data'" in done.stderr) == (name == "phantoms")


def test_cohort_and_sites(cli, monkeypatch, tmp_path) -> None:
    asked = {}
    monkeypatch.setattr(demo_data, "write_chest_dataset", lambda folder, **options: asked.update(options))
    assert cli("demo-data", tmp_path, "--cohort", "tuberculosis", "--site", "site_b").exit_code == 0
    assert asked["sites"] == ("site_b",)
    assert asked["severity"] == COHORTS["tuberculosis"].severity > 1
    assert asked["anatomies_per_site"]["train"] > DEFAULT_COUNTS["train"]


def test_unknown_cohort_is_refused(cli, tmp_path) -> None:
    done = cli("demo-data", tmp_path, "--cohort", "covid")
    assert done.exit_code == 2
    assert "covid" in done.stderr
    assert "tuberculosis" in done.stderr
