"""Does a user get an instance for a code, once, and a clear word when not?"""

from __future__ import annotations

import re
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from cloud_ledger import Authorization, CodeState, Ledger, sign_redemption
from ledger_kit import AURORA, BOREALIS, FLASH, Holder, Node, dev_account, send
from service_kit import Service, begin, fetch, hand_in, look
from signup.store import OtherSchema, Store

PATIENCE = 60.0


def settled(service: Service, signup_id: str) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        signup = look(service.url, signup_id)
        if signup["state"] in ("active", "refused"):
            return signup
        time.sleep(0.1)
    raise AssertionError(f"it is still {look(service.url, signup_id)}\n{service.log.read_text()[-2000:]}")


def test_a_code_gives_an_instance_and_then_nothing_more(ledger: Ledger, service: Service) -> None:
    holder = Holder()
    code = holder.request(ledger)
    signup_id = begin(service.url, code.passport_code.lower())
    _, _, page = fetch(f"{service.url}/signups/{signup_id}")
    assert f"passport authorize {code.passport_code}" in page and signup_id in page

    status, _ = hand_in(service.url, signup_id, holder.authorize(ledger.chain_id(), code, AURORA, signup_id))
    assert status == 303
    signup = settled(service, signup_id)
    assert signup["state"] == "active" and re.fullmatch(r"small-\d{6}", signup["instance"])
    _, _, page = fetch(f"{service.url}/signups/{signup_id}")
    assert signup["instance"] in page and "Welcome" in page
    after = ledger.code(code.transaction)
    assert after is not None and after.redeemed_by == AURORA.member_id

    # Handing it in again changes nothing, and a new sign-up with the code is refused.
    assert hand_in(service.url, signup_id, "anything")[0] == 303
    status, _, page = fetch(f"{service.url}/signups", {"email": "a@example.org", "code": code.transaction})
    assert status == 422 and "Aurora Cloud confirmed its use" in page


def test_what_is_no_good_code_is_refused_with_the_reason(ledger: Ledger, service: Service) -> None:
    cases = {
        "0000-0001": "typing error",
        "hello": "8, 12, 16 or 20 letters",
        "0x" + "22" * 32: "ever issued on this chain",
        "": "8 to 66 characters",
        "<script>alert(1)</script>": "character",
    }
    for code, words in cases.items():
        status, _, page = fetch(f"{service.url}/signups", {"email": "a@example.org", "code": code})
        assert status == 422 and words in page, page
        assert "<script>" not in page
    status, _, page = fetch(f"{service.url}/signups", {"email": "nobody", "code": "0000-0000"})
    assert status == 422 and "no e-mail address" in page


def test_the_link_of_a_qr_code_fills_the_form(service: Service) -> None:
    status, headers, page = fetch(f"{service.url}/?code=0050-00C9")
    assert status == 200 and 'value="0050-00C9"' in page
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store" and headers["referrer-policy"] == "no-referrer"
    assert fetch(f"{service.url}/signups/{'0' * 32}")[0] == 404
    assert fetch(f"{service.url}/signups/..%2f.json")[0] == 404


def test_an_authorization_for_anything_else_is_refused(ledger: Ledger, service: Service) -> None:
    holder, thief = Holder(), Holder()
    code, other_code = holder.request(ledger), Holder().request(ledger)
    chain_id, signup_id = ledger.chain_id(), begin(service.url, code.transaction)
    cases = {
        "": "no authorization",
        "{}": "no authorization",
        holder.authorize(chain_id, code, AURORA, "another sign-up"): "for the sign-up another sign-up",
        holder.authorize(chain_id, code, BOREALIS, signup_id): "member id 2, not 1",
        holder.authorize(chain_id, other_code, AURORA, signup_id): "promo code with number",
        holder.authorize(chain_id, code, AURORA, signup_id, seconds=30): "sign a new one",
        thief.authorize(chain_id, code, AURORA, signup_id): "a code of",
    }
    for text, words in cases.items():
        status, page = hand_in(service.url, signup_id, text)
        assert status == 422 and words in page, (words, page)
    # Signed by another key than that of the holder whom it names.
    consent = Authorization.parse(holder.authorize(chain_id, code, AURORA, signup_id))
    stolen = Authorization.parse(thief.authorize(chain_id, code, AURORA, signup_id))
    text = consent.to_json().replace(consent.signature.hex(), stolen.signature.hex())
    status, page = hand_in(service.url, signup_id, text)
    assert status == 422, page
    assert look(service.url, signup_id)["state"] == "waiting"
    after = ledger.code(code.transaction)
    assert after is not None and after.state is CodeState.LIVE
    # And the right one is still taken.
    assert hand_in(service.url, signup_id, holder.authorize(chain_id, code, AURORA, signup_id))[0] == 303
    assert settled(service, signup_id)["state"] == "active"


