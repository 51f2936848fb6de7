"""Conditional inception score: closed forms, bounds, and that order does not matter."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from torch import nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.inception_score import (
    ConditionalInceptionScoreMetric,
    conditional_inception_score,
    inception_score,
)

numbers = st.floats(-800, 800, width=32)


@st.composite
def outputs(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits of outputs, the numbers of their inputs and weights; each input has two outputs at least."""
    classes, inputs = draw(st.integers(2, 5)), draw(st.integers(1, 4))
    content = draw(st.permutations([*range(inputs)] * 2 + draw(st.lists(st.integers(0, inputs - 1), max_size=6))))
    rows = st.lists(numbers, min_size=classes, max_size=classes)
    logits = draw(st.lists(rows, min_size=len(content), max_size=len(content)))
    weights = draw(st.lists(st.floats(0.01, 10), min_size=len(content), max_size=len(content)))
    return torch.tensor(logits), torch.tensor(content), torch.tensor(weights)


@given(outputs(), st.booleans(), st.randoms())
def test_bounds_and_order(case, weighted: bool, random) -> None:
    logits, content, weights = case
    weights = weights if weighted else None
    scores = conditional_inception_score(logits, content, weights)
    most = [math.log(min(logits.shape[1], int((content == number).sum()))) for number in content.unique()]
    assert (scores >= 0).all()
    assert (scores.numpy() <= np.array(most) + 1e-12).all()
    whole = float(inception_score(logits, content, weights))
    assert float(scores.mean()) - 1e-9 <= whole <= math.log(logits.shape[1]) + 1e-12
    order = random.sample(range(len(content)), len(content))
    mixed = None if weights is None else weights[order]
    torch.testing.assert_close(conditional_inception_score(logits[order], content[order], mixed), scores)
    assert float(inception_score(logits[order], content[order], mixed)) == pytest.approx(whole, abs=1e-9)


@pytest.mark.parametrize("styles", [2, 3, 7])
def test_closed_forms(styles: int) -> None:
    content = torch.arange(4).repeat_interleave(styles)
    alike = torch.randn(4, 7, generator=torch.manual_seed(0)).repeat_interleave(styles, dim=0)
    assert conditional_inception_score(alike, content).tolist() == pytest.approx([0] * 4, abs=1e-12)
    assert float(inception_score(alike, content)) > 0.05
    # Surely of a class of its own: logits far apart, or probabilities 0 and 1.
    for sure in (1e4, math.inf):
        distinct = torch.where(torch.eye(7)[:styles].repeat(4, 1) > 0, 0.0, -sure)
        assert conditional_inception_score(distinct, content).tolist() == pytest.approx([math.log(styles)] * 4)
        assert float(inception_score(distinct, content)) == pytest.approx(math.log(styles))


def test_as_scipy() -> None:
    logits = torch.randn(5, 3, generator=torch.manual_seed(1))
    content = torch.tensor([0, 1, 0, 1, 1])
    p = logits.double().softmax(1).numpy()
    scores = conditional_inception_score(logits, content)
    assert float(scores[0]) == pytest.approx(jensenshannon(p[0], p[2]) ** 2, rel=1e-12)
    of_second = p[[1, 3, 4]]
    assert float(scores[1]) == pytest.approx(np.mean(entropy(of_second, of_second.mean(0)[None], axis=1)), rel=1e-12)
    # Inputs count alike in the mean over all, though one has three outputs and one two.
    overall = (p[[0, 2]].mean(0) + of_second.mean(0)) / 2
    expected = (entropy(p[[0, 2]], overall[None], axis=1).mean() + entropy(of_second, overall[None], axis=1).mean()) / 2
    assert float(inception_score(logits, content)) == pytest.approx(expected, rel=1e-12)


def test_a_weight_of_two_is_the_output_twice() -> None:
    logits = torch.randn(3, 4, generator=torch.manual_seed(2))
    weighted = conditional_inception_score(logits, torch.zeros(3), torch.tensor([2, 1, 1]))
    twice = conditional_inception_score(logits[[0, 0, 1, 2]], torch.zeros(4))
    torch.testing.assert_close(weighted, twice)
    assert float(weighted) != pytest.approx(float(conditional_inception_score(logits, torch.zeros(3))))


def test_one_logit_stands_for_two_classes() -> None:
    one, content = torch.tensor([[-2.0], [3.0]]), torch.zeros(2)
    two = torch.cat([torch.zeros(2, 1), one], dim=1)
    assert float(conditional_inception_score(one, content)) == float(conditional_inception_score(two, content)) > 0


class Looks(nn.Module):
    """Classes by mean brightness; in training it would answer otherwise."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        brightness = image.mean((1, 2, 3))[:, None] * (0 if self.training else 5)
        return torch.cat([brightness, -brightness, 0 * brightness], dim=1)


def test_the_metric_collects_batches_of_any_kind() -> None:
    images = torch.rand(6, 1, 8, 8, generator=torch.manual_seed(3)) * 2 - torch.arange(6).reshape(6, 1, 1, 1) / 3
    content = torch.tensor([7, 3, 7, 3, 7, 3])
    network = Looks()
    expected = conditional_inception_score(Looks().eval()(images), content)
    assert expected.min() > 0.01
    metric = ConditionalInceptionScoreMetric(network)
    metric(images[:3], content[:3, None])
    metric(list(images[3:]), [int(number) for number in content[3:]])
    torch.testing.assert_close(metric.get_buffer(), expected[:, None])
    assert float(metric.aggregate()) == pytest.approx(float(expected.mean()))
    metric.reset()
    plain = ConditionalInceptionScoreMetric(network.forward)
    plain(images, content)
    torch.testing.assert_close(plain.get_buffer(), expected[:, None])
    with pytest.raises(ValueError, match="no output was given"):
        metric.aggregate()


def test_errors() -> None:
    logits, content = torch.zeros(4, 2), torch.tensor([0, 0, 1, 1])
    for arguments, message in (
        ((torch.tensor([[0.0, math.nan]]), content[:1]), "expected .images, classes. without NaN"),
        ((torch.zeros(4), content), "logits of shape"),
        ((logits, content[:3]), "one number per output"),
        ((logits, content, torch.ones(3)), "one number per output"),
        ((logits, content, -torch.ones(4)), "a weight is negative"),
        ((logits, content, torch.full((4,), math.inf)), "a weight is negative, infinite"),
        ((logits, torch.tensor([0, 0, 0, 5])), "input 5 has 1 outputs"),
        ((logits, content, torch.tensor([1, 1, 0, 0])), "input 1 has 2 outputs with a total weight of 0"),
    ):
        for score in (conditional_inception_score, inception_score):
            with pytest.raises(InputError, match=message):
                score(*arguments)
