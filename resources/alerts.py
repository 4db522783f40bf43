"""Where alerts go: the log, and a webhook if one is configured."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    import logging

TIMEOUT_SECONDS = 10
UNHEARD = "the webhook did not take the alert: %s"


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
        import http.client
        import urllib.error
        import urllib.request

        if not self.webhook.startswith(("http://", "https://")):
            log.error("the webhook is no http address: the alert was only logged")
            return
        try:
            request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
                self.webhook,
                data=json.dumps({"text": text}).encode(),
                headers={"Content-Type": "application/json"},
            )
            urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()  # noqa: S310 - as above
        except urllib.error.HTTPError as refusal:
            refusal.close()  # it holds the connection
            log.error(UNHEARD, refusal)  # noqa: TRY400 - one line
        except (OSError, ValueError, http.client.HTTPException) as error:
            log.error(UNHEARD, error)  # noqa: TRY400 - as above
