//! What does the notary do next, and what does it refuse? The state of the whole service, as a fold over the entries of its log.
//!
//! Members submit, the working group verifies and signs, the online keys complete. [`Desk::check`] says whether something may be done,
//! and changes nothing; [`Desk::apply`] does what was checked, once its entry is stored. [`Desk::replay`] builds the same desk from
//! stored entries. [`Desk::due`] says what the online keys must sign, [`Desk::complete`] takes their signatures. Called by the server;
//! knows neither clock nor disk nor network, and holds no key.
//!
//! Nothing is decided twice: what may be published, the [repository](crate::repository) says, for what is submitted as for what is
//! released. One key of the working group can look at things and put them on the list; what is published takes as many keys as
//! root says, different ones. The deny role suspends and can do nothing else. A document that changes loses its signatures.
//!
//! Read in this order: [`command`] (what can be asked for), [`entry`] (what is stored), [`member`] and [`proposal`] (the state), `check`
//! (who may, and when), `members`, `group` and `root` (what each command needs), `pending` (what waits for the online keys), `apply`, `views`.

mod apply;
mod check;
pub mod command;
mod entry;
mod group;
mod member;
mod members;
mod pending;
mod proposal;
mod refusal;
mod root;
mod views;

use std::collections::BTreeMap;

pub use apply::ReplayError;
pub use check::Checked;
pub use command::{Command, Complete, Hex64, Order, SubmissionId};
pub use entry::{Body, Entry, EntryError, Leaf, RELEASE_FILES_MAX};
pub use member::{Draft, Event, Member, Standing, Submission};
pub use pending::{Due, SIGNING_SECONDS_MAX, Why};
pub use proposal::Proposal;
pub use refusal::{Refusal, RefusalKind};
pub use root::RootProposal;
pub use views::{Approvals, Counts, MemberView, Stamp, Status, Validator};

use self::{pending::Waiting, proposal::Changes};
use crate::{
    records::{Hex32, Network, NotaryId},
    repository::{Release, Shelf},
    tuf::UnixSeconds,
};

/// Most submissions that are open when a stranger's comes in: more than a working group looks at in a month. Bounds what strangers
/// make us keep.
pub const SUBMISSIONS_OPEN_MAX: usize = 256;

/// Most submissions that are remembered when they are over; those before are in the log.
pub const SUBMISSIONS_CLOSED_MAX: usize = 4_096;

/// The notary's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desk {
    network: Network,
    /// sha256 of the only root that this notary can be founded with.
    root_sha256: Hex32,
    /// The next entry's place.
    next: u64,
    shelf: Shelf,
    /// When the last release was.
    released_at: UnixSeconds,
    /// The highest sequence of each key, of all commands that were taken.
    sequences: BTreeMap<Hex32, u64>,
    /// Nonces of orders that have not expired, and when they do.
    nonces: BTreeMap<Hex32, UnixSeconds>,
    /// The first release, until it is out.
    founding: Option<Release>,
    submissions: BTreeMap<SubmissionId, Submission>,
    members: BTreeMap<NotaryId, Member>,
    /// What is proposed, and the document that says it.
    changes: Changes,
    proposal: Option<Proposal>,
    root: Option<RootProposal>,
    /// A deny record that waits for the online keys.
    deny: Option<Release>,
    /// Records of nodes that wait for the online keys.
    nodes: BTreeMap<NotaryId, Waiting>,
}

impl Desk {
    /// The desk before its first entry. It can be founded with the root of this hash alone.
    pub fn new(network: Network, root_sha256: Hex32) -> Self {
        Self {
            network,
            root_sha256,
            next: 0,
            shelf: Shelf::default(),
            released_at: UnixSeconds::new(0),
            sequences: BTreeMap::new(),
            nonces: BTreeMap::new(),
            founding: None,
            submissions: BTreeMap::new(),
            members: BTreeMap::new(),
            changes: Changes::default(),
            proposal: None,
            root: None,
            deny: None,
            nodes: BTreeMap::new(),
        }
    }

    /// Which chain this is the notary of.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The place of the next entry: how many there are.
    pub fn next_seq(&self) -> u64 {
        self.next
    }

    /// What is published.
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }
}
