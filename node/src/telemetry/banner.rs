//! The words a node starts with on standard output: for people on the dev chain, or one JSON object for scripts.
//!
//! Called by the assembly once everything listens. The only private keys it prints are those of the public test
//! mnemonic, which everybody knows.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    net::SocketAddr,
};

use alloy_primitives::{Address, B256};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use ledger_chainspec::{ChainSpec, predeploys};
use serde_json::{Value, json};

use crate::{error::NodeError, network::alone::Wanted};

/// Accounts of the test mnemonic that are shown, as the dev chain funds them.
pub const DEV_ACCOUNTS: u32 = 10;

/// What is announced.
#[derive(Debug)]
pub struct Announcement<'a> {
    /// The chain.
    pub spec: &'a ChainSpec,
    /// Hash of its genesis block.
    pub genesis: B256,
    /// Number of the newest final block.
    pub head: u64,
    /// Where JSON-RPC is served.
    pub rpc: SocketAddr,
    /// This node's peer id, if it has a network.
    pub peer_id: Option<String>,
    /// Whom it looks for, if it has a network.
    pub wanted: Option<Wanted>,
    /// The public consensus key, if the node makes blocks.
    pub validator: Option<String>,
    /// Accounts with their private keys: of the public test mnemonic on a chain that funds them, else none.
    pub accounts: Vec<DevAccount>,
}

/// An account of the public test mnemonic.
#[derive(Debug, Clone)]
pub struct DevAccount {
    /// Its address.
    pub address: Address,
    /// Its private key, known to everybody.
    pub private_key: B256,
}

/// The first [`DEV_ACCOUNTS`] accounts of `mnemonic`, derived as wallets do (m/44'/60'/0'/0/i).
///
/// # Errors
/// [`NodeError::Usage`] if `mnemonic` is none.
pub fn dev_accounts(mnemonic: &str) -> Result<Vec<DevAccount>, NodeError> {
    (0..DEV_ACCOUNTS)
        .map(|index| {
            let signer = signer_of(mnemonic, index)?;
            Ok(DevAccount {
                address: signer.address(),
                private_key: signer.to_bytes(),
            })
        })
        .collect()
}

/// Account `index` of `mnemonic`.
///
/// # Errors
/// As [`dev_accounts`].
pub fn signer_of(mnemonic: &str, index: u32) -> Result<PrivateKeySigner, NodeError> {
    let builder = MnemonicBuilder::<English>::default().phrase(mnemonic);
    let signer = builder.index(index).and_then(|builder| builder.build());
    signer.map_err(|error| NodeError::Usage(format!("test mnemonic: {error}")))
}

/// Writes `announcement` to standard output.
///
/// # Errors
/// [`NodeError::Environment`] if standard output does not take it.
pub fn print(announcement: &Announcement<'_>, as_json: bool) -> Result<(), NodeError> {
    let text = if as_json {
        format!("{}\n", to_json(announcement))
    } else {
        to_text(announcement)
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|source| NodeError::Environment {
            action: "cannot write to standard output",
            source,
        })
}

fn to_json(announcement: &Announcement<'_>) -> Value {
    let Announcement {
        spec,
        genesis,
        head,
        rpc,
        peer_id,
        wanted,
        validator,
        accounts,
    } = announcement;
    let accounts: Vec<Value> = accounts
        .iter()
        .map(|account| json!({ "address": account.address, "private_key": account.private_key }))
        .collect();
    json!({
        "chain": spec.name,
        "chain_id": spec.chain_id,
        "genesis_hash": genesis,
        "head": head,
        "rpc_http": format!("http://{rpc}"),
        "rpc_ws": format!("ws://{rpc}"),
        "peer_id": peer_id,
        "looks_for": wanted.as_ref().map(|wanted| &wanted.addresses),
        "validator": validator,
        "contracts": {
            "bootstrap": predeploys::BOOTSTRAP,
            "transact": predeploys::TRANSACT,
            "passport_token": predeploys::PASSPORT_TOKEN,
        },
        "accounts": accounts,
    })
}

