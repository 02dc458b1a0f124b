"""Tests of tessera_store against a store that Tessera wrote.

    TESSERA_STORE=runs/sample/store python -m unittest test_tessera_store      (in tools/python)

TESSERA_STORE names a store with at least one generation. Where TESSERA_EXPECTED names a JSON file
({"generation", "records": {id: [semantic id, flags, distance, content hash]}, "centroids": [[…]], "prices": [[…] | null],
"neighbors": {id: [row]}, "itemSet": [id]}), what it says is compared, too.
"""
import json
import os
import unittest

import numpy as np

from tessera_store import Record, Store, StoreError, murmur3_x64_128

PATH = os.environ.get("TESSERA_STORE")


class HashTests(unittest.TestCase):
    def test_known_values(self):
        # Computed with the reference implementation (smhasher, MurmurHash3.cpp).
        self.assertEqual(murmur3_x64_128(b""), (0, 0))
        self.assertEqual(murmur3_x64_128(b"hello"), (0xCBD8A7B341BD9B02, 0x5B1E906A48AE1D19))
        self.assertEqual(murmur3_x64_128(b"The quick brown fox jumps over the lazy dog"),
                         (0xE34BBC7BBC071B6C, 0x7A433CA9C49A9347))


@unittest.skipUnless(PATH, "TESSERA_STORE is not set")
class StoreTests(unittest.TestCase):
    def setUp(self):
        self.store = Store(PATH)
        self.generation = self.store.read()

    def tearDown(self):
        self.generation.close()
        self.store.close()

    def test_current_generation_has_a_manifest(self):
        self.assertEqual(self.store.current(), self.generation.number)
        self.assertIn(self.generation.number, [manifest["generation"] for manifest in self.store.generations()])

    def test_both_directions_agree(self):
        by_item = {item: record.semantic_id for item, record in self.generation}
        by_codes = {item: semantic_id for semantic_id, item in self.generation.prefix([])}
        self.assertEqual(by_item, by_codes)
        self.assertEqual(len(by_item), len(self.generation))

    def test_prefix_scan_is_a_filter(self):
        for item, record in list(self.generation)[:20]:
            for length in range(1, self.generation.levels + 1):
                found = {other for _, other in self.generation.prefix(record.codes[:length])}
                expected = {other for other, r in self.generation if r.codes[:length] == record.codes[:length]}
                self.assertEqual(found, expected)

    def test_columns_are_the_records(self):
        columns = self.generation.columns()
        for row, (item, record) in enumerate(self.generation):
            self.assertEqual(columns["ids"][row], item)
            self.assertEqual(tuple(columns["codes"][row]), record.codes)
            self.assertEqual(columns["content_hashes"][row], record.content_hash)

    def test_a_text_route_is_the_upper_half_of_the_flags(self):
        self.assertIsNone(Record((1,), 0, 15, 0.0, 0).text_route)
        self.assertEqual(Record((1,), 0, 0x28, 0.0, 0).text_route, 2)

    def test_codes_are_rows_of_the_codebooks(self):
        codes = self.generation.columns()["codes"]
        for level, (centroids, _) in enumerate(self.generation.codebooks()):
            self.assertTrue(np.isfinite(centroids).all())
            self.assertLess(codes[:, level].max(initial=0), len(centroids))

    def test_sums_match_the_manifest(self):
        self.generation.verify()

    def test_what_is_not_there(self):
        self.assertIsNone(self.generation.get("no such item"))
        self.assertNotIn("", self.generation)
        with self.assertRaises(KeyError):
            self.generation["no such item"]
        with self.assertRaises(StoreError):
            self.store.read(2**63)

    @unittest.skipUnless(os.environ.get("TESSERA_EXPECTED"), "TESSERA_EXPECTED is not set")
    def test_what_the_writer_says_it_wrote(self):
        with open(os.environ["TESSERA_EXPECTED"], encoding="utf-8") as file:
            expected = json.load(file)
        self.assertEqual(self.generation.number, expected["generation"])
        self.assertEqual({item for item, _ in self.generation}, set(expected["records"]))
        for item, (semantic_id, flags, distance, content_hash) in expected["records"].items():
            record = self.generation[item]
            self.assertEqual(
                (record.semantic_id, record.flags, record.distance, record.content_hash),
                (semantic_id, flags, distance, content_hash))
        for (centroids, prices), flat, priced in zip(
                self.generation.codebooks(), expected["centroids"], expected["prices"], strict=True):
            self.assertEqual(centroids.ravel().tolist(), flat)
            self.assertEqual(None if prices is None else prices.tolist(), priced)
        for item, rows in expected["neighbors"].items():
            self.assertEqual(self.generation.neighbors(item).tolist(), rows)
        self.assertEqual(self.generation.item_set(), expected["itemSet"])


if __name__ == "__main__":
    unittest.main()
