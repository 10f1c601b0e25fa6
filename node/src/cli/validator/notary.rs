//! What does the notary say of an applicant? The same judgement as a node's, for a person who votes or asks.
//!
//! Trusted metadata are kept apart from a running node's, so that the two never write one file.

use ledger_api::ValidatorInfo;
use ledger_chainspec::{ConsensusKey, peer_id_from_text};
use ledger_contracts::Bootstrap::{Candidate, NotaryTuple};
use ledger_notary::{
    judge::{Findings, Holder, Keys, Terms},
    records::{Network, Node as Listed, Nodes, NotaryId},
    tuf::{Floor, UnixSeconds},
};
use passport_cli::{error::CliError, validator::admission::Applicant};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::super::Cli;
use crate::{
    admission::{chain, config, notary::Notary, plan, verdicts::one_line},
    config::{data_folder, load_spec},
    error::NodeError,
    rpc::unix_seconds,
};

/// What the notary says about a member.
pub(super) struct Word {
    findings: std::sync::Arc<Findings>,
    network: Network,
    member: NotaryId,
    record: Vec<u8>,
}

fn refused(reason: impl ToString) -> NodeError {
    CliError::Notary {
        reason: one_line(&reason.to_string()),
    }
    .into()
}

impl Word {
    /// Asks the notary that the command line or the specification names.
    pub(super) fn about(cli: &Cli, applicant: &Applicant) -> Result<Self, NodeError> {
        let spec = load_spec(cli)?;
        if spec.chain_id != applicant.chain_id {
            return Err(NodeError::Usage(format!(
                "the node's chain has id {}, the specification's {}: name the node's chain with --chain",
                applicant.chain_id, spec.chain_id
            )));
        }
        let folder = data_folder(cli)?.join("notary-by-hand");
        let Some(config) = config::notary(&cli.admission, &spec, &folder)? else {
            return Err(NodeError::Usage(
                "which notary? Name it with --notary-url and --notary-root, or in the specification's [notary]"
                    .to_owned(),
            ));
        };
        let mut notary = Notary::open(&config, &CancellationToken::new()).map_err(refused)?;
        let findings = notary.refresh(UnixSeconds::new(unix_seconds()), floor(applicant));
        let findings = findings.map_err(refused)?;
        let now = UnixSeconds::new(unix_seconds());
        let member = findings.admitted(&applicant.member_name, &config.network, now);
        let member = member.map_err(refused)?.clone();
        let record = notary.nodes(&member).map_err(refused)?.map_err(refused)?;
        Ok(Self {
            findings,
            network: config.network,
            member,
            record,
        })
    }

    /// The tuple that a vote for the applicant names.
    pub(super) fn tuple(&self, applicant: &Applicant) -> Result<NotaryTuple, NodeError> {
        let candidate = chain::candidate(applicant.account, applicant.member_name.clone(), &applicant.candidate);
        let holders = applicant.set.validators.iter().map(holder);
        let holders = holders.collect::<Result<Vec<_>, _>>()?;
        let terms = Terms {
            network: &self.network,
            now: UnixSeconds::new(unix_seconds()),
            floor: floor(applicant),
            validators: applicant.validators,
            holders: &holders,
        };
        let judged = self.findings.judge(&candidate, &self.record, &terms);
        judged.map(|tuple| plan::contract_tuple(&tuple)).map_err(refused)
    }

    /// The applicant's node, as its member lists it.
    pub(super) fn node(&self, applicant: &Applicant) -> Result<Listed, NodeError> {
        let nodes = Nodes::parse(&self.record).map_err(refused)?;
        let account = applicant.account;
        let node = nodes.nodes.into_iter().find(|node| node.account == account);
        node.ok_or_else(|| {
            refused(format!(
                "m.{}.nodes.json has no node with the account {account}: add it (ledger-node validator record)",
                self.member
            ))
        })
    }

    /// The candidate that this node makes of the applicant.
    pub(super) fn candidate(&self, applicant: &Applicant, node: &Listed) -> Result<Candidate, NodeError> {
        let peer_id = peer_id_from_text(&node.peer_id).map_err(refused)?;
        Ok(Candidate {
            consensusKey: node.consensus_key.get().into(),
            checkpointKey: node.checkpoint_key,
            peerId: peer_id.into(),
            recordHash: <[u8; 32]>::from(Sha256::digest(&self.record)).into(),
            ..applicant.candidate.clone()
        })
    }
}

fn floor(applicant: &Applicant) -> Floor {
    let (root_version, targets_version) = applicant.floor;
    Floor {
        root_version,
        targets_version,
        targets_sha256: None,
    }
}

/// Whose keys are taken. One that cannot be read may be the candidate's, and so refuses it.
fn holder(validator: &ValidatorInfo) -> Result<Holder, NodeError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        refused(format!(
            "the node says that the validator {} has the peer id {:?}, which is none ({error}): whether the candidate's is taken cannot be \
             said; ask another node (--rpc)",
            validator.account, validator.peer_id
        ))
    };
    Ok(Holder {
        account: validator.account,
        keys: Keys {
            consensus_key: ConsensusKey::new(validator.consensus_key.0),
            checkpoint_key: validator.checkpoint_key,
            peer_id: peer_id_from_text(&validator.peer_id).map_err(|error| unreadable(&error))?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validator_whose_peer_id_cannot_be_read_refuses_the_candidate() {
        let mut validator: ValidatorInfo = serde_json::from_value(serde_json::json!({
            "index": "0x0",
            "account": "0x".to_owned() + &"11".repeat(20),
            "consensusKey": "0x".to_owned() + &"22".repeat(32),
            "checkpointKey": "0x".to_owned() + &"33".repeat(20),
            "peerId": "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN",
            "memberId": "0x1",
            "cloud": "Aurora",
        }))
        .unwrap();
        assert_eq!(holder(&validator).unwrap().account, validator.account);
        validator.peer_id = "somebody".to_owned();
        let reason = holder(&validator).unwrap_err().to_string();
        assert!(
            reason.contains("has the peer id \"somebody\", which is none"),
            "{reason}"
        );
    }
}