fn to_text(announcement: &Announcement<'_>) -> String {
    let Announcement {
        spec,
        genesis,
        head,
        rpc,
        peer_id,
        wanted,
        validator,
        accounts,
    } = announcement;
    let mut text = String::new();
    let mut line = |label: &str, value: &dyn std::fmt::Display| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {label:<16}{value}");
    };
    line(
        "chain",
        &format_args!("{} (chain id {}), block {head}", spec.name, spec.chain_id),
    );
    line("genesis", genesis);
    line("JSON-RPC", &format_args!("http://{rpc}  ws://{rpc}"));
    if let Some(peer_id) = peer_id {
        line("peer id", peer_id);
    }
    if let Some(wanted) = wanted {
        let mut label = "looks for";
        for address in &wanted.addresses {
            line(std::mem::take(&mut label), address);
        }
        line("no answer?", &wanted.advice());
    }
    match validator {
        Some(key) => line("validator", key),
        None => line("validator", &"none: this node makes no blocks"),
    }
    line("Bootstrap", &predeploys::BOOTSTRAP);
    line("Transact", &predeploys::TRANSACT);
    line("PassportToken", &predeploys::PASSPORT_TOKEN);
    let mut banner = format!("\nCloud Ledger {}\n\n{text}\n", env!("CARGO_PKG_VERSION"));
    if !accounts.is_empty() {
        banner.push_str(
            "Accounts of the public test mnemonic. Everybody knows these keys: use them on this chain only.\n\n",
        );
        for (index, account) in accounts.iter().enumerate() {
            let _ = writeln!(banner, "  ({index}) {}  {}", account.address, account.private_key);
        }
        let _ = writeln!(
            banner,
            "\nA first request, from another shell:\n\n  {}\n",
            first_request(*rpc)
        );
        banner.push_str("Stop with Ctrl-C.\n\n");
    }
    banner
}

fn first_request(rpc: SocketAddr) -> String {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ledger_status", "params": [] });
    format!("curl -s -H 'content-type: application/json' -d '{body}' http://{rpc}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::address;

    #[test]
    fn dev_accounts_are_those_of_every_ethereum_tool() {
        let accounts = dev_accounts("test test test test test test test test test test test junk").unwrap();
        assert_eq!(accounts.len(), 10);
        assert_eq!(
            accounts[0].address,
            address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
        );
        assert_eq!(
            accounts[9].address,
            address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720")
        );
    }

    #[test]
    fn whoever_starts_a_node_reads_whom_it_looks_for_and_what_to_do_if_nobody_answers() {
        let mut announcement = Announcement {
            spec: &ChainSpec::testnet(),
            genesis: B256::ZERO,
            head: 0,
            rpc: ([127, 0, 0, 1], 1).into(),
            peer_id: Some("12D3Koo".to_owned()),
            wanted: Some(Wanted {
                chain: "testnet".to_owned(),
                addresses: vec!["/ip4/10.0.0.1/tcp/1".to_owned(), "/ip4/10.0.0.2/tcp/1".to_owned()],
            }),
            validator: None,
            accounts: Vec::new(),
        };
        let text = to_text(&announcement);
        let lines = [
            "  looks for       /ip4/10.0.0.1/tcp/1\n                  /ip4/10.0.0.2/tcp/1\n",
            "  no answer?      start one with: ledger-node testnet up --detach\n",
        ];
        for line in lines {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert_eq!(to_json(&announcement)["looks_for"][1], "/ip4/10.0.0.2/tcp/1");
        announcement.wanted = None;
        assert!(!to_text(&announcement).contains("looks for"));
    }

    #[test]
    fn phrase_that_is_no_mnemonic_is_an_error() {
        assert!(dev_accounts("test test").is_err());
    }
}
