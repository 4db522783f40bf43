"""Connectedness: how much of each series' forecast error comes from shocks to the others.

Belongs here: vector autoregressions and what follows from them, in numpy, callable on plain frames
(one column per series, one row per date). A fit (`vector_autoregression`, `rolling_fits`,
`forgetting_filter`, `quantile_var`) is decomposed (`decompositions`, `bands`) into shares of which
rows receive and columns send; every measure is read off the shares (`spillovers`). Does not belong
here: other kinds of network (`selloff.network`), and any table.
"""
