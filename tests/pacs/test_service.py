"""Search, fetch and store against a real server."""

from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid

from monai_harmonize.pacs.errors import PacsError
from monai_harmonize.pacs.fetched import OwnResultError, fetch_series, safe_name
from monai_harmonize.pacs.service import RemoteSeries
from monai_harmonize.pacs.storage import store_whole
from tests.pacs.services import of, service


@pytest.fixture
def many(films: list[Path]) -> list[Path]:
    """A series of five instances."""
    paths = []
    for number in range(5):
        dataset = pydicom.dcmread(films[0])
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.InstanceNumber = number + 1
        paths.append(films[0].with_name(f"many_{number}.dcm"))
        dataset.save_as(paths[-1])
    return paths


@pytest.mark.parametrize("page", [1, 2, 3, 100])
def test_searches_go_page_by_page(orthanc, films, many, page: int) -> None:
    orthanc.put(*films[1:], *many)
    searcher = service(orthanc.url, page=page)
    expected = {of(path).uid for path in films}
    found = searcher.series({"Modality": "DX"})
    assert len(found) == 3
    assert {one.uid for one in found} == expected
    assert {one.modality for one in found} == {"DX"}
    first = of(many[0])
    instances = searcher.instances(first.study, first.uid)
    assert len(instances) == 5
    assert set(instances) == {pydicom.dcmread(path).SOPInstanceUID for path in many}


def test_a_search_takes_what_matches_and_nothing_else(orthanc, films) -> None:
    orthanc.put(*films)
    searcher = service(orthanc.url)
    assert searcher.series({"Modality": "CT"}) == []
    assert searcher.series({"Modality": "DX", "StudyDate": "20240102-20240102"}) == [of(films[1])]
    assert len(searcher.series({"StudyDate": "20240102-"})) == 2
    assert searcher.series({"PatientID": "SECRET2"}) == [of(films[2])]
    assert searcher.series({"PatientID": "*ET1"}) == [of(films[1])]
    assert len(searcher.series({"PatientID": "SECR?T*", "Modality": "D*"})) == 3
    two = ",".join(of(path).uid for path in films[:2])
    assert {one.uid for one in searcher.series({"SeriesInstanceUID": two})} == set(two.split(","))
    assert searcher.instances(of(films[0]).study, generate_uid()) == {}
    assert searcher.instances(generate_uid(), generate_uid()) == {}


def test_a_server_that_ignores_pages_ends(orthanc, proxy_of, films) -> None:
    orthanc.put(*films)
    proxy = proxy_of(orthanc)
    content = orthanc.rest("/dicom-web/series").content
    proxy.rule = lambda method, path: (200, {"Content-Type": "application/dicom+json"}, content)
    assert len(service(proxy.url, page=2).series({"Modality": "DX"})) == 3
    assert len(proxy.seen) == 2


def test_a_fetch_gives_the_bytes_as_they_are(orthanc, many, tmp_path: Path) -> None:
    orthanc.put(*many)
    uids = {pydicom.dcmread(path).SOPInstanceUID: path for path in many}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "old").write_text("of another time")
    fetch_series(service(orthanc.url), of(many[0]), list(uids), tmp_path / "in")
    assert {path.name for path in (tmp_path / "in").iterdir()} == {f"{safe_name(uid)}.dcm" for uid in uids}
    for uid, path in uids.items():
        assert (tmp_path / "in" / f"{safe_name(uid)}.dcm").read_bytes() == path.read_bytes()


@pytest.mark.real_data
def test_a_compressed_film_comes_as_it_is_stored(orthanc, real_data: Path, tmp_path: Path) -> None:
    film = real_data / "dicom" / "RG1_J2KI_CR_CHEST_philips.dcm"
    orthanc.put(film)
    found = service(orthanc.url).series({"Modality": "CR"})
    uid = str(pydicom.dcmread(film).SOPInstanceUID)
    fetch_series(service(orthanc.url), found[0], [uid], tmp_path / "in")
    assert (tmp_path / "in" / f"{safe_name(uid)}.dcm").read_bytes() == film.read_bytes()


def test_a_series_that_is_not_what_was_listed_is_refused(orthanc, many, films, tmp_path: Path) -> None:
    orthanc.put(*many, films[1])
    uids = [str(pydicom.dcmread(path).SOPInstanceUID) for path in many]
    fetcher = service(orthanc.url)
    with pytest.raises(PacsError, match="lists 6 instances but gives 1 fewer"):
        fetch_series(fetcher, of(many[0]), [*uids, "1.2.3"], tmp_path / "in")
    with pytest.raises(PacsError, match="not of the series"):
        fetch_series(fetcher, of(many[0]), uids[1:], tmp_path / "in")
    with pytest.raises(PacsError, match="404"):
        fetch_series(fetcher, RemoteSeries(of(films[1]).study, generate_uid()), ["1.2.3"], tmp_path / "in")


