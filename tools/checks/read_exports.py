#!/usr/bin/env python3
"""Reads the exports of one generation with the programs that people use and compares every value.

usage: read_exports.py --parquet FILE [--csv FILE] [--jsonl FILE] [--npy FOLDER] [--rows N]

Needs pyarrow, duckdb, polars and numpy; safetensors where the NPY folder holds codebooks.
"""

import argparse
import csv
import json
import math
import pathlib
import sys

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq


class Failures:
    def __init__(self):
        self.count = 0

    def expect(self, condition, what):
        print(("ok    " if condition else "WRONG ") + what)
        self.count += not condition


def expected_type(name):
    if name in ("id", "semantic_id"):
        return pa.string()
    if name == "flags":
        return pa.uint8()
    return {"distance": pa.float32(), "generation": pa.int64()}.get(name, pa.uint16())


def columns_of(table):
    """Columns as plain arrays: strings as lists, distances as bits so that NaN equals NaN."""
    columns = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            columns[name] = column.to_pylist()
        elif name == "distance":
            columns[name] = bits(column.cast(pa.float32()).to_numpy(zero_copy_only=False))
        else:
            columns[name] = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return columns


def bits(distances):
    distances = np.array(distances, dtype=np.float32)
    distances[np.isnan(distances)] = np.nan
    return distances.view(np.uint32)


def same(a, b):
    if list(a) != list(b):
        return False
    return all(a[name] == b[name] if isinstance(a[name], list) else np.array_equal(a[name], b[name]) for name in a)


def check_parquet(path, failures):
    file = pq.ParquetFile(path)
    table = file.read()
    levels = sum(name.startswith("code_") for name in table.column_names)
    names = ["id"] + [f"code_{level}" for level in range(levels)]
    names += ["semantic_id", "suffix", "flags", "distance", "generation"]
    failures.expect(table.column_names == names, f"parquet: columns {names}")
    failures.expect(
        all(table.schema.field(name).type == expected_type(name) for name in names), "parquet: types as documented")
    failures.expect(all(not table.schema.field(name).nullable for name in names), "parquet: every column is required")
    metadata = {key.decode(): value.decode() for key, value in (file.metadata.metadata or {}).items()}
    failures.expect(metadata.get("tessera.levels") == str(levels), f"parquet: metadata {metadata}")
    failures.expect(bounds_hold(file, table), "parquet: bounds of every row group cover its values")
    table.validate(full=True)
    return columns_of(table)


def bounds_hold(file, table):
    start = 0
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        for index, name in enumerate(table.column_names):
            column = table.column(name).slice(start, group.num_rows)
            values = [v for v in column.to_pylist() if not (isinstance(v, float) and math.isnan(v))]
            statistics = group.column(index).statistics
            if values and (statistics is None or statistics.null_count != 0):
                return False
            if values and (statistics.min, statistics.max) != (min(values), max(values)):
                return False
        start += group.num_rows
    return start == table.num_rows


def check_engines(path, parquet, failures):
    relation = duckdb.sql(f"select * from read_parquet('{path}')").arrow()
    table = relation.read_all() if isinstance(relation, pa.RecordBatchReader) else relation
    failures.expect(same(columns_of(table), parquet), "parquet: duckdb reads the same")
    failures.expect(same(columns_of(pl.read_parquet(path).to_arrow()), parquet), "parquet: polars reads the same")
    if not len(parquet["id"]):
        return
    # A filter makes the engines use bounds and dictionaries.
    code = int(parquet["code_0"][0])
    wanted = int((parquet["code_0"] == code).sum())
    found = duckdb.execute(f"select count(*) from read_parquet('{path}') where code_0 = {code}").fetchall()[0][0]
    failures.expect(found == wanted, "parquet: duckdb filters by code")
    identifier = parquet["id"][-1]
    found = duckdb.execute("select count(*) from read_parquet(?) where id = ?", [str(path), identifier]).fetchall()[0][0]
    failures.expect(found == parquet["id"].count(identifier), "parquet: duckdb finds an id")
    found = pl.scan_parquet(path).filter(pl.col("code_0") == code).select(pl.len()).collect().item()
    failures.expect(found == wanted, "parquet: polars filters by code")
    rows = pq.read_table(path, filters=[("code_0", "==", code)]).num_rows
    failures.expect(rows == wanted, "parquet: pyarrow filters by code")


