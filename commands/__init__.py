"""By hand: the commands of `selloff`, how a run is shown, how findings read in a terminal.

Not here: what the commands do (the jobs, the warehouse, the pages); and no figure is computed.
"""
