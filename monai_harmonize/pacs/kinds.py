"""Which series a bundle is for: an archive also holds reports and masks, and images of other modalities."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.uid import UID_dictionary

__all__ = ["why_not"]

# Images by projection, and what films were copied to (PS3.3 C.7.3.1.1.1); a bundle for one of them takes them all.
PROJECTIONS = frozenset({"CF", "CR", "DF", "DX", "HC", "IO", "MG", "OT", "PX", "RF", "RG", "SC", "XA"})
FITTING = {**dict.fromkeys(PROJECTIONS, PROJECTIONS), "CT": {"CT"}, "MR": {"MR"}}


def why_not(modality: str, classes: Iterable[str], wanted: str) -> str:
    """Why a series is not for a bundle; empty if it is, or if the server tells too little.

    Args:
        modality: Modality (0008,0060) of the series, or nothing.
        classes: SOP Class UIDs (0008,0016) of its instances; empty and private ones may be images.
        wanted: modality that the bundle's metadata names, or nothing; of others than these nothing is known.
    """
    names = [UID_dictionary[uid][0] for uid in set(classes) if uid in UID_dictionary]
    if any("Image Storage" not in name for name in names):
        return "it holds no images, or other things beside them"
    if modality and modality not in FITTING.get(wanted, {modality}):
        return f"the bundle is for {wanted}; choose another --bundle, or add Modality to --query"
    return ""
