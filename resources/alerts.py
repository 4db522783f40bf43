"""Where alerts go: the log, and a webhook if one is configured."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    import logging

TIMEOUT_SECONDS = 10


class Alerts(dg.ConfigurableResource):
    """Sends one-line alerts.

    Parameters
    ----------
    webhook : str
        Address that takes ``{"text": ...}`` as JSON by POST; empty for the log alone.
    """

    webhook: str = ""

    def send(self, text: str, log: logging.Logger) -> None:
        """Log the text and post it; a webhook that fails is logged, never raised."""
        log.warning(text)
        if not self.webhook:
            return
        import urllib.error
        import urllib.request

        if not self.webhook.startswith(("http://", "https://")):
            log.error("the webhook is no http address: the alert was only logged")
            return
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            self.webhook,
            data=json.dumps({"text": text}).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()  # noqa: S310 - as above
        except (urllib.error.URLError, TimeoutError) as error:
            log.error("the webhook did not take the alert: %s", error)  # noqa: TRY400 - one line
