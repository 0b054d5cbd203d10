#!/usr/bin/env python3
"""Makes a small LoRA adapter for a GGUF model: rank 4, weights from a seed. It teaches nothing; it shows that adapters work.

    scripts/make-lora.py MODEL.gguf ADAPTER.gguf [--seed N] [--strength X]

Needs the package `gguf` of the Python index, which it installs into ${XDG_CACHE_HOME:-~/.cache}/echofs/tools where it is missing.
"""

import argparse
import importlib
import os
import subprocess
import sys

RANK = 4
TARGETS = (".attn_q.weight", ".attn_v.weight", ".ffn_down.weight")
VERSION = "0.17.1"


def tools():
    """Makes `gguf` importable."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    # Compiled parts in it are for one version of Python.
    directory = os.path.join(cache, "echofs", "tools", f"gguf-{sys.version_info.major}.{sys.version_info.minor}")
    sys.path.append(directory)
    try:
        import gguf  # noqa: F401
    except ImportError:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
        subprocess.run([*command, "--target", directory, f"gguf=={VERSION}", "numpy<3"], check=True)
        importlib.invalidate_caches()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("adapter")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--strength", type=float, default=0.3, help="how much it changes the model")
    return parser.parse_args()


def main():
    options = arguments()
    tools()
    import gguf
    import numpy

    model = gguf.GGUFReader(options.model)
    field = model.fields["general.architecture"]
    architecture = bytes(field.parts[field.data[0]]).decode()
    random = numpy.random.default_rng(options.seed)
    writer = gguf.GGUFWriter(options.adapter, architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(RANK))
    for tensor in model.tensors:
        if not tensor.name.endswith(TARGETS):
            continue
        wide, high = (int(n) for n in tensor.shape[:2])
        a = random.normal(0, wide**-0.5, (RANK, wide)).astype(numpy.float32)
        b = random.normal(0, options.strength, (high, RANK)).astype(numpy.float32)
        writer.add_tensor(tensor.name + ".lora_a", a)
        writer.add_tensor(tensor.name + ".lora_b", b)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
