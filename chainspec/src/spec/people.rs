//! Are the members, validators, balances and first nodes of a specification who they can be?
//!
//! A key belongs to one member and has one role, a validator belongs to a member that exists, and nobody outside the
//! built-in chains holds a key that everybody has.

use alloy_primitives::{Address, U256};
use ed25519_dalek::VerifyingKey;

use super::{ChainSpec, Problem, check::Problems};
use crate::{
    dev_keys::{self, DEV_ACCOUNTS, DEV_VALIDATORS},
    endpoint::is_endpoint,
    ids::{ConsensusKey, MemberId},
    peer_id::{peer_id_from_text, peer_id_of, peer_id_to_text},
    predeploys::{ED25519_PRECOMPILE, PREDEPLOYS},
    spec::{MEMBERS_MAX, REDEEMERS_MAX},
    validators::VALIDATORS_MAX,
};

/// Chain ids of the built-in chains, whose keys are public.
const DEVELOPMENT_CHAIN_IDS: [u64; 2] = [6300, 6301];

/// Most bootnodes, and the longest address of one in bytes.
const BOOTNODES_MAX: usize = 64;
const BOOTNODE_BYTES_MAX: usize = 256;

pub(super) fn check(spec: &ChainSpec, problems: &mut Problems) {
    check_members(spec, problems);
    check_validators(spec, problems);
    check_balances(spec, problems);
    check_bootnodes(spec, problems);
    if !DEVELOPMENT_CHAIN_IDS.contains(&spec.chain_id) {
        refuse_development_keys(spec, problems);
    }
}

/// Every address that a member signs with, where it stands, and whose it is.
fn member_keys(spec: &ChainSpec) -> impl Iterator<Item = (String, Address, MemberId)> + '_ {
    spec.members.iter().enumerate().flat_map(|(position, member)| {
        let owner = (format!("members[{position}].owner"), member.owner, member.id);
        let redeemer = move |(place, address): (usize, &Address)| {
            (format!("members[{position}].redeemers[{place}]"), *address, member.id)
        };
        std::iter::once(owner).chain(member.redeemers.iter().enumerate().map(redeemer))
    })
}

fn check_members(spec: &ChainSpec, problems: &mut Problems) {
    problems.range("members", spec.members.len() as u64, 1, MEMBERS_MAX as u64, " entries");
    for (position, (member, expected)) in spec.members.iter().zip(1_u32..).enumerate() {
        let expected = MemberId::new(expected);
        if member.id != expected {
            problems.push(Problem::MemberId {
                key: format!("members[{position}].id"),
                got: member.id,
                expected,
            });
        }
        problems.plain_name(&format!("members[{position}].name"), &member.name);
        let redeemers = member.redeemers.len() as u64;
        problems.range(
            &format!("members[{position}].redeemers"),
            redeemers,
            0,
            REDEEMERS_MAX as u64,
            " entries",
        );
    }
    let names = spec.members.iter().enumerate();
    problems.unique(names.map(|(position, member)| (format!("members[{position}].name"), member.name.clone())));
    for (key, address, _) in member_keys(spec) {
        check_account(&key, address, problems);
    }
    problems.unique(member_keys(spec).map(|(key, address, _)| (key, address.to_string())));
}

fn check_validators(spec: &ChainSpec, problems: &mut Problems) {
    problems.range(
        "validators",
        spec.validators.len() as u64,
        1,
        VALIDATORS_MAX as u64,
        " entries",
    );
    for (position, validator) in spec.validators.iter().enumerate() {
        let key = |field: &str| format!("validators[{position}].{field}");
        if spec.member(validator.member_id).is_none() {
            let (got, members) = (validator.member_id, spec.members.len());
            problems.push(Problem::NoSuchMember {
                key: key("member_id"),
                got,
                members,
            });
        }
        check_account(&key("account"), validator.account, problems);
        check_account(&key("checkpoint_key"), validator.checkpoint_key, problems);
        let can_sign = VerifyingKey::from_bytes(&validator.consensus_key.get()).is_ok_and(|point| !point.is_weak());
        if !can_sign {
            problems.push(Problem::ConsensusKey {
                key: key("consensus_key"),
                got: validator.consensus_key,
            });
        }
        if let Err(reason) = peer_id_from_text(&validator.peer_id) {
            problems.push(Problem::PeerId {
                key: key("peer_id"),
                reason,
            });
        }
        for (other_key, address, other) in member_keys(spec) {
            if address == validator.account && other != validator.member_id {
                let (key, member) = (key("account"), validator.member_id);
                problems.push(Problem::OtherMembersKey {
                    key,
                    address,
                    member,
                    other_key,
                    other,
                });
            }
        }
    }
    let of = |field: &'static str, value: fn(&super::GenesisValidator) -> String| {
        let entries = spec.validators.iter().enumerate();
        entries.map(move |(position, validator)| (format!("validators[{position}].{field}"), value(validator)))
    };
    problems.unique(of("account", |v| v.account.to_string()));
    problems.unique(of("consensus_key", |v| v.consensus_key.to_string()));
    problems.unique(of("checkpoint_key", |v| v.checkpoint_key.to_string()));
    problems.unique(of("peer_id", |v| v.peer_id.clone()));
}