def from_records(records, names):
    columns = {name: [record[name] for record in records] for name in names}
    for name in names:
        if name == "distance":
            columns[name] = bits([math.nan if value in (None, "") else float(value) for value in columns[name]])
        elif name not in ("id", "semantic_id"):
            columns[name] = np.array([int(value) for value in columns[name]], dtype=np.int64)
    return columns


def check_csv(path, parquet, failures):
    with open(path, newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file, strict=True))
    failures.expect(same(from_records(records, list(parquet)), parquet), "csv: the csv module reads the same")
    types = {name: "VARCHAR" if isinstance(values, list) else "BIGINT" for name, values in parquet.items()}
    types["distance"] = "FLOAT"
    relation = duckdb.read_csv(
        str(path), header=True, dtype=types, delimiter=",", quotechar='"', escapechar='"', na_values="\x01").arrow()
    table = relation.read_all() if isinstance(relation, pa.RecordBatchReader) else relation
    failures.expect(same(columns_of(table), parquet), "csv: duckdb reads the same")
    schema = {name: pl.String if kind == "VARCHAR" else pl.Int64 for name, kind in types.items()}
    schema["distance"] = pl.Float32
    frame = pl.read_csv(path, schema=schema)
    failures.expect(same(columns_of(frame.to_arrow()), parquet), "csv: polars reads the same")


def check_jsonl(path, parquet, failures):
    lines = pathlib.Path(path).read_bytes().split(b"\n")
    failures.expect(lines.pop() == b"", "jsonl: the last line ends")
    records = [json.loads(line) for line in lines]
    failures.expect(all(list(record) == list(parquet) for record in records[:1000]), "jsonl: keys in order")
    failures.expect(same(from_records(records, list(parquet)), parquet), "jsonl: the json module reads the same")
    if not records:
        return
    frame = pl.read_ndjson(path).select(list(parquet)).with_columns(pl.col("distance").fill_null(math.nan))
    failures.expect(same(columns_of(frame.to_arrow()), parquet), "jsonl: polars reads the same")


def check_npy(folder, parquet, failures):
    folder = pathlib.Path(folder)
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r" if len(parquet["id"]) else None)
              for name in ("codes", "suffixes", "flags", "distances", "generations", "id_offsets")}
    text = np.load(folder / "id_bytes.npy").tobytes()
    offsets = arrays["id_offsets"]
    levels = sum(name.startswith("code_") for name in parquet)
    codes = arrays["codes"]
    failures.expect(codes.dtype == np.uint16 and codes.shape == (len(parquet["id"]), levels), f"npy: codes {codes.shape}")
    read = {"id": [text[a:b].decode() for a, b in zip(offsets[:-1], offsets[1:])]}
    read |= {f"code_{level}": np.asarray(codes[:, level], dtype=np.int64) for level in range(levels)}
    read["semantic_id"] = [
        "-".join(map(str, row)) + (f"+{suffix}" if suffix else "")
        for row, suffix in zip(codes.tolist(), arrays["suffixes"].tolist())]
    read["suffix"] = arrays["suffixes"].astype(np.int64)
    read["flags"] = arrays["flags"].astype(np.int64)
    read["distance"] = bits(arrays["distances"])
    read["generation"] = arrays["generations"].astype(np.int64)
    failures.expect(same(read, parquet), "npy: numpy reads the same, without pickle")
    books = folder / "codebooks.safetensors"
    if not books.exists():
        return
    from safetensors.numpy import load_file

    tensors = load_file(books)
    sizes = [tensors[f"codebook_{level}"].shape[0] for level in range(levels)]
    inside = all(not len(codes) or int(codes[:, level].max()) < size for level, size in enumerate(sizes))
    failures.expect(inside, f"npy: every code names a centroid of its codebook {sizes}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parquet", required=True)
    parser.add_argument("--csv")
    parser.add_argument("--jsonl")
    parser.add_argument("--npy")
    parser.add_argument("--rows", type=int, help="the rows that the table must have")
    options = parser.parse_args()
    failures = Failures()
    parquet = check_parquet(options.parquet, failures)
    if options.rows is not None:
        failures.expect(len(parquet["id"]) == options.rows, f"the table has {options.rows} rows")
    check_engines(options.parquet, parquet, failures)
    for name, check in (("csv", check_csv), ("jsonl", check_jsonl), ("npy", check_npy)):
        if getattr(options, name):
            check(getattr(options, name), parquet, failures)
    print(f"{len(parquet['id'])} rows, {failures.count} failures")
    return 1 if failures.count else 0


if __name__ == "__main__":
    sys.exit(main())
