"""The vertebrae that the spine phantom knows, their sizes, and the numbers of the label map."""

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.data.errors import InputError

__all__ = ["LEVELS", "NUMBERS", "SACRUM", "LabelKind", "Level", "select_labels"]


class Level(NamedTuple):
    """Sizes of an adult's vertebra in mm, rounded from what morphometry of dry bones and CT gives.

    The back of its body is ``half_depth`` behind the body's middle, and the canal follows.

    Attributes:
        name: T8 to L5.
        number: label, as VerSe numbers vertebrae.
        height: height of the body.
        disc: height of the disc below.
        half_width: half width of the body.
        half_depth: half depth of the body.
        canal_width: half width of the canal.
        canal_depth: half depth of the canal.
        pedicle: half width of a pedicle.
        pedicle_height: its half height.
        span: distance of the tips of the transverse processes from the midline.
        sweep: how far those tips lie behind the pedicles.
        spinous: length of the spinous process behind the canal.
        drop: how far its tip lies below its root.
        spinous_height: its half height.
        wedge: degrees by which the body is higher in front than behind.
    """

    name: str
    number: int
    height: float
    disc: float
    half_width: float
    half_depth: float
    canal_width: float
    canal_depth: float
    pedicle: float
    pedicle_height: float
    span: float
    sweep: float
    spinous: float
    drop: float
    spinous_height: float
    wedge: float


LEVELS: tuple[Level, ...] = (
    Level("T8", 15, 19.0, 5.0, 14.5, 14.0, 8.5, 8.0, 3.2, 5.5, 31, 17, 34, 25, 4.5, -3),
    Level("T9", 16, 19.5, 5.0, 15.0, 14.5, 8.5, 8.0, 3.4, 6.0, 30, 16, 33, 23, 5.0, -3),
    Level("T10", 17, 20.5, 5.5, 16.0, 15.0, 8.7, 8.0, 3.6, 6.5, 28, 15, 31, 19, 5.5, -2),
    Level("T11", 18, 21.5, 6.0, 17.5, 15.5, 9.0, 8.2, 4.2, 7.0, 25, 13, 29, 13, 7.0, -2),
    Level("T12", 19, 23.0, 7.0, 19.5, 16.0, 10.5, 8.5, 4.3, 7.3, 24, 12, 27, 8, 8.5, -2),
    Level("L1", 20, 25.0, 8.0, 20.5, 16.5, 11.3, 8.8, 4.3, 7.5, 36, 9, 29, 5, 10.0, -1),
    Level("L2", 21, 26.0, 9.5, 21.5, 17.0, 11.5, 8.8, 4.5, 7.3, 40, 8, 30, 4.5, 11.0, 0),
    Level("L3", 22, 26.5, 10.5, 22.5, 17.3, 11.7, 8.5, 5.2, 7.2, 44, 7, 30, 4, 11.0, 2),
    Level("L4", 23, 26.5, 11.0, 23.5, 17.5, 12.2, 8.5, 6.4, 7.0, 42, 7, 28, 4, 10.0, 4),
    Level("L5", 24, 26.0, 9.5, 25.0, 17.5, 13.3, 8.5, 8.2, 7.0, 41, 5, 23, 6, 7.5, 9),
)
SACRUM = 26
# Further numbers of the full map; discs are 200 plus the number of the vertebra above.
DISC, CANAL = 200, 100
NUMBERS: dict[str, int] = {
    **{level.name: level.number for level in LEVELS},
    "sacrum": SACRUM,
    "ribs": 40,
    "pelvis": 41,
    "aorta": 50,
    "vena_cava": 51,
    "kidneys": 52,
    "liver": 53,
    "spleen": 54,
    "bowel": 55,
    "lungs": 56,
    "psoas": 60,
    "back_muscles": 61,
    "abdominal_wall": 62,
    "fat": 70,
    "skin": 71,
    "canal": CANAL,
    "table": 110,
    **{f"disc_{level.name}": DISC + level.number for level in LEVELS},
}
LabelKind = Literal["vertebrae", "binary", "classes", "all"]


def select_labels(labels: NDArray[np.uint8], kind: LabelKind = "vertebrae") -> NDArray[np.uint8]:
    """A map for training from the full label map.

    Args:
        labels: numbers as in ``NUMBERS``, 0 for air.
        kind: "vertebrae" (VerSe's numbers: T8 to T12 = 15 to 19, L1 to L5 = 20 to 24; the sacrum counts as background,
            as in VerSe), "binary" (1 = a vertebra), "classes" (1 = vertebra, 2 = disc, 3 = canal, 4 = sacrum) or "all"
            (unchanged).

    Raises:
        InputError: for an unknown kind.
    """
    if kind not in get_args(LabelKind):
        raise InputError(f"labels of kind {kind!r} are not known; choose among {list(get_args(LabelKind))}")
    if kind == "all":
        return labels
    vertebra = (labels >= LEVELS[0].number) & (labels <= LEVELS[-1].number)
    if kind == "vertebrae":
        return np.where(vertebra, labels, 0).astype(np.uint8)
    chosen = vertebra.astype(np.uint8)
    if kind == "classes":
        chosen[labels > DISC] = 2
        chosen[labels == CANAL] = 3
        chosen[labels == SACRUM] = 4
    return chosen
