"""The command from the search to the stored series, against a real PACS."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest

from tests.pacs.results import images, outcomes, report, same, timeless


def test_results_are_those_of_the_local_command(pacs, cli, model, orthanc, films, tmp_path: Path) -> None:
    orthanc.put(*films)
    done = pacs(orthanc.url, "--dry-run")
    assert done.exit_code == 0, done.output
    assert "to do" in done.stdout
    assert not (tmp_path / "out").exists()
    done = pacs(orthanc.url)
    assert done.exit_code == 0, done.output
    local = cli("harmonize", tmp_path / "films", "--checkpoint", model, "--output", tmp_path / "local")
    assert local.exit_code == 0
    assert same(images(tmp_path / "out"), images(tmp_path / "local"))
    assert len(images(tmp_path / "out")) == 3
    assert len(orthanc.held()) == 3
    certificates = [json.loads(path.read_text()) for path in (tmp_path / "local").glob("*.certificate.json")]
    assert Counter(row["verdict"] for row in report(tmp_path / "out")) == Counter(
        certificate["verdict"] for certificate in certificates
    )
    assert {row["guarantee_class"] for row in report(tmp_path / "out")} == {"G0"}
    assert not (tmp_path / "out" / ".fetched").exists()


@pytest.mark.slow
def test_stored_series_lie_beside_their_originals(pacs, judged, orthanc, proxy_of, films, tmp_path: Path) -> None:
    orthanc.put(*films)
    before = orthanc.held()
    proxy = proxy_of(orthanc)
    given = (proxy.url, "--store", "--overlay", judged("pass"))
    done = pacs(*given)
    assert done.exit_code == 0, done.output
    assert outcomes(tmp_path / "out") == {"stored": 3}
    assert sum(method == "POST" for method, _ in proxy.seen) == 3
    after = orthanc.held()
    assert {uid: [timeless(one) for one in after[uid]] for uid in before} == {
        uid: [timeless(one) for one in before[uid]] for uid in before
    }
    made = images(tmp_path / "out")
    for row in report(tmp_path / "out"):
        (source,), (result,) = before[row["series"]], after[row["derived_series"]]
        assert result.StudyInstanceUID == source.StudyInstanceUID == row["study"]
        assert result.PatientName == source.PatientName
        assert result.ImageType[0] == "DERIVED"
        assert "[harmonized tone_curve_cxr" in result.SeriesDescription
        assert result.ContributingEquipmentSequence[-1].Manufacturer == "monai-harmonize"
        assert result.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert not np.array_equal(result.pixel_array, source.pixel_array)
        assert np.array_equal(result.pixel_array, made[result.SOPInstanceUID].pixel_array)
        # A search finds both in the study.
        found = orthanc.rest(f"/dicom-web/studies/{row['study']}/series").json()
        assert {one["0020000E"]["Value"][0] for one in found} == {row["series"], row["derived_series"]}
    # The same again does nothing; the results themselves match the query, too.
    verdicts = [row["verdict"] for row in report(tmp_path / "out")]
    for output in (tmp_path / "out", tmp_path / "new"):
        proxy.seen.clear()
        done = pacs(*given, output=output)
        assert done.exit_code == 0, done.output
        assert outcomes(output) == {"present": 3, "own result": 3}
        assert not any(method == "POST" for method, _ in proxy.seen)
        assert orthanc.held().keys() == after.keys()
    assert [row["verdict"] for row in report(tmp_path / "out")][:3] == verdicts
    # Other options make other results, of the originals only; a dry run fetches nothing to know that.
    proxy.seen.clear()
    done = pacs(*given, "--inverted", "turn", "--dry-run", output=tmp_path / "turned")
    assert {line.split(":")[-1].strip() for line in done.stderr.splitlines()} == {"to do", "own result"}
    assert done.stderr.count("own result") == done.stderr.count("to do") == 3
    assert not any(path.rsplit("/", 2)[-2] == "series" for _, path in proxy.seen)
    done = pacs(*given, "--inverted", "turn", output=tmp_path / "turned")
    assert outcomes(tmp_path / "turned") == {"stored": 3, "own result": 3}
    assert len(orthanc.held()) == 9


@pytest.mark.parametrize("series", [False, True])
def test_a_volume_is_stored_as_one_series_in_one_request(
    pacs, cli, curve, orthanc, proxy_of, volume, tmp_path: Path, series: bool
) -> None:
    orthanc.put(*volume)
    proxy = proxy_of(orthanc)
    overlay = tmp_path / "series.json"
    overlay.write_text(json.dumps({"series": series}))
    method = ("--bundle", "site_curve_ct", "--checkpoint", curve, "--overlay", overlay, "--panels", "none")
    done = pacs(proxy.url, *method, "--store", query="Modality=CT")
    assert done.exit_code == 0, done.output
    assert [method for method, _ in proxy.seen].count("POST") == 1
    (row,) = report(tmp_path / "out")
    assert (row["outcome"], row["instances"]) == ("stored", "6")
    local = cli("harmonize", tmp_path / "volume", *method, "--output", tmp_path / "local")
    assert local.exit_code == 0
    made = orthanc.held()[row["derived_series"]]
    assert same({one.SOPInstanceUID: one for one in made}, images(tmp_path / "local"))
    source = {one.InstanceNumber: one.pixel_array for one in orthanc.held()[row["series"]]}
    assert all((one.pixel_array != source[one.InstanceNumber]).any() for one in made)


@pytest.mark.slow
def test_presentation_states_are_stored_beside_the_images(pacs, orthanc, films, tmp_path: Path) -> None:
    orthanc.put(*films)
    given = (orthanc.url, "--store", "--presentation-state")
    done = pacs(*given)
    assert done.exit_code == 0, done.output
    stored = [row for row in report(tmp_path / "out") if row["outcome"] == "stored"]
    assert stored
    for row in stored:
        (state,) = orthanc.held()[row["derived_series"]]
        reference = state.ReferencedSeriesSequence[0]
        assert state.Modality == "PR"
        assert reference.SeriesInstanceUID == row["series"]
        assert "PixelData" not in state
    held = orthanc.held().keys()
    assert pacs(*given).exit_code == 0
    assert orthanc.held().keys() == held
    assert outcomes(tmp_path / "out")["present"] == len(stored)
    assert pacs(*given, query="Modality=PR").exit_code == 0
    assert outcomes(tmp_path / "out")["other kind"] == len(stored)


def test_a_failed_certificate_is_withheld(pacs, judged, orthanc, films, tmp_path: Path) -> None:
    orthanc.put(*films)
    done = pacs(orthanc.url, "--store", "--overlay", judged("fail"))
    assert done.exit_code == 0
    assert outcomes(tmp_path / "out") == {"withheld": 3}
    assert all("clipped pixels" in row["reasons"] for row in report(tmp_path / "out"))
    assert len(orthanc.held()) == 3
    assert len(images(tmp_path / "out")) == 3


def test_results_of_an_earlier_run_are_stored_without_a_second_fetch(
    pacs, judged, orthanc, proxy_of, films, tmp_path: Path
) -> None:
    orthanc.put(*films)
    proxy = proxy_of(orthanc)
    given = (proxy.url, "--overlay", judged("pass"))
    assert pacs(*given, "--limit", "2").exit_code == 0
    assert outcomes(tmp_path / "out") == {"written": 2}
    # What is done does not count.
    done = pacs(*given, "--limit", "2")
    assert outcomes(tmp_path / "out") == {"written": 3}
    made = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")}
    next(iter(made)).unlink()
    proxy.seen.clear()
    done = pacs(*given, "--store")
    assert done.exit_code == 0
    assert outcomes(tmp_path / "out") == {"stored": 3}
    fetched = [path for method, path in proxy.seen if "/series/" in path and "/instances" not in path]
    assert len(fetched) == 1
    assert len(orthanc.held()) == 6


def test_two_methods_share_a_folder(pacs, judged, orthanc, films, tmp_path: Path) -> None:
    orthanc.put(*films)
    for turned in ("report", "turn"):
        assert pacs(orthanc.url, "--overlay", judged("pass"), "--inverted", turned).exit_code == 0
    assert len(images(tmp_path / "out")) == 6
    assert len({row["folder"] for row in report(tmp_path / "out")}) == 6


@pytest.mark.slow
@pytest.mark.real_data
def test_a_real_film_is_stored_as_the_local_command_writes_it(
    pacs, cli, model, judged, orthanc, real_data: Path, tmp_path: Path
) -> None:
    film = real_data / "dicom" / "RG1_J2KI_CR_CHEST_philips.dcm"
    orthanc.put(film)
    overlay = judged("pass")
    done = pacs(orthanc.url, "--store", "--overlay", overlay, query="Modality=CR")
    assert done.exit_code == 0, done.output
    (row,) = report(tmp_path / "out")
    assert row["outcome"] == "stored"
    options = ("--checkpoint", model, "--overlay", overlay, "--output", tmp_path / "local")
    assert cli("harmonize", film, *options).exit_code == 0
    (stored,) = orthanc.held()[row["derived_series"]]
    assert same({stored.SOPInstanceUID: stored}, images(tmp_path / "local"))
    source = pydicom.dcmread(film)
    assert stored.PhotometricInterpretation == source.PhotometricInterpretation == "MONOCHROME1"
    assert (stored.Rows, stored.Columns, stored.BitsStored) == (source.Rows, source.Columns, source.BitsStored)
    assert stored.StudyInstanceUID == source.StudyInstanceUID
