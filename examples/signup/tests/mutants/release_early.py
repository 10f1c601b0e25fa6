"""Takes a redemption that is not in a block at once for one that failed, and releases the instance."""

from cloud_ledger import Outcome
from signup import __main__ as service
from signup.store import Signup
from signup.work import Worker

confirm = Worker._confirm


def impatient(self: Worker, signup: Signup) -> None:
    redemption = self.store.open_redemption(signup)
    if signup.attempts >= 1 and self.ledger.outcome(redemption) is Outcome.PENDING:
        self.store.record_failure(signup, redemption, "the ledger is too slow")
    else:
        confirm(self, signup)


Worker._confirm = impatient  # type: ignore[method-assign]
service.main()
