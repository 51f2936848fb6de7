"""Images go to the network with the numbers of their targets, and every pair of sites has its measure."""

import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor

from monai_harmonize.engines import prepare_translations, site_pair_metrics
from monai_harmonize.metrics import pooled_histogram


def test_the_target_is_the_networks_second_argument() -> None:
    image = MetaTensor(torch.rand(2, 1, 4, 4))
    batch = {"image": image, "domain": torch.tensor([2, 0]), "target": torch.tensor([1, 2])}
    inputs, numbers, arguments, options = prepare_translations(batch, "cpu", dtype=torch.float64)
    assert inputs.dtype == torch.float64
    torch.testing.assert_close(inputs.float(), image)
    assert numbers.tolist() == [[2, 1], [0, 2]]
    assert [argument.tolist() for argument in arguments] == [[1, 2]]
    assert options == {}


def test_every_ordered_pair_has_its_own_measure() -> None:
    levels = (-0.5, 0.0, 0.5)
    images = [torch.full((1, 4, 4), level) for level in levels]
    histograms = [pooled_histogram([image], value_range=(-1, 1)) for image in images]
    metrics = site_pair_metrics(["north", "south", "west"], histograms)
    pairs = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    # What goes to a site of a smaller number arrives there, what goes to another one stays as it was.
    engine = Engine(lambda _, pair: [{"pred": images[min(pair)], "label": torch.tensor(pair)}])
    for name, metric in metrics.items():
        metric.attach(engine, name)
    engine.run(pairs)
    assert engine.state.metrics == pytest.approx(
        {
            "north_to_south": 0.25,
            "north_to_west": 0.5,
            "south_to_north": 0.0,
            "south_to_west": 0.25,
            "west_to_north": 0.0,
            "west_to_south": 0.0,
        }
    )
