"""Samples and their classes are a manifest that the package reads."""

import torch
from ignite.engine import Engine

from monai_harmonize.data import load_manifest
from monai_harmonize.evaluation.sample_manifest import SampleManifest
from monai_harmonize.transforms.save_sample import SaveSampled


def test_the_manifest_names_the_files_that_were_saved(tmp_path) -> None:
    save = SaveSampled("pred", tmp_path)

    def draw(engine: Engine, numbers: list[int]) -> list[dict]:
        engine.state.batch = [{"number": torch.tensor(number), "class": number % 3} for number in numbers]
        images = [{"pred": torch.zeros(1, 4, 4)} for _ in numbers]
        for item, image in zip(engine.state.batch, images, strict=True):
            save({**item, **image})
        return images

    engine = Engine(draw)
    SampleManifest(tmp_path / "manifest.csv", "drawn").attach(engine)
    for _ in range(2):
        engine.run([[0, 1], [2, 3]])
    records = load_manifest(tmp_path / "manifest.csv").records
    assert [record["label"] for record in records] == [0, 1, 2, 0]
    assert {record["site"] for record in records} == {"drawn"}
    assert {record["split"] for record in records} == {"train"}
    assert [record["file"] for record in records] == [f"sample_000{number}.png" for number in range(4)]
