"""Measure lesson 6's attentions on a GPU, for readers without one: python -m autograder.measure_on_gpu [OUT]

Writes data/gpu_times.json, with device, versions and date. Without a GPU it says so and writes nothing.
"""

import datetime
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from attention_lab import peak_memory
from attention_lab.gpu_times import FILE, measured_on_gpu

from solutions.batched_gpu import batched_attention, benchmark, fused_attention, tiled_attention

HEADS, D_HEAD, BLOCK_SIZE = 12, 64, 1024
LENGTHS = (1024, 2048, 4096, 8192, 16384, 32768)


def tiled(query, key, value):
    """`tiled_attention` with the block size that is measured here."""
    return tiled_attention(query, key, value, BLOCK_SIZE)


def gpu() -> torch.device | None:
    """The GPU of this machine, if PyTorch can use one."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps") if torch.backends.mps.is_available() else None


def measure(device: torch.device, lengths: tuple[int, ...] = LENGTHS) -> dict:
    """The table: every attention at every length, as far as the memory of the device reaches."""
    dtype = torch.float32 if device.type == "cpu" else torch.float16
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return {
        "device": name,
        "date": datetime.date.today().isoformat(),
        "versions": f"PyTorch {torch.__version__}, CUDA {torch.version.cuda or 'none'}",
        "inputs": f"{HEADS} heads of {D_HEAD}, {str(dtype).removeprefix('torch.')}, tiles of {BLOCK_SIZE} keys",
        "rows": list(_rows(device, dtype, lengths)),
    }


@torch.no_grad()
def _rows(device, dtype, lengths) -> Iterator[dict]:
    sides = {"plain": batched_attention, "fused": fused_attention, "tiled": tiled}
    for name, attention in sides.items():
        for n in lengths:
            inputs = torch.randn(3, 1, HEADS, n, D_HEAD, device=device, dtype=dtype)
            try:
                seconds = benchmark(attention, *inputs)
                yield {"attention": name, "n": n, "seconds": seconds, "bytes": peak_memory(attention, *inputs)}
            except RuntimeError as error:  # out of memory, mostly; torch.OutOfMemoryError is one of these
                print(f"{name} at n = {n}: {str(error).splitlines()[0]}", file=sys.stderr)
                break


def main(arguments: list[str]) -> int:
    """Measures, writes the file and prints the table."""
    device = gpu()
    if device is None:
        print("There is no GPU here that PyTorch can use: nothing was measured, nothing written.", file=sys.stderr)
        return 2
    path = Path(arguments[0]) if arguments else FILE
    path.write_text(json.dumps(measure(device), indent=1) + "\n", encoding="utf-8")
    print(measured_on_gpu(path))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
