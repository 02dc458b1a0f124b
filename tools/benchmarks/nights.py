#!/usr/bin/env python3
"""Times three nights of one pipeline: the first, one with 1 % of the items changed, and one where nothing changed.

    tools/benchmarks/nights.py --items 100000                 a generated catalogue with images
    tools/benchmarks/nights.py --items 1000000 --no-images    ... and a large one without
    tools/benchmarks/nights.py --catalog ../shared/data/movielens --pipeline Pipelines/movielens-builtin.yaml

Each night is one run of the binary as a user starts it; time is wall time, memory the process's peak resident set as
the kernel accounts it (it counts mapped file pages too). The last line is the second night's share of the first.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(command, environment=None):
    """Runs one command to its end: wall seconds and peak resident MiB."""
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment or os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)}: wait status {status}")
    return {"seconds": round(time.perf_counter() - start, 3), "peak_mib": round(usage.ru_maxrss / 1024)}


def copy_catalog(source, target):
    """A copy whose items.jsonl may change; the images are links to the original folder's files."""
    target.mkdir(parents=True)
    for file in source.iterdir():
        if file.is_dir():
            shutil.copytree(file, target / file.name, copy_function=os.link if same_device(file, target) else shutil.copy)
        else:
            shutil.copy(file, target / file.name)


def same_device(a, b):
    return os.stat(a).st_dev == os.stat(b.parent).st_dev and os.access(a, os.W_OK)


def change_items(path, share, seed):
    """Rewrites a share of the lines with a sentence more in their text."""
    lines = path.read_text(encoding="utf-8").splitlines()
    chosen = random.Random(seed).sample(range(len(lines)), max(1, int(len(lines) * share)))
    for index in chosen:
        item = json.loads(lines[index])
        item["text"] = f"{item.get('text') or ''} Revised edition {seed}."
        lines[index] = json.dumps(item, ensure_ascii=False)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--items", type=int, default=100_000)
    p.add_argument("--no-images", action="store_true")
    p.add_argument("--catalog", type=pathlib.Path, help="a real set's folder, copied before it is changed")
    p.add_argument("--pipeline", type=pathlib.Path, help="its pipeline; TESSERA_DATA points at the copy")
    p.add_argument("--changed", type=float, default=0.01)
    p.add_argument("--rounds", type=int, default=3, help="second and unchanged nights measured")
    p.add_argument("--folder", type=pathlib.Path, help="where to work (default: a temporary folder)")
    p.add_argument("--tessera", default=str(ROOT / ".build/release/tessera"))
    a = p.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(dir=a.folder))
    os.chdir(work)
    environment = dict(os.environ)
    if a.catalog:
        catalog = work / "data" / a.catalog.name
        copy_catalog(a.catalog.resolve(), catalog)
        environment["TESSERA_DATA"] = str(work / "data")
        pipeline = (ROOT / a.pipeline).resolve() if not a.pipeline.is_absolute() else a.pipeline
    else:
        catalog, pipeline = work / "sample", work / "sample/pipeline.yaml"
        flags = ["--no-images"] if a.no_images else []
        made = run([a.tessera, "sample", str(catalog), "--items", str(a.items), *flags, "--quiet"])
        print(json.dumps({"night": "generate the catalogue", **made}), flush=True)
    night = [a.tessera, "run", str(pipeline), "--quiet"]
    first = run(night, environment)
    print(json.dumps({"night": "first", **first}), flush=True)
    later = {"unchanged": [], "changed": []}
    for number in range(a.rounds):
        later["unchanged"].append(run(night, environment))
        print(json.dumps({"night": "unchanged", **later["unchanged"][-1]}), flush=True)
        change_items(catalog / "items.jsonl", a.changed, number + 2)
        later["changed"].append(run(night, environment))
        print(json.dumps({"night": f"{a.changed:.0%} changed", **later["changed"][-1]}), flush=True)
    shares = [night["seconds"] / first["seconds"] for night in later["changed"]]
    print(f"a night with {a.changed:.0%} changed takes {statistics.median(shares):.2%} of the first night's time "
          f"(min {min(shares):.2%}, max {max(shares):.2%}, {len(shares)} rounds)")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
