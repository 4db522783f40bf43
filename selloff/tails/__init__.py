"""Tails: what falls together, how far, and what it would cost.

Belongs here: Delta-CoVaR, expected shortfalls at a market's fall, tail dependence and coexceedance,
and the variances and correlations (`gjr`, `dcc`) that long falls are simulated with, in numpy,
callable on plain frames of returns. Losses keep the sign of the returns unless a
docstring says otherwise. Does not belong here: any table.
"""
