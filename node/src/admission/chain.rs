//! What does the chain say? Who is in the set, what is open, what this account has voted, and which metadata the chain has seen: all
//! at the newest block, which is final.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use alloy_sol_types::SolCall;
use ledger_chainspec::{ConsensusKey, SetId, predeploys::BOOTSTRAP};
use ledger_contracts::{
    Bootstrap::{self, Candidate as Asked},
    ProposalAction, ProposalKind, ProposalStatus, ValidatorStatus,
};
use ledger_notary::{
    judge::{Candidate, Holder, Keys},
    tuf::Floor,
};
use ledger_runtime::{BlockRef, CallOutcome, CallOverrides, Runtime};

use super::following::{Following, Seen};

/// The ballot of a vote against, as the contract has it. This node never casts one: it is its operator's.
pub const AGAINST: B256 = B256::with_last_byte(1);

/// A validator of the set.
#[derive(Clone, Debug)]
pub struct Seated {
    /// Its account.
    pub account: Address,
    /// What the chain calls its member.
    pub member_name: String,
}

/// How a proposal stands, and this account to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its number.
    pub id: u64,
    /// Who opened it.
    pub proposer: Address,
    /// The tuple that has the majority, if it has passed.
    pub passed: Option<B256>,
    /// From when it can be executed, in seconds; 0 until it has passed.
    pub executable_at: u64,
    /// This account's vote: the hash of a tuple, [`AGAINST`], or zero for none.
    pub ballot: B256,
}

/// An open request for admission.
#[derive(Clone, Debug)]
pub struct Request {
    /// How it stands.
    pub standing: Standing,
    /// Who asks.
    pub candidate: Candidate,
    /// Validators that its member has in the set.
    pub validators: u32,
}

/// An open proposal to remove a validator.
#[derive(Clone, Debug)]
pub struct Removal {
    /// How it stands.
    pub standing: Standing,
    /// The validator's account.
    pub account: Address,
}

/// What the chain says.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// When the newest block was made, in seconds.
    pub time: u64,
    /// What it has seen of the notary.
    pub floor: Floor,
    /// The set, in the order of its turns.
    pub set: Vec<Seated>,
    /// Validators that were removed by a vote and are not back, while their member is one and has no other in the set.
    pub removed: Vec<Seated>,
    /// Whose keys are taken.
    pub holders: Vec<Holder>,
    /// Open requests, oldest first: the newest, and all that this account has a vote on.
    pub requests: Vec<Request>,
    /// Open removals, oldest first.
    pub removals: Vec<Removal>,
}

impl Facts {
    /// How the proposal with this number stands, if it is among them.
    #[must_use]
    pub fn standing(&self, id: u64) -> Option<&Standing> {
        let requests = self.requests.iter().map(|request| &request.standing);
        let removals = self.removals.iter().map(|removal| &removal.standing);
        requests.chain(removals).find(|standing| standing.id == id)
    }
}

/// Reads the contracts. Remembers which proposals to follow, and how members are called.
#[derive(Debug, Default)]
pub struct Reader {
    following: Following,
    names: BTreeMap<u32, String>,
    /// Accounts that may have been removed from the set.
    former: BTreeSet<Address>,
    /// The set as of which members were asked for theirs.
    members_read_at: Option<SetId>,
}

impl Reader {
    /// Looks at these proposals in any case, as long as they are open: this node has said a vote on each.
    pub fn follow_voted(&mut self, voted: BTreeSet<u64>) {
        self.following.follow_voted(voted);
    }

    /// What the chain says at `now`, seconds; ballots are those of `account`.
    ///
    /// # Errors
    /// In words, if a contract cannot be asked.
    pub fn read(&mut self, runtime: &Runtime, account: Address, now: u64) -> Result<Facts, String> {
        let head = runtime.head();
        let view = View {
            runtime,
            at: BlockRef::Number(head.number()),
            now: now.max(head.header.header.timestamp),
        };
        let seen = view.ask(&Bootstrap::notaryFloorCall {})?;
        let mut facts = Facts {
            time: head.header.header.timestamp,
            floor: Floor {
                root_version: seen.rootVersion,
                targets_version: seen.targetsVersion,
                // The contract keeps versions; of one version, it adds up one hash alone.
                targets_sha256: None,
            },
            ..Facts::default()
        };
        for validator in head.set.iter() {
            facts.set.push(Seated {
                account: validator.account,
                member_name: self.name(&view, validator.member_id.get())?,
            });
            facts.holders.push(Holder {
                account: validator.account,
                keys: Keys {
                    consensus_key: validator.consensus_key,
                    checkpoint_key: validator.checkpoint_key,
                    peer_id: validator.peer_id.clone(),
                },
            });
        }
        let count: u64 = view.ask(&Bootstrap::proposalCountCall {})?.saturating_to();
        for id in self.following.begin(count) {
            self.read_one(&view, account, id, &mut facts)?;
        }
        self.following.end();
        facts.removed = self.removed(&view, head.set.id())?;
        Ok(facts)
    }

