//! How does a new node get to the end of a long chain without executing all of it?
//!
//! Before the chain's database is opened, and only where there is no chain in it yet: if the peers are far ahead, the state of a recent final
//! block is taken from them chunk by chunk, each proven against the root in a header that the validators of the specification, and those after
//! them, made final. Peers are believed nothing; one that gives what does not add up is reported, and the next one is asked. What was taken
//! survives a crash, and the next start goes on with it. Everything after that block is caught up with as usual.
//!
//! Validators of long ago may sign anything. So a state counts only if it descends from the newest checkpoint that the mainchain confirmed
//! (R15): it says itself which blocks came before it (EIP-2935).

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use ledger_chainspec::{BlockHash, BlockNumber};
use ledger_network::{Misbehaviour, NetworkHandle, PeerId, Peers, Request, Response};
use ledger_runtime::{
    RuntimeOptions,
    transfer::{
        BLOCK_HASHES_IN_STATE, Found, StateChunk, StateCursor, StateImport, StateImportError, StateManifest,
        StateProgress,
    },
};
use parity_scale_codec::Encode;
use tokio::{
    task::{JoinError, spawn_blocking},
    time::{Instant, sleep, timeout},
};
use tracing::{debug, error, info, warn};

use crate::{
    anchor::{Confirmed, Reading, Span},
    error::NodeError,
};

/// Blocks from which on a state is taken rather than all blocks executed: some minutes' work, and more than the blocks
/// whose state a node keeps by default, so that there is something to gain.
pub const STATE_BLOCKS_MIN: u64 = 4_096;

/// How far behind the newest block the state is that is asked for: every peer has that block by then, and keeps its state for
/// a while.
const PIVOT_BEHIND: u64 = 16;

/// How long a new node waits for peers that say what they have.
const PEERS_WITHIN: Duration = Duration::from_secs(5);
/// How long it waits for more of them once one has.
const MORE_WITHIN: Duration = Duration::from_secs(1);
/// Pause after every peer has failed.
const ROUND_PAUSE: Duration = Duration::from_secs(2);
/// Rounds in which peers answered and none had the chunk, or a manifest, after which it is given up. A round in which nobody answered
/// tells nothing of what they have.
const ROUNDS_MAX: usize = 5;
/// Time between two lines of the log.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Takes a state where that is the shorter way, or goes on with one that was begun. Returns when the database can be opened as
/// usual; one that was begun waits for peers for as long as it takes, and what is confirmed is waited for before one is chosen.
///
/// # Errors
/// [`NodeError::StateSync`] if this machine is at fault.
pub async fn take_state(
    network: &NetworkHandle,
    options: &RuntimeOptions,
    confirmed: &Confirmed,
) -> Result<(), NodeError> {
    let mut begun = match on_disk(options, |options| StateImport::find(&options)).await? {
        Found::Chain => return Ok(()),
        Found::Begun(import) => {
            tell("the state that was begun is gone on with", &import.progress());
            Some(*import)
        }
        Found::Nothing if best_head(network).await < STATE_BLOCKS_MIN => return Ok(()),
        Found::Nothing => None,
    };
    if confirmed.reading() == Reading::Unread {
        warn!(target: "ledger::sync", "the mainchain has to be read before a state is chosen");
        confirmed.is_through().await;
    }
    let mut is_begun = begun.is_some();
    let mut strangers = BTreeSet::new();
    loop {
        let import = match begun.take() {
            Some(import) => import,
            None => match begin(network, options, (confirmed, &strangers)).await? {
                Some(import) => import,
                None if is_begun => {
                    warn!(target: "ledger::sync", "no peer gives a newer state either: waiting for one that does");
                    continue;
                }
                None => return Ok(()),
            },
        };
        is_begun = true;
        let Some((import, givers)) = Taking::new(network, import).run().await? else {
            warn!(target: "ledger::sync", "no peer has that state any more: a newer one is asked for");
            continue;
        };
        if let Some(import) = descending(import, confirmed).await? {
            let progress = import.progress();
            spawn_blocking(move || import.finish()).await.map_err(stopped)??;
            tell("state taken", &progress);
            return Ok(());
        }
        for peer in givers {
            error!(target: "ledger::sync", %peer, "a peer gave the state of a history that contradicts the mainchain");
            network.report(peer, Misbehaviour::WrongBlock);
            strangers.insert(peer);
        }
    }
}

