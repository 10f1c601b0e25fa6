"""What do the tests need around the service: its process, and a browser's requests."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Final

from ledger_kit import REPOSITORY

HERE: Final = Path(__file__).resolve().parent
FOLDERS: Final = (HERE.parent, HERE, REPOSITORY / "clients/python/src", REPOSITORY / "clients/python/tests")
"""Where Python finds the service, the library and the kits."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)


class Service:
    """One instance of the service as a process of its own."""

    def __init__(self, rpc: str, database: Path, name: str, *more: str, module: str = "signup") -> None:
        self.command = [
            sys.executable, "-m", module, "--cloud", "Aurora Cloud", "--rpc", rpc, "--database", str(database),
            "--instance", name, "--dev-account", "1", "--listen", "127.0.0.1:0", *more,
        ]  # fmt: skip
        self.log = database.with_name(f"{name}.log")
        self.start()

    def start(self) -> None:
        """Starts it; `wait` says when it takes requests."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, FOLDERS))}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=environment, cwd=self.log.parent
            )

    def wait(self) -> str:
        """Its address, once it takes requests."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        if not line:
            raise RuntimeError(f"the service did not start:\n{self.log.read_text()[-4000:]}")
        self.url = line.split()[-1].rstrip("/")
        return self.url

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


def fetch(url: str, form: dict[str, str] | None = None, timeout: float = 20.0) -> tuple[int, Any, str]:
    """Status, headers and text of an answer; a POST if there is a form. OSError if there is none."""
    body = None if form is None else urllib.parse.urlencode(form).encode()
    try:
        with _open(urllib.request.Request(url, body), timeout) as response:
            return response.status, response.headers, response.read().decode()
    except http.client.HTTPException as error:
        # Killed in the middle of an answer.
        raise ConnectionError(repr(error)) from None


def _open(request: urllib.request.Request, timeout: float) -> Any:
    """An answer of whatever status."""
    try:
        return _OPENER.open(request, timeout=timeout)
    except urllib.error.HTTPError as answer:
        return answer


def begin(url: str, code: str, email: str = "user@example.org") -> str:
    """Opens a sign-up; gives its id."""
    status, headers, text = fetch(f"{url}/signups", {"email": email, "code": code})
    if status != 303:
        raise AssertionError(f"{status}: {text}")
    return str(headers["location"]).rpartition("/")[2]


def hand_in(url: str, signup_id: str, authorization: str) -> tuple[int, str]:
    """Hands an authorization in; gives status and page."""
    status, _, text = fetch(f"{url}/signups/{signup_id}/authorization", {"authorization": authorization})
    return status, text


def look(url: str, signup_id: str) -> dict[str, Any]:
    """The sign-up as JSON."""
    status, _, text = fetch(f"{url}/signups/{signup_id}.json")
    if status != 200:
        raise AssertionError(f"{status}: {text}")
    signup: dict[str, Any] = json.loads(text)
    return signup
