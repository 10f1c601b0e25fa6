//! What becomes of the request on the chain? Whether it was made, votes, the set, and the newcomer's first block, asked of one node.

use std::time::Duration;

use alloy_primitives::{Address, Bytes, U64, hex};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use ledger_chainspec::predeploys::BOOTSTRAP;
use ledger_contracts::Bootstrap;
use serde_json::{Value, json};

use super::{
    super::ask::call,
    Interrupt, TestnetError,
    shell::{LOOK_WITHIN, Shell, poll},
};
use crate::transaction::{Saying, signed};

/// Longest wait for a transaction that is on its way.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);
/// Longest wait for a block of the newcomer's own: several of its turns.
const OWN_BLOCK_WITHIN: Duration = Duration::from_secs(120);
/// Newest blocks among which an earlier one of the newcomer's is looked for: twice the turns of the largest network.
const OWN_BLOCK_AMONG: u64 = 64;
/// Gas of a transfer of nothing.
const TRANSFER_GAS: u64 = 21_000;

/// The chain behind one node.
pub(super) struct Chain {
    rpc_port: u16,
}

/// How the account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Nothing of it is open or on its way.
    None,
    /// A transaction of the account is on its way.
    Underway,
    /// The validators vote on it.
    Open,
    /// Its validator is in the set.
    Admitted,
}

/// A block of the newcomer.
pub(super) struct OwnBlock {
    pub(super) number: u64,
    /// When, since the command's start; none for one of before.
    pub(super) after: Option<Duration>,
}

impl Chain {
    pub(super) const fn new(rpc_port: u16) -> Self {
        Self { rpc_port }
    }

    fn ask(&self, method: &str, parameters: &Value) -> Option<Value> {
        call(self.rpc_port, method, parameters)
    }

    fn number(&self, method: &str, parameters: &Value) -> Option<u64> {
        let number: U64 = serde_json::from_value(self.ask(method, parameters)?).ok()?;
        Some(number.to())
    }

    fn silent(&self) -> TestnetError {
        TestnetError::Step {
            command: format!("a question to the node at http://127.0.0.1:{}", self.rpc_port),
            words: "it did not answer; see ledger-node testnet status".to_owned(),
        }
    }

    fn validators(&self) -> Option<Vec<Value>> {
        let set = self.ask("ledger_validators", &json!([]))?;
        Some(set["validators"].as_array()?.clone())
    }

    /// Whether a validator's cloud has this name.
    pub(super) fn has_cloud(&self, name: &str) -> Result<bool, TestnetError> {
        let validators = self.validators().ok_or_else(|| self.silent())?;
        Ok(validators.iter().any(|validator| validator["cloud"] == name))
    }

    /// Whether the account has ever had a validator in the set.
    pub(super) fn has_admitted(&self, account: &Address) -> Result<bool, TestnetError> {
        let data = Bytes::from(Bootstrap::memberOfCall { account: *account }.abi_encode());
        let answer = self.ask("eth_call", &json!([{ "to": BOOTSTRAP, "data": data }, "latest"]));
        let bytes: Option<Bytes> = answer.and_then(|bytes| serde_json::from_value(bytes).ok());
        let member = bytes.and_then(|bytes| Bootstrap::memberOfCall::abi_decode_returns(&bytes).ok());
        Ok(member.ok_or_else(|| self.silent())? != 0)
    }

    /// How the account's request stands.
    pub(super) fn request(&self, account: &Address, interrupt: &mut Interrupt) -> Result<Request, TestnetError> {
        let found = poll(LOOK_WITHIN, interrupt, || self.look(account))?;
        found.ok_or_else(|| self.silent())
    }

    fn look(&self, account: &Address) -> Option<Request> {
        // First what may still come, then what has: a transaction that a block takes in between is seen in one of the two.
        let nonce = |block: &str| self.number("eth_getTransactionCount", &json!([account, block]));
        let is_underway = nonce("pending")? > nonce("latest")?;
        if self.has_validator(account)? {
            return Some(Request::Admitted);
        }
        let proposals = self.ask("ledger_proposals", &json!([]))?;
        Some(match (open_request(&proposals, account), is_underway) {
            (Some(_), _) => Request::Open,
            (None, true) => Request::Underway,
            (None, false) => Request::None,
        })
    }

    fn has_validator(&self, account: &Address) -> Option<bool> {
        let account = json!(account);
        Some(
            self.validators()?
                .iter()
                .any(|validator| validator["account"] == account),
        )
    }

