//! What does the notary say of an applicant? The same judgement as a node's, for a person who votes or asks.
//!
//! Trusted metadata are kept apart from a running node's, so that the two never write one file.

use ledger_chainspec::{ConsensusKey, peer_id_from_text};
use ledger_contracts::Bootstrap::{Candidate, NotaryTuple};
use ledger_notary::{
    judge::{Findings, Holder, Keys, Terms},
    records::{Network, Node as Listed, Nodes, NotaryId},
    tuf::{Floor, UnixSeconds},
};
use passport_cli::{error::CliError, validator::admission::Applicant};
use sha2::{Digest, Sha256};

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
        let mut notary = Notary::open(&config).map_err(refused)?;
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
        let holders: Vec<_> = applicant.set.validators.iter().filter_map(holder).collect();
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

fn holder(validator: &ledger_api::ValidatorInfo) -> Option<Holder> {
    Some(Holder {
        account: validator.account,
        keys: Keys {
            consensus_key: ConsensusKey::new(validator.consensus_key.0),
            checkpoint_key: validator.checkpoint_key,
            peer_id: peer_id_from_text(&validator.peer_id).ok()?,
        },
    })
}
