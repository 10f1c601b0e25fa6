"""May this cloud give the resource away for this promo code, and how does it confirm the use exactly once?

For the sign-up service of a cloud. `Ledger` asks one node over JSON-RPC and sends what was signed; it keeps nothing, so that
whoever must survive a crash stores a `SignedRedemption` before `Ledger.send` (see `examples/signup`). Nothing here signs for
holders, and no key leaves `sign_redemption`.
"""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

__all__ = [
    "Authorization",
    "AuthorizationError",
    "Cloud",
    "Code",
    "CodeState",
    "Confirmation",
    "Ledger",
    "LedgerError",
    "NodeUnavailable",
    "Outcome",
    "RedemptionFailed",
    "RequestRefused",
    "SignedRedemption",
    "Spec",
    "Verdict",
    "Verification",
    "load_key",
    "sign_redemption",
    "signup_hash",
]

_Read = TypeVar("_Read")

AUTHORIZATION_KIND: Final = "cloud-ledger-authorization/1"
"""The files that are understood."""

AUTHORIZATION_BYTES_MAX: Final = 64 * 1024
"""Longest authorization that is read; one with a wallet contract's signature has a few kilobytes."""

ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
"""Longest answer of the node that is read; those asked for here have a few kilobytes."""

JSON_DEPTH_MAX: Final = 16
"""Deepest JSON that is read: Python's reader recurses, and a library that eth-account brings raises the limit that would stop it
before the stack ends."""

REDEMPTION_GAS: Final = 1_000_000
"""Gas limit of a redemption, which needs about 130,000; the rest is for the signatures of wallet contracts. It costs nothing."""

TRANSACT: Final = "0x0000000000000000000000000000000000001002"
"""The contract that keeps the promo codes, on every chain."""

BOOTSTRAP: Final = "0x0000000000000000000000000000000000001001"
"""The contract that keeps the clouds, on every chain."""

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[{]|[\]}]")
_MEMBER_OF: Final = keccak(text="memberOf(address)")[:4]
_REDEEM: Final = keccak(text="redeem(uint256,(bytes32,uint256,bytes))")[:4]
_REDEEMED: Final = keccak(text="CodeRedeemed(uint256,uint32,address,bytes32,uint256)")


class LedgerError(Exception):
    """Anything that goes wrong here."""


class NodeUnavailable(LedgerError):
    """The node does not answer, or not now. What was asked may have been done; ask again."""


class RequestRefused(LedgerError):
    """The node answered with an error: `code` and `message` as JSON-RPC has them."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"{method}: {message}")
        self.code = code
        self.message = message


class AuthorizationError(LedgerError):
    """What the holder handed in is no authorization, or not for this use."""


class RedemptionFailed(LedgerError):
    """The redemption is in a block and failed, or can never be in one."""


class CodeState(Enum):
    """Where a code stands in its life."""

    LIVE = "live"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REDEEMED = "redeemed"


class Verdict(Enum):
    """What an id turned out to be; `VALID` and `TRANSFERRED` are live codes."""

    VALID = "valid"
    TRANSFERRED = "transferred"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REDEEMED = "redeemed"
    NEVER_ISSUED = "neverIssued"
    PENDING = "pending"
    FAILED = "failed"
    NOT_A_REQUEST = "notARequest"


class Outcome(Enum):
    """What became of a transaction."""

    PENDING = "pending"
    """In no block yet: send it again, and ask again."""
    SUCCEEDED = "succeeded"
    """In a block, which is final: the code is redeemed."""
    FAILED = "failed"
    """In a block, and refused by the contract."""
    SUPERSEDED = "superseded"
    """Another transaction of the same key took its nonce: it can never be in a block."""


@dataclass(frozen=True)
class Cloud:
    """A member of the passport programme."""

    member_id: int
    name: str


@dataclass(frozen=True)
class Spec:
    """What a code is good for. `reward` is in the token's smallest unit."""

    spec_id: int
    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    hours: int
    ttl_seconds: int
    reward: int
    requires_authorization: bool


