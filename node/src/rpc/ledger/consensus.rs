//! Who has promised, voted, connected, broken a rule? Gathers the facts for [`stalled`] and shows what the node keeps.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{B256, Bytes};
use ledger_api::{
    BrokenRule, EndorsementInfo, EvidenceInfo, EvidenceStanding, OpenHeight, PeerHead, PeerInfo, SilenceKind,
    SlotBlock, StallReport, ValidatorHeard, ValidatorName,
};
use ledger_chainspec::{ConsensusKey, Endorsement, Slot, Validator, predeploys::BOOTSTRAP};
use ledger_consensus::{EvidenceKind, Schedule, Silence, Status};
use ledger_contracts::Bootstrap;
use ledger_network::{Peer, PeerId, Peers};
use ledger_runtime::Head;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

use super::{
    super::{clock::unix_seconds, context::Api, error::RpcFailure},
    contracts::View,
    number, point,
    stalled::{self, Facts, NetworkFacts},
};
use crate::{
    driver::now,
    evidence::{EvidenceState, KeptEvidence},
};

/// How long a question waits for the driver: it answers between two things that it does, none of which takes a slot.
const DRIVER_WAIT: Duration = Duration::from_secs(2);

impl Api {
    /// The promise about a transaction. While that waits in the pool, the promise is waited for.
    pub(super) async fn promise_about(&self, transaction: B256) -> Option<Arc<Endorsement>> {
        let endorsements = &self.context.consensus.endorsements;
        if let Some(receipt) = endorsements.receipt(&transaction) {
            return Some(receipt);
        }
        tokio::select! {
            receipt = endorsements.wait_for(&transaction) => receipt,
            () = self.left_the_pool(&transaction) => endorsements.receipt(&transaction),
        }
    }

    /// Waits until the pool has the transaction no more.
    async fn left_the_pool(&self, transaction: &B256) {
        let mut heads = self.context.heads.clone();
        while self.context.pool.get(transaction).is_some() {
            if heads.changed().await.is_err() {
                return;
            }
        }
    }

    /// How the open height stands, if the driver says so in time.
    pub(super) async fn open_height(&self) -> Option<Status> {
        let questions = self.context.consensus.questions.clone();
        let asked = async {
            let (question, answer) = oneshot::channel();
            questions.send(question).await.ok()?;
            answer.await.ok()
        };
        timeout(DRIVER_WAIT, asked).await.ok().flatten()
    }

    pub(super) fn connected(&self) -> Option<Arc<Peers>> {
        let peers = self.context.consensus.peers.as_ref()?;
        Some(Arc::clone(&peers.borrow()))
    }

    /// The answer to `ledger_whyStalled`, given what the driver said.
    pub(super) fn stall_report(&self, view: &View, status: Option<&Status>) -> Result<StallReport, RpcFailure> {
        let consensus = &self.context.consensus;
        let peers = self.connected();
        let spec = view.runtime.spec();
        let head = &view.head;
        let content = self.context.pool.content();
        let pending = || content.values().flat_map(|sender| sender.pending.values());
        let network = peers.as_ref().map(|peers| NetworkFacts {
            peers: number(peers.connected.len()),
            clock_offset_ms: peers.clock_offset_ms(),
            wanted: consensus.wanted.clone().unwrap_or_default(),
            sync: self.context.network.borrow().sync,
        });
        let heartbeat = head.slot.get().saturating_add(spec.consensus.heartbeat_slots);
        Ok(stalled::report(Facts {
            now: now(),
            schedule: schedule(view),
            head: point(&head.header),
            head_slot: head.slot,
            heartbeat_slot: Slot::new(heartbeat),
            quorum: head.set.quorum(),
            validators: heard(view, consensus.own, peers.as_deref(), status)?,
            has_key: consensus.own.is_some(),
            pending: number(pending().count()),
            oldest_pending: pending().map(|waiting| waiting.received).min(),
            silence: status.and_then(|status| status.silence).map(silence_words),
            open: status.map(|status| open(view, status)).transpose()?,
            network,
            contradiction: consensus.confirmed.contradiction().map(|found| found.to_string()),
            refused: consensus.confirmed.refused().map(|found| found.to_string()),
            recovering: consensus.confirmed.recovering(),
        }))
    }

