"""Windows and VOI LUTs of derived images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from monai_harmonize.data.dicom_voi import has_physical_unit, presentation_values, reset_voi


def header(**attributes):
    dataset = Dataset()
    dataset.update({"Modality": "DX", "WindowCenter": 9, "WindowWidth": 5, "VOILUTFunction": "SIGMOID"})
    dataset.VOILUTSequence = Sequence([Dataset()])
    dataset.WindowCenterWidthExplanation = "vendor"
    dataset.update(attributes)
    return dataset


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"Modality": "CT"}, True),
        ({"Modality": "CT", "RescaleType": "HU"}, True),
        ({"Modality": "CT", "RescaleType": "US"}, False),
        ({"Modality": "DX", "RescaleType": "US"}, False),
        ({"Modality": "CR"}, False),
        ({}, False),
    ],
)
def test_hounsfield_units_are_a_unit(attributes, expected):
    assert has_physical_unit(header(**attributes)) is expected


def test_windows_of_hounsfield_units_stay_and_a_vendors_curve_goes():
    dataset = header(Modality="CT", WindowCenter=[40, -600], WindowWidth=[400, 1500])
    reset_voi(dataset, (-1024, 3071))
    assert "VOILUTSequence" not in dataset
    assert (list(dataset.WindowCenter), list(dataset.WindowWidth)) == ([40, -600], [400, 1500])
    assert (dataset.VOILUTFunction, dataset.WindowCenterWidthExplanation) == ("SIGMOID", "vendor")


def test_a_radiograph_gets_the_identity_in_place_of_its_vendors_tone():
    dataset = header()
    reset_voi(dataset, (0, 4095))
    assert "VOILUTSequence" not in dataset
    assert "VOILUTFunction" not in dataset
    assert (dataset.WindowCenter, dataset.WindowWidth) == (2048, 4096)  # PS3.3 C.11.2.1.2.1, note 3
    assert dataset.WindowCenterWidthExplanation == "Full range"


def test_an_image_for_processing_gets_no_window():
    dataset = header(PresentationIntentType="FOR PROCESSING")
    reset_voi(dataset, (0, 4095))
    assert not {"WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"} & set(dataset.dir())


@given(low=st.floats(-4000, 4000), span=st.floats(1, 70000))
def test_the_window_is_the_identity_on_any_range(low, span):
    dataset = header()
    reset_voi(dataset, (low, low + span))
    grey = np.linspace(low, low + span, 97)
    shown = presentation_values(grey, dataset, (0, 1))
    np.testing.assert_allclose(shown, np.linspace(0, 65535, 97), atol=0.01)
    assert max(len(str(dataset[keyword].value)) for keyword in ("WindowCenter", "WindowWidth")) <= 16


def test_values_follow_the_first_window_or_the_range():
    dataset = header(Modality="CT", WindowCenter=[40, -600], WindowWidth=[401, 1500])
    grey = np.array([-1000, -160.5, 39.5, 239.5, 3000])
    exact = {"LINEAR": [0, 0, 0.5, 1, 1], "LINEAR_EXACT": [0, 0, 0.49875, 0.9975, 1]}
    for function, expected in exact.items():
        dataset.VOILUTFunction = function
        shown = presentation_values(grey, dataset, (-1024, 3071)) / 65535
        np.testing.assert_allclose(shown, expected, atol=2e-3)
    dataset.VOILUTFunction = "SIGMOID"
    shown = presentation_values(np.array([40.0]), dataset, (-1024, 3071))
    assert shown[0] == pytest.approx(65535 / 2)
    del dataset.WindowCenter
    np.testing.assert_allclose(presentation_values(np.array([-1024.0, 3071.0]), dataset, (-1024, 3071)), [0, 65535])
