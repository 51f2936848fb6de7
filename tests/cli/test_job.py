"""Who a job's results say has made them."""

from pathlib import Path

import pydicom
import pytest

from monai_harmonize.cli.images import images_among
from monai_harmonize.cli.job import STATES, Job
from monai_harmonize.data.dicom_derivation import derived_series_uid
from monai_harmonize.data.presentation_state import state_series_uid
from monai_harmonize.engines.bundle import find_bundle

BUNDLE = "tone_curve_cxr"


def job(model: Path, overlays=(), **options) -> Job:
    return Job(find_bundle(BUNDLE), list(overlays), model / "model.pt", options)


def series(folder: Path) -> set[str]:
    return {pydicom.dcmread(path).SeriesInstanceUID for path in folder.rglob("*.dcm")}


@pytest.mark.parametrize("options", [{}, {"inverted": "turn"}])
def test_the_foretold_series_is_the_written_one(scans: Path, model: Path, tmp_path: Path, options) -> None:
    made = job(model, **options)
    made.run(images_among([scans], tmp_path / "out", "*"), tmp_path / "out")
    assert series(tmp_path / "out") == {derived_series_uid(made.maker(), uid) for uid in series(scans)}


def test_the_foretold_series_of_states_is_the_written_one(scans: Path, model: Path, tmp_path: Path) -> None:
    made = job(model, [STATES])
    made.run(images_among([scans], tmp_path / "out", "*"), tmp_path / "out")
    assert series(tmp_path / "out") == {state_series_uid(made.maker(), uid) for uid in series(scans)}


def test_options_and_overlays_are_part_of_who_made_it(model: Path, judged) -> None:
    plain = job(model).maker()
    assert plain.variant == ""
    assert plain.bundle.startswith(f"{BUNDLE} ")
    assert len(plain.weights_digest) >= 12
    # These change what is written, not how it looks; and the bundle's own values change nothing.
    for same in (job(model, on_fail="skip", panels="all"), job(model, inverted="report"), job(model, [STATES])):
        assert same.maker() == plain
    others = [job(model, inverted="turn"), job(model, [judged("warn")]), job(model, [judged("pass")])]
    assert len({plain.identity, *(other.maker().identity for other in others)}) == 4
