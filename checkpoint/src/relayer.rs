//! How is a decision carried out? One round: look at both chains, decide, keep, act.
//!
//! Called by `ledger-relayer run` again and again. Order is everything here: what the planner says is on disk before it is acted on,
//! and a transaction is on disk before it is sent, so that a process killed at any point goes on where it was. Nothing is decided
//! here.

use alloy_primitives::{Address, B256, TxKind};
use alloy_signer_local::PrivateKeySigner;

use crate::{
    journal::{Journal, JournalError},
    mainchain::{Mainchain, MainchainError, Preflight},
    numbers::{Index, Point},
    outbox::{Attempt, BadRecord},
    plan::{Action, Alarm, Decision, Facts, Note, Planner, SendFault, Sight, Submission},
    sidechain::{Sidechain, SidechainError},
    signing::{self, Order, SigningError},
    statement::Bundle,
};

/// Looks at the mainchain in one round, if it moves while it is looked at.
const LOOKS_MAX: usize = 3;

/// Most gas of one call: the gas of a whole block of Ethereum Classic.
const GAS_LIMIT_MAX: u64 = 8_000_000;

/// What a relayer needs to act: without it, it only shows what it would do.
#[derive(Debug)]
pub struct Hands {
    /// Signs, and pays.
    pub signer: PrivateKeySigner,
    /// Remembers.
    pub journal: Journal,
}

/// Why a round came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RelayerError {
    /// The mainchain did not answer; the next round asks again.
    #[error(transparent)]
    Mainchain(#[from] MainchainError),
    /// The mainchain moved faster than it could be looked at; the next round asks again.
    #[error("the mainchain changed {LOOKS_MAX} times while it was looked at")]
    Restless,
    /// The journal cannot be written: the relayer must stop, since it must not forget.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The key does not sign.
    #[error(transparent)]
    Key(#[from] SigningError),
    /// More transactions than are kept, or none of its bundle.
    #[error("a transaction cannot be kept: {0}")]
    Record(#[from] BadRecord),
}

impl RelayerError {
    /// Whether another round may do better.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Mainchain(_) | Self::Restless => true,
            Self::Journal(_) | Self::Key(_) | Self::Record(_) => false,
        }
    }
}

/// A transaction that was sent, or would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// For which checkpoint.
    pub index: Index,
    /// Its hash; none if it was only shown.
    pub hash: Option<B256>,
    /// What it is.
    pub kind: SendingKind,
    /// Why no node took it.
    pub fault: Option<SendFault>,
}

/// Which kind of transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendingKind {
    /// A new one.
    New,
    /// One that outbids another.
    Raised,
    /// One that had been sent before.
    Again,
}

/// What a round saw and did.
#[derive(Debug)]
pub struct Report {
    /// The mainchain.
    pub sight: Sight,
    /// What happened.
    pub notes: Vec<Note>,
    /// What is wrong.
    pub alarms: Vec<Alarm>,
    /// What was sent.
    pub sendings: Vec<Sending>,
    /// Why the sidechain did not answer.
    pub sidechain: Option<SidechainError>,
}

/// A relayer between two chains.
#[derive(Debug)]
pub struct Relayer<M, S> {
    mainchain: M,
    sidechain: S,
    planner: Planner,
    account: Address,
    hands: Option<Hands>,
}

impl<M: Mainchain, S: Sidechain> Relayer<M, S> {
    /// A relayer that acts with `hands`, or only shows what `account` would do.
    pub fn new(mainchain: M, sidechain: S, planner: Planner, hands: Result<Hands, Address>) -> Self {
        let (account, hands) = match hands {
            Ok(hands) => (hands.signer.address(), Some(hands)),
            Err(account) => (account, None),
        };
        Self {
            mainchain,
            sidechain,
            planner,
            account,
            hands,
        }
    }

    /// What it has decided so far.
    pub fn planner(&self) -> &Planner {
        &self.planner
    }

