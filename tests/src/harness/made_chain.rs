//! A chain of development validators that is made in a folder, block by block, as fast as this machine does: for nodes that have a long chain
//! to catch up with.
//!
//! Used by the tests and the measurements of catching up. The validators' keys are the public ones of development; whatever follows the chain
//! checks it as any other.

use std::{path::Path, sync::Arc};

use alloy_consensus::transaction::{Recovered, SignerRecoverable};
use alloy_primitives::{B256, Bytes, U256};
use ledger_chainspec::{
    Block, BlockNumber, ChainSpec, FinalityCertificate, Month, Slot, Statement, StatementKind, Transaction,
    decode_transaction, dev_keys,
};
use ledger_runtime::{Executed, IncomingBlock, ProduceInputs, Runtime, RuntimeOptions};
use rayon::prelude::*;

use super::{Account, promo};

/// The chain of a node that is not running, in the folder that a [`Node`](super::Node) is started in.
#[derive(Debug)]
pub struct MadeChain {
    runtime: Runtime,
}

impl MadeChain {
    /// Opens it, or begins it.
    ///
    /// # Panics
    /// If a node runs on it, or the disk refuses.
    pub fn open(folder: &Path, spec: &Arc<ChainSpec>) -> Self {
        let data = folder.join("data");
        std::fs::create_dir_all(&data).expect("the folder can be made");
        let options = RuntimeOptions::new(data.join("chain"), Arc::clone(spec));
        Self {
            runtime: Runtime::open(options).expect("the chain opens"),
        }
    }

    /// The slot of the newest block.
    pub fn slot(&self) -> Slot {
        self.runtime.head().slot
    }

    /// Number of the set that decides the next block.
    pub fn set_id(&self) -> u64 {
        self.runtime.head().set.id().get()
    }

    /// Hash and state root of the block at `height`.
    ///
    /// # Panics
    /// If there is none.
    pub fn block_at(&self, height: u64) -> (B256, B256) {
        let header = self.runtime.store().header(BlockNumber::new(height));
        let header = header.expect("the database answers").expect("there is a block");
        (header.hash.get(), header.header.state_root)
    }

    /// Makes the next block, of a validator who did not make the last one if there is another, in the slot `at` or soon after it.
    ///
    /// # Panics
    /// If the chain does not take it.
    pub fn block(
        &self,
        at: Slot,
        candidates: impl Iterator<Item = Recovered<Transaction>> + Send,
    ) -> (Block, FinalityCertificate) {
        let head = self.runtime.head();
        let after = head.slot.next().expect("there are slots left").max(at);
        let may = |slot: &Slot| head.set.len() == 1 || head.set.authority(*slot) != head.set.authority(head.slot);
        let slot = std::iter::successors(Some(after), |slot| slot.next())
            .find(may)
            .expect("it is another's turn soon");
        let produced = self.runtime.produce(ProduceInputs {
            may_recover: &|_| false,
            gas_target: u64::MAX,
            slot,
            parent_certificate: head.certificate.clone(),
            candidates: &mut { candidates },
        });
        let executed = self.seal(produced.expect("a block is made").executed, slot);
        let certificate = self.certify(&executed, slot);
        let block = executed.block();
        self.runtime
            .commit_unsynced(executed, certificate.clone())
            .expect("the block is taken");
        (block, certificate)
    }

    /// The code that the transaction `hash` issued.
    ///
    /// # Panics
    /// If it issued none.
    pub fn code(&self, hash: &B256) -> U256 {
        let found = self.runtime.transaction(hash).expect("the database answers");
        let code = found.and_then(|found| Runtime::issued_code(&found.receipt));
        code.expect("the transaction issued a code")
    }

    /// Promo codes that the chain has issued.
    ///
    /// # Panics
    /// If the database does not answer.
    pub fn codes_issued(&self) -> u64 {
        let genesis = self.runtime.store().header(BlockNumber::new(0));
        let genesis = genesis.expect("the database answers").expect("there is a genesis");
        let now = self.runtime.head().header.header.timestamp;
        let months = Month::of(genesis.header.timestamp).number()..=Month::of(now).number();
        let of_month = |month| self.runtime.store().usage(month, 0, now).expect("the database answers");
        let specs = months.filter_map(Month::from_number).flat_map(of_month);
        specs.map(|(_, usage)| usage.issued).sum()
    }

    /// Imports and commits blocks as a node does that catches up, without a network.
    ///
    /// # Panics
    /// If the chain does not take them.
    pub fn import(&self, blocks: Vec<(Block, FinalityCertificate)>) {
        let mut blocks = blocks.into_iter();
        let mut announced = || {
            let (block, certificate) = blocks.next()?;
            Some((IncomingBlock::announce(block), certificate))
        };
        let mut next = announced();
        while let Some((block, certificate)) = next {
            let executed = self.runtime.import(block).expect("the block is right");
            next = announced();
            self.runtime
                .commit_unsynced(executed, certificate)
                .expect("the block is taken");
        }
        self.sync();
    }

    /// Waits for the disk.
    ///
    /// # Panics
    /// If it refuses.
    pub fn sync(&self) {
        self.runtime.sync().expect("the disk takes it");
    }

    fn statement(&self, kind: StatementKind, slot: Slot, executed: &Executed) -> Statement {
        Statement {
            genesis: self.runtime.genesis_hash(),
            set_id: self.runtime.head().set.id(),
            height: executed.number(),
            slot,
            kind,
            hash: match kind {
                StatementKind::Seal => executed.seal_hash(),
                StatementKind::Prevote | StatementKind::Precommit => executed.hash(),
            },
            valid_slot: None,
        }
    }

    /// The authority's seal. Validator `k` of the set is development validator `k`.
    fn seal(&self, executed: Executed, slot: Slot) -> Executed {
        let set = Arc::clone(&self.runtime.head().set);
        let index = set.index_of(&set.authority(slot).consensus_key);
        let index = index.and_then(|index| u32::try_from(index).ok());
        let key = dev_keys::validator_key(index.expect("the authority is in the set"));
        let seal = self.statement(StatementKind::Seal, slot, &executed).sign(&key);
        executed.sealed(seal)
    }

    /// The precommits of a quorum.
    fn certify(&self, executed: &Executed, slot: Slot) -> FinalityCertificate {
        let statement = self.statement(StatementKind::Precommit, slot, executed);
        let quorum = u16::try_from(self.runtime.head().set.quorum()).expect("a small set");
        FinalityCertificate {
            set_id: statement.set_id,
            height: statement.height,
            slot,
            hash: statement.hash,
            signatures: (0..quorum)
                .map(|index| (index, statement.sign(&dev_keys::validator_key(index.into()))))
                .collect(),
        }
    }
}

/// The transaction in these bytes, with its sender.
///
/// # Panics
/// If it is none.
pub fn decoded(raw: &str) -> Recovered<Transaction> {
    let bytes: Bytes = raw.parse().expect("bytes in hexadecimal");
    let transaction = decode_transaction(&bytes).expect("a transaction");
    transaction.try_into_recovered().expect("a signature")
}

/// So many requests for promo codes, each of a new account.
pub fn requests(count: usize, chain_id: u64) -> Vec<Recovered<Transaction>> {
    let call = promo::request_code(promo::SMALL);
    let one = |_| decoded(&Account::random(chain_id).signed(0, &call).0);
    (0..count).into_par_iter().map(one).collect()
}
