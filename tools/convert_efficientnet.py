"""Turns a PyTorch EfficientNet-Lite checkpoint into a model folder that Tessera reads.

    python tools/convert_efficientnet.py CHECKPOINT.pth FOLDER [--variant lite0]

writes FOLDER/model.safetensors and FOLDER/config.json, with numpy and without PyTorch. A .pth file is a pickle, and a
pickle is a program; this one is never run. Its opcodes are read by a small stack machine that knows tuples, lists,
dictionaries, numbers and strings, and three globals: OrderedDict, the storages' types, and the function that rebuilds
a tensor. Everything else is refused. Both of PyTorch's formats are read: the zip archive of 1.6 and later, and the
row of pickles before it.
"""
import argparse
import json
import pathlib
import pickletools
import re
import struct
import sys
import zipfile
import zlib
from io import BytesIO

import numpy as np

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
# PyTorch's storage types: the safetensors name and the bytes of an element.
STORAGES = {"FloatStorage": ("F32", 4), "HalfStorage": ("F16", 2), "BFloat16Storage": ("BF16", 2),
            "DoubleStorage": ("F64", 8), "LongStorage": ("I64", 8), "IntStorage": ("I32", 4)}
SIZES = {"lite0": 224, "lite1": 240, "lite2": 260, "lite3": 280, "lite4": 300}
MAXIMUM_BYTES = 4 << 30


class ConversionError(Exception):
    """The file is no checkpoint that this program converts; the message says why."""


class Global:
    def __init__(self, name):
        self.name = name


class Storage:
    def __init__(self, kind, key, count):
        self.kind, self.key, self.count = kind, key, count


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def contiguous(self, stored):
        """The elements' bytes, row-major, from those of the storage."""
        width = self.storage.kind[1]
        elements = np.frombuffer(stored, dtype=f"V{width}")
        view = np.lib.stride_tricks.as_strided(
            elements[self.offset:], self.shape, [stride * width for stride in self.strides])
        return view.tobytes()


MARK = object()
ALLOWED_GLOBALS = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2"} | {"torch " + s for s in STORAGES}


def interpret(stream):
    """The value of the pickle at the stream's position; raises ConversionError for whatever data alone does not need."""
    stack, memo = [], {}

    def pop_mark():
        for index in range(len(stack) - 1, -1, -1):
            if stack[index] is MARK:
                items = stack[index + 1:]
                del stack[index:]
                return items
        raise ConversionError("the pickle has no mark where one is needed")

    try:
        for opcode, argument, position in pickletools.genops(stream):
            name = opcode.name
            if name == "STOP":
                return stack.pop()
            if name in ("PROTO", "FRAME"):
                continue
            if name in ("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE", "BINFLOAT"):
                stack.append(argument)
            elif name in CONSTANTS:
                stack.append(CONSTANTS[name]())
            elif name == "MARK":
                stack.append(MARK)
            elif name in ("BINPUT", "LONG_BINPUT"):
                memo[argument] = stack[-1]
            elif name == "MEMOIZE":
                memo[len(memo)] = stack[-1]
            elif name in ("BINGET", "LONG_BINGET"):
                stack.append(memo[argument])
            elif name == "GLOBAL":
                stack.append(allowed_global(argument))
            elif name == "STACK_GLOBAL":
                attribute, module = stack.pop(), stack.pop()
                stack.append(allowed_global(f"{module} {attribute}"))
            elif name == "TUPLE":
                stack.append(tuple(pop_mark()))
            elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
                count = int(name[-1])
                items = tuple(stack[-count:])
                del stack[-count:]
                stack.append(items)
            elif name == "SETITEMS":
                items = pop_mark()
                stack[-1].update(zip(items[::2], items[1::2]))
            elif name == "SETITEM":
                value, key = stack.pop(), stack.pop()
                stack[-1][key] = value
            elif name in ("APPEND", "APPENDS"):
                items = pop_mark() if name == "APPENDS" else [stack.pop()]
                stack[-1].extend(items)
            elif name == "BINPERSID":
                stack.append(storage(stack.pop()))
            elif name == "REDUCE":
                arguments, function = stack.pop(), stack.pop()
                stack.append(call(function, arguments))
            elif name == "BUILD":
                # Of a state dictionary: its _metadata, which says nothing of the weights.
                stack.pop()
                if not isinstance(stack[-1], dict):
                    raise ConversionError("the pickle sets the state of something other than a dictionary")
            else:
                raise ConversionError(f"the pickle has opcode {name} at byte {position}, which no state dictionary needs")
    except ConversionError:
        raise
    except Exception as error:
        raise ConversionError(f"the pickle is damaged: {error}") from error
    raise ConversionError("the pickle has no end")


