//! A chain on a temporary folder, with the test accounts, for the tests of execution.

use std::{path::Path, sync::Arc};

use alloy_consensus::{SignableTransaction, TxEip1559, TxLegacy, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use ed25519_dalek::SigningKey;
use ledger_chainspec::{
    BlockHash, ChainSpec, ConsensusKey, FinalityCertificate, Signature64, Slot, Statement, StatementKind, Transaction,
    dev_keys,
};
use ledger_runtime::{
    Executed, Head, ProduceInputs, Produced, Runtime, RuntimeOpenError, RuntimeOptions, store::StoredReceipt,
};
use tempfile::TempDir;

/// The usual test mnemonic, whose first ten accounts the dev chain funds.
pub const MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Somebody with a key.
#[derive(Clone)]
pub struct Person(pub PrivateKeySigner);

impl Person {
    /// The test account with this index. From 10 on they have no coins.
    pub fn number(index: u32) -> Self {
        Self(MnemonicBuilder::from_phrase_nth(MNEMONIC, index))
    }

    pub fn address(&self) -> Address {
        self.0.address()
    }

    pub fn sign<T: SignableTransaction<Signature>>(&self, transaction: T) -> Recovered<Transaction>
    where
        Transaction: From<alloy_consensus::Signed<T>>,
    {
        let signature = self.0.sign_hash_sync(&transaction.signature_hash()).unwrap();
        Recovered::new_unchecked(transaction.into_signed(signature).into(), self.address())
    }

    /// A call at gas price 0, on the dev chain.
    pub fn call(&self, nonce: u64, to: Address, input: impl Into<Bytes>) -> Recovered<Transaction> {
        self.call_on(chain_id(), nonce, to, input)
    }

    /// A call at gas price 0.
    pub fn call_on(&self, chain: u64, nonce: u64, to: Address, input: impl Into<Bytes>) -> Recovered<Transaction> {
        self.sign(TxEip1559 {
            chain_id: chain,
            nonce,
            gas_limit: 2_000_000,
            to: TxKind::Call(to),
            input: input.into(),
            ..TxEip1559::default()
        })
    }

    /// A transfer of coins at gas price 0.
    pub fn pay(&self, nonce: u64, to: Address, wei: u64) -> Recovered<Transaction> {
        self.sign(TxLegacy {
            chain_id: Some(chain_id()),
            nonce,
            gas_limit: 21_000,
            to: TxKind::Call(to),
            value: U256::from(wei),
            ..TxLegacy::default()
        })
    }

    /// A contract made of `initcode`.
    pub fn create(&self, nonce: u64, initcode: impl Into<Bytes>) -> Recovered<Transaction> {
        self.sign(TxEip1559 {
            chain_id: chain_id(),
            nonce,
            gas_limit: 2_000_000,
            to: TxKind::Create,
            input: initcode.into(),
            ..TxEip1559::default()
        })
    }
}

pub fn chain_id() -> u64 {
    ChainSpec::dev().chain_id
}

pub fn chain_id_of(world: &World) -> u64 {
    world.runtime.spec().chain_id
}

/// A chain that a test moves block by block.
pub struct World {
    pub runtime: Runtime,
    folder: Option<TempDir>,
}

impl World {
    pub fn dev() -> Self {
        Self::of(ChainSpec::dev())
    }

    pub fn of(spec: ChainSpec) -> Self {
        Self::with(|options| RuntimeOptions {
            spec: Arc::new(spec),
            ..options
        })
    }

    /// A chain whose options differ from the dev chain's.
    pub fn with(change: impl FnOnce(RuntimeOptions) -> RuntimeOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = change(RuntimeOptions::new(folder.path(), Arc::new(ChainSpec::dev())));
        let runtime = Runtime::open(options).unwrap();
        Self {
            runtime,
            folder: Some(folder),
        }
    }

    /// Closes the database and opens it again.
    pub fn restarted(mut self) -> Self {
        let spec = Arc::clone(self.runtime.spec());
        let folder = self.folder.take().unwrap();
        drop(self.runtime);
        let runtime = Runtime::open(RuntimeOptions::new(folder.path(), spec)).unwrap();
        Self {
            runtime,
            folder: Some(folder),
        }
    }

    /// Closes the database and opens it with another specification.
    pub fn reopened_with(mut self, spec: ChainSpec) -> Result<Runtime, RuntimeOpenError> {
        let folder = self.folder.take().unwrap();
        drop(self.runtime);
        Runtime::open(RuntimeOptions::new(folder.path(), Arc::new(spec)))
    }

    pub fn path(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    pub fn head(&self) -> Arc<Head> {
        self.runtime.head()
    }

    pub fn next_slot(&self) -> Slot {
        self.head().slot.next().unwrap()
    }

    /// A block in the next slot, unsealed and not committed.
    pub fn produce(&self, candidates: Vec<Recovered<Transaction>>) -> Produced {
        self.produce_in(self.next_slot(), candidates)
    }

    pub fn produce_in(&self, slot: Slot, candidates: Vec<Recovered<Transaction>>) -> Produced {
        produce(&self.runtime, slot, candidates)
    }

    /// Seals and commits. The certificate is a real one.
    pub fn commit(&self, executed: Executed) -> Arc<Head> {
        commit(&self.runtime, executed)
    }

    /// A block of all these transactions, committed. Gives its receipts.
    pub fn block(&self, transactions: Vec<Recovered<Transaction>>) -> Vec<StoredReceipt> {
        self.block_in(self.next_slot(), transactions)
    }

    pub fn block_in(&self, slot: Slot, transactions: Vec<Recovered<Transaction>>) -> Vec<StoredReceipt> {
        let produced = self.produce_in(slot, transactions);
        assert_eq!(produced.skipped, []);
        let receipts = produced.executed.receipts().to_vec();
        self.commit(produced.executed);
        receipts
    }

    /// As [`Self::block`], of one transaction that must succeed. Gives its hash and receipt.
    pub fn succeed(&self, transaction: Recovered<Transaction>) -> (B256, StoredReceipt) {
        let hash = *transaction.tx_hash();
        let receipt = self.block(vec![transaction]).remove(0);
        assert!(receipt.receipt.success, "the transaction reverted");
        (hash, receipt)
    }
}

/// A block on the head, unsealed and not committed.
pub fn produce(runtime: &Runtime, slot: Slot, candidates: Vec<Recovered<Transaction>>) -> Produced {
    let inputs = ProduceInputs {
        may_recover: &|_| true,
        gas_target: u64::MAX,
        slot,
        parent_certificate: runtime.head().certificate.clone(),
        candidates: &mut candidates.into_iter(),
    };
    runtime.produce(inputs).unwrap()
}

/// Seals and commits. The certificate is a real one.
pub fn commit(runtime: &Runtime, executed: Executed) -> Arc<Head> {
    let executed = seal(runtime, executed);
    let certificate = certify(runtime, &executed);
    runtime.commit(executed, certificate).unwrap()
}

/// The block with the seal of its slot's authority.
pub fn seal(runtime: &Runtime, executed: Executed) -> Executed {
    let statement = statement(runtime, &executed, StatementKind::Seal, executed.seal_hash());
    let authority = runtime.head().set.authority(executed.digest().slot).consensus_key;
    let key = keys().find(|key| ConsensusKey::of(key) == authority).unwrap();
    executed.sealed(statement.sign(&key))
}

/// The finality certificate of all validators.
pub fn certify(runtime: &Runtime, executed: &Executed) -> FinalityCertificate {
    let statement = statement(runtime, executed, StatementKind::Precommit, executed.hash());
    let set = Arc::clone(&runtime.head().set);
    let mut signatures: Vec<(u16, Signature64)> = keys()
        .filter_map(|key| {
            Some((
                set.index_of(&ConsensusKey::of(&key))?.try_into().unwrap(),
                statement.sign(&key),
            ))
        })
        .take(set.len())
        .collect();
    signatures.sort_unstable_by_key(|(index, _)| *index);
    let certificate = FinalityCertificate {
        set_id: statement.set_id,
        height: statement.height,
        slot: statement.slot,
        hash: statement.hash,
        signatures,
    };
    certificate.verify(runtime.genesis_hash(), &set).unwrap();
    certificate
}

/// Those of the first validators, then those of whom tests admit.
fn keys() -> impl Iterator<Item = SigningKey> {
    (0..256).map(dev_keys::validator_key)
}

fn statement(runtime: &Runtime, executed: &Executed, kind: StatementKind, hash: BlockHash) -> Statement {
    Statement {
        genesis: runtime.genesis_hash(),
        set_id: runtime.head().set.id(),
        height: executed.number(),
        slot: executed.digest().slot,
        kind,
        hash,
        valid_slot: None,
    }
}
