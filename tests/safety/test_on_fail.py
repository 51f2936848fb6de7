"""What becomes of an image whose certificate fails."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from monai.data import DataLoader, MetaTensor
from monai.transforms import Compose, Lambdad

from monai_harmonize.data import collate_readable
from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.output_paths import OutputPaths
from monai_harmonize.data.tolerant import TolerantDataset
from monai_harmonize.engines import HarmonizeEvaluator
from monai_harmonize.phantoms.ct_dataset import ensure_ct_dataset
from monai_harmonize.safety import SaveCertified, StopOnFail
from monai_harmonize.safety.on_fail import ON_FAIL


class Writer:
    """Saves a text in an image's place."""

    keys: tuple[Hashable, ...] = ("pred",)

    def __init__(self, output: Path, extension: str | None = None) -> None:
        self.saver = SimpleNamespace(paths=OutputPaths(output, extension=extension))

    def __call__(self, data: Mapping[Hashable, object]) -> dict[Hashable, object]:
        item = dict(data)
        place = self.saver.paths.path_for(Path(item["pred"].meta["filename_or_obj"]))
        place.parent.mkdir(exist_ok=True)
        place.write_text("result")
        item["pred"].meta["saved_to"] = str(place)
        return item


def item_of(source: Path, verdict: str) -> dict[Hashable, object]:
    source.write_text("source")
    meta = {"filename_or_obj": str(source), "grey_range": (0, 1), "polarity_turned": False, "source_format": "png"}
    certificate = SimpleNamespace(verdict=verdict, reasons=("too much",))
    return {"pred": MetaTensor(torch.zeros(1, 2, 2), meta=meta), "certificate": certificate}


@pytest.mark.parametrize("on_fail", ON_FAIL)
@pytest.mark.parametrize("verdict", ["pass", "warn", "fail"])
@pytest.mark.parametrize("extension", [None, ".pr.dcm"])
def test_what_is_written(tmp_path: Path, on_fail: str, verdict: str, extension: str | None) -> None:
    place = tmp_path / "out" / f"a{extension or '.png'}"
    place.parent.mkdir()
    place.write_text("result of before")
    save = SaveCertified(Writer(tmp_path / "out", extension), on_fail)
    saved = save(item_of(tmp_path / "a.png", verdict))
    assert saved["pred"].meta["saved_to"] == str(place)
    expected = "result"
    if verdict == "fail" and on_fail != "write":
        expected = "source" if on_fail == "copy" and extension is None else None
    assert (place.read_text() if place.exists() else None) == expected
    assert (tmp_path / "a.png").read_text() == "source"
    assert [path.name for path in place.parent.iterdir()] == ([place.name] if expected else [])


class SeriesWriter(Writer):
    """Writer whose results are the source's slices and one more byte."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        source = Path(data["pred"].meta["filename_or_obj"])
        place = self.saver.paths.path_for(source)
        place.mkdir(parents=True, exist_ok=True)
        for path in source.iterdir():
            (place / path.name).write_bytes(path.read_bytes() + b"\0")
        return dict(data)


@pytest.mark.parametrize(("on_fail", "left"), [("write", 1), ("copy", 0), ("skip", None)])
def test_a_series_is_a_folder(tmp_path: Path, on_fail: str, left: int | None) -> None:
    manifest = ensure_ct_dataset(
        tmp_path / "ct",
        sites=("site_a",),
        anatomies_per_site={"test": 1},
        shape=(8, 8, 8),
        file_format="dicom",
        progress=False,
        workers=1,
    )
    (source,) = {path.parent for path in manifest.parent.rglob("*.dcm")}
    item = item_of(tmp_path / "a.png", "fail")
    item["pred"].meta["filename_or_obj"] = str(source)
    save = SeriesWriter(tmp_path / "out")
    save(item)  # an earlier result
    SaveCertified(save, on_fail)(item)
    result = tmp_path / "out" / source.name
    assert result.exists() == (left is not None)
    for path in source.iterdir() if left is not None else ():
        assert (result / path.name).read_bytes() == path.read_bytes() + b"\0" * left
    assert len(list(source.iterdir())) == 8


@pytest.mark.parametrize("on_fail", ["skip", "copy", "stop"])
def test_a_source_is_never_removed_or_replaced(tmp_path: Path, on_fail: str) -> None:
    item = item_of(tmp_path / "a.png", "fail")
    with pytest.raises(ImageFileError, match="is the source itself"):
        SaveCertified(Writer(tmp_path), on_fail)(item)
    assert (tmp_path / "a.png").read_text() == "source"


def test_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="on_fail is 'drop'; expected one of write, skip, copy, stop"):
        SaveCertified(Writer(tmp_path), "drop")
    item = item_of(tmp_path / "a.png", "fail")
    del item["certificate"]
    with pytest.raises(InputError, match="put CertifyHarmonizedd before"):
        SaveCertified(Writer(tmp_path), "skip")(item)


class Judge:
    """Certificate by the file's name."""

    def __call__(self, data: Mapping[Hashable, object]) -> dict[Hashable, object]:
        verdict = str(data["image"].meta["filename_or_obj"]).rpartition("-")[2]
        return {**data, "certificate": SimpleNamespace(verdict=verdict, reasons=("too much",))}


def evaluator_of(*names: str, handlers: tuple[object, ...] = (StopOnFail(),)) -> HarmonizeEvaluator:
    def read(path: str) -> MetaTensor:
        if path.startswith("bad"):
            raise ImageFileError(path, "is damaged")
        return MetaTensor(torch.ones(1, 4, 4), meta={"filename_or_obj": path})

    data = TolerantDataset([{"image": name} for name in names], Compose([Lambdad("image", read)]))
    loader = DataLoader(data, batch_size=1, collate_fn=collate_readable)
    return HarmonizeEvaluator(
        "cpu", loader, torch.nn.Identity(), postprocessing=Compose([Judge()]), val_handlers=handlers
    )


@pytest.mark.parametrize(
    ("names", "completed", "code"),
    [
        (("1-pass", "2-warn", "3-pass"), 3, 0),
        (("1-pass", "bad-pass", "3-pass"), 2, 1),
        (("1-pass", "bad-pass", "2-fail", "3-pass"), 2, 3),
        (("1-fail", "2-fail"), 1, 3),
        (("1-pass", "2-fail"), 2, 3),
    ],
)
def test_the_first_failed_certificate_ends_the_run(names: tuple[str, ...], completed: int, code: int) -> None:
    evaluator = evaluator_of(*names)
    for _ in range(2):  # a second run starts anew
        evaluator.run()
        assert (evaluator.completed, evaluator.exit_code) == (completed, code)
        assert (evaluator.stopped is not None) == (code == 3)
    if evaluator.stopped:
        first = next(name for name in names if name.endswith("fail"))
        assert evaluator.stopped == f"{first}: its certificate fails (too much)"


def test_without_the_handler_nothing_stops() -> None:
    evaluator = evaluator_of("1-fail", "2-fail", handlers=())
    evaluator.run()
    assert (evaluator.completed, evaluator.exit_code) == (2, 0)