CONSTANTS = {"NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_TUPLE": tuple,
             "EMPTY_LIST": list, "EMPTY_DICT": dict}


def allowed_global(name):
    if name not in ALLOWED_GLOBALS:
        raise ConversionError(f"the pickle names \"{name}\", which is no part of a tensor; do not trust this file")
    return Global(name)


def storage(identifier):
    kind, view = identifier[1], identifier[5] if len(identifier) > 5 else None
    if identifier[0] != "storage" or not isinstance(kind, Global) or not kind.name.startswith("torch ") or view:
        raise ConversionError("the pickle refers to something other than a tensor's storage")
    key, count = identifier[2], identifier[4]
    if not isinstance(key, str) or not isinstance(count, int) or count < 0:
        raise ConversionError("the pickle refers to a storage without a name and a size")
    return Storage(STORAGES[kind.name.split()[1]], key, count)


def call(function, arguments):
    if not isinstance(function, Global):
        raise ConversionError("the pickle calls something that is no function of a tensor's")
    if function.name == "collections OrderedDict" and arguments == ():
        return {}
    if function.name == "torch._utils _rebuild_tensor_v2":
        source, offset, shape, strides = arguments[:4]
        if not isinstance(source, Storage):
            raise ConversionError("a tensor is rebuilt from something other than a storage")
        check_view(offset, shape, strides, source.count)
        return Tensor(source, offset, shape, strides)
    raise ConversionError(f"the pickle calls \"{function.name}\" in a way that no state dictionary does")


def check_view(offset, shape, strides, count):
    """Raises where a tensor does not lie within its storage, or shows an element twice."""
    numbers = (offset, *shape, *strides)
    if len(shape) != len(strides) or not all(type(number) is int and number >= 0 for number in numbers):
        raise ConversionError(f"a tensor has shape {shape}, strides {strides} and offset {offset}")
    elements, last = 1, offset
    for extent, stride in zip(shape, strides):
        elements, last = elements * extent, last + max(extent - 1, 0) * stride
    if elements > count or (elements > 0 and last >= count):
        raise ConversionError(f"a tensor of shape {shape} at {offset} does not lie within its {count} elements")


def read_checkpoint(path):
    """The tensors of a state dictionary: name to (safetensors type, shape, bytes)."""
    data = pathlib.Path(path).read_bytes()
    if len(data) > MAXIMUM_BYTES:
        raise ConversionError(f"{path} has {len(data)} bytes; at most {MAXIMUM_BYTES} are read")
    try:
        state, contents = read_zip(data) if zipfile.is_zipfile(BytesIO(data)) else read_legacy(data)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error) as error:
        raise ConversionError(f"the archive is damaged: {error}") from error
    if not isinstance(state, dict):
        raise ConversionError("the file holds no state dictionary; save one with torch.save(model.state_dict(), …)")
    tensors = {}
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise ConversionError(f"entry {name!r} is no tensor; save a state dictionary alone")
        kind, width = tensor.storage.kind
        stored = contents.get(tensor.storage.key, b"")
        if len(stored) != tensor.storage.count * width:
            raise ConversionError(f"tensor {name} has {len(stored)} bytes in the file, not {tensor.storage.count * width}")
        tensors[name] = (kind, tensor.shape, tensor.contiguous(stored))
    return tensors


