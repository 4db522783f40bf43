"""What a colleague reads: a page per event and the index of them, made from a published release.

Each page is one file that needs nothing else: no network, no fonts, no library. Vector charts are
elements of the page, with a title, a description and a table behind them, so that print, dark
screens, colour-blind readers and screen readers get the same figures.

Not here: any measure (that is a table), any connection (the caller gives one).
"""
