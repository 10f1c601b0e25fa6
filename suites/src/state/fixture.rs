//! What does a state test's JSON say?

use std::collections::BTreeMap;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256, ruint::FromUintError};
use ledger_runtime::scenario::{ScenarioAccount, ScenarioState};
use serde::Deserialize;
use serde_json::Value;

/// Chain id of tests that do not name one: Ethereum's.
const CHAIN_ID_DEFAULT: u64 = 1;

/// One test: a state, a block's environment, transactions, and what each does under each fork.
#[derive(Debug, Deserialize)]
pub(super) struct StateTest {
    env: Env,
    pre: BTreeMap<Address, Account>,
    /// Fork -> cases.
    pub(super) post: BTreeMap<String, Vec<Post>>,
    /// The transactions' fields, some of which do not fit into any type of ours.
    pub(super) transaction: Value,
    config: Option<Config>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Env {
    current_coinbase: Address,
    current_gas_limit: U256,
    current_number: U256,
    current_timestamp: U256,
    current_random: Option<B256>,
    current_base_fee: Option<U256>,
    current_excess_blob_gas: Option<U256>,
}

#[derive(Debug, Deserialize)]
struct Account {
    nonce: U256,
    balance: U256,
    code: Bytes,
    storage: BTreeMap<U256, U256>,
}

#[derive(Debug, Deserialize)]
struct Config {
    chainid: Option<U256>,
}

/// One case.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Post {
    /// Root of the state afterwards.
    pub(super) hash: B256,
    /// keccak-256 of the RLP of the logs.
    pub(super) logs: B256,
    /// Which of the transactions.
    pub(super) indexes: Indexes,
    /// The signed transaction.
    pub(super) txbytes: Option<Bytes>,
    /// Why the transaction is refused, if it is.
    pub(super) expect_exception: Option<String>,
    state: Option<BTreeMap<Address, Account>>,
}

/// A transaction's place in the lists of data, gas limits and values.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Indexes {
    pub(super) data: usize,
    pub(super) gas: usize,
    pub(super) value: usize,
}

impl StateTest {
    /// The state before.
    pub(super) fn pre(&self) -> Result<ScenarioState, FromUintError<u64>> {
        scenario_state(&self.pre)
    }

    /// The chain that transactions are signed for.
    pub(super) fn chain_id(&self) -> Result<u64, FromUintError<u64>> {
        let named = self.config.as_ref().and_then(|config| config.chainid);
        named.map_or(Ok(CHAIN_ID_DEFAULT), |id| id.try_into())
    }

    /// The header of the block that the transaction is in, as far as execution sees it.
    pub(super) fn header(&self) -> Result<Header, FromUintError<u64>> {
        let env = &self.env;
        let number = |value: U256| value.try_into();
        Ok(Header {
            number: number(env.current_number)?,
            timestamp: number(env.current_timestamp)?,
            beneficiary: env.current_coinbase,
            gas_limit: number(env.current_gas_limit)?,
            mix_hash: env.current_random.unwrap_or_default(),
            base_fee_per_gas: Some(number(env.current_base_fee.unwrap_or_default())?),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(number(env.current_excess_blob_gas.unwrap_or_default())?),
            parent_beacon_block_root: Some(B256::ZERO),
            ..Header::default()
        })
    }
}

impl Post {
    /// The state afterwards, where the fixture tells it.
    pub(super) fn state(&self) -> Result<Option<ScenarioState>, FromUintError<u64>> {
        self.state.as_ref().map(scenario_state).transpose()
    }
}

fn scenario_state(accounts: &BTreeMap<Address, Account>) -> Result<ScenarioState, FromUintError<u64>> {
    let account = |(address, account): (&Address, &Account)| {
        let slots = account.storage.iter().filter(|(_, value)| !value.is_zero());
        let account = ScenarioAccount {
            nonce: account.nonce.try_into()?,
            balance: account.balance,
            code: account.code.clone(),
            slots: slots.map(|(slot, value)| (*slot, *value)).collect(),
        };
        Ok((*address, account))
    };
    accounts.iter().map(account).collect()
}
