//! What becomes of proof that a validator broke the rules (R12)?
//!
//! One task takes the evidence that the engine finds, keeps it for `ledger_evidence`, and hands it to the bootstrap contract as a
//! transaction of a throwaway account, for anyone may and it costs nothing. All nodes find the same; so that not all of them send it, each
//! validator waits for as many blocks as it comes after the authority of the present slot, and sends only what nobody has yet. A node that is no
//! validator only keeps it. Never judges: the contract does.

use std::{collections::VecDeque, sync::Arc};

use alloy_primitives::{B256, TxKind};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use ledger_chainspec::{BlockNumber, ConsensusKey, predeploys::BOOTSTRAP};
use ledger_consensus::Evidence;
use ledger_contracts::Bootstrap;
use ledger_runtime::{BlockRef, CallOutcome, CallOverrides, Head, Runtime};
use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    signer::ConsensusSigner,
    transaction::{Saying, signed},
    txpool::TxPool,
};

/// Evidence that waits to be kept.
pub const EVIDENCE_QUEUE: usize = 64;

/// Evidence that is kept; of one offender one proof is kept, and one is enough. The oldest goes first.
pub const EVIDENCE_KEPT_MAX: usize = 256;

/// Gas of a submission: twice what the contract takes for one at most.
const EVIDENCE_GAS: u64 = 400_000;

/// Blocks after which a submission that no block holds is made again.
const RETRY_BLOCKS: u64 = 16;

/// Where a proof stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceState {
    /// It waits for its turn, and whoever comes before.
    Waiting,
    /// This node has handed it to the contract in this transaction.
    Submitted(B256),
    /// The contract has jailed the validator.
    Jailed,
    /// The contract refuses it: the key is no validator's, or it is the last one.
    Refused,
}

/// A proof and where it stands.
#[derive(Clone, Debug)]
pub struct KeptEvidence {
    /// The proof.
    pub evidence: Evidence,
    /// Head when it was found.
    pub found_at: BlockNumber,
    /// Where it stands.
    pub state: EvidenceState,
    due: BlockNumber,
}

/// All proofs, oldest first.
#[derive(Debug, Default)]
pub struct EvidenceLog(Mutex<VecDeque<KeptEvidence>>);

impl EvidenceLog {
    /// What is kept.
    #[must_use]
    pub fn all(&self) -> Vec<KeptEvidence> {
        self.0.lock().iter().cloned().collect()
    }

    /// Keeps a proof, unless there is one of the same offender.
    fn keep(&self, kept: KeptEvidence) {
        let mut log = self.0.lock();
        if log
            .iter()
            .any(|known| known.evidence.offender == kept.evidence.offender)
        {
            return;
        }
        log.push_back(kept);
        if log.len() > EVIDENCE_KEPT_MAX {
            log.pop_front();
        }
    }

    /// What is not settled yet.
    fn open(&self) -> Vec<KeptEvidence> {
        let is_open = |kept: &&KeptEvidence| matches!(kept.state, EvidenceState::Waiting | EvidenceState::Submitted(_));
        self.0.lock().iter().filter(is_open).cloned().collect()
    }

    fn set(&self, offender: ConsensusKey, state: EvidenceState, due: BlockNumber) {
        let mut log = self.0.lock();
        if let Some(kept) = log.iter_mut().find(|kept| kept.evidence.offender == offender) {
            kept.state = state;
            kept.due = due;
        }
    }
}

/// The task's parts.
#[derive(Debug)]
pub struct EvidenceKeeper {
    /// The contract's state.
    pub runtime: Arc<Runtime>,
    /// Where submissions go.
    pub pool: Arc<TxPool>,
    /// What is kept.
    pub log: Arc<EvidenceLog>,
    /// Which validator this is, if it is one.
    pub signer: Option<Arc<ConsensusSigner>>,
}

/// What the contract knows of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Validator,
    Jailed,
    Unknown,
}

