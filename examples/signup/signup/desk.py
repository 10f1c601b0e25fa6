"""May this sign-up begin, and may it be carried out? What the form's two steps do.

Called by `web` for each request. Asks the node, and reserves an instance when all is well; `work` does the rest. Never sends a
transaction.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Final

from cloud_ledger import Authorization, AuthorizationError, Ledger, RequestRefused, Verdict, Verification, signup_hash

from .store import Signup, Store, Unavailable

EMAIL_CHARS_MAX: Final = 254
"""Longest e-mail address (RFC 5321)."""

CODE_CHARS_MAX: Final = 256
"""Longest code, or link with a code in it, that is looked at, as the node has it."""

SPARE_SECONDS: Final = 120
"""What must be left of an authorization's time: the redemption's block has to come within it."""

_LIVE: Final = (Verdict.VALID, Verdict.TRANSFERRED)


class Refused(Exception):
    """The words say why, for the user."""


class Spent(Refused):
    """The code is no good any more, whatever the user hands in."""


@dataclass(frozen=True)
class Identity:
    """Which cloud this is, on which ledger."""

    chain_id: int
    member_id: int
    name: str


class Desk:
    """Takes sign-ups."""

    def __init__(self, ledger: Ledger, store: Store, identity: Identity) -> None:
        self.ledger = ledger
        self.store = store
        self.identity = identity

    def begin(self, email: str, code: str) -> str:
        """Opens a sign-up for a code that is good, in any of its forms, and gives its id. `Refused` if it is not."""
        email, code = email.strip(), code.strip()
        if "@" not in email or len(email) > EMAIL_CHARS_MAX:
            raise Refused("that is no e-mail address")
        if not code or len(code) > CODE_CHARS_MAX:
            raise Refused("give a promo code of 8 to 66 characters, or the link with it")
        answer = self._verify(code, None)
        if answer.code is None or answer.verdict not in _LIVE:
            raise Refused(f"this code is not good: {answer.reason}")
        signup_id = secrets.token_hex(16)
        self.store.open_signup(signup_id, email, answer.code, time.time())
        if not answer.requires_authorization:
            self._reserve(signup_id, answer, self._own_consent(answer, signup_id))
        return signup_id

    def authorize(self, signup: Signup, text: str) -> None:
        """Holds an instance for a sign-up whose holder consents. `Refused` says why not, and `Spent` that nothing helps."""
        if signup.state != "waiting":
            return
        try:
            authorization = Authorization.parse(text)
        except AuthorizationError as error:
            raise Refused(str(error)) from None
        answer = self._verify(signup.code, authorization)
        if answer.code is None or answer.verdict not in _LIVE:
            raise Spent(f"this code is not good any more: {answer.reason}")
        try:
            authorization.check(
                chain_id=self.identity.chain_id,
                code=answer.code,
                member_id=self.identity.member_id,
                reference=signup.id,
                now=time.time(),
                spare_seconds=SPARE_SECONDS,
            )
        except AuthorizationError as error:
            raise Refused(str(error)) from None
        self._reserve(signup.id, answer, authorization)

    def _reserve(self, signup_id: str, answer: Verification, authorization: Authorization) -> None:
        if not answer.redeemable:
            raise Refused(answer.obstacle or answer.reason)
        try:
            self.store.reserve(signup_id, authorization.to_json(), time.time())
        except Unavailable as error:
            raise Refused(str(error)) from None

    def _verify(self, code: str, authorization: Authorization | None) -> Verification:
        try:
            return self.ledger.verify(code, self.identity.member_id, authorization)
        except RequestRefused as error:
            raise Refused(error.message) from None

    def _own_consent(self, answer: Verification, signup_id: str) -> Authorization:
        """Where the spec asks for no signature, the redemption still says which sign-up it is for."""
        assert answer.code is not None
        salt = secrets.token_bytes(32)
        return Authorization(
            chain_id=self.identity.chain_id,
            code_id=answer.code.code_id,
            member_id=self.identity.member_id,
            holder=answer.code.holder,
            signup_ref=signup_hash(salt, signup_id),
            deadline=answer.code.expires_at,
            signature=b"",
            salt=salt,
            reference=signup_id,
        )