    /// The validator that this node signs for, if its key is one's.
    pub(super) fn own_validator(&self, view: &View) -> Result<Option<ValidatorName>, RpcFailure> {
        let own = self.context.consensus.own;
        own.filter(|key| view.head.set.index_of(key).is_some())
            .map(|key| name_of(view, key))
            .transpose()
    }
}

pub(super) fn schedule(view: &View) -> Schedule {
    Schedule::new(
        std::num::NonZeroU64::new(view.runtime.spec().consensus.slot_duration_ms).unwrap_or(std::num::NonZeroU64::MIN),
    )
}

/// The validator that a key belongs to, or belonged to.
pub(super) fn name_of(view: &View, key: ConsensusKey) -> Result<ValidatorName, RpcFailure> {
    let set = &view.head.set;
    if let Some((index, validator)) = set.index_of(&key).and_then(|index| Some((index, set.get(index)?))) {
        return named(view, index, validator);
    }
    let consensus_key = B256::from(key.get());
    let unknown = ValidatorName {
        index: None,
        consensus_key,
        account: None,
        cloud: None,
    };
    let question = Bootstrap::consensusKeyOfCall {
        consensusKey: consensus_key,
    };
    let account = view.ask(BOOTSTRAP, &question)?.account;
    if account.is_zero() {
        return Ok(unknown);
    }
    let former = view.ask(BOOTSTRAP, &Bootstrap::validatorCall { account })?;
    Ok(ValidatorName {
        account: Some(account),
        cloud: Some(view.cloud(former.memberId)?.name),
        ..unknown
    })
}

fn named(view: &View, index: usize, validator: &Validator) -> Result<ValidatorName, RpcFailure> {
    Ok(ValidatorName {
        index: Some(number(index)),
        consensus_key: B256::from(validator.consensus_key.get()),
        account: Some(validator.account),
        cloud: Some(view.cloud(validator.member_id.get())?.name),
    })
}

/// The answer to `ledger_endorsement`.
pub(super) fn endorsement(
    view: &View,
    transaction: B256,
    endorsement: &Endorsement,
) -> Result<EndorsementInfo, RpcFailure> {
    let found = view.runtime.transaction(&transaction)?;
    Ok(EndorsementInfo {
        transaction,
        slot: endorsement.slot.get(),
        slot_start_ms: schedule(view).start_of(endorsement.slot).get(),
        authority: name_of(view, endorsement.authority)?,
        transactions: endorsement.transactions.clone(),
        signature: Bytes::copy_from_slice(endorsement.signature.as_ref()),
        block_number: found.map(|found| found.location.block.get()),
    })
}

/// The validators, and who was heard.
fn heard(
    view: &View,
    own: Option<ConsensusKey>,
    peers: Option<&Peers>,
    status: Option<&Status>,
) -> Result<Vec<ValidatorHeard>, RpcFailure> {
    let describe = |(index, validator): (usize, &Validator)| {
        let key = validator.consensus_key;
        let heard = status.and_then(|status| status.heard.iter().find(|(heard, _)| *heard == key));
        Ok(ValidatorHeard {
            validator: named(view, index, validator)?,
            own: own == Some(key),
            connected: peers.is_some_and(|peers| is_connected(peers, validator)),
            last_heard_slot: heard.and_then(|(_, slot)| slot.map(Slot::get)),
        })
    };
    view.head.set.iter().enumerate().map(describe).collect()
}

fn is_connected(peers: &Peers, validator: &Validator) -> bool {
    PeerId::from_bytes(&validator.peer_id).is_ok_and(|id| peers.get(id).is_some())
}

/// How many validators of the set this node is connected to.
pub(super) fn connected_validators(head: &Head, peers: &Peers) -> usize {
    head.set
        .iter()
        .filter(|validator| is_connected(peers, validator))
        .count()
}

