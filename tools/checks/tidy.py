#!/usr/bin/env python3
"""What a reader would trip over: formatting, large files, thin tests, C libraries imported twice, arrows that point up."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORDER = ["TensorMath", "NeuralNetworks", "Tokenizers", "ItemCatalog", "ItemEncoders", "BehaviorAlignment", "Quantizers",
         "SemanticIDStore", "TableExport", "PipelineEngine", "tessera"]
C_LIBRARIES = ["COpenBLAS", "COneDNN", "CLMDB", "CPNG", "CJPEG", "CZlib", "CVectorKernels", "CChildProcess"]
TEST_SHARE = 0.75
LARGEST_FILE = 1_000_000
failures = []


def fail(message):
    failures.append(message)


def lines(pattern):
    return sum(len(f.read_text().splitlines()) for f in ROOT.glob(pattern))


def imports_of(target):
    found = set()
    for file in (ROOT / "Sources" / target).rglob("*.swift"):
        found |= set(re.findall(r"^(?:\w+ )*import (\w+)", file.read_text(), re.M))
    return found


def check_format():
    done = subprocess.run(["swift", "format", "lint", "--strict", "--recursive", "Sources", "Tests", "Package.swift"],
                          cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        fail("swift format lint:\n" + "\n".join(done.stderr.splitlines()[:20]))


def check_tracked_files():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        path = ROOT / name
        if path.is_file() and path.stat().st_size > LARGEST_FILE:
            fail(f"{name}: {path.stat().st_size} bytes; nothing over {LARGEST_FILE} is committed")


def check_test_share():
    source, test = lines("Sources/**/*.swift"), lines("Tests/**/*.swift")
    print(f"source lines {source}, test lines {test}, share {test / source:.2f}")
    if test < TEST_SHARE * source:
        fail(f"{test} test lines for {source} source lines: the share is below {TEST_SHARE}")


def check_arrows():
    importers = {library: [] for library in C_LIBRARIES}
    for rank, target in enumerate(ORDER):
        imported = imports_of(target)
        for upper in ORDER[rank + 1:]:
            if upper in imported:
                fail(f"{target} imports {upper}, which stands above it")
        for library in imported & set(C_LIBRARIES):
            importers[library].append(target)
    for library, targets in importers.items():
        if len(targets) > 1:
            fail(f"{library} has {len(targets)} importers: {', '.join(targets)}")


for check in (check_format, check_tracked_files, check_test_share, check_arrows):
    check()
for failure in failures:
    print("tidy: " + failure, file=sys.stderr)
sys.exit(1 if failures else 0)
