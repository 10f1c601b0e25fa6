"""What does the service know for good? The SQLite database that all its instances share.

Every method is one transaction: `BEGIN IMMEDIATE`, so that writers wait for one another from the start, and committed to the disk
(`synchronous=FULL`) before it returns. Transitions compare the state they start from, so that a step that somebody else has taken is not
taken again. Never talks to the ledger or to the cloud. The database has to be on a local file system, as SQLite's WAL demands.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from cloud_ledger import Code, SignedRedemption

BUSY_MS_MAX: Final = 10_000
"""Longest wait for another writer."""

LEASE_SECONDS: Final = 15.0
"""How long a step may take before another instance takes it up; above what one question to the node may take."""

WAITING_MAX: Final = 10_000
"""Sign-ups that wait for their authorization: more are turned away until some are swept."""

WAITING_SECONDS: Final = 24 * 3600.0
"""Age at which a sign-up that still waits is deleted."""

REFUSED_SECONDS: Final = 30 * 24 * 3600.0
"""Age at which a refused sign-up loses its e-mail address."""


SCHEMA: Final = 2
"""Version of `schema.sql`, in the database's `user_version`: raised with every change of a table."""


class Unavailable(Exception):
    """The sign-up cannot go on now; the words are for the user."""


class OtherLedger(Exception):
    """The database belongs to another ledger or cloud."""


class OtherSchema(Exception):
    """The database has the tables of another version of this program."""


@dataclass(frozen=True)
class Signup:
    """A sign-up as it stands, with its allocation where it has one."""

    id: str
    email: str
    code: str
    passport_code: str
    code_id: int
    spec_id: int
    spec_name: str
    needs_authorization: bool
    authorization: str | None
    state: str
    reason: str | None
    attempts: int
    allocation_id: int | None
    resource: str | None


_SIGNUP: Final = """
    SELECT s.id, s.email, s.code, s.passport_code, s.code_id, s.spec_id, s.spec_name, s.needs_authorization, s.authorization,
           s.state, s.reason, s.attempts, a.id AS allocation_id, a.resource
    FROM signups s LEFT JOIN allocations a ON a.signup_id = s.id AND a.state <> 'released'
"""