/// The import again, if its state descends from the newest confirmed checkpoint.
async fn descending(import: StateImport, confirmed: &Confirmed) -> Result<Option<StateImport>, NodeError> {
    let Some(span) = confirmed.newest() else {
        return Ok(Some(import));
    };
    let number = BlockNumber::new(span.to);
    let asked = spawn_blocking(move || import.block_hash(number).map(|hash| (import, hash)));
    let (import, got) = asked.await.map_err(stopped)??;
    if got == Some(span.hash) {
        return Ok(Some(import));
    }
    match got {
        Some(got) => {
            let contradiction = confirmed.named(span.to, got, span.hash);
            error!(target: "ledger::sync", %contradiction, "the state that was taken is of another history: it is dropped");
            confirmed.refuse(contradiction);
        }
        None => warn!(
            target: "ledger::sync", state = %import.manifest().number(), checkpoint = span.index, height = span.to,
            "the state that was taken does not say which block was at the checkpoint's height: a newer one is asked for"
        ),
    }
    Ok(None)
}

/// Whether the state of this block can say that it descends from a checkpoint.
const fn is_provable(block: BlockNumber, span: &Span) -> bool {
    block.get() >= span.to && block.get() - span.to <= BLOCK_HASHES_IN_STATE
}

/// The newest block that peers say they have, once some have said.
async fn best_head(network: &NetworkHandle) -> u64 {
    let mut peers = network.peers();
    let some = peers.wait_for(|peers| peers.best_head().is_some());
    if timeout(PEERS_WITHIN, some).await.is_err() {
        return 0;
    }
    sleep(MORE_WITHIN).await;
    let best = network.peers().borrow().best_head();
    best.map_or(0, BlockNumber::get)
}

/// Who may have a recent state, with the block to ask for: validators first, and of each kind those first who have most, since an old
/// state leaves much to execute.
fn givers(peers: &Peers) -> Vec<(PeerId, BlockNumber)> {
    let with_head = peers
        .connected
        .iter()
        .filter_map(|peer| Some((peer.is_validator, peer.status?.head, peer.id)));
    let mut givers: Vec<_> = with_head
        .filter(|(_, head, _)| head.get() >= STATE_BLOCKS_MIN)
        .collect();
    givers.sort_unstable_by(|one, other| other.cmp(one));
    let pivot = |head: BlockNumber| BlockNumber::new(head.get().saturating_sub(PIVOT_BEHIND));
    givers.into_iter().map(|(_, head, peer)| (peer, pivot(head))).collect()
}

