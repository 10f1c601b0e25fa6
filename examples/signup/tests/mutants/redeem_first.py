"""Redeems the code while the form is answered, and reserves the instance afterwards: what the obvious program does."""

import time

from cloud_ledger import Authorization, Ledger, Outcome, Verification, sign_redemption
from signup import __main__ as service
from signup.desk import Desk

KEY = service.key_of(service.options())
reserve = Desk._reserve


def redeem_then_reserve(self: Desk, signup_id: str, answer: Verification, authorization: Authorization) -> None:
    if answer.code is not None and answer.redeemable:
        ledger: Ledger = self.ledger
        signed = sign_redemption(
            KEY,
            chain_id=self.identity.chain_id,
            nonce=ledger.nonce(KEY.address),
            code_id=answer.code.code_id,
            authorization=authorization,
        )
        ledger.send(signed)
        while ledger.outcome(signed) is Outcome.PENDING:
            time.sleep(0.05)
    reserve(self, signup_id, answer, authorization)


Desk._reserve = redeem_then_reserve  # type: ignore[method-assign]
service.main()
