"""An OpenStack that is none: answers of Keystone, Nova and Cinder to what the service asks, in the shapes of OpenStack's API reference.

There is no real OpenStack in these tests. What this checks is that openstacksdk, unmodified, is asked for the right things, in an order
that a crash does not spoil; projects have Keystone's rule that a domain has each name once.
"""

from __future__ import annotations

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

TOKEN = "a-token"


class Answers:
    """The server, with what it was told."""

    def __init__(self) -> None:
        self.projects: dict[str, dict[str, Any]] = {}
        self.compute: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.fail_next: str | None = None
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                status, value = answers.answer(self.command, self.path, body, self.headers.get("x-auth-token"))
                text = json.dumps(value).encode() if value is not None else b""
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                if self.path.endswith("/auth/tokens"):
                    self.send_header("x-subject-token", TOKEN)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _do

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Ends the server."""
        self.server.shutdown()
        self.server.server_close()

    def answer(self, verb: str, path: str, body: dict[str, Any], token: str | None) -> tuple[int, Any]:
        """Status and body; 500 if nothing is known of the request, so that no wrong one goes unseen."""
        place = urlparse(path)
        step = f"{verb} {place.path}"
        self.asked.append(step)
        if self.fail_next is not None and step.startswith(self.fail_next):
            self.fail_next = None
            return 500, {"error": {"message": "a failure that was asked for"}}
        if (found := self._discovery(step, place.path)) is not None:
            return found
        if token != TOKEN:
            return 401, {"error": {"message": "no token"}}
        match [verb, *place.path.strip("/").split("/")]:
            case ["GET", "identity", "v3", "projects"]:
                wanted = {name: values[0] for name, values in parse_qs(place.query).items()}
                found_all = [one for one in self.projects.values() if all(one.get(name) == value for name, value in wanted.items())]
                return 200, {"projects": found_all, "links": {"next": None}}
            case ["POST", "identity", "v3", "projects"]:
                project = body["project"]
                if any((one["name"], one["domain_id"]) == (project["name"], project["domain_id"]) for one in self.projects.values()):
                    return 409, {"error": {"code": 409, "message": "Duplicate entry", "title": "Conflict"}}
                project["id"] = uuid.uuid4().hex
                self.projects[project["id"]] = project
                return 201, {"project": project}
            case ["PATCH", "identity", "v3", "projects", project_id] if project_id in self.projects:
                self.projects[project_id].update(body["project"])
                return 200, {"project": self.projects[project_id]}
            case ["DELETE", "identity", "v3", "projects", project_id] if project_id in self.projects:
                del self.projects[project_id]
                return 204, None
            case ["PUT", "compute", "v2.1", "os-quota-sets", project_id] if project_id in self.projects:
                self.compute[project_id] = body["quota_set"]
                return 200, {"quota_set": body["quota_set"]}
            case ["PUT", "volume", "v3", *_, "os-quota-sets", project_id] if project_id in self.projects:
                self.volumes[project_id] = body["quota_set"]
                return 200, {"quota_set": body["quota_set"]}
            case _:
                return 500, {"error": {"message": f"unexpected {step}"}}

    def _discovery(self, step: str, path: str) -> tuple[int, Any] | None:
        link = [{"rel": "self", "href": f"{self.url}{path}"}]
        match step.rstrip("/"):
            case "GET /identity" | "GET /identity/v3":
                version = {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": f"{self.url}/identity/v3/"}]}
                return (200, {"version": version}) if "v3" in path else (300, {"versions": {"values": [version]}})
            case "GET /compute/v2.1":
                version = {"id": "v2.1", "status": "CURRENT", "version": "2.96", "min_version": "2.1", "links": link}
                return 200, {"version": version}
            case "GET /volume/v3":
                version = {"id": "v3.0", "status": "CURRENT", "version": "3.71", "min_version": "3.0", "links": link}
                return 200, {"versions": [version]}
            case "POST /identity/v3/auth/tokens":
                catalog = [
                    self._service("identity", "/identity/v3"),
                    self._service("compute", "/compute/v2.1"),
                    self._service("block-storage", "/volume/v3"),
                ]
                project = {"id": "admin-project", "name": "admin", "domain": {"id": "default", "name": "Default"}}
                token = {
                    "methods": ["password"],
                    "expires_at": "2099-01-01T00:00:00.000000Z",
                    "issued_at": "2026-01-01T00:00:00.000000Z",
                    "project": project,
                    "catalog": catalog,
                    "user": {"id": "operator", "name": "operator", "domain": {"id": "default", "name": "Default"}},
                }
                return 201, {"token": token}
        return None

    def _service(self, kind: str, path: str) -> dict[str, Any]:
        endpoint = {"id": kind, "interface": "public", "region": "one", "region_id": "one", "url": f"{self.url}{path}"}
        return {"type": kind, "name": kind, "id": kind, "endpoints": [endpoint]}
