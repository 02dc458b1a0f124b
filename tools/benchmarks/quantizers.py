#!/usr/bin/env python3
"""RQ-VAE against residual k-means on the representations of one or more pipeline workspaces.

    tools/benchmarks/quantizers.py runs/movielens runs/amazon-beauty --sizes 256 1024 --seeds 3

Reads what the represent stage left in each workspace, runs `tessera bench quantizers` on it and prints one line per
set, size and method, as means ± standard deviations over the seeds: the share of the variance that is lost, utilisation
and entropy (nats) per level, and the share of items whose codes another item has. Arguments after `--` go to the bench
command. Needs numpy.
"""
import argparse
import json
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile

import numpy

MAGIC = b"TSSRCOL1"


def representations(workspace):
    """The vectors of a workspace's represent stage: a column file of floats behind a header of 64 bytes."""
    path = pathlib.Path(workspace) / "stages" / "represent" / "representations.f32"
    contents = path.read_bytes()
    kind, columns, rows = struct.unpack("<IIQ", contents[8:24])
    if contents[:8] != MAGIC or kind != 1 or len(contents) < 64 + 4 * rows * columns:
        sys.exit(f"{path} is not a whole column file of floats")
    return numpy.frombuffer(contents, "<f4", rows * columns, 64).reshape(rows, columns)


def spread(values):
    return f"{statistics.mean(values):.4f} ± {statistics.stdev(values) if len(values) > 1 else 0:.4f}"


def per_level(results, key):
    return " / ".join(f"{statistics.mean(level):.4f}" for level in zip(*(result[key] for result in results)))


def compare(tessera, vectors, name, size, options):
    command = [tessera, "bench", "quantizers", vectors, "--size", str(size), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}")
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for method in sorted({result["method"] for result in results}, reverse=True):
        own = [result for result in results if result["method"] == method]
        print(f"{name} {own[0]['n']} × {own[0]['d']}, {len(own[0]['sizes'])} × {size}, {method}, {len(own)} seeds: "
              f"lost {spread([r['reconstruction'] for r in own])}, utilization {per_level(own, 'utilization')}, "
              f"entropy {per_level(own, 'entropy')}, collisions {spread([r['collision_rate'] for r in own])}, "
              f"fit {statistics.mean(r['fit_s'] for r in own):.1f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspaces", nargs="+")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tessera", default=".build/release/tessera")
    arguments, options = parser.parse_known_args()
    options = [option for option in options if option != "--"] + ["--seeds", str(arguments.seeds)]
    with tempfile.TemporaryDirectory() as folder:
        for workspace in arguments.workspaces:
            vectors = f"{folder}/{pathlib.Path(workspace).name}.npy"
            numpy.save(vectors, representations(workspace))
            for size in arguments.sizes:
                compare(arguments.tessera, vectors, pathlib.Path(workspace).name, size, options)


if __name__ == "__main__":
    main()
