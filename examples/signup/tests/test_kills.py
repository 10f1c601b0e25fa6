"""A short campaign of `kills.py`, and that it finds what is broken. `make signup-kills` is the long one."""

from __future__ import annotations

import os

import pytest
from kills import Broken, Campaign

SEED = int(os.environ.get("SIGNUP_SEED", "20261126"))


def test_kills_lose_and_double_nothing() -> None:
    print(f"seed {SEED}")
    campaign = Campaign(SEED)
    try:
        campaign.run(8)
        print(campaign.table())
    finally:
        campaign.close()


@pytest.mark.parametrize(
    ("mutant", "words"),
    [
        ("redeem_first", "no allocation|another sign-up"),
        ("no_guard", "allocated 2 times"),
        ("release_early", "no allocation"),
    ],
)
def test_a_broken_service_is_found(mutant: str, words: str) -> None:
    print(f"seed {SEED}")
    campaign = Campaign(SEED, f"mutants.{mutant}")
    try:
        with pytest.raises(Broken, match=words):
            campaign.run(60)
    finally:
        campaign.close()
