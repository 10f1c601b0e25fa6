//! Does the node decode, attribute and price a transaction as the fixture says, or refuse it for the fixture's reason?

use alloy_consensus::transaction::SignerRecoverable;
use alloy_primitives::{Address, B256, Bytes, U256};
use ledger_chainspec::{Hardfork, decode_transaction};
use ledger_runtime::{check_transaction, intrinsic_gas};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    exceptions::Refused,
    left_out,
    report::{Report, Verdict},
    suite::{Choice, Entry},
};

/// The chain that these tests are signed for.
const CHAIN_ID: u64 = 1;

/// The forks whose results count, the first that a test has. Many tests end with Shanghai, whose rules for transactions of types
/// 0, 1 and 2 are Cancun's.
const FORKS: [&str; 2] = ["Cancun", "Shanghai"];

/// How a report calls these tests.
const KIND: &str = "transactions";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    exception: Option<String>,
    hash: Option<B256>,
    sender: Option<Address>,
    intrinsic_gas: Option<U256>,
}

/// What the node finds out about a transaction.
struct Found {
    hash: B256,
    sender: Address,
    intrinsic_gas: u64,
}

/// Plays the transaction tests of one file.
pub(crate) fn play(entries: &[Entry<'_>], choice: Choice<'_>, report: &mut Report) {
    for entry in entries {
        let results = entry.test["result"].as_object();
        let chosen = FORKS
            .iter()
            .find(|fork| results.is_some_and(|results| results.contains_key(**fork)));
        for fork in results.into_iter().flatten().map(|(fork, _)| fork) {
            if chosen.is_none_or(|chosen| fork != chosen) {
                report.add_other_fork(fork, 1);
            }
        }
        let Some(fork) = chosen else { continue };
        let case = format!("{} [{fork}]", entry.name);
        if choice.takes(&case) {
            let verdict = match left_out::transaction(&entry.name) {
                Some(reason) => Verdict::LeftOut(reason),
                None => play_one(entry.test, &entry.test["result"][fork]),
            };
            report.add(KIND, case, verdict);
        }
    }
}

fn play_one(test: &Value, result: &Value) -> Verdict {
    let (bytes, expected) = match (Bytes::deserialize(&test["txbytes"]), Expected::deserialize(result)) {
        (Ok(bytes), Ok(expected)) => (bytes, expected),
        (Err(error), _) | (_, Err(error)) => {
            return Verdict::Failed(vec![format!("the fixture is not a transaction test: {error}")]);
        }
    };
    Verdict::of(judge(expected, find(&bytes)))
}

/// What is not as expected. Of several reasons for a refusal, the fixture names any.
fn judge(expected: Expected, found: Result<Found, Vec<Refused>>) -> Vec<String> {
    match (expected.exception, found) {
        (Some(exception), Err(refused)) if refused.iter().any(|reason| reason.is(&exception)) => Vec::new(),
        (Some(exception), Err(refused)) => vec![format!("refused: {}; but expected is {exception}", words(&refused))],
        (Some(exception), Ok(found)) => vec![format!("taken as {}, but expected is {exception}", found.hash)],
        (None, Err(refused)) => vec![format!("refused: {}", words(&refused))],
        (None, Ok(found)) => {
            let ours = (
                Some(found.hash),
                Some(found.sender),
                Some(U256::from(found.intrinsic_gas)),
            );
            let fixture = (expected.hash, expected.sender, expected.intrinsic_gas);
            match ours == fixture {
                true => Vec::new(),
                false => vec![format!(
                    "hash, sender and intrinsic gas are {ours:?}, expected {fixture:?}"
                )],
            }
        }
    }
}

fn words(refused: &[Refused]) -> String {
    let words: Vec<_> = refused.iter().map(ToString::to_string).collect();
    words.join("; ")
}

/// Decodes as the node does whatever comes from anybody, and checks as its pool does; or gives every reason not to.
fn find(bytes: &[u8]) -> Result<Found, Vec<Refused>> {
    let transaction = decode_transaction(bytes).map_err(|error| vec![Refused::Malformed(error.to_string())])?;
    let flaw = check_transaction(&transaction, Hardfork::Cancun, CHAIN_ID).err();
    let mut refused: Vec<_> = flaw.iter().map(Refused::of_flaw).collect();
    match transaction.recover_signer() {
        Ok(sender) if refused.is_empty() => Ok(Found {
            hash: *transaction.tx_hash(),
            sender,
            intrinsic_gas: intrinsic_gas(&transaction),
        }),
        Ok(_) => Err(refused),
        Err(_) => {
            refused.push(Refused::Signature);
            Err(refused)
        }
    }
}
