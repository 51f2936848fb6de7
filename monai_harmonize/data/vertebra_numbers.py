"""Numbers that label maps of the spine give to vertebrae, brought to those of VerSe."""

from __future__ import annotations

from collections.abc import Mapping

from monai_harmonize.data.errors import InputError

__all__ = ["NUMBERINGS", "VERTEBRAE", "Numbering", "vertebra_numbers"]

# Place k is number k + 1 (Sekuboyina et al. 2021, "VerSe", table 2): sacrum and coccyx are not labelled there as a
# rule, and a sixth lumbar and a thirteenth thoracic vertebra occur.
VERTEBRAE = (
    *(f"C{k}" for k in range(1, 8)),
    *(f"T{k}" for k in range(1, 13)),
    *(f"L{k}" for k in range(1, 7)),
    "sacrum",
    "coccyx",
    "T13",
)
SACRUM, COCCYX = VERTEBRAE.index("sacrum") + 1, VERTEBRAE.index("coccyx") + 1

NUMBERINGS: dict[str, dict[int, int]] = {
    # Without the sacrum, which is in some of its label maps and not in most.
    "verse": {number: number for number in range(1, len(VERTEBRAE) + 1) if number not in (SACRUM, COCCYX)},
    # Version 2 counts upwards: 27 is L5, 50 is C1; 25 and 26 are sacrum and S1.
    "totalsegmentator": {51 - number: number for number in range(1, 25)},
}

Numbering = str | Mapping[int | str, int]


def vertebra_numbers(numbering: Numbering) -> dict[int, int]:
    """VerSe's number for each value of a label map that is a vertebra; all other values are background.

    Args:
        numbering: name out of ``NUMBERINGS``, or a mapping of one's own; its keys may be text, as in JSON.

    Raises:
        InputError: an unknown name, no vertebra, or a number that is none of VerSe's.
    """
    if isinstance(numbering, str):
        if numbering not in NUMBERINGS:
            raise InputError(f"numbering is {numbering!r}; expected one of {sorted(NUMBERINGS)}, or a mapping.")
        return dict(NUMBERINGS[numbering])
    try:
        numbers = {int(value): int(number) for value, number in numbering.items()}
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"numbering is {numbering}; expected whole numbers for whole numbers: {error}.") from error
    wrong = sorted(number for number in numbers.values() if not 1 <= number <= len(VERTEBRAE))
    if wrong or not numbers or 0 in numbers:
        raise InputError(
            f"numbering is {numbers}; expected numbers from 1 to {len(VERTEBRAE)} for values other than 0, the "
            "background."
        )
    return numbers
