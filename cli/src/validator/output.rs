//! How are proposals shown, to people and to scripts?

use alloy_primitives::Address;
use ledger_api::{NotaryState, ProposalChange, ProposalInfo, ProposalKind, ProposalStatus, ProposalVote};

use crate::{
    output::{Report, pairs},
    time::{now, utc},
};

/// The open proposals.
#[must_use]
pub fn proposals(proposals: &[ProposalInfo]) -> Report {
    let text = match proposals {
        [] => "No proposal is open.\n".to_owned(),
        open => open.iter().map(proposal_words).collect::<Vec<_>>().join("\n"),
    };
    Report::new(text, &proposals)
}

/// A proposal: what it would change, who wants that, and where it stands.
#[must_use]
pub fn proposal_words(proposal: &ProposalInfo) -> String {
    let mut text = format!("Proposal {}: {}\n", proposal.proposal_id, proposal.summary);
    let changes: Vec<_> = proposal.changes.iter().map(change).collect();
    let rows: Vec<_> = changes
        .iter()
        .map(|(name, words)| (name.as_str(), words.clone()))
        .collect();
    text += &indented(&pairs(&rows));
    let mut standing = vec![
        ("proposed by", proposal.proposer.to_string()),
        ("stands", standing(proposal)),
        ("votes until", utc(proposal.expires_at)),
    ];
    if let Some(verdict) = &proposal.notary {
        let word = match verdict.state {
            NotaryState::Good => "good",
            NotaryState::Refused => "refused",
            NotaryState::Unknown => "unknown",
        };
        standing.push(("the notary", format!("{word}: {}", verdict.words)));
    }
    for vote in &proposal.votes {
        let side = if vote.support { "for" } else { "against" };
        standing.push((side, vote.validator.to_string()));
    }
    text + &indented(&pairs(&standing))
}

fn change(change: &ProposalChange) -> (String, String) {
    let words = match &change.from {
        Some(from) => format!("{from} -> {}", change.to),
        None => change.to.clone(),
    };
    (change.name.clone(), words)
}

fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}\n")).collect()
}

/// How far a proposal is.
#[must_use]
pub fn standing(proposal: &ProposalInfo) -> String {
    let votes = format!(
        "{} of {} votes that it needs",
        proposal.votes_for, proposal.votes_needed
    );
    match (proposal.status, proposal.executable_at) {
        (ProposalStatus::Open, _) => format!("open, with {votes}"),
        (ProposalStatus::Passed, Some(at)) => {
            format!("passed, with {votes}; takes effect when executed, from {}", utc(at))
        }
        (ProposalStatus::Passed, None) => format!("passed, with {votes}"),
    }
}

/// What a vote for a removal by `account` changes if it has one already: nothing, and whose it is stays as it was.
#[must_use]
pub fn again(proposal: &ProposalInfo, account: Address) -> Option<&'static str> {
    let has_voted = |vote: &ProposalVote| vote.support && vote.validator == account;
    let is_again = proposal.kind == ProposalKind::Remove && proposal.votes.iter().any(has_voted);
    is_again.then_some(
        "Your account's vote for it stands already. If your node cast it, it stays your node's, and goes when the notary takes its word \
         back: to keep it, start the node with --admission manual",
    )
}

/// What to do next about a proposal, if it waits for something.
#[must_use]
pub fn next(proposal: &ProposalInfo) -> Option<String> {
    let id = proposal.proposal_id;
    match (proposal.status, proposal.executable_at) {
        (ProposalStatus::Open, _) => None,
        (ProposalStatus::Passed, Some(at)) if at > now() => Some(format!(
            "From {} on anybody can carry it out: ledger-node validator execute {id}",
            utc(at)
        )),
        (ProposalStatus::Passed, _) => Some(format!(
            "Anybody can carry it out now: ledger-node validator execute {id}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_is_told_with_its_changes_and_its_votes() {
        let account = Address::repeat_byte(1);
        let proposal = ProposalInfo {
            proposal_id: 3,
            kind: ProposalKind::SetLimits,
            status: ProposalStatus::Open,
            proposer: account,
            opened_at: 0,
            expires_at: 86_400,
            executable_at: None,
            votes_for: 1,
            votes_needed: 3,
            votes: vec![ProposalVote {
                validator: account,
                support: true,
            }],
            notary: None,
            summary: "Change it.".to_owned(),
            changes: vec![
                ProposalChange {
                    name: "live codes".to_owned(),
                    from: Some("5".to_owned()),
                    to: "7".to_owned(),
                },
                ProposalChange {
                    name: "period".to_owned(),
                    from: None,
                    to: "9 seconds".to_owned(),
                },
            ],
        };
        let expected = format!(
            "Proposal 3: Change it.\n  live codes  5 -> 7\n  period      9 seconds\n  proposed by  {account}\n  stands       open, \
             with 1 of 3 votes that it needs\n  votes until  1970-01-02 00:00:00 UTC\n  for          {account}\n"
        );
        assert_eq!(proposal_words(&proposal), expected);
        assert_eq!(proposals(&[]).text, "No proposal is open.\n");
        assert_eq!(next(&proposal), None);
        let passed = ProposalInfo {
            status: ProposalStatus::Passed,
            executable_at: Some(60),
            ..proposal
        };
        let words = next(&passed).expect("it can be carried out");
        assert!(words.ends_with("ledger-node validator execute 3"), "{words}");

        assert_eq!(again(&passed, account), None, "no node votes on that by itself");
        let mut removal = ProposalInfo {
            kind: ProposalKind::Remove,
            ..passed
        };
        let words = again(&removal, account).expect("the vote stands");
        assert!(words.contains("--admission manual"), "{words}");
        assert_eq!(again(&removal, Address::ZERO), None);
        removal.votes[0].support = false;
        assert_eq!(again(&removal, account), None);
    }
}
