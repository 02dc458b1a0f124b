#!/usr/bin/env python3
"""A text encoder for Tessera: any sentence-transformers model, over the worker protocol (Schemas/worker.md).

In a pipeline:

    encode:
      text: { command: [python3, tools/workers/sentence_transformers_worker.py, --model, models/all-MiniLM-L6-v2] }

Needs PyPI's sentence-transformers. Standard output carries the protocol alone; what libraries print goes to standard
error, and with it into the run's log.
"""
import argparse
import hashlib
import json
import os
import pathlib
import sys

READ_BYTES = 1 << 20


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a model's folder, or its name on the Hugging Face hub")
    parser.add_argument("--revision", help="the hub's revision; part of what the header calls the model")
    parser.add_argument("--prefix", default="", help='put before every text, such as "passage: " for E5')
    parser.add_argument("--batch", type=int, default=64, help="texts per batch (default: %(default)s)")
    parser.add_argument("--device", help="cpu, cuda, …; default: what the library chooses")
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="float32")
    parser.add_argument("--threads", type=int, help="CPU threads; default: what the library chooses")
    return parser.parse_args()


def claim_standard_output():
    """The real standard output, out of reach of whoever prints: descriptor 1 becomes standard error."""
    real = os.fdopen(os.dup(1), "wb", buffering=1 << 20)
    os.dup2(2, 1)
    return real


def batches(descriptor, limit):
    """Lists of up to `limit` parsed lines: those at hand. Never waits for a line while it holds others."""
    rest = b""
    while True:
        block = os.read(descriptor, READ_BYTES)
        *lines, rest = (rest + block).split(b"\n")
        if not block and rest:
            lines, rest = [*lines, rest], b""
        for start in range(0, len(lines), limit):
            yield [json.loads(line) for line in lines[start:start + limit]]
        if not block:
            return


def model_name(options):
    """What the vectors depend on. A folder's name says little: its weights' hash says which they are."""
    name = options.model
    weights = sorted(pathlib.Path(options.model).glob("*.safetensors")) if os.path.isdir(options.model) else []
    if weights:
        digest = hashlib.sha256()
        for path in weights:
            with open(path, "rb") as file:
                while block := file.read(READ_BYTES):
                    digest.update(block)
        name = f"{pathlib.Path(options.model).resolve().name} {digest.hexdigest()[:16]}"
    prefix = options.prefix and f"prefix {options.prefix!r}"
    return " ".join(filter(None, [name, options.revision, prefix, options.dtype]))


def main():
    options = arguments()
    output = claim_standard_output()
    import torch  # after the arguments, so that --help is quick
    from sentence_transformers import SentenceTransformer

    if options.threads:
        torch.set_num_threads(options.threads)
    model = SentenceTransformer(options.model, revision=options.revision, device=options.device,
                                model_kwargs={"torch_dtype": getattr(torch, options.dtype)})

    def encode(items):
        # A text longer than the model reads is cut by its own tokenizer.
        return model.encode([options.prefix + item["text"] for item in items], batch_size=options.batch,
                            convert_to_numpy=True, show_progress_bar=False)

    # Measured, not asked for: what a model says of itself and what it answers may differ.
    dimensions = len(encode([{"text": "dimensions"}])[0])
    output.write(json.dumps({"dimensions": dimensions, "model": model_name(options)}).encode() + b"\n")
    output.flush()
    for items in batches(0, limit=8 * options.batch):
        output.write(encode(items).astype("<f4").tobytes())
        output.flush()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(0)  # the driver is gone, and with it the need for answers