class Store:
    """The database at `path`, with one connection per thread. `OtherSchema` if another version of this program made it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        with self._transaction() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                # executescript would commit first.
                for statement in _statements(files("signup").joinpath("schema.sql").read_text()):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {SCHEMA}")
            elif version != SCHEMA:
                raise OtherSchema(
                    f"{path} has tables of version {version}, and this program knows {SCHEMA}: keep it, and name another database"
                )

    def bind(self, facts: Mapping[str, str], capacity: Mapping[int, int]) -> None:
        """Ties the database to one ledger and cloud, and sets how many instances may be out. `OtherLedger` if it is tied to
        another: nonces and codes of one mean nothing on the other."""
        with self._transaction() as db:
            for key, value in facts.items():
                db.execute("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING", (key, value))
                kept = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0]
                if kept != value:
                    raise OtherLedger(f"{self.path} belongs to the {key} {kept}, and this is {value}: use another database")
            for spec_id, instances in capacity.items():
                db.execute(
                    "INSERT INTO capacity VALUES (?, ?) ON CONFLICT (spec_id) DO UPDATE SET instances = excluded.instances",
                    (spec_id, instances),
                )

    def open_signup(self, signup_id: str, email: str, code: Code, now: float) -> None:
        """Records a sign-up that waits for the holder's authorization."""
        with self._transaction() as db:
            waiting = db.execute("SELECT count(*) FROM signups WHERE state = 'waiting'").fetchone()[0]
            if waiting >= WAITING_MAX:
                raise Unavailable("too many sign-ups are open: try again in a few hours")
            db.execute(
                """INSERT INTO signups (id, email, created_at, code, passport_code, code_id, spec_id, spec_name,
                       needs_authorization, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting')""",
                (
                    signup_id,
                    email,
                    now,
                    code.transaction,
                    code.passport_code,
                    hex(code.code_id),
                    code.spec.spec_id,
                    code.spec.name,
                    code.spec.requires_authorization,
                ),
            )

    def signup(self, signup_id: str) -> Signup | None:
        """A sign-up by its id."""
        row = self._connection().execute(_SIGNUP + "WHERE s.id = ?", (signup_id,)).fetchone()
        return None if row is None else _signup(row)

    def reserve(self, signup_id: str, authorization: str, now: float) -> None:
        """Holds an instance for a sign-up: from here on it is carried out. `Unavailable` if there is none left, or another
        sign-up has the code. Nothing changes for a sign-up that does not wait."""
        with self._transaction() as db:
            row = db.execute("SELECT code, spec_id FROM signups WHERE id = ? AND state = 'waiting'", (signup_id,)).fetchone()
            if row is None:
                return
            code, spec_id = row
            out = db.execute("SELECT count(*) FROM allocations WHERE spec_id = ? AND state <> 'released'", (spec_id,)).fetchone()[0]
            most = db.execute("SELECT instances FROM capacity WHERE spec_id = ?", (spec_id,)).fetchone()
            if most is None or out >= most[0]:
                raise Unavailable("no instance of this kind is free: your code stays good, try again later")
            taken = db.execute("SELECT 1 FROM allocations WHERE code = ? AND state <> 'released'", (code,)).fetchone()
            if taken is not None:
                raise Unavailable("another sign-up is using this code")
            db.execute(
                "INSERT INTO allocations (signup_id, code, spec_id, state, held_at) VALUES (?, ?, ?, 'held', ?)",
                (signup_id, code, spec_id, now),
            )
            db.execute("UPDATE signups SET state = 'reserved', authorization = ? WHERE id = ?", (authorization, signup_id))

    def claim(self, owner: str, now: float) -> Signup | None:
        """The next sign-up with something to do, leased to `owner`; `None` if there is none now."""
        with self._transaction() as db:
            row = db.execute(
                """SELECT id FROM signups WHERE state NOT IN ('waiting', 'active', 'refused') AND next_at <= ? AND lease_until <= ?
                   ORDER BY next_at LIMIT 1""",
                (now, now),
            ).fetchone()
            if row is None:
                return None
            db.execute("UPDATE signups SET lease_owner = ?, lease_until = ? WHERE id = ?", (owner, now + LEASE_SECONDS, row[0]))
            return _signup(db.execute(_SIGNUP + "WHERE s.id = ?", row).fetchone())

    def release_leases(self, owner: str) -> None:
        """Gives up what an earlier process of the same name had leased."""
        with self._transaction() as db:
            db.execute("UPDATE signups SET lease_until = 0 WHERE lease_owner = ?", (owner,))

    def put_off(self, signup: Signup, until: float) -> None:
        """Nothing came of a step: it is tried again then."""
        with self._transaction() as db:
            db.execute(
                "UPDATE signups SET next_at = ?, lease_until = 0, attempts = attempts + 1 WHERE id = ? AND state = ?",
                (until, signup.id, signup.state),
            )

    def record_resource(self, signup: Signup, resource: str) -> bool:
        """The cloud has made what will be given. `False`, as from all that follow, if somebody else has taken the step."""
        with self._transaction() as db:
            if not _move(db, signup, "prepared"):
                return False
            db.execute("UPDATE allocations SET resource = ? WHERE id = ?", (resource, signup.allocation_id))
            return True

    def record_redemption(
        self, signup: Signup, sender: str, chain_nonce: int, now: float, sign: Callable[[int], SignedRedemption]
    ) -> bool:
        """Signs a redemption with the next free nonce, and keeps it, in one transaction."""
        with self._transaction() as db:
            if not _move(db, signup, "signed"):
                return False
            last = db.execute("SELECT max(nonce) FROM redemptions WHERE sender = ?", (sender,)).fetchone()[0]
            signed = sign(chain_nonce if last is None else max(chain_nonce, last + 1))
            db.execute(
                """INSERT INTO redemptions (hash, allocation_id, code_id, sender, nonce, raw, state, signed_at)
                   VALUES (?, ?, ?, ?, ?, ?, 'open', ?)""",
                (signed.hash, signup.allocation_id, hex(signup.code_id), sender, signed.nonce, signed.raw, now),
            )
            return True

    def open_redemption(self, signup: Signup) -> SignedRedemption:
        """The redemption to send, of a sign-up in the state `signed`."""
        row = self._connection().execute(
            "SELECT sender, nonce, raw FROM redemptions WHERE allocation_id = ? AND state = 'open'", (signup.allocation_id,)
        ).fetchone()
        if row is None:
            raise LookupError(f"sign-up {signup.id} has no open redemption: somebody else has taken this step")
        return SignedRedemption(sender=row[0], nonce=row[1], raw=row[2])

    def record_success(self, signup: Signup, redemption: SignedRedemption, now: float) -> bool:
        """The code is redeemed for this sign-up: the instance is given."""
        with self._transaction() as db:
            if not _move(db, signup, "redeemed"):
                return False
            _settle(db, redemption, "succeeded")
            db.execute("UPDATE allocations SET state = 'given', settled_at = ? WHERE id = ?", (now, signup.allocation_id))
            return True

    def record_failure(self, signup: Signup, redemption: SignedRedemption, reason: str) -> bool:
        """The code can not be redeemed for this sign-up: the instance is to be released."""
        with self._transaction() as db:
            if not _move(db, signup, "releasing"):
                return False
            _settle(db, redemption, "failed")
            db.execute("UPDATE signups SET reason = ? WHERE id = ?", (reason, signup.id))
            return True

    def record_superseded(self, signup: Signup, redemption: SignedRedemption) -> bool:
        """Another transaction took the nonce, and the code is live: a new redemption may be signed."""
        with self._transaction() as db:
            if not _move(db, signup, "prepared"):
                return False
            _settle(db, redemption, "superseded")
            return True

    def record_active(self, signup: Signup, now: float) -> bool:
        """The user can use the instance."""
        with self._transaction() as db:
            return _move(db, signup, "active", now)

    def record_released(self, signup: Signup, now: float) -> bool:
        """The cloud has unmade what was held."""
        with self._transaction() as db:
            if not _move(db, signup, "refused", now):
                return False
            db.execute("UPDATE allocations SET state = 'released', settled_at = ? WHERE id = ?", (now, signup.allocation_id))
            return True

    def sweep(self, now: float) -> None:
        """Deletes sign-ups that nobody went on with, and the addresses of those that were refused long ago."""
        with self._transaction() as db:
            db.execute("DELETE FROM signups WHERE state = 'waiting' AND created_at < ?", (now - WAITING_SECONDS,))
            db.execute(
                "UPDATE signups SET email = '' WHERE state = 'refused' AND created_at < ? AND email <> ''",
                (now - REFUSED_SECONDS,),
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        db = self._connection()
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        kept: sqlite3.Connection | None = getattr(self._local, "db", None)
        if kept is not None:
            return kept
        db = sqlite3.connect(self.path, isolation_level=None, timeout=BUSY_MS_MAX / 1000)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        self._local.db = db
        return db


def _move(db: sqlite3.Connection, signup: Signup, to: str, settled_at: float | None = None) -> bool:
    """Takes a sign-up on from the state in which it was claimed, free for whoever does the next step."""
    moved = db.execute(
        """UPDATE signups SET state = ?, settled_at = ?, next_at = 0, lease_until = 0, attempts = 0 WHERE id = ? AND state = ?""",
        (to, settled_at, signup.id, signup.state),
    )
    return moved.rowcount == 1


def _settle(db: sqlite3.Connection, redemption: SignedRedemption, state: str) -> None:
    settled = db.execute("UPDATE redemptions SET state = ? WHERE hash = ? AND state = 'open'", (state, redemption.hash))
    if settled.rowcount != 1:
        raise LookupError(f"redemption {redemption.hash} is settled already")


def _signup(row: tuple[Any, ...]) -> Signup:
    """A row of `_SIGNUP`, whose columns have the order of the fields."""
    signup = Signup(*row)
    return replace(signup, code_id=int(row[4], 16), needs_authorization=bool(signup.needs_authorization))


def _statements(script: str) -> Iterator[str]:
    """The script's statements; triggers have semicolons inside."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
