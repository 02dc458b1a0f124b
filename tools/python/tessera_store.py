"""Reads Tessera's semantic-ID store with lmdb and numpy alone. The layout is Schemas/store.md.

    from tessera_store import Store
    with Store("runs/movielens/store") as store, store.read() as generation:
        print(generation["item-17"].codes)
        for semantic_id, item in generation.prefix([12, 7]):
            print(semantic_id, item)

A generation read this way is one LMDB read transaction: it does not change while it is open, whatever is published.
Open a store once per process. Command line: `python tessera_store.py STORE [--generation N] [--item ID | --prefix 12-7
| --codebooks | --verify]`.
"""
import argparse
import json
import struct
import sys
from typing import NamedTuple

import lmdb
import numpy as np

FORMAT = 1
KINDS = ("items", "codes", "neighbors", "itemset", "codebooks")
FLAGS = {1: "text missing", 2: "image missing", 4: "moved", 8: "newer"}
_HEADER = struct.Struct("<BBHfQ")


class StoreError(Exception):
    """Bytes of the store are not what the layout says, or what was asked for is not there."""


class Record(NamedTuple):
    """What the store keeps of one item; `flags` are those of FLAGS, or-ed, and 16 times the text's route."""

    codes: tuple
    suffix: int
    flags: int
    distance: float
    content_hash: int

    @property
    def text_route(self):
        """The rule, from 1, that chose the item's text encoder; None without rules or without a text vector."""
        return self.flags >> 4 or None

    @property
    def semantic_id(self):
        return format_id(self.codes, self.suffix)


def format_id(codes, suffix=0):
    """`12-7-255`, or `12-7-255+3` where the suffix is not zero."""
    text = "-".join(str(code) for code in codes)
    return f"{text}+{suffix}" if suffix else text


