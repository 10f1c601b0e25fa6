//! Who has voted for what at the open height, and do the votes make a certificate (R3, R4, R5)?
//!
//! The engine puts every verified vote in, and takes certificates out. Counts, and never judges: whether a vote may be cast
//! is asked in `voting`, whether two contradict each other in `equivocation`.

use std::collections::BTreeMap;

use ledger_chainspec::{
    BlockHash, CertificateError, FinalityCertificate, PrevoteCertificate, PrevoteSignature, Signature64, Slot,
    StatementKind, Vote,
};

use crate::{
    message::{JUSTIFICATION_CERTIFICATES_MAX, Place},
    rejection::Rejection,
    rules::Rules,
};

/// Slots before the current one whose votes are kept. Precommits that come later than this are made up for by proposing the
/// block again. Bounds the book to this many slots, two kinds and one vote per validator: some 2.5 MiB at 128 validators.
pub const VOTE_RETENTION_SLOTS: u64 = 64;

/// Most prevote certificates kept for the open height; the oldest goes first. A new one costs a slot with a quorum.
pub const CERTIFICATES_HELD_MAX: usize = 64;

const _: () = assert!(CERTIFICATES_HELD_MAX > JUSTIFICATION_CERTIFICATES_MAX);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cast {
    hash: BlockHash,
    valid_slot: Option<Slot>,
    signature: Signature64,
}

/// What became of a vote put into the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Insertion {
    /// It is the validator's first of its kind and slot.
    New,
    /// It is there already.
    Known,
    /// The validator's vote of this kind and slot is another one, which stays.
    Different,
}

/// How votes are counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counting {
    /// How many votes decide.
    pub(crate) quorum: usize,
    /// Which votes count.
    pub(crate) rules: Rules,
}

/// The votes of one height: one per validator, slot and kind.
#[derive(Debug, Default)]
pub(crate) struct VoteBook {
    prevotes: BTreeMap<Slot, BTreeMap<u16, Cast>>,
    precommits: BTreeMap<Slot, BTreeMap<u16, Cast>>,
}

impl VoteBook {
    /// What [`VoteBook::insert`] would say, so that a known vote need not be verified again.
    pub(crate) fn lookup(&self, index: u16, vote: &Vote) -> Insertion {
        let slots = if vote.kind == StatementKind::Prevote {
            &self.prevotes
        } else {
            &self.precommits
        };
        match slots.get(&vote.slot).and_then(|votes| votes.get(&index)) {
            None => Insertion::New,
            Some(cast) if cast.hash == vote.hash && cast.valid_slot == vote.valid_slot => Insertion::Known,
            Some(_) => Insertion::Different,
        }
    }

    /// Puts in the verified vote of the validator at `index`.
    pub(crate) fn insert(&mut self, index: u16, vote: &Vote) -> Insertion {
        let insertion = self.lookup(index, vote);
        if insertion == Insertion::New {
            let cast = Cast {
                hash: vote.hash,
                valid_slot: vote.valid_slot,
                signature: vote.signature,
            };
            let slots = if vote.kind == StatementKind::Prevote {
                &mut self.prevotes
            } else {
                &mut self.precommits
            };
            slots.entry(vote.slot).or_default().insert(index, cast);
        }
        insertion
    }

    /// Forgets the votes of slots before `oldest`.
    pub(crate) fn prune(&mut self, oldest: Slot) {
        self.prevotes = self.prevotes.split_off(&oldest);
        self.precommits = self.precommits.split_off(&oldest);
    }

    /// Every certificate that the prevotes make and that `held` lacks, oldest first. A vote that states a valid slot counts
    /// only if the certificate of that slot is held or was made just before (R3).
    pub(crate) fn new_certificates(
        &self,
        place: &Place,
        counting: Counting,
        held: &HeldCertificates,
    ) -> Vec<PrevoteCertificate> {
        let mut made: Vec<PrevoteCertificate> = Vec::new();
        for (slot, votes) in &self.prevotes {
            let mut by_hash: BTreeMap<BlockHash, Vec<PrevoteSignature>> = BTreeMap::new();
            for (index, cast) in votes {
                let is_held = |valid: Slot| {
                    held.holds(valid, cast.hash) || made.iter().any(|one| one.slot == valid && one.hash == cast.hash)
                };
                if cast
                    .valid_slot
                    .is_none_or(|valid| counting.rules.is_grounded(is_held(valid)))
                {
                    by_hash.entry(cast.hash).or_default().push(PrevoteSignature {
                        index: *index,
                        valid_slot: cast.valid_slot,
                        signature: cast.signature,
                    });
                }
            }
            for (hash, signatures) in by_hash {
                if signatures.len() >= counting.quorum && !held.holds(*slot, hash) {
                    let Place { set_id, height, .. } = *place;
                    made.push(PrevoteCertificate {
                        set_id,
                        height,
                        slot: *slot,
                        hash,
                        signatures,
                    });
                }
            }
        }
        made
    }

