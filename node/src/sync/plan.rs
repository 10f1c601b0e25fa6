//! Which blocks to ask which peer for, and what to import next? Pure: facts in, steps out, told the time.
//!
//! Pieces are asked for in order, one from each peer at a time, a bounded way ahead of what is imported. A piece that fails is asked for again
//! from somebody else before anything new. A peer that failed is left alone for a while, longer each time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ledger_chainspec::BlockNumber;
use ledger_network::PeerId;

/// Most blocks of one piece.
pub const PIECE_BLOCKS_MAX: u32 = 64;
/// Pieces that are asked for or wait for their turn, beyond the one that is imported. With the longest responses this bounds
/// memory to some 64 MiB.
pub const PIECES_AHEAD_MAX: usize = 8;
/// How long a peer that failed is left alone the first time; twice as long each time after.
pub const PAUSE_MIN: Duration = Duration::from_secs(2);
/// How long at most.
pub const PAUSE_MAX: Duration = Duration::from_secs(120);

/// What a peer says that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The peer.
    pub peer: PeerId,
    /// Its oldest block.
    pub oldest: BlockNumber,
    /// Its newest.
    pub head: BlockNumber,
}

/// Consecutive blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Piece {
    /// The first one.
    pub from: u64,
    /// How many.
    pub count: u32,
}

impl Piece {
    /// The block after it; peers may claim any number of blocks, up to the last that there could be.
    const fn end(self) -> u64 {
        self.from.saturating_add(self.count as u64)
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// Ask this peer for this piece.
    Ask(PeerId, Piece),
    /// Import what this peer gave.
    Import(PeerId, Piece, T),
}

/// Where it stands. `T` is what a piece holds once it is here.
#[derive(Debug)]
pub struct Plan<T> {
    head: u64,
    target: u64,
    /// No block above this one is asked for.
    bound: u64,
    asked: BTreeMap<PeerId, Piece>,
    again: BTreeSet<Piece>,
    next: u64,
    here: BTreeMap<u64, (PeerId, Piece, T)>,
    importing: Option<(PeerId, Piece)>,
    pauses: BTreeMap<PeerId, (Duration, Duration)>,
}

impl<T> Plan<T> {
    /// Nothing to get yet, from the head on.
    #[must_use]
    pub const fn new(head: BlockNumber) -> Self {
        Self {
            head: head.get(),
            target: head.get(),
            bound: u64::MAX,
            asked: BTreeMap::new(),
            again: BTreeSet::new(),
            next: head.get() + 1,
            here: BTreeMap::new(),
            importing: None,
            pauses: BTreeMap::new(),
        }
    }

    /// The newest block that is to be got.
    #[must_use]
    pub const fn target(&self) -> BlockNumber {
        BlockNumber::new(self.target)
    }

    /// The newest block that is here.
    #[must_use]
    pub const fn head(&self) -> BlockNumber {
        BlockNumber::new(self.head)
    }

    /// Whether everything is here that is to be got.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.head >= self.target
    }