def test_two_sign_ups_with_one_code_get_one_instance(ledger: Ledger, service: Service) -> None:
    holder = Holder()
    code = holder.request(ledger)
    first, second = begin(service.url, code.transaction), begin(service.url, code.passport_code)
    chain_id = ledger.chain_id()
    assert hand_in(service.url, first, holder.authorize(chain_id, code, AURORA, first))[0] == 303
    status, page = hand_in(service.url, second, holder.authorize(chain_id, code, AURORA, second))
    assert status == 422 and ("nother sign-up is using this code" in page or "confirmed its use" in page)
    assert settled(service, first)["state"] == "active"
    assert look(service.url, second)["state"] == "waiting"


def test_when_another_cloud_is_first_the_instance_is_released(ledger: Ledger, node: Node, service: Service) -> None:
    holder = Holder()
    code, chain_id = holder.request(ledger), ledger.chain_id()
    signup_id = begin(service.url, code.transaction)
    mine = holder.authorize(chain_id, code, AURORA, signup_id)
    theirs = Authorization.parse(holder.authorize(chain_id, code, BOREALIS, "elsewhere"))
    # Both are sent for the same block or the next; whoever is in the chain first has it.
    ledger.redeem(dev_account(3), code, theirs)
    status, page = hand_in(service.url, signup_id, mine)
    assert status == 422 and "not good any more: Borealis Cloud confirmed its use" in page
    assert "Get the instance" not in page and "sign up again" in page


def test_a_redemption_that_the_contract_refuses_releases_the_instance(ledger: Ledger, node: Node, tmp_path: Path) -> None:
    """The code goes elsewhere after the instance was held: the worker is stopped in between."""
    service = Service(node.url, tmp_path / "signup.db", "one", "--capacity", "small=5")
    service.wait()
    holder = Holder()
    code, chain_id = holder.request(ledger), ledger.chain_id()
    signup_id = begin(service.url, code.transaction)
    service.kill()
    store = Store(tmp_path / "signup.db")
    store.reserve(signup_id, holder.authorize(chain_id, code, AURORA, signup_id), time.time())
    ledger.redeem(dev_account(3), code, Authorization.parse(holder.authorize(chain_id, code, BOREALIS, "elsewhere")))
    service.start()
    service.wait()
    signup = settled(service, signup_id)
    assert signup["state"] == "refused" and "Borealis Cloud confirmed its use" in signup["reason"]
    rows = sqlite3.connect(tmp_path / "signup.db").execute("SELECT state FROM allocations").fetchall()
    assert rows == [("released",)]
    assert service.stop() == 0


def test_a_nonce_that_somebody_else_used_costs_nothing(ledger: Ledger, node: Node, tmp_path: Path) -> None:
    """The key is used beside the service, before its signed redemption was sent: it signs another one."""
    service = Service(node.url, tmp_path / "signup.db", "one", "--capacity", "small=5")
    service.wait()
    holder, key = Holder(), dev_account(1)
    code, chain_id = holder.request(ledger), ledger.chain_id()
    signup_id = begin(service.url, code.transaction)
    service.kill()
    store = Store(tmp_path / "signup.db")
    store.reserve(signup_id, holder.authorize(chain_id, code, AURORA, signup_id), time.time())
    signup = store.claim("test", time.time())
    assert signup is not None and store.record_resource(signup, "small-000001")
    signup = store.claim("test", time.time())
    assert signup is not None and signup.authorization is not None
    consent, nonce = Authorization.parse(signup.authorization), ledger.nonce(key.address)
    assert store.record_redemption(
        signup, key.address, nonce, time.time(),
        lambda nonce: sign_redemption(key, chain_id=chain_id, nonce=nonce, code_id=code.code_id, authorization=consent),
    )  # fmt: skip
    send(ledger, key, "forget(address)", ["address"], [key.address])
    service.start()
    service.wait()
    assert settled(service, signup_id)["state"] == "active"
    rows = sqlite3.connect(tmp_path / "signup.db").execute("SELECT state FROM redemptions ORDER BY nonce").fetchall()
    assert rows == [("superseded",), ("succeeded",)]
    assert service.stop() == 0


