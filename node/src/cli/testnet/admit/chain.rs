//! What becomes of the request on the chain? Votes, the set, and the newcomer's first block, asked of one node.

use std::time::Duration;

use alloy_primitives::{Address, Bytes, U64, hex};
use alloy_signer_local::PrivateKeySigner;
use serde_json::{Value, json};

use super::{super::ask::call, Interrupt, TestnetError, shell::Shell};
use crate::transaction::{Saying, signed};

/// Longest wait for a block of the newcomer's own: several of its turns.
const OWN_BLOCK_WITHIN: Duration = Duration::from_secs(120);
/// Gas of a transfer of nothing.
const TRANSFER_GAS: u64 = 21_000;

/// The chain behind one node.
pub(super) struct Chain {
    rpc_port: u16,
}

/// A block of the newcomer.
pub(super) struct OwnBlock {
    pub(super) number: u64,
    pub(super) after: Duration,
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

    /// Whether a validator's cloud has this name.
    pub(super) fn has_cloud(&self, name: &str) -> bool {
        let set = self.ask("ledger_validators", &json!([]));
        let validators = set.as_ref().and_then(|set| set["validators"].as_array());
        validators.is_some_and(|all| all.iter().any(|validator| validator["cloud"] == name))
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
            if let Some(words) = self.request_of(account).filter(|words| *words != told) {
                shell.tell(&words);
                told = words;
            }
            let validators = self.ask("ledger_validators", &json!([]))?;
            let has_account = |validator: &Value| validator["account"] == json!(account);
            let is_in = validators["validators"].as_array()?.iter().any(has_account);
            is_in.then(|| self.number("eth_blockNumber", &json!([])))?
        };
        let head = shell.wait("the validators check the notary and vote", within, interrupt, look)?;
        Ok((shell.since_start(), head))
    }

    /// How the open request of `account` stands, in words.
    fn request_of(&self, account: &Address) -> Option<String> {
        let proposals = self.ask("ledger_proposals", &json!([]))?;
        let mut open = proposals.as_array()?.iter();
        let own = open.find(|proposal| proposal["proposer"] == json!(account))?;
        let number = |name: &str| serde_json::from_value::<U64>(own[name].clone()).ok();
        let (votes, needed) = (number("votesFor")?, number("votesNeeded")?);
        let passed = match own["status"].as_str()? {
            "passed" => ", passed: it is carried out when the timelock is over",
            _ => "",
        };
        Some(format!("{votes} votes of {needed} that it needs{passed}"))
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
        let account = signer.address();
        let mut seen = head;
        let look = || {
            let newest = self.number("eth_blockNumber", &json!([]))?;
            while seen < newest {
                seen += 1;
                let block = self.ask("eth_getBlockByNumber", &json!([U64::from(seen), false]))?;
                if block["miner"] == json!(account) {
                    return Some(seen);
                }
            }
            self.send_nothing(signer);
            None
        };
        let number = shell.wait("the newcomer's turn", OWN_BLOCK_WITHIN, interrupt, look)?;
        Ok(OwnBlock {
            number,
            after: shell.since_start(),
        })
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
