//! What does a proposal do?
//!
//! Reads the payload that Bootstrap keeps with a proposal. For RPC and the CLI, which show proposals to voters.

use alloy_primitives::Address;
use alloy_sol_types::SolValue;

use crate::{
    Bootstrap::{Candidate, CheckpointConfig, HolderLimits, InstanceSpec},
    ProposalKind,
};

/// What a proposal does when it is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposalAction {
    /// Admit the proposer as a validator, a member or both.
    Admit(Candidate),
    /// Remove the validator with this account.
    Remove(Address),
    /// Remove the member with this id.
    RemoveMember(u32),
    /// Anchor in another way.
    SetCheckpointConfig(CheckpointConfig),
    /// Define an instance spec.
    DefineSpec(InstanceSpec),
    /// Set the limits of holders.
    SetLimits(HolderLimits),
    /// Go on from the state of the checkpoint with this number.
    Recover(u64),
}

impl ProposalAction {
    /// The action that `payload` encodes for a proposal of this kind; `None` if it encodes none.
    pub fn decode(kind: ProposalKind, payload: &[u8]) -> Option<Self> {
        match kind {
            ProposalKind::None => None,
            ProposalKind::Admit => Candidate::abi_decode(payload).ok().map(Self::Admit),
            ProposalKind::Remove => Address::abi_decode(payload).ok().map(Self::Remove),
            ProposalKind::RemoveMember => u32::abi_decode(payload).ok().map(Self::RemoveMember),
            ProposalKind::SetCheckpointConfig => CheckpointConfig::abi_decode(payload)
                .ok()
                .map(Self::SetCheckpointConfig),
            ProposalKind::DefineSpec => InstanceSpec::abi_decode(payload).ok().map(Self::DefineSpec),
            ProposalKind::SetLimits => HolderLimits::abi_decode(payload).ok().map(Self::SetLimits),
            ProposalKind::Recover => u64::abi_decode(payload).ok().map(Self::Recover),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_read_as_their_kind_and_garbage_is_none() {
        let spec = InstanceSpec {
            name: "small".into(),
            vcpus: 1,
            ..InstanceSpec::default()
        };
        let table = [
            (
                ProposalKind::DefineSpec,
                spec.abi_encode(),
                ProposalAction::DefineSpec(spec),
            ),
            (
                ProposalKind::Admit,
                Candidate::default().abi_encode(),
                ProposalAction::Admit(Candidate::default()),
            ),
            (
                ProposalKind::Remove,
                Address::repeat_byte(7).abi_encode(),
                ProposalAction::Remove(Address::repeat_byte(7)),
            ),
            (
                ProposalKind::RemoveMember,
                3_u32.abi_encode(),
                ProposalAction::RemoveMember(3),
            ),
            (ProposalKind::Recover, 9_u64.abi_encode(), ProposalAction::Recover(9)),
        ];
        for (kind, payload, action) in table {
            assert_eq!(ProposalAction::decode(kind, &payload), Some(action), "{kind}");
            assert_eq!(
                ProposalAction::decode(kind, &payload[..payload.len() / 2]),
                None,
                "{kind} cut short"
            );
        }
        assert_eq!(ProposalAction::decode(ProposalKind::None, &[]), None);
    }
}
