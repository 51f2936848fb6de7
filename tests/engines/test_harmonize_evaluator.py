"""Every file gets its chance, and what failed is told."""

import logging
import re

import pytest
import torch
from monai.data import DataLoader, MetaTensor
from monai.transforms import Compose, Lambdad, MapTransform
from torch import nn

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.tolerant import TolerantDataset, collate_readable
from monai_harmonize.engines import HarmonizeEvaluator

SIZES = {"thin": (1, 9, 1)}


def read(path: str) -> MetaTensor:
    """A film of ones, of a size that its name tells."""
    if path.startswith("bad"):
        raise ImageFileError(path, "ends in the middle of its pixel data; get it again")
    return MetaTensor(torch.ones(SIZES.get(path, (1, 4, 6))), meta={"filename_or_obj": path})


class Save(MapTransform):
    """Writer that keeps the results and refuses one name."""

    def __init__(self) -> None:
        super().__init__("pred")
        self.saved: dict[str, torch.Tensor] = {}

    def __call__(self, data):
        name = data["pred"].meta["filename_or_obj"]
        if name == "unwritable":
            raise OSError(f"{name}: no space left on device")
        self.saved[name] = data["pred"]
        return data


class Double(nn.Module):
    """Network that wants more than one row."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        if image.shape[-1] == 1:
            raise RuntimeError("Padding size should be less than\n the corresponding input dimension")
        return 2 * image


def evaluate(*paths: str, workers: int = 0, **options) -> tuple[HarmonizeEvaluator, Save]:
    data = TolerantDataset([{"image": path} for path in paths], Compose([Lambdad("image", read)]))
    loader = DataLoader(data, batch_size=1, num_workers=workers, collate_fn=collate_readable)
    save = Save()
    evaluator = HarmonizeEvaluator("cpu", loader, Double(), postprocessing=Compose([save]), **options)
    return evaluator, save


@pytest.mark.parametrize("workers", [0, 2])
def test_all_good(workers: int, caplog) -> None:
    evaluator, save = evaluate("one", "two", "three", workers=workers)
    with caplog.at_level(logging.INFO):
        evaluator.run()
    assert list(save.saved) == ["one", "two", "three"]
    assert all(torch.equal(result, torch.full((1, 4, 6), 2.0)) for result in save.saved.values())
    assert (evaluator.completed, evaluator.failures) == (3, [])
    assert "Harmonized 3 files." in caplog.text
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("bad", "bad: ends in the middle of its pixel data; get it again"),
        ("thin", "thin: Padding size should be less than the corresponding input dimension"),
        ("unwritable", "unwritable: no space left on device"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_file_among_three(name: str, told: str, place: int, caplog) -> None:
    """Whether it fails on reading, in the network or on writing."""
    names = ["good", "fine"]
    names.insert(place, name)
    evaluator, save = evaluate(*names)
    evaluator.run()
    assert list(save.saved) == ["good", "fine"]
    assert evaluator.completed == 2
    assert [str(failure) for failure in evaluator.failures] == [told]
    assert told in [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert f"1 of 3 files failed:\n  {told}" in caplog.text


def test_nothing_at_all_could_be_done() -> None:
    evaluator, save = evaluate("bad1", "thin", "unwritable", "bad2")
    lines = ["4 of 4 files failed:", "  bad1: ends", "  thin: Padding", "  unwritable: no space", "  bad2: ends"]
    with pytest.raises(InputError, match=".*\n".join(map(re.escape, lines))):
        evaluator.run()
    assert save.saved == {}


def test_a_second_run_starts_counting_anew() -> None:
    evaluator, _ = evaluate("good", "bad")
    evaluator.run()
    evaluator.run()
    assert evaluator.completed == len(evaluator.failures) == 1


def test_the_network_computes_in_evaluation_mode_without_gradients() -> None:
    evaluator, _ = evaluate("good")
    evaluator.network.train()
    modes = []
    evaluator.network.register_forward_hook(lambda module, *_: modes.append((module.training, torch.is_grad_enabled())))
    evaluator.run()
    assert modes == [(False, False)]


def test_interrupts_end_the_run() -> None:
    def stop(inputs, network):
        raise KeyboardInterrupt

    evaluator, _ = evaluate("good", "fine", inferer=stop)
    with pytest.raises(KeyboardInterrupt):
        evaluator.run()
    assert evaluator.failures == []
