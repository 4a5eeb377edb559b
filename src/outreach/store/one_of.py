"""The condition that a column is one of some values, as one bound value however many they are.

Neither database takes a hundred thousand parameters, and a side table could not be filled in a
transaction that only reads.
"""

from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY


def one_of(
    conn: Connection, column: ColumnElement[Any], values: Collection[Any]
) -> ColumnElement[bool]:
    """`values` are all texts or all whole numbers."""
    if conn.dialect.name == "sqlite":
        given = func.json_each(orjson.dumps(sorted(values)).decode()).table_valued("value")
        return column.in_(select(given.c.value))
    return column == any_(bindparam(None, sorted(values), type_=ARRAY(column.type)))
