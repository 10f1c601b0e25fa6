"""A dev chain for the tests of a session, with two clouds that offer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cloud_ledger import Ledger
from ledger_kit import FLASH, SMALL, Node, dev_account, offer


@pytest.fixture(scope="session")
def ledger() -> Iterator[Ledger]:
    """The node, asked over JSON-RPC."""
    node = Node()
    try:
        ledger = Ledger(node.url)
        for owner in (0, 2):
            for spec_id in (SMALL, FLASH):
                offer(ledger, dev_account(owner), spec_id, 1000)
        yield ledger
    finally:
        node.close()
