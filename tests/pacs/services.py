"""Services as the command makes them, and a film as a search finds it."""

from pathlib import Path

import pydicom

from monai_harmonize.pacs.patience import Patience
from monai_harmonize.pacs.service import RemoteSeries, Service
from monai_harmonize.pacs.session import open_session


def service(url: str, attempts: int = 1, **options) -> Service:
    patience = Patience(attempts, first=0.1)
    return Service(url, open_session(url, 20, environment={}), patience, **options)


def of(path: Path) -> RemoteSeries:
    dataset = pydicom.dcmread(path)
    return RemoteSeries(dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality)
