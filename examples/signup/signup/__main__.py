"""The command: `python -m signup`. Reads the options, ties the database to the ledger and starts the web server and the worker."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Final

from cloud_ledger import Ledger, LedgerError, NodeUnavailable, load_key
from eth_account import Account
from eth_account.signers.local import LocalAccount
from waitress import serve

from .clouds import Cloud, Recorded
from .desk import Identity
from .store import OtherLedger, OtherSchema, Store
from .web import FORM_BYTES_MAX, create_app
from .work import Worker

NODE_SECONDS: Final = 5.0
"""Longest wait for one answer of the node; three of them fit a lease."""

NODE_RETRY_SECONDS: Final = 1.0
"""Time between two tries to reach the node at the start."""

DEV_MNEMONIC: Final = "test test test test test test test test test test test junk"
"""The public test accounts, whose keys everybody has."""


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m signup", description="The sign-up service of a cloud that takes promo codes.")
    parser.add_argument("--cloud", required=True, help="this cloud's name or member id, as the ledger knows it")
    parser.add_argument("--rpc", default="http://127.0.0.1:8545", help="the ledger's node [%(default)s]")
    parser.add_argument("--database", type=Path, default=Path("signup.db"), help="shared by all instances, local [%(default)s]")
    parser.add_argument("--listen", default="127.0.0.1:8700", help="host and port of the web pages [%(default)s]")
    parser.add_argument("--instance", default="one", help="its name, the same after a restart [%(default)s]")
    parser.add_argument(
        "--capacity", action="append", default=[], metavar="SPEC=N", help="instances of a spec that may be out at once, as small=100"
    )
    keys = parser.add_mutually_exclusive_group(required=True)
    keys.add_argument("--keystore", type=Path, help="the redeemer's key, a Web3 keystore as `passport wallet new` makes it")
    keys.add_argument("--dev-account", type=int, metavar="N", help="account N of the public test mnemonic")
    parser.add_argument("--password-file", type=Path, help="its first line is the keystore's password")
    parser.add_argument("--openstack", metavar="CLOUD", help="make projects there: a name in clouds.yaml [instances are only recorded]")
    parser.add_argument("--openstack-domain", default="default", help="domain of the projects [%(default)s]")
    return parser.parse_args(arguments)


def key_of(chosen: argparse.Namespace) -> LocalAccount:
    """The key that confirms uses for this cloud."""
    if chosen.dev_account is not None:
        Account.enable_unaudited_hdwallet_features()
        account: LocalAccount = Account.from_mnemonic(DEV_MNEMONIC, account_path=f"m/44'/60'/0'/0/{chosen.dev_account}")
        return account
    if chosen.password_file is None:
        raise SystemExit("--keystore needs --password-file")
    return load_key(chosen.keystore.read_bytes(), chosen.password_file.read_text().splitlines()[0])


def cloud_of(chosen: argparse.Namespace, ledger: Ledger) -> Cloud:
    """What instances are made by."""
    if chosen.openstack is None:
        return Recorded()
    from .openstack import OpenStack

    return OpenStack.connect(chosen.openstack, chosen.openstack_domain, ledger.specs())


def capacity_of(chosen: argparse.Namespace, ledger: Ledger) -> dict[int, int]:
    """Spec ids and how many instances of each may be out."""
    ids = {spec.name: spec.spec_id for spec in ledger.specs()}
    capacity = {}
    for pair in chosen.capacity:
        name, _, number = pair.partition("=")
        if name not in ids or not number.isdigit():
            raise SystemExit(f"--capacity {pair}: give one of {', '.join(ids)}, and a number, as small=100")
        capacity[ids[name]] = int(number)
    return capacity


def identify(ledger: Ledger, cloud: str, key: LocalAccount) -> Identity:
    """Which cloud this is; stops if the key may not redeem for it."""
    entry = ledger.cloud(cloud)
    if ledger.member_of(key.address) != entry.member_id:
        raise SystemExit(f"{key.address} is neither owner nor redeemer of {entry.name}: setRedeemer by its owner makes it one")
    return Identity(chain_id=ledger.chain_id(), member_id=entry.member_id, name=entry.name)


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    chosen = options()
    host, _, port = chosen.listen.rpartition(":")
    key, ledger = key_of(chosen), Ledger(chosen.rpc, timeout=NODE_SECONDS)
    try:
        store = Store(chosen.database)
    except OtherSchema as error:
        sys.exit(str(error))
    while True:
        try:
            identity = identify(ledger, chosen.cloud, key)
            cloud = cloud_of(chosen, ledger)
            facts = {"ledger": ledger.genesis_hash(), "cloud": str(identity.member_id)}
            store.bind(facts, capacity_of(chosen, ledger))
            break
        except NodeUnavailable as error:
            logging.warning("waiting for the ledger: %s", error)
            time.sleep(NODE_RETRY_SECONDS)
        except (LedgerError, OtherLedger) as error:
            sys.exit(str(error))
    worker = Worker(ledger, store, cloud, identity, key, chosen.instance)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), name="worker", daemon=True)
    app = create_app(ledger, store, identity, worker.wake.set)
    listener = socket.create_server((host, int(port)))

    def end(*_: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    thread.start()
    print(f"{identity.name} takes sign-ups at http://{host}:{listener.getsockname()[1]}/", flush=True)
    try:
        serve(app, sockets=[listener], threads=8, max_request_body_size=FORM_BYTES_MAX)
    finally:
        stop.set()
        worker.wake.set()
        thread.join(timeout=3 * NODE_SECONDS)


if __name__ == "__main__":
    main()
