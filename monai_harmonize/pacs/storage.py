"""Stores a series whole or not at all, as far as a server lets that be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from monai_harmonize.pacs.errors import PacsError
from monai_harmonize.pacs.service import Service

__all__ = ["store_whole"]

# A server that took a part gets a second chance; the UIDs are the same.
TIMES = 2


def store_whole(service: Service, study: str, series: str, files: Mapping[str, Path]) -> None:
    """Store all instances of a series in one request and make sure by a search that all of them are there.

    A server may answer that all is well and have stored a part, so its answer is not believed. What stays incomplete
    after a second request with the same UIDs is deleted where the server allows that.

    Args:
        service: the server.
        study: Study Instance UID.
        series: Series Instance UID of the files.
        files: by SOP Instance UID.

    Raises:
        PacsError: not all of them are there; the message tells what is.
    """
    refusal: PacsError | None = None
    missing = set(files)
    for _ in range(TIMES):
        try:
            service.store(study, list(files.values()))
            refusal = None
        except PacsError as error:
            refusal = error
        for pause in (0.0, 0.0 if refusal else service.patience.first):  # a server may list them a moment later
            service.patience.sleep(pause)
            missing = set(files) - set(service.instances(study, series))
            if not missing:
                return
    if len(missing) == len(files):
        raise refusal or PacsError("the storage: the server took nothing and gave no reason; its log tells why.")
    told = f"the storage: the server took {len(files) - len(missing)} of {len(files)} instances"
    told = f"{told} ({str(refusal).removeprefix('the storage: ').rstrip('.')})" if refusal else told
    if service.delete(study, series) and not service.instances(study, series):
        raise PacsError(f"{told}; they were deleted again.") from refusal
    raise PacsError(
        f"{told} and lets none be deleted: the derived series is INCOMPLETE. The same command completes it; else "
        "delete it with the archive's own tools."
    ) from refusal