    fn read_one(&mut self, view: &View<'_>, account: Address, id: u64, facts: &mut Facts) -> Result<(), String> {
        let proposal_id = U256::from(id);
        let stored = view.ask(&Bootstrap::proposalCall {
            proposalId: proposal_id,
        })?;
        let status = ProposalStatus::try_from(stored.status).map_err(|error| error.to_string())?;
        let kind = ProposalKind::try_from(stored.kind).map_err(|error| error.to_string())?;
        let is_open = matches!(status, ProposalStatus::Open | ProposalStatus::Passed);
        // Whoever asks writes the payload. What cannot be read is nobody's request.
        let action = ProposalAction::decode(kind, &stored.payload);
        let action = match action {
            Some(ProposalAction::Remove(account)) if status == ProposalStatus::Executed => {
                self.former.insert(account);
                None
            }
            action => action.filter(|_| is_open),
        };
        let Some(action @ (ProposalAction::Admit(_) | ProposalAction::Remove(_))) = action else {
            self.following.note(id, Seen::Over);
            return Ok(());
        };
        let ballot = view.ask(&Bootstrap::ballotCall {
            proposalId: proposal_id,
            voter: account,
        })?;
        let seen = match action {
            ProposalAction::Remove(_) => Seen::Removal,
            _ => Seen::Request {
                has_ballot: ballot != B256::ZERO,
            },
        };
        if !self.following.note(id, seen) {
            return Ok(());
        }
        let standing = Standing {
            id,
            proposer: stored.proposer,
            passed: (status == ProposalStatus::Passed).then_some(stored.passedTuple),
            executable_at: stored.executableAt,
            ballot,
        };
        match action {
            ProposalAction::Admit(asked) => facts.requests.push(request(view, standing, &asked)?),
            ProposalAction::Remove(account) => facts.removals.push(Removal { standing, account }),
            _ => {}
        }
        Ok(())
    }

    /// Who was removed and is not back. No list in the contract says so: they are found among the owners and nominees of members, whom
    /// votes have admitted and whose number is bounded, whenever the set has changed; and in removals that this process saw carried out.
    fn removed(&mut self, view: &View<'_>, set: SetId) -> Result<Vec<Seated>, String> {
        if self.members_read_at != Some(set) {
            for id in 1..=view.ask(&Bootstrap::memberCountCall {})? {
                let member = view.ask(&Bootstrap::memberCall { memberId: id })?;
                self.former.extend([member.owner, member.nominee]);
            }
        }
        let mut removed = Vec::new();
        let mut former = BTreeSet::new();
        for account in &self.former {
            let validator = view.ask(&Bootstrap::validatorCall { account: *account })?;
            if ValidatorStatus::try_from(validator.status) != Ok(ValidatorStatus::Removed) {
                continue;
            }
            former.insert(*account);
            let member = view.ask(&Bootstrap::memberCall {
                memberId: validator.memberId,
            })?;
            if member.active && member.validators == 0 {
                removed.push(Seated {
                    account: *account,
                    member_name: member.name,
                });
            }
        }
        self.former = former;
        self.members_read_at = Some(set);
        Ok(removed)
    }

    fn name(&mut self, view: &View<'_>, member: u32) -> Result<String, String> {
        if let Some(name) = self.names.get(&member) {
            return Ok(name.clone());
        }
        let name = view.ask(&Bootstrap::memberCall { memberId: member })?.name;
        self.names.insert(member, name.clone());
        Ok(name)
    }
}

/// A request, with what the chain says of its member.
fn request(view: &View<'_>, standing: Standing, asked: &Asked) -> Result<Request, String> {
    let (member_name, validators) = match asked.memberId {
        0 => (asked.memberName.clone(), 0),
        id => {
            let member = view.ask(&Bootstrap::memberCall { memberId: id })?;
            (member.name, member.validators.into())
        }
    };
    Ok(Request {
        candidate: candidate(standing.proposer, member_name, asked),
        standing,
        validators,
    })
}

/// What a request asks for, in the judge's words.
#[must_use]
pub fn candidate(account: Address, member_name: String, asked: &Asked) -> Candidate {
    let keys = (asked.consensusKey != B256::ZERO).then(|| Keys {
        consensus_key: ConsensusKey::new(asked.consensusKey.0),
        checkpoint_key: asked.checkpointKey,
        peer_id: asked.peerId.to_vec(),
    });
    Candidate {
        member_name,
        account,
        keys,
        record_hash: asked.recordHash.0,
    }
}

/// The contract at one block and one time.
struct View<'a> {
    runtime: &'a Runtime,
    at: BlockRef,
    now: u64,
}

impl View<'_> {
    fn ask<C: SolCall>(&self, call: &C) -> Result<C::Return, String> {
        let request = TransactionRequest {
            to: Some(TxKind::Call(BOOTSTRAP)),
            input: Bytes::from(call.abi_encode()).into(),
            ..TransactionRequest::default()
        };
        let block = Some(Box::new(BlockOverrides {
            time: Some(self.now),
            ..BlockOverrides::default()
        }));
        let overrides = CallOverrides { state: None, block };
        let result = self.runtime.call(request, self.at, overrides);
        match result.map_err(|error| error.to_string())?.outcome {
            CallOutcome::Returned(output) => C::abi_decode_returns(&output).map_err(|error| error.to_string()),
            outcome => Err(format!("{} gives {outcome:?}", C::SIGNATURE)),
        }
    }
}