impl EvidenceKeeper {
    /// Keeps and submits until `shutdown`.
    pub async fn run(
        self,
        mut found: mpsc::Receiver<Evidence>,
        mut heads: watch::Receiver<Arc<Head>>,
        shutdown: CancellationToken,
    ) {
        let keeper = Arc::new(self);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(evidence) = found.recv() => keeper.keep(evidence),
                Ok(()) = heads.changed() => {}
            }
            if keeper.log.open().is_empty() {
                continue;
            }
            let worker = Arc::clone(&keeper);
            if let Err(error) = spawn_blocking(move || worker.settle()).await {
                error!(target: "ledger::evidence", %error, "evidence was not looked after");
            }
        }
    }

    fn keep(&self, evidence: Evidence) {
        if !evidence.verify() {
            return error!(target: "ledger::evidence", ?evidence, "evidence that proves nothing");
        }
        let head = self.runtime.head();
        self.log.keep(KeptEvidence {
            evidence,
            found_at: head.number(),
            state: EvidenceState::Waiting,
            due: BlockNumber::new(head.number().get().saturating_add(self.turn(&head))),
        });
    }

    /// Blocks to wait, so that validators take turns.
    fn turn(&self, head: &Head) -> u64 {
        let own = self
            .signer
            .as_ref()
            .and_then(|signer| head.set.index_of(&signer.public()));
        let count = head.set.len() as u64;
        own.map_or(0, |index| (index as u64 + count - head.slot.get() % count) % count)
    }

    /// Sees what became of each open proof, and submits those whose turn it is.
    fn settle(&self) {
        let head = self.runtime.head();
        for kept in self.log.open() {
            let offender = kept.evidence.offender;
            match self.standing(offender) {
                Ok(Standing::Jailed) => {
                    info!(target: "ledger::evidence", %offender, "the validator is jailed");
                    self.log.set(offender, EvidenceState::Jailed, head.number());
                }
                Ok(Standing::Unknown) => self.log.set(offender, EvidenceState::Refused, head.number()),
                Ok(Standing::Validator) if head.set.len() < 2 => {
                    self.log.set(offender, EvidenceState::Refused, head.number());
                }
                Ok(Standing::Validator) if kept.due <= head.number() && self.signer.is_some() => {
                    self.submit(&kept, &head)
                }
                Ok(Standing::Validator) => {}
                Err(reason) => warn!(target: "ledger::evidence", %offender, reason, "the contract cannot be asked"),
            }
        }
    }

    fn standing(&self, key: ConsensusKey) -> Result<Standing, String> {
        let call = Bootstrap::consensusKeyOfCall {
            consensusKey: key.get().into(),
        };
        let request = TransactionRequest {
            to: Some(TxKind::Call(BOOTSTRAP)),
            input: alloy_primitives::Bytes::from(call.abi_encode()).into(),
            ..TransactionRequest::default()
        };
        let result = self
            .runtime
            .call(request, BlockRef::Head, CallOverrides::default())
            .map_err(|error| error.to_string())?;
        let CallOutcome::Returned(output) = result.outcome else {
            return Err(format!("{:?}", result.outcome));
        };
        let known = Bootstrap::consensusKeyOfCall::abi_decode_returns(&output).map_err(|error| error.to_string())?;
        Ok(match known {
            known if known.account.is_zero() => Standing::Unknown,
            known if known.jailed => Standing::Jailed,
            _ => Standing::Validator,
        })
    }

    fn submit(&self, kept: &KeptEvidence, head: &Head) {
        let offender = kept.evidence.offender;
        let again = BlockNumber::new(head.number().get().saturating_add(RETRY_BLOCKS));
        let sent = submission(&kept.evidence, self.runtime.spec().chain_id)
            .and_then(|raw| self.pool.submit(&raw).map_err(|error| error.to_string()));
        match sent {
            Ok(transaction) => {
                info!(target: "ledger::evidence", %offender, %transaction, "evidence submitted");
                self.log.set(offender, EvidenceState::Submitted(transaction), again);
            }
            Err(reason) => {
                warn!(target: "ledger::evidence", %offender, reason, "evidence not submitted; it is tried again");
                self.log.set(offender, kept.state, again);
            }
        }
    }
}

/// The transaction that hands `evidence` to the contract, signed by an account that is used once.
fn submission(evidence: &Evidence, chain_id: u64) -> Result<Vec<u8>, String> {
    let call = Bootstrap::submitEvidenceCall {
        consensusKey: evidence.offender.get().into(),
        a: evidence.first.to_bytes().into(),
        b: evidence.second.to_bytes().into(),
    };
    let saying = Saying {
        chain_id,
        nonce: 0,
        to: BOOTSTRAP,
        data: call.abi_encode().into(),
        gas_limit: EVIDENCE_GAS,
    };
    signed(&PrivateKeySigner::random(), saying).map_err(|error| error.to_string())
}
