"""Expressions on Spark whose parts are computed once each, however often they are used.

Not here: which expression (`selloff`), and where its result goes (`resources.engine.results`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resources.engine.sessions import session_of

if TYPE_CHECKING:
    import pandas as pd


def rows_of(backend: Any, expression: Any) -> Any:
    """Return an expression's rows as a data frame of Spark's, not computed yet.

    Spark writes every use of a common table expression out and plans them all: of the sums of
    groups, four parts that rest on one another, some 288 copies. Persisted, each is planned and
    computed once; what a lost worker held of it is computed again.

    Parameters
    ----------
    backend : Ibis backend
        Of Spark.
    expression : ibis Table
        Over its tables.

    Returns
    -------
    pyspark DataFrame
        `release` what it keeps when it has been computed.
    """
    import sqlglot

    session = session_of(backend)
    backend._run_pre_execute_hooks(expression)  # noqa: SLF001 - as its own to_parquet does
    query = backend.compiler.to_sqlglot(expression)
    parts = list(query.ctes)
    query.set("with_", None)
    how = {"dialect": backend.dialect, "unsupported_level": sqlglot.ErrorLevel.RAISE}
    for part in parts:  # in the order in which they rest on one another
        session.sql(part.this.sql(**how)).persist().createOrReplaceTempView(part.alias)
    return session.sql(query.sql(**how))


def release(backend: Any) -> None:
    """Let go of all parts that are kept: a step asks for one table."""
    session_of(backend).catalog.clearCache()


def frame_of(expression: Any) -> pd.DataFrame:
    """Execute an expression of Spark into a frame, dates as timestamps at midnight."""
    rows = rows_of(expression.get_backend(), expression)
    frame: pd.DataFrame = rows.toArrow().to_pandas(date_as_object=False)
    return frame
