"""Which arithmetic a device computes fastest in training."""

from __future__ import annotations

import torch

__all__ = ["fastest_precision"]


def fastest_precision(device: torch.device | str) -> str:
    """Name of the precision for ``ObjectiveTrainer``.

    Args:
        device: where the training runs.

    Returns:
        ``"bfloat16"`` where the processor multiplies it natively (CUDA from Ampere on; CPUs with AVX-512 BF16 or
        AMX), ``"float16"`` on older CUDA devices, else ``"float32"``, since an emulated bfloat16 is slower.
    """
    if torch.device(device).type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return "bfloat16" if native else "float32"
