"""Superset for the people of one machine: loopback, nothing leaves it, its state in one folder.

Superset imports this file by its name; `scripts/bi.py` says where the state lies.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

STATE = Path(os.environ["SELLOFF_BI_STATE"])


def _kept(name: str) -> str:
    """Return a secret of this machine, made at the first start."""
    path = STATE / name
    if not path.exists():
        STATE.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="utf-8")
    return path.read_text(encoding="utf-8")


SECRET_KEY = _kept("secret_key")
SQLALCHEMY_DATABASE_URI = f"sqlite:///{STATE / 'superset.db'}?check_same_thread=false"
DATA_DIR = str(STATE)
ROW_LIMIT = 10_000
# An answer kept in a cache would outlive the release it was read from.
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
# One process serves, so that what it keeps in memory is all there is.
CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache", "CACHE_DEFAULT_TIMEOUT": 300}
RATELIMIT_STORAGE_URI = "memory://"
SESSION_COOKIE_SAMESITE = "Lax"
FEATURE_FLAGS = {
    "ALERT_REPORTS": False,
    "ALLOW_ADHOC_SUBQUERY": False,
    "EMBEDDED_SUPERSET": False,
    "ENABLE_TEMPLATE_PROCESSING": False,
}
# Superset's own lets the browser fetch maps, fonts and a counting pixel from other hosts.
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
