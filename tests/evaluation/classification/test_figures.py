"""What the figures choose to show, and that marks are where they belong."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.evaluation.classification.example_figure import example_figure, example_names
from monai_harmonize.evaluation.classification.histogram_figure import site_histogram_figure
from monai_harmonize.evaluation.classification.patch_figure import patch_figure, patch_place
from monai_harmonize.evaluation.classification.pictures import Pictures, read_pictures
from monai_harmonize.evaluation.classification.study import load_study
from monai_harmonize.evaluation.classification.style import BAD, looks

SHAPE = (80, 100)


@pytest.fixture(scope="module")
def pictures(whole_study: Path) -> Pictures:
    study = load_study(whole_study)
    manifest = load_manifest(study.manifest, study.root).with_splits()
    return read_pictures(study, study.directions[0], manifest, progress=False)


def raw() -> np.ndarray:
    """A bright body with gentle texture, no air."""
    across, down = np.meshgrid(*(np.linspace(0, 1, length) for length in SHAPE), indexing="ij")
    return (0.4 + 0.3 * across + 0.1 * np.sin(9 * down)).astype(np.float32)


def test_a_patch_is_where_structure_was_added() -> None:
    image = raw()
    spot = image.copy()
    spot[50:56, 70:76] += 0.3
    across, down, reason = patch_place({"image": "x"}, {"raw": image, "one": image**2, "other": spot})
    assert reason == "at most change"
    assert across.start <= 50 < 56 <= across.stop
    assert down.start <= 70 < 76 <= down.stop
    assert across.stop - across.start == down.stop - down.start == 20


def test_a_patch_is_not_drawn_to_letters_at_the_border() -> None:
    image = raw()
    changed = image.copy()
    changed[73:79, 88:99] = 0
    changed[54:60, 26:32] += 0.3
    across, down, _ = patch_place({"image": "x"}, {"raw": image, "one": changed})
    assert across.start <= 54 < 60 <= across.stop
    assert down.start <= 26 < 32 <= down.stop


def test_a_patch_of_tone_curves_is_where_they_change_most() -> None:
    image = raw()
    across, _, _ = patch_place({"image": "x"}, {"raw": image, "one": np.where(image > 0.65, image + 0.2, image)})
    assert across.start > 35


def test_a_patch_is_at_the_largest_lesion(tmp_path: Path) -> None:
    mask = np.zeros(SHAPE[::-1], np.uint8)
    mask[10:14, 8:12] = 255
    mask[80:90, 60:70] = 255
    Image.fromarray(mask).save(tmp_path / "lesion.png")
    image = raw()
    record = {"image": "x", "lesion_mask": str(tmp_path / "lesion.png")}
    across, down, reason = patch_place(record, {"raw": image, "one": image})
    assert (across.start + 10, down.start + 10, reason) == (
        pytest.approx(65, abs=1),
        pytest.approx(85, abs=1),
        "at the lesion",
    )
    # The column `mask` is a lesion only beside the lungs; an empty mask marks nothing.
    alone = {"mask": record["lesion_mask"]}
    for other, expected in ((alone, False), ({**alone, "lung_mask": "y"}, True)):
        found = patch_place({"image": "x", **other}, {"raw": image, "one": image})[2]
        assert (found == "at the lesion") == expected


def test_examples_run_through_the_ranks_and_hold_an_inverted_image(pictures: Pictures) -> None:
    ranked = pictures.per_image.groupby("image")["ssim_to_input"].mean().sort_values().index.tolist()
    assert example_names(pictures, 2) == [ranked[0], ranked[-1]]
    assert example_names(pictures, 99) == ranked
    calm = Pictures(**{**vars(pictures), "per_image": pictures.per_image.assign(ssim_to_input=range(18))})
    turned = set(calm.per_image.loc[calm.per_image["inverted"], "image"])
    assert turned & set(example_names(calm, 3))


def test_inverted_images_have_a_red_frame_and_no_other_has(pictures: Pictures) -> None:
    look = looks(pictures.direction, load_study(pictures_folder(pictures)).methods)
    figure = example_figure(pictures, look, count=6)
    axes = [one for one in figure.axes if one.images]
    assert len(axes) == 6 * 5
    edges = [one.spines["left"] for one in axes]
    framed = [edge.get_visible() and to_hex(edge.get_edgecolor()).upper() == BAD for edge in edges]
    words = [one.texts[0].get_text() for one in axes if one.texts]
    assert sum(framed) == 2
    assert sorted(words) == ["INVERTED", "INVERTED IN PLACES"]
    assert [place % 5 for place, mark in enumerate(framed) if mark] == [2, 2]
    patches = patch_figure(pictures, look, count=6)
    words = [text.get_text() for one in patches.axes for text in one.texts]
    assert sorted(words) == ["IMAGE INVERTED", "IMAGE INVERTED IN PLACES"]


def pictures_folder(pictures: Pictures) -> Path:
    """Folder of the study that pictures are of."""
    path = Path(next(iter(pictures.harmonized["unit_cxr"].values()))["image"])
    return next(parent for parent in path.parents if (parent / "study.json").is_file())


def test_histograms_are_drawn_against_target_and_source(pictures: Pictures) -> None:
    look = looks(pictures.direction, load_study(pictures_folder(pictures)).methods)
    figure = site_histogram_figure(pictures, look)
    first, second = figure.axes
    assert [text.get_text() for text in first.get_legend().get_texts()] == ["site_b", "CycleGAN", "UNIT", "Tone curve"]
    assert second.get_legend().get_texts()[0].get_text() == "site_a, raw"
    for line in first.lines[1:]:
        assert line.get_ydata().sum() == pytest.approx(1)
