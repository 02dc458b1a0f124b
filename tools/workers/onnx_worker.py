#!/usr/bin/env python3
"""An encoder for Tessera: any ONNX model of texts or images, over the worker protocol (Schemas/worker.md).

In a pipeline:

    encode:
      text:  { command: [python3, tools/workers/onnx_worker.py, text, text.onnx, --tokenizer, tokenizer.json] }
      image: { command: [python3, tools/workers/onnx_worker.py, image, vision.onnx, --size, "224"] }

Needs PyPI's onnxruntime and numpy; texts need tokenizers, images pillow. A text model takes the inputs that it names
among input_ids, attention_mask and token_type_ids. Its output is a vector per text, or one per token, which is then
pooled. Standard output carries the protocol alone.
"""
import argparse
import hashlib
import json
import os
import sys

READ_BYTES = 1 << 20


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("model", help="the .onnx file")
    shared.add_argument("--output", help="which of the model's outputs to take; default: its first")
    shared.add_argument("--batch", type=int, default=32, help="items per batch (default: %(default)s)")
    shared.add_argument("--threads", type=int, default=0, help="CPU threads; default: all cores")
    kinds = parser.add_subparsers(dest="kind", required=True)
    text = kinds.add_parser("text", parents=[shared], help="a model of texts")
    text.add_argument("--tokenizer", required=True, help="its tokenizer.json")
    text.add_argument("--length", type=int, default=256, help="tokens per text, at most (default: %(default)s)")
    text.add_argument("--pooling", choices=["mean", "first", "last"], default="mean",
                      help="how token vectors become one (default: %(default)s)")
    text.add_argument("--prefix", default="", help='put before every text, such as "passage: "')
    image = kinds.add_parser("image", parents=[shared], help="a model of images, in planes (N, 3, height, width)")
    image.add_argument("--size", type=int, default=224, help="side of the square it sees (default: %(default)s)")
    image.add_argument("--resize", type=int, help="resize the short side to this, then cut out the square's center; "
                                                  "default: resize both sides to --size")
    image.add_argument("--mean", type=float, nargs=3, default=[0.485, 0.456, 0.406], help="of red, green, blue in 0…1")
    image.add_argument("--std", type=float, nargs=3, default=[0.229, 0.224, 0.225], help="likewise")
    image.add_argument("--filter", choices=["bilinear", "bicubic", "lanczos"], default="bicubic")
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


def text_encoder(options, session):
    import numpy as np
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(options.tokenizer)
    tokenizer.enable_truncation(options.length)
    tokenizer.enable_padding()
    wanted = {entry.name for entry in session.get_inputs()}
    output = options.output or session.get_outputs()[0].name

    def encode(items):
        encodings = tokenizer.encode_batch([options.prefix + item["text"] for item in items])
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        feeds = {"input_ids": np.array([encoding.ids for encoding in encodings], dtype=np.int64),
                 "attention_mask": mask,
                 "token_type_ids": np.array([encoding.type_ids for encoding in encodings], dtype=np.int64)}
        result = session.run([output], {name: feeds[name] for name in feeds if name in wanted})[0]
        return result if result.ndim == 2 else pool(result, mask)

    def pool(tokens, mask):
        if options.pooling == "first":
            return tokens[:, 0]
        if options.pooling == "last":
            last = mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)
            return tokens[np.arange(len(tokens)), last]
        weights = mask[:, :, None].astype(np.float32)
        return (tokens * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)

    return encode, [{"text": "dimensions"}]


def image_encoder(options, session):
    import numpy as np
    from PIL import Image, ImageOps

    entry = session.get_inputs()[0].name
    output = options.output or session.get_outputs()[0].name
    mean = np.array(options.mean, dtype=np.float32)[:, None, None]
    deviation = np.array(options.std, dtype=np.float32)[:, None, None]
    resampling = getattr(Image.Resampling, options.filter.upper())

    def pixels(path):
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file).convert("RGB")
        if options.resize:
            scale = options.resize / min(image.size)
            image = image.resize([max(options.size, round(side * scale)) for side in image.size], resampling)
            left, top = ((side - options.size) // 2 for side in image.size)
            image = image.crop((left, top, left + options.size, top + options.size))
        else:
            image = image.resize((options.size, options.size), resampling)
        planes = np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 255
        return (planes - mean) / deviation

    def run(planes):
        vectors = session.run([output], {entry: np.stack(planes)})[0]
        return vectors.reshape(len(planes), -1)

    blank = np.zeros((3, options.size, options.size), dtype=np.float32)

    def encode(items):
        planes, broken = [], []
        for row, item in enumerate(items):
            try:
                planes.append(pixels(item["image"]) if item is not None else blank)
            except Exception as error:  # whatever a picture's decoder may raise: one picture must not end the run
                print(f"item {item['id']}: {error}", file=sys.stderr)
                planes.append(blank)
                broken.append(row)
        vectors = run(planes).astype(np.float32)
        vectors[broken] = np.nan  # the driver rejects these items, and goes on
        return vectors

    return encode, [None]


def fingerprint(options):
    """What else the vectors depend on, in few characters: the files' contents and the settings."""
    digest = hashlib.sha256()
    for path in filter(None, [options.model, getattr(options, "tokenizer", None)]):
        with open(path, "rb") as file:
            while block := file.read(READ_BYTES):
                digest.update(block)
    ignored = {"model", "tokenizer", "batch", "threads"}
    settings = {key: value for key, value in sorted(vars(options).items()) if key not in ignored}
    digest.update(json.dumps(settings).encode())
    return digest.hexdigest()[:16]


def main():
    options = arguments()
    output = claim_standard_output()
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(options.model, settings, providers=onnxruntime.get_available_providers())
    encode, trial = (text_encoder if options.kind == "text" else image_encoder)(options, session)
    dimensions = encode(trial).shape[1]
    model = f"{os.path.basename(options.model)} {fingerprint(options)}"
    output.write(json.dumps({"dimensions": dimensions, "model": model}).encode() + b"\n")
    output.flush()
    for items in batches(0, limit=options.batch):
        output.write(encode(items).astype("<f4").tobytes())
        output.flush()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(0)  # the driver is gone, and with it the need for answers
