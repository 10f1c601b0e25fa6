//! Which blocks lie on the history that the mainchain confirmed? Pure: spans and lists of hashes in, proven hashes out.
//!
//! A checkpoint anchors the hashes of all blocks since the one before it. A node that catches up asks for those hashes first, and takes
//! no block that is not among them: a history that contradicts a checkpoint is not begun, however many validators signed it. Above the
//! newest confirmed checkpoint nothing is said, and blocks count by their certificates alone.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use ledger_contracts::history::history_root;
use ledger_network::HASHES_PER_REQUEST_MAX;

use crate::anchor::Span;

/// Proven hashes ahead of the head; beyond them no more are asked for. A span that was begun is completed.
pub const HASHES_AHEAD_MAX: u64 = 4_096;

/// Longest span whose hashes are asked for: 8 MiB of them. Of a longer one only the checkpoint's own block is known.
pub const SPAN_BLOCKS_MAX: u64 = 1 << 18;

/// What is proven, and what is on its way.
#[derive(Debug, Default)]
pub struct Lineage {
    hashes: BTreeMap<u64, B256>,
    /// The last block of the newest span that is proven.
    through: u64,
    /// Hashes of the next span so far, all of one peer.
    gathered: Option<(Span, Vec<B256>)>,
}

/// What came of a peer's hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The span goes on.
    More,
    /// The span is proven.
    Proven,
    /// They are not the hashes that the checkpoint anchors.
    OtherHistory,
    /// The peer has not got them.
    Nothing,
}

impl Lineage {
    /// The head, before which nothing is of interest any more. What is confirmed may have changed.
    pub fn follow(&mut self, head: u64, is_confirmed: impl Fn(&Span) -> bool) {
        self.hashes = self.hashes.split_off(&head.saturating_add(1));
        if self
            .gathered
            .as_ref()
            .is_some_and(|(span, _)| span.to <= head || !is_confirmed(span))
        {
            self.gathered = None;
        }
    }

    /// The height after which the first span is that nothing is proven of.
    #[must_use]
    pub fn floor(&self, head: u64) -> u64 {
        self.through.max(head)
    }

    /// The highest block that may be asked for, with `next` as the first span above the floor; none if nothing says where it ends.
    #[must_use]
    pub fn bound(head: u64, next: Option<&Span>) -> Option<u64> {
        next.map(|next| next.from.saturating_sub(1).max(head))
    }

    /// The block to ask from, and the number of hashes, if those of the span `next` are wanted now.
    #[must_use]
    pub fn wanted(&self, head: u64, next: &Span) -> Option<(u64, u32)> {
        if next.from > head.saturating_add(HASHES_AHEAD_MAX) {
            return None;
        }
        let gathered = self.gathered.as_ref().filter(|(span, _)| span == next);
        let from = next.from + gathered.map_or(0, |(_, hashes)| hashes.len() as u64);
        let count = u32::try_from(next.to + 1 - from).unwrap_or(u32::MAX);
        Some((from, count.min(HASHES_PER_REQUEST_MAX)))
    }

    /// A peer's answer about a span, from the block on that was asked for.
    pub fn came(&mut self, span: Span, from: u64, hashes: Vec<B256>) -> Outcome {
        if hashes.is_empty() {
            return Outcome::Nothing;
        }
        let mut all = match self.gathered.take() {
            Some((of, all)) if of == span && of.from + all.len() as u64 == from => all,
            _ if span.from == from => Vec::new(),
            _ => return Outcome::Nothing,
        };
        all.extend(hashes);
        let size = usize::try_from(span.to + 1 - span.from).unwrap_or(usize::MAX);
        if all.len() < size {
            self.gathered = Some((span, all));
            return Outcome::More;
        }
        if all.len() > size || history_root(&all) != Some(span.history_root) || all.last() != Some(&span.hash) {
            return Outcome::OtherHistory;
        }
        self.hashes.extend((span.from..).zip(all));
        self.through = span.to;
        Outcome::Proven
    }

    /// What was gathered of a span is of a peer that went away, or has no more.
    pub fn begin_again(&mut self) {
        self.gathered = None;
    }

    /// A span that nobody can prove any more is left alone.
    pub fn skip(&mut self, span: &Span) {
        self.gathered = None;
        self.through = self.through.max(span.to);
    }

    /// The proven hash of a block, if that is another than `hash`.
    #[must_use]
    pub fn differs(&self, number: u64, hash: B256) -> Option<B256> {
        self.hashes.get(&number).copied().filter(|proven| *proven != hash)
    }

