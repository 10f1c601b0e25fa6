//! Does every block follow the one before, and is it final by the word of the validators who were to decide?

use std::sync::Arc;

use alloy_consensus::transaction::SignerRecoverable;
use ledger_chainspec::{
    AuthorityDigest, BlockHash, BlockNumber, FinalityCertificate, SealedHeader, SetId, Statement, StatementKind,
    ValidatorSet, block_hash, digest_of, seal_hash,
};
use rayon::prelude::*;

use super::{Stage, Work};
use crate::{
    header, receipts,
    store::{CodeChange, CodeEnd, Head, StoredReceipt, TxLocation},
};

/// What the next block has to fit on.
struct Parent {
    number: BlockNumber,
    hash: BlockHash,
    /// The set that decided it.
    signers: Arc<ValidatorSet>,
    /// The set that decides the next block.
    next: Arc<ValidatorSet>,
}

impl Work<'_> {
    /// Follows the chain from genesis to `head`.
    pub(super) fn blocks(&mut self, head: &Head) {
        let oldest = self.store.oldest_block();
        let Some(mut parent) = self.before(oldest) else { return };
        let last = head.header.header.number;
        for number in (oldest.get()..=last).map(BlockNumber::new) {
            self.tell(Stage::Blocks, number.get(), Some(last));
            let place = format!("block {number}");
            let read = self.store.header(number);
            let Some(sealed) = self.report.read(&place, read) else {
                continue;
            };
            let Some(sealed) = sealed else {
                self.report.note(&place, "its header is missing");
                continue;
            };
            self.report.blocks += 1;
            self.header(&place, number, &sealed, &parent);
            self.body(&place, number, &sealed);
            parent = self.follow(&place, number, sealed, parent);
        }
        let place = format!("block {last}");
        match &head.certificate {
            Some(certificate) => self.certificate(&place, certificate, &parent),
            None if last == 0 => {}
            None => self.report.note(&place, "the head has no finality certificate"),
        }
        self.report.expect(
            "the head",
            "the validator set after it",
            head.set.hash(),
            parent.next.hash(),
        );
    }

    /// What the oldest block has to fit on: nothing but the specification under genesis, and else what that block says itself of
    /// its parent.
    fn before(&mut self, oldest: BlockNumber) -> Option<Parent> {
        let Some(number) = oldest.get().checked_sub(1).map(BlockNumber::new) else {
            let set = Arc::new(self.spec.validator_set());
            return Some(Parent {
                number: oldest,
                hash: BlockHash::new(self.store.identity().genesis.get()),
                signers: Arc::clone(&set),
                next: set,
            });
        };
        let place = format!("block {oldest}, the oldest");
        let read = self.store.header(oldest);
        let Some(header) = self.report.read(&place, read)? else {
            self.report.note(&place, "its header is missing");
            return None;
        };
        let (before, own) = (self.store.certificate(number), self.store.certificate(oldest));
        let before = self.report.read(&place, before)?;
        let own = self.report.read(&place, own)?;
        let [signers, next] = [before.or_else(|| own.clone()), own].map(|certificate| {
            let id = certificate.map(|certificate| certificate.set_id);
            let read = id.map_or(Ok(None), |id| self.store.validator_set(id));
            self.report.read(&place, read).flatten().map(Arc::new)
        });
        let (Some(signers), Some(next)) = (signers, next) else {
            self.report
                .note(&place, "the validator set that decided it or its parent is missing");
            return None;
        };
        Some(Parent {
            number,
            hash: BlockHash::new(header.header.parent_hash),
            signers,
            next,
        })
    }

    fn header(&mut self, place: &str, number: BlockNumber, sealed: &SealedHeader, parent: &Parent) {
        let SealedHeader { header, hash } = sealed;
        self.report
            .expect(place, "the hash of its header", block_hash(header), *hash);
        self.report.expect(place, "its number", header.number, number.get());
        if number.get() == 0 {
            self.report.expect(place, "its hash", *hash, parent.hash);
        } else {
            self.report
                .expect(place, "its parent", BlockHash::new(header.parent_hash), parent.hash);
        }
        let indexed = self.store.block_number(hash);
        if let Some(indexed) = self.report.read(place, indexed) {
            match indexed {
                Some(indexed) => self
                    .report
                    .expect(place, "the number indexed under its hash", indexed, number),
                None => self.report.note(place, "its hash is not indexed"),
            }
        }
    }

    /// Digest, seal and the parent's certificate; gives what the next block has to fit on.
    fn follow(&mut self, place: &str, number: BlockNumber, sealed: SealedHeader, parent: Parent) -> Parent {
        let SealedHeader { header, hash } = sealed;
        let (signers, mut next) = (Arc::clone(&parent.next), Arc::clone(&parent.next));
        match digest_of(&header) {
            Err(error) => self.report.note(place, error),
            Ok(digest) => {
                if number.get() > 0 {
                    self.seal(place, number, seal_hash(&header, &digest), (&digest, &signers));
                }
                match &digest.parent_certificate {
                    Some(certificate) => self.certificate(place, certificate, &parent),
                    None if number.get() <= 1 => {}
                    None => self.report.note(place, "the certificate of its parent is missing"),
                }
                if digest.next_set_hash != next.hash() {
                    next = self.set_after(place, &digest, next);
                }
            }
        }
        Parent {
            number,
            hash,
            signers,
            next,
        }
    }

    fn seal(&mut self, place: &str, number: BlockNumber, hash: BlockHash, by: (&AuthorityDigest, &ValidatorSet)) {
        let (digest, set) = by;
        let statement = Statement {
            genesis: self.store.identity().genesis,
            set_id: set.id(),
            height: number,
            slot: digest.slot,
            kind: StatementKind::Seal,
            hash,
            valid_slot: None,
        };
        let key = &set.authority(digest.slot).consensus_key;
        if !digest.seal.is_some_and(|seal| statement.verify(key, &seal)) {
            self.report
                .note(place, "its seal is not the signature of the slot's authority");
        }
    }

    /// Checks a certificate against the block that it has to make final.
    fn certificate(&mut self, place: &str, certificate: &FinalityCertificate, of: &Parent) {
        self.report.certificates += 1;
        self.report
            .expect(place, "the block that its certificate names", certificate.hash, of.hash);
        self.report.expect(
            place,
            "the height that its certificate names",
            certificate.height,
            of.number,
        );
        if let Err(error) = certificate.verify(self.store.identity().genesis, &of.signers) {
            self.report.note(place, error);
        }
    }

    /// The set that `digest` commits to, if it is stored as the successor of `before`.
    fn set_after(&mut self, place: &str, digest: &AuthorityDigest, before: Arc<ValidatorSet>) -> Arc<ValidatorSet> {
        let id = SetId::new(before.id().get().saturating_add(1));
        let read = self.store.validator_set(id);
        match self.report.read(place, read) {
            Some(Some(set)) if set.hash() == digest.next_set_hash => return Arc::new(set),
            Some(Some(set)) => {
                self.report.expect(
                    place,
                    "the stored validator set after it",
                    set.hash(),
                    digest.next_set_hash,
                );
            }
            Some(None) => self
                .report
                .note(place, format!("validator set {id}, which it begins, is missing")),
            None => {}
        }
        before
    }

    /// Transactions, receipts and their indexes against the roots in the header.
    fn body(&mut self, place: &str, number: BlockNumber, sealed: &SealedHeader) {
        let header = &sealed.header;
        let included = self.store.included(number);
        let Some(included) = self.report.read(place, included) else {
            return;
        };
        let (transactions, kept): (Vec<_>, Vec<_>) =
            included.into_iter().map(|one| (one.transaction, one.receipt)).unzip();
        self.report.transactions += transactions.len() as u64;
        let recovered: Vec<_> = transactions
            .par_iter()
            .map(|one| one.inner().recover_signer().ok())
            .collect();
        for ((index, transaction), sender) in (0_u32..).zip(&transactions).zip(recovered) {
            let place = format!("{place}, transaction {index}");
            if sender != Some(transaction.signer()) {
                self.report.note(&place, "its stored sender did not sign it");
            }
            let location = self.store.location(transaction.tx_hash());
            if let Some(location) = self.report.read(&place, location)
                && location != Some(TxLocation { block: number, index })
            {
                self.report.note(&place, format!("it is indexed at {location:?}"));
            }
        }
        let root = header::transactions_root(&transactions);
        self.report
            .expect(place, "the root of its transactions", root, header.transactions_root);

        let plain: Vec<_> = kept.iter().map(|receipt| receipt.receipt.clone()).collect();
        let (root, bloom) = receipts::root_and_bloom(&plain);
        self.report
            .expect(place, "the root of its receipts", root, header.receipts_root);
        self.report
            .expect(place, "the bloom of its logs", bloom, header.logs_bloom);
        let gas_used = plain.last().map_or(0, |receipt| receipt.cumulative_gas_used);
        self.report
            .expect(place, "the gas of its receipts", gas_used, header.gas_used);
        let is_left = self.store.left_by(number).is_some();
        for change in receipts::code_changes(&plain).into_iter().filter(|_| !is_left) {
            self.code_change(place, sealed, change);
        }
        self.derived(place, &receipts::stored(&transactions, plain), &kept);
    }

    /// What is kept beside a receipt follows from the receipts.
    fn derived(&mut self, place: &str, expected: &[StoredReceipt], kept: &[StoredReceipt]) {
        for (index, (expected, kept)) in expected.iter().zip(kept).enumerate() {
            if expected != kept {
                let what = "gas, first log or created contract of its receipt is wrong";
                self.report.note(format!("{place}, transaction {index}"), what);
            }
        }
    }

    fn code_change(&mut self, place: &str, sealed: &SealedHeader, change: CodeChange) {
        let (block, now) = (sealed.number(), sealed.header.timestamp);
        let (CodeChange::Issued { id, index, .. } | CodeChange::Ended { id, index, .. }) = change;
        let place = format!("{place}, promo code {id:#x}");
        let read = self.store.promo_code(&id);
        let Some(record) = self.report.read(&place, read) else {
            return;
        };
        let Some(record) = record else {
            let is_issued_before = self.store.oldest_block().get() > 0;
            match change {
                CodeChange::Ended { kind, member, .. } if is_issued_before => {
                    self.usage.ended(&id, now, (kind, member), None);
                }
                _ => self.report.note(&place, "it is not indexed"),
            }
            return;
        };
        let at = TxLocation { block, index };
        let is_right = match change {
            CodeChange::Issued { expires_at, .. } => {
                self.report.promo_codes += 1;
                self.usage.issued(&id, now, expires_at, None);
                record.issued == at
            }
            CodeChange::Ended { kind, member, .. } => {
                self.ended += 1;
                let issued = self.store.timestamp(record.issued.block);
                if let Some(issued) = self.report.read(&place, issued) {
                    let expires_at = self.usage.expiry(&id, issued);
                    self.usage.ended(&id, now, (kind, member), expires_at);
                }
                record.end == Some(CodeEnd { kind, at })
            }
        };
        if !is_right {
            self.report.note(
                &place,
                format!("{change:?} in block {block}, but indexed is {record:?}"),
            );
        }
    }
}
