"""What a folder of studies and the settings hold."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("monailabel.client", reason="make test-label runs these in an environment with MONAI Label")
pytestmark = pytest.mark.slow

FILTER, EXTENSIONS = "MONAI_LABEL_DICOMWEB_SEARCH_FILTER", "MONAI_LABEL_DATASTORE_FILE_EXT"
ASK = f"""
import json, os
from monai_harmonize.label_app.own_settings import set_defaults
from monai_harmonize.label_app.studies import single_queries
from monailabel.config import settings
set_defaults()
found = settings.{FILTER}
print(json.dumps([found, os.environ.get("{FILTER}"), single_queries(found), settings.{EXTENSIONS}]))
"""
FOLDER = """
import json, sys
from monai_harmonize.label_app.own_settings import set_defaults
set_defaults()
from monai_harmonize.label_app.studies import FolderOfStudies
store = FolderOfStudies(sys.argv[1])
print(json.dumps({name: store.get_image_uri(name) for name in store.list_images()}))
store.remove_image(sys.argv[2])
print(json.dumps(store.list_images()))
"""


def run(script: str, *arguments: str, **environment: str) -> list:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "MONAI_LABEL_DATASTORE_AUTO_RELOAD": "false", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_server_asks_for_radiographs_and_ct() -> None:
    ((found, exported, queries, extensions),) = run(ASK)
    assert found == {"Modality": ["CR", "DX", "CT"]}
    assert json.loads(exported) == found  # for the processes of trainings
    assert queries == [{"Modality": "CR"}, {"Modality": "DX"}, {"Modality": "CT"}]
    assert "*.dcm" in extensions


def test_what_the_user_set_stays() -> None:
    own = {"Modality": ["DX", "CR"], "PatientSex": "F"}
    ((found, _, queries, extensions),) = run(ASK, **{FILTER: json.dumps(own), EXTENSIONS: '["*.nii"]'})
    assert found == own
    assert queries == [{"Modality": "DX", "PatientSex": "F"}, {"Modality": "CR", "PatientSex": "F"}]
    assert extensions == ["*.nii"]


def test_series_are_images_of_their_folders_names(tmp_path: Path, ct_series: Path, radiographs: list[Path]) -> None:
    shutil.copytree(ct_series, tmp_path / "1.2.840.4711")
    shutil.copytree(ct_series, tmp_path / "1.2.840.4712")
    shutil.copy(radiographs[0], tmp_path / "chest.dcm")
    for name in ("notes", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes" / "read.txt").write_text("nothing")
    (tmp_path / ".hidden.dcm").write_bytes(b"")
    images, rest = run(FOLDER, str(tmp_path), "1.2.840.4711")
    assert images == {
        "1.2.840.4711": str(tmp_path / "1.2.840.4711"),
        "1.2.840.4712": str(tmp_path / "1.2.840.4712"),
        "chest": str(tmp_path / "chest.dcm"),
    }
    assert sorted(rest) == ["1.2.840.4712", "chest"]
    assert not (tmp_path / "1.2.840.4711").exists()