@dataclass(frozen=True)
class Code:
    """A promo code. Times are seconds since the Unix epoch; `ended_by` is the transaction that ended it, if one did, and
    `redeemed_by` the member id of the cloud that confirmed its use."""

    code_id: int
    transaction: str
    passport_code: str
    state: CodeState
    holder: str
    spec: Spec
    issued_at: int
    expires_at: int
    ended_by: str | None
    redeemed_by: int | None


@dataclass(frozen=True)
class Verification:
    """The answer to a cloud that asks about a code. `redeemable`: its redemption, with the authorization given, would have
    succeeded on `block_number`; if not, `reason` or `obstacle` say why, for people."""

    verdict: Verdict
    redeemable: bool
    reason: str
    obstacle: str | None
    requires_authorization: bool
    ttl_seconds: int
    code: Code | None
    cloud: Cloud
    block_number: int
    block_hash: str


@dataclass(frozen=True)
class Confirmation:
    """A redemption as the chain recorded it: by which member, for which sign-up."""

    member_id: int
    signup_ref: bytes


@dataclass(frozen=True)
class Authorization:
    """The holder's consent that one cloud redeems one code for one sign-up: the JSON that `passport authorize` writes.

    Whether the signature holds, the node says (`Ledger.verify`); whether it is for this cloud, code and sign-up, `check`."""

    chain_id: int
    code_id: int
    member_id: int
    holder: str
    signup_ref: bytes
    deadline: int
    signature: bytes
    salt: bytes | None
    reference: str | None

    @classmethod
    def parse(cls, text: str | bytes) -> Authorization:
        """Reads an authorization; `AuthorizationError` says what is wrong with it."""
        if len(text) > AUTHORIZATION_BYTES_MAX:
            raise AuthorizationError(f"an authorization has at most {AUTHORIZATION_BYTES_MAX} bytes, not {len(text)}")
        try:
            fields = _json(text)
            if not isinstance(fields, dict):
                raise TypeError("it is no object")
            if fields.get("kind") != AUTHORIZATION_KIND:
                raise ValueError(f"it is of kind {fields.get('kind')!r}, and {AUTHORIZATION_KIND!r} is understood")
            signup = fields.get("signup")
            read = cls(
                chain_id=_quantity(fields["chainId"]),
                code_id=_quantity(fields["codeId"]),
                member_id=_quantity(fields["memberId"]),
                holder=_text(fields["holder"]),
                signup_ref=_bytes(fields["signupRef"], 32),
                deadline=_quantity(fields["deadline"]),
                signature=_bytes(fields["signature"]),
                salt=None if signup is None else _bytes(signup["salt"], 32),
                reference=None if signup is None else _text(signup["reference"]),
            )
            if read.salt is not None and signup_hash(read.salt, read.reference or "") != read.signup_ref:
                raise ValueError("its hash is not of the sign-up reference beside it")
        except KeyError as missing:
            raise AuthorizationError(f"this is no authorization: {missing} is missing") from None
        except (ValueError, TypeError) as error:
            raise AuthorizationError(f"this is no authorization: {error}") from None
        return read

    def check(self, *, chain_id: int, code: Code, member_id: int, reference: str, now: float, spare_seconds: int = 0) -> None:
        """Refuses an authorization for another ledger, code, holder, cloud or sign-up, and one that ends within
        `spare_seconds`."""
        for what, wanted, got in (
            ("the ledger with chain id", chain_id, self.chain_id),
            ("the promo code with number", code.code_id, self.code_id),
            ("a code of", code.holder.lower(), self.holder.lower()),
            ("the cloud with member id", member_id, self.member_id),
            ("the sign-up", reference, self.reference),
        ):
            if wanted != got:
                raise AuthorizationError(f"the authorization is for {what} {got}, not {wanted}")
        if self.deadline < now + spare_seconds:
            raise AuthorizationError(
                f"the authorization ends {int(self.deadline - now)} s from now, and {spare_seconds} s are needed: sign a new one"
            )

    def to_json(self) -> str:
        """As `parse` reads it."""
        fields: dict[str, object] = {
            "kind": AUTHORIZATION_KIND,
            "chainId": hex(self.chain_id),
            "codeId": hex(self.code_id),
            "memberId": hex(self.member_id),
            "holder": self.holder,
            **self.for_node(),
        }
        if self.salt is not None:
            fields["signup"] = {"reference": self.reference, "salt": "0x" + self.salt.hex()}
        return json.dumps(fields)

    def for_node(self) -> dict[str, str]:
        """As `ledger_verifyCode` takes it."""
        return {
            "signupRef": "0x" + self.signup_ref.hex(),
            "deadline": hex(self.deadline),
            "signature": "0x" + self.signature.hex(),
        }


