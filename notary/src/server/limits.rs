//! How much may anybody ask of the server? Every bound, with its reason. Never enforces anything.

use std::time::Duration;

/// Connections at once. What lies in the folder can be served by mirrors; this is for the signers and the working group.
pub const CONNECTIONS_MAX: usize = 256;

/// Connections of one address at once: a browser opens six.
pub const CONNECTIONS_PER_CALLER_MAX: usize = 32;

/// How long a connection may live, before it ends with the request that is under way. Who reads nothing of what it asked for holds
/// its place no longer than this and [`REQUEST_WAIT_MAX`].
pub const CONNECTION_LIFE_MAX: Duration = Duration::from_secs(60);

/// Bytes of a request's head, twice: hyper reads into a buffer of this size.
pub const HEAD_BYTES_MAX: usize = 16 << 10;

/// How long a connection may take to send the head of its next request.
pub const HEAD_WAIT_MAX: Duration = Duration::from_secs(20);

/// How long a request may take from its head to its answer: it bounds what a caller that sends a body slowly can hold.
pub const REQUEST_WAIT_MAX: Duration = Duration::from_secs(30);

/// How long requests under way may take when the server stops.
pub const STOP_WAIT_MAX: Duration = Duration::from_secs(10);

/// How long accepting rests when the operating system has no socket to give.
pub const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Commands that wait for the writer. More callers than these wait are told to come back.
pub const COMMANDS_WAITING_MAX: usize = 64;

/// Addresses whose requests are counted. When more come within the time that a bucket needs to fill, the newest are refused.
pub const CALLERS_COUNTED_MAX: usize = 65_536;

/// Reads of one address each second, and at once: a first visit of a network with five hundred members is some thousand files.
pub const READS_PER_SECOND: u32 = 200;
/// See [`READS_PER_SECOND`].
pub const READS_BURST: u32 = 2_000;

/// Commands of one address each second, and at once. Each costs some signatures to check and one sync of the disk; a working
/// group sends a handful a day.
pub const WRITES_PER_SECOND: u32 = 2;
/// See [`WRITES_PER_SECOND`].
pub const WRITES_BURST: u32 = 30;

/// Submissions that are open and were opened by one address, of those who are no members: a sixteenth of all that strangers may have
/// open, so that no single one takes every place.
pub const SUBMISSIONS_OPEN_PER_CALLER_MAX: usize = 16;

const _: () = assert!(SUBMISSIONS_OPEN_PER_CALLER_MAX * 16 <= crate::desk::SUBMISSIONS_OPEN_MAX);

/// Submissions that are taken from one address each hour, and at once, of those who are no members. Each is kept for good, with up to
/// [`ENVELOPE_BYTES_MAX`](crate::dsse::ENVELOPE_BYTES_MAX); a cloud sends one for each of its keys, and again after a correction.
pub const SUBMISSIONS_PER_HOUR: u32 = 4;
/// See [`SUBMISSIONS_PER_HOUR`].
pub const SUBMISSIONS_BURST: u32 = 32;
