"""The picture shows the images, the residual and the verdict on fixed scales."""

import numpy as np
import pytest
from PIL import Image

from monai_harmonize.safety.certificate import certify_measured
from monai_harmonize.safety.panel import COLOURS, RESIDUAL_SCALE, certificate_figure, write_panel
from monai_harmonize.safety.thresholds import load_thresholds

THRESHOLDS = load_thresholds()


def drawn(guarantee_class="G0", shape=(90, 60), damage=0.0):
    source = np.random.default_rng(0).random(shape).astype(np.float32)
    output = source**1.1
    output[20:30, 20:30] += damage
    certificate, measurement = certify_measured(
        source, output, guarantee_class=guarantee_class, thresholds=THRESHOLDS, grey_range=(0, 1)
    )
    return certificate, measurement, certificate_figure(certificate, measurement, THRESHOLDS.of(guarantee_class))


def test_images_are_upright_on_fixed_windows():
    _, measurement, figure = drawn()
    source, harmonized, residual = (axes.images[0] for axes in figure.axes[:3])
    np.testing.assert_array_equal(source.get_array(), measurement.source.T)
    np.testing.assert_array_equal(harmonized.get_array(), measurement.harmonized.T)
    assert source.get_clim() == harmonized.get_clim() == (0, 1)
    assert residual.get_clim() == (-RESIDUAL_SCALE, RESIDUAL_SCALE)


@pytest.mark.parametrize("guarantee_class", ["G0", "G2"])
def test_residual_shown_is_the_one_judged(guarantee_class):
    _, measurement, figure = drawn(guarantee_class, damage=0.3)
    expected = measurement.residual if guarantee_class == "G0" else measurement.filtered_residual
    np.testing.assert_array_equal(figure.axes[2].images[0].get_array(), expected.T)


def test_verdict_and_reasons_are_written():
    certificate, _, figure = drawn(damage=0.3)
    texts = {text.get_text(): text for text in figure.texts}
    assert certificate.verdict == "fail"
    assert texts["FAIL"].get_bbox_patch().get_facecolor()[:3] == pytest.approx(
        tuple(int(COLOURS["fail"][k : k + 2], 16) / 255 for k in (1, 3, 5))
    )
    assert any(certificate.reasons[0] in text for text in texts)


def test_blob_is_encircled_where_it_is():
    certificate, _, figure = drawn(damage=0.3)
    (circle,) = figure.axes[2].patches
    assert circle.center == pytest.approx(certificate.blob.centre, abs=0.5)


@pytest.mark.parametrize("shape", [(40, 30), (30, 24, 12), (3, 64, 12), (1, 64, 12), (64, 1, 12), (1, 1)])
def test_file(tmp_path, shape):
    figure = drawn(shape=shape)[2]
    write_panel(figure, tmp_path / "a.png")
    # The colour bar is as wide below a narrow image as below any.
    place, bar = (figure.axes[k].get_position(original=True) for k in (2, 4))
    assert bar.width == pytest.approx(place.width - 0.04)
    assert Image.open(tmp_path / "a.png").size == (1300, 560)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
