//! Bootstrap's errors in words.

use alloy_primitives::hex;

use crate::{Bootstrap::BootstrapErrors as E, ProposalStatus};

/// The sentence of one error.
pub(super) fn sentence(error: &E) -> String {
    match error {
        // Members
        E::UnknownMember(e) => format!(
            "member {} does not exist; members run from 1 to {}",
            e.memberId, e.memberCount
        ),
        E::MemberNotActive(e) => format!("member {} was removed", e.memberId),
        E::NotMemberOwner(e) => format!("{} owns no active member", e.caller),
        E::OwnerTaken(e) => format!("{} owns member {} already", e.owner, e.memberId),
        E::NameTaken(e) => format!("the name {:?} is member {}'s", e.name, e.memberId),
        E::NameLength(e) => format!("a member's name has 1 to {} bytes, not {}", e.most, e.length),
        E::RedeemerTaken(e) => format!("{} owns or redeems for member {} already", e.redeemer, e.memberId),
        E::RedeemerUnchanged(e) => format!(
            "{} is {} redeemer already",
            e.redeemer,
            if e.enabled { "a" } else { "no" }
        ),
        E::TooManyRedeemers(e) => format!(
            "member {} has {} redeemers, and no more are possible",
            e.memberId, e.most
        ),
        E::TooManyMembers(e) => format!("there are {} members, and no more are possible", e.most),
        E::ZeroAddress(_) => "an account must not be the zero address".into(),
        // Validators
        E::NotValidator(e) => format!("{} is not in the validator set", e.account),
        E::AlreadyValidator(e) => format!("{} is in the validator set already", e.account),
        E::SetAlreadyChanged(e) => format!(
            "the validator set changed in block {} already; try in the next block",
            e.blockNumber
        ),
        E::SetWouldBeEmpty(e) => format!("{} is the last validator, and the set is never empty", e.account),
        E::SetFull(e) => format!("the set has {} validators, and no more are possible", e.most),
        E::ConsensusKeyTaken(e) => format!("consensus key {} belongs to {}", e.consensusKey, e.account),
        E::ConsensusKeyJailed(e) => format!(
            "consensus key {} equivocated and is never admitted again",
            e.consensusKey
        ),
        E::CheckpointKeyTaken(e) => format!("checkpoint key {} belongs to {}", e.checkpointKey, e.account),
        E::PeerIdTaken(e) => format!("peer id {} belongs to {}", hex::encode_prefixed(&e.peerId), e.account),
        E::PeerIdLength(e) => format!("a peer id has 1 to {} bytes, not {}", e.most, e.length),
        E::ZeroKey(_) => "a validator's key must not be zero".into(),
        // Governance
        E::UnknownProposal(e) => format!(
            "proposal {} does not exist; proposals run from 1 to {}",
            e.proposalId, e.proposalCount
        ),
        E::ProposalNotOpen(e) => match ProposalStatus::try_from(e.status) {
            Ok(status) => format!("proposal {} is {status}", e.proposalId),
            Err(unknown) => format!("proposal {} is closed ({unknown})", e.proposalId),
        },
        E::ProposalStillOpen(e) => format!("proposal {} of the same kind is still open", e.proposalId),
        E::NotProposer(e) => format!("{} proposed it, not the caller {}", e.proposer, e.caller),
        E::NotPassed(e) => format!(
            "proposal {} has {} of the {} votes that it needs",
            e.proposalId, e.votes, e.needed
        ),
        E::TimelockRunning(e) => format!(
            "proposal {} can be executed from {}; it is {} now (Unix time)",
            e.proposalId, e.executableAt, e.timestamp
        ),
        E::NoVote(e) => format!("{} has no vote on proposal {} to take back", e.voter, e.proposalId),
        E::TupleMissing(e) => format!(
            "a vote for admission {} must name what was verified at the notary",
            e.proposalId
        ),
        E::TupleNotExpected(e) => format!(
            "a vote on proposal {} names nothing of the notary: leave it zero",
            e.proposalId
        ),
        E::TupleBelowFloor(e) => format!(
            "the vote names root {} and targets {}; the chain has seen root {} and targets {}",
            e.rootVersion, e.targetsVersion, e.rootFloor, e.targetsFloor
        ),
        E::NotNominated(e) => format!("{} neither owns member {} nor is its nominee", e.caller, e.memberId),
        E::CandidateEmpty(_) => {
            "the candidate names no consensus key, but other keys or a member that is active".into()
        }
        E::MemberStillValidates(e) => format!(
            "member {} has {} validators in the set: remove them first",
            e.memberId, e.validators
        ),
        E::ProposalTtlOutOfRange(e) => format!(
            "proposals live {} to {} s, not {}",
            e.least, e.most, e.proposalTtlSeconds
        ),
        E::TimelockTooLong(e) => format!("the timelock is at most {} s, not {}", e.most, e.timelockSeconds),
        E::CheckpointConfigInvalid(e) => format!(
            "neither the checkpoint interval ({}) nor the confirmations ({}) may be 0",
            e.intervalBlocks, e.confirmations
        ),
        // Evidence
        E::GenesisUnknown(_) => "the contract does not know the genesis hash yet: call anchorGenesis".into(),
        E::UnknownConsensusKey(e) => format!("no validator ever had the consensus key {}", e.consensusKey),
        E::AlreadyJailed(e) => format!("{} is jailed for its key {} already", e.account, e.consensusKey),
        E::EvidenceLength(e) => format!("a signed statement has 170 or 178 bytes, not {}", e.length),
        E::EvidenceMalformed(e) => format!("{} is no statement of the consensus", e.statement),
        E::EvidenceOfOtherChain(e) => format!("the statement is of the chain {}; this is {}", e.genesis, e.expected),
        E::SignatureInvalid(e) => format!("{} did not sign {}", e.consensusKey, e.statement),
        E::NoOffence(e) => format!(
            "an honest validator may have signed both {} and {}",
            e.statementA, e.statementB
        ),
    }
}
