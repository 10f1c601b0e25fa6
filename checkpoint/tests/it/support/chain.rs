//! A mainchain in memory: blocks that reorganisations take back, a pool that forgets, prices that jump, and the contract.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    path::PathBuf,
    sync::{Arc, Mutex},
    task::Poll,
};

use alloy_consensus::{Transaction, TxEnvelope, transaction::SignerRecoverable};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use ledger_checkpoint::{
    journal::Journal,
    mainchain::{Mainchain, MainchainError, Preflight, Rejection},
    numbers::{BlockNumber, Index, Nonce, Point},
    plan::{Answers, Questions, Receipt, SendFault, Sight},
    statement::Bundle,
};

use super::{contract::Contract, random::Random};
use crate::lock;

/// Balance of every account: enough for every test.
pub const BALANCE_WEI: u128 = 1 << 100;

#[derive(Clone, Debug)]
pub struct Sent {
    pub hash: B256,
    pub sender: Address,
    pub nonce: u64,
    pub gas_price_wei: u128,
    pub input: Bytes,
}

#[derive(Clone, Debug)]
struct Mined {
    sent: Sent,
    outcome: Preflight,
}

#[derive(Clone, Debug)]
struct Block {
    hash: B256,
    mined: Vec<Mined>,
    contract: Contract,
    nonces: BTreeMap<Address, u64>,
}

/// The chain, the pool of all its nodes, and what was ever sent.
#[derive(Debug)]
pub struct Chain {
    blocks: Vec<Block>,
    pub pool: Vec<Sent>,
    /// Everything that a relayer sent, in order, repeats included.
    pub sends: Vec<Sent>,
    /// Least price that a block takes.
    pub price_wei: u128,
    /// Calls of which one fails, or none if 0.
    pub fault_one_in: u64,
    /// Where the journal of an account is: nothing may be sent that is not in it.
    pub journals: BTreeMap<Address, PathBuf>,
    pub balance_wei: U256,
    random: Random,
    salt: u64,
}

impl Chain {
    pub fn new(contract: Contract, random: Random) -> Self {
        Self {
            blocks: vec![Block {
                hash: keccak256("mainchain"),
                mined: Vec::new(),
                contract,
                nonces: BTreeMap::new(),
            }],
            pool: Vec::new(),
            sends: Vec::new(),
            price_wei: 1,
            fault_one_in: 0,
            journals: BTreeMap::new(),
            balance_wei: U256::from(BALANCE_WEI),
            random,
            salt: 0,
        }
    }

    fn head(&self) -> &Block {
        self.blocks.last().expect("the first block stays")
    }

    pub fn height(&self) -> u64 {
        self.blocks.len() as u64 - 1
    }

    pub fn contract(&self) -> &Contract {
        &self.head().contract
    }

    /// Index of the newest checkpoint, as of `depth` blocks before the newest.
    pub fn head_index_at_depth(&self, depth: u64) -> u64 {
        let height = usize::try_from(self.height().saturating_sub(depth)).expect("small");
        self.blocks[height].contract.head_index()
    }

    /// Transactions in the chain.
    pub fn mined(&self) -> Vec<Sent> {
        let all = self.blocks.iter().flat_map(|block| &block.mined);
        all.map(|mined| mined.sent.clone()).collect()
    }

    /// One more block, with everything in the pool that pays enough and whose turn it is.
    pub fn mine(&mut self) {
        self.salt += 1;
        let mut block = Block {
            hash: keccak256([self.head().hash.as_slice(), &self.salt.to_be_bytes()].concat()),
            mined: Vec::new(),
            contract: self.head().contract.clone(),
            nonces: self.head().nonces.clone(),
        };
        loop {
            let next = self.pool.iter().position(|sent| {
                let nonce = block.nonces.get(&sent.sender).copied().unwrap_or_default();
                sent.nonce == nonce && sent.gas_price_wei >= self.price_wei
            });
            let Some(next) = next else { break };
            let sent = self.pool.remove(next);
            *block.nonces.entry(sent.sender).or_default() += 1;
            let outcome = block.contract.call(&sent.input);
            block.mined.push(Mined { sent, outcome });
        }
        let nonces = &block.nonces;
        self.pool
            .retain(|sent| sent.nonce >= nonces.get(&sent.sender).copied().unwrap_or_default());
        self.blocks.push(block);
    }

