"""What does the cloud give, and how is it made and unmade?

`work` calls these steps, each again after a crash: they have to come to the same however often they run. `Recorded` is the imaginary
cloud, whose instances are the records in the database; `openstack.OpenStack` makes real projects.
"""

from __future__ import annotations

from typing import Protocol

from .store import Signup


class Cloud(Protocol):
    """A cloud's own interface, as far as a sign-up needs it."""

    def prepare(self, signup: Signup) -> str:
        """Makes what will be given, not usable yet; returns its id. The same again for the same allocation."""

    def activate(self, signup: Signup) -> None:
        """Lets the user in: the code is redeemed."""

    def release(self, signup: Signup) -> None:
        """Unmakes it: the code cannot be redeemed. Nothing happens if there is nothing."""


class Recorded:
    """The imaginary cloud: an instance is a record with a name."""

    def prepare(self, signup: Signup) -> str:
        return f"{signup.spec_name}-{signup.allocation_id:06}"

    def activate(self, signup: Signup) -> None:
        pass

    def release(self, signup: Signup) -> None:
        pass
