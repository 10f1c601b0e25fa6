"""How is a sign-up carried out, whatever stops in between?

One step per state, each the same when it is taken again. What a step does outside is kept before it is done (an allocation before the
redemption is signed, the signed redemption before it is sent), and what came of it is kept before the next one. Any number of processes may
run this on one database: the one that is first moves the sign-up on, and what the others did is the same thing.

    reserved  -> the cloud prepares what will be given                        -> prepared
    prepared  -> the redemption is signed and kept                            -> signed
    signed    -> it is sent, until a block has it  -> redeemed, or releasing; or prepared again, if it can never be in a block
    redeemed  -> the cloud lets the user in                                   -> active
    releasing -> the cloud takes back what it prepared                        -> refused
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from cloud_ledger import (
    Authorization,
    CodeState,
    Ledger,
    LedgerError,
    Outcome,
    RequestRefused,
    SignedRedemption,
    sign_redemption,
)
from eth_account.signers.local import LocalAccount

from .clouds import Cloud
from .desk import Identity
from .store import Signup, Store

POLL_SECONDS: Final = 0.25
"""Time between two looks at a redemption, and at the database when there is nothing to do."""

PUT_OFF_SECONDS_MAX: Final = 10.0
"""Longest time between two tries of a step that does not succeed."""

SWEEP_SECONDS: Final = 60.0
"""Time between two sweeps of abandoned sign-ups."""

log = logging.getLogger("signup.work")


class Worker:
    """Carries sign-ups out."""

    def __init__(self, ledger: Ledger, store: Store, cloud: Cloud, identity: Identity, key: LocalAccount, name: str) -> None:
        """`name`: who leases; the same after a restart, and another one for each instance."""
        self.ledger = ledger
        self.store = store
        self.cloud = cloud
        self.identity = identity
        self.key = key
        self.name = name
        self.wake = threading.Event()
        self._steps: dict[str, Callable[[Signup], object]] = {
            "reserved": self._prepare,
            "prepared": self._sign,
            "signed": self._confirm,
            "redeemed": self._activate,
            "releasing": self._release,
        }

    def run(self, stop: threading.Event) -> None:
        """Takes step after step until `stop` is set."""
        self.store.release_leases(self.name)
        swept = 0.0
        while not stop.is_set():
            try:
                if time.monotonic() - swept > SWEEP_SECONDS:
                    self.store.sweep(time.time())
                    swept = time.monotonic()
                has_work = self.step()
            except Exception:
                # A database that is busy for long, say. Every step can be taken again, so the service goes on.
                log.exception("a step failed")
                has_work = False
            if not has_work:
                self.wake.wait(POLL_SECONDS)
                self.wake.clear()

    def step(self) -> bool:
        """Takes one step of one sign-up, if any has one to take."""
        signup = self.store.claim(self.name, time.time())
        if signup is None:
            return False
        try:
            self._steps[signup.state](signup)
        except LedgerError as error:
            log.warning("sign-up %s, %s: %s", signup.id, signup.state, error)
            self._put_off(signup)
        except Exception:
            self._put_off(signup)
            raise
        return True

    def _prepare(self, signup: Signup) -> None:
        self.store.record_resource(signup, self.cloud.prepare(signup))

    def _sign(self, signup: Signup) -> None:
        def sign(nonce: int) -> SignedRedemption:
            return sign_redemption(
                self.key,
                chain_id=self.identity.chain_id,
                nonce=nonce,
                code_id=signup.code_id,
                authorization=_authorization(signup),
            )

        chain_nonce = self.ledger.nonce(self.key.address)
        self.store.record_redemption(signup, self.key.address, chain_nonce, time.time(), sign)

    def _confirm(self, signup: Signup) -> None:
        redemption = self.store.open_redemption(signup)
        outcome = self.ledger.outcome(redemption)
        if outcome is Outcome.SUCCEEDED:
            self.store.record_success(signup, redemption, time.time())
        elif outcome is Outcome.PENDING:
            # Again each time: a node that was killed may have forgotten it.
            self.ledger.send(redemption)
            self._put_off(signup)
        else:
            self._judge(signup, redemption, outcome)

    def _judge(self, signup: Signup, redemption: SignedRedemption, outcome: Outcome) -> None:
        """This transaction did not redeem the code. What the chain says of the code decides, not what we believe we did."""
        code = self.ledger.code(signup.code)
        if code is None:
            raise RequestRefused("ledger_code", 0, f"the node does not know code {signup.passport_code} any more")
        authorization = _authorization(signup)
        confirmed = self.ledger.confirmation(code)
        if confirmed is not None and (confirmed.member_id, confirmed.signup_ref) == (
            self.identity.member_id,
            authorization.signup_ref,
        ):
            self.store.record_success(signup, redemption, time.time())
        elif outcome is Outcome.SUPERSEDED and code.state is CodeState.LIVE and authorization.deadline > time.time():
            log.warning("sign-up %s: another transaction of %s took nonce %s", signup.id, redemption.sender, redemption.nonce)
            self.store.record_superseded(signup, redemption)
        else:
            answer = self.ledger.verify(signup.code, self.identity.member_id, authorization)
            self.store.record_failure(signup, redemption, answer.obstacle or answer.reason)

    def _activate(self, signup: Signup) -> None:
        self.cloud.activate(signup)
        self.store.record_active(signup, time.time())

    def _release(self, signup: Signup) -> None:
        self.cloud.release(signup)
        self.store.record_released(signup, time.time())

    def _put_off(self, signup: Signup) -> None:
        wait = POLL_SECONDS * (1 if signup.attempts < 20 else 1.5 ** min(signup.attempts - 20, 20))
        self.store.put_off(signup, time.time() + min(wait, PUT_OFF_SECONDS_MAX))


def _authorization(signup: Signup) -> Authorization:
    assert signup.authorization is not None, "reserve() keeps the authorization"
    return Authorization.parse(signup.authorization)
