"""The illnesses of adversarial training that are looked for: what is measured, from where on, and what to do.

Source: Li et al. When medical images meet generative adversarial network. Discover Artificial Intelligence 1:5, 2021,
section 7.1, point 5: mode collapse and what brings it about, diminishing gradients in shallow layers, failure to
converge, dominance of the generator. Dominance of the discriminator and inversion, the known failure of unpaired
translation, are added. The statistics and thresholds are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.watch.alarm import Limit

__all__ = ["SYMPTOMS", "Symptom", "limits"]


@dataclass(frozen=True)
class Symptom:
    """One entry of the catalogue.

    Args:
        title: what it is called.
        limit: where it begins unless the configuration tells otherwise.
        words: what happened; ``{name}`` is the network or loss, ``{value}`` and ``{threshold}`` numbers.
        advice: what to do.
        patient: whether it must last; one that ends a training at once is told at once.
    """

    title: str
    limit: Limit
    words: str
    advice: str
    patient: bool = True


SYMPTOMS: Mapping[str, Symptom] = {
    "spread": Symptom(
        "mode collapse",
        Limit(0.25, 1.0),
        "the images of {name} differ from one another by {value} of what real ones do (alarm at {threshold} or less)",
        "lower the learning rates, give reconstruction terms more weight or enlarge the replay pool, draw against a"
        " Wasserstein critic, and begin anew: a collapsed generator rarely comes back",
    ),
    "dependence": Symptom(
        "mode collapse",
        Limit(0.3, 1.0),
        "the images of {name} have little to do with its inputs: their distances correlate by {value} (alarm at"
        " {threshold} or less)",
        "give the cycle, identity or content terms more weight and begin anew",
    ),
    "first_layers": Symptom(
        "vanishing gradients",
        Limit(1e-3, 1.0, logarithmic=True),
        "gradients in the first layers of {name} are {value} of those in the last ones (alarm at {threshold} or less)",
        "use a normalisation layer, ReLU or LeakyReLU instead of sigmoid and tanh between layers, or skip connections",
    ),
    "vanished": Symptom(
        "vanishing gradients",
        Limit(0.01, 1.0, logarithmic=True),
        "gradients of {name}, relative to its weights, fell to {value} of what they were at the beginning (alarm at"
        " {threshold} or less)",
        "another adversarial loss (least squares, not cross-entropy), a lower learning rate of the discriminators, or"
        " float32 instead of float16",
    ),
    "exploded": Symptom(
        "exploding gradients",
        Limit(100.0, 1.0, logarithmic=True),
        "gradients of {name}, relative to its weights, grew to {value} times what they were at the beginning (alarm"
        " at {threshold} or more)",
        "lower the learning rate",
    ),
    "not_finite": Symptom(
        "exploding gradients",
        Limit(0.5, 0.0),
        "{value} of the steps of {name} had gradients that are no numbers, or were left out for it (alarm at"
        " {threshold} or more)",
        "lower the learning rate, or use float32 or bfloat16 instead of float16",
    ),
    "loss_not_finite": Symptom(
        "non-convergence",
        Limit(1.0, 0.0),
        "the loss {name} is no number any more",
        "stop: its weights are lost. Lower the learning rate, or use float32 or bfloat16 instead of float16",
        patient=False,
    ),
    "dominance": Symptom(
        "discriminator dominance",
        Limit(0.995, 0.75),
        "{name} takes the real patch for the real one in {value} of all pairs (alarm at {threshold} or more), and its"
        " generator comes no closer to the real grey levels",
        "lower the learning rate of the discriminators, make them smaller, or give the adversarial terms more weight",
    ),
    "misled": Symptom(
        "generator dominance",
        Limit(0.3, 0.75),
        "{name} takes the real patch for the real one in only {value} of all pairs (alarm at {threshold} or less): it"
        " is worse than chance and misleads its generator",
        "raise the learning rate of the discriminators, make them larger, or give the adversarial terms less weight",
    ),
    "blindness": Symptom(
        "generator dominance",
        Limit(0.5, 0.0),
        "{name} guesses which patch is real, yet grey levels of generated and real images are {value} standard"
        " deviations apart (alarm at {threshold} or more)",
        "raise the learning rate of the discriminators, make them larger, or give the adversarial terms less weight",
    ),
    "rank_correlation": Symptom(
        "inversion",
        Limit(0.0, 1.0),
        "{name} turns light into dark: the rank correlation of output and input is {value} (alarm at {threshold} or"
        " less)",
        "begin anew with another seed and more weight for the identity terms; a generator with a skip connection or of"
        " class G0 to G3 begins, or stays, without inversion",
    ),
    "flipped_edges": Symptom(
        "inversion",
        Limit(0.3, 0.0),
        "{name} turns light into dark in places: {value} of the edges changed their side (alarm at {threshold} or"
        " more)",
        "begin anew with another seed and more weight for the identity terms; a generator with a skip connection or of"
        " class G0 to G3 begins, or stays, without inversion",
    ),
    "rise": Symptom(
        "non-convergence",
        Limit(0.5, 0.0),
        "the loss {name} grew by {value} of its level over the last reviews (alarm at {threshold} or more)",
        "lower the learning rates; the weights that validation chose earlier are kept",
    ),
    "swing": Symptom(
        "non-convergence",
        Limit(0.5, 0.0),
        "the loss {name} goes up and down by {value} of its level without progress (alarm at {threshold} or more)",
        "lower the learning rates, or accumulate gradients over more images",
    ),
    "no_better_than_grey": Symptom(
        "non-convergence",
        Limit(0.9, 0.0),
        "the loss {name} is {value} of what images of one grey level would have (alarm at {threshold} or more)",
        "lower the learning rates, or give this term more weight",
    ),
}


def limits(thresholds: Mapping[str, float]) -> dict[str, Limit]:
    """Limits of all symptoms, with thresholds of the user's own.

    Args:
        thresholds: by symptom, those that replace the default.

    Raises:
        InputError: an unknown symptom, or a threshold on the healthy side; the message tells what is valid.
    """
    unknown = sorted(set(thresholds) - set(SYMPTOMS))
    if unknown:
        raise InputError(f"watch#thresholds names {unknown}; expected some of {sorted(SYMPTOMS)}.")
    found = {}
    for key, symptom in SYMPTOMS.items():
        usual = symptom.limit
        threshold = thresholds.get(key, usual.threshold)
        valid = isinstance(threshold, int | float) and not isinstance(threshold, bool)
        side = "above" if usual.threshold > usual.healthy else "below"
        if not valid or not (threshold > usual.healthy if side == "above" else threshold < usual.healthy):
            raise InputError(f"watch#thresholds#{key} is {threshold!r}; expected a number {side} {usual.healthy:g}.")
        if usual.logarithmic and threshold <= 0:
            raise InputError(f"watch#thresholds#{key} is {threshold!r}; expected a number above 0.")
        found[key] = Limit(float(threshold), usual.healthy, usual.logarithmic)
    return found
