"""One bad file does not stop the batch."""

import pytest
import torch
from monai.data import DataLoader, MetaTensor
from monai.transforms import Compose, Lambdad

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.tolerant import FAILURES, Failure, TolerantDataset, collate_readable, first_cause


def read(path: str) -> MetaTensor:
    """Reader of the test: the path's last letter is the value; "bad" files fail, wrapped as MONAI wraps."""
    if path.startswith("bad"):
        raise ValueError(f"{path}: damaged at\n  byte 3")
    return MetaTensor(torch.full((1, 2, 2), float(path[-1])), meta={"filename_or_obj": path})


def dataset(*paths: str) -> TolerantDataset:
    return TolerantDataset([{"image": path} for path in paths], Compose([Lambdad("image", read)]))


def test_a_bad_item_becomes_a_failure_with_its_path_and_cause() -> None:
    items = dataset("good1", "bad2", "good3")
    assert len(items) == 3
    assert float(items[0]["image"].max()) == 1
    assert items[1] == Failure("bad2", "bad2: damaged at byte 3")
    assert str(items[1]) == "bad2: damaged at byte 3"
    assert float(items[2]["image"].max()) == 3


def test_the_path_is_told_once() -> None:
    assert str(Failure("/a/b.dcm", "is empty")) == "/a/b.dcm: is empty"
    assert str(Failure("/a/b.dcm", "/a/b.dcm: is empty")) == "/a/b.dcm: is empty"


def test_another_key_and_no_transform() -> None:
    items = TolerantDataset([{"ct": "bad1"}], Compose([Lambdad("ct", read)]), key="ct")
    assert items[0].path == "bad1"
    with pytest.raises(IndexError):
        items[1]


def test_interrupts_are_no_failures() -> None:
    def stop(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TolerantDataset([{"image": "x"}], Lambdad("image", stop))[0]


def test_collate_keeps_what_is_readable() -> None:
    items = dataset("good1", "bad2", "good3")
    batch = collate_readable([items[0], items[1], items[2]])
    assert batch["image"].shape == (2, 1, 2, 2)
    assert batch["image"].meta["filename_or_obj"] == ["good1", "good3"]
    assert batch[FAILURES] == [items[1]]
    assert set(collate_readable([items[0]])) == {"image"}
    assert collate_readable([items[1]]) == {FAILURES: [items[1]]}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_goes_on(workers: int) -> None:
    loader = DataLoader(
        dataset("bad1", "good2", "bad3"), batch_size=1, num_workers=workers, collate_fn=collate_readable
    )
    told = [(sorted(batch), [str(failure) for failure in batch.get(FAILURES, ())]) for batch in loader]
    assert told == [
        ([FAILURES], ["bad1: damaged at byte 3"]),
        (["image"], []),
        ([FAILURES], ["bad3: damaged at byte 3"]),
    ]


def test_first_cause_is_the_root_on_one_line() -> None:
    wrapped = RuntimeError("applying transform")
    assert first_cause(wrapped) == "applying transform"
    wrapped.__cause__ = ValueError("cannot read")
    wrapped.__cause__.__cause__ = OSError("disk\n   gone")
    assert first_cause(wrapped) == "disk gone"
    assert first_cause(KeyError()) == "KeyError"


def test_first_cause_stops_at_what_the_user_can_act_on() -> None:
    wrapped, refused = RuntimeError("applying transform"), ImageFileError("film.dcm", "Rows is no whole number")
    wrapped.__cause__, refused.__cause__ = refused, ValueError("SECRET^PATIENT")
    assert first_cause(wrapped) == "film.dcm: Rows is no whole number"
