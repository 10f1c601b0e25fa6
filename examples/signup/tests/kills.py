"""Is no code redeemed without a recorded allocation, and none allocated twice, wherever the service is killed?

    python kills.py --kills 100 --seed 7

A real node, two instances of the service on one database, and users who sign up without a pause: most once, some twice with one code at
both instances, some at another cloud at the same time, some never to the end. Meanwhile one instance, or both, are killed with SIGKILL at
random moments, while they start too, and now and then the node. After each kill, and at the end when all is settled, the database and the
chain are held against one another. `--mutant` breaks the service on purpose (`mutants.py`): then this has to find it.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cloud_ledger import TRANSACT, Authorization, Code, Ledger, LedgerError, Outcome, sign_redemption
from eth_utils.crypto import keccak
from ledger_kit import AURORA, BOREALIS, SMALL, Holder, Node, await_receipt, dev_account, offer
from service_kit import Service, begin, hand_in, look

USERS: Final = 6
"""Users at once."""

PAUSE_SECONDS_MAX: Final = 1.2
"""Longest time from the start of an instance's process to its kill, after the first second in which Python loads."""

NODE_KILL_EVERY: Final = 12
"""Every so many kills the node is killed as well."""

SETTLE_SECONDS: Final = 120.0
"""Longest wait at the end until nothing is under way."""

CODES_PER_BATCH: Final = 100
"""Codes that are asked for at once."""

_REDEEMED: Final = "0x" + keccak(text="CodeRedeemed(uint256,uint32,address,bytes32,uint256)").hex()


class Broken(AssertionError):
    """What must never happen, happened."""


@dataclass
class Tally:
    """What was done, and what was seen."""

    kills: int = 0
    while_starting: int = 0
    both_at_once: int = 0
    node_kills: int = 0
    checks: int = 0
    signups: int = 0
    ways: Counter[str] = field(default_factory=Counter)
    held_when_killed: Counter[str] = field(default_factory=Counter)


