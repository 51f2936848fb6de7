"""The measures as a bundle's evaluate.json names them, in an ignite engine."""

import pytest
import torch
from ignite.engine import Engine
from monai.bundle import ConfigParser

from monai_harmonize.metrics.frechet_distance import frechet_distance
from monai_harmonize.networks.pooled_features import PooledFeatures

EXTRACTOR = {
    "_target_": "monai_harmonize.networks.PooledFeatures",
    "extractor": "resnet50",
    "random_weights": True,
    "layer": "relu",
}


def handler(metric: dict) -> dict:
    return {
        "_target_": "monai.handlers.IgniteMetricHandler",
        "metric_fn": metric,
        "output_transform": "$monai.handlers.from_engine(['pred', 'real'])",
    }


@pytest.mark.parametrize("decollated", [True, False])
def test_measures_by_name_in_a_configuration(decollated: bool) -> None:
    config = {
        "imports": ["$import monai"],
        "features": EXTRACTOR,
        "metrics": {
            "mae": handler({"_target_": "monai_harmonize.metrics.paired_quality.PairedQualityMetric", "name": "mae"}),
            "fid": handler(
                {
                    "_target_": "monai_harmonize.metrics.feature_metric.FeatureSetMetric",
                    "features": "@features",
                    "measure": "fid",
                }
            ),
        },
    }
    metrics = ConfigParser(config).get_parsed_content("metrics")
    outputs, real = 2 * torch.rand(2, 8, 1, 16, 16, generator=torch.manual_seed(0)) - 1

    def step(_: Engine, places: torch.Tensor) -> object:
        items = [{"pred": outputs[place], "real": real[place]} for place in places]
        return items if decollated else {"pred": outputs[places], "real": real[places]}

    engine = Engine(step)
    for name, metric in metrics.items():
        metric.attach(engine, name)
    for _ in range(2):  # a second run starts anew
        engine.run(torch.arange(8).split(3))
        assert engine.state.metrics["mae"] == pytest.approx(float((outputs - real).abs().mean()) / 2, rel=1e-5)
        features = PooledFeatures("resnet50", random_weights=True, layer="relu")
        expected = float(frechet_distance(features(outputs), features(real)))
        assert engine.state.metrics["fid"] == pytest.approx(expected, rel=1e-3)
