#!/usr/bin/env python3
"""Figures of the pretrained encoders that need no race: each subcommand prints one JSON line per measurement.

    tools/benchmarks/encoders.py cosine --models models --data ../shared/data --checkpoint efficientnet-lite0.pth
    tools/benchmarks/encoders.py memory --models models --data ../shared/data --texts 1000 10000 100000
    tools/benchmarks/encoders.py codes  --models models --data ../shared/data --sets movielens amazon-beauty

cosine: our vectors of real texts and posters against PyTorch's fp32 ones (the peers of compare.py: PEERS names their
folder, PEER_PYTHON their interpreter), median and worst, for f32, f16 and bf16.
memory: the peak of a night that encodes so many texts, made of real ones by replacing words. `anonymous` leaves out the
pages of files, such as the weights and the embedding cache, which the kernel takes back when it needs them.
codes: collisions, entropy and utilization of the codes before any collision policy, by encoder, modality and width.
"""
import argparse
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def line(**figures):
    print(json.dumps(figures), flush=True)


def cosine(a):
    import numpy as np

    work = pathlib.Path(tempfile.mkdtemp())
    minilm, lite = f"{a.models}/all-MiniLM-L6-v2", f"{a.models}/efficientnet-lite0"
    texts, posters = f"{a.data}/movielens/items.jsonl", f"{a.data}/movielens/images"
    sides = [("texts", a.texts[0], ["encode-text", minilm, texts], ["encode_text.py", minilm, texts])]
    if a.checkpoint:
        sides.append(
            ("posters", a.posters, ["encode-image", lite, posters], ["encode_image.py", a.checkpoint, posters]))
    for what, count, arguments, (program, *peer_arguments) in sides:
        flags = ["--limit", str(count), "--threads", str(a.threads)]
        ours = [a.tessera, "bench", *arguments]
        peer = [a.python, f"{a.peers}/{program}", *peer_arguments, "--precision", "fp32", *flags]
        subprocess.run([*peer, "--out", f"{work}/peer.npy"], check=True, stdout=subprocess.DEVNULL)
        theirs = unit(np, np.load(f"{work}/peer.npy"))
        for precision in ("f32", "f16", "bf16"):
            subprocess.run([*ours, "--precision", precision, *flags, "--out", f"{work}/ours.npy"], check=True,
                           stdout=subprocess.DEVNULL)
            cosines = (unit(np, np.load(f"{work}/ours.npy")) * theirs).sum(axis=1)
            line(figure="cosine", what=what, count=len(cosines), precision=precision,
                 median=float(f"{np.median(cosines):.7g}"), worst=float(f"{cosines.min():.7g}"))


