//! How does a chain come to millions of promo codes, sooner than clients could ask for them?
//!
//! Blocks are made in the folder of a node that is not running. What fills them is signed by nobody, which production does not mind and
//! a start does not look at. Called by `codes` and `report`.

use std::{
    error::Error,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy_consensus::{SignableTransaction, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, Signature, TxKind, U256, keccak256};
use ledger_chainspec::{ChainSpec, InstanceSpec, Slot, Transaction};
use ledger_tests::harness::{Account, Call, MadeChain, decoded, promo};

use super::target::bench_spec;

/// What each of the two members offers of each spec: the most that the contract allows.
pub const OFFER: u32 = 1_000_000;
/// The owners of the dev chain's members are these test accounts.
pub const OWNERS: [u32; 2] = [0, 2];
/// Requests of a block that fills: about what its gas has room for.
pub const REQUESTS: usize = 1_500;
/// Blocks between two words about how far it is.
const TOLD_EVERY: usize = 100;

/// The measured chain, with `count` specs that `change` makes of the dev chain's first one.
pub fn spec_of(count: usize, change: impl Fn(usize, &mut InstanceSpec)) -> ChainSpec {
    let mut spec = bench_spec();
    let first = spec.instance_specs[0].clone();
    let one = |index| {
        let mut instance = first.clone();
        instance.name = format!("size-{index}");
        change(index, &mut instance);
        instance
    };
    spec.instance_specs = (0..count).map(one).collect();
    spec
}

/// The contract counts specs from one.
pub fn id_of(spec: usize) -> u32 {
    u32::try_from(spec + 1).unwrap_or(u32::MAX)
}

/// Whoever asks for code `index`: each has a holder of its own.
pub fn holder(index: usize) -> Address {
    Address::from_word(keccak256(index.to_be_bytes()))
}

/// A chain that is being filled.
pub struct Filling {
    chain: MadeChain,
    chain_id: u64,
    specs: usize,
    first: Slot,
}

impl Filling {
    /// Opens it, or begins it; what it makes is from `ago` on, a slot a block.
    pub fn open(folder: &Path, spec: &Arc<ChainSpec>, ago: Duration) -> Result<Self, Box<dyn Error>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let first = now.saturating_sub(ago).as_millis() / u128::from(spec.consensus.slot_duration_ms);
        Ok(Self {
            chain: MadeChain::open(folder, spec),
            chain_id: spec.chain_id,
            specs: spec.instance_specs.len(),
            first: Slot::new(u64::try_from(first)?),
        })
    }

    /// Promo codes that it has issued.
    pub fn codes_issued(&self) -> Result<usize, Box<dyn Error>> {
        Ok(usize::try_from(self.chain.codes_issued())?)
    }

    /// Both members offer all specs.
    pub fn offer(&self) {
        let offer = |owner: u32| {
            let account = Account::development(owner, self.chain_id);
            (0..self.specs).map(move |spec| {
                let call = promo::set_offer(id_of(spec), OFFER);
                decoded(&account.signed(u64::try_from(spec).unwrap_or_default(), &call).0)
            })
        };
        let offers: Vec<_> = OWNERS.into_iter().flat_map(offer).collect();
        self.chain.block(self.first, offers.into_iter());
    }

    /// A call of `sender`, with a signature that is none.
    pub fn unsigned(&self, sender: Address, nonce: u64, call: Call) -> Recovered<Transaction> {
        let word = |half: u8| {
            let parts = [sender.as_slice(), &nonce.to_be_bytes(), &[half]];
            U256::from_be_bytes(keccak256(parts.concat()).0)
        };
        let signature = Signature::new(word(0), word(1), false);
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce,
            gas_limit: 200_000,
            to: TxKind::Call(call.to),
            input: call.data,
            ..TxEip1559::default()
        };
        Recovered::new_unchecked(transaction.into_signed(signature).into(), sender)
    }

    /// Makes blocks of these transactions.
    pub fn fill(&self, block: usize, transactions: impl Iterator<Item = Recovered<Transaction>>) -> Result<(), String> {
        let mut transactions = transactions.peekable();
        let (mut blocks, mut done) = (0, 0);
        while transactions.peek().is_some() {
            let next: Vec<_> = transactions.by_ref().take(block).collect();
            let count = next.len();
            let (made, _) = self.chain.block(self.first, next.into_iter());
            let taken = made.transactions.len();
            if taken != count {
                return Err(format!("a block took {taken} of {count} transactions"));
            }
            (blocks, done) = (blocks + 1, done + count);
            if blocks % TOLD_EVERY == 0 {
                eprint!("\r{done} transactions ");
            }
        }
        self.chain.sync();
        eprintln!("\r{done} transactions in {blocks} blocks");
        Ok(())
    }
}
