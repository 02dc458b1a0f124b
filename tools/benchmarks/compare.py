#!/usr/bin/env python3
"""Runs a benchmark of Tessera and of its peer in turn and prints their ratio with its spread.

    tools/benchmarks/compare.py residual-kmeans --rounds 3
    tools/benchmarks/compare.py store --rounds 5
    tools/benchmarks/compare.py encode-text --model models/all-MiniLM-L6-v2 --input ../shared/data/movielens/items.jsonl
    tools/benchmarks/compare.py encode-image --model models/efficientnet-lite0 \\
        --checkpoint efficientnet-lite0.pth --input ../shared/data/movielens/images
    tools/benchmarks/compare.py train-recommender --precision f16
    tools/benchmarks/compare.py align
    tools/benchmarks/compare.py recommend --peer-precision bf16

The peers are small Python programs (FAISS, py-lmdb, PyTorch) that print one JSON line each; PEERS names their folder and
PEER_PYTHON the interpreter that has their requirements installed. Both sides run on the same machine, in turn
(A B A B ...), with the same data and the same number of threads, so that a drift of the machine's speed cancels in
the ratio of each pair.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def json_line(command):
    """Runs a command and returns the last JSON object that it prints."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit status {done.returncode}")
    return json.loads([line for line in done.stdout.splitlines() if line.startswith("{")][-1])


def residual_kmeans(a, peers):
    vectors = pathlib.Path(tempfile.gettempdir()) / f"tessera-vectors-{a.vectors[0]}x{a.vectors[1]}.npy"
    if not vectors.exists():
        subprocess.run([*peers("residual_kmeans.py"), "--make-vectors", *map(str, a.vectors), str(vectors)], check=True)
    flags = [str(vectors), "--levels", str(a.levels), "--size", str(a.size), "--iterations", str(a.iterations)]
    flags += ["--threads", str(a.threads)]
    total = lambda r: r["fit_s"] + r["encode_s"]
    return ([a.tessera, "bench", "residual-kmeans", *flags], [*peers("residual_kmeans.py"), *flags],
            {"fit + encode, peer over ours": lambda ours, peer: total(peer) / total(ours),
             "error, ours over peer": lambda ours, peer: ours["mse"] / peer["mse"]})


def store(a, peers):
    flags = ["--items", str(a.items)]
    return ([a.tessera, "bench", "store", *flags], [*peers("store.py"), *flags],
            {"publish, no verification": lambda ours, peer: ours["items_per_s"] / peer["items_per_s"],
             "publish with verification": lambda ours, peer: ours["verified_items_per_s"] / peer["items_per_s"],
             "random reads, one by one": lambda ours, peer: ours["reads_per_s"] / peer["reads_per_s"],
             # The peer reads on one thread, and its batch (Cursor.getmulti) is not measured: these two say what the
             # store offers beyond single reads.
             "random reads in one batch": lambda ours, peer: ours["batched_reads_per_s"] / peer["reads_per_s"],
             "random reads on two threads": lambda ours, peer: ours["two_thread_reads_per_s"] / peer["reads_per_s"]})


def encode_text(a, peers):
    items = ["--limit", str(a.limit), "--threads", str(a.threads)]
    return ([a.tessera, "bench", "encode-text", a.model, a.input, "--precision", a.precision, *items],
            [*peers("encode_text.py"), a.model, a.input, "--precision", a.peer_precision, *items],
            {"tokens/s, ours over peer": lambda ours, peer: ours["tokens_per_s"] / peer["tokens_per_s"]})


def encode_image(a, peers):
    items = ["--limit", str(a.limit), "--threads", str(a.threads)]
    return ([a.tessera, "bench", "encode-image", a.model, a.input, "--precision", a.precision, *items],
            [*peers("encode_image.py"), a.checkpoint, a.input, "--precision", a.peer_precision, *items],
            {"images/s, ours over peer": lambda ours, peer: ours["items_per_s"] / peer["images_per_s"]})


