"""Reads tasks.csv and tasks.parquet by DuckDB and pyarrow, and says where a row is not the one that was written."""

import datetime
import json
import sys

import duckdb
import pyarrow.parquet

folder = sys.argv[1]
with open(f"{folder}/rows.jsonl") as lines:
    names, *rows = [json.loads(line) for line in lines]


def told(value):
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        return round(value.timestamp() * 1000)
    return value


def kind(value):
    """JSON writes 1.0 as 1."""
    return float if type(value) is int else type(value)


def judge(reader, columns, found):
    if columns != names:
        sys.exit(f"{reader}: columns {columns}, not {names}")
    if len(found) != len(rows):
        sys.exit(f"{reader}: {len(found)} rows, not {len(rows)}")
    for number, (row, expected) in enumerate(zip(found, rows), 1):
        got = [told(value) for value in row]
        if got != expected or list(map(kind, got)) != list(map(kind, expected)):
            sys.exit(f"{reader}: row {number} is {got}, not {expected}")


table = pyarrow.parquet.read_table(f"{folder}/tasks.parquet")
judge("pyarrow", table.column_names, [list(row.values()) for row in table.to_pylist()])
groups = pyarrow.parquet.ParquetFile(f"{folder}/tasks.parquet").num_row_groups

connection = duckdb.connect()
found = connection.sql(f"SELECT * FROM '{folder}/tasks.parquet'")
judge("DuckDB, Parquet", found.columns, found.fetchall())

# Types are given: a reader guesses them of the first thousands of rows.
types = {name: str(kind) for name, kind in zip(found.columns, found.types)}
found = connection.sql(
    f"SELECT * FROM read_csv('{folder}/tasks.csv', columns={types}, header=true, quote='\"', escape='\"', allow_quoted_nulls=false)"
)
judge("DuckDB, CSV", found.columns, found.fetchall())
print(json.dumps({"rows": len(rows), "groups": groups}))
