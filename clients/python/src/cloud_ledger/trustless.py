"""Is this promo code live, for a cloud that believes no node of the ledger?

`Prover` runs the program `passport`, which takes a proof from any node and judges it: from a checkpoint on the mainchain, or from a block
that the cloud trusts, over the validators' certificates to the code's record in the state. Those rules have one implementation, and it is
not written a second time here. What blocks after the proven one did, no proof shows: redeem first, and give the resource when that has
worked.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from . import ANSWER_BYTES_MAX, LedgerError, NodeUnavailable, Spec, _json, _quantity, _spec, _text

_Answer = TypeVar("_Answer")

__all__ = ["Mainchain", "NotLive", "NotProven", "Proven", "Prover", "TrustedBlock"]

AGE_SECONDS_MAX: Final = 2 * 3600
"""How old the proven state may be, unless told otherwise. On a quiet chain a block comes once an hour."""

TIMEOUT_SECONDS: Final = 60.0
"""How long a proof may take, unless told otherwise: some questions to the node, and some to each of the mainchain's nodes."""

_PROVES_NOTHING, _UNREACHABLE, _NOT_LIVE = 1, 3, 4
"""Exit codes of `passport`."""


class NotLive(LedgerError):
    """It is proven that the code is not live, or its time is over. `name` says why, such as `codeRedeemed` or `expired`."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class NotProven(LedgerError):
    """There is no proof of the code, or none that holds: nothing may be given for it. `name` says why."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True)
class Mainchain:
    """The mainchain is believed, where a quorum of the validators anchors the ledger.

    `nodes` are JSON-RPC addresses: one of the cloud's own, or three or more of others, of which more than half have to agree. `contract` is
    the checkpoint contract as the programme made it known, never as a node tells it. `confirmations` are blocks on top of the
    checkpoint's.
    """

    nodes: Sequence[str]
    contract: str
    confirmations: int = 120


@dataclass(frozen=True)
class TrustedBlock:
    """A block of the ledger is believed by its `hash`: the genesis block, or a later one together with the hash of `genesis`."""

    hash: str
    genesis: str | None = None


@dataclass(frozen=True)
class Proven:
    """A code that was live after block `block_number`, which was made at `block_time`. Times are seconds since the Unix epoch."""

    code_id: int
    transaction: str
    passport_code: str
    holder: str
    spec: Spec
    expires_at: int
    block_number: int
    block_hash: str
    block_time: int


class Prover:
    """Proves codes by the program `passport`, found as a shell would or named in full."""

    def __init__(
        self,
        rpc: str,
        trust: Mainchain | TrustedBlock,
        *,
        program: str | Path = "passport",
        age_seconds_max: int = AGE_SECONDS_MAX,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self.timeout = timeout
        self._command = [
            str(program), "verify", "--trustless", "--json", "--rpc", rpc, "--max-age", f"{age_seconds_max}s", *_flags(trust),
        ]  # fmt: skip

    def prove(self, code: str) -> Proven:
        """The code, in any of its forms but its number, if it is proven to be live. `NotLive` and `NotProven` if it is not, and
        `NodeUnavailable` if a node of the ledger or of the mainchain does not answer."""
        # What the programme's own variables say is for people at a shell.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PASSPORT_")}
        try:
            done = subprocess.run(
                [*self._command, "--", code],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=self.timeout, env=environment, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise NodeUnavailable(f"no proof within {self.timeout} s") from None
        except (OSError, ValueError) as error:
            raise LedgerError(f"{self._command[0]} cannot be run: {error}; install it, or say where it is") from None
        if done.returncode == 0:
            return _read(done.stdout, _proven)
        name, message = _read(done.stderr[-ANSWER_BYTES_MAX:].strip().rpartition(b"\n")[2], _failure)
        if done.returncode == _NOT_LIVE:
            raise NotLive(name, message)
        if done.returncode == _PROVES_NOTHING:
            raise NotProven(name, message)
        if done.returncode == _UNREACHABLE:
            raise NodeUnavailable(message)
        raise LedgerError(message)


def _flags(trust: Mainchain | TrustedBlock) -> list[str]:
    if isinstance(trust, TrustedBlock):
        return ["--trusted-block", trust.hash, *([] if trust.genesis is None else ["--genesis", trust.genesis])]
    nodes = ",".join(trust.nodes)
    return ["--mainchain", nodes, "--contract", trust.contract, "--confirmations", str(trust.confirmations)]


def _read(text: bytes, reader: Callable[[Any], _Answer]) -> _Answer:
    try:
        if len(text) > ANSWER_BYTES_MAX:
            raise ValueError(f"{len(text)} bytes are more than {ANSWER_BYTES_MAX}")
        return reader(_json(text))
    except (ValueError, TypeError, KeyError) as error:
        said = text[:200].decode(errors="replace")
        raise LedgerError(f"passport answers with something else than was asked: {error!r} in {said!r}") from error


def _proven(fields: Any) -> Proven:
    block = fields["asOf"]
    return Proven(
        code_id=_quantity(fields["codeId"]),
        transaction=_text(fields["transaction"]),
        passport_code=_text(fields["passportCode"]),
        holder=_text(fields["holder"]),
        spec=_spec(fields["spec"]),
        expires_at=_quantity(fields["expiresAt"]),
        block_number=_quantity(block["number"]),
        block_hash=_text(block["hash"]),
        block_time=_quantity(block["timestamp"]),
    )


def _failure(fields: Any) -> tuple[str, str]:
    error = fields["error"]
    return _text(error["name"]), _text(error["message"])
