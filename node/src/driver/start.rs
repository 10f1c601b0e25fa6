//! Where the driver starts: the head, the key, and what was found of the guard record (R8).
//!
//! Called by the assembly.

use std::{collections::VecDeque, num::NonZeroU64, sync::Arc};

use ledger_chainspec::ChainSpec;
use ledger_consensus::{
    ChainParams, Engine, EngineConfig, EngineStart, FinalHead, GuardRecord, GuardRecordError, GuardStart, Schedule,
};
use ledger_runtime::{Head, Runtime};
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Driver, DriverInputs, DriverParts, catching_up::CatchingUp, now, pace::Pace, talking::Talk};
use crate::{
    error::LostGuard,
    recovery::Targets,
    signer::{ConsensusSigner, GuardStore},
};

/// What a validator signs with.
#[derive(Debug)]
pub struct Signing {
    /// The key.
    pub signer: Arc<ConsensusSigner>,
    /// Where its guard record goes.
    pub store: GuardStore,
    /// What was found there.
    pub start: GuardStart,
}

/// Why the driver cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The guard record cannot be read.
    #[error("the guard record cannot be read: {0}")]
    Record(#[from] GuardRecordError),
    /// The guard record does not fit the chain.
    #[error(transparent)]
    LostGuard(#[from] LostGuard),
    /// The engine refused guard record or head.
    #[error(transparent)]
    Engine(#[from] ledger_consensus::StartError),
    /// A slot of no length.
    #[error("the specification gives slots no duration")]
    NoSlotDuration,
}

/// What the operator says of a guard record that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LostGuardAnswer {
    /// The record is lost, and no other process ever signs with the key.
    pub accept_lost: bool,
    /// The key has never signed anything on this chain.
    pub is_fresh: bool,
}

/// How to start with the record `found` in the guard store of a chain at `head`, or the reason not to (R8).
///
/// A set of one has nobody to learn from what it signed before, so it starts without its record only on an empty chain or
/// at the operator's word. Larger sets wait for a later certificate by themselves; at the start of a chain there is none to
/// wait for, so that there the operator's word counts that the key is fresh.
///
/// # Errors
/// [`StartError::Record`] for a record that cannot be read, [`StartError::LostGuard`] as above.
pub fn guard_start(found: Option<&[u8]>, head: &Head, answer: LostGuardAnswer) -> Result<GuardStart, StartError> {
    let record = found.map(GuardRecord::from_bytes).transpose()?;
    if head.set.len() > 1 {
        return Ok(match record {
            Some(record) => GuardStart::Found(Box::new(record)),
            None if answer.is_fresh && head.number().get() == 0 => GuardStart::Fresh,
            None => GuardStart::Lost,
        });
    }
    let lost = match record {
        None if head.number().get() == 0 => return Ok(GuardStart::Fresh),
        None => LostGuard::Missing {
            height: head.number().get(),
        },
        Some(record) => {
            let guard_slot = record.newest_slot().map_or(0, |slot| slot.get());
            let head_slot = head
                .certificate
                .as_ref()
                .map_or(0, |certificate| certificate.slot.get());
            let next = head.number().get().saturating_add(1);
            if guard_slot < head_slot {
                LostGuard::Rewound { guard_slot, head_slot }
            } else if record.height.get() > next {
                LostGuard::ChainRewound {
                    guard_height: record.height.get(),
                    head: head.number().get(),
                }
            } else {
                return Ok(GuardStart::Found(Box::new(record)));
            }
        }
    };
    if answer.accept_lost {
        Ok(GuardStart::LostAccepted)
    } else {
        Err(lost.into())
    }
}

/// What the engine needs to know of the specification.
pub(super) fn params(spec: &ChainSpec, runtime: &Runtime) -> Result<ChainParams, StartError> {
    let slot_duration_ms = NonZeroU64::new(spec.consensus.slot_duration_ms).ok_or(StartError::NoSlotDuration)?;
    Ok(ChainParams {
        genesis: runtime.genesis_hash(),
        schedule: Schedule::new(slot_duration_ms),
        heartbeat_slots: spec.consensus.heartbeat_slots,
        transactions_per_slot: spec.limits.transactions_per_slot,
        gas_limit: spec.limits.gas_limit,
    })
}

/// The head in the engine's words.
pub(super) fn final_head(head: &Head) -> FinalHead {
    FinalHead {
        header: head.header.clone(),
        certificate: head.certificate.clone(),
        signers: Arc::clone(&head.signers),
        set: Arc::clone(&head.set),
        recovery: head.recovery,
    }
}

impl Driver {
    /// A driver at the runtime's head; with `signing` it makes blocks when it is in the set, without it makes none.
    ///
    /// # Errors
    /// [`StartError`] if the guard record belongs to another chain or key, or the head contradicts itself.
    pub fn new(
        parts: DriverParts,
        inputs: DriverInputs,
        signing: Option<Signing>,
        shutdown: CancellationToken,
    ) -> Result<Self, StartError> {
        let DriverInputs {
            network,
            batches,
            questions,
        } = inputs;
        let params = params(parts.runtime.spec(), &parts.runtime)?;
        let pace = Pace::new(parts.runtime.spec().limits.gas_limit);
        let (signer, guard, start) = match signing {
            Some(Signing { signer, store, start }) => (Some(signer), Some(store), start),
            None => (None, None, GuardStart::Lost),
        };
        let config = EngineConfig {
            params,
            voter: signer.as_ref().map(|signer| signer.public()),
        };
        let head = final_head(&parts.runtime.head());
        let (engine, first_effects) = Engine::new(
            config,
            EngineStart {
                head,
                guard: start,
                now: now(),
            },
        )?;
        let (talk, ears) = network
            .map(|network| Talk::new(network, parts.heads.subscribe()))
            .unzip();
        let targets = Targets::new(Arc::clone(&parts.runtime), Arc::clone(&parts.confirmed));
        Ok(Self {
            engine,
            targets,
            first_effects,
            signer,
            guard: guard.map(|store| Arc::new(Mutex::new(store))),
            parts,
            talk,
            ears,
            batches,
            questions,
            catching_up: CatchingUp::default(),
            params,
            schedule: params.schedule,
            clock_offset_ms: None,
            executed: VecDeque::new(),
            ahead: None,
            begun_ahead: None,
            newest_final: None,
            work: JoinSet::new(),
            wake_at: None,
            pace,
            told_has_work: false,
            is_contradicted: false,
            shutdown,
        })
    }
}
