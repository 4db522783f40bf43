"""The pytest plug-in: `fake_yahoo` is the server, `real_yfinance` this process's client of it."""

from __future__ import annotations

import warnings

import pytest

from .server import FakeYahoo


@pytest.fixture
def fake_yahoo():
    """A Yahoo that knows nothing yet: fill `charts`, `shares` and `news`."""
    with FakeYahoo() as server:
        yield server


@pytest.fixture
def real_yfinance(fake_yahoo, monkeypatch):
    """The real yfinance of this process, as if freshly started, with `fake_yahoo` for Yahoo.

    A session that the code under test makes itself finds its way by the environment.
    """
    import yfinance

    for name, value in fake_yahoo.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(yfinance.config.debug.data, "hide_exceptions", value=True)
    before = yfinance.cache._TzDBManager.get_location()
    _restart(yfinance, fake_yahoo.environment["XDG_CACHE_HOME"])
    with warnings.catch_warnings():
        # yfinance 1.7 calls pandas 3.1 in ways that pandas deprecates.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="yfinance")
        yield yfinance
    _restart(yfinance, before)


def _restart(yfinance, folder):
    """Forget session, cookie, crumb, answers and open files; the next ones go to the folder."""
    yfinance.data.SingletonMeta._instances.clear()
    yfinance.cache._TzCacheManager._tz_cache = None
    yfinance.cache._CookieCacheManager._Cookie_cache = None
    yfinance.set_tz_cache_location(folder)