    /// Waits until a block has taken what is on its way.
    pub(super) fn settle(
        &self,
        account: &Address,
        shell: &Shell,
        interrupt: &mut Interrupt,
    ) -> Result<(), TestnetError> {
        let what = "a block takes the transaction that is on its way";
        let is_settled = || self.look(account).filter(|now| *now != Request::Underway).map(drop);
        shell.wait(what, SETTLED_WITHIN, interrupt, is_settled)
    }

    /// Waits until `account` is in the set, telling what happens to its request; gives when that was, and at which block.
    pub(super) fn follow(
        &self,
        account: &Address,
        within: Duration,
        shell: &Shell,
        interrupt: &mut Interrupt,
    ) -> Result<(Duration, u64), TestnetError> {
        let mut told = String::new();
        let look = || {
            if let Some(words) = self.words_of_request(account).filter(|words| *words != told) {
                shell.tell(&words);
                told = words;
            }
            let is_in = self.has_validator(account)?;
            is_in.then(|| self.number("eth_blockNumber", &json!([])))?
        };
        let head = shell.wait("the validators check the notary and vote", within, interrupt, look)?;
        Ok((shell.since_start(), head))
    }

    /// How the open request of `account` stands, in words.
    fn words_of_request(&self, account: &Address) -> Option<String> {
        let proposals = self.ask("ledger_proposals", &json!([]))?;
        let own = open_request(&proposals, account)?;
        let number = |name: &str| serde_json::from_value::<U64>(own[name].clone()).ok();
        let (votes, needed) = (number("votesFor")?, number("votesNeeded")?);
        let passed = match own["status"].as_str()? {
            "passed" => ", passed: it is carried out when the timelock is over",
            _ => "",
        };
        Some(format!("{votes} votes of {needed} that it needs{passed}"))
    }

    /// The newest block that the newcomer has made lately, if it has.
    pub(super) fn recent_block(&self, account: &Address, shell: &Shell) -> Option<OwnBlock> {
        let newest = self.number("eth_blockNumber", &json!([]))?;
        let miner = json!(account);
        let is_own = |number: &u64| self.miner(*number).is_some_and(|by| by == miner);
        let number = (newest.saturating_sub(OWN_BLOCK_AMONG)..=newest).rev().find(is_own)?;
        shell.done("it makes blocks");
        Some(OwnBlock { number, after: None })
    }

    fn miner(&self, number: u64) -> Option<Value> {
        let block = self.ask("eth_getBlockByNumber", &json!([U64::from(number), false]))?;
        Some(block["miner"].clone())
    }

    /// Gives the newcomer turns to fill, with transfers of nothing to itself, until it has made a block after `head`.
    pub(super) fn first_block(
        &self,
        signer: &PrivateKeySigner,
        head: u64,
        shell: &Shell,
        interrupt: &mut Interrupt,
    ) -> Result<OwnBlock, TestnetError> {
        shell.tell("It is in the set. Its account sends itself nothing, so that there is something to make blocks of.");
        let account = json!(signer.address());
        let mut seen = head;
        let look = || {
            let newest = self.number("eth_blockNumber", &json!([]))?;
            while seen < newest {
                if self.miner(seen + 1)? == account {
                    return Some(seen + 1);
                }
                seen += 1;
            }
            self.send_nothing(signer);
            None
        };
        let number = shell.wait("the newcomer's turn", OWN_BLOCK_WITHIN, interrupt, look)?;
        Ok(OwnBlock {
            number,
            after: Some(shell.since_start()),
        })
    }

    /// The newest block's number.
    pub(super) fn height(&self) -> Result<u64, TestnetError> {
        self.number("eth_blockNumber", &json!([])).ok_or_else(|| self.silent())
    }

    /// Sends the account a transfer of nothing to itself. One that is refused is not missed: the next one follows.
    fn send_nothing(&self, signer: &PrivateKeySigner) -> Option<()> {
        let account = signer.address();
        let saying = Saying {
            chain_id: self.number("eth_chainId", &json!([]))?,
            nonce: self.number("eth_getTransactionCount", &json!([account, "latest"]))?,
            to: account,
            data: Bytes::new(),
            gas_limit: TRANSFER_GAS,
        };
        let raw = signed(signer, saying).ok()?;
        self.ask("eth_sendRawTransaction", &json!([hex::encode_prefixed(raw)]))?;
        Some(())
    }
}

/// The open request for admission of `account`.
fn open_request<'a>(proposals: &'a Value, account: &Address) -> Option<&'a Value> {
    let account = json!(account);
    let is_own = |proposal: &&Value| proposal["kind"] == "admit" && proposal["proposer"] == account;
    proposals.as_array()?.iter().find(is_own)
}
