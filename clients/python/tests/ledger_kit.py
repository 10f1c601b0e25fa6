"""What do the tests need around the library: a real node of the dev chain, and holders who ask for codes and sign?

Used by the tests of the library and of `examples/signup`. Holders sign here with eth-account, as a wallet does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from cloud_ledger import AUTHORIZATION_KIND, TRANSACT, Cloud, Code, Ledger, NodeUnavailable, signup_hash
from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

REPOSITORY: Final = Path(__file__).resolve().parents[3]
MNEMONIC: Final = "test test test test test test test test test test test junk"
SMALL: Final = 1
FLASH: Final = 3
BLOCK_SECONDS_MAX: Final = 30.0

AURORA: Final = Cloud(1, "Aurora Cloud")
BOREALIS: Final = Cloud(2, "Borealis Cloud")

Account.enable_unaudited_hdwallet_features()


def dev_account(number: int) -> LocalAccount:
    """Account `number` of the public test mnemonic: 0 owns Aurora Cloud and 1 redeems for it, 2 and 3 are Borealis Cloud's."""
    account: LocalAccount = Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}")
    return account


def node_binary() -> Path:
    """The built ledger-node: LEDGER_NODE, or that of the target folder."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    binary = Path(os.environ.get("LEDGER_NODE", target / "debug" / "ledger-node"))
    if not binary.is_file():
        raise FileNotFoundError(f"{binary} is not built: run `make build`, or say where it is with LEDGER_NODE")
    return binary


class Node:
    """A dev chain of its own, killed at the end."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-node-"))
        self.port = 0
        self.start()

    def start(self) -> None:
        """Starts the node, on the same port as before."""
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    node_binary(), "--chain", "dev", "--json", "--rpc-host", "127.0.0.1", "--rpc-port", str(self.port),
                    "--data-dir", self.folder / "data",
                ],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"ledger-node did not start:\n{(self.folder / 'log').read_text()}")
        self.url: str = json.loads(line)["rpc_http"]
        self.port = int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Kills it and deletes its folder."""
        self.kill()
        shutil.rmtree(self.folder)


def offer(ledger: Ledger, owner: LocalAccount, spec_id: int, quantity: int) -> None:
    """Sets what a cloud offers."""
    send(ledger, owner, "setOffer(uint32,uint32)", ["uint32", "uint32"], [spec_id, quantity])


def send(ledger: Ledger, key: LocalAccount, function: str, types: list[str], values: list[object]) -> Any:
    """A transaction to the contract of the codes; gives its receipt."""
    return await_receipt(ledger, submit(ledger, key, function, types, values))


def submit(ledger: Ledger, key: LocalAccount, function: str, types: list[str], values: list[object]) -> str:
    """As `send`, but gives the transaction's id and does not wait."""
    signed = key.sign_transaction(
        {
            "type": 2,
            "chainId": ledger.chain_id(),
            "nonce": ledger.nonce(key.address),
            "to": bytes.fromhex(TRANSACT[2:]),
            "value": 0,
            "gas": 1_000_000,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            "data": keccak(text=function)[:4] + encode(types, values),
        }
    )
    return str(ledger.call("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex()))


def await_receipt(ledger: Ledger, transaction: str) -> Any:
    """Waits for the block that has a transaction."""
    until = time.monotonic() + BLOCK_SECONDS_MAX
    while time.monotonic() < until:
        receipt = ledger.call("eth_getTransactionReceipt", transaction)
        if receipt is not None:
            return receipt
        time.sleep(0.05)
    raise NodeUnavailable(f"no block took {transaction}")


class Holder:
    """A user with a wallet of its own."""

    def __init__(self) -> None:
        self.key: LocalAccount = Account.create()

    def submit_request(self, ledger: Ledger, spec_id: int = SMALL) -> str:
        """Asks for a code; gives its transaction."""
        return submit(ledger, self.key, "requestCode(uint32)", ["uint32"], [spec_id])

    def request(self, ledger: Ledger, spec_id: int = SMALL) -> Code:
        """Asks for a code, and waits for it."""
        transaction = self.submit_request(ledger, spec_id)
        await_receipt(ledger, transaction)
        code = ledger.code(transaction)
        assert code is not None
        return code

    def authorize(self, chain_id: int, code: Code, cloud: Cloud, reference: str, seconds: int = 3600) -> str:
        """The consent as `passport authorize` writes it."""
        salt, deadline = os.urandom(32), int(time.time()) + seconds
        message = {
            "codeId": code.code_id,
            "memberId": cloud.member_id,
            "signupRef": signup_hash(salt, reference),
            "deadline": deadline,
        }
        signed = self.key.sign_typed_data(
            domain_data={"name": "Cloud Ledger Passport", "version": "1", "chainId": chain_id, "verifyingContract": TRANSACT},
            message_types={
                "Redemption": [
                    {"name": "codeId", "type": "uint256"},
                    {"name": "memberId", "type": "uint32"},
                    {"name": "signupRef", "type": "bytes32"},
                    {"name": "deadline", "type": "uint256"},
                ]
            },
            message_data=message,
        )
        return json.dumps(
            {
                "kind": AUTHORIZATION_KIND,
                "chainId": hex(chain_id),
                "transaction": code.transaction,
                "passportCode": code.passport_code,
                "codeId": hex(code.code_id),
                "memberId": hex(cloud.member_id),
                "cloud": cloud.name,
                "holder": self.key.address,
                "signupRef": "0x" + signup_hash(salt, reference).hex(),
                "deadline": hex(deadline),
                "signature": "0x" + bytes(signed.signature).hex(),
                "signup": {"reference": reference, "salt": "0x" + salt.hex()},
            }
        )