def train_recommender(a, peers):
    flags = ["--steps", str(a.steps), "--threads", str(a.threads)]
    return ([a.tessera, "bench", "train-recommender", "--precision", a.precision, *flags],
            [*peers("train_recommender.py"), "--precision", a.peer_precision, *flags],
            {"GFLOP/s, ours over peer": lambda ours, peer: ours["gflop_per_s"] / peer["gflop_per_s"]})


def align(a, peers):
    flags = ["--steps", str(a.steps), "--threads", str(a.threads)]
    return ([a.tessera, "bench", "align", "--precision", a.precision, *flags],
            [a.python, str(ROOT / "tools/benchmarks/peer_aligner.py"), "--precision", a.peer_precision, *flags],
            {"pairs/s, ours over peer": lambda ours, peer: ours["pairs_per_s"] / peer["pairs_per_s"]})


def recommend(a, peers):
    # Weights are drawn by our side, which runs first, so that both answer alike.
    weights = pathlib.Path(tempfile.gettempdir()) / f"tessera-beam-{os.getpid()}.safetensors"
    flags = ["--users", str(a.users), "--beam", str(a.beam), "--threads", str(a.threads), "--weights", str(weights)]
    served = ["--pipeline", a.pipeline] if a.pipeline else []
    if a.pipeline:
        flags += ["--data", str(weights.with_suffix(".json"))]
    return ([a.tessera, "bench", "recommend", "--precision", a.precision, *flags, *served],
            [a.python, str(ROOT / "tools/benchmarks/peer_beam.py"), "--precision", a.peer_precision, *flags],
            {"users/s, ours over peer": lambda ours, peer: ours["users_per_s"] / peer["users_per_s"],
             "log p of the best ID, ours over peer": lambda ours, peer: ours["best_score"] / peer["best_score"]})


BENCHMARKS = {"residual-kmeans": residual_kmeans, "store": store, "encode-text": encode_text,
              "encode-image": encode_image, "train-recommender": train_recommender, "align": align,
              "recommend": recommend}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("benchmark", choices=BENCHMARKS)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--tessera", default=str(ROOT / ".build/release/tessera"))
    p.add_argument("--peers", default=os.environ.get("PEERS", str(ROOT.parent / "shared/peers")))
    p.add_argument("--python", default=os.environ.get("PEER_PYTHON", sys.executable))
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--vectors", type=int, nargs=2, default=[100_000, 256], metavar=("N", "D"))
    p.add_argument("--levels", type=int, default=3)
    p.add_argument("--size", type=int, default=1024)
    p.add_argument("--iterations", type=int, default=20)
    p.add_argument("--items", type=int, default=1_000_000)
    p.add_argument("--model", help="encode-*: the model's folder")
    p.add_argument("--checkpoint", help="encode-image: the peer's .pth of the same model")
    p.add_argument("--input", help="encode-text: items.jsonl; encode-image: a folder of images")
    p.add_argument("--precision", choices=["f32", "f16", "bf16"], default="f32")
    p.add_argument("--peer-precision", choices=["fp32", "bf16"], default="fp32")
    p.add_argument("--limit", type=int, default=400)
    p.add_argument("--steps", type=int, default=8, help="train-recommender, align: steps that are timed")
    p.add_argument("--users", type=int, default=1024, help="recommend")
    p.add_argument("--pipeline", help="recommend: measure the recommender that a pipeline's last run left")
    p.add_argument("--beam", type=int, default=50, help="recommend")
    a = p.parse_args()
    ours_command, peer_command, ratios = BENCHMARKS[a.benchmark](
        a, lambda name: [a.python, str(pathlib.Path(a.peers) / name)])
    values = {name: [] for name in ratios}
    for round_number in range(a.rounds):
        ours, peer = json_line(ours_command), json_line(peer_command)
        print(json.dumps({"round": round_number + 1, "ours": ours, "peer": peer}), flush=True)
        for name, ratio in ratios.items():
            values[name].append(ratio(ours, peer))
    for name, seen in values.items():
        print(f"{name}: {statistics.median(seen):.3g}x (min {min(seen):.3g}, max {max(seen):.3g}, {len(seen)} rounds)")


if __name__ == "__main__":
    main()