    /// The certificate of the oldest slot in which a quorum precommitted one block (R5).
    pub(crate) fn finality_certificate(&self, place: &Place, counting: Counting) -> Option<FinalityCertificate> {
        let deciding = if counting.rules.deciding_kind() == StatementKind::Prevote {
            &self.prevotes
        } else {
            &self.precommits
        };
        for (slot, votes) in deciding {
            let mut by_hash: BTreeMap<BlockHash, Vec<(u16, Signature64)>> = BTreeMap::new();
            for (index, cast) in votes {
                by_hash.entry(cast.hash).or_default().push((*index, cast.signature));
            }
            if let Some((hash, signatures)) = by_hash.into_iter().find(|(_, found)| found.len() >= counting.quorum) {
                let Place { set_id, height, .. } = *place;
                return Some(FinalityCertificate {
                    set_id,
                    height,
                    slot: *slot,
                    hash,
                    signatures,
                });
            }
        }
        None
    }

    /// The newest slot in which the validator at `index` voted.
    pub(crate) fn last_heard(&self, index: u16) -> Option<Slot> {
        let newest = |slots: &BTreeMap<Slot, BTreeMap<u16, Cast>>| {
            slots
                .iter()
                .rev()
                .find(|(_, votes)| votes.contains_key(&index))
                .map(|(slot, _)| *slot)
        };
        newest(&self.prevotes).max(newest(&self.precommits))
    }
}

/// The prevote certificates of one height that this node has verified.
#[derive(Debug, Default)]
pub(crate) struct HeldCertificates {
    held: BTreeMap<(Slot, BlockHash), PrevoteCertificate>,
}

impl HeldCertificates {
    pub(crate) fn holds(&self, slot: Slot, hash: BlockHash) -> bool {
        self.held.contains_key(&(slot, hash))
    }

    /// Is there any certificate for this block?
    pub(crate) fn certifies(&self, hash: BlockHash) -> bool {
        self.held.keys().any(|(_, certified)| *certified == hash)
    }

    /// The newest certificate's slot and block.
    pub(crate) fn newest(&self) -> Option<(Slot, BlockHash)> {
        self.held.last_key_value().map(|(key, _)| *key)
    }

    /// Blocks certified in `slot`.
    pub(crate) fn of_slot(&self, slot: Slot) -> impl Iterator<Item = BlockHash> + '_ {
        self.held
            .keys()
            .filter(move |(certified, _)| *certified == slot)
            .map(|(_, hash)| *hash)
    }

    pub(crate) fn insert(&mut self, certificate: PrevoteCertificate) {
        self.held.insert((certificate.slot, certificate.hash), certificate);
        while self.held.len() > CERTIFICATES_HELD_MAX {
            self.held.pop_first();
        }
    }

    /// The certificate of `slot` for `hash` and those that its votes state, directly or not, newest first; the oldest are
    /// left out beyond [`JUSTIFICATION_CERTIFICATES_MAX`].
    pub(crate) fn justification(&self, slot: Slot, hash: BlockHash) -> Vec<PrevoteCertificate> {
        let mut wanted = vec![slot];
        let mut found: BTreeMap<Slot, &PrevoteCertificate> = BTreeMap::new();
        while let Some(slot) = wanted.pop() {
            if let Some(certificate) = self.held.get(&(slot, hash))
                && found.insert(slot, certificate).is_none()
            {
                wanted.extend(
                    certificate
                        .signatures
                        .iter()
                        .filter_map(|signature| signature.valid_slot),
                );
            }
        }
        found
            .into_values()
            .rev()
            .take(JUSTIFICATION_CERTIFICATES_MAX)
            .cloned()
            .collect()
    }

    /// Checks certificates that somebody sent, newest first, and returns those that were not held, oldest first.
    ///
    /// Each slot that a vote states must be one whose certificate is held or part of the list, so that whoever stated a
    /// slot falsely is found (R12). A list as long as a list may be was cut off: there the oldest are taken on the word of
    /// their signers, on which safety does not depend.
    pub(crate) fn check_justification(
        &self,
        place: &Place,
        rules: Rules,
        certificates: &[PrevoteCertificate],
        verify: impl Fn(&PrevoteCertificate) -> Result<(), CertificateError>,
    ) -> Result<Vec<PrevoteCertificate>, Rejection> {
        let is_ordered = certificates
            .windows(2)
            .all(|pair| pair[0].slot > pair[1].slot && pair[0].hash == pair[1].hash);
        if certificates.is_empty() || certificates.len() > JUSTIFICATION_CERTIFICATES_MAX || !is_ordered {
            return Err(Rejection::Justification {
                certificates: certificates.len(),
            });
        }
        let is_cut = certificates.len() == JUSTIFICATION_CERTIFICATES_MAX;
        let mut unknown = Vec::new();
        for (position, certificate) in certificates.iter().enumerate().rev() {
            let PrevoteCertificate {
                set_id,
                height,
                slot,
                hash,
                ..
            } = *certificate;
            if height != place.height {
                return Err(Rejection::HeightFinal { height });
            }
            if set_id != place.set_id {
                return Err(Rejection::WrongSet {
                    got: set_id,
                    expected: place.set_id,
                });
            }
            if self.holds(slot, hash) {
                continue;
            }
            let older = &certificates[position + 1..];
            let missing = certificate
                .signatures
                .iter()
                .filter_map(|signature| signature.valid_slot)
                .find(|valid| {
                    let is_shown = self.holds(*valid, hash) || older.iter().any(|one| one.slot == *valid);
                    !rules.is_grounded(is_shown)
                });
            if let Some(valid_slot) = missing
                && !is_cut
            {
                return Err(Rejection::NotGrounded { slot, valid_slot });
            }
            verify(certificate)?;
            unknown.push(certificate.clone());
        }
        Ok(unknown)
    }
}
