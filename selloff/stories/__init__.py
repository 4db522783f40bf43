"""Stories: articles and sell-offs together.

`event_articles` links them, `event_coverage` says what they add up to, `summaries` puts the
supported claims into words, `mention_bursts` finds days with unusually many articles. Not here:
whether a claim is true (selloff.claim_checks).
"""

from selloff.stories.event_articles import event_articles
from selloff.stories.event_coverage import event_coverage
from selloff.stories.mention_bursts import mention_bursts

__all__ = ["event_articles", "event_coverage", "mention_bursts"]