@dataclass(frozen=True)
class SignedRedemption:
    """A redemption that was signed. Sending it once or many times comes to the same; another one for the same code may be
    signed only when this one has failed or was superseded."""

    sender: str
    nonce: int
    raw: bytes

    @property
    def hash(self) -> str:
        """The transaction's id."""
        return "0x" + keccak(self.raw).hex()


def signup_hash(salt: bytes, reference: str) -> bytes:
    """What the chain sees of a sign-up reference."""
    return keccak(salt + reference.encode())


def sign_redemption(
    key: LocalAccount, *, chain_id: int, nonce: int, code_id: int, authorization: Authorization | None
) -> SignedRedemption:
    """The transaction by which the cloud of `key` (its owner or one of its redeemers) confirms the use of a code.

    Without an authorization it succeeds only where the spec requires none. `nonce` is `Ledger.nonce(key.address)`, or
    above, if transactions of this key are on their way."""
    if authorization is None:
        consent: tuple[bytes, int, bytes] = (bytes(32), 0, b"")
    else:
        consent = (authorization.signup_ref, authorization.deadline, authorization.signature)
    signed = key.sign_transaction(
        {
            "type": 2,
            "chainId": chain_id,
            "nonce": nonce,
            "to": bytes.fromhex(TRANSACT[2:]),
            "value": 0,
            "gas": REDEMPTION_GAS,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            "data": _REDEEM + encode(["uint256", "(bytes32,uint256,bytes)"], [code_id, consent]),
        }
    )
    return SignedRedemption(sender=key.address, nonce=nonce, raw=bytes(signed.raw_transaction))


