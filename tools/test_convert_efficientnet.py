"""Tests of convert_efficientnet.

    python -m unittest test_convert_efficientnet      (in tools)

numpy is enough; where torch is installed, files that torch.save writes are converted, too.
"""
import collections
import json
import os
import pathlib
import pickle
import random
import struct
import tempfile
import unittest
import unittest.mock
import zipfile
from io import BytesIO

import convert_efficientnet
from convert_efficientnet import ConversionError, convert, interpret, read_checkpoint

try:
    import torch
except ImportError:
    torch = None


class Malicious:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def legacy(state_pickle, keys=(), storages=()):
    parts = [pickle.dumps(value, 2) for value in
             (convert_efficientnet.LEGACY_MAGIC, 1001, {"protocol_version": 1001, "little_endian": True})]
    parts += [state_pickle, pickle.dumps(list(keys), 2)]
    return b"".join(parts) + b"".join(struct.pack("<q", len(data) // 4) + data for data in storages)


def tensor_pickle(name="_conv_stem.weight", shape=(2, 2), strides=(2, 1), offset=0, count=4):
    """What torch.save writes for a dictionary of one tensor, by protocol 2."""
    def unicode(text):
        return b"X" + struct.pack("<I", len(text)) + text.encode()

    def tuple_of(values):
        return b"(" + b"".join(b"K" + bytes([value]) for value in values) + b"t"
    return (b"\x80\x02ccollections\nOrderedDict\n)R(" + unicode(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(("
            + unicode("storage") + b"ctorch\nFloatStorage\n" + unicode("7") + unicode("cpu") + b"K" + bytes([count])
            + b"NtQK" + bytes([offset]) + tuple_of(shape) + tuple_of(strides) + b"\x89ccollections\nOrderedDict\n)RtRu.")


FLOATS = struct.pack("<4f", 1, -2, 3.5, 4)


class FileTests(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name) / "efficientnet-lite0.pth"
        self.marker = pathlib.Path(self.folder.name) / "ran"

    def refuse(self, data, pattern):
        self.path.write_bytes(data)
        with self.assertRaisesRegex(ConversionError, pattern):
            read_checkpoint(self.path)
        self.assertFalse(self.marker.exists())

    def zip_of(self, state_pickle, data=FLOATS):
        stream = BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("archive/data.pkl", state_pickle)
            archive.writestr("archive/data/7", data)
        return stream.getvalue()

    def test_a_pickle_that_calls_a_program_is_refused_and_not_run(self):
        command = f"touch {self.marker}"
        for function, arguments in ((os.system, (command,)), (eval, (f"open({str(self.marker)!r}, 'w')",)),
                                    (exec, (f"open({str(self.marker)!r}, 'w')",))):
            for protocol in range(6):
                attack = pickle.dumps({"_conv_stem.weight": Malicious(function, *arguments)}, protocol)
                self.refuse(legacy(attack), "names|opcode")
                self.refuse(self.zip_of(attack), "names|opcode")

    def test_attributes_and_nested_names_of_allowed_modules_are_refused(self):
        for name in (b"torch\nload\n", b"torch._utils\n_rebuild_tensor\n", b"collections\nnamedtuple\n",
                     b"torch\nFloatStorage.__init__\n", b"builtins\ngetattr\n"):
            self.refuse(legacy(b"\x80\x02c" + name + b"."), "names")

    def test_state_is_set_of_dictionaries_only(self):
        self.refuse(legacy(b"\x80\x02ccollections\nOrderedDict\n}b."), "state")

    def test_opcodes_that_build_objects_are_refused(self):
        for program in (b"\x80\x02(i__main__\nX\n.", b"\x80\x02\x82\x01.", b"\x80\x02)o."):
            self.refuse(legacy(program), "opcode")

    def test_both_formats_are_read(self):
        for data in (legacy(tensor_pickle(), ["7"], [FLOATS]), self.zip_of(tensor_pickle())):
            self.path.write_bytes(data)
            self.assertEqual(read_checkpoint(self.path), {"_conv_stem.weight": ("F32", (2, 2), FLOATS)})

    def test_a_transposed_tensor_is_written_row_by_row(self):
        self.path.write_bytes(self.zip_of(tensor_pickle(strides=(1, 2))))
        self.assertEqual(read_checkpoint(self.path)["_conv_stem.weight"][2], struct.pack("<4f", 1, 3.5, -2, 4))

    def test_a_tensor_outside_its_storage_is_refused(self):
        self.refuse(self.zip_of(tensor_pickle(offset=1)), "does not lie")
        self.refuse(self.zip_of(tensor_pickle(strides=(3, 1))), "does not lie")
        self.refuse(self.zip_of(tensor_pickle(shape=(5, 2), strides=(0, 1))), "does not lie")
        self.refuse(self.zip_of(tensor_pickle(), FLOATS[:8]), "has 8 bytes")

    @unittest.mock.patch("warnings.warn_explicit", lambda *_, **__: None)
    def test_damage_raises_conversion_errors_alone(self):
        generator = random.Random(1)
        good = legacy(tensor_pickle(), ["7"], [FLOATS])
        archive = self.zip_of(tensor_pickle())
        for _ in range(10_000):
            data = bytearray(good if generator.random() < 0.5 else archive)
            for _ in range(generator.randint(1, 4)):
                data[generator.randrange(len(data))] = generator.randrange(256)
            self.path.write_bytes(data[:generator.randint(1, len(data))])
            try:
                read_checkpoint(self.path)
            except ConversionError:
                pass

    def test_a_checkpoint_of_something_else_is_refused(self):
        self.path.write_bytes(self.zip_of(tensor_pickle()))
        with self.assertRaisesRegex(ConversionError, "no EfficientNet"):
            convert(self.path, self.folder.name)
        other = self.path.with_name("model.pth")
        self.path.rename(other)
        with self.assertRaisesRegex(ConversionError, "variant"):
            convert(other, self.folder.name)

    @unittest.skipUnless(torch, "torch is not installed")
    def test_what_torch_saves_is_converted_bit_for_bit(self):
        state = collections.OrderedDict()
        state["_conv_stem.weight"] = torch.randn(4, 3, 3, 3).contiguous(memory_format=torch.channels_last)
        state["_conv_head.weight"] = torch.randn(8, 4, 1, 1).half()
        state["_bn0.num_batches_tracked"] = torch.tensor(5)
        state["_fc.weight"] = torch.randn(2, 8)
        for is_zip in (True, False):
            torch.save(state, self.path, _use_new_zipfile_serialization=is_zip)
            folder = pathlib.Path(self.folder.name) / f"zip-{is_zip}"
            self.assertEqual(convert(self.path, folder), 2)
            data = (folder / "model.safetensors").read_bytes()
            length = struct.unpack("<Q", data[:8])[0]
            header = json.loads(data[8:8 + length])
            self.assertEqual(set(header), {"__metadata__", "_conv_stem.weight", "_conv_head.weight"})
            for name in ("_conv_stem.weight", "_conv_head.weight"):
                start, end = header[name]["data_offsets"]
                self.assertEqual(data[8 + length + start:8 + length + end], state[name].numpy().tobytes())
            configuration = json.loads((folder / "config.json").read_text())
            self.assertEqual(configuration["feature_dimensions"], 8)
            self.assertEqual(configuration["image_size"], 224)


if __name__ == "__main__":
    unittest.main()