class Store:
    """A store's folder, opened for reading."""

    def __init__(self, path):
        self.path = path
        self._environment = lmdb.open(path, readonly=True, create=False, max_dbs=256, max_readers=510)
        try:
            self._meta = self._environment.open_db(b"meta", create=False)
            with self._environment.begin(db=self._meta) as transaction:
                found = transaction.get(b"format")
        except lmdb.Error as error:
            self._environment.close()
            raise StoreError(f"{path} is no semantic-ID store: {error}") from error
        if found is None or len(found) != 4 or struct.unpack("<I", found)[0] != FORMAT:
            self._environment.close()
            raise StoreError(f"{path}: layout {found!r}, this reader knows layout {FORMAT}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._environment.close()

    def current(self):
        """The number of the generation that is served, or None before the first publish."""
        with self._environment.begin(db=self._meta) as transaction:
            return self._current(transaction)

    @staticmethod
    def _current(transaction):
        found = transaction.get(b"current")
        return None if found is None else struct.unpack("<Q", found)[0]

    def generations(self):
        """Manifests, oldest generation first."""
        prefix = b"generation/"
        with self._environment.begin(db=self._meta) as transaction:
            cursor = transaction.cursor()
            manifests = []
            found = cursor.set_range(prefix)
            while found and cursor.key().startswith(prefix):
                manifests.append(json.loads(cursor.value()))
                found = cursor.next()
            return manifests

    def read(self, generation=None):
        """The current generation, or the one with this number. Close it, or use it in a `with` statement."""
        while True:
            number = generation if generation is not None else self.current()
            if number is None:
                raise StoreError(f"{self.path}: nothing has been published yet")
            try:
                names = {kind: f"{kind}/{number:016x}".encode() for kind in KINDS}
                databases = {kind: self._environment.open_db(name, create=False) for kind, name in names.items()}
            except lmdb.NotFoundError as error:
                if generation is None and self.current() != number:
                    continue  # It was collected between the two looks.
                raise StoreError(f"{self.path} has no generation {number}") from error
            transaction = self._environment.begin()
            manifest = transaction.get(f"generation/{number:016x}".encode(), db=self._meta)
            if manifest is not None:
                return Generation(transaction, databases, json.loads(manifest))
            transaction.abort()
            if generation is not None:
                raise StoreError(f"{self.path} has no generation {number}")


class Generation:
    """One generation in one read transaction."""

    def __init__(self, transaction, databases, manifest):
        self._transaction = transaction
        self._databases = databases
        self.manifest = manifest
        self.number = manifest["generation"]
        self.levels = manifest["levels"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._transaction.abort()

    def __len__(self):
        return self.manifest["items"]

    def __contains__(self, item):
        return self.get(item) is not None

    def __getitem__(self, item):
        record = self.get(item)
        if record is None:
            raise KeyError(item)
        return record

    def __iter__(self):
        """(item id, Record), in the byte order of ids."""
        for key, value in self._transaction.cursor(db=self._databases["items"]):
            yield key.decode(), self._record(key, value)

    def get(self, item):
        """The item's Record, or None."""
        key = item.encode()
        if not 1 <= len(key) <= 255:
            return None
        value = self._transaction.get(key, db=self._databases["items"])
        return None if value is None else self._record(key, value)

    def _record(self, key, value):
        if len(value) != _HEADER.size + 2 * self.levels or value[0] != self.levels:
            raise StoreError(f"items/{self.number:016x}, key {key!r}: {len(value)} bytes that begin with {value[:1]!r}")
        _, flags, suffix, distance, content_hash = _HEADER.unpack_from(value)
        codes = struct.unpack_from(f"<{self.levels}H", value, _HEADER.size)
        return Record(codes, suffix, flags, distance, content_hash)

    def prefix(self, codes):
        """(semantic ID, item id) of every item whose codes begin with `codes`, in the order of semantic IDs."""
        if len(codes) > self.levels:
            return
        start = struct.pack(f">{len(codes)}H", *codes)
        cursor = self._transaction.cursor(db=self._databases["codes"])
        found = cursor.set_range(start) if start else cursor.first()
        while found and cursor.key().startswith(start):
            *path, suffix = struct.unpack(f">{self.levels + 1}H", cursor.key())
            yield format_id(path, suffix), cursor.value().decode()
            found = cursor.next()

    def columns(self):
        """All items as arrays: ids (list), codes (items × levels), suffixes, flags, distances, content hashes."""
        layout = np.dtype(
            [("levels", "u1"), ("flags", "u1"), ("suffix", "<u2"), ("distance", "<f4"), ("content_hash", "<u8"),
             ("codes", "<u2", (self.levels,))])
        ids, values = [], bytearray()
        for key, value in self._transaction.cursor(db=self._databases["items"]):
            if len(value) != layout.itemsize or value[0] != self.levels:
                raise StoreError(f"items/{self.number:016x}, key {key!r}: {len(value)} bytes")
            ids.append(key.decode())
            values += value
        rows = np.frombuffer(bytes(values), dtype=layout)
        return {"ids": ids, "codes": rows["codes"].reshape(len(ids), self.levels), "suffixes": rows["suffix"],
                "flags": rows["flags"], "distances": rows["distance"], "content_hashes": rows["content_hash"]}

    def codebooks(self):
        """One (centroids: size × dimensions, prices: size or None) per level."""
        result = []
        for level, size in enumerate(self.manifest["codebookSizes"]):
            key = struct.pack(">H", level)
            centroids = self._floats(key, size * self.manifest["dimensions"]).reshape(size, -1)
            prices = self._floats(key + b"p", size) if level in self.manifest["pricedLevels"] else None
            result.append((centroids, prices))
        return result

    def _floats(self, key, count):
        value = self._transaction.get(key, db=self._databases["codebooks"])
        if value is None or len(value) != 4 * count:
            raise StoreError(f"codebooks/{self.number:016x}, key {key.hex()}: {count} f32 are expected")
        return np.frombuffer(value, dtype="<f4")

    def neighbors(self, item):
        """The item's VQ codes: rows of the item set; None where it has none."""
        value = self._transaction.get(item.encode(), db=self._databases["neighbors"])
        return None if value is None else np.frombuffer(value, dtype="<u4")

    def item_set(self):
        """Item ids by row of the VQ item-set codebook."""
        return [value.decode() for _, value in self._transaction.cursor(db=self._databases["itemset"])]

    def verify(self):
        """Compares the sums of all entries with the manifest, and both directions with each other."""
        items, codes = [0, 0], [0, 0]
        for key, value in self._transaction.cursor(db=self._databases["items"]):
            record = self._record(key, value)
            _add(items, key, value)
            _add(codes, struct.pack(f">{self.levels + 1}H", *record.codes, record.suffix), key)
        found = {"items": _hexadecimal(items), "codes": _hexadecimal(codes)}
        for name, kind in (("codes", "codes"), ("neighbors", "neighbors"), ("itemSet", "itemset"),
                           ("codebooks", "codebooks")):
            total = [0, 0]
            for key, value in self._transaction.cursor(db=self._databases[kind]):
                _add(total, key, value)
            if name in found and found[name] != _hexadecimal(total):
                raise StoreError(f"generation {self.number}: items and codes disagree")
            found[name] = _hexadecimal(total)
        for name, value in self.manifest["hashes"].items():
            if found[name] != value:
                raise StoreError(f"generation {self.number}, {name}: sums to {found[name]}, the manifest says {value}")


def _add(total, key, value):
    low, high = murmur3_x64_128(struct.pack("<H", len(key)) + key + value)
    total[0] = (total[0] + low) & _MASK
    total[1] = (total[1] + high) & _MASK


def _hexadecimal(total):
    return f"{total[0]:016x}{total[1]:016x}"


_MASK = (1 << 64) - 1


def murmur3_x64_128(data):
    """MurmurHash3 x64 128 with seed 0 (Appleby 2011): (first half, second half)."""
    c1, c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F

    def rotate(value, bits):
        return (value << bits | value >> (64 - bits)) & _MASK

    def finish(k):
        k = (k ^ k >> 33) * 0xFF51AFD7ED558CCD & _MASK
        k = (k ^ k >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
        return k ^ k >> 33

    h1 = h2 = 0
    blocks = len(data) // 16
    for k1, k2 in struct.iter_unpack("<QQ", data[: 16 * blocks]):
        h1 ^= rotate(k1 * c1 & _MASK, 31) * c2 & _MASK
        h1 = ((rotate(h1, 27) + h2) * 5 + 0x52DCE729) & _MASK
        h2 ^= rotate(k2 * c2 & _MASK, 33) * c1 & _MASK
        h2 = ((rotate(h2, 31) + h1) * 5 + 0x38495AB5) & _MASK
    tail = data[16 * blocks:]
    h2 ^= rotate(int.from_bytes(tail[8:], "little") * c2 & _MASK, 33) * c1 & _MASK
    h1 ^= rotate(int.from_bytes(tail[:8], "little") * c1 & _MASK, 31) * c2 & _MASK
    h1 ^= len(data)
    h2 ^= len(data)
    h1 = (h1 + h2) & _MASK
    h2 = (h2 + h1) & _MASK
    h1, h2 = finish(h1), finish(h2)
    h1 = (h1 + h2) & _MASK
    return h1, (h2 + h1) & _MASK


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Reads a Tessera semantic-ID store.")
    parser.add_argument("store")
    parser.add_argument("--generation", type=int)
    parser.add_argument("--item", help="an item's record")
    parser.add_argument("--prefix", help="items whose codes begin so, such as 12-7")
    parser.add_argument("--codebooks", action="store_true", help="shapes of the codebooks")
    parser.add_argument("--verify", action="store_true", help="compare all entries with the manifest")
    options = parser.parse_args(arguments)
    with Store(options.store) as store, store.read(options.generation) as generation:
        if options.item is not None:
            record = generation[options.item]
            flags = [name for bit, name in FLAGS.items() if record.flags & bit]
            print(json.dumps({"id": options.item, "semantic_id": record.semantic_id, "codes": record.codes,
                              "suffix": record.suffix, "flags": flags, "text_route": record.text_route,
                              "distance": record.distance,
                              "content_hash": f"{record.content_hash:016x}"}))
        elif options.prefix is not None:
            for semantic_id, item in generation.prefix([int(code) for code in options.prefix.split("-")]):
                print(f"{semantic_id}\t{item}")
        elif options.codebooks:
            for level, (centroids, prices) in enumerate(generation.codebooks()):
                print(f"level {level}: {centroids.shape[0]} x {centroids.shape[1]}{'' if prices is None else ', priced'}")
        elif options.verify:
            generation.verify()
            print(f"generation {generation.number}: {len(generation)} items, intact")
        else:
            print(json.dumps(generation.manifest, indent=2, sort_keys=True))


if __name__ == "__main__":
    try:
        main()
    except (StoreError, KeyError, lmdb.Error) as failure:
        sys.exit(f"tessera_store: {failure}")