    /// Proven hashes of the blocks of a span.
    pub fn of_span(&self, span: &Span) -> impl Iterator<Item = (u64, B256)> + '_ {
        self.hashes
            .range(span.from..=span.to)
            .map(|(number, hash)| (*number, *hash))
    }
}

/// Whether the hashes of a span are few enough to be asked for.
#[must_use]
pub const fn is_provable(span: &Span) -> bool {
    span.to - span.from < SPAN_BLOCKS_MAX
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;

    fn hashes(name: &str, from: u64, to: u64) -> Vec<B256> {
        (from..=to)
            .map(|number| keccak256(format!("{name} {number}")))
            .collect()
    }

    fn span(index: u64, from: u64, to: u64) -> Span {
        let all = hashes("good", from, to);
        Span {
            index,
            from,
            to,
            hash: all[all.len() - 1],
            history_root: history_root(&all).unwrap(),
        }
    }

    #[test]
    fn blocks_are_asked_for_as_far_as_they_are_proven_and_freely_above_the_last_checkpoint() {
        let (one, two) = (span(1, 1, 10), span(2, 11, 20));
        let mut lineage = Lineage::default();
        assert_eq!(Lineage::bound(lineage.floor(0), Some(&one)), Some(0));
        assert_eq!(lineage.wanted(0, &one), Some((1, 10)));
        assert_eq!(lineage.came(one, 1, hashes("good", 1, 10)), Outcome::Proven);
        assert_eq!(lineage.floor(0), 10);
        assert_eq!(Lineage::bound(0, Some(&two)), Some(10));
        assert_eq!(lineage.wanted(0, &two), Some((11, 10)));
        assert_eq!(lineage.came(two, 11, hashes("good", 11, 20)), Outcome::Proven);
        assert_eq!(lineage.floor(0), 20);
        assert_eq!(Lineage::bound(0, None), None);
        assert_eq!(lineage.differs(7, hashes("good", 7, 7)[0]), None);
        assert_eq!(
            lineage.differs(7, hashes("other", 7, 7)[0]),
            Some(hashes("good", 7, 7)[0])
        );
        assert_eq!(lineage.differs(21, hashes("other", 21, 21)[0]), None);
        assert_eq!(
            lineage.wanted(0, &span(3, HASHES_AHEAD_MAX + 1, HASHES_AHEAD_MAX + 2)),
            None
        );
    }

    #[test]
    fn hashes_of_another_history_prove_nothing_wherever_they_differ() {
        for wrong in 1..=10_usize {
            let mut lineage = Lineage::default();
            let mut given = hashes("good", 1, 10);
            given[wrong - 1] = keccak256("other");
            assert_eq!(lineage.came(span(1, 1, 10), 1, given), Outcome::OtherHistory, "{wrong}");
            assert_eq!(lineage.floor(0), 0);
        }
        let mut lineage = Lineage::default();
        assert_eq!(
            lineage.came(span(1, 1, 10), 1, hashes("good", 1, 11)),
            Outcome::OtherHistory
        );
        // Right hashes, another block at the checkpoint's height: the contract holds what validators signed, sense or not.
        let odd = Span {
            hash: B256::ZERO,
            ..span(1, 1, 10)
        };
        assert_eq!(lineage.came(odd, 1, hashes("good", 1, 10)), Outcome::OtherHistory);
    }

    #[test]
    fn a_span_comes_in_parts_of_one_peer_and_begins_again_with_the_next() {
        let one = span(1, 1, 10);
        let mut lineage = Lineage::default();
        assert_eq!(lineage.came(one, 1, hashes("good", 1, 4)), Outcome::More);
        assert_eq!(lineage.wanted(0, &one), Some((5, 6)));
        lineage.begin_again();
        assert_eq!(lineage.wanted(0, &one), Some((1, 10)));
        assert_eq!(lineage.came(one, 5, hashes("good", 5, 10)), Outcome::Nothing);
        assert_eq!(lineage.came(one, 1, Vec::new()), Outcome::Nothing);
        assert_eq!(lineage.came(one, 1, hashes("good", 1, 4)), Outcome::More);
        assert_eq!(lineage.came(one, 5, hashes("good", 5, 10)), Outcome::Proven);
    }

    #[test]
    fn in_the_middle_of_a_span_the_head_waits_and_what_is_left_alone_or_too_long_holds_nobody_up() {
        let mut lineage = Lineage::default();
        let one = span(1, 1, 10);
        assert_eq!(Lineage::bound(4, Some(&one)), Some(4));
        lineage.skip(&one);
        assert_eq!(lineage.floor(4), 10);
        let long = Span {
            to: one.from + SPAN_BLOCKS_MAX,
            ..one
        };
        assert!(is_provable(&one) && !is_provable(&long));
    }
}
