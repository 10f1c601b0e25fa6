//! Is the decoded transaction the one whose fields the fixture spells out?

use std::fmt::Debug;

use alloy_consensus::{Transaction as _, transaction::Recovered};
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use ledger_chainspec::Transaction;
use serde::Deserialize;
use serde_json::Value;

use super::fixture::Indexes;

/// Compares every field that `parts` gives with `transaction`, and adds a line to `wrong` for each that differs.
pub(super) fn compare(parts: &Value, at: Indexes, transaction: &Recovered<Transaction>, wrong: &mut Vec<String>) {
    let mut fields = Fields { parts, wrong };
    fields.equal("sender", None, |sender: Address| (sender, transaction.signer()));
    fields.equal("nonce", None, |nonce: U256| (nonce, U256::from(transaction.nonce())));
    fields.equal("gasLimit", Some(at.gas), |gas: U256| {
        (gas, U256::from(transaction.gas_limit()))
    });
    fields.equal("value", Some(at.value), |value: U256| (value, transaction.value()));
    fields.equal("data", Some(at.data), |data: Bytes| (data, transaction.input().clone()));
    fields.equal("gasPrice", None, |price: U256| {
        (price, U256::from(transaction.max_fee_per_gas()))
    });
    fields.equal("maxFeePerGas", None, |fee: U256| {
        (fee, U256::from(transaction.max_fee_per_gas()))
    });
    fields.equal("maxPriorityFeePerGas", None, |tip: U256| {
        (Some(tip), transaction.max_priority_fee_per_gas().map(U256::from))
    });
    let to = match transaction.kind() {
        TxKind::Create => String::new(),
        TxKind::Call(to) => format!("{to:?}"),
    };
    fields.equal("to", None, |named: String| (named.to_lowercase(), to));
    let list = transaction.access_list().cloned().unwrap_or_default();
    fields.equal("accessLists", Some(at.data), |named: Option<AccessList>| {
        (named.unwrap_or_default(), list)
    });
    let delegates: Vec<Address> = transaction
        .authorization_list()
        .into_iter()
        .flatten()
        .map(|authorization| authorization.address)
        .collect();
    fields.equal("authorizationList", None, |named: Vec<Authorization>| {
        (named.iter().map(|one| one.address).collect::<Vec<_>>(), delegates)
    });
}

/// Of an authorization, the address that it delegates to: the rest is checked by what it does.
#[derive(Deserialize)]
struct Authorization {
    address: Address,
}

struct Fields<'a> {
    parts: &'a Value,
    wrong: &'a mut Vec<String>,
}

impl Fields<'_> {
    /// Compares a field, if it is there; of a list, the element `at`. `sides` gives the fixture's and ours.
    fn equal<T, S>(&mut self, name: &str, at: Option<usize>, sides: impl FnOnce(T) -> (S, S))
    where
        T: for<'de> Deserialize<'de>,
        S: PartialEq + Debug,
    {
        let Some(field) = self.parts.get(name).filter(|field| !field.is_null()) else {
            return;
        };
        let field = match at {
            None => field,
            Some(at) => field.get(at).unwrap_or(&Value::Null),
        };
        let line = match T::deserialize(field) {
            Err(error) => format!("the transaction was decoded, but its {name} in the fixture is none: {error}"),
            Ok(named) => match sides(named) {
                (fixture, ours) if fixture == ours => return,
                (fixture, ours) => format!("the transaction's {name} is {ours:?}, expected {fixture:?}"),
            },
        };
        self.wrong.push(line);
    }
}