def test_what_was_made_here_is_not_fetched(orthanc, films, tmp_path: Path) -> None:
    dataset = pydicom.dcmread(films[0])
    item = pydicom.Dataset()
    item.Manufacturer = "monai-harmonize"
    dataset.ContributingEquipmentSequence = [item]
    dataset.save_as(films[0])
    orthanc.put(films[0])
    with pytest.raises(OwnResultError):
        fetch_series(service(orthanc.url), of(films[0]), [dataset.SOPInstanceUID], tmp_path / "in")


def test_a_broken_answer_is_asked_for_again(orthanc, proxy_of, many, tmp_path: Path) -> None:
    orthanc.put(*many)
    proxy = proxy_of(orthanc)
    proxy.rule = lambda method, path: "cut answer" if len(proxy.seen) < 3 else None
    uids = [str(pydicom.dcmread(path).SOPInstanceUID) for path in many]
    fetch_series(service(proxy.url, attempts=3), of(many[0]), uids, tmp_path / "in")
    assert len(proxy.seen) == 3
    assert len(list((tmp_path / "in").iterdir())) == 5
    proxy.seen.clear()
    with pytest.raises(PacsError, match="broke off"):
        fetch_series(service(proxy.url, attempts=2), of(many[0]), uids, tmp_path / "in")


def test_a_store_is_believed_when_it_is_found(orthanc, proxy_of, many) -> None:
    """A server may say that all is well and have stored a part; here the rest is missing in the request itself."""
    proxy = proxy_of(orthanc)
    files = {str(pydicom.dcmread(path).SOPInstanceUID): path for path in many}
    series = of(many[0])
    store_whole(service(proxy.url), series.study, series.uid, files)
    assert len(orthanc.held()[series.uid]) == 5
    assert sum(method == "POST" for method, _ in proxy.seen) == 1
    # The same again makes nothing twice.
    store_whole(service(proxy.url), series.study, series.uid, files)
    assert len(orthanc.held()[series.uid]) == 5


def test_a_server_that_lists_late_is_waited_for(orthanc, proxy_of, many) -> None:
    proxy = proxy_of(orthanc)
    late = (200, {"Content-Type": "application/dicom+json"}, b"[]")
    proxy.rule = lambda method, path: late if method == "GET" and len(proxy.seen) == 2 else None
    files = {str(pydicom.dcmread(path).SOPInstanceUID): path for path in many}
    store_whole(service(proxy.url), of(many[0]).study, of(many[0]).uid, files)
    assert [method for method, _ in proxy.seen].count("POST") == 1
    assert len(orthanc.held()[of(many[0]).uid]) == 5


def test_a_server_that_takes_a_part_is_told_of(orthanc, many) -> None:
    """Orthanc keeps the others when it refuses an instance without a series."""
    bad = pydicom.dcmread(many[3])
    del bad.SeriesInstanceUID
    bad.save_as(many[3])
    series = of(many[0])
    files = {str(pydicom.dcmread(path).SOPInstanceUID): path for path in many}
    with pytest.raises(PacsError, match=r"took 4 of 5 instances.*INCOMPLETE"):
        store_whole(service(orthanc.url), series.study, series.uid, files)
    assert len(orthanc.held()[series.uid]) == 4


def test_a_half_is_deleted_where_the_server_can(orthanc, proxy_of, many) -> None:
    bad = pydicom.dcmread(many[3])
    del bad.SeriesInstanceUID
    bad.save_as(many[3])
    series = of(many[0])
    files = {str(pydicom.dcmread(path).SOPInstanceUID): path for path in many}
    proxy = proxy_of(orthanc)

    def rule(method: str, path: str):
        """What a server with deletion does, by Orthanc's own interface."""
        if method != "DELETE":
            return None
        assert path == f"/dicom-web/studies/{series.study}/series/{series.uid}"
        orthanc.empty()
        return 204, {}, b""

    proxy.rule = rule
    with pytest.raises(PacsError, match=r"took 4 of 5 instances.*deleted again"):
        store_whole(service(proxy.url), series.study, series.uid, files)
    assert orthanc.held() == {}


def test_a_refused_store_says_why(orthanc, proxy_of, many) -> None:
    proxy = proxy_of(orthanc)
    for status, words in [(409, "log tells why"), (403, "ask its administrator"), (413, "raise the limit")]:
        proxy.rule = lambda method, path, status=status: (status, {}, b"") if method == "POST" else None
        with pytest.raises(PacsError, match=rf"{words}.*\({status} "):
            store_whole(service(proxy.url), of(many[0]).study, of(many[0]).uid, {"1.2.3": many[0]})


def test_a_wrong_place_and_a_silent_one(orthanc, films) -> None:
    with pytest.raises(PacsError, match="404"):
        service(orthanc.url + "/nowhere").series({"Modality": "CR"})
    with pytest.raises(PacsError, match="no connection"):
        service("http://127.0.0.1:9/dicom-web").series({"Modality": "CR"})
