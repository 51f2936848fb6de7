"""A series in one style: encoding the style's image for every slice beside encoding it once, in alternation.

python benchmarks/stylise_series.py [--slices 8] [--size 256] [--rounds 5] [--threads 2]

``StyleTransferNet`` with VGG19 down to ``relu4_1``, float32, slice by slice through ``SlicewiseInferer``: once with the
style's image as the network's second argument, once with its statistics stored by ``store_styles``. Values are equal.
The floor is the convolutions at the rate that one of them reaches alone here.
"""

from __future__ import annotations

import argparse
import logging
import os
import time

import torch
from measurement import convolution_rate, count_operations
from paired_rounds import HEADER, Work, ratio_in_rounds
from variants import Setup

from monai_harmonize.inferers import SeamlessInferer, SlicewiseInferer
from monai_harmonize.networks import StyleTransferNet

logger = logging.getLogger(__name__)

# Of the time with the style encoded for every slice; largest difference on a scale from -1 to 1.
TIME, DIFFERENCE = 0.75, 1e-5


def drawing_network() -> StyleTransferNet:
    """With random weights, past its start, where the image is nearly grey."""
    torch.manual_seed(0)
    network = StyleTransferNet().eval()
    torch.nn.init.normal_(network.decoder.layers[-1].get_parameter("weight"), std=0.1)
    return network


def main() -> None:
    """Print a Markdown table and whether the promise is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=8)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(options.threads)
    network, inferer = drawing_network(), SlicewiseInferer(SeamlessInferer())
    volume = torch.rand(1, 1, options.size, options.size, options.slices) * 2 - 1
    style = torch.rand(1, 1, options.size, options.size) ** 2 * 2 - 1
    network.store_styles([style])
    ways: dict[str, Work] = {
        "style for every slice": lambda: inferer(volume, network, style),
        "style once": lambda: inferer(volume, network),
    }
    first, second = (torch.as_tensor(work()) for work in ways.values())
    difference = float((first - second).abs().max())
    if not difference < DIFFERENCE < float(first.std()):
        raise SystemExit(f"values differ by {difference:g}, their deviation is {float(first.std()):g}")
    rate = convolution_rate(torch.float32, Setup(threads=options.threads), lambda: None, time.perf_counter)
    operations = {way: count_operations(lambda work=work: (work(), None)[1]) for way, work in ways.items()}
    floors = {way: count / rate for way, count in operations.items()}
    share = floors["style once"] / floors["style for every slice"]
    logger.info(
        "%d threads, load %.1f; values differ by %.1e. A 3x3 convolution alone reaches %.0f GFLOP/s; the style once "
        "leaves %.3f of the operations.\n\n%s",
        options.threads,
        os.getloadavg()[0],
        difference,
        rate / 1e9,
        share,
        HEADER,
    )
    name = f"{options.slices} slices of {options.size}x{options.size}"
    ratio = ratio_in_rounds(name, ways, options.rounds, floors)
    verdict = "met" if ratio <= TIME else "MISSED"
    logger.info("\nPromise, at most %g of the time: %.3f, %s.", TIME, ratio, verdict)


if __name__ == "__main__":
    main()
