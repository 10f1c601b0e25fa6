"""What does a user see? The form, the sign-up's page, and the same as JSON.

Every page works without JavaScript and takes nothing from other hosts. A sign-up's address is its secret: 128 random bits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from cloud_ledger import AUTHORIZATION_BYTES_MAX, Ledger, NodeUnavailable
from flask import Flask, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from .desk import Desk, Identity, Refused, Spent
from .store import Signup, Store, Unavailable

FORM_BYTES_MAX: Final = AUTHORIZATION_BYTES_MAX + 16 * 1024
"""Longest request body: an authorization and a form around it."""

_ID: Final = re.compile(r"[0-9a-f]{32}")
_ENDED: Final = ("active", "refused")


def create_app(ledger: Ledger, store: Store, identity: Identity, wake: Callable[[], None]) -> Flask:
    """The web application. `wake` tells the worker that there is something to do."""
    app = Flask("signup")
    app.config["MAX_CONTENT_LENGTH"] = FORM_BYTES_MAX
    desk = Desk(ledger, store, identity)

    def found(signup_id: str) -> Signup:
        signup = store.signup(signup_id) if _ID.fullmatch(signup_id) else None
        if signup is None:
            abort(404, "There is no such sign-up; one that nobody went on with is deleted after a day.")
        return signup

    def form(problem: str | None, status: int) -> tuple[str, int]:
        # The link in a passport's QR code leads here with the code in it.
        kept = {name: request.values.get(name, "") for name in ("email", "code")}
        return render_template("form.html", cloud=identity.name, problem=problem, **kept), status

    def page(signup: Signup, problem: str | None, status: int, spent: bool = False) -> tuple[str, int]:
        about = {"signup": signup, "problem": problem, "ended": signup.state in _ENDED, "spent": spent}
        return render_template("signup.html", cloud=identity.name, rpc=ledger.url, **about), status

    @app.get("/")
    def start() -> tuple[str, int]:
        return form(None, 200)

    @app.post("/signups")
    def begin() -> tuple[str, int] | BaseResponse:
        try:
            signup_id = desk.begin(request.form.get("email", ""), request.form.get("code", ""))
        except (Refused, Unavailable) as problem:
            return form(str(problem), 422)
        except NodeUnavailable:
            return form("The ledger does not answer just now. Nothing happened to your code: try again in a moment.", 503)
        wake()
        return redirect(url_for("show", signup_id=signup_id), 303)

    @app.get("/signups/<signup_id>")
    def show(signup_id: str) -> tuple[str, int]:
        return page(found(signup_id), None, 200)

    @app.post("/signups/<signup_id>/authorization")
    def authorize(signup_id: str) -> tuple[str, int] | BaseResponse:
        signup = found(signup_id)
        upload = request.files.get("file")
        text = request.form.get("authorization", "").strip()
        if not text and upload is not None:
            text = upload.read().decode("utf-8", "replace").strip()
        try:
            desk.authorize(signup, text)
        except Refused as problem:
            return page(signup, str(problem), 422, spent=isinstance(problem, Spent))
        except NodeUnavailable:
            return page(signup, "The ledger does not answer just now: hand it in again in a moment.", 503)
        wake()
        return redirect(url_for("show", signup_id=signup_id), 303)

    @app.get("/signups/<signup_id>.json")
    def as_json(signup_id: str) -> dict[str, object]:
        signup = found(signup_id)
        return {
            "id": signup.id,
            "state": signup.state,
            "reason": signup.reason,
            "passportCode": signup.passport_code,
            "spec": signup.spec_name,
            "instance": signup.resource if signup.state == "active" else None,
        }

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"cloud": identity.name}

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["content-security-policy"] = (
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        response.headers["referrer-policy"] = "no-referrer"
        response.headers["x-content-type-options"] = "nosniff"
        if not request.path.startswith("/static/"):
            response.headers["cache-control"] = "no-store"
        return response

    return app
