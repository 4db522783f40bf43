"""What must be true: contract checks made from the contracts, then judgements, by subject.

Not here: how a row is refused on its way in (`resources.warehouse.landing`), any repair.
"""
