"""Event studies on plain arrays: expected returns, their errors, and every test on what is left.

Belongs here: the kernel in numpy and scipy, callable from a notebook on frames of prices. `panels`
takes them in, and `studies.study` judges events on them, leaving out with a reason (`events`) what
cannot be judged. A model (`models`, `nonsynchronous`, `garch`) turns returns into a `Sample`; every
test (`parametric`, `ranks`, `signs`, `bootstrap`, `calendar_time`) takes a `Sample` and nothing
else, be it one of volume or volatility (`activity`). Does not belong here: panels of every listing
and session (`selloff.returns`, in Ibis), and any table.
"""
