//! Both chains and the relayers between them, with a count of what they do and what it costs.

use alloy_primitives::{U64, U256};
use jsonrpsee::rpc_params;
use ledger_checkpoint::{
    plan::{Note, Policy},
    relayer::{Report, SendingKind},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    chains::{BetweenChains, Chains, tick},
    lock,
    node::DevNode,
    random::Random,
};

/// Rounds after a fault within which everything has to be well: the longest wait, after refusals, is 64 blocks.
const RECOVERY_ROUNDS: u64 = 400;

/// Blocks upon what no reorganisation may take: the deepest at random takes 20.
const DEEPEST_BLOCKS: u64 = 25;

/// What relayers did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Prices that were raised.
    pub bumps: u64,
    /// Transactions that were sent once more.
    pub again: u64,
    /// Checkpoints that a reorganisation took back.
    pub taken_back: u64,
    /// Rounds that came to nothing.
    pub failed: u64,
}

/// What came of a fault.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Checkpoints, each on the mainchain once, in order.
    pub checkpoints: u64,
    /// Transactions to the contract that were mined and not taken back.
    pub transactions: u64,
    /// What they used.
    pub gas: u64,
    /// What they paid.
    pub fees_wei: U256,
    /// What relayers did.
    pub tally: Tally,
}

/// How a stage is set.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Relayers that race.
    pub relayers: u64,
    /// Whether they know of each other.
    pub staggered: bool,
    /// Their ways.
    pub policy: Policy,
    /// The mainchain's nodes as they know them; none for the one that there is.
    pub urls: Vec<String>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            relayers: 1,
            staggered: true,
            policy: Policy {
                stagger_blocks: 3,
                resend_blocks: 1,
                raise_blocks: 3,
                ..Policy::default()
            },
            urls: Vec::new(),
        }
    }
}

/// Everything that a fault happens on.
pub struct Stage {
    pub chains: Chains,
    pub random: Random,
    pub tally: Tally,
    setting: Setting,
    relayers: Vec<(Option<BetweenChains>, TempDir)>,
}

impl Stage {
    /// anvil with the contract, and nobody between the chains yet.
    pub async fn empty(seed: u64) -> Self {
        let node = DevNode::start().expect("it was there when the program started");
        let chains = Chains::on(node).await;
        // Not so deep that the contract goes, too.
        chains.node.mine(DEEPEST_BLOCKS).await;
        Self {
            chains,
            random: Random::new(seed),
            tally: Tally::default(),
            setting: Setting::default(),
            relayers: Vec::new(),
        }
    }

    /// The same with relayers.
    pub async fn set(seed: u64, setting: Setting) -> Self {
        let mut stage = Self::empty(seed).await;
        stage.enter(setting).await;
        stage
    }

    /// Relayers enter.
    pub async fn enter(&mut self, setting: Setting) {
        self.setting = setting;
        for _ in 0..self.setting.relayers {
            self.relayers
                .push((None, tempfile::tempdir().expect("a folder can be made")));
        }
        for number in 0..self.relayers.len() {
            self.restart(number).await;
        }
        // Not so deep that the accounts' coins go, too.
        self.chains.node.mine(DEEPEST_BLOCKS).await;
    }

    /// One relayer forgets everything but its journal.
    pub async fn restart(&mut self, number: usize) {
        let rank = number as u64;
        let Setting {
            relayers,
            staggered,
            policy,
            urls,
        } = &self.setting;
        let policy = Policy {
            rank: if *staggered { rank } else { 0 },
            relayers: if *staggered { *relayers } else { 1 },
            ..policy.clone()
        };
        let own = [self.chains.node.url.clone()];
        let urls = if urls.is_empty() { &own[..] } else { &urls[..] };
        // The old one lets go of the journal before the new one takes it.
        self.relayers[number].0 = None;
        let relayer = self
            .chains
            .relayer(rank, policy, self.relayers[number].1.path(), urls)
            .await;
        self.relayers[number].0 = Some(relayer);
    }

    /// Some relayer forgets everything but its journal.
    pub async fn restart_one(&mut self) {
        let number = self.random.below(self.relayers.len() as u64);
        self.restart(usize::try_from(number).expect("small")).await;
    }

    /// A round of everybody.
    pub async fn round(&mut self) {
        for (relayer, _) in &mut self.relayers {
            let Some(relayer) = relayer else { continue };
            match relayer.round(tick()).await {
                Ok(report) => count(&mut self.tally, &report),
                Err(error) => {
                    assert!(error.is_passing(), "{error}");
                    self.tally.failed += 1;
                }
            }
        }
    }

    /// A round of everybody, and so many blocks.
    pub async fn step(&mut self, blocks: u64) {
        self.round().await;
        self.chains.node.mine(blocks).await;
    }

    /// Whether everything that was signed is on the mainchain.
    pub async fn is_done(&self) -> bool {
        let signed = lock(&self.chains.history).bundles.len();
        self.chains.made().await.len() == signed
    }

    /// Goes on until all is well, and says what it cost.
    pub async fn end(mut self) -> Result<Outcome, String> {
        for _ in 0..RECOVERY_ROUNDS {
            if self.is_done().await {
                return self.outcome().await;
            }
            self.step(1).await;
        }
        let made = self.chains.made().await.len();
        Err(format!("only {made} checkpoints are on the mainchain"))
    }

    /// What it cost; all checkpoints have to be there.
    pub async fn outcome(self) -> Result<Outcome, String> {
        let signed = lock(&self.chains.history).bundles.len() as u64;
        // Panics, and so fails the fault, if they are not in order.
        let made = self.chains.made().await;
        if made.len() as u64 != signed || made.values().any(|times| *times != 1) {
            return Err(format!("of {signed} checkpoints these are on the mainchain: {made:?}"));
        }
        let mut outcome = Outcome {
            checkpoints: signed,
            transactions: 0,
            gas: 0,
            fees_wei: U256::ZERO,
            tally: self.tally,
        };
        for number in 1..=self.chains.node.height().await {
            self.add_costs(number, &mut outcome).await;
        }
        Ok(outcome)
    }

    async fn add_costs(&self, number: u64, outcome: &mut Outcome) {
        let block: Value = self
            .chains
            .node
            .ask("eth_getBlockByNumber", rpc_params![U64::from(number), true])
            .await;
        let ours = |transaction: &&Value| transaction["to"] == json!(self.chains.anchor.contract);
        for transaction in block["transactions"].as_array().into_iter().flatten().filter(ours) {
            let hash = transaction["hash"].clone();
            let receipt: Value = self
                .chains
                .node
                .ask("eth_getTransactionReceipt", rpc_params![hash])
                .await;
            let gas: U64 = serde_json::from_value(receipt["gasUsed"].clone()).expect("a receipt says it");
            let price: U256 = serde_json::from_value(transaction["gasPrice"].clone()).expect("a transaction says it");
            outcome.transactions += 1;
            outcome.gas += gas.to::<u64>();
            outcome.fees_wei += U256::from(gas.to::<u64>()) * price;
        }
    }
}

fn count(tally: &mut Tally, report: &Report) {
    for sending in &report.sendings {
        match sending.kind {
            SendingKind::New => {}
            SendingKind::Raised => tally.bumps += 1,
            SendingKind::Again => tally.again += 1,
        }
    }
    let taken_back = report
        .notes
        .iter()
        .filter(|note| matches!(note, Note::Reorganised { .. }));
    tally.taken_back += taken_back.count() as u64;
}