fn open(view: &View, status: &Status) -> Result<OpenHeight, RpcFailure> {
    let block = |slot: Slot, hash: B256| SlotBlock { slot: slot.get(), hash };
    Ok(OpenHeight {
        height: status.height.get(),
        slot: status.slot.get(),
        authority: name_of(view, status.authority)?,
        quorum: number(status.quorum),
        has_work: status.has_work,
        lock: status.lock.map(|lock| block(lock.slot, lock.hash.get())),
        newest_certificate: status.newest_certificate.map(|(slot, hash)| block(slot, hash.get())),
        decided: status.decided.map(|hash| hash.get()),
        silence: status.silence.map(silence_kind),
        last_refusal: status.last_refusal.as_ref().map(ToString::to_string),
    })
}

const fn silence_kind(silence: Silence) -> SilenceKind {
    match silence {
        Silence::NotAValidator => SilenceKind::NotAValidator,
        Silence::Halted => SilenceKind::Halted,
        Silence::ClockOff => SilenceKind::ClockOff,
        Silence::GuardLost { .. } => SilenceKind::GuardLost,
        Silence::GuardAhead { .. } => SilenceKind::GuardAhead,
    }
}

/// Why a node signs nothing and what to do, as the end of a sentence without its full stop.
fn silence_words(silence: Silence) -> String {
    match silence {
        Silence::NotAValidator => "its key is no validator's".to_owned(),
        Silence::Halted => "it has met what only a person can judge; the errors in its log say what".to_owned(),
        Silence::ClockOff => "its clock is off; it goes on by itself once the clock is right".to_owned(),
        Silence::GuardLost { since } => format!(
            "the record of what its key has signed is lost; it goes on by itself once the other validators have made a block \
             final after slot {since}"
        ),
        Silence::GuardAhead { recorded } => format!(
            "its key has signed at height {recorded}, which its chain has not reached; it goes on once it has caught up, so let \
             it, or put the newer database back"
        ),
    }
}

/// One proof, shown.
pub(super) fn evidence(view: &View, kept: &KeptEvidence) -> Result<EvidenceInfo, RpcFailure> {
    let proof = &kept.evidence;
    let (state, transaction) = match kept.state {
        EvidenceState::Waiting => (EvidenceStanding::Waiting, None),
        EvidenceState::Submitted(transaction) => (EvidenceStanding::Submitted, Some(transaction)),
        EvidenceState::Jailed => (EvidenceStanding::Jailed, None),
        EvidenceState::Refused => (EvidenceStanding::Refused, None),
    };
    Ok(EvidenceInfo {
        offender: name_of(view, proof.offender)?,
        kind: match proof.kind {
            EvidenceKind::DoubleSeal => BrokenRule::DoubleSeal,
            EvidenceKind::DoubleVote => BrokenRule::DoubleVote,
            EvidenceKind::Amnesia => BrokenRule::Amnesia,
        },
        slot: proof.first.statement.slot.max(proof.second.statement.slot).get(),
        first: proof.first.to_bytes().into(),
        second: proof.second.to_bytes().into(),
        found_at: kept.found_at.get(),
        state,
        transaction,
    })
}

/// One peer, shown.
pub(super) fn peer(view: &View, peer: &Peer) -> Result<PeerInfo, RpcFailure> {
    let id = peer.id.to_bytes();
    let registered = view
        .head
        .set
        .iter()
        .enumerate()
        .find(|(_, validator)| *validator.peer_id == *id);
    let connected_for = Instant::now().saturating_duration_since(peer.connected_since);
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Ok(PeerInfo {
        peer_id: peer.id.to_string(),
        address: peer.address.to_string(),
        validator: registered
            .map(|(index, validator)| named(view, index, validator))
            .transpose()?,
        reserved: peer.is_reserved,
        incoming: peer.is_incoming,
        agent: peer.agent.clone(),
        head: peer.status.map(|status| PeerHead {
            number: status.head.get(),
            hash: status.head_hash.get(),
            oldest: status.oldest.get(),
        }),
        clock_offset_ms: peer.clock_offset_ms,
        round_trip_us: peer.rtt.map(micros),
        score: peer.score,
        connected_since: unix_seconds().saturating_sub(connected_for.as_secs()),
    })
}
