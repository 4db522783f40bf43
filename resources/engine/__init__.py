"""Where a table is computed: DuckDB on this machine, or Apache Spark on this or many.

Not here: what is computed (`selloff`), and the warehouse's own connection (`resources.warehouse`).
Nothing here imports pyspark before Spark is asked for: who runs on DuckDB pays nothing.
"""

from resources.engine.names import DUCKDB, SPARK, EngineError, misuse, problems
from resources.engine.sessions import connected

__all__ = ["DUCKDB", "SPARK", "EngineError", "connected", "misuse", "problems"]
