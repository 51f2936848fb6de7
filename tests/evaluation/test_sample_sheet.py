"""The sheet shows every sample upright, on one window."""

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from monai_harmonize.evaluation.sample_sheet import SampleSheet, sample_sheet


def run(sheet: SampleSheet, images: list[torch.Tensor], batch_size: int = 4) -> None:
    batches = [images[start : start + batch_size] for start in range(0, len(images), batch_size)]
    engine = Engine(lambda _, batch: [{"pred": image} for image in batch])
    sheet.attach(engine)
    engine.run(batches)


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (8, 1), (9, 2), (70, 8)])
def test_rows_of_the_samples(tmp_path, count: int, rows: int) -> None:
    sheet = SampleSheet(tmp_path / "sheet.png", "one")
    run(sheet, [torch.zeros(1, 6, 6)] * count)
    assert sheet.count == count
    assert len(sheet.images) == min(count, 64)
    (shown,) = sample_sheet(sheet.images, "", 8).axes[0].images
    columns = min(count, 8)
    assert shown.get_array().shape == (rows * 8 + 2, columns * 8 + 2)
    # All samples are grey, between them and where none is left is white.
    assert (shown.get_array() == 0).sum() == min(count, 64) * 36
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.size[0] >= 600


def test_grey_levels_are_shown_as_they_are(tmp_path) -> None:
    image = torch.full((1, 6, 4), 0.5)
    image[0, 0, :] = -3  # the left column of a display, below the window
    sheet = SampleSheet(tmp_path / "sheet.png")
    run(sheet, [image])
    drawn = sample_sheet(sheet.images, "", 8).axes[0].images[0]
    np.testing.assert_array_equal(drawn.get_array()[2:-2, 2:-2], image[0].numpy().T)
    assert drawn.get_clim() == (-1, 1)


def test_a_volume_is_shown_by_its_middle_planes_as_radiologists_hang_them(tmp_path) -> None:
    volume = torch.zeros(1, 7, 5, 3)
    volume[0, 6, 2, 1] = 0.25  # the patient's right end
    volume[0, 3, 4, 1] = 0.5  # in front
    volume[0, 3, 2, 2] = 0.75  # at the head
    sheet = SampleSheet(tmp_path / "sheet.png", "one", columns=2)
    run(sheet, [volume] * 3)
    (planes, *_) = sheet.images
    axial, coronal, sagittal = (planes[start:stop].T for start, stop in ((0, 7), (8, 15), (16, 21)))
    assert planes.shape == (21, 5)
    assert (planes[[7, 15]] == 1).all()
    # Rows run downwards and columns to the right of the display.
    assert axial[2, 0] == 0.25
    assert axial[0, 3] == 0.5
    assert coronal[1, 0] == 0.25
    assert coronal[0, 3] == 0.75
    assert sagittal[1, 0] == 0.5
    assert sagittal[0, 2] == 0.75
    assert (coronal[3:] == 1).all()
    assert (sagittal[3:] == 1).all()
    assert sum((plane == 0).sum() for plane in (axial, coronal[:3], sagittal[:3])) == 7 * 5 + 7 * 3 + 5 * 3 - 6
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.size[0] == pytest.approx(120 * 1.2 * 2 * 21 / 5, abs=2)


def test_a_second_run_starts_anew(tmp_path) -> None:
    sheet = SampleSheet(tmp_path / "sheet.png")
    run(sheet, [torch.zeros(1, 4, 4)] * 5)
    run(sheet, [torch.zeros(1, 4, 4)] * 3)
    assert sheet.count == len(sheet.images) == 3


def test_images_of_a_class_stand_in_their_own_titled_rows(tmp_path) -> None:
    sheet = SampleSheet(tmp_path / "sheet.png", columns=2, row_key="kind")

    def draw(engine: Engine, numbers: list[int]) -> list[dict]:
        engine.state.batch = [{"kind": "well" if number % 2 else "ill"} for number in numbers]
        return [{"pred": torch.full((1, 6, 6), 0.5 if number % 2 else -0.5)} for number in numbers]

    engine = Engine(draw)
    sheet.attach(engine)
    for _ in range(2):
        engine.run([[0, 1, 2, 3], [4]])
    (axes,) = sample_sheet(sheet.images, "", 2, sheet.rows).axes
    shown = axes.images[0].get_array()
    # Three ill ones take two rows, of which the second has a white cell; two well ones take one.
    cells = [[shown[4 + 8 * row, 4 + 8 * column] for column in (0, 1)] for row in range(3)]
    assert cells == [[-0.5, -0.5], [-0.5, 1.0], [0.5, 0.5]]
    titles = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert titles == {"ill": pytest.approx(shown.shape[0] / 3), "well": pytest.approx(shown.shape[0] * 5 / 6)}


def test_long_titles_of_rows_are_not_cut() -> None:
    figure = sample_sheet([np.zeros((64, 64))] * 8, "", 8, ["category 12, sample 345"] * 8)
    (title,) = figure.axes[0].texts
    assert title.get_window_extent(FigureCanvasAgg(figure).get_renderer()).x0 >= 0
