//! Is the open height decided, and what opens next (R5, R8, R10, R15)?

use std::{collections::BTreeSet, sync::Arc};

use ledger_chainspec::{Block, BlockHash, BlockNumber, FinalityCertificate, Slot, digest_of};

use super::{Engine, OpenHeight, Verdict, receiving::Hint};
use crate::{
    effect::{Alarm, Effect},
    equivocation::{Evidence, contradiction},
    error::HeadError,
    finality::Counting,
    guard_record::CertifiedCandidate,
    header_rules::{ChainParams, open_height, slot_of},
    input::{FinalHead, Origin},
    message::{Message, SignedStatement},
    rejection::Rejection,
};

impl Engine {
    /// Makes prevote certificates and the finality certificate out of the votes that have come, fetches the blocks that
    /// they are about, and has the newest one remembered with the next guard record.
    pub(super) fn collect_certificates(&mut self) {
        if !std::mem::take(&mut self.open.changed) {
            return;
        }
        let (place, rules) = (self.place(), self.rules);
        let counting = Counting {
            quorum: self.quorum(),
            rules,
        };
        for certificate in self
            .open
            .votes
            .new_certificates(&place, counting, &self.open.certificates)
        {
            self.open.certificates.insert(certificate);
        }
        if self.open.decided.is_none()
            && let Some(certificate) = self.open.votes.finality_certificate(&place, counting)
            && self.adopt(certificate).is_ok()
        {
            self.open.decided_here = true;
        }
        let Some((slot, hash)) = self.open.certificates.newest() else {
            return;
        };
        match self.candidate_block(hash) {
            None => self.fetch(hash),
            Some((block, _)) => {
                let certificates = self.open.certificates.justification(slot, hash);
                if let Some(voter) = &mut self.voter {
                    voter
                        .guard
                        .remember(place.set_id, place.height, CertifiedCandidate { certificates, block });
                }
            }
        }
    }

    /// Takes a verified certificate of the open height as the decision, unless a confirmed checkpoint says otherwise (R15).
    fn adopt(&mut self, certificate: FinalityCertificate) -> Result<(), Rejection> {
        let FinalityCertificate {
            height: number,
            hash: got,
            ..
        } = certificate;
        if let Some(confirmed) = self.checkpoints.contradicted_by(number, got) {
            if !std::mem::replace(&mut self.open.checkpoint_alarmed, true) {
                self.alarm(Alarm::CheckpointContradicted {
                    number,
                    local: got,
                    confirmed,
                });
            }
            return Err(Rejection::Checkpoint { number, got, confirmed });
        }
        self.open.decided = Some(certificate);
        Ok(())
    }

    /// Has the decided block committed once it is here and found valid.
    pub(super) fn try_finalize(&mut self) {
        let Some(certificate) = self.open.decided.clone() else {
            return;
        };
        if self.open.finalizing {
            return;
        }
        match self.candidate_block(certificate.hash) {
            None => self.fetch(certificate.hash),
            Some((_, Verdict::Unknown)) => {}
            Some((_, Verdict::Invalid)) => {
                let (number, hash) = (certificate.height, certificate.hash);
                self.halt(Alarm::CertifiedBlockInvalid { number, hash });
            }
            Some((block, Verdict::Valid | Verdict::Withheld)) => {
                self.open.finalizing = true;
                // One voice is enough: the authority of the slot tells those who missed a precommit.
                let authority = self.head.set.authority(certificate.slot).consensus_key;
                if self.open.decided_here && self.voter.as_ref().is_some_and(|voter| voter.key == authority) {
                    self.effects
                        .push(Effect::Broadcast(Message::Finality(certificate.clone())));
                }
                self.effects.push(Effect::Finalize { block, certificate });
            }
        }
    }

    fn fetch(&mut self, hash: BlockHash) {
        if self.open.fetching.len() < super::CANDIDATES_MAX && self.open.fetching.insert(hash) {
            self.effects.push(Effect::FetchBlock {
                number: open_height(&self.head),
                hash,
            });
        }
    }

    /// A finality certificate that a peer sent, or that a header carries.
    pub(super) fn on_finality(&mut self, from: Origin, certificate: FinalityCertificate) -> Result<(), Rejection> {
        let open = open_height(&self.head);
        let FinalityCertificate { height, hash, .. } = certificate;
        let conflicting = if height == open {
            self.open.decided.clone()
        } else if height == self.head.header.number() {
            self.head.certificate.clone()
        } else if height > open {
            return self.on_later_finality(from, &certificate);
        } else {
            return Err(Rejection::HeightFinal { height });
        };
        if conflicting.as_ref().is_some_and(|known| known.hash == hash) {
            return Ok(());
        }
        let set = if height == open {
            self.head.set.clone()
        } else {
            self.head.signers.clone()
        };
        self.rules.verify_finality(&certificate, self.params.genesis, &set)?;
        self.observe_certificate(&certificate, &set);
        match conflicting {
            Some(known) => {
                self.show_conflict(&known, &certificate);
                self.halt(Alarm::ConflictingCertificates {
                    number: height,
                    local: known.hash,
                    other: hash,
                });
                Ok(())
            }
            None if height == open => self.adopt(certificate),
            None => Err(Rejection::HeightFinal { height }),
        }
    }

