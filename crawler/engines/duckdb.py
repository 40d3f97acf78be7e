"""DuckDB: relations with verdicts. Nothing is computed before the relation is read, and never more than a few rows at once.

    import duckdb
    from crawler.engines.duckdb import decide
    decide(duckdb.sql("from 'pages/*.parquet'"), policies=["eu-dsm-art4"], asker="YourBot").to_parquet("decided.parquet")

The work is done by a function of the connection (https://duckdb.org/docs/stable/clients/python/function), which takes those
columns alone that are read.
"""
from __future__ import annotations

import hashlib
from typing import Any, Unpack

import pyarrow as pa

from ..archive import batch as batches
from ..archive import records as rows
from ..archive.columns import Columns
from ..archive.pages import CAPTURE
from .plan import Plan, Words, missing, plan

try:
    import duckdb
    import numpy  # noqa: F401  # DuckDB's functions of Python need it, and its package does not bring it
except ImportError as error:
    raise missing("duckdb", error) from error


def decide(relation: duckdb.DuckDBPyRelation, connection: duckdb.DuckDBPyConnection | None = None,
           **words: Unpack[Words]) -> duckdb.DuckDBPyRelation:
    """The relation with `maymine_verdict` and `maymine_reasons`. `connection` is that of the relation, where it is another than
    that of the module; `words` as in `plan`. Raises PlanError, ColumnsError."""
    made = plan(**words)

    def said(batch: pa.RecordBatch) -> pa.Array:
        (done,) = made.verdicts([batch])
        return pa.StructArray.from_arrays([done.column(f.name) for f in batches.ADDED], fields=list(batches.ADDED))
    call = _function(relation, connection, made, said, pa.struct(batches.ADDED), "decide")
    kept = ", ".join(_quoted(name) for name in relation.columns if name not in (batches.VERDICT, batches.REASONS))
    return relation.project(f"{kept}, unnest({call})")


def records(relation: duckdb.DuckDBPyRelation, connection: duckdb.DuckDBPyConnection | None = None,
            **words: Unpack[Words]) -> duckdb.DuckDBPyRelation:
    """One row a page and policy; else as `decide`."""
    made = plan(**words)
    call = _function(relation, connection, made, made.listed, pa.list_(pa.struct(list(rows.RECORDS))), "records")
    return relation.project(f"unnest({call}) as record").project("unnest(record)")


def _function(relation: duckdb.DuckDBPyRelation, connection: duckdb.DuckDBPyConnection | None, made: Plan, work: Any,
              gives: pa.DataType, verb: str) -> str:
    """A function of the connection that does this work, called with the columns that it reads."""
    con = connection or duckdb.default_connection()
    schema = relation.limit(0).to_arrow_table().schema
    found = made.found(schema)
    wanted = {name.split(".")[0] if name not in schema.names else name for name in found.names.values()} \
        if isinstance(found, Columns) else {"url", "http_headers", "body", CAPTURE}
    used = [name for name in relation.columns if name in wanted]
    types = dict(zip(relation.columns, relation.types, strict=True))
    given = duckdb.struct_type({name: types[name] for name in used})
    name = f"maymine_{verb}_{hashlib.sha256(f'{made!r} {given} {gives}'.encode()).hexdigest()[:16]}"

    def called(column: pa.ChunkedArray) -> pa.Array:
        chunks = [work(pa.RecordBatch.from_struct_array(chunk)) for chunk in column.chunks]
        return pa.concat_arrays(chunks) if chunks else pa.array([], gives)
    if not con.execute("select 1 from duckdb_functions() where function_name = ?", [name]).fetchall():
        into = con.from_arrow(pa.schema([("x", gives)]).empty_table()).types[0]
        con.create_function(name, called, [given], into, type="arrow", null_handling="special")
    return f"{name}({{{', '.join(f'{_literal(n)}: {_quoted(n)}' for n in used)}}})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