class Shop:
    """Codes that nobody has used, asked for in advance: a user who waits for a block would sign up too seldom."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._ready: list[tuple[Holder, Code]] = []

    def buy(self) -> tuple[Holder, Code]:
        """A code with its holder."""
        with self._lock:
            if not self._ready:
                holders = [Holder() for _ in range(CODES_PER_BATCH)]
                asked = [holder.submit_request(self._ledger, SMALL) for holder in holders]
                for holder, transaction in zip(holders, asked, strict=True):
                    await_receipt(self._ledger, transaction)
                    code = self._ledger.code(transaction)
                    assert code is not None
                    self._ready.append((holder, code))
            return self._ready.pop()


class Campaign:
    """One run."""

    def __init__(self, seed: int, module: str = "signup") -> None:
        self.random = random.Random(seed)
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-kills-"))
        self.node = Node()
        self.ledger = Ledger(self.node.url, timeout=5)
        self.chain_id = self.ledger.chain_id()
        for owner in (0, 2):
            offer(self.ledger, dev_account(owner), SMALL, 1_000_000)
        self.shop = Shop(self.ledger)
        self.database = self.folder / "signup.db"
        self.services = [
            Service(self.node.url, self.database, name, "--capacity", "small=1000000", module=module) for name in ("one", "two")
        ]
        self.urls = [service.wait() for service in self.services]
        self.tally = Tally()
        self.stop = threading.Event()
        self.borealis = threading.Lock()

    def close(self) -> None:
        """Ends every process, and deletes the folder."""
        self.stop.set()
        for service in self.services:
            service.kill()
        self.node.close()
        shutil.rmtree(self.folder)

    def run(self, kills: int) -> None:
        """Users on one side, kills on the other; `Broken` says what must not be."""
        users = [threading.Thread(target=self._user, args=(self.random.random(),), daemon=True) for _ in range(USERS)]
        for user in users:
            user.start()
        try:
            while self.tally.kills < kills:
                self._kill()
        finally:
            self.stop.set()
            for user in users:
                user.join(timeout=60)
        self._settle()
        self.check(is_settled=True)

    def _kill(self) -> None:
        """One round: a pause of random length, a kill, the checks, and a new start."""
        time.sleep(self.random.random() * PAUSE_SECONDS_MAX)
        is_both = self.random.random() < 0.25
        victims = [0, 1] if is_both else [self.random.randrange(2)]
        for victim in victims:
            self.services[victim].kill()
        self.tally.kills += len(victims)
        self.tally.both_at_once += is_both
        if self.tally.kills // NODE_KILL_EVERY > self.tally.node_kills:
            self.node.kill()
            self.node.start()
            self.tally.node_kills += 1
        for state, count in self._counts("SELECT state, count(*) FROM signups GROUP BY state").items():
            if state not in ("waiting", "active", "refused"):
                self.tally.held_when_killed[state] += count
        self.check(is_settled=False)
        for victim in victims:
            self.services[victim].start()
        if self.random.random() < 0.2:
            # Again, before it has come up or just when it has.
            victim = self.random.choice(victims)
            time.sleep(self.random.random() * 2.5)
            self.services[victim].kill()
            self.tally.kills += 1
            self.tally.while_starting += 1
            self.check(is_settled=False)
            self.services[victim].start()
        for victim in victims:
            self.urls[victim] = self.services[victim].wait()

    def _user(self, seed: float) -> None:
        """Signs up again and again, each time with another code."""
        chance = random.Random(seed)
        while not self.stop.is_set():
            way = chance.choices(["once", "twice", "elsewhere too", "never signs"], [60, 20, 15, 5])[0]
            try:
                self._sign_up(way, chance)
                self.tally.ways[way] += 1
            except (OSError, LedgerError, AssertionError):
                # The instance, or the node, was killed under this user's hands.
                time.sleep(0.05)

    def _sign_up(self, way: str, chance: random.Random) -> None:
        holder, code = self.shop.buy()
        urls = chance.choices(self.urls, k=2 if way == "twice" else 1)
        signups = [(url, begin(url, chance.choice([code.transaction, code.passport_code]))) for url in urls]
        self.tally.signups += len(signups)
        if way == "never signs":
            return
        texts = [holder.authorize(self.chain_id, code, AURORA, signup_id) for _, signup_id in signups]
        tasks = [
            threading.Thread(target=_try, args=(hand_in, url, signup_id, text))
            for (url, signup_id), text in zip(signups, texts, strict=True)
        ]
        if way == "elsewhere too":
            tasks.append(threading.Thread(target=_try, args=(self._redeem_elsewhere, holder, code, chance.random())))
        for task in tasks:
            task.start()
        for task in tasks:
            task.join()
        for url, signup_id in signups:
            until = time.monotonic() + chance.random() * 3
            while time.monotonic() < until and look(url, signup_id)["state"] not in ("active", "refused", "waiting"):
                time.sleep(0.1)

    def _redeem_elsewhere(self, holder: Holder, code: Code, pause: float) -> None:
        """The other cloud confirms the use of the same code, about when this one does."""
        consent = Authorization.parse(holder.authorize(self.chain_id, code, BOREALIS, "elsewhere"))
        time.sleep(pause)
        with self.borealis:
            key = dev_account(3)
            signed = sign_redemption(
                key, chain_id=self.chain_id, nonce=self.ledger.nonce(key.address), code_id=code.code_id, authorization=consent
            )
            self.ledger.send(signed)
            while self.ledger.outcome(signed) is Outcome.PENDING and not self.stop.is_set():
                time.sleep(0.1)

    def _settle(self) -> None:
        """Waits until nothing is under way."""
        until = time.monotonic() + SETTLE_SECONDS
        open_states = "SELECT state, count(*) FROM signups WHERE state NOT IN ('waiting', 'active', 'refused') GROUP BY state"
        while under_way := self._counts(open_states):
            if time.monotonic() > until:
                raise Broken(f"after {SETTLE_SECONDS} s there is still {dict(under_way)}")
            time.sleep(0.5)

    def check(self, *, is_settled: bool) -> None:
        """Database against chain."""
        # The chain first: an allocation that is recorded after this look can only be one more.
        redeemed = self._redeemed_by_aurora()
        allocations = self._rows("SELECT s.code_id, a.state, a.signup_id FROM allocations a JOIN signups s ON s.id = a.signup_id")
        references = {
            signup_id: Authorization.parse(text).signup_ref.hex()
            for signup_id, text in self._rows("SELECT id, authorization FROM signups WHERE authorization IS NOT NULL")
        }
        kept: dict[str, list[tuple[str, str]]] = {}
        for code_id, state, signup_id in allocations:
            if state != "released":
                kept.setdefault(code_id, []).append((state, signup_id))
        for code_id, signup_ref in redeemed.items():
            if code_id not in kept:
                raise Broken(f"code {code_id} is redeemed, and there is no allocation for it")
            if references[kept[code_id][0][1]] != signup_ref:
                raise Broken(f"code {code_id} is redeemed for another sign-up than the one with the allocation")
        for code_id, owners in kept.items():
            if len(owners) > 1:
                raise Broken(f"code {code_id} is allocated {len(owners)} times")
            # What is given now was redeemed before; the chain was read before the database, so it is asked again.
            if owners[0][0] == "given" and code_id not in redeemed and code_id not in self._redeemed_by_aurora():
                raise Broken(f"an instance is given for code {code_id}, which is not redeemed here")
            if is_settled and owners[0][0] != "given":
                raise Broken(f"code {code_id} is settled, and its allocation is still {owners[0][0]}")
        self.tally.checks += 1

    def table(self) -> str:
        """What came of it."""
        redeemed = self._redeemed_by_aurora()
        held = "SELECT s.code_id FROM allocations a JOIN signups s ON s.id = a.signup_id WHERE a.state <> 'released'"
        kept = {row[0] for row in self._rows(held)}
        states = self._counts("SELECT state, count(*) FROM allocations GROUP BY state")
        twice = self._rows(f"{held} GROUP BY a.code HAVING count(*) > 1")
        redemptions = self._counts("SELECT state, count(*) FROM redemptions GROUP BY state")
        tally = self.tally
        rows: list[tuple[str, object]] = [
            ("SIGKILLs of an instance", tally.kills),
            ("  of these both at once", tally.both_at_once),
            ("  of these while starting", tally.while_starting),
            ("SIGKILLs of the node", tally.node_kills),
            ("checks of database against chain", tally.checks),
            ("sign-ups opened", tally.signups),
            *((f"  users who came to the end: {way}", count) for way, count in sorted(tally.ways.items())),
            *((f"sign-ups found {state} after a kill", count) for state, count in sorted(tally.held_when_killed.items())),
            ("redemptions signed", sum(redemptions.values())),
            *((f"  {state}", count) for state, count in sorted(redemptions.items())),
            ("codes redeemed by this cloud", len(redeemed)),
            ("allocations given", states["given"]),
            ("allocations released", states["released"]),
            ("codes redeemed without an allocation", len(redeemed.keys() - kept)),
            ("codes allocated twice", len(twice)),
        ]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:{width}}  {value:>6}" for name, value in rows)

    def _redeemed_by_aurora(self) -> dict[str, str]:
        """Code -> hash of the sign-up, of every redemption by this cloud."""
        found: dict[str, str] = {}
        head, step = int(self.ledger.call("eth_blockNumber"), 16), 500
        for first in range(0, head + 1, step):
            asked = {
                "address": TRANSACT,
                "topics": [_REDEEMED, None, f"0x{AURORA.member_id:064x}"],
                "fromBlock": hex(first),
                "toBlock": hex(min(first + step - 1, head)),
            }
            for log in self.ledger.call("eth_getLogs", asked):
                found[hex(int(log["topics"][1], 16))] = log["data"][2:66]
        return found

    def _rows(self, query: str) -> list[Any]:
        db = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=20)
        try:
            return db.execute(query).fetchall()
        finally:
            db.close()

    def _counts(self, query: str) -> Counter[str]:
        return Counter(dict(self._rows(query)))


def _try(what: Any, *arguments: Any) -> None:
    try:
        what(*arguments)
    except (OSError, LedgerError):
        pass  # whoever was asked was killed


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Kill the sign-up service at random moments, and look for what must never happen.")
    parser.add_argument("--kills", type=int, default=100, help="SIGKILLs of an instance [%(default)s]")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="seed of every random choice [a new one]")
    parser.add_argument("--mutant", help="break the service in this way, see mutants.py")
    chosen = parser.parse_args()
    print(f"{chosen.kills} kills, seed {chosen.seed}{f', mutant {chosen.mutant}' if chosen.mutant else ''}", flush=True)
    started = time.monotonic()
    campaign = Campaign(chosen.seed, f"mutants.{chosen.mutant}" if chosen.mutant else "signup")
    try:
        campaign.run(chosen.kills)
        print(campaign.table())
        print(f"nothing that must not be, in {time.monotonic() - started:.0f} s")
    finally:
        campaign.close()


if __name__ == "__main__":
    main()
