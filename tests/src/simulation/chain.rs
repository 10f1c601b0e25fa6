//! What stands in for execution: which blocks there are, which of them are valid, and who governs after each.
//!
//! A block holds nothing but a number that tells it from others. Its execution decides the next set (R10): a plan lets validators
//! join and leave at named heights, and whoever is proven to have broken the rules may be jailed by any block (R12).

use std::{cell::RefCell, collections::BTreeMap, num::NonZeroU64, sync::Arc};

use alloy_primitives::{B256, U256};
use ledger_chainspec::{
    AuthorityDigest, Block, BlockHash, BlockNumber, FinalityCertificate, Header, RecoveryOrder, RecoveryPoint,
    SealedHeader, SetId, Slot, StatementKind, ValidatorSet, ValidatorSetHash, digest_of, seal_hash, with_digest,
};
use ledger_mutants::{BuildRequest, ChainParams, FinalHead, Schedule, message::Place};

use super::keys::{self, Signatures, set_of};

/// Duration of a slot in virtual milliseconds.
pub const SLOT_MS: u64 = 1_000;
/// The slot of the genesis block; a run starts in the one after.
pub const GENESIS_SLOT: u64 = 1_000;
/// Slots between heartbeats: longer than a run, in which there is always work.
const HEARTBEAT_SLOTS: u64 = 10_000;
const GAS_LIMIT: u64 = 30_000_000;
/// The state root of a block that does not execute to its header.
const INVALID: B256 = B256::repeat_byte(0xff);

/// Of so many blocks one orders a recovery (R16).
const ORDERS_EVERY: u64 = 5;

/// The recovery that block `number` orders, if it does.
fn ordered(number: u64) -> Option<RecoveryOrder> {
    (number > 0 && number.is_multiple_of(ORDERS_EVERY)).then_some(RecoveryOrder {
        epoch: number / ORDERS_EVERY,
        checkpoint: 1,
    })
}

/// How a block changes the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// This validator joins, at the end of the schedule.
    Join(usize),
    /// This one leaves, or is jailed.
    Leave(usize),
}

/// A chain without execution.
pub struct Chain {
    /// What consensus knows of the chain.
    pub params: ChainParams,
    genesis: SealedHeader,
    first: Arc<ValidatorSet>,
    plan: BTreeMap<u64, Change>,
    signatures: Signatures,
    sets: RefCell<BTreeMap<ValidatorSetHash, Arc<ValidatorSet>>>,
}

impl Chain {
    /// A chain that the validators `members` govern at first.
    ///
    /// # Panics
    /// If `members` is empty.
    pub fn new(members: &[usize], plan: BTreeMap<u64, Change>, signatures: Signatures) -> Self {
        let header = Header {
            timestamp: GENESIS_SLOT * SLOT_MS / 1_000,
            gas_limit: GAS_LIMIT,
            base_fee_per_gas: Some(0),
            ..Header::default()
        };
        let genesis = SealedHeader::new(header);
        let params = ChainParams {
            genesis: genesis.hash.as_genesis(),
            schedule: Schedule::new(NonZeroU64::new(SLOT_MS).expect("a slot lasts")),
            heartbeat_slots: HEARTBEAT_SLOTS,
            transactions_per_slot: 100,
            gas_limit: GAS_LIMIT,
        };
        let first = set_of(SetId::new(0), members);
        let sets = RefCell::new(BTreeMap::from([(first.hash(), first.clone())]));
        Self {
            params,
            genesis,
            first,
            plan,
            signatures,
            sets,
        }
    }

    /// The genesis block as head.
    pub fn genesis_head(&self) -> FinalHead {
        FinalHead {
            header: self.genesis.clone(),
            certificate: None,
            signers: self.first.clone(),
            set: self.first.clone(),
            recovery: None,
        }
    }

    /// The head that a committed block makes on `parent`.
    pub fn head_after(&self, parent: &FinalHead, block: &Block, certificate: FinalityCertificate) -> FinalHead {
        let digest = digest_of(&block.header).expect("the engine checked the digest");
        let known = self.sets.borrow().get(&digest.next_set_hash).cloned();
        FinalHead {
            header: SealedHeader::new(block.header.clone()),
            certificate: Some(certificate),
            signers: parent.set.clone(),
            // A set that nobody computed is no set; the engine will say that it is not the one committed to.
            set: known.unwrap_or_else(|| parent.set.clone()),
            recovery: ordered(block.header.number),
        }
    }

