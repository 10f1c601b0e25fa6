//! A chain that gives its state away, and nodes that take it.

use std::{fs, path::Path, sync::Arc};

use alloy_consensus::{TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, TxKind, U256, keccak256};
use alloy_sol_types::SolCall;
use ledger_chainspec::{
    BlockHash, BlockNumber, ChainSpec, GenesisBalance, Transaction, digest_of, predeploys::TRANSACT,
};
use ledger_contracts::{CodeId, Transact};
use ledger_runtime::{
    CertifiedBlocks, Runtime, RuntimeOptions,
    transfer::{StateChunk, StateCursor, StateImport},
};
use tempfile::TempDir;

use crate::{
    council::stranger,
    world::{Person, World, chain_id},
};

/// A contract that writes what it is called with: pairs of slot and value.
const WRITER: [u8; 35] = alloy_primitives::hex!(
    "6019600a5f3960195ff3" // gives the rest as its code
    "5f5b803614601757803581602001359055604001600156" "5b00" // loop over the pairs
);

/// Accounts that genesis has beside those of the dev chain, so that the account trie has records.
const ACCOUNTS: u64 = 120;

/// A chain that does a little of everything in each block.
pub struct Giver {
    pub world: World,
    writer: Address,
    /// Blocks made so far beside those that prepared.
    pub made: u64,
}

/// The dev chain with more accounts, whose codes live for `ttl` seconds.
pub fn spec(ttl: u64) -> ChainSpec {
    let mut spec = ChainSpec::dev();
    for instance in &mut spec.instance_specs {
        instance.ttl_seconds = ttl;
    }
    spec.balances.extend((0..ACCOUNTS).map(|index| GenesisBalance {
        address: Address::from_word(keccak256(index.to_be_bytes())),
        wei: U256::from(index + 1),
    }));
    spec
}

impl Giver {
    pub fn new(spec: ChainSpec, history_blocks: u64) -> Self {
        let world = World::with(|options| RuntimeOptions {
            spec: Arc::new(spec),
            history_blocks,
            ..options
        });
        let owner = Person::number(0);
        let offer = Transact::setOfferCall {
            specId: 1,
            quantity: 1_000_000,
        };
        world.succeed(owner.call(0, TRANSACT, offer.abi_encode()));
        let (_, receipt) = world.succeed(owner.create(1, WRITER.to_vec()));
        Self {
            world,
            writer: receipt.contract.unwrap(),
            made: 0,
        }
    }

    /// Blocks in which `slots` slots are written, one account appears, and somebody asks for a code.
    pub fn grow(&mut self, blocks: u64, slots: u64) {
        for _ in 0..blocks {
            let first = self.made * slots;
            let written = (first..first + slots).map(|slot| (slot, slot + 1));
            let transactions = vec![self.write(written), self.pay(), self.ask()];
            self.block(transactions);
        }
    }

    pub fn block(&mut self, transactions: Vec<Recovered<Transaction>>) {
        let receipts = self.world.block(transactions);
        assert!(receipts.iter().all(|receipt| receipt.receipt.success));
        self.made += 1;
    }

    /// Somebody writes slots; 0 removes one.
    pub fn write(&self, slots: impl IntoIterator<Item = (u64, u64)>) -> Recovered<Transaction> {
        let words = slots.into_iter().flat_map(|(slot, value)| [slot, value]);
        let input: Vec<u8> = words.flat_map(|word| U256::from(word).to_be_bytes::<32>()).collect();
        Person::number(1).sign(TxEip1559 {
            chain_id: chain_id(),
            nonce: self.made,
            gas_limit: 16_000_000,
            to: TxKind::Call(self.writer),
            input: input.into(),
            ..TxEip1559::default()
        })
    }

    /// Somebody pays an account that is new.
    pub fn pay(&self) -> Recovered<Transaction> {
        let to = Address::from_word(keccak256([b"paid".as_slice(), &self.made.to_be_bytes()].concat()));
        Person::number(2).pay(self.made, to, 1)
    }

    /// Somebody who never was there asks for a code.
    pub fn ask(&self) -> Recovered<Transaction> {
        let ask = Transact::requestCodeCall { specId: 1 };
        stranger(&self.made.to_string()).call(0, TRANSACT, ask.abi_encode())
    }

    /// Whoever asked in the block with this number gives the code back.
    pub fn cancel(&self, number: u64) {
        let code = CodeId {
            spec_id: 1,
            sequence: number + 1,
        };
        let cancel = Transact::cancelCall { codeId: code.to_word() };
        let whose = stranger(&number.to_string());
        self.world.succeed(whose.call(1, TRANSACT, cancel.abi_encode()));
    }

    pub fn runtime(&self) -> &Runtime {
        &self.world.runtime
    }

    pub fn head(&self) -> BlockNumber {
        self.world.head().number()
    }

    pub fn manifest(&self, at: BlockNumber) -> Vec<u8> {
        self.runtime().state_manifest(at).unwrap().unwrap()
    }

    pub fn chunk(&self, block: BlockHash, cursor: &StateCursor, bytes: usize) -> Vec<u8> {
        self.runtime().state_chunk(block, cursor, bytes).unwrap().unwrap()
    }
}

pub fn options(path: &Path, giver: &Giver) -> RuntimeOptions {
    RuntimeOptions::new(path, Arc::clone(giver.runtime().spec()))
}

/// Takes the state after block `at`, in chunks of about `bytes`, and whatever comes with it. Gives the number of chunks.
pub fn take(giver: &Giver, at: BlockNumber, bytes: usize, path: &Path) -> usize {
    let mut import = StateImport::begin(&options(path, giver), &giver.manifest(at)).unwrap();
    let chunks = take_rest(giver, bytes, &mut import);
    import.finish().unwrap();
    chunks
}

/// Takes all chunks that are missing.
pub fn take_rest(giver: &Giver, bytes: usize, import: &mut StateImport) -> usize {
    let block = import.manifest().header.hash;
    let mut chunks = 0;
    while let Some(cursor) = import.progress().next {
        let chunk = StateChunk::decode(&giver.chunk(block, &cursor, bytes)).unwrap();
        let foreseen = chunk.next(&cursor, import.manifest().number()).unwrap();
        assert_eq!(import.accept(&cursor, chunk).unwrap(), foreseen);
        chunks += 1;
    }
    chunks
}

/// Brings `taker` to the head of the giver, block by block.
pub fn follow(giver: &Giver, taker: &Runtime) {
    while taker.head().number() < giver.head() {
        let from = BlockNumber::new(taker.head().number().get() + 1);
        let CertifiedBlocks { blocks, certificate } = giver.runtime().certified_blocks(from, 50, 1 << 20).unwrap();
        let certificates: Vec<_> = blocks[1..]
            .iter()
            .map(|block| digest_of(&block.header).unwrap().parent_certificate)
            .chain([certificate])
            .collect();
        for (block, certificate) in blocks.into_iter().zip(certificates) {
            let executed = taker.import(block).unwrap();
            taker.commit_unsynced(executed, certificate.unwrap()).unwrap();
        }
    }
    taker.sync().unwrap();
}

/// What a kill at this moment would leave behind.
pub fn killed(path: &Path) -> TempDir {
    loop {
        let image = tempfile::tempdir().unwrap();
        let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name());
        let mut copied = names
            .filter(|name| name != "LOCK")
            .map(|name| fs::copy(path.join(&name), image.path().join(&name)));
        // RocksDB may remove what it needs no more meanwhile.
        if copied.all(|copied| copied.is_ok()) {
            return image;
        }
    }
}
