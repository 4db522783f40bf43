"""A headless Chromium, driven through its DevTools protocol: log in, open a page, look at it.

Needs `websocket-client`, which Superset's environment has.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
NAMES = ("chromium", "chromium-browser", "google-chrome")


class Page:
    """One page; what it asked the network for is in `requests`, by the protocol's own ids."""

    def __init__(self, address: str) -> None:
        import websocket

        self._socket = websocket.create_connection(address, suppress_origin=True, timeout=30)
        self._sent = 0
        self.requests: dict[str, dict[str, Any]] = {}
        self.errors: list[str] = []
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == message["id"]:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._note(answer)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    def open(self, url: str) -> None:
        """Go to an address and wait until it is loaded."""
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def wait(self, condition: str, seconds: float = 60) -> None:
        """Wait until a JavaScript condition holds."""
        give_up = time.monotonic() + seconds
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > give_up:
                raise TimeoutError(f"after {seconds:g} s still not: {condition}")
            time.sleep(0.25)

    def body(self, request_id: str) -> str:
        """Return the text of an answer."""
        answer = self.call("Network.getResponseBody", requestId=request_id)
        text = answer["body"]
        return base64.b64decode(text).decode() if answer["base64Encoded"] else text

    def screenshot(self, target: Path) -> None:
        """Save what the window shows as PNG."""
        shot = self.call("Page.captureScreenshot", format="png")
        target.write_bytes(base64.b64decode(shot["data"]))

    def strangers(self) -> list[str]:
        """Return the requests that were let out to another host than this one."""
        return [
            request["url"]
            for request in self.requests.values()
            if urlsplit(request["url"]).scheme not in {"data", "blob", "chrome", "about"}
            and urlsplit(request["url"]).hostname not in LOOPBACK
            and "blocked" not in request
        ]

    def _note(self, event: dict[str, Any]) -> None:
        """Keep what an event says of the network and of errors."""
        said = event.get("params", {})
        known = self.requests.get(said.get("requestId", ""), {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                sent = said["request"]
                self.requests[said["requestId"]] = {"url": sent["url"], "method": sent["method"]}
            case "Network.responseReceived":
                known["status"] = said["response"]["status"]
            case "Network.loadingFinished":
                known["finished"] = True
            case "Network.loadingFailed" if said.get("blockedReason"):
                known["blocked"] = said["blockedReason"]
            case "Runtime.exceptionThrown":
                self.errors.append(said["exceptionDetails"].get("text", ""))


@contextmanager
def chromium(folder: Path, width: int, height: int) -> Iterator[Page]:
    """Start Chromium with a profile in `folder`; no name but this machine's is resolved."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if not program:
        raise SystemExit("No Chromium: the rendered dashboard cannot be checked")
    command = [
        program,
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        *("--disable-background-networking", "--no-first-run", "--disable-extensions"),
        *("--remote-debugging-port=0", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
        *(f"--user-data-dir={folder}", f"--window-size={width},{height}", "about:blank"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield Page(_address(folder))
    finally:
        process.terminate()
        process.wait(timeout=20)


def _address(profile: Path) -> str:
    """Return where the first page listens; Chromium writes its port into the profile."""
    port, give_up = profile / "DevToolsActivePort", time.monotonic() + 30
    while time.monotonic() < give_up:
        if port.exists() and (lines := port.read_text().splitlines()):
            url = f"http://127.0.0.1:{lines[0]}/json/list"
            with urllib.request.urlopen(url, timeout=10) as answer:
                pages = [each for each in json.load(answer) if each["type"] == "page"]
            if pages:
                return pages[0]["webSocketDebuggerUrl"]
        time.sleep(0.2)
    raise TimeoutError("Chromium did not start")