class Ledger:
    """One node of the ledger. Threads may share it. Whatever is asked of two nodes may be answered as of two blocks, so let
    one URL stand for one node."""

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        """`timeout`: seconds that an answer may take."""
        self.url = url
        self.timeout = timeout

    def call(self, method: str, *parameters: object) -> Any:
        """One JSON-RPC call. `NodeUnavailable` if there is no answer, `RequestRefused` if it is an error."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        request = urllib.request.Request(self.url, body, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                text = response.read(ANSWER_BYTES_MAX + 1)
            if len(text) > ANSWER_BYTES_MAX:
                raise NodeUnavailable(f"{self.url} answers {method} with more than {ANSWER_BYTES_MAX} bytes")
            answer = _json(text)
            if "error" in answer:
                raise RequestRefused(method, int(answer["error"]["code"]), str(answer["error"]["message"]))
            return answer["result"]
        except (OSError, http.client.HTTPException, ValueError, TypeError, KeyError) as error:
            raise NodeUnavailable(f"{self.url} does not answer {method}: {error!r}") from error

    def chain_id(self) -> int:
        """The chain's EIP-155 id."""
        return _answer(_quantity, self.call("eth_chainId"))

    def genesis_hash(self) -> str:
        """Hash of the first block: which ledger this is."""
        return _answer(lambda status: _text(status["genesisHash"]), self.call("ledger_status"))

    def cloud(self, cloud: int | str) -> Cloud:
        """A cloud by its member id or name; `RequestRefused` if there is none."""
        # Asked about a code that was never issued, the node still says which cloud asks.
        return self.verify("0x1", cloud).cloud

    def member_of(self, address: str) -> int:
        """Member id of the cloud that an account may redeem for; 0 if there is none."""
        call = {"to": BOOTSTRAP, "data": "0x" + (_MEMBER_OF + encode(["address"], [address])).hex()}
        return _answer(_quantity, self.call("eth_call", call, "latest"))

    def specs(self) -> list[Spec]:
        """What codes are given for."""
        return _answer(lambda specs: [_spec(spec) for spec in specs], self.call("ledger_specs"))

    def code(self, code: str) -> Code | None:
        """What is known of a code, by its transaction id, passport code or number, or by a link with one of the first two, as in a QR code; `None` if the
        id names none."""
        answer = self.call("ledger_code", code)
        return None if answer is None else _answer(_code, answer)

    def verify(self, code: str, cloud: int | str, authorization: Authorization | None = None) -> Verification:
        """Is the code good, and could the cloud (member id or name) redeem it now? Changes nothing."""
        asked: dict[str, object] = {"cloud": cloud}
        if authorization is not None:
            asked["authorization"] = authorization.for_node()
        return _answer(_verification, self.call("ledger_verifyCode", code, asked))

    def nonce(self, address: str) -> int:
        """Transactions of an account that are in blocks."""
        return _answer(_quantity, self.call("eth_getTransactionCount", address, "latest"))

    def send(self, redemption: SignedRedemption) -> None:
        """Hands a redemption to the node; one that it has, or that is in a block, is no error."""
        try:
            self.call("eth_sendRawTransaction", "0x" + redemption.raw.hex())
        except RequestRefused:
            if self.call("eth_getTransactionByHash", redemption.hash) is None:
                raise

    def outcome(self, redemption: SignedRedemption) -> Outcome:
        """What became of a redemption. Blocks are final: whatever is not `PENDING` stays so."""
        settled = self._receipt_status(redemption.hash)
        if settled is None and self.nonce(redemption.sender) > redemption.nonce:
            # Its nonce is used, by itself in a block that came between the two questions, or by another one.
            settled = self._receipt_status(redemption.hash) or Outcome.SUPERSEDED
        return settled or Outcome.PENDING

    def confirmation(self, code: Code) -> Confirmation | None:
        """Who redeemed the code, and for which sign-up; `None` if nobody did."""
        if code.state is not CodeState.REDEEMED:
            return None
        if code.ended_by is None:
            raise NodeUnavailable(f"{self.url} does not say by which transaction code {code.passport_code} was redeemed")
        receipt = self.call("eth_getTransactionReceipt", code.ended_by)
        return _answer(lambda receipt: _confirmation(code.code_id, receipt), receipt)

    def redeem(
        self, key: LocalAccount, code: Code, authorization: Authorization | None, *, patience: float = 60.0
    ) -> SignedRedemption:
        """Confirms the use and waits for the block: for scripts that have nothing to lose between the steps.

        `RedemptionFailed` if the ledger refused it, `NodeUnavailable` if it is in no block after `patience` seconds."""
        redemption = sign_redemption(
            key,
            chain_id=self.chain_id(),
            nonce=self.nonce(key.address),
            code_id=code.code_id,
            authorization=authorization,
        )
        self.send(redemption)
        until = time.monotonic() + patience
        while (outcome := self.outcome(redemption)) is Outcome.PENDING:
            if time.monotonic() > until:
                raise NodeUnavailable(f"no block took {redemption.hash} within {patience} s; it may still come")
            time.sleep(0.2)
        if outcome is not Outcome.SUCCEEDED:
            raise RedemptionFailed(f"redemption {redemption.hash} {outcome.value}")
        return redemption

    def _receipt_status(self, transaction: str) -> Outcome | None:
        receipt = self.call("eth_getTransactionReceipt", transaction)
        if receipt is None:
            return None
        is_good = _answer(lambda receipt: _quantity(receipt["status"]) == 1, receipt)
        return Outcome.SUCCEEDED if is_good else Outcome.FAILED


