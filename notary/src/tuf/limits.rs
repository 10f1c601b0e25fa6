//! How much may a stranger's repository cost? Every bound of reading metadata, with its reason.
//!
//! Used by the parser, the client and the writer alike, so that what is published fits what is read.

/// Longest root metadata: a hundred keys with their signatures are under 50 kB.
pub const ROOT_BYTES_MAX: u64 = 512_000;

/// Longest timestamp metadata: one entry and a few signatures. Fetched by every client, every time.
pub const TIMESTAMP_BYTES_MAX: u64 = 16_384;

/// Longest snapshot metadata: about 150 bytes for each role that ever was, so ten thousand roles.
pub const SNAPSHOT_BYTES_MAX: u64 = 2_000_000;

/// Longest targets metadata, of any role, where snapshot does not say its length.
pub const TARGETS_BYTES_MAX: u64 = 5_000_000;

/// Longest target file that is looked at, whatever the metadata say: records are some kilobytes.
pub const TARGET_BYTES_MAX: u64 = 64 << 20;

/// Most root versions that one refresh walks through; at one a month, 21 years. The next refresh goes on from there.
pub const ROOT_ROTATIONS_MAX: u64 = 256;

/// Most delegated roles that one search visits (TUF 5.6.7.1): a path leads to its member's role at once, so that more than a few
/// is somebody's attempt to keep us busy.
pub const ROLES_VISITED_MAX: usize = 32;

/// Most delegated roles whose metadata are kept: one for each member that anybody reads.
pub const DELEGATED_MAX: usize = 1_024;

/// Most bytes of their metadata that are kept, on disk and in memory, all together: 16 kB for each, where an ordinary one has one.
/// What finds no room is fetched again.
pub const DELEGATED_BYTES_MAX: u64 = 16 << 20;

/// Most signatures on one document: each of them may cost a verification.
pub const SIGNATURES_MAX: usize = 128;

/// Longest role name in bytes: percent-encoded with `.json` it still fits a file name (255).
pub const ROLE_NAME_BYTES_MAX: usize = 80;

/// Longest key id in bytes: twice the usual sha256 in hex.
pub const KEY_ID_BYTES_MAX: usize = 128;

/// Longest path of a target, or pattern of paths, in bytes.
pub const PATH_BYTES_MAX: usize = 512;

const _: () = assert!(ROLE_NAME_BYTES_MAX * 3 + "..json.new".len() <= 255);
const _: () = assert!(TIMESTAMP_BYTES_MAX <= ROOT_BYTES_MAX && ROOT_BYTES_MAX <= SNAPSHOT_BYTES_MAX);
// Any one role finds room.
const _: () = assert!(TARGETS_BYTES_MAX <= DELEGATED_BYTES_MAX);
