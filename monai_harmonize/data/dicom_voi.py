"""How a derived image is to be displayed: which windows and VOI LUTs of its source still hold, and what replaces them.

A VOI transformation (PS3.3 C.11.2) takes grey levels to what is shown, so it holds as long as grey levels keep
their meaning:

- Hounsfield units stay Hounsfield units. A window such as "lung" is a range of that unit and stays.
- Grey levels of a radiograph have no unit. Its window or VOI LUT is the source vendor's tone for the source's
  levels; on levels that have the target's tone already, it would be a second curve. Both go. What shows the new
  levels as they are is a linear window over the nominal range. It is written out, because digital X-ray "for
  presentation" needs some VOI transformation (C.8.11.3) and because viewers that find none stretch each image by its
  own content, which would undo the harmonization.
- A VOI LUT Sequence (0028,3010) is a vendor's tone curve in either case and goes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.valuerep import format_number_as_ds

try:
    from pydicom.pixels import apply_windowing
except ImportError:  # pydicom 2.4
    from pydicom.pixel_data_handlers.util import apply_windowing

__all__ = ["has_physical_unit", "presentation_values", "reset_voi"]

WINDOW_KEYWORDS = ("WindowCenter", "WindowWidth", "VOILUTFunction", "WindowCenterWidthExplanation")
MAX_PRESENTATION_VALUE = 2**16 - 1


def has_physical_unit(dataset: Dataset) -> bool:
    """Whether grey levels are Hounsfield units: Rescale Type (0028,1054) says so, or a CT does not deny it."""
    unit = dataset.get("RescaleType") or ("HU" if dataset.get("Modality") == "CT" else "")
    return bool(unit == "HU")


def reset_voi(dataset: Dataset, grey_range: tuple[float, float]) -> None:
    """Leave a header with the VOI transformation that shows harmonized grey levels rightly; see the module.

    A radiograph gets Window Center and Width (0028,1050 and 1051) that are the identity on its nominal range by the
    formula of C.11.2.1.2.1; "for processing" images get none, since they are not displayed.

    Args:
        dataset: header, changed in place.
        grey_range: lowest and highest nominal grey level of the file, after the modality LUT.
    """
    stale = ["VOILUTSequence"] if has_physical_unit(dataset) else ["VOILUTSequence", *WINDOW_KEYWORDS]
    for keyword in stale:
        if keyword in dataset:
            delattr(dataset, keyword)
    if has_physical_unit(dataset) or dataset.get("PresentationIntentType") == "FOR PROCESSING":
        return
    low, high = map(float, grey_range)
    dataset.WindowCenter = format_number_as_ds((low + high + 1) / 2)
    dataset.WindowWidth = format_number_as_ds(high - low + 1)
    dataset.WindowCenterWidthExplanation = "Full range"


def presentation_values(grey: NDArray[np.floating[Any]], dataset: Dataset, grey_range: tuple[float, float]) -> Any:
    """What a header's first window makes of grey levels, before the Presentation LUT.

    Args:
        grey: grey levels in the file's unit and polarity, any shape.
        dataset: header after ``reset_voi``.
        grey_range: nominal range, shown where there is no window.

    Returns:
        Values of the same shape, float64 in [0, 65535].
    """
    low, high = grey_range
    display = Dataset()
    display.PhotometricInterpretation, display.PixelRepresentation, display.BitsStored = "MONOCHROME2", 0, 16
    display.WindowCenter, display.WindowWidth = (low + high + 1) / 2, high - low + 1
    if dataset.get("WindowWidth") and dataset.get("WindowCenter") not in (None, ""):
        for keyword in WINDOW_KEYWORDS[:3]:
            if dataset.get(keyword) not in (None, ""):
                setattr(display, keyword, dataset[keyword].value)
    return apply_windowing(grey, display, index=0)