def unit(np, vectors):
    vectors = vectors.astype(np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def memory(a):
    titles = (json.loads(text)["title"] for text in open(f"{a.data}/amazon-beauty/items.jsonl", encoding="utf-8"))
    source = [title for title in titles if title.split()]
    words = sorted({word for title in source[:2000] for word in title.split()})
    for count in a.texts:
        work = pathlib.Path(tempfile.mkdtemp(dir=a.folder))
        chooser = random.Random(count)
        with open(work / "items.jsonl", "w", encoding="utf-8") as file:
            for index in range(count):
                title = chooser.choice(source).split()[:14]
                title[chooser.randrange(len(title))] = chooser.choice(words)
                print(json.dumps({"id": f"t{index}", "text": f"{' '.join(title)} {index}"}), file=file)
        (work / "pipeline.yaml").write_text(
            f"name: memory\nworkspace: work\nthreads: {a.threads}\ncatalog: {{ items: items.jsonl }}\n"
            f"encode:\n  text: {{ model: {a.models}/all-MiniLM-L6-v2, precision: {a.precision} }}\n")
        start = time.perf_counter()
        night = [a.tessera, "run", str(work / "pipeline.yaml"), "--until", "encode", "--quiet"]
        process = subprocess.Popen(night, stdout=subprocess.DEVNULL)
        peak = {"VmHWM": 0, "RssAnon": 0}
        while process.poll() is None:
            for key, value in resident(process.pid).items():
                peak[key] = max(peak[key], value)
            time.sleep(0.05)
        if process.returncode != 0:
            sys.exit(f"exit status {process.returncode}")
        line(figure="memory", texts=count, precision=a.precision, seconds=round(time.perf_counter() - start, 1),
             peak_mib=round(peak["VmHWM"] / 1024), anonymous_mib=round(peak["RssAnon"] / 1024),
             cache_mib=round(sum(f.stat().st_size for f in work.glob("work/cache/**/*") if f.is_file()) / 2**20))


def resident(pid):
    """KiB, as the kernel accounts them: the most ever, and what belongs to no file now."""
    try:
        rows = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    fields = dict(row.split(":", 1) for row in rows)
    return {key: int(fields[key].split()[0]) for key in ("VmHWM", "RssAnon") if key in fields}


def codes(a):
    encoders = {
        "builtin": {"text": "{ model: builtin }", "image": "{ model: builtin }"},
        "pretrained": {
            "text": f"{{ model: {a.models}/all-MiniLM-L6-v2, precision: {a.precision} }}",
            "image": f"{{ model: {a.models}/efficientnet-lite0, precision: {a.precision} }}"}}
    work = pathlib.Path(a.folder or tempfile.mkdtemp())
    for name in a.sets:
        kinds = [["text"], ["image"], ["text", "image"]] if name == "movielens" else [["text"]]
        for encoder, sources in encoders.items():
            for modalities in kinds:
                for dimensions in a.dimensions:
                    pipeline = work / f"{name}-{encoder}.yaml"
                    encode = "".join(f"  {modality}: {sources[modality]}\n" for modality in modalities)
                    pipeline.write_text(
                        f"name: {name}-{encoder}\nworkspace: {work}/{name}-{encoder}\n"
                        f"catalog: {{ items: {a.data}/{name}/items.jsonl, maxRejectedFraction: 1 }}\nencode:\n{encode}"
                        f"represent: {{ dimensions: {dimensions} }}\n"
                        "quantize: { sizes: [256, 256, 256, 256], seed: 1 }\n"
                        "resolve: { policy: keep }\npublish: {}\n")
                    subprocess.run([a.tessera, "run", str(pipeline), "--quiet"], check=True, stdout=subprocess.DEVNULL)
                    report(a, work / f"{name}-{encoder}/store", name, encoder, "+".join(modalities), dimensions)


def report(a, store, name, encoder, modalities, dimensions):
    seen = json.loads(subprocess.run([a.tessera, "inspect", "codebooks", str(store), "--json"], check=True,
                                     stdout=subprocess.PIPE, text=True).stdout)
    buckets, levels = seen["buckets"], [level["metrics"] for level in seen["levels"]]
    full = [level["entropy"] / math.log(level["size"]) for level in levels]
    line(figure="codes", set=name, encoder=encoder, by=modalities, dimensions=dimensions, items=seen["items"],
         collision_rate=round(buckets["collisionRate"], 4), duplicate_rate=round(buckets["duplicateRate"], 4),
         largest_bucket=buckets["largestBucket"], entropy_of_ln_256=[round(share, 3) for share in full],
         utilization=[round(level["utilization"], 3) for level in levels])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("figure", choices=["cosine", "memory", "codes"])
    p.add_argument("--models", default=os.environ.get("TESSERA_MODELS", str(ROOT / "models")))
    p.add_argument("--data", default=os.environ.get("TESSERA_DATA", str(ROOT.parent / "shared/data")))
    p.add_argument("--tessera", default=str(ROOT / ".build/release/tessera"))
    p.add_argument("--peers", default=os.environ.get("PEERS", str(ROOT.parent / "shared/peers")))
    p.add_argument("--python", default=os.environ.get("PEER_PYTHON", sys.executable))
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--texts", type=int, nargs="+", default=[1000])
    p.add_argument("--posters", type=int, default=300)
    p.add_argument("--checkpoint", help="cosine: the peer's .pth of EfficientNet-Lite0; without it no posters")
    p.add_argument("--precision", choices=["f32", "f16", "bf16"], default="f32", help="memory, codes")
    p.add_argument("--sets", nargs="+", default=["movielens", "amazon-beauty"], help="codes: folders of --data")
    p.add_argument("--dimensions", type=int, nargs="+", default=[32, 128], help="codes: of the representation")
    p.add_argument("--folder", help="where to work (default: a temporary folder)")
    a = p.parse_args()
    a.models, a.data, a.tessera = (str(pathlib.Path(path).resolve()) for path in (a.models, a.data, a.tessera))
    {"cosine": cosine, "memory": memory, "codes": codes}[a.figure](a)


if __name__ == "__main__":
    main()