def load_key(keystore: str | bytes, password: str) -> LocalAccount:
    """The key in a Web3 keystore, as `passport wallet` and every Ethereum wallet write them."""
    try:
        account: LocalAccount = Account.from_key(Account.decrypt(_json(keystore), password))
    except (ValueError, TypeError, KeyError) as error:
        raise LedgerError(f"the keystore cannot be opened: {error}") from None
    return account


def _answer(read: Callable[[Any], _Read], answer: Any) -> _Read:
    try:
        value = read(answer)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise NodeUnavailable(f"the node answers with something else than was asked: {error!r}") from error
    return value


def _json(text: str | bytes) -> Any:
    if isinstance(text, bytes):
        text = text.decode()
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", text)):
        depth += 1 if bracket.group() in "[{" else -1
        if depth > JSON_DEPTH_MAX:
            raise ValueError(f"it is more than {JSON_DEPTH_MAX} levels deep")
    return json.loads(text)


def _quantity(value: Any) -> int:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError(f"{value!r} is no quantity")
    return int(value, 16)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _bytes(value: Any, length: int | None = None) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError(f"{value!r} is not 0x and hexadecimal digits")
    data = bytes.fromhex(value[2:])
    if length is not None and len(data) != length:
        raise ValueError(f"{value!r} has {len(data)} bytes, not {length}")
    return data


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _spec(fields: Any) -> Spec:
    return Spec(
        spec_id=_quantity(fields["specId"]),
        name=_text(fields["name"]),
        vcpus=_quantity(fields["vcpus"]),
        memory_mib=_quantity(fields["memoryMib"]),
        disk_gib=_quantity(fields["diskGib"]),
        hours=_quantity(fields["hours"]),
        ttl_seconds=_quantity(fields["ttlSeconds"]),
        reward=_quantity(fields["reward"]),
        requires_authorization=_flag(fields["requiresAuthorization"]),
    )


def _code(fields: Any) -> Code:
    ending = fields.get("ending")
    cloud = None if ending is None else ending.get("redeemedBy")
    return Code(
        code_id=_quantity(fields["codeId"]),
        transaction=_text(fields["transaction"]),
        passport_code=_text(fields["passportCode"]),
        state=CodeState(fields["state"]),
        holder=_text(fields["holder"]),
        spec=_spec(fields["spec"]),
        issued_at=_quantity(fields["issuedAt"]),
        expires_at=_quantity(fields["expiresAt"]),
        ended_by=None if ending is None else _text(ending["transaction"]),
        redeemed_by=None if cloud is None else _quantity(cloud["memberId"]),
    )


def _verification(fields: Any) -> Verification:
    code = fields.get("code")
    return Verification(
        verdict=Verdict(fields["verdict"]),
        redeemable=_flag(fields["redeemable"]),
        reason=_text(fields["reason"]),
        obstacle=fields.get("obstacle"),
        requires_authorization=_flag(fields["requiresAuthorization"]),
        ttl_seconds=_quantity(fields["ttlSeconds"]),
        code=None if code is None else _code(code),
        cloud=Cloud(member_id=_quantity(fields["cloud"]["memberId"]), name=_text(fields["cloud"]["name"])),
        block_number=_quantity(fields["block"]["number"]),
        block_hash=_text(fields["block"]["hash"]),
    )


def _confirmation(code_id: int, receipt: Any) -> Confirmation:
    for log in receipt["logs"]:
        topics = log["topics"]
        is_ours = _text(log["address"]).lower() == TRANSACT and _bytes(topics[0]) == _REDEEMED
        if is_ours and _quantity(topics[1]) == code_id:
            return Confirmation(member_id=_quantity(topics[2]), signup_ref=_bytes(log["data"])[:32])
    raise ValueError(f"its receipt does not redeem code {code_id:#x}")
