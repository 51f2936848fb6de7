"""Several sites of a manifest, of which each has a number: its place in a list of names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.manifest import Manifest
from monai_harmonize.data.patient_split import Record

__all__ = ["PLAIN_NAME", "records_of_sites", "site_number", "translations_of"]

# Names that are kept beside weights; they become part of a configuration, where `$`, `@` and `%` begin code.
PLAIN_NAME = re.compile(r"\w[\w .,()+/-]*")


def site_number(site: str, sites: Sequence[str], option: str = "target_site") -> int:
    """Number of a site.

    Args:
        site: its name.
        sites: all names, in the order of their numbers.
        option: where the name was given, for the message.

    Raises:
        InputError: there is no such site, or ``sites`` is no list of two or more different plain names.
    """
    names = checked_sites(sites)
    if site not in names:
        raise InputError(f"{option}: {site!r} is no site that this model knows; expected one of {', '.join(names)}.")
    return names.index(site)


def records_of_sites(records: Manifest, sites: Sequence[str], split: str) -> list[Record]:
    """Records of all sites, each with the number of its site under ``domain``.

    Args:
        records: the manifest.
        sites: names, in the order of their numbers.
        split: split of the manifest.

    Raises:
        InputError: ``sites`` is no list of two or more different plain names.
        ManifestError: a site does not occur, or has no image in the split.
    """
    names = checked_sites(sites)
    return [
        {**record, "domain": number}
        for number, site in enumerate(names)
        for record in records.select(site=site, split=split)
    ]


def translations_of(records: Sequence[Record], domains: int) -> list[Record]:
    """Each record once for every other domain, whose number it has under ``target``."""
    return [
        {**record, "target": target} for record in records for target in range(domains) if target != record["domain"]
    ]


def checked_sites(sites: Sequence[str]) -> list[str]:
    """The names; errors as ``site_number``."""
    names = [] if isinstance(sites, str) else list(sites)
    plain = all(isinstance(name, str) and PLAIN_NAME.fullmatch(name) for name in names)
    if len(set(names)) < max(2, len(names)) or not plain:
        raise InputError(
            f"sites is {sites!r}; expected a list of two or more different names of letters, digits, spaces and "
            ". , ( ) + / - _ only, which begin with a letter or digit."
        )
    return names
