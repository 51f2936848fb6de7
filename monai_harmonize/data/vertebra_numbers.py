"""Numbers that label maps of the spine give to vertebrae, brought to those of VerSe."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from monai_harmonize.data.errors import InputError

__all__ = ["NUMBERINGS", "VERTEBRAE", "Numbering", "problem_of_values", "vertebra_numbers"]

# Values that a message names.
SHOWN = 6

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

# Values beside those of vertebrae that occur in a numbering: TotalSegmentator has 117 structures; tools that number as
# VerSe does put discs and endplates at 100 and 200 above their vertebra.
OTHERS = {"verse": (SACRUM, COCCYX, *range(100, 300)), "totalsegmentator": range(1, 118)}
# Those in which a scan may show others and no vertebra.
MANY_STRUCTURES = "totalsegmentator"

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


def problem_of_values(values: Collection[int], numbers: Mapping[int, int]) -> str | None:
    """Why a label map does not seem to be in a numbering; ``None`` where nothing speaks against it.

    A map without foreground is in every numbering: a scan may show no spine. Values beside those of vertebrae are in
    order, too, as long as the numbering has them and no other one knows all of them: 27 to 31 are five lumbar
    vertebrae of TotalSegmentator, and the coccyx, one thoracic vertebra and three unknown values of VerSe. Of
    TotalSegmentator's structures a scan may show several and no vertebra.

    Args:
        values: which values occur.
        numbers: VerSe's number for each value that is a vertebra, see ``vertebra_numbers``.

    Returns:
        The values, the numbering and what to do, to follow the file's name.
    """
    found = sorted(set(values) - {0})
    known = [value for value in found if value in numbers]
    if not found or len(known) == len(found):
        return None
    name = next((name for name, own in NUMBERINGS.items() if own == numbers), None)
    fits = next((other for other, own in NUMBERINGS.items() if set(found) <= set(own)), None)
    if known and name is None:
        return None
    only_others_may_occur = known or name == MANY_STRUCTURES
    if name is not None and only_others_may_occur and fits is None and set(found) <= {*numbers, *OTHERS[name]}:
        return None
    count = f"only {listed(known)} of them" if known else "none of them"
    own = f"numbering {name} (vertebrae {ranges(numbers)})" if name else f"the numbering given ({ranges(numbers)})"
    if fits:
        advice = f"all are vertebrae in numbering {fits}; give --numbering {fits}"
    elif len(found) == 1:
        advice = f'for a mask of the whole spine give --numbering "{{{found[0]}: 1}}"'
    else:
        advice = "give the numbering that it was made with, or a mapping to VerSe's numbers"
    rest = "" if known else "; if the scan shows no vertebra, leave it out of the manifest"
    return f"has the values {listed(found)}, {count} a vertebra in {own}; {advice}{rest}"


def listed(values: list[int]) -> str:
    """The first few values."""
    return ", ".join(map(str, values[:SHOWN])) + (f" and {len(values) - SHOWN} more" if len(values) > SHOWN else "")


def ranges(numbers: Collection[int]) -> str:
    """Values as they are said: 1 to 25, 28."""
    values = sorted(numbers)
    starts = [value for value in values if value - 1 not in numbers]
    ends = [value for value in values if value + 1 not in numbers]
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in zip(starts, ends, strict=True))
