//! May this be published, and which files does it write? The three judges of a release, one after the other.

use super::{
    Release, ReleaseError, contents,
    rehearsal::rehearse,
    release::{Parsed, Published, Write, writes},
    rules,
};
use crate::tuf::{Request, UnixSeconds};

/// The files of a release, in the order in which they are written; `read` reads what is published already.
pub(super) fn plan(
    before: Option<&Published>,
    release: &Release,
    now: UnixSeconds,
    read: impl Fn(&Request) -> Option<Vec<u8>> + Copy,
) -> Result<Vec<Write>, ReleaseError> {
    let parsed = Parsed::of(release)?;
    let outcome = rules::check(before, release, &parsed, now)?;
    let writes = writes(release, &parsed);
    rehearse(before, &writes, &outcome, now, read)?;
    contents::check(before, release, &outcome, now, read)?;
    Ok(writes)
}
