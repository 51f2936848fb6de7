"""Synthetic images judged, from files: what is written, pairs, bad files, manifests, what is refused."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation.samples.evaluate import Options
from monai_harmonize.evaluation.samples.paired import without_suffix
from monai_harmonize.evaluation.samples.run import SampleRun, run_sample_metrics
from monai_harmonize.evaluation.samples.sources import Sources, named_sources
from monai_harmonize.metrics.paired_quality import paired_measure
from monai_harmonize.networks.pooled_features import PooledFeatures


@pytest.fixture(scope="module")
def features() -> PooledFeatures:
    return PooledFeatures("resnet50", random_weights=True, layer="relu")


@pytest.fixture
def folders(tmp_path: Path, save_image, anatomy_of) -> Path:
    """Real images 0 to 9 to train on, 10 to 17 held out, 20 to 29 as fresh samples."""
    for folder, numbers in (("train", range(10)), ("held", range(10, 18)), ("fresh", range(20, 30))):
        for number in numbers:
            save_image(tmp_path / folder / f"{number}.png", anatomy_of(number))
    return tmp_path


def run(folders: Path, features: PooledFeatures, sources: Sources, **options) -> SampleRun:
    options = {"options": Options(resamples=20), "size": 40, "progress": False, **options}
    return run_sample_metrics(sources, folders / "out", features, **options)


def test_files_pairs_and_bad_files(folders: Path, features: PooledFeatures, save_image, anatomy_of) -> None:
    """One sample is no image, one has no twin, one a twin of another size."""
    for number in range(20, 30):
        save_image(folders / "truth" / f"{number}.png", np.clip(anatomy_of(number) + 0.1, 0, 1))
    (folders / "truth" / "29.png").unlink()
    save_image(folders / "truth" / "28.png", anatomy_of(28)[:-4])
    (folders / "fresh" / "bad.png").write_bytes(b"no image")
    (folders / "fresh" / "20.png").write_bytes((folders / "train" / "4.png").read_bytes())
    save_image(folders / "truth" / "20.png", anatomy_of(4))
    name, lpips = paired_measure("lpips_squeeze", random_backbone=True)
    sources = Sources(folders / "fresh", folders / "train", folders / "held", folders / "truth")
    found = run(folders, features, sources, perceptual={name: lpips})
    assert {path.name for path in (folders / "out").iterdir()} == {
        "neighbours.png", "pairs.csv", "results.csv", "samples.csv", "summary.json",
    }  # fmt: skip
    with Image.open(found.picture) as picture:
        assert picture.width > 500
    assert [Path(failure.path).name for failure in found.failures] == ["bad.png", "28.png"]
    assert "1 file could not be read and is left out." in found.verdict.warnings

    pairs = pd.read_csv(folders / "out" / "pairs.csv").set_index("image")
    assert list(pairs.index) == [f"{number}.png" for number in range(20, 28)]
    expected = [np.abs(np.clip(anatomy_of(n) + 0.1, 0, 1) - anatomy_of(n)).mean() for n in range(21, 28)]
    np.testing.assert_allclose(pairs["mae"], [0, *expected], atol=1e-4)
    table = pd.read_csv(folders / "out" / "results.csv").set_index("measure")
    assert table.loc["mae", "low"] < table.loc["mae", "estimate"] < table.loc["mae", "high"]
    assert table.loc["uqi", "images"] == 8
    assert table.loc["psnr", "better"] == "higher"
    assert "vif" not in table.index  # a side of 36 pixels is too short
    assert table.loc[name, "estimate"] > 0 if name in table.index else pairs[name].isna().all()

    summary = json.loads((folders / "out" / "summary.json").read_text())
    assert summary["images"] == {"samples": 10, "training": 10, "held_out": 8}
    copies = [entry for entry in summary["near_training_images"] if entry["copy"]]
    assert {(entry["sample"], entry["training"], entry["distance"]) for entry in copies} == {("20.png", "4.png", 0)}
    assert summary["memorised"] is True
    assert [text.rpartition("fresh/")[2][:6] for text in summary["failures"]] == ["bad.pn", "28.png"]
    values = {entry["measure"]: entry["estimate"] for entry in summary["measurements"]}
    assert len(values) == len(set(table.index))
    # One pair is equal: its noise ratio is infinite, which JSON does not know.
    assert values["psnr"] is None
    assert math.isinf(table.loc["psnr", "estimate"])


def test_a_manifest_tells_what_was_held_out_and_whose_images_are(folders: Path, features: PooledFeatures) -> None:
    rows = [f"train/{n}.png,{'ab'[n % 2]},p{n // 2},train" for n in range(10)]
    rows += [f"held/{n}.png,{'ab'[n % 2]},p{n},{('test', 'validation')[n % 3 > 0]}" for n in range(10, 18)]
    for name, lines in (("all.csv", rows), ("train_only.csv", rows[:10])):
        (folders / name).write_text("\n".join(["file,site,patient,split", *lines]) + "\n")
    output = folders / "out"
    _, training, held_out = named_sources(Sources(folders / "fresh", folders / "all.csv"), output)
    assert (len(training.names), len(held_out.names)) == (10, 8)
    assert training.names[3] == "train/3.png"
    assert training.items[3]["patient"] == "p1"
    _, training, held_out = named_sources(Sources(folders / "fresh", folders / "all.csv", site="b"), output)
    assert training.names == tuple(f"train/{n}.png" for n in (1, 3, 5, 7, 9))
    assert len(held_out.names) == 4
    _, _, held_out = named_sources(Sources(folders / "fresh", folders / "all.csv", folders / "held"), output)
    assert held_out.names[0] == "10.png"
    (folders / "lists").mkdir()
    (folders / "all.csv").rename(folders / "lists" / "all.csv")
    moved = Sources(folders / "fresh", folders / "lists" / "all.csv", root=folders)
    assert len(named_sources(moved, output)[1].names) == 10
    without = (line.rpartition(",")[0] for line in ("file,site,patient,split", *rows))
    (folders / "undivided.csv").write_text("\n".join(without) + "\n")
    _, training, held_out = named_sources(Sources(folders / "fresh", folders / "undivided.csv"), output)
    assert len(training.names) + len(held_out.names) == 18
    assert not {item["patient"] for item in training.items} & {item["patient"] for item in held_out.items}
    found = run(folders, features, Sources(folders / "fresh", folders / "train_only.csv"))
    assert found.evaluation.held_out is None
    assert found.evaluation.training.patients[:3] == ("p0", "p0", "p1")


def test_results_below_the_samples_are_no_samples(folders: Path) -> None:
    output = folders / "fresh" / "judged"
    output.mkdir()
    (output / "neighbours.png").write_bytes((folders / "train" / "1.png").read_bytes())
    samples, _, _ = named_sources(Sources(folders / "fresh", folders / "train"), output)
    assert len(samples.names) == 10


def test_what_is_refused(folders: Path, features: PooledFeatures, save_image, anatomy_of) -> None:
    def refused(message: str, samples: str, held_out: str = "held", truth: str | None = None) -> None:
        paths = (folders / samples, folders / "train", folders / held_out, None if truth is None else folders / truth)
        with pytest.raises(InputError, match=message):
            run(folders, features, Sources(*paths))
        assert not (folders / "out").exists()

    refused(r"0\.png: is a sample and a training image; .* \(10 such files\)", "train")
    refused("is a training image and a held-out image", "fresh", "train")
    for number in range(3):
        save_image(folders / "three" / f"{number}.png", anatomy_of(number))
    refused("samples: 3 images can be read; expected 4 at least", "three")
    refused("no reference has the name of a sample, such as '20'", "fresh", truth="held")
    Image.new("L", (40, 40), 3).save(folders / "fresh" / "20.jpeg")
    refused("several files are called '20', so pairs cannot be told apart", "fresh", truth="held")


def test_held_out_copies_of_training_images_are_no_yardstick(
    folders: Path, features: PooledFeatures, save_image, anatomy_of
) -> None:
    """Nor in another tone or format; a copied sample would go unnoticed among them."""
    save_image(folders / "fresh" / "20.png", anatomy_of(4))
    for number in (4, 5):
        save_image(folders / "held" / f"copy{number}.png", 0.9 * anatomy_of(number) + 0.05)
    found = run(folders, features, Sources(folders / "fresh", folders / "train", folders / "held"))
    told = {failure.path: failure.reason for failure in found.failures}
    assert told.keys() == {"copy4.png", "copy5.png"}
    assert told["copy4.png"].startswith("shows the training image 4.png")
    assert len(found.evaluation.held_out) == 8
    assert found.verdict.memorised
    (folders / "copies").mkdir()
    for path in (folders / "train").iterdir():
        (folders / "copies" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match=r"the held-out images are training images, such as 0\.png"):
        run(folders, features, Sources(folders / "fresh", folders / "train", folders / "copies"))


def test_a_run_without_pairs_leaves_none_of_an_earlier_one(folders: Path, features: PooledFeatures) -> None:
    pairs = folders / "out" / "pairs.csv"
    pairs.parent.mkdir()
    pairs.write_text("image,patient\n")
    run(folders, features, Sources(folders / "fresh", folders / "train"), size=32)
    assert not pairs.exists()
    assert (folders / "out" / "results.csv").exists()


@pytest.mark.parametrize("source", ["fresh", "train", "held", "truth"])
def test_results_do_not_lie_among_images(folders: Path, source: str) -> None:
    (folders / "truth").mkdir()
    sources = Sources(folders / "fresh", folders / "train", folders / "held", folders / "truth")
    with pytest.raises(InputError, match="is one of the inputs"):
        named_sources(sources, folders / source)
    with pytest.raises(InputError, match="is a file; name a folder"):
        named_sources(sources, folders / "fresh" / "20.png")


def test_held_out_images_of_training_patients_are_refused(folders: Path) -> None:
    for name, folder, first in (("train", "train", 0), ("other", "held", 10)):
        rows = [f"{folder}/{n}.png,a,p{n % 10},{'test' if first else 'train'}" for n in range(first, first + 8)]
        (folders / f"{name}.csv").write_text("\n".join(["file,site,patient,split", *rows]) + "\n")
    with pytest.raises(InputError, match="8 patients have training and held-out images"):
        named_sources(Sources(folders / "fresh", folders / "train.csv", folders / "other.csv"), folders / "out")


def test_names_without_the_suffix_of_their_format() -> None:
    names = ("a/b.nii.gz", "a/B.PNG", "a.b/c", "x.1.dcm")
    assert [without_suffix(name) for name in names] == ["a/b", "a/B", "a.b/c", "x.1"]
