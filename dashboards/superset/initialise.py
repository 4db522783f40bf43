"""Bring Superset's own database up to date, import the folder, and make the one account.

Run by `scripts/bi.py` with the interpreter of Superset's environment.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Any

USER = "admin"
# Superset wants an address; this one can belong to nobody (RFC 2606).
ADDRESS = "admin@localhost.invalid"


def run(app: Any, *arguments: str) -> None:
    """Run one of Superset's own commands; its last words are the error where it fails."""
    from superset.cli.main import superset

    result = app.test_cli_runner().invoke(superset, list(arguments))
    if result.exit_code:
        why = result.output.strip() or repr(result.exception)
        raise SystemExit(f"superset {' '.join(arguments)}: {why}")


def make_account(app: Any, state: Path) -> None:
    """Make the account of this machine; its password is kept beside the database."""
    manager = app.appbuilder.sm
    if manager.find_user(username=USER):
        return
    password = secrets.token_urlsafe(18)
    kept = state / "admin_password"
    kept.touch(mode=0o600)
    kept.write_text(password + "\n", encoding="utf-8")
    role = manager.find_role("Admin")
    manager.add_user(USER, "Local", "Admin", ADDRESS, role, password=password)
    sys.stdout.write(f"Account {USER}, password {password} (kept in {kept.name}, shown once)\n")


def describe_columns() -> None:
    """Take types and comments of every dataset's columns from the warehouse."""
    from superset import db
    from superset.connectors.sqla.models import SqlaTable

    for dataset in db.session.query(SqlaTable):
        dataset.fetch_metadata()
    db.session.commit()


def main() -> None:
    """Do all of it; a second time brings what changed in the folder."""
    state, folder = Path(os.environ["SELLOFF_BI_STATE"]), sys.argv[1]
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        run(app, "db", "upgrade")
        run(app, "init")
        make_account(app, state)
        run(app, "import-directory", "--overwrite", folder)
        describe_columns()


if __name__ == "__main__":
    main()
