"""A dev chain for the tests of a session, with two clouds that offer, and a running service of the first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cloud_ledger import Ledger
from ledger_kit import FLASH, SMALL, Node, dev_account, offer
from service_kit import Service


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """The node's process."""
    node = Node()
    try:
        for owner in (0, 2):
            for spec_id in (SMALL, FLASH):
                offer(Ledger(node.url), dev_account(owner), spec_id, 1000)
        yield node
    finally:
        node.close()


@pytest.fixture(scope="session")
def ledger(node: Node) -> Ledger:
    """The node, asked over JSON-RPC."""
    return Ledger(node.url)


@pytest.fixture(scope="session")
def service(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, with room for a hundred small instances and one flash instance."""
    folder: Path = tmp_path_factory.mktemp("service")
    service = Service(node.url, folder / "signup.db", "one", "--capacity", "small=100", "--capacity", "flash=1")
    service.wait()
    yield service
    assert service.stop() == 0, service.log.read_text()