def test_no_more_instances_are_out_than_there_are(ledger: Ledger, service: Service) -> None:
    states = []
    for _ in range(2):
        holder = Holder()
        code = holder.request(ledger, FLASH)
        signup_id = begin(service.url, code.transaction)
        status, page = hand_in(service.url, signup_id, holder.authorize(ledger.chain_id(), code, AURORA, signup_id, seconds=600))
        states.append((status, "no instance of this kind is free" in page.lower()))
    assert states == [(303, False), (422, True)]


def test_the_database_belongs_to_one_ledger_and_cloud(node: Node, service: Service, tmp_path: Path) -> None:
    database = tmp_path / "signup.db"
    Store(database).bind({"ledger": "0x00"}, {})
    other = Service(node.url, database, "one")
    assert other.process.wait(timeout=30) == 1
    assert "belongs to the ledger 0x00" in other.log.read_text()
    strange = Service(node.url, tmp_path / "other.db", "two", "--dev-account", "3")
    assert strange.process.wait(timeout=30) == 1
    assert "is neither owner nor redeemer of Aurora Cloud" in strange.log.read_text()


def test_a_sign_up_goes_on_when_the_ledger_comes_back(ledger: Ledger, node: Node, service: Service) -> None:
    holder = Holder()
    code, chain_id = holder.request(ledger), ledger.chain_id()
    signup_id = begin(service.url, code.transaction)
    text = holder.authorize(chain_id, code, AURORA, signup_id)
    node.kill()
    status, page = hand_in(service.url, signup_id, text)
    assert status == 503 and "does not answer just now" in page
    assert fetch(f"{service.url}/signups", {"email": "a@example.org", "code": code.transaction})[0] == 503
    node.start()
    assert hand_in(service.url, signup_id, text)[0] == 303
    node.kill()
    node.start()
    assert settled(service, signup_id)["state"] == "active"


def _signups(path: Path) -> sqlite3.Connection:
    """A database with two sign-ups whose codes have the same number, and an allocation for the first one's code."""
    Store(path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA foreign_keys = ON")
    for signup_id in "ab":
        db.execute(
            "INSERT INTO signups (id, email, created_at, code, passport_code, code_id, spec_id, spec_name, needs_authorization, state)"
            " VALUES (?, '', 0, ?, '', '0x1', 1, 'small', 1, 'signed')",
            (signup_id, f"0x{signup_id}"),
        )
    db.execute("INSERT INTO allocations (signup_id, code, spec_id, state, held_at) VALUES ('a', '0xa', 1, 'held', 0)")
    return db


def test_a_database_with_other_tables_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "signup.db"
    Store(path)
    Store(path)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 1")
    with pytest.raises(OtherSchema, match="version 1, and this program knows 2"):
        Store(path)


def test_a_code_is_its_transaction_since_a_recovery_gives_numbers_anew(tmp_path: Path) -> None:
    db = _signups(tmp_path / "signup.db")
    db.execute("INSERT INTO allocations (signup_id, code, spec_id, state, held_at) VALUES ('b', '0xb', 1, 'held', 0)")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO allocations (signup_id, code, spec_id, state, held_at) VALUES ('b', '0xa', 1, 'held', 0)",
        "INSERT INTO allocations (signup_id, code, spec_id, state, held_at) VALUES ('a', '0x2', 1, 'held', 0)",
        "INSERT INTO allocations (signup_id, code, spec_id, state, held_at) VALUES ('b', '0x2', 1, 'given', 0)",
        "INSERT INTO allocations (signup_id, code, spec_id, state, held_at) VALUES ('nobody', '0x2', 1, 'held', 0)",
        "UPDATE allocations SET state = 'released'",
        "DELETE FROM allocations",
        "INSERT INTO redemptions VALUES ('0xbb', 7, '0x1', 's', 2, x'', 'open', 0)",
        "INSERT INTO redemptions VALUES ('0xbb', 1, '0x1', 's', 1, x'', 'failed', 0)",
        "INSERT INTO redemptions VALUES ('0xbb', 1, '0x1', 's', 2, x'', 'open', 0)",
    ],
)
def test_the_database_refuses_what_must_never_happen(tmp_path: Path, statement: str) -> None:
    db = _signups(tmp_path / "signup.db")
    db.execute("INSERT INTO redemptions VALUES ('0xaa', 1, '0x1', 's', 1, x'', 'open', 0)")
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)
