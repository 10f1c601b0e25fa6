"""The proofs of codes, by the real program and a real node."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from cloud_ledger import Authorization, Ledger, LedgerError, NodeUnavailable
from cloud_ledger.trustless import Mainchain, NotLive, NotProven, Prover, TrustedBlock
from ledger_kit import AURORA, Holder, dev_account, node_binary

PASSPORT = node_binary().with_name("passport")


def prover(ledger: Ledger, trust: TrustedBlock | None = None) -> Prover:
    """Asks the node of the tests, and trusts its genesis block unless told otherwise."""
    return Prover(ledger.url, trust or TrustedBlock(ledger.genesis_hash()), program=PASSPORT)


def test_a_live_code_is_proven_until_it_is_used(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever runs the service may have such variables for a shell of theirs.
    monkeypatch.setenv("PASSPORT_RPC", "http://127.0.0.1:1")
    monkeypatch.setenv("PASSPORT_CHECKPOINT_CONTRACT", "0x" + "11" * 20)
    holder = Holder()
    code = holder.request(ledger)
    proven = prover(ledger).prove(code.transaction)
    told = dataclasses.asdict(code)
    for name in ("code_id", "transaction", "passport_code", "holder", "expires_at"):
        assert dataclasses.asdict(proven)[name] == told[name], name
    assert proven.spec == code.spec
    assert prover(ledger).prove(code.passport_code).block_number >= proven.block_number

    consent = Authorization.parse(holder.authorize(ledger.chain_id(), code, AURORA, "sign-up 1"))
    ledger.redeem(dev_account(1), code, consent)
    with pytest.raises(NotLive, match="member 1 has confirmed its use") as redeemed:
        prover(ledger).prove(code.transaction)
    assert redeemed.value.name == "codeRedeemed"


def test_what_is_not_proven_is_told_apart_from_what_is_proven_not_to_be(ledger: Ledger) -> None:
    code = Holder().request(ledger).transaction
    nobody = "0x" + "11" * 32
    with pytest.raises(NotProven):
        prover(ledger).prove(nobody)
    with pytest.raises(NotProven):
        prover(ledger, TrustedBlock(nobody)).prove(code)
    for text in ("--help", "-", "no code"):
        with pytest.raises(LedgerError):
            prover(ledger).prove(text)


def test_a_node_or_a_program_that_is_not_there_is_told_of(ledger: Ledger, tmp_path: Path) -> None:
    trust = TrustedBlock(ledger.genesis_hash())
    code = "0x" + "22" * 32
    with pytest.raises(NodeUnavailable, match="no node answers"):
        Prover("http://127.0.0.1:1", trust, program=PASSPORT).prove(code)
    mainchain = Mainchain(["http://127.0.0.1:1"], "0x" + "33" * 20)
    with pytest.raises(NodeUnavailable):
        Prover(ledger.url, mainchain, program=PASSPORT).prove(Holder().request(ledger).transaction)
    with pytest.raises(LedgerError, match="cannot be run"):
        Prover(ledger.url, trust, program=tmp_path / "passport").prove(code)
    other = tmp_path / "other"
    other.write_text("#!/bin/sh\necho something else\n")
    other.chmod(0o700)
    with pytest.raises(LedgerError, match="something else"):
        Prover(ledger.url, trust, program=other).prove(code)
    other.write_text("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(NodeUnavailable, match="no proof within"):
        Prover(ledger.url, trust, program=other, timeout=0.5).prove(code)