/// Asks for the way to a recent state; none if no peer has one.
async fn begin(
    network: &NetworkHandle,
    options: &RuntimeOptions,
    (confirmed, strangers): (&Confirmed, &BTreeSet<PeerId>),
) -> Result<Option<StateImport>, NodeError> {
    for _ in 0..ROUNDS_MAX {
        let peers = Arc::clone(&network.peers().borrow());
        let newest = confirmed.newest();
        let may = |peer: &PeerId, block: BlockNumber| {
            !strangers.contains(peer) && newest.as_ref().is_none_or(|span| is_provable(block, span))
        };
        for (peer, block) in givers(&peers).into_iter().filter(|(peer, block)| may(peer, *block)) {
            let Ok(Response::State(Some(manifest))) = network.request(peer, Request::StateManifest { block }).await
            else {
                continue;
            };
            let named = StateManifest::decode(&manifest).map(|manifest| manifest.number());
            if named.as_ref().is_ok_and(|named| *named != block) {
                warn!(target: "ledger::sync", %peer, %block, ?named, "a peer named the state of another block");
                network.report(peer, Misbehaviour::BadStateChunk);
                continue;
            }
            let begun = on_disk(options, move |options| StateImport::begin(&options, &manifest)).await;
            match begun {
                Ok(import) => {
                    info!(target: "ledger::sync", %block, %peer, "the state of this block is taken from peers");
                    return Ok(Some(import));
                }
                Err(NodeError::StateSync(error)) if error.blames_peer() => {
                    warn!(target: "ledger::sync", %peer, %error, "a peer named a state that is none");
                    network.report(peer, Misbehaviour::BadStateChunk);
                }
                Err(error) => return Err(error),
            }
        }
        sleep(ROUND_PAUSE).await;
    }
    Ok(None)
}

/// One import on its way.
struct Taking<'a> {
    network: &'a NetworkHandle,
    import: StateImport,
    /// Peers that gave what is wrong: they are asked for no more of this state. A validator among them stays connected.
    liars: BTreeSet<PeerId>,
    /// Peers that gave some of it.
    givers: BTreeSet<PeerId>,
    last_line: Instant,
}

/// A chunk and who gave it.
type Fetched = (PeerId, StateChunk);

impl<'a> Taking<'a> {
    fn new(network: &'a NetworkHandle, import: StateImport) -> Self {
        Self {
            network,
            import,
            liars: BTreeSet::new(),
            givers: BTreeSet::new(),
            last_line: Instant::now(),
        }
    }

    /// Takes chunk after chunk; while one is written, the next one is on its way. Gives the state and who gave it; none if nobody has
    /// it any more.
    async fn run(mut self) -> Result<Option<(StateImport, BTreeSet<PeerId>)>, NodeError> {
        let (network, block) = (self.network, self.import.manifest().header.hash);
        let pivot = self.import.progress().block;
        let mut ahead = None;
        while let Some(cursor) = self.import.progress().next {
            let fetched = match ahead.take() {
                Some(fetched) => Some(fetched),
                None => fetch(network, block, &cursor, &self.liars).await,
            };
            let Some((peer, chunk)) = fetched else {
                return Ok(None);
            };
            // Where the chunk ends is checked with the rest of it; asking on from there costs nothing if it is wrong.
            let next = chunk.next(&cursor, pivot).ok().flatten();
            let mut import = self.import;
            let writing = spawn_blocking(move || {
                let accepted = import.accept(&cursor, chunk);
                (import, accepted)
            });
            let fetching = async {
                match ask(network, peer, block, &next?).await {
                    Asked::Given(chunk) => Some((peer, *chunk)),
                    Asked::NotThere | Asked::NoAnswer => None,
                }
            };
            let (written, fetched) = tokio::join!(writing, fetching);
            let (import, accepted) = written.map_err(stopped)?;
            self.import = import;
            match accepted {
                Ok(_) => {
                    self.givers.insert(peer);
                    ahead = fetched;
                }
                Err(error) if error.blames_peer() => {
                    warn!(target: "ledger::sync", %peer, %error, "a peer gave state that is wrong");
                    network.report(peer, Misbehaviour::BadStateChunk);
                    self.liars.insert(peer);
                }
                Err(error) => return Err(error.into()),
            }
            if self.last_line.elapsed() >= LINE_EVERY {
                self.last_line = Instant::now();
                tell("taking state", &self.import.progress());
            }
        }
        Ok(Some((self.import, self.givers)))
    }
}

/// What came of asking one peer for a chunk.
enum Asked {
    Given(Box<StateChunk>),
    /// It has none, or nothing that could be read.
    NotThere,
    /// It is busy, or gone.
    NoAnswer,
}