    /// A certificate above the open height shows that this node is behind. It can be checked if the set is still the same.
    fn on_later_finality(&mut self, from: Origin, certificate: &FinalityCertificate) -> Result<(), Rejection> {
        let (height, open) = (certificate.height, open_height(&self.head));
        let proof = self
            .rules
            .verify_finality(certificate, self.params.genesis, &self.head.set);
        let hint = if proof.is_ok() { Hint::Proven } else { Hint::Claimed };
        self.catch_up(from, height, hint);
        Err(Rejection::HeightAhead { height, open })
    }

    /// Evidence against everybody who precommitted both blocks in one slot. Signers of different slots are found by their
    /// prevotes, which the finder has seen or somebody will show.
    fn show_conflict(&mut self, known: &FinalityCertificate, other: &FinalityCertificate) {
        let set = if known.set_id == self.head.set.id() {
            self.head.set.clone()
        } else {
            self.head.signers.clone()
        };
        let (a, b) = (
            known.statement(self.params.genesis),
            other.statement(self.params.genesis),
        );
        let Some(kind) = contradiction(&a, &b) else { return };
        for (index, signature) in &known.signatures {
            let second = other.signatures.iter().find(|(position, _)| position == index);
            if let (Some((_, second)), Some(validator)) = (second, set.get(usize::from(*index))) {
                let offender = validator.consensus_key;
                let first = SignedStatement {
                    statement: a,
                    signature: *signature,
                };
                let second = SignedStatement {
                    statement: b,
                    signature: *second,
                };
                self.effects.push(Effect::Evidence(Box::new(Evidence {
                    kind,
                    offender,
                    first,
                    second,
                })));
            }
        }
    }

    /// A block with its certificate, while catching up.
    pub(super) fn on_certified(
        &mut self,
        from: Origin,
        block: Arc<Block>,
        certificate: FinalityCertificate,
    ) -> Result<(), Rejection> {
        let open = open_height(&self.head);
        let height = certificate.height;
        if height < open {
            return Err(Rejection::HeightFinal { height });
        }
        if height > open {
            return Err(Rejection::HeightAhead { height, open });
        }
        let checked = self.context().check(block)?;
        if checked.hash() != certificate.hash {
            return Err(Rejection::NotAskedFor { hash: checked.hash() });
        }
        self.on_finality(from, certificate)?;
        self.keep_candidate(checked, Verdict::Unknown);
        Ok(())
    }

    /// The driver has committed a block: the next height opens, and the messages that came early for it are looked at.
    pub(super) fn on_imported(&mut self, head: FinalHead) {
        let number = head.header.number();
        if number <= self.head.header.number() {
            return;
        }
        match check_head(&head, &self.params) {
            Ok(slot) => self.head_slot = slot,
            Err(error) => return self.halt(Alarm::HeadRefused(error)),
        }
        if let (Some(voter), Some(certificate)) = (&mut self.voter, &head.certificate) {
            voter.guard.observe_final(certificate.slot, number);
        }
        if head.set.id() != self.head.set.id() {
            self.finder.retain(
                &head
                    .set
                    .iter()
                    .map(|validator| validator.consensus_key)
                    .collect::<BTreeSet<_>>(),
            );
        }
        self.checkpoints.reached(number);
        self.head = head;
        self.open = OpenHeight::default();
        for (from, message) in self.early.take() {
            self.on_message(from, message);
        }
    }

    pub(super) fn on_checkpoint(&mut self, number: BlockNumber, confirmed: BlockHash, local: Option<BlockHash>) {
        match local {
            Some(local) if local != confirmed => {
                self.halt(Alarm::CheckpointContradicted {
                    number,
                    local,
                    confirmed,
                });
            }
            None if number > self.head.header.number() => self.checkpoints.expect(number, confirmed),
            Some(_) | None => {}
        }
    }
}

/// Checks what a driver hands over as the newest final block, and returns its slot.
pub(crate) fn check_head(head: &FinalHead, params: &ChainParams) -> Result<Slot, HeadError> {
    let number = head.header.number();
    let unreadable = |source| HeadError::Digest { head: number, source };
    let slot = slot_of(&head.header.header, &params.schedule).map_err(unreadable)?;
    if number.get() == 0 {
        return Ok(slot);
    }
    if head
        .certificate
        .as_ref()
        .is_none_or(|certificate| certificate.hash != head.header.hash)
    {
        return Err(HeadError::NoCertificate { head: number });
    }
    let digest = digest_of(&head.header.header).map_err(unreadable)?;
    let given = head.set.hash();
    if digest.next_set_hash != given {
        return Err(HeadError::Set {
            head: number,
            committed: digest.next_set_hash,
            given,
        });
    }
    let (before, after) = (head.signers.id(), head.set.id());
    let is_counted = if after == before {
        head.set == head.signers
    } else {
        Some(after) == before.next()
    };
    if !is_counted {
        return Err(HeadError::SetNumber {
            head: number,
            before,
            after,
        });
    }
    Ok(slot)
}
