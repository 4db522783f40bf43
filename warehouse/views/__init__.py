"""What BI sees beside the tables: one SELECT per file, named after the view, `layer.name.sql`.

Not here: anything that computes a measure; that is a table with a contract.
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def views() -> dict[str, str]:
    """Return CREATE VIEW per view, with the file's leading comment as the view's comment."""
    statements: dict[str, str] = {}
    for path in sorted(HERE.glob("*.sql")):
        lines = path.read_text(encoding="utf-8").splitlines()
        head = [line[3:] for line in lines if line.startswith("-- ")]
        doc = " ".join(head).replace("'", "''")
        body = "\n".join(line for line in lines if not line.startswith("-- "))
        statements[path.stem] = (
            f"CREATE OR REPLACE VIEW {path.stem} AS\n{body.strip().rstrip(';')};\n"
            f"COMMENT ON VIEW {path.stem} IS '{doc}';"
        )
    return statements
