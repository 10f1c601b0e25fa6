//! Which block is built before its slot begins?
//!
//! Called by the driver alone. When a block is final, the rest of its slot would pass idle. A node whose slot is the next one and
//! whose pool holds a block's worth builds it then, and hands it over when the engine asks; nothing is sealed before (R2). What is
//! done before its slot counts only if it is full: else what came in meanwhile has to have its chance. What is still under way
//! when the engine asks is its answer in any case. The price: what comes in once a block is begun waits for the next one,
//! reserved or promised as it may be. Pure but for the token that ends a build which nobody wants any more.

use ledger_chainspec::{BlockHash, Slot, UnixMillis};
use ledger_consensus::BuildRequest;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What a build is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Purpose {
    /// The block's slot.
    pub(super) slot: Slot,
    /// What it stands on.
    pub(super) parent: BlockHash,
}

impl Purpose {
    /// That of a request.
    pub(super) const fn of(request: &BuildRequest) -> Self {
        Self {
            slot: request.slot,
            parent: request.parent.hash,
        }
    }
}

/// What a final block used, to tell how much of what waits fills the next one.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewestFinal {
    pub(super) transactions: u64,
    pub(super) gas: u64,
}

/// A block that was begun ahead and answers the engine's request.
#[derive(Clone, Copy, Debug)]
pub(super) struct BegunAhead {
    pub(super) slot: Slot,
    pub(super) at: UnixMillis,
    /// It came out full.
    pub(super) is_full: bool,
}

/// A block being built ahead, or built; dropping it ends the build.
#[derive(Debug)]
pub(super) struct Ahead<T> {
    purpose: Purpose,
    began: UnixMillis,
    _cancel: DropGuard,
    progress: Progress<T>,
}

#[derive(Debug)]
enum Progress<T> {
    UnderWay,
    /// The engine has asked for it meanwhile.
    Wanted,
    Full(T),
}

/// What the engine's request finds.
#[derive(Debug)]
pub(super) enum Claim<T> {
    /// It is built.
    Built(T),
    /// It is under way; its end answers the request.
    UnderWay(Ahead<T>),
    /// Nothing of use.
    Nothing,
}

impl<T> Ahead<T> {
    /// A build that begins now; `cancel` ends it.
    pub(super) fn begin(purpose: Purpose, began: UnixMillis, cancel: CancellationToken) -> Self {
        Self {
            purpose,
            began,
            _cancel: cancel.drop_guard(),
            progress: Progress::UnderWay,
        }
    }

    /// When it began.
    pub(super) const fn began(&self) -> UnixMillis {
        self.began
    }

    /// Whether the engine has asked for it, and waits for its end.
    pub(super) const fn is_wanted(&self) -> bool {
        matches!(self.progress, Progress::Wanted)
    }

    /// The engine asks for a block of this purpose. What is of no use for it is dropped.
    pub(super) fn claim(mut self, purpose: Purpose) -> Claim<T> {
        match self.progress {
            _ if self.purpose != purpose => Claim::Nothing,
            Progress::Full(built) => Claim::Built(built),
            Progress::UnderWay | Progress::Wanted => {
                self.progress = Progress::Wanted;
                Claim::UnderWay(self)
            }
        }
    }
}

/// What becomes of a build's end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End<T> {
    /// The engine waits for it.
    Answer(T),
    /// It is kept until the engine asks, or dropped.
    Silent,
}

/// A build that was begun ahead for `purpose` has come to its end: `built`, if it is full.
pub(super) fn ended<T>(ahead: &mut Option<Ahead<T>>, purpose: Purpose, built: T, is_full: bool) -> End<T> {
    let Some(mut own) = ahead.take_if(|ahead| ahead.purpose == purpose) else {
        return End::Silent;
    };
    if own.is_wanted() {
        return End::Answer(built);
    }
    if is_full {
        own.progress = Progress::Full(built);
        *ahead = Some(own);
    }
    End::Silent
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    fn purpose(slot: u64) -> Purpose {
        Purpose {
            slot: Slot::new(slot),
            parent: BlockHash::new(B256::repeat_byte(7)),
        }
    }

    fn begun(slot: u64) -> (Option<Ahead<&'static str>>, CancellationToken) {
        let cancel = CancellationToken::new();
        let ahead = Ahead::begin(purpose(slot), UnixMillis::new(1), cancel.clone());
        (Some(ahead), cancel)
    }

    #[test]
    fn a_full_block_waits_for_its_slot() {
        let (mut ahead, _) = begun(5);
        assert_eq!(ended(&mut ahead, purpose(5), "block", true), End::Silent);
        let claim = ahead.expect("it is kept").claim(purpose(5));
        assert!(matches!(claim, Claim::Built("block")), "{claim:?}");
    }

    #[test]
    fn a_block_with_room_is_built_again() {
        let (mut ahead, _) = begun(5);
        assert_eq!(ended(&mut ahead, purpose(5), "block", false), End::Silent);
        assert!(ahead.is_none());
    }

    #[test]
    fn what_is_under_way_answers_the_request_full_or_not() {
        for is_full in [false, true] {
            let (ahead, cancel) = begun(5);
            let Claim::UnderWay(wanted) = ahead.expect("it is under way").claim(purpose(5)) else {
                panic!("it is under way");
            };
            assert!(!cancel.is_cancelled());
            let mut ahead = Some(wanted);
            assert_eq!(ended(&mut ahead, purpose(5), "block", is_full), End::Answer("block"));
            assert!(ahead.is_none());
        }
    }

    #[test]
    fn another_slot_or_another_parent_gets_nothing_of_it() {
        let other_parent = Purpose {
            parent: BlockHash::new(B256::repeat_byte(8)),
            ..purpose(5)
        };
        for other in [purpose(6), other_parent] {
            let (ahead, cancel) = begun(5);
            let claim = ahead.expect("it is under way").claim(other);
            assert!(matches!(claim, Claim::Nothing), "{claim:?}");
            assert!(cancel.is_cancelled());
            // Its end, late as it is, touches nothing that began after it.
            let (mut next, _) = begun(6);
            assert_eq!(ended(&mut next, purpose(5), "block", true), End::Silent);
            assert!(next.is_some());
        }
    }
}
