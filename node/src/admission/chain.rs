//! What does the chain say? Who is in the set, what is open, what this account has voted, and which metadata the chain has seen: all
//! at the newest block, which is final.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall;
use ledger_chainspec::{ConsensusKey, predeploys::BOOTSTRAP};
use ledger_contracts::{
    Bootstrap::{self, Candidate as Asked, Member, Validator},
    ProposalAction, ProposalKind, ProposalStatus,
};
use ledger_notary::{
    judge::{Candidate, Holder, Keys},
    tuf::Floor,
};
use ledger_runtime::{BlockRef, CallOutcome, CallOverrides, Runtime};

use super::{
    following::{self, Following, Seen},
    former::Former,
};

/// The ballot of a vote against, as the contract has it. This node never casts one: it is its operator's.
pub const AGAINST: B256 = B256::with_last_byte(1);

/// Removals that were taken back and are remembered, the newest: as many proposals as any round looks at anew.
const WITHDRAWN_MAX: u64 = following::NEWEST_MAX;

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
    /// Validators that were removed by a vote, while their member is one and has none in the set in their place.
    pub removed: Vec<Seated>,
    /// Whether these are all that were removed: a process that has just begun may not have found them yet.
    pub knows_removed: bool,
    /// Whose keys are taken.
    pub holders: Vec<Holder>,
    /// Open requests, oldest first: the newest, all that this account has a vote on, and in turn the older ones of members.
    pub requests: Vec<Request>,
    /// Open removals, oldest first.
    pub removals: Vec<Removal>,
    /// Removals that their proposers took back, as far as the reader has seen them.
    pub withdrawn: BTreeSet<u64>,
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
    former: Former,
    /// Removals that were taken back.
    withdrawn: BTreeSet<u64>,
}

impl Reader {
    /// Looks at these proposals in any case, as long as they are open: this node has said a vote on each, or would if it could.
    pub fn follow(&mut self, watched: BTreeSet<u64>) {
        self.following.follow(watched);
    }

    /// Goes on to the next of the older proposals, once for each round: within it, all readings look at the same.
    pub fn end_round(&mut self) {
        self.following.end();
    }

    /// What the newest block says; ballots are those of `account`. Of older requests that are looked at in turn, those of the members
    /// `admitted` count.
    ///
    /// The time is the block's. By this machine's clock a proposal may be over that the chain will still find open, and what is over is
    /// looked at no more.
    ///
    /// # Errors
    /// In words, if a contract cannot be asked.
    pub fn read(&mut self, runtime: &Runtime, account: Address, admitted: &BTreeSet<String>) -> Result<Facts, String> {
        let head = runtime.head();
        let view = View {
            runtime,
            at: BlockRef::Number(head.number()),
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
            self.read_one((&view, account, admitted), id, &mut facts)?;
        }
        facts.removed = self.former.read(&view, &head.set)?;
        facts.knows_removed = self.following.sees_all();
        facts.withdrawn.clone_from(&self.withdrawn);
        Ok(facts)
    }

    fn read_one(
        &mut self,
        (view, account, admitted): (&View<'_>, Address, &BTreeSet<String>),
        id: u64,
        facts: &mut Facts,
    ) -> Result<(), String> {
        let proposal_id = U256::from(id);
        let stored = view.ask(&Bootstrap::proposalCall {
            proposalId: proposal_id,
        })?;
        let status = ProposalStatus::try_from(stored.status).map_err(|error| error.to_string())?;
        let kind = ProposalKind::try_from(stored.kind).map_err(|error| error.to_string())?;
        let is_open = matches!(status, ProposalStatus::Open | ProposalStatus::Passed);
        if (kind, status) == (ProposalKind::Remove, ProposalStatus::Withdrawn) {
            self.withdrawn.insert(id);
            if self.withdrawn.len() as u64 > WITHDRAWN_MAX {
                self.withdrawn.pop_first();
            }
        }
        // Whoever asks writes the payload. What cannot be read is nobody's request.
        let action = ProposalAction::decode(kind, &stored.payload);
        let action = match action {
            Some(ProposalAction::Remove(account)) if status == ProposalStatus::Executed => {
                self.former.note(account);
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
        let seen = match &action {
            ProposalAction::Remove(_) => Seen::Removal,
            ProposalAction::Admit(asked) => Seen::Request {
                has_ballot: ballot != B256::ZERO,
                is_of_member: admitted.contains(&self.name_of(view, asked)?),
            },
            _ => Seen::Over,
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
            ProposalAction::Admit(asked) => {
                let member_name = self.name_of(view, &asked)?;
                facts.requests.push(request(view, standing, member_name, &asked)?);
            }
            ProposalAction::Remove(account) => facts.removals.push(Removal { standing, account }),
            _ => {}
        }
        Ok(())
    }

    fn name(&mut self, view: &View<'_>, member: u32) -> Result<String, String> {
        if let Some(name) = self.names.get(&member) {
            return Ok(name.clone());
        }
        let name = view.member(member)?.name;
        self.names.insert(member, name.clone());
        Ok(name)
    }

    /// What the chain calls the member of a request, or what it would call it.
    fn name_of(&mut self, view: &View<'_>, asked: &Asked) -> Result<String, String> {
        match asked.memberId {
            0 => Ok(asked.memberName.clone()),
            id => self.name(view, id),
        }
    }
}

/// A request, with what the chain says of its member.
fn request(view: &View<'_>, standing: Standing, member_name: String, asked: &Asked) -> Result<Request, String> {
    let validators = match asked.memberId {
        0 => 0,
        id => view.member(id)?.validators.into(),
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

/// The contract at one block, and at that block's time.
pub(super) struct View<'a> {
    runtime: &'a Runtime,
    at: BlockRef,
}

impl View<'_> {
    pub(super) fn ask<C: SolCall>(&self, call: &C) -> Result<C::Return, String> {
        let request = TransactionRequest {
            to: Some(TxKind::Call(BOOTSTRAP)),
            input: Bytes::from(call.abi_encode()).into(),
            ..TransactionRequest::default()
        };
        let result = self.runtime.call(request, self.at, CallOverrides::default());
        match result.map_err(|error| error.to_string())?.outcome {
            CallOutcome::Returned(output) => C::abi_decode_returns(&output).map_err(|error| error.to_string()),
            outcome => Err(format!("{} gives {outcome:?}", C::SIGNATURE)),
        }
    }

    pub(super) fn genesis_validators(&self) -> impl Iterator<Item = Address> {
        self.runtime.spec().validators.iter().map(|validator| validator.account)
    }

    pub(super) fn member(&self, id: u32) -> Result<Member, String> {
        self.ask(&Bootstrap::memberCall { memberId: id })
    }

    pub(super) fn validator(&self, account: Address) -> Result<Validator, String> {
        self.ask(&Bootstrap::validatorCall { account })
    }
}
