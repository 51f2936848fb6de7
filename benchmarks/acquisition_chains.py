"""Data sets for ``monai-harmonize protocol``: a site's radiographs, plain and through an acquisition chain.

    python benchmarks/acquisition_chains.py --manifest $MONAI_HARMONIZE_DATA/cxr_manifest.csv --output eval/chains

For every chain a folder with 16-bit PNG of both sites and ``manifest.csv``. The training images behind a chain are
those of other patients than the plain ones: half of them stay plain, the other half goes through the chain.
"""

import argparse
import logging
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from monai.transforms import Compose, Resized
from PIL import Image
from torch import Tensor

from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.data.patient_split import hold_out_validation
from monai_harmonize.transforms import ACQUISITION_CHAINS, AcquisitionChain, LoadRadiographd, ScaleGreyLevelsd

logger = logging.getLogger("acquisition_chains")


def goes_through_chain(record: dict, share: float) -> bool:
    """Whether a training patient is one of the other hospital's; fixed by the patient's number."""
    return zlib.crc32(str(record["patient"]).encode()) / 2**32 < share


def write_png(image: Tensor, file: Path) -> None:
    """Levels on [0, 1], ``(1, W, H)``, as 16 bit."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((65535 * image[0].T).round().numpy().astype(np.uint16)).save(file)


def write_chain(records: list[dict], chain: str, folder: Path, size: int, share: float) -> None:
    """Images and manifest of one chain."""
    read = Compose([LoadRadiographd("image"), ScaleGreyLevelsd("image"), Resized("image", (size, size), mode="area")])
    send = AcquisitionChain(chain).set_random_state(zlib.crc32(chain.encode()))
    rows = []
    for record in records:
        plain = (torch.as_tensor(read(dict(record))["image"]).as_subclass(Tensor) + 1) / 2
        tested = record["split"] == "test"
        other = goes_through_chain(record, share)
        wanted = {"plain": tested or not other, chain: tested or other}
        for site, image in (("plain", plain), (chain, send(plain))):
            if wanted[site]:
                file = Path(site) / record["split"] / f"{Path(record['file']).stem}.png"
                write_png(image, folder / file)
                # What the exporting hospital forgot to say is not in the manifest either.
                row = {"file": str(file), "site": site, "polarity": "normal"}
                rows.append(row | {key: record[key] for key in ("label", "patient", "split")})
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    logger.info("%s: %d files", folder, len(rows))


def main() -> None:
    """Write all chains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--site", default="nih_cxr14", help="site of the manifest whose labels are 0 and 1")
    parser.add_argument("--chains", nargs="+", default=ACQUISITION_CHAINS, choices=ACQUISITION_CHAINS)
    parser.add_argument("--size", type=int, default=256, help="pixels per edge")
    parser.add_argument("--share", type=float, default=0.3, help="of the training patients that go through the chain")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    found = load_manifest(options.manifest, options.manifest.parent).records
    records = hold_out_validation([record for record in found if record["site"] == options.site], 0.15)
    for chain in options.chains:
        write_chain(records, chain, options.output / chain, options.size, options.share)


if __name__ == "__main__":
    main()