fn check_balances(spec: &ChainSpec, problems: &mut Problems) {
    let entries = || {
        spec.balances
            .iter()
            .enumerate()
            .map(|(i, balance)| (format!("balances[{i}].address"), balance))
    };
    for (key, balance) in entries() {
        check_account(&key, balance.address, problems);
    }
    problems.unique(entries().map(|(key, balance)| (key, balance.address.to_string())));
    if spec
        .balances
        .iter()
        .try_fold(U256::ZERO, |sum, balance| sum.checked_add(balance.wei))
        .is_none()
    {
        problems.push(Problem::BalancesOverflow);
    }
}

/// Refuses addresses that a person's key cannot have: nobody's, Ethereum's precompiles, and our contracts.
fn check_account(key: &str, address: Address, problems: &mut Problems) {
    let what = if address.is_zero() {
        "the zero address"
    } else if address == ED25519_PRECOMPILE || address[..18] == [0; 18] && !PREDEPLOYS.contains(&address) {
        "a precompile's place"
    } else if PREDEPLOYS.contains(&address) {
        "a contract of this chain"
    } else {
        return;
    };
    problems.push(Problem::NotAnAccount {
        key: key.to_owned(),
        address,
        what,
    });
}

fn check_bootnodes(spec: &ChainSpec, problems: &mut Problems) {
    let bootnodes = &spec.network.bootnodes;
    problems.range(
        "network.bootnodes",
        bootnodes.len() as u64,
        0,
        BOOTNODES_MAX as u64,
        " entries",
    );
    for (position, address) in bootnodes.iter().enumerate() {
        let key = format!("network.bootnodes[{position}]");
        match address.rsplit_once("/p2p/") {
            Some((place, peer_id)) if is_endpoint(place) && address.len() <= BOOTNODE_BYTES_MAX => {
                if let Err(reason) = peer_id_from_text(peer_id) {
                    problems.push(Problem::PeerId { key, reason });
                }
            }
            _ => problems.push(Problem::Bootnode {
                key,
                got: address.clone(),
            }),
        }
    }
    let entries = bootnodes.iter().enumerate();
    problems.unique(entries.map(|(position, address)| (format!("network.bootnodes[{position}]"), address.clone())));
}

fn refuse_development_keys(spec: &ChainSpec, problems: &mut Problems) {
    let consensus: Vec<_> = (0..DEV_VALIDATORS)
        .map(|k| ConsensusKey::of(&dev_keys::validator_key(k)))
        .collect();
    let peers: Vec<_> = (0..DEV_VALIDATORS)
        .map(|k| peer_id_to_text(&peer_id_of(&ConsensusKey::of(&dev_keys::peer_key(k)))))
        .collect();
    let mut accounts: Vec<_> = member_keys(spec).map(|(key, address, _)| (key, address)).collect();
    for (position, validator) in spec.validators.iter().enumerate() {
        let key = |field: &str| format!("validators[{position}].{field}");
        accounts.push((key("account"), validator.account));
        accounts.push((key("checkpoint_key"), validator.checkpoint_key));
        if consensus.contains(&validator.consensus_key) {
            let value = validator.consensus_key.to_string();
            problems.push(Problem::DevelopmentKey {
                key: key("consensus_key"),
                value,
            });
        }
        if peers.contains(&validator.peer_id) {
            let value = validator.peer_id.clone();
            problems.push(Problem::DevelopmentKey {
                key: key("peer_id"),
                value,
            });
        }
    }
    for (key, address) in accounts
        .into_iter()
        .filter(|(_, address)| DEV_ACCOUNTS.contains(address))
    {
        problems.push(Problem::DevelopmentKey {
            key,
            value: address.to_string(),
        });
    }
}
