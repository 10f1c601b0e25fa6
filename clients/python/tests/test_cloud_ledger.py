"""Does the library verify and redeem on a real chain, and say what is wrong when something is?"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cloud_ledger import (
    ANSWER_BYTES_MAX,
    AUTHORIZATION_BYTES_MAX,
    Authorization,
    AuthorizationError,
    CodeState,
    Ledger,
    LedgerError,
    NodeUnavailable,
    Outcome,
    RedemptionFailed,
    RequestRefused,
    Verdict,
    load_key,
    sign_redemption,
    signup_hash,
)
from eth_account import Account
from ledger_kit import AURORA, BOREALIS, Holder, dev_account, submit


def test_a_code_is_verified_and_redeemed_once(ledger: Ledger) -> None:
    holder = Holder()
    code = holder.request(ledger)
    assert (code.state, code.spec.name, code.holder) == (CodeState.LIVE, "small", holder.key.address.lower())
    before = ledger.verify(code.passport_code, AURORA.name)
    assert (before.verdict, before.redeemable, before.cloud) == (Verdict.VALID, False, AURORA)
    assert before.requires_authorization and before.code == code
    assert before.obstacle is not None and "must sign" in before.obstacle

    assert ledger.code(f"https://cloud.example/?code={code.passport_code}&lang=en") == code

    text = holder.authorize(ledger.chain_id(), code, AURORA, "sign-up 1")
    consent = Authorization.parse(text)
    assert ledger.verify(code.transaction, AURORA.member_id, consent).redeemable
    redemption = ledger.redeem(dev_account(1), code, consent)
    assert ledger.outcome(redemption) is Outcome.SUCCEEDED
    ledger.send(redemption)  # again: no error, and nothing happens

    after = ledger.code(hex(code.code_id))
    assert after is not None
    assert (after.state, after.redeemed_by, after.ended_by) == (CodeState.REDEEMED, AURORA.member_id, redemption.hash)
    confirmed = ledger.confirmation(after)
    assert confirmed is not None
    assert (confirmed.member_id, confirmed.signup_ref) == (AURORA.member_id, consent.signup_ref)

    other = Authorization.parse(holder.authorize(ledger.chain_id(), code, BOREALIS, "sign-up 2"))
    refused = ledger.verify(code.transaction, BOREALIS.name, other)
    assert (refused.verdict, refused.redeemable) == (Verdict.REDEEMED, False)
    assert "Aurora Cloud confirmed its use" in refused.reason
    with pytest.raises(RedemptionFailed, match="failed"):
        ledger.redeem(dev_account(3), code, other)


def test_a_transaction_whose_nonce_another_one_took_is_superseded(ledger: Ledger) -> None:
    holder, key = Holder(), dev_account(1)
    code = holder.request(ledger)
    consent = Authorization.parse(holder.authorize(ledger.chain_id(), code, AURORA, "sign-up 3"))
    nonce = ledger.nonce(key.address)
    signed = sign_redemption(key, chain_id=ledger.chain_id(), nonce=nonce, code_id=code.code_id, authorization=consent)
    assert ledger.outcome(signed) is Outcome.PENDING
    rival = submit(ledger, key, "forget(address)", ["address"], [key.address])
    while ledger.call("eth_getTransactionReceipt", rival) is None:
        time.sleep(0.05)
    assert ledger.outcome(signed) is Outcome.SUPERSEDED
    with pytest.raises(RequestRefused, match="nonce too low"):
        ledger.send(signed)
    assert ledger.redeem(key, code, consent).nonce == nonce + 1


def test_what_is_no_code_is_told_apart(ledger: Ledger) -> None:
    assert ledger.verify("0x" + "11" * 32, AURORA.name).verdict is Verdict.NEVER_ISSUED
    assert ledger.code("0x" + "11" * 32) is None
    with pytest.raises(RequestRefused, match="typing error"):
        ledger.verify("0000-0001", AURORA.name)
    with pytest.raises(RequestRefused, match="no member cloud"):
        ledger.cloud("Nimbus")
    assert ledger.cloud("Borealis Cloud") == BOREALIS
    assert [ledger.member_of(dev_account(number).address) for number in range(5)] == [1, 1, 2, 2, 0]


def test_an_authorization_is_for_one_code_cloud_and_sign_up(ledger: Ledger) -> None:
    holder, other = Holder(), Holder()
    code, chain_id = holder.request(ledger), ledger.chain_id()
    now = time.time()

    def check(text: str, spare: int = 0) -> None:
        Authorization.parse(text).check(
            chain_id=chain_id, code=code, member_id=AURORA.member_id, reference="mine", now=now, spare_seconds=spare
        )

    good = holder.authorize(chain_id, code, AURORA, "mine")
    check(good)
    assert Authorization.parse(Authorization.parse(good).to_json()) == Authorization.parse(good)
    for words, text in {
        "another ledger": holder.authorize(chain_id + 1, code, AURORA, "mine"),
        "cloud with member id 2, not 1": holder.authorize(chain_id, code, BOREALIS, "mine"),
        "the sign-up yours, not mine": holder.authorize(chain_id, code, AURORA, "yours"),
        "a code of": other.authorize(chain_id, code, AURORA, "mine"),
        "sign a new one": holder.authorize(chain_id, code, AURORA, "mine", seconds=-1),
    }.items():
        with pytest.raises(AuthorizationError, match=words.replace("another ledger", "chain id")):
            check(text)
    with pytest.raises(AuthorizationError, match="7200 s are needed"):
        check(good, spare=7200)


def test_a_broken_authorization_is_refused_with_words(ledger: Ledger) -> None:
    holder = Holder()
    fields = json.loads(holder.authorize(ledger.chain_id(), holder.request(ledger), AURORA, "mine"))
    assert Authorization.parse(json.dumps(fields).encode()).reference == "mine"
    broken: dict[str, object] = {
        "kind": "something-else/1",
        "chainId": 6300,
        "codeId": "0xzz",
        "memberId": None,
        "holder": 7,
        "signupRef": "0x11",
        "deadline": "soon",
        "signature": ["0x"],
        "signup": {"reference": "yours", "salt": fields["signup"]["salt"]},
    }
    for name, value in broken.items():
        with pytest.raises(AuthorizationError, match="this is no authorization"):
            Authorization.parse(json.dumps({**fields, name: value}))
        if name != "signup":
            with pytest.raises(AuthorizationError):
                Authorization.parse(json.dumps({key: kept for key, kept in fields.items() if key != name}))
    for text in ("", "[]", "nul", "[" * 60_000, '{"a":' * 12_000, '"\\"[', "x" * (AUTHORIZATION_BYTES_MAX + 1), b"\xff\xfe\xfd"):
        with pytest.raises(AuthorizationError):
            Authorization.parse(text)


def test_a_keystore_is_opened_with_its_password_alone() -> None:
    account = Account.create()
    keystore = json.dumps(Account.encrypt(account.key, "right", kdf="pbkdf2", iterations=1000))
    assert load_key(keystore, "right").address == account.address
    with pytest.raises(LedgerError, match="cannot be opened"):
        load_key(keystore, "wrong")
    with pytest.raises(LedgerError, match="cannot be opened"):
        load_key("[]", "right")


def test_the_hash_of_a_sign_up_is_that_of_the_passport_command() -> None:
    # The golden value of cli/tests/it/authorization.rs, which viem computed.
    golden = "218a43aa51ed04ae822a100ea2a88f6ebef7f632764319e808888fd0664d9181"
    assert signup_hash(b"\x11" * 32, "ticket 42").hex() == golden


@contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[Ledger]:
    """A server that answers everything alike: no node that answers so can be made to."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Ledger(f"http://127.0.0.1:{server.server_port}", timeout=2)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def result(text: str) -> bytes:
    return f'{{"jsonrpc":"2.0","id":1,"result":{text}}}'.encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"error": 1}',
        result('{"verdict":"perfect"}'),
        result('{"verdict":"valid","redeemable":"yes"}'),
        result("7"),
        result("null"),
        b" " * (ANSWER_BYTES_MAX + 1),
    ],
)
def test_answers_that_are_none_are_told_of_as_such(body: bytes) -> None:
    with answering(body) as node, pytest.raises(NodeUnavailable):
        node.verify("0000-0000", 1)


def test_a_node_that_is_down_busy_or_silent_is_unavailable() -> None:
    with answering(b"busy", status=503) as node, pytest.raises(NodeUnavailable):
        node.chain_id()
    with pytest.raises(NodeUnavailable):
        node.chain_id()  # it is gone now
    with socket.create_server(("127.0.0.1", 0)) as silent:
        deaf = Ledger(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
        with pytest.raises(NodeUnavailable):
            deaf.chain_id()