    /// One round.
    ///
    /// # Errors
    /// [`RelayerError`]. After one that is not passing, the relayer must not go on.
    pub async fn round(&mut self, now_ms: u64) -> Result<Report, RelayerError> {
        let mut notes = Vec::new();
        for _ in 0..LOOKS_MAX {
            let sight = self.mainchain.sight(self.account).await?;
            let (bundles, sidechain) = self.bundles(&sight).await;
            let questions = self.planner.questions(&sight);
            let answers = self.mainchain.answer(&sight, &questions).await?;
            let decision = self.planner.step(&Facts {
                now_ms,
                sight: sight.clone(),
                answers,
                bundles,
            });
            if let Some(hands) = &mut self.hands {
                hands.journal.keep(&decision.keep)?;
            }
            notes.extend(decision.notes.iter().cloned());
            if decision.actions.contains(&Action::LookAgain) {
                continue;
            }
            let mut report = Report {
                sight,
                notes,
                alarms: Vec::new(),
                sendings: Vec::new(),
                sidechain,
            };
            self.act(decision, &mut report).await?;
            if let Some(hands) = &mut self.hands {
                hands.journal.compact(self.planner.outbox())?;
            }
            return Ok(report);
        }
        Err(RelayerError::Restless)
    }

    /// The bundles that are wanted. A sidechain that does not answer keeps nobody from looking after what was taken before.
    async fn bundles(&self, sight: &Sight) -> (Vec<Bundle>, Option<SidechainError>) {
        let Some((from, count)) = self.planner.wanted(sight) else {
            return (Vec::new(), None);
        };
        match self.sidechain.bundles(from, count).await {
            Ok(bundles) => (bundles, None),
            Err(error) => (Vec::new(), Some(error)),
        }
    }

    async fn act(&mut self, decision: Decision, report: &mut Report) -> Result<(), RelayerError> {
        report.alarms = decision.alarms;
        let head = report.sight.head;
        for action in decision.actions {
            let sending = match action {
                Action::LookAgain => None,
                Action::Submit(submission) => self.submit(submission, head).await?,
                Action::Resend { index, hash } => self.resend(index, hash, head).await,
            };
            report.sendings.extend(sending);
        }
        Ok(())
    }

    async fn submit(&mut self, submission: Submission, head: Point) -> Result<Option<Sending>, RelayerError> {
        let Submission {
            index,
            nonce,
            gas_price_wei,
            raises,
        } = submission;
        let Some(entry) = self.planner.outbox().entry(index) else {
            return Ok(None);
        };
        let call = entry.bundle.call();
        let refusal = match self.mainchain.preflight(head, self.account, &call).await? {
            Preflight::Takes { gas } => Ok(gas),
            Preflight::Rejects => Err("it has another checkpoint with this index".to_owned()),
            Preflight::Reverts { reason } => Err(reason),
        };
        let gas = match refusal {
            Ok(gas) => gas,
            Err(reason) => {
                self.planner.refused(index, head.number, reason);
                return Ok(None);
            }
        };
        let kind = if raises { SendingKind::Raised } else { SendingKind::New };
        let Some(hands) = &mut self.hands else {
            return Ok(Some(Sending {
                index,
                hash: None,
                kind,
                fault: None,
            }));
        };
        let anchor = *self.planner.outbox().anchor();
        let order = Order {
            chain_id: anchor.mainchain_id,
            nonce,
            gas_price_wei,
            // A quarter more: the state may change a little until it is mined.
            gas_limit: gas.saturating_add(gas / 4).min(GAS_LIMIT_MAX),
            to: TxKind::Call(anchor.contract),
            data: call,
        };
        let (hash, raw) = signing::sign(&hands.signer, order)?;
        let attempt = Attempt {
            nonce,
            gas_price_wei,
            hash,
            raw: raw.clone(),
        };
        let record = self.planner.signed(index, attempt)?;
        // On disk before it leaves: a transaction that nobody remembers could not be outbid.
        hands.journal.keep(&[record])?;
        let fault = self.mainchain.send(&raw).await.err();
        self.planner.sent(hash, head.number, fault.as_ref());
        Ok(Some(Sending {
            index,
            hash: Some(hash),
            kind,
            fault,
        }))
    }

    async fn resend(&mut self, index: Index, hash: B256, head: Point) -> Option<Sending> {
        let entry = self.planner.outbox().entry(index)?;
        let raw = entry.attempts.iter().find(|attempt| attempt.hash == hash)?.raw.clone();
        let fault = self.mainchain.send(&raw).await.err();
        self.planner.sent(hash, head.number, fault.as_ref());
        Some(Sending {
            index,
            hash: Some(hash),
            kind: SendingKind::Again,
            fault,
        })
    }
}
