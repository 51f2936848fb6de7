"""The query of the command line, checked before it is sent: servers ignore a wrong key and then return everything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from pydicom.datadict import dictionary_VR, keyword_dict, tag_for_keyword

from monai_harmonize.data.errors import InputError

__all__ = ["parse_query"]

EXAMPLE = "expected KEYWORD=VALUE, such as Modality=CR or StudyDate=20240101-"
# PS3.4 C.2.2.2.5: a day, or a range of days that may be open at one end.
DATES = re.compile(r"\d{8}|\d{8}-(\d{8})?|-\d{8}")
# Wildcards alone fit every value.
EVERY = re.compile(r"[*?]*\*[*?]*")
# Attributes whose values can be compared.
NO_KEYS = ("SQ", "OB", "OW", "OF", "OD", "OL", "OV", "UN", "OB or OW")


def parse_query(given: Sequence[str]) -> dict[str, str]:
    """Keywords of DICOM and the values that series must have.

    Args:
        given: texts ``Keyword=value``; values as QIDO-RS has them: ``*`` and ``?`` stand for other letters, a comma
            separates UIDs, a hyphen the ends of a range of dates.

    Raises:
        InputError: no query at all, which would harmonize the whole archive, or one that cannot be asked; values, which
            may name a patient, are not repeated.
    """
    if not given:
        raise InputError(f"--query: is missing, and the whole archive would be harmonized; {EXAMPLE}.")
    query: dict[str, str] = {}
    for text in given:
        keyword, separator, value = text.partition("=")
        keyword, value = keyword.strip(), value.strip()
        if not separator:
            raise InputError(f"--query: has no '='; {EXAMPLE}.")
        check_keyword(keyword)
        if not value or EVERY.fullmatch(value):
            raise InputError(f"--query {keyword}: names no value, so that every series would match; {EXAMPLE}.")
        if keyword in query:
            raise InputError(f"--query {keyword}: is given twice; run the command once for each value.")
        if dictionary_VR(keyword) == "DA" and not DATES.fullmatch(value):
            raise InputError(f"--query {keyword}: is no date; expected YYYYMMDD, or a range such as 20240101-20240131.")
        query[keyword] = value
    return query


def check_keyword(keyword: str) -> None:
    """Raise ``InputError`` for what is no keyword by which DICOM objects can be found."""
    if not keyword or tag_for_keyword(keyword) is None:  # some retired attributes have none
        known = {name.lower(): name for name in keyword_dict if name}
        near = [known[name] for name in get_close_matches(keyword.lower(), known, n=3)]
        hint = (
            f"did you mean {' or '.join(near)}?"
            if near
            else "expected one such as Modality, StudyDate, BodyPartExamined."
        )
        raise InputError(f"--query {keyword}: is no keyword of DICOM; {hint}")
    if dictionary_VR(keyword) in NO_KEYS:
        raise InputError(f"--query {keyword}: holds no value that can be searched for.")
