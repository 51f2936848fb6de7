"""Conditional inception score: how different, to a classifier, the outputs of one input are.

Source: Huang et al. 2018, "Multimodal unsupervised image-to-image translation" (arXiv 1804.04732), section 5.2:

    CIS = E over inputs x1 [ E over outputs x12 of x1 [ KL( p(y | x12) || p(y | x1) ) ] ]

with p(y | x12) the classes of a classifier for the output, and p(y | x1) their mean over the outputs of the input. It
is the information in nats that an output carries on its class beyond what its input tells: 0 where all outputs of an
input look alike to the classifier, so for every deterministic generator, and at most the logarithm of the number of
classes and of the number of outputs per input. **Higher is more diverse.** The classifier has to know the looks that
outputs can have, say the sites or scanners.

Xu et al. 2020 (HCIS 10:46) disagree with themselves on the direction: where they name their
metrics, a low score stands for little ability to transform style, as in the definition; where they discuss their
table 1, the lowest score is called best. We report the definition's score and call higher more diverse. Whether
diversity is wanted is another question: a harmonizer that brings all images to one look should score near 0.

Two estimates compare only with the same classifier and equal numbers of outputs per input: the mean of few outputs
lies closer to each of them than that of many, so few outputs give a lower score (Huang et al. take 100 of 100 inputs).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from monai.metrics import CumulativeIterationMetric
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError

__all__ = ["ConditionalInceptionScoreMetric", "conditional_inception_score", "inception_score"]


def conditional_inception_score(logits: Tensor, content: Tensor, weights: Tensor | None = None) -> Tensor:
    """Score of each input; their mean is CIS, in which every input counts alike, however many outputs it has.

    Args:
        logits: of a classifier for each output, ``(N, K)``; one logit (K = 1) is that of the second of two classes.
        content: number of the input of each output, whole numbers ``(N,)`` in any order.
        weights: how likely each output of its input is, ``(N,)``, any scale; all alike by default. For outputs in
            styles that were not drawn at random, for example one per site, sites being of different size.

    Returns:
        ``(inputs,)``, float64, nats, in increasing order of ``content``.

    Raises:
        InputError: shapes do not fit, a logit is NaN, weights are negative or all 0 for an input, or an input has one
            output only, from which nothing follows.
    """
    log_p = log_probabilities(logits)
    groups, shares = _inputs_and_shares(content, weights, len(log_p))
    return torch.stack([mean_divergence(log_p[group], shares[group]) for group in groups])


def inception_score(logits: Tensor, content: Tensor, weights: Tensor | None = None) -> Tensor:
    """The same divergence from the mean over all outputs of all inputs, "IS" of Huang et al. 2018, not exponentiated.

    It is the conditional score plus what the inputs themselves tell of the class, so never below its mean.

    Returns:
        A scalar, float64, nats. Arguments and errors as ``conditional_inception_score``.
    """
    log_p = log_probabilities(logits)
    groups, shares = _inputs_and_shares(content, weights, len(log_p))
    return mean_divergence(log_p, shares / len(groups))


def log_probabilities(logits: Tensor) -> Tensor:
    """Logarithms of the probabilities of classes, ``(N, K)``, float64, K at least 2; NaN raises ``InputError``."""
    values = logits.detach().as_subclass(Tensor).double().cpu()
    if values.ndim != 2 or not values.numel() or values.isnan().any():
        raise InputError(f"logits of shape {tuple(logits.shape)}; expected (images, classes) without NaN.")
    if values.shape[1] == 1:
        values = torch.cat([torch.zeros_like(values), values], dim=1)
    return values.log_softmax(dim=1)


def mean_divergence(log_p: Tensor, shares: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence of distributions from their mean (the Jensen-Shannon divergence of them all).

    Args:
        log_p: logarithms of probabilities, ``(N, K)``.
        shares: weight of each distribution, ``(N,)``, sum 1.

    Returns:
        A scalar, nats, 0 to ``log(min(N, K))``.
    """
    log_mean = (log_p + shares.log()[:, None]).logsumexp(dim=0)
    p = log_p.exp()
    # A class of probability 0 adds nothing.
    divergence = torch.where(p > 0, p * (log_p - log_mean), 0.0).sum(dim=1)
    return (shares * divergence).sum().clamp_min(0)


def _inputs_and_shares(content: Tensor, weights: Tensor | None, images: int) -> tuple[list[Tensor], Tensor]:
    """Places of the outputs of each input, and the share of each output in its input, ``(N,)``."""
    inputs = content.detach().as_subclass(Tensor).cpu()
    given = torch.ones(images) if weights is None else weights.detach().as_subclass(Tensor).cpu()
    if inputs.shape != (images,) or given.shape != (images,):
        raise InputError(
            f"content of shape {tuple(inputs.shape)} and weights of shape {tuple(given.shape)} for {images} outputs; "
            "expected one number per output."
        )
    if not (given >= 0).all() or given.isinf().any():
        raise InputError("a weight is negative, infinite or NaN; expected how likely each output is, on any scale.")
    groups = [(inputs == number).nonzero()[:, 0] for number in torch.unique(inputs)]
    shares = given.double()
    for group in groups:
        total = float(shares[group].sum())
        if len(group) < 2 or total == 0:
            raise InputError(
                f"input {inputs[group[0]]} has {len(group)} outputs with a total weight of {total:g}; the score is "
                "about differences between outputs of one input, so give two at least, in several styles."
            )
        shares[group] /= total
    return groups, shares


class ConditionalInceptionScoreMetric(CumulativeIterationMetric):
    """``conditional_inception_score`` of the outputs of an evaluator and its mean, gathered from all processes.

    Called with outputs ``(B, 1, H, W)`` as the classifier wants them and the numbers of their inputs, ``(B,)`` or
    ``(B, 1)``, or lists of them; outputs of one input may come in different batches. ``get_buffer`` gives the score of
    each input, ``(inputs, 1)``.

    Args:
        classifier: from images ``(B, 1, H, W)`` to logits ``(B, K)``, for example ``InceptionClassifier``, or the
            network of a classification bundle. A module is put into evaluation mode; it stays on its device.
    """

    def __init__(self, classifier: Callable[[Tensor], Tensor]) -> None:
        self.classifier = classifier.eval() if isinstance(classifier, nn.Module) else classifier
        super().__init__()

    @torch.no_grad()
    def _compute_tensor(self, y_pred: Tensor, y: Tensor) -> list[Tensor]:
        logits = self.classifier(y_pred.as_subclass(Tensor))
        return [log_probabilities(logits).to(logits.device), y.as_subclass(Tensor).reshape(-1).to(logits.device)]

    def _compute_list(self, y_pred: Sequence[Tensor], y: Sequence[Tensor | int]) -> list[Tensor]:
        """Images one by one, as they may differ in size; numbers may be no tensors."""
        pairs = zip(y_pred, y, strict=True)
        parts = [self._compute_tensor(image[None], torch.as_tensor(number)) for image, number in pairs]
        return [torch.cat(part) for part in zip(*parts, strict=True)]

    def get_buffer(self) -> Tensor:
        """Score of each input, ``(inputs, 1)``, in increasing order of their numbers.

        Raises:
            ValueError: no output was given since the last reset.
        """
        buffers = super().get_buffer()
        if buffers is None:
            raise ValueError("no output was given since the last reset, so there is no score")
        return conditional_inception_score(*buffers)[:, None]

    def aggregate(self) -> Tensor:
        """Mean over the inputs, a float64 scalar in nats; errors as ``get_buffer``."""
        return self.get_buffer().mean()