    /// Takes back the newest blocks and grows another branch, longer by one. Nodes remember some of the transactions, or none.
    pub fn reorganise(&mut self, depth: u64, remembers: bool) {
        let depth = depth.min(self.height());
        for _ in 0..depth {
            let block = self.blocks.pop().expect("not deeper than the chain");
            if remembers {
                self.pool.extend(block.mined.into_iter().map(|mined| mined.sent));
            }
        }
        for _ in 0..=depth {
            self.mine();
        }
    }

    /// Nodes drop a transaction.
    pub fn forget_one(&mut self) {
        if !self.pool.is_empty() {
            let at = self.random.below(self.pool.len() as u64);
            self.pool.remove(usize::try_from(at).expect("small"));
        }
    }

    /// Somebody else brings a bundle, in a block of its own.
    pub fn slip_in(&mut self, bundle: &Bundle) {
        self.mine();
        let block = self.blocks.last_mut().expect("it was just made");
        assert!(matches!(block.contract.call(&bundle.call()), Preflight::Takes { .. }));
    }

    fn at(&self, hash: B256) -> Result<(u64, &Block), MainchainError> {
        let found = (0..).zip(&self.blocks).find(|(_, block)| block.hash == hash);
        found.ok_or_else(|| silent("that block is gone"))
    }

    fn receipt(&self, hash: B256) -> Option<Receipt> {
        (0..).zip(&self.blocks).find_map(|(number, block)| {
            let mined = block.mined.iter().find(|mined| mined.sent.hash == hash)?;
            Some(Receipt {
                block: point(number, block),
                succeeded: !matches!(mined.outcome, Preflight::Reverts { .. }),
                gas_used: 100_000,
            })
        })
    }

    fn accept(&mut self, raw: &Bytes) -> Result<(), SendFault> {
        let envelope = TxEnvelope::decode_2718(&mut raw.as_ref()).expect("the relayer sends transactions");
        assert!(envelope.is_legacy(), "the mainchain takes type 0 only");
        let sent = Sent {
            hash: *envelope.tx_hash(),
            sender: envelope.recover_signer().expect("the relayer signs"),
            nonce: envelope.nonce(),
            gas_price_wei: envelope.gas_price().expect("type 0 has a price"),
            input: envelope.input().clone(),
        };
        self.check_journal(&sent);
        self.sends.push(sent.clone());
        let nonce = self.head().nonces.get(&sent.sender).copied().unwrap_or_default();
        if sent.nonce < nonce {
            return Err(SendFault::NonceUsed);
        }
        let rival = self
            .pool
            .iter()
            .position(|known| (known.sender, known.nonce) == (sent.sender, sent.nonce));
        match rival {
            Some(at) if self.pool[at].hash == sent.hash => {}
            Some(at) if sent.gas_price_wei < self.pool[at].gas_price_wei / 10 * 11 => {
                return Err(SendFault::Underpriced);
            }
            Some(at) => self.pool[at] = sent,
            None => self.pool.push(sent),
        }
        Ok(())
    }

