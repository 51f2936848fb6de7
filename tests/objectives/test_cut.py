"""Groups behind a cut leave the gradients that one graph leaves."""

import pytest
import torch
from torch import nn

from monai_harmonize.objectives.cut import cut, recomputed


def networks() -> tuple[nn.Module, nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    return nn.Linear(3, 4).double(), nn.Linear(4, 2).double(), torch.rand(5, 3, dtype=torch.float64)


def gradients(*modules: nn.Module) -> list[torch.Tensor]:
    return [parameter.grad.clone() for module in modules for parameter in module.parameters()]


def test_gradients_are_those_of_one_graph_through_nested_cuts() -> None:
    first, second, data = networks()
    middle = first(data).tanh()
    ((middle**2).sum() + second(middle).sum() + second(middle).tanh().sum()).backward()
    expected = gradients(first, second)
    for module in (first, second):
        module.zero_grad(set_to_none=True)
    with cut(first(data).tanh()) as middle:
        (middle**2).sum().backward()
        with cut(second(middle)) as last:
            last.sum().backward()
            last.tanh().sum().backward()
    for found, wanted in zip(gradients(first, second), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_a_recomputed_part_has_the_same_gradients_and_no_graph_meanwhile() -> None:
    first, second, data = networks()
    second(first(data)).tanh().sum().backward()
    expected = gradients(first, second)
    for module in (first, second):
        module.zero_grad(set_to_none=True)
    made: list[torch.Tensor] = []
    first.register_forward_hook(lambda module, inputs, output: made.append(output))
    with recomputed(lambda: first(data)) as middle:
        second(middle).tanh().sum().backward()
        assert [output.grad_fn for output in made] == [None]
        assert first.weight.grad is None
    assert len(made) == 2
    for found, wanted in zip(gradients(first, second), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_without_gradients_nothing_is_recomputed() -> None:
    first, second, data = networks()
    made: list[int] = []
    first.register_forward_hook(lambda *_: made.append(1))
    with torch.no_grad(), recomputed(lambda: first(data)) as middle:
        assert not second(middle).requires_grad
    with recomputed(lambda: first(data)) as middle:
        assert middle.requires_grad
    assert len(made) == 2


def test_what_lies_before_is_backpropagated_once_and_at_the_end() -> None:
    first, second, data = networks()
    calls: list[int] = []
    result = first(data)
    result.register_hook(lambda _: calls.append(1))
    with cut(result) as middle:
        second(middle).sum().backward()
        second(middle).sum().backward()
        assert calls == []
    assert calls == [1]


def test_nothing_to_backpropagate() -> None:
    first, _, data = networks()
    with cut(first(data)):
        pass
    assert first.weight.grad is None
    with torch.no_grad():
        result = first(data)
    with cut(result) as same:
        assert same is result


def test_an_error_within_is_not_followed_by_a_backpropagation() -> None:
    first, second, data = networks()
    with pytest.raises(ArithmeticError), cut(first(data)) as middle:  # noqa: PT012 - the gradient comes first
        second(middle).sum().backward()
        raise ArithmeticError
    assert first.weight.grad is None


def test_the_backpropagation_leaves_autocast() -> None:
    first, _, data = networks()
    seen: list[bool] = []
    with torch.autocast("cpu", torch.bfloat16):
        result = first(data)
        result.register_hook(lambda _: seen.append(torch.is_autocast_enabled("cpu")))
        with cut(result) as middle:
            middle.sum().backward()
        assert torch.is_autocast_enabled("cpu")
    assert seen == [False]
