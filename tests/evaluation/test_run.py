import base64
import io
import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PILImage

from monai_harmonize.evaluation import EvaluationRun, run_evaluation

FILES = {"results.csv", "per_image.csv", "summary.json", "report.html"}
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Checks nesting and collects what a page refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def run(study: Path, folder: Path, output: Path, **options: Any) -> EvaluationRun:
    sites = {"source_site": "a", "target_site": "b"} | options
    return run_evaluation(study / "manifest.csv", folder, output, resamples=100, progress=False, **sites)


@pytest.fixture
def truthful(harmonize: Callable[..., Path]) -> Path:
    return harmonize(lambda raw, truth: 0.9 * truth + 0.1 * raw)


def test_writes_tables_and_report(study: Path, truthful: Path, tmp_path: Path) -> None:
    result = run(study, truthful, tmp_path / "out" / "deep")
    assert {path.name for path in result.report.parent.iterdir()} == FILES
    results = pd.read_csv(result.report.with_name("results.csv"))
    pd.testing.assert_frame_equal(results, result.evaluation.results)
    per_image = pd.read_csv(result.report.with_name("per_image.csv"))
    pd.testing.assert_frame_equal(per_image, result.evaluation.per_image)
    summary = json.loads(result.report.with_name("summary.json").read_text(), parse_constant=pytest.fail)
    assert summary["headline"] == result.verdict.headline
    assert len(summary["measurements"]) == len(results)
    assert summary["provenance"]["Source images"] == "6 images, 6 patients"
    assert summary["guarantee_class"] == "G4"


def test_report_is_one_valid_file_with_its_figures_inside(study: Path, truthful: Path, tmp_path: Path) -> None:
    result = run(study, truthful, tmp_path / "out")
    page = Page(result.report.read_text())
    assert result.verdict.headline in page.text
    assert "http" not in page.text
    assert len(page.references) == 4
    for reference in page.references:
        kind, data = reference.split(",", 1)
        assert kind == "data:image/png;base64"
        with PILImage.open(io.BytesIO(base64.b64decode(data, validate=True))) as figure:
            assert figure.width > 500
            assert np.asarray(figure.convert("L")).std() > 10


def test_report_escapes_names(study: Path, truthful: Path, tmp_path: Path) -> None:
    manifest = study / "manifest.csv"
    table = pd.read_csv(manifest)
    name = "<b>A & 'B'</b>"
    table["site"] = table["site"].replace("a", name)
    table.to_csv(manifest, index=False)
    text = run(study, truthful, tmp_path / "out", source_site=name).report.read_text()
    assert "<b>A" not in text
    assert name in Page(text).text


def test_missing_files_are_reported(study: Path, truthful: Path, tmp_path: Path) -> None:
    (truthful / "test/a/a5.png").unlink()
    result = run(study, truthful, tmp_path / "out")
    assert json.loads(result.report.with_name("summary.json").read_text())["missing"] == ["test/a/a5.png"]
    text = Page(result.report.read_text()).text
    assert "1 of 6 source images have no harmonized file" in text
    assert "Not evaluated" in text


def test_bundle_metadata_name_the_method_and_its_guarantee(study: Path, truthful: Path, tmp_path: Path) -> None:
    configs = tmp_path / "bundle" / "configs"
    configs.mkdir(parents=True)
    metadata = {"name": "tone curve", "version": "1.2.3", "guarantee_class": "G0"}
    (configs / "metadata.json").write_text(json.dumps(metadata))
    text = Page(run(study, truthful, tmp_path / "out", bundle_root=tmp_path / "bundle").report.read_text()).text
    assert "tone curve 1.2.3" in text
    assert "Guarantee class G0: one increasing curve" in text
    (configs / "metadata.json").write_text(json.dumps(metadata | {"guarantee_class": "G9"}))
    with pytest.raises(ValueError, match="unknown guarantee class 'G9'"):
        run(study, truthful, tmp_path / "out", bundle_root=tmp_path / "bundle")


def test_a_failed_run_leaves_the_last_one_untouched(
    study: Path, truthful: Path, tmp_path: Path, save_image: Callable[..., Path]
) -> None:
    output = tmp_path / "out"
    run(study, truthful, output)
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    save_image(truthful / "test/a/a0.png", np.full((44, 36), 0.5))
    with pytest.raises(ValueError, match=r"a0\.png: every pixel"):
        run(study, truthful, output)
    with pytest.raises(ValueError, match="none of 6"):
        run(study, tmp_path / "nothing", tmp_path / "new")
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before
    assert not (tmp_path / "new").exists()


def test_one_image_per_site_still_gives_a_report(study: Path, truthful: Path, tmp_path: Path) -> None:
    manifest = study / "manifest.csv"
    rows = pd.read_csv(manifest)
    kept = rows[(rows["anatomy"].isin(["a0", "b0"]))]
    kept.to_csv(manifest, index=False)
    result = run(study, truthful, tmp_path / "out")
    assert result.evaluation.results["low"].isna().all()
    assert "a has only 1 patient here" in Page(result.report.read_text()).text
