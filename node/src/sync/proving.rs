//! Asks peers which history is theirs, wherever the mainchain has confirmed one.
//!
//! The I/O around [`Lineage`]: one list of hashes is asked for at a time, from one peer after the other. A peer whose history contradicts a
//! checkpoint is named, reported, and asked for nothing for a while.

use std::{collections::BTreeMap, time::Duration};

use alloy_primitives::B256;
use ledger_chainspec::BlockNumber;
use ledger_network::{Misbehaviour, NetworkHandle, PeerId, Request, RequestError, Response};
use tokio::{task::JoinSet, time::Instant};
use tracing::{debug, error, info, warn};

use super::{
    lineage::{Lineage, Outcome, is_provable},
    plan::Source,
};
use crate::anchor::{Confirmed, Contradiction, Reading, Span};

/// How long a peer is not asked for hashes after it gave none.
const SHY_FOR: Duration = Duration::from_secs(5);

/// How long a peer of another history is asked for nothing: its operator may set it right.
const STRANGE_FOR: Duration = Duration::from_secs(600);

/// A peer's answer.
pub(super) struct Proof {
    peer: PeerId,
    span: Span,
    from: u64,
    result: Result<Response, RequestError>,
}

/// What is proven, and who is asked.
#[derive(Default)]
pub(super) struct Prover {
    lineage: Lineage,
    pub(super) asked: JoinSet<Proof>,
    /// Whose hashes are gathered.
    giver: Option<PeerId>,
    shy: BTreeMap<PeerId, Instant>,
    strangers: BTreeMap<PeerId, Instant>,
    is_waiting: bool,
}

impl Prover {
    /// Whether nothing may be asked for yet: a node that has nothing does not choose a history before it knows what is confirmed.
    pub(super) fn waits(&mut self, confirmed: &Confirmed, head: BlockNumber) -> bool {
        let waits = head.get() == 0 && confirmed.reading() == Reading::Unread;
        if waits && !std::mem::replace(&mut self.is_waiting, true) {
            warn!(
                target: "ledger::sync",
                "the mainchain has to be read before a history is chosen; start without --mainchain to trust the peers alone"
            );
        }
        waits
    }

    /// Whether this peer's history is another than the one that is confirmed.
    pub(super) fn is_strange(&self, peer: PeerId) -> bool {
        self.strangers.contains_key(&peer)
    }

    /// The first span above the head that nothing is proven of.
    fn next(&mut self, confirmed: &Confirmed, head: u64) -> Option<Span> {
        loop {
            let next = confirmed.above(self.lineage.floor(head), 1).pop()?;
            if is_provable(&next) {
                return Some(next);
            }
            self.lineage.skip(&next);
        }
    }

    /// Asks for what is not proven. Gives the highest block that may be asked for; none if any may.
    pub(super) fn prove(
        &mut self,
        (network, confirmed): (&NetworkHandle, &Confirmed),
        head: BlockNumber,
        sources: &[Source],
    ) -> Option<u64> {
        let (now, head) = (Instant::now(), head.get());
        self.shy.retain(|_, until| *until > now);
        self.strangers.retain(|_, until| *until > now);
        self.lineage
            .follow(head, |span| confirmed.above(span.to - 1, 1).first() == Some(span));
        let next = self.next(confirmed, head)?;
        let bound = Lineage::bound(head, Some(&next));
        let Some((from, count)) = self.lineage.wanted(head, &next).filter(|_| self.asked.is_empty()) else {
            return bound;
        };
        let has = |source: &&Source| source.oldest.get() <= next.from && source.head.get() >= next.to;
        let mut with_span = sources.iter().filter(has).peekable();
        if next.from <= head && with_span.peek().is_none() && !sources.is_empty() {
            // Nobody has its first blocks any more, and this node does not need them. The checkpoint's own block is checked all the same.
            debug!(target: "ledger::sync", checkpoint = next.index, "no peer has all blocks of this checkpoint");
            self.lineage.skip(&next);
            return Lineage::bound(head, self.next(confirmed, head).as_ref());
        }
        let giver = match self.giver {
            Some(giver) if with_span.clone().any(|source| source.peer == giver) => Some(giver),
            _ => with_span
                .map(|source| source.peer)
                .find(|peer| !self.shy.contains_key(peer) && !self.strangers.contains_key(peer)),
        };
        let Some(peer) = giver else { return bound };
        let from = if self.giver == Some(peer) {
            from
        } else {
            self.lineage.begin_again();
            next.from
        };
        self.giver = Some(peer);
        let network = network.clone();
        self.asked.spawn(async move {
            let request = Request::Hashes {
                from: BlockNumber::new(from),
                count,
            };
            let result = network.request(peer, request).await;
            Proof {
                peer,
                span: next,
                from,
                result,
            }
        });
        bound
    }

    /// Takes an answer. Gives the proven hashes of a whole span.
    pub(super) fn take(&mut self, network: &NetworkHandle, proof: Proof) -> Vec<(u64, B256)> {
        let Proof {
            peer,
            span,
            from,
            result,
        } = proof;
        let outcome = match result {
            Ok(Response::Hashes(hashes)) => self.lineage.came(span, from, hashes),
            other => {
                debug!(target: "ledger::sync", %peer, ?other, "no hashes from a peer");
                Outcome::Nothing
            }
        };
        match outcome {
            Outcome::More => {}
            Outcome::Proven => {
                info!(
                    target: "ledger::sync", checkpoint = span.index, through = span.to, %peer,
                    "the blocks up to this checkpoint are known"
                );
                return self.lineage.of_span(&span).collect();
            }
            Outcome::Nothing => {
                self.giver = None;
                self.lineage.begin_again();
                self.shy.insert(peer, Instant::now() + SHY_FOR);
            }
            Outcome::OtherHistory => {
                error!(
                    target: "ledger::sync", %peer, checkpoint = span.index, height = span.to, anchored = %span.hash,
                    "a peer's history contradicts a checkpoint on the mainchain: it is left alone"
                );
                self.estrange(network, peer);
            }
        }
        Vec::new()
    }

    /// The first of a peer's blocks that is not the proven one.
    pub(super) fn contradiction(
        &self,
        confirmed: &Confirmed,
        blocks: impl Iterator<Item = (u64, B256)>,
    ) -> Option<Contradiction> {
        let differs = |(number, hash)| Some((number, hash, self.lineage.differs(number, hash)?));
        let (number, got, anchored) = blocks.filter_map(differs).next()?;
        Some(confirmed.named(number, got, anchored))
    }

    /// A peer gave blocks of another history.
    pub(super) fn estrange(&mut self, network: &NetworkHandle, peer: PeerId) {
        self.giver = self.giver.filter(|giver| *giver != peer);
        self.strangers.insert(peer, Instant::now() + STRANGE_FOR);
        network.report(peer, Misbehaviour::WrongBlock);
    }

    /// When somebody can be asked again.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.shy.values().min().copied()
    }
}