    /// Rules: nothing leaves that is not on disk, and what has the number of another outbids it by an eighth.
    fn check_journal(&self, sent: &Sent) {
        let Some(folder) = self.journals.get(&sent.sender) else {
            return;
        };
        let outbox = Journal::read(folder, self.contract().anchor).expect("the journal can be read");
        let attempts = outbox.entries().values().flat_map(|entry| &entry.attempts);
        assert!(
            attempts.clone().any(|attempt| attempt.hash == sent.hash),
            "transaction {} left before it was on disk",
            sent.hash
        );
        let was_sent = |hash: B256| self.sends.iter().any(|before| before.hash == hash);
        if was_sent(sent.hash) {
            return;
        }
        for rival in attempts.filter(|rival| rival.nonce.get() == sent.nonce && was_sent(rival.hash)) {
            let least = rival.gas_price_wei + rival.gas_price_wei.div_ceil(8);
            assert!(
                sent.gas_price_wei >= least,
                "{} does not outbid {}",
                sent.gas_price_wei,
                rival.gas_price_wei
            );
        }
    }
}

fn silent(reason: &str) -> MainchainError {
    MainchainError::Silent {
        url: "memory".to_owned(),
        question: "a question",
        reason: reason.to_owned(),
    }
}

fn point(number: u64, block: &Block) -> Point {
    Point {
        number: BlockNumber::new(number),
        hash: block.hash,
    }
}

/// A node of the chain, which comes back to its caller once before it answers: there the caller may be killed, or the chain move on.
#[derive(Clone, Debug)]
pub struct Node(pub Arc<Mutex<Chain>>);

async fn breathe() {
    let mut is_first = true;
    poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

impl Node {
    async fn ask<T>(&self, answer: impl FnOnce(&mut Chain) -> Result<T, MainchainError>) -> Result<T, MainchainError> {
        breathe().await;
        let mut chain = lock(&self.0);
        let one_in = chain.fault_one_in;
        if one_in > 0 && chain.random.once_in(one_in) {
            return Err(silent("it is having a bad day"));
        }
        answer(&mut chain)
    }
}

impl Mainchain for Node {
    async fn sight(&self, account: Address) -> Result<Sight, MainchainError> {
        self.ask(|chain| {
            let head = chain.head();
            Ok(Sight {
                head: point(chain.height(), head),
                head_index: Index::new(head.contract.head_index()),
                head_fingerprint: *head.contract.fingerprints.last().expect("genesis is there"),
                nonce: Nonce::new(head.nonces.get(&account).copied().unwrap_or_default()),
                balance_wei: chain.balance_wei,
                gas_price_wei: chain.price_wei,
            })
        })
        .await
    }

    async fn answer(&self, sight: &Sight, questions: &Questions) -> Result<Answers, MainchainError> {
        let mut answers = Answers::default();
        for hash in &questions.receipts {
            let receipt = self.ask(|chain| Ok(chain.receipt(*hash))).await?;
            answers.receipts.extend(receipt.map(|receipt| (*hash, receipt)));
        }
        if let Some(index) = questions.fingerprint {
            let at = usize::try_from(index.get()).expect("small");
            let print = self.ask(|chain| Ok(chain.at(sight.head.hash)?.1.contract.fingerprints.get(at).copied()));
            answers.fingerprint = print.await?;
        }
        for number in &questions.blocks {
            let at = usize::try_from(number.get()).expect("small");
            let hash = self
                .ask(|chain| Ok(chain.blocks.get(at).map(|block| block.hash)))
                .await?;
            answers.blocks.extend(hash.map(|hash| (*number, hash)));
        }
        Ok(answers)
    }

    async fn preflight(&self, at: Point, _account: Address, call: &Bytes) -> Result<Preflight, MainchainError> {
        self.ask(|chain| Ok(chain.at(at.hash)?.1.contract.clone().call(call)))
            .await
    }

    async fn send(&self, raw: &Bytes) -> Result<(), SendFault> {
        breathe().await;
        let mut chain = lock(&self.0);
        let accepted = chain.accept(raw);
        let one_in = chain.fault_one_in;
        if one_in > 0 && chain.random.once_in(one_in) {
            // The worst kind: the node has it, and its answer is lost.
            return Err(SendFault::Other("the connection was reset".to_owned()));
        }
        accepted
    }

    async fn rejections(&self, _from: BlockNumber, _to: BlockNumber) -> Result<Vec<Rejection>, MainchainError> {
        Ok(Vec::new())
    }
}