/// The chunk that begins at `cursor`, from whoever has it and is none of the `liars`; none if those who answer have not had it for several
/// rounds, or are liars. Without anybody who answers it is waited for.
async fn fetch(
    network: &NetworkHandle,
    block: BlockHash,
    cursor: &StateCursor,
    liars: &BTreeSet<PeerId>,
) -> Option<Fetched> {
    let mut rounds = 0;
    let mut shown = network.peers();
    while rounds < ROUNDS_MAX {
        let peers = Arc::clone(&shown.borrow_and_update());
        let mut is_answered = !liars.is_empty();
        for peer in peers.connected.iter().filter(|peer| !liars.contains(&peer.id)) {
            match ask(network, peer.id, block, cursor).await {
                Asked::Given(chunk) => return Some((peer.id, *chunk)),
                Asked::NotThere => is_answered = true,
                Asked::NoAnswer => {}
            }
        }
        rounds += usize::from(is_answered);
        // Right after a start there is nobody yet: whoever comes is asked at once. A network that has ended shows nobody any more.
        let is_changed = async { is_answered || shown.changed().await.is_err() };
        if timeout(ROUND_PAUSE, is_changed).await == Ok(true) {
            sleep(ROUND_PAUSE).await;
        }
    }
    None
}

/// Asks one peer.
async fn ask(network: &NetworkHandle, peer: PeerId, block: BlockHash, cursor: &StateCursor) -> Asked {
    let request = Request::StateChunk {
        block,
        cursor: cursor.encode(),
    };
    let bytes = match network.request(peer, request).await {
        Ok(Response::State(Some(bytes))) => bytes,
        Ok(_) => return Asked::NotThere,
        Err(error) => {
            debug!(target: "ledger::sync", %peer, %error, "no state from a peer");
            return Asked::NoAnswer;
        }
    };
    match StateChunk::decode(&bytes) {
        Ok(chunk) => Asked::Given(Box::new(chunk)),
        Err(error) => {
            warn!(target: "ledger::sync", %peer, %error, "a peer gave bytes that are no state");
            network.report(peer, Misbehaviour::BadStateChunk);
            Asked::NotThere
        }
    }
}

fn tell(what: &'static str, progress: &StateProgress) {
    info!(
        target: "ledger::sync", block = %progress.block, accounts = progress.accounts, slots = progress.slots,
        blocks = progress.blocks, megabytes = progress.bytes >> 20, "{what}"
    );
}

/// Opens or begins an import on a blocking thread.
async fn on_disk<T: Send + 'static>(
    options: &RuntimeOptions,
    work: impl FnOnce(RuntimeOptions) -> Result<T, StateImportError> + Send + 'static,
) -> Result<T, NodeError> {
    let options = options.clone();
    Ok(spawn_blocking(move || work(options)).await.map_err(stopped)??)
}

fn stopped(error: JoinError) -> NodeError {
    NodeError::TaskStopped {
        task: "sync",
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::tests::peer;

    #[test]
    fn validators_are_asked_first_and_then_whoever_has_most() {
        let long = 10 * STATE_BLOCKS_MIN;
        let connected = vec![
            peer(false, Some(u64::MAX)),
            peer(true, Some(long)),
            peer(true, None),
            peer(false, Some(STATE_BLOCKS_MIN)),
            peer(true, Some(long + 1)),
            peer(false, Some(STATE_BLOCKS_MIN - 1)),
        ];
        let id = |index: usize| connected[index].id;
        let block = |head: u64| BlockNumber::new(head - PIVOT_BEHIND);
        let expected = [
            (id(4), block(long + 1)),
            (id(1), block(long)),
            (id(0), block(u64::MAX)),
            (id(3), block(STATE_BLOCKS_MIN)),
        ];
        let listening = Vec::new();
        assert_eq!(
            givers(&Peers {
                listening,
                connected: connected.clone()
            }),
            expected
        );
    }
}
