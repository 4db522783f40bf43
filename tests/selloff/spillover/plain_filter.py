"""The time-varying vector autoregression as a textbook writes it, to hold the filter against.

It shares nothing with `selloff.spillover`: H is built out, matrices are inverted, all are kept.
"""

from __future__ import annotations

import numpy as np


def textbook(rows, prior, forgetting):
    """Return what is published, (k, k p), the coefficients' covariance and the errors', by row."""
    k, p = len(prior.level), prior.lags
    rows = rows - prior.level
    b, big, q = prior.coefficients.ravel(), prior.coefficient_covariance, prior.error_covariance
    found = []
    for t, row in enumerate(rows):
        z = np.concatenate([rows[t - lag] if t >= lag else np.zeros(k) for lag in range(1, p + 1)])
        h = np.kron(np.eye(k), z)
        error = row - h @ b
        if 0 < t <= p:
            q = forgetting[1] * q + (1 - forgetting[1]) * 0.1 * np.outer(row, row)
        elif t > p:
            q = forgetting[1] * q + (1 - forgetting[1]) * np.outer(error, error)
        if t >= p:
            predicted = big if t == p else big / forgetting[0]
            gain = predicted @ h.T @ np.linalg.inv(h @ predicted @ h.T + q)
            before, b = b, b + gain @ error
            big = predicted - gain @ h @ predicted
            if radius(b, k, p) > 1:
                b = 0.99 * before
                found.append((found[-1][0], big, q))
                continue
        found.append((b.reshape(k, k * p), big, q))
    return found


def radius(b, k, p):
    companion = np.eye(k * p, k=-k)
    companion[:k] = b.reshape(k, k * p)
    return np.abs(np.linalg.eigvals(companion)).max()