    /// The set after block `number`, which `set` governs: as planned, else without the one who is `jailed`.
    fn next_set(&self, set: &Arc<ValidatorSet>, number: u64, jailed: Option<usize>) -> Arc<ValidatorSet> {
        let change = self.plan.get(&number).copied().or(jailed.map(Change::Leave));
        let mut members: Vec<usize> = set
            .iter()
            .filter_map(|one| keys::index_of(&one.consensus_key))
            .collect();
        match change {
            Some(Change::Join(index)) if !members.contains(&index) => members.push(index),
            // A set is never emptied.
            Some(Change::Leave(index)) if members.contains(&index) && members.len() > 1 => {
                members.retain(|member| *member != index);
            }
            Some(Change::Join(_) | Change::Leave(_)) | None => return set.clone(),
        }
        let next = set_of(set.id().next().expect("few changes"), &members);
        self.sets.borrow_mut().insert(next.hash(), next.clone());
        next
    }

    /// A block that `salt` tells from others of its slot, which jails `jailed` if the set is not to change anyway.
    pub fn build(&self, set: &Arc<ValidatorSet>, request: &BuildRequest, salt: u64, jailed: Option<usize>) -> Block {
        let number = request.parent.header.number + 1;
        let header = Header {
            parent_hash: request.parent.hash.get(),
            number,
            timestamp: request.timestamp,
            beneficiary: request.beneficiary,
            gas_limit: GAS_LIMIT,
            base_fee_per_gas: Some(0),
            state_root: B256::from(U256::from(salt)),
            // The root of no withdrawals is that of any empty list.
            withdrawals_root: Some(Header::default().transactions_root),
            ..Header::default()
        };
        let digest = AuthorityDigest {
            recovery: ordered(request.parent.header.number).map(|order| RecoveryPoint {
                order,
                height: BlockNumber::new(0),
                state_root: B256::ZERO,
            }),
            slot: request.slot,
            next_set_hash: self.next_set(set, number, jailed).hash(),
            parent_certificate: request.parent_certificate.clone(),
            seal: None,
        };
        Block {
            header: with_digest(header, &digest),
            transactions: Vec::new(),
        }
    }

    /// Does the block execute to its header on `parent`, where these validators are `proven` to have broken the rules?
    pub fn is_valid(&self, parent: &FinalHead, block: &Block, proven: impl IntoIterator<Item = usize>) -> bool {
        let Ok(digest) = digest_of(&block.header) else {
            return false;
        };
        let number = block.header.number;
        let is_next = |jailed| self.next_set(&parent.set, number, jailed).hash() == digest.next_set_hash;
        block.header.state_root != INVALID && (is_next(None) || proven.into_iter().any(|bad| is_next(Some(bad))))
    }

    /// Is the block a recovery block if its parent ordered one, and only then (R16)? Execution does not look at it here: the rule is
    /// the engine's.
    pub fn holds_to_orders(block: &Block) -> bool {
        let recovers = digest_of(&block.header).is_ok_and(|digest| digest.recovery.is_some());
        recovers == block.header.number.checked_sub(1).and_then(ordered).is_some()
    }

    /// `block` without its recovery.
    ///
    /// # Panics
    /// If the header has no digest.
    pub fn disobedient(block: Block) -> Block {
        let mut digest = digest_of(&block.header).expect("built with a digest");
        digest.recovery = None;
        Block {
            header: with_digest(block.header, &digest),
            ..block
        }
    }

    /// The request that the authority of `slot` would get on `head`.
    pub fn request(&self, head: &FinalHead, slot: Slot) -> BuildRequest {
        BuildRequest::on(head, &self.params, slot)
    }

    /// The place of statements on `head`.
    pub fn place(&self, head: &FinalHead) -> Place {
        head.place(self.params.genesis)
    }

    /// The block that does not execute to its header but is otherwise `block`.
    pub fn invalid(block: Block) -> Block {
        let header = Header {
            state_root: INVALID,
            ..block.header
        };
        Block { header, ..block }
    }

    /// The block under a seal of the validator `index` at `place`, with the statement that the seal signs.
    ///
    /// # Panics
    /// If the header has no digest.
    pub fn seal(&self, place: &Place, block: Block, index: usize) -> (Block, ledger_chainspec::Statement) {
        let mut digest = digest_of(&block.header).expect("built with a digest");
        let hash: BlockHash = seal_hash(&block.header, &digest);
        let statement = place.statement(StatementKind::Seal, digest.slot, hash, None);
        digest.seal = Some(keys::sign(self.signatures, index, &statement));
        let header = with_digest(block.header, &digest);
        (Block { header, ..block }, statement)
    }
}
