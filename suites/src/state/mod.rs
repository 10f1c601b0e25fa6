//! Does each transaction of a state test do what the fixture says?
//!
//! Every case goes the way of a transaction in a node: bytes through the node's decoder, sender recovered, executed on a state
//! in RocksDB by the executor that makes blocks, committed, and the database verified. Then root, logs and refusals are compared
//! with the fixture, and where the root differs, the accounts.

mod compare;
mod fixture;
mod parts;

use alloy_consensus::{
    EthereumReceipt,
    transaction::{Recovered, SignerRecoverable},
};
use alloy_primitives::{Log, keccak256};
use ledger_chainspec::{Hardfork, Transaction, TransactionDecodeError, decode_transaction};
use ledger_runtime::{
    ChainRules, check_transaction,
    scenario::{Scenario, ScenarioError, ScenarioState},
};
use serde::Deserialize;

use crate::{
    exceptions::Refused,
    left_out,
    report::{Report, Verdict},
    suite::{Choice, Entry, SuiteError},
};
use fixture::{Post, StateTest};

/// The forks that a chain of ours can start with, as fixtures call them.
const FORKS: [(&str, Hardfork); 3] = [
    ("Cancun", Hardfork::Cancun),
    ("Prague", Hardfork::Prague),
    ("Osaka", Hardfork::Osaka),
];

/// Plays the state tests of one file.
pub(crate) fn play(entries: &[Entry<'_>], choice: Choice<'_>, report: &mut Report) -> Result<(), SuiteError> {
    let folder = tempfile::tempdir().map_err(SuiteError::Folder)?;
    let mut scenario = None;
    for entry in entries {
        let test = match StateTest::deserialize(entry.test) {
            Ok(test) => test,
            Err(error) => {
                let what = format!("the fixture is not a state test: {error}");
                report.add("state tests", entry.name.clone(), Verdict::Failed(vec![what]));
                continue;
            }
        };
        for (fork, posts) in &test.post {
            let Some((_, hardfork)) = FORKS.iter().find(|(name, _)| name == fork) else {
                report.add_other_fork(fork, posts.len());
                continue;
            };
            for post in posts {
                let at = post.indexes;
                let case = format!("{} [{fork} d{} g{} v{}]", entry.name, at.data, at.gas, at.value);
                if !choice.takes(&case) {
                    continue;
                }
                let failed = |source| SuiteError::in_case(&case, source);
                let scenario = match &mut scenario {
                    Some(scenario) => scenario,
                    None => scenario.insert(Scenario::open(folder.path()).map_err(failed)?),
                };
                let verdict = play_case(scenario, &test, post, *hardfork).map_err(failed)?;
                report.add(&format!("state tests, {fork}"), case, verdict);
            }
        }
    }
    Ok(())
}

fn play_case(
    scenario: &mut Scenario,
    test: &StateTest,
    post: &Post,
    hardfork: Hardfork,
) -> Result<Verdict, ScenarioError> {
    let Some(bytes) = &post.txbytes else {
        return Ok(Verdict::LeftOut(left_out::NO_BYTES));
    };
    let (pre, chain_id, header) = match (test.pre(), test.chain_id(), test.header()) {
        (Ok(pre), Ok(chain_id), Ok(header)) => (pre, chain_id, header),
        (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
            return Ok(Verdict::Failed(vec![format!(
                "the fixture has a number too large: {error}"
            )]));
        }
    };
    let decoded = match decode_transaction(bytes) {
        Err(TransactionDecodeError::Blob) => return Ok(Verdict::LeftOut(left_out::BLOB)),
        decoded => decoded
            .map_err(|error| Refused::Malformed(error.to_string()))
            .and_then(recover),
    };
    let before = scenario.set_state(&pre)?;
    let mut wrong = Vec::new();
    let (outcome, root) = match &decoded {
        Err(refused) => (Err(refused.clone()), before),
        Ok(transaction) => {
            parts::compare(&test.transaction, post.indexes, transaction, &mut wrong);
            let done = scenario.run(ChainRules::ethereum(chain_id, hardfork), &header, transaction)?;
            let outcome = done.receipt.map_err(|fault| Refused::of(&fault));
            if let (Err(flaw), Ok(_)) = (check_transaction(transaction, hardfork, chain_id), &outcome) {
                wrong.push(format!("a block takes the transaction, but the pool would not: {flaw}"));
            }
            if let Err(error) = scenario.verify_past(&pre, before) {
                wrong.push(error.to_string());
            }
            (outcome, done.state_root)
        }
    };
    judge(post, &outcome, &mut wrong);
    if root != post.hash {
        wrong.push(format!("state root {root}, expected {}", post.hash));
        explain(scenario, post, &pre, &mut wrong)?;
    }
    if let Err(error) = scenario.verify() {
        wrong.push(error.to_string());
    }
    Ok(Verdict::of(wrong))
}

fn recover(transaction: Transaction) -> Result<Recovered<Transaction>, Refused> {
    match transaction.recover_signer() {
        Ok(sender) => Ok(Recovered::new_unchecked(transaction, sender)),
        Err(_) => Err(Refused::Signature),
    }
}

/// Compares refusal and logs.
fn judge(post: &Post, outcome: &Result<EthereumReceipt, Refused>, wrong: &mut Vec<String>) {
    match (&post.expect_exception, outcome) {
        (None, Err(refused)) => wrong.push(format!("refused: {refused}")),
        (Some(exception), Ok(_)) => wrong.push(format!("taken, but expected is {exception}")),
        (Some(exception), Err(refused)) if !refused.is(exception) => {
            wrong.push(format!("refused: {refused}; but expected is {exception}"));
        }
        _ => {}
    }
    let logs: &[Log] = outcome.as_ref().map_or(&[], |receipt| receipt.logs.as_slice());
    let mut list = Vec::new();
    alloy_rlp::encode_list(logs, &mut list);
    let hash = keccak256(list);
    if hash != post.logs {
        wrong.push(format!(
            "hash of the {} logs {hash}, expected {}",
            logs.len(),
            post.logs
        ));
    }
}

/// Says what is different from the state that the fixture tells, or, where it tells none, what became of the state before.
fn explain(
    scenario: &Scenario,
    post: &Post,
    pre: &ScenarioState,
    wrong: &mut Vec<String>,
) -> Result<(), ScenarioError> {
    let ours = scenario.state()?;
    match post.state() {
        Ok(Some(expected)) => compare::states(&ours, &expected, wrong),
        Ok(None) => {
            wrong.push("the fixture tells no accounts; against the state before:".to_owned());
            compare::states(&ours, pre, wrong);
        }
        Err(error) => wrong.push(format!("the fixture's state has a number too large: {error}")),
    }
    Ok(())
}
