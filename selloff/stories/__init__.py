"""Stories: which articles tell of a sell-off, who was first, what they say that is borne out.

Not here: what an article claims (selloff.claims), whether that is true (selloff.claim_checks).
"""
