-- What must never happen is refused here, whatever the program does.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- How many instances of a spec may be out at once.
CREATE TABLE capacity (
    spec_id INTEGER PRIMARY KEY,
    instances INTEGER NOT NULL CHECK (instances >= 0)
) STRICT;

CREATE TABLE signups (
    id TEXT PRIMARY KEY,           -- also the reference that the holder signs
    email TEXT NOT NULL,
    created_at REAL NOT NULL,      -- seconds since the Unix epoch, as all times here
    code TEXT NOT NULL,            -- the transaction that issued it
    passport_code TEXT NOT NULL,
    code_id TEXT NOT NULL,         -- the contract's number, hexadecimal
    spec_id INTEGER NOT NULL,
    spec_name TEXT NOT NULL,
    needs_authorization INTEGER NOT NULL,
    authorization TEXT,            -- as JSON; absent until it is handed in
    state TEXT NOT NULL CHECK (state IN
        ('waiting', 'reserved', 'prepared', 'signed', 'redeemed', 'active', 'releasing', 'refused')),
    reason TEXT,                   -- of a refusal
    settled_at REAL,
    -- Who works on it. A lease saves work; nothing that must hold depends on it.
    lease_owner TEXT,
    lease_until REAL NOT NULL DEFAULT 0,
    next_at REAL NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX signups_to_do ON signups (next_at) WHERE state NOT IN ('waiting', 'active', 'refused');
CREATE INDEX signups_to_sweep ON signups (created_at) WHERE state IN ('waiting', 'refused');

CREATE TABLE allocations (
    id INTEGER PRIMARY KEY,
    signup_id TEXT NOT NULL REFERENCES signups (id),
    -- The transaction that issued it. The contract's number may come again: a recovery of the ledger gives those that it left behind anew.
    code TEXT NOT NULL,
    spec_id INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('held', 'given', 'released')),
    resource TEXT,                 -- what the cloud made, by its own id
    held_at REAL NOT NULL,
    settled_at REAL
) STRICT;
-- No code gives two instances, and no sign-up gets two.
CREATE UNIQUE INDEX one_allocation_per_code ON allocations (code) WHERE state <> 'released';
CREATE UNIQUE INDEX one_allocation_per_signup ON allocations (signup_id) WHERE state <> 'released';
CREATE INDEX allocations_of_spec ON allocations (spec_id) WHERE state <> 'released';

-- A redemption is signed into this table and sent out of it: there is none without an allocation.
CREATE TABLE redemptions (
    hash TEXT PRIMARY KEY,
    allocation_id INTEGER NOT NULL REFERENCES allocations (id),
    code_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    raw BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'succeeded', 'failed', 'superseded')),
    signed_at REAL NOT NULL,
    UNIQUE (sender, nonce)
) STRICT;
-- A second one may be signed only when the first can no longer succeed.
CREATE UNIQUE INDEX one_redemption_per_allocation ON redemptions (allocation_id) WHERE state IN ('open', 'succeeded');

CREATE TRIGGER allocations_begin_held BEFORE INSERT ON allocations WHEN NEW.state <> 'held'
BEGIN
    SELECT RAISE(ABORT, 'an allocation is held first');
END;

CREATE TRIGGER allocations_of_open_redemptions_stay BEFORE UPDATE OF state ON allocations
WHEN NEW.state = 'released' AND EXISTS
    (SELECT 1 FROM redemptions WHERE allocation_id = NEW.id AND state IN ('open', 'succeeded'))
BEGIN
    SELECT RAISE(ABORT, 'an allocation whose redemption may succeed, or did, cannot be released');
END;

CREATE TRIGGER allocations_are_kept BEFORE DELETE ON allocations
BEGIN
    SELECT RAISE(ABORT, 'allocations are kept');
END;
