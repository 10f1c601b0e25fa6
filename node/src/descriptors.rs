//! May this process have as many files and connections open as it needs?
//!
//! Called by `assembly` once, before the database is opened, because RocksDB holds itself to the limit that it finds then. Never touches
//! the hard limit, which is the operator's. Most systems give a process a soft limit of 1,024 open files, for the sake of programs that use
//! `select(2)`, and let it have more if it asks.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, warn};

/// What a busy node with a large chain has open with the usual limits: 512 tables, 512 connections of JSON-RPC, 440 of peers, those being
/// set up among them, and logs and the guard's database beside them.
const DESCRIPTORS_MIN: u64 = 1_536;

/// Raises the soft limit to the hard one, and tells the operator if that is not enough; the node starts all the same, because a small chain
/// with few callers needs a tenth of it.
pub(crate) fn raise_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        debug!(target: "ledger::node", %error, "the limit of open files stays as it was");
    }
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if limit < DESCRIPTORS_MIN {
        warn!(
            target: "ledger::node", limit, needed = DESCRIPTORS_MIN,
            "too few open files for a large chain and many callers: raise the hard limit (`ulimit -Hn`, or LimitNOFILE= of a service)"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one_which_stays_the_operators() {
        let found = getrlimit(Resource::Nofile);
        let low = Rlimit {
            current: Some(512),
            ..found
        };
        setrlimit(Resource::Nofile, low).expect("a limit can be lowered");
        raise_limit();
        let raised = getrlimit(Resource::Nofile);
        assert_eq!((raised.current, raised.maximum), (found.maximum, found.maximum));
    }
}