    /// Whether nothing is asked for and nothing imported.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.asked.is_empty() && self.importing.is_none()
    }

    /// Blocks up to `through` are to be got.
    pub fn aim(&mut self, through: BlockNumber) {
        self.target = self.target.max(through.get());
    }

    /// No block above this one may be asked for; none if any may.
    pub fn bind(&mut self, bound: Option<u64>) {
        self.bound = bound.unwrap_or(u64::MAX);
    }

    /// Nobody can give more than `through`: what was aimed at beyond it was a false claim.
    pub fn lower(&mut self, through: BlockNumber) {
        self.target = self.target.min(through.get().max(self.head));
    }

    /// The head, which consensus may have moved by itself.
    pub fn follow(&mut self, head: BlockNumber) {
        let head = head.get();
        if head <= self.head {
            return;
        }
        self.head = head;
        self.target = self.target.max(head);
        self.next = self.next.max(head + 1);
        self.here.retain(|_, (_, piece, _)| piece.end() > head + 1);
        self.again.retain(|piece| piece.end() > head + 1);
    }

    /// What to do at `now`, given who has what. Whoever calls does it, and calls again after each outcome.
    pub fn steps(&mut self, sources: &[Source], now: Duration) -> Vec<Step<T>> {
        // Peers come and go: after as long again the pause is no longer of account.
        self.pauses.retain(|_, (until, length)| *until + *length > now);
        let mut steps = Vec::new();
        if self.importing.is_none()
            && let Some((peer, piece, content)) = self.next_here()
        {
            self.importing = Some((peer, piece));
            steps.push(Step::Import(peer, piece, content));
        }
        for source in sources {
            let is_free = !self.asked.contains_key(&source.peer)
                && self.pauses.get(&source.peer).is_none_or(|(until, _)| *until <= now);
            if is_free && let Some(piece) = self.piece_for(source) {
                self.asked.insert(source.peer, piece);
                steps.push(Step::Ask(source.peer, piece));
            }
        }
        steps
    }

    /// When after `now` a peer that is left alone may be asked again, if that is what it waits for.
    #[must_use]
    pub fn retry_at(&self, now: Duration) -> Option<Duration> {
        let until = self.pauses.values().map(|(until, _)| *until);
        until.filter(|until| *until > now && !self.is_done()).min()
    }

    /// The peer gave the first `got` blocks of what it was asked for, with this content; the rest is asked for again. None at
    /// all is for [`Self::failed`].
    pub fn came(&mut self, peer: PeerId, got: u32, content: T) {
        let Some(piece) = self.asked.remove(&peer) else { return };
        let got = got.min(piece.count);
        if got == 0 {
            self.again.insert(piece);
            return;
        }
        if got < piece.count {
            self.again.insert(Piece {
                from: piece.from + u64::from(got),
                count: piece.count - got,
            });
        }
        self.pauses.remove(&peer);
        let given = Piece { count: got, ..piece };
        self.here.insert(given.from, (peer, given, content));
    }

    /// The peer gave nothing, at `now`: somebody else is asked, and it is left alone for a while.
    pub fn failed(&mut self, peer: PeerId, now: Duration) {
        if let Some(piece) = self.asked.remove(&peer) {
            self.again.insert(piece);
        }
        self.pause(peer, now);
    }

    /// The peer gave what it gave too slowly or in crumbs, at `now`: others go first for a while.
    pub fn dripped(&mut self, peer: PeerId, now: Duration) {
        self.pauses.insert(peer, (now + PAUSE_MIN, PAUSE_MIN));
    }

    /// What was imported has ended with this head; `wrong` if a block of it keeps no rule, at `now`. Gives the peer it was of.
    pub fn imported(&mut self, head: BlockNumber, wrong: bool, now: Duration) -> Option<PeerId> {
        let (peer, piece) = self.importing.take()?;
        self.follow(head);
        if piece.end() > self.head + 1 {
            let from = piece.from.max(self.head + 1);
            let count = u32::try_from(piece.end() - from).unwrap_or(piece.count);
            self.again.insert(Piece { from, count });
        }
        if wrong {
            // Nothing else of this peer is believed either.
            let distrusted: Vec<u64> = self
                .here
                .iter()
                .filter(|(_, (from, ..))| *from == peer)
                .map(|(from, _)| *from)
                .collect();
            for from in distrusted {
                if let Some((_, piece, _)) = self.here.remove(&from) {
                    self.again.insert(piece);
                }
            }
            self.pause(peer, now);
        }
        Some(peer)
    }

    fn pause(&mut self, peer: PeerId, now: Duration) {
        let last = self.pauses.get(&peer).map_or(PAUSE_MIN / 2, |(_, length)| *length);
        let length = (last * 2).min(PAUSE_MAX);
        self.pauses.insert(peer, (now + length, length));
    }

    fn next_here(&mut self) -> Option<(PeerId, Piece, T)> {
        let (from, (_, piece, _)) = self.here.first_key_value()?;
        let follows = *from <= self.head + 1 && piece.end() > self.head + 1;
        follows
            .then(|| self.here.pop_first().map(|(_, content)| content))
            .flatten()
    }

    /// A piece that this source can give: one that has to be asked for again, or the next one.
    fn piece_for(&mut self, source: &Source) -> Option<Piece> {
        let has = |from: u64| source.oldest.get() <= from && from <= source.head.get();
        let whole = self.again.iter().find(|piece| has(piece.from)).copied();
        if let Some(piece) = whole {
            self.again.remove(&piece);
            // A source that has a part of it gives that, and the rest stays to be asked for.
            let count = u32::try_from((source.head.get() - piece.from).saturating_add(1)).unwrap_or(u32::MAX);
            if count < piece.count {
                self.again.insert(Piece {
                    from: piece.from + u64::from(count),
                    count: piece.count - count,
                });
            }
            return Some(Piece {
                count: piece.count.min(count),
                ..piece
            });
        }
        let ahead = self.asked.len() + self.here.len() + self.again.len();
        let last = self.target.min(source.head.get()).min(self.bound);
        if ahead >= PIECES_AHEAD_MAX || self.next > last || !has(self.next) {
            return None;
        }
        let rest = (last - self.next).saturating_add(1);
        let count = u32::try_from(rest).map_or(PIECE_BLOCKS_MAX, |rest| rest.min(PIECE_BLOCKS_MAX));
        let piece = Piece { from: self.next, count };
        self.next = piece.end();
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(peer: PeerId, head: u64) -> Source {
        Source {
            peer,
            oldest: BlockNumber::new(1),
            head: BlockNumber::new(head),
        }
    }

    const fn piece(from: u64, count: u32) -> Piece {
        Piece { from, count }
    }

    fn plan(through: u64) -> Plan<&'static str> {
        let mut plan = Plan::new(BlockNumber::new(0));
        plan.aim(BlockNumber::new(through));
        plan
    }

    const ZERO: Duration = Duration::ZERO;

    #[test]
    fn several_peers_give_pieces_that_are_imported_in_order() {
        let (a, b) = (PeerId::random(), PeerId::random());
        let sources = [source(a, 100), source(b, 100)];
        let mut plan = plan(100);
        assert_eq!(
            plan.steps(&sources, ZERO),
            [Step::Ask(a, piece(1, 64)), Step::Ask(b, piece(65, 36))]
        );
        plan.came(b, 36, "second");
        assert!(plan.steps(&sources, ZERO).is_empty(), "the first piece is not here yet");
        plan.came(a, 64, "first");
        assert_eq!(plan.steps(&sources, ZERO), [Step::Import(a, piece(1, 64), "first")]);
        plan.imported(BlockNumber::new(64), false, ZERO);
        assert_eq!(plan.steps(&sources, ZERO), [Step::Import(b, piece(65, 36), "second")]);
        plan.imported(BlockNumber::new(100), false, ZERO);
        assert!(plan.is_done() && plan.is_idle());
    }

    #[test]
    fn what_a_peer_does_not_give_is_asked_of_another_and_the_peer_is_left_alone() {
        let (a, b) = (PeerId::random(), PeerId::random());
        let mut plan = plan(10);
        assert_eq!(plan.steps(&[source(a, 10)], ZERO), [Step::Ask(a, piece(1, 10))]);
        plan.failed(a, ZERO);
        let both = [source(a, 10), source(b, 10)];
        assert_eq!(plan.steps(&both, ZERO), [Step::Ask(b, piece(1, 10))]);
        plan.failed(b, ZERO);
        assert!(plan.steps(&both, ZERO).is_empty());
        assert_eq!(plan.retry_at(ZERO), Some(PAUSE_MIN));
        assert_eq!(plan.steps(&both, PAUSE_MIN), [Step::Ask(a, piece(1, 10))]);
        plan.failed(a, PAUSE_MIN);
        assert!(plan.pauses[&a].0 >= PAUSE_MIN * 3, "longer each time");
    }

    #[test]
    fn a_part_of_a_piece_is_taken_and_the_rest_asked_for_again() {
        let a = PeerId::random();
        let mut plan = plan(10);
        plan.steps(&[source(a, 10)], ZERO);
        plan.came(a, 4, "part");
        let steps = plan.steps(&[source(a, 10)], ZERO);
        assert_eq!(steps, [Step::Import(a, piece(1, 4), "part"), Step::Ask(a, piece(5, 6))]);
    }

    #[test]
    fn a_wrong_block_discredits_everything_of_its_peer() {
        let (a, b) = (PeerId::random(), PeerId::random());
        let mut plan = plan(192);
        let sources = [source(a, 192), source(b, 192)];
        plan.steps(&sources, ZERO);
        plan.came(a, 64, "first");
        assert_eq!(plan.steps(&[source(a, 192)], ZERO).len(), 2);
        plan.came(a, 64, "third");
        plan.imported(BlockNumber::new(20), true, ZERO);
        assert!(plan.here.is_empty());
        plan.failed(b, ZERO);
        let asked = plan.steps(&sources, PAUSE_MIN * 4);
        assert_eq!(asked, [Step::Ask(a, piece(21, 44)), Step::Ask(b, piece(65, 64))]);
        assert_eq!(plan.head(), BlockNumber::new(20));
    }

    #[test]
    fn nobody_is_asked_for_what_he_has_not_and_pieces_ahead_are_bounded() {
        let peers: Vec<_> = (0..20).map(|_| PeerId::random()).collect();
        let mut plan = plan(100_000);
        let sources: Vec<_> = peers.iter().map(|peer| source(*peer, 100_000)).collect();
        assert_eq!(plan.steps(&sources, ZERO).len(), PIECES_AHEAD_MAX);
        let late = Source {
            oldest: BlockNumber::new(50_000),
            ..source(PeerId::random(), 100_000)
        };
        let mut plan = Plan::<&str>::new(BlockNumber::new(0));
        plan.aim(BlockNumber::new(100));
        assert!(plan.steps(&[late], ZERO).is_empty());
    }

    #[test]
    fn a_claim_of_every_block_that_there_could_be_is_asked_for_like_any_other() {
        let (a, b) = (PeerId::random(), PeerId::random());
        let mut plan = plan(u64::MAX);
        assert_eq!(plan.steps(&[source(a, u64::MAX)], ZERO), [Step::Ask(a, piece(1, 64))]);
        plan.failed(a, ZERO);
        assert_eq!(plan.steps(&[source(b, u64::MAX)], ZERO), [Step::Ask(b, piece(1, 64))]);
        plan.failed(b, ZERO);
        plan.next = u64::MAX;
        plan.again.clear();
        assert_eq!(plan.steps(&[source(a, u64::MAX)], PAUSE_MIN).len(), 1);
    }

    #[test]
    fn who_drips_comes_after_others_and_a_pause_that_is_over_hides_no_other() {
        let (a, b) = (PeerId::random(), PeerId::random());
        let mut plan = plan(10);
        plan.steps(&[source(a, 10)], ZERO);
        plan.came(a, 1, "crumb");
        plan.dripped(a, ZERO);
        let steps = plan.steps(&[source(a, 10), source(b, 10)], ZERO);
        assert_eq!(
            steps,
            [Step::Import(a, piece(1, 1), "crumb"), Step::Ask(b, piece(2, 9))]
        );
        plan.failed(b, PAUSE_MIN);
        assert_eq!(plan.retry_at(PAUSE_MIN), Some(PAUSE_MIN * 2));
        plan.steps(&[], PAUSE_MAX * 3);
        assert!(plan.pauses.is_empty());
    }

    #[test]
    fn what_consensus_imports_by_itself_is_not_imported_again() {
        let a = PeerId::random();
        let mut plan = plan(10);
        plan.steps(&[source(a, 10)], ZERO);
        plan.came(a, 10, "all");
        plan.follow(BlockNumber::new(10));
        assert!(plan.steps(&[source(a, 10)], ZERO).is_empty());
        assert!(plan.is_done());
    }
}
