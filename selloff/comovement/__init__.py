"""Comovement: whether series move together more than before, and what their clocks make of it.

Belongs here: tests of a shift in correlation and in higher comoments, and correlations and
regressions of markets that do not close together, in numpy, callable on plain frames of returns.
Does not belong here: any table.
"""
