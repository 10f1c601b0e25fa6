//! In what do two states differ?

use std::{collections::BTreeSet, fmt::Display};

use alloy_primitives::{Address, keccak256};
use ledger_runtime::scenario::{ScenarioAccount, ScenarioState};

/// Differences that one case lists; a wrong rule can touch thousands of slots.
const DIFFERENCES_MAX: usize = 32;

/// Adds a line for each difference to `wrong`.
pub(super) fn states(ours: &ScenarioState, expected: &ScenarioState, wrong: &mut Vec<String>) {
    let mut found = Vec::new();
    let addresses: BTreeSet<_> = ours.keys().chain(expected.keys()).collect();
    for address in addresses {
        match (ours.get(address), expected.get(address)) {
            (Some(ours), Some(expected)) => account(*address, ours, expected, &mut found),
            (Some(_), None) => found.push(format!("{address} exists, but is not expected")),
            (None, Some(_)) => found.push(format!("{address} is expected, but does not exist")),
            (None, None) => {}
        }
    }
    let more = found.len().saturating_sub(DIFFERENCES_MAX);
    wrong.extend(found.into_iter().take(DIFFERENCES_MAX));
    if more > 0 {
        wrong.push(format!("and {more} more differences"));
    }
}

fn account(address: Address, ours: &ScenarioAccount, expected: &ScenarioAccount, found: &mut Vec<String>) {
    let mut differ = |what: &str, ours: &dyn Display, expected: &dyn Display| {
        found.push(format!("{address} {what}: {ours}, expected {expected}"));
    };
    if ours.nonce != expected.nonce {
        differ("nonce", &ours.nonce, &expected.nonce);
    }
    if ours.balance != expected.balance {
        differ("balance", &ours.balance, &expected.balance);
    }
    if ours.code != expected.code {
        differ("code hash", &keccak256(&ours.code), &keccak256(&expected.code));
    }
    let slots: BTreeSet<_> = ours.slots.keys().chain(expected.slots.keys()).collect();
    for slot in slots {
        let value = |account: &ScenarioAccount| account.slots.get(slot).copied().unwrap_or_default();
        let (ours, expected) = (value(ours), value(expected));
        if ours != expected {
            differ(
                &format!("slot {slot:#x}"),
                &format!("{ours:#x}"),
                &format!("{expected:#x}"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U256;

    use super::*;

    #[test]
    fn every_difference_has_a_line_and_equal_states_have_none() {
        let account = |nonce, slot| ScenarioAccount {
            nonce,
            slots: [(U256::from(1), U256::from(slot))].into(),
            ..ScenarioAccount::default()
        };
        let (a, b, c) = (
            Address::with_last_byte(1),
            Address::with_last_byte(2),
            Address::with_last_byte(3),
        );
        let ours = ScenarioState::from([(a, account(1, 7)), (b, account(1, 7))]);
        let expected = ScenarioState::from([(a, account(2, 8)), (c, account(1, 7))]);
        let mut wrong = Vec::new();
        states(&ours, &ours, &mut wrong);
        assert!(wrong.is_empty());
        states(&ours, &expected, &mut wrong);
        assert_eq!(
            wrong,
            [
                format!("{a} nonce: 1, expected 2"),
                format!("{a} slot 0x1: 0x7, expected 0x8"),
                format!("{b} exists, but is not expected"),
                format!("{c} is expected, but does not exist"),
            ]
        );
    }
}
