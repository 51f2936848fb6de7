"""Of which known site images of unknown origin are: read, grouped, told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.data.dicom_reader import read_dicom
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.polarity import NORMAL
from monai_harmonize.data.sniff import sniff_format
from monai_harmonize.data.tolerant import Failure, TolerantDataset
from monai_harmonize.metrics.look_groups import FEWEST_OF_GROUP, look_groups
from monai_harmonize.metrics.look_summary import ANALYSIS_SIZE, look_summary
from monai_harmonize.metrics.site_gallery import LEVEL, Origin, SiteGallery
from monai_harmonize.metrics.site_look import SiteLook
from monai_harmonize.transforms.load_radiograph import LoadRadiograph
from monai_harmonize.transforms.scale_grey_levels import ScaleGreyLevels
from monai_harmonize.transforms.shrink_to import ShrinkTo

__all__ = ["GROUPINGS", "Group", "equipment_of", "gallery_of", "look_of_file", "looks_of", "origins"]

Summary = NDArray[np.float64]
# How images are put together that are taken to have one origin.
GROUPINGS = ("look", "one", "each")
# What a DICOM header says of the device. It proposes groups and decides nothing.
EQUIPMENT = ("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "DetectorID", "StationName")


@dataclass(frozen=True)
class Group:
    """Images that are taken to have one origin.

    Args:
        images: their paths.
        origin: of which site they are.
        fits: for each image the share of the nearest site's images that lie as far from it.
    """

    images: tuple[Path, ...]
    origin: Origin
    fits: tuple[float, ...]


def look_of_file(path: Path, polarity: str = NORMAL) -> Summary:
    """Summary of a radiograph, see ``look_summary``.

    Raises:
        ImageFileError: it cannot be read.
        InputError: it is no radiograph, or every pixel is the same: an empty frame would make strangers of its group.
    """
    image = ScaleGreyLevels()(LoadRadiograph()(path, polarity))
    if bool((image == image.flatten()[0]).all()):
        raise InputError(f"{path}: every pixel has the same grey level; such an image is of no site.")
    try:
        return look_summary(ShrinkTo(ANALYSIS_SIZE)(image))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def gallery_of(records: Iterable[Mapping[str, Any]], names: Mapping[str, str] | None = None) -> SiteGallery:
    """Learn the sites of a manifest's records.

    Args:
        records: with ``image``, ``site`` and, where known, ``patient`` and ``polarity``.
        names: names by which sites go in the gallery; their own by default.

    Raises:
        InputError: an image cannot be read, or a site has too few.
    """
    found: dict[str, list[tuple[Summary, str]]] = {}
    for record in records:
        look = look_of_file(Path(record["image"]), record.get("polarity") or NORMAL)
        patient = str(record.get("patient", record["image"]))
        found.setdefault((names or {}).get(record["site"], record["site"]), []).append((look, patient))
    return SiteGallery({site: learned(site, seen) for site, seen in found.items()})


def learned(site: str, seen: Sequence[tuple[Summary, str]]) -> SiteLook:
    """Look of one site from summaries and patients; an error names the site."""
    try:
        return SiteLook.fit([look for look, _ in seen], [patient for _, patient in seen])
    except InputError as error:
        raise InputError(f"{site}: {error}") from error


def looks_of(paths: Iterable[Path]) -> tuple[dict[Path, Summary], list[Failure]]:
    """Summaries of the files that can be read, and why the others cannot."""
    dataset = TolerantDataset(
        [{"image": path} for path in paths], lambda item: (item["image"], look_of_file(item["image"]))
    )
    found = list(dataset)
    failures = [item for item in found if isinstance(item, Failure)]
    return dict(item for item in found if not isinstance(item, Failure)), failures


def equipment_of(path: Path) -> tuple[str, ...] | None:
    """What a DICOM file says of the device that made it; ``None`` for other formats and silent headers."""
    if sniff_format(path) != "dicom":
        return None
    header = read_dicom(path, header_only=True)
    told = tuple(str(header.get(name, "")).strip() for name in EQUIPMENT)
    return told if any(told) else None


def origins(
    looks: Mapping[Path, Summary], gallery: SiteGallery, grouping: str = "look", level: float = LEVEL
) -> list[Group]:
    """Put images together and tell where they are from.

    Args:
        looks: summaries by path.
        gallery: the known sites.
        grouping: ``"look"`` keeps devices of different headers apart and splits what looks unlike; ``"one"`` takes all
            for images of one origin; ``"each"`` takes every image by itself, with which much less can be told.
        level: see ``SiteGallery.origin``.

    Raises:
        InputError: another grouping or level.
    """
    if grouping not in GROUPINGS:
        raise InputError(f"grouping is {grouping!r}; expected one of {', '.join(GROUPINGS)}.")
    gallery.refuse_level(level)
    found = []
    for paths in groups_of(looks, gallery, grouping):
        summaries = np.stack([looks[path] for path in paths])
        origin = gallery.origin(summaries, level)
        fits = gallery.sites[origin.nearest].p_value(summaries)
        found.append(Group(tuple(paths), origin, tuple(map(float, fits))))
    return found


def groups_of(looks: Mapping[Path, Summary], gallery: SiteGallery, grouping: str) -> Iterator[list[Path]]:
    """Paths of each group."""
    if grouping == "each":
        yield from ([path] for path in looks)
    elif grouping == "one":
        yield from [list(looks)] if looks else []
    else:
        for paths in of_one_device(list(looks)):
            numbers = look_groups([looks[path] for path in paths], gallery)
            for number in range(int(numbers.max()) + 1):
                yield [path for path, own in zip(paths, numbers, strict=True) if own == number]


def of_one_device(paths: Sequence[Path]) -> list[list[Path]]:
    """Paths by what their headers say of the device; those of devices with few images stay together."""
    devices = {path: equipment_of(path) for path in paths}
    counts = Counter(devices.values())
    kept = {device: (device if counts[device] >= FEWEST_OF_GROUP else None) for device in counts}
    groups: dict[Any, list[Path]] = {}
    for path in paths:
        groups.setdefault(kept[devices[path]], []).append(path)
    return list(groups.values())
