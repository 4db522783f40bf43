"""Networks: who predicts whom, and how much moves as one.

Belongs here: Granger networks and their centralities, the absorption ratio and turbulence, in
numpy, callable on plain frames of returns. Does not belong here: variance decompositions
(`selloff.spillover`), and any table.
"""