def read_zip(data):
    with zipfile.ZipFile(BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1 or sum(entry.file_size for entry in archive.infolist()) > MAXIMUM_BYTES:
            raise ConversionError("the archive is not one of torch.save: it needs one data.pkl and at most 4 GiB")
        prefix = names[0][:-len("data.pkl")]
        if prefix + "byteorder" in archive.namelist() and archive.read(prefix + "byteorder") != b"little":
            raise ConversionError("the archive is big-endian; save it on a little-endian machine")
        state = interpret(BytesIO(archive.read(names[0])))
        stored = {name[len(prefix + "data/"):]: archive.read(name) for name in archive.namelist()
                  if name.startswith(prefix + "data/")}
        return state, stored


def read_legacy(data):
    stream = BytesIO(data)
    if interpret(stream) != LEGACY_MAGIC:
        raise ConversionError("the file is no PyTorch checkpoint: neither an archive nor one with the older magic number")
    protocol, system = interpret(stream), interpret(stream)
    if protocol != 1001 or not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ConversionError("the checkpoint is of another protocol or byte order; save it again with a newer PyTorch")
    state, keys = interpret(stream), interpret(stream)
    if not isinstance(state, dict) or not isinstance(keys, list):
        raise ConversionError("the checkpoint holds no state dictionary and list of storages")
    widths = {tensor.storage.key: tensor.storage.kind[1] for tensor in state.values() if isinstance(tensor, Tensor)}
    stored = {}
    for key in keys:
        header = stream.read(8)
        if not isinstance(key, str) or key not in widths or len(header) != 8:
            raise ConversionError(f"storage {key!r} is not one of the tensors', or is cut off")
        size = struct.unpack("<q", header)[0] * widths[key]
        if not 0 <= size <= len(data):
            raise ConversionError(f"storage {key!r} is said to have {size} bytes")
        stored[key] = stream.read(size)
    return state, stored


def write_safetensors(tensors, path):
    header, offset, names = {"__metadata__": {"format": "pt"}}, 0, sorted(tensors)
    for name in names:
        kind, shape, data = tensors[name]
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    temporary = path.with_suffix(".partial")
    with open(temporary, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            file.write(tensors[name][2])
    temporary.replace(path)


def convert(checkpoint, folder, variant=None):
    """Writes the model folder. The classifier's weights and the batch counters are left out."""
    if variant is None:
        found = re.search(r"lite[0-4]", pathlib.Path(checkpoint).name)
        if not found:
            raise ConversionError("the file's name does not tell the variant; pass --variant lite0 to lite4")
        variant = found.group(0)
    tensors = read_checkpoint(checkpoint)
    kept = {name: value for name, value in tensors.items()
            if not name.startswith("_fc.") and not name.endswith("num_batches_tracked")}
    if "_conv_stem.weight" not in kept or "_conv_head.weight" not in kept:
        raise ConversionError("the checkpoint is no EfficientNet: _conv_stem.weight or _conv_head.weight is missing")
    size = SIZES[variant]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(kept, folder / "model.safetensors")
    configuration = {
        "architectures": ["EfficientNetLite"], "model_type": "efficientnet-lite", "variant": variant,
        "image_size": size, "batch_norm_eps": 1e-3, "feature_dimensions": kept["_conv_head.weight"][1][0],
        "preprocessing": {"resize": {"height": size, "width": size}, "filter": "bicubic", "mean": 127,
                          "scale": 1 / 128},
    }
    (folder / "config.json").write_text(json.dumps(configuration, indent=2) + "\n")
    return len(kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint")
    parser.add_argument("folder")
    parser.add_argument("--variant", choices=sorted(SIZES))
    arguments = parser.parse_args()
    try:
        count = convert(arguments.checkpoint, arguments.folder, arguments.variant)
    except (ConversionError, OSError) as error:
        sys.exit(f"convert_efficientnet: {error}")
    print(f"{count} tensors in {arguments.folder}")


if __name__ == "__main__":
    main()
