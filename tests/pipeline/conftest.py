"""Questions in SQL to a published release."""

from __future__ import annotations

import pytest

from resources.warehouse import readers


@pytest.fixture(scope="session")
def asked():
    """Return a way to ask a released file, as readers open it."""

    def of(path):
        def query(sql, *values):
            with readers.reading(path) as con:
                return con.execute(sql, list(values)).fetchall()

        return query

    return of
