//! `ledger-node validator record`: the record of nodes that a member signs, with this node in it and the word of its four keys.
//!
//! Prints the file; its sha256 is what a request for admission names. Nothing is sent anywhere.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::FixedBytes;
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use ed25519_dalek::{Signer, SigningKey};
use ledger_chainspec::{ConsensusKey, Signature64};
use ledger_notary::{
    records::{Hex32, KeyRole, NODES_SCHEMA, Network, Node, Nodes, NotaryId, PlainText, Proofs, RECORD_BYTES_MAX},
    tuf::UnixSeconds,
};
use passport_cli::{
    args::SignerArgs,
    validator::args::{DecideArgs, RecordArgs},
    wallet::Actor,
};
use sha2::{Digest, Sha256};

use super::super::Cli;
use crate::{
    config::{data_folder, identity_path, load_spec},
    error::NodeError,
    keys::{account, consensus},
    rpc::unix_seconds,
};

const DAY_SECONDS: u64 = 86_400;

/// The four keys of a node.
struct FourKeys {
    peer: SigningKey,
    consensus: SigningKey,
    account: PrivateKeySigner,
    checkpoint: PrivateKeySigner,
}

/// Does what `validator record` asks for.
pub(super) fn run(cli: &Cli, args: &DecideArgs, asked: &RecordArgs) -> Result<(), NodeError> {
    let spec = load_spec(cli)?;
    let usage = |what: &str, error: &dyn std::fmt::Display| NodeError::Usage(format!("{what}: {error}"));
    let network = Network::try_from(&spec).map_err(|error| usage("--chain", &error))?;
    let member_id = NotaryId::try_from(asked.member_id.clone()).map_err(|error| usage("--member-id", &error))?;
    let mut record = Nodes {
        schema: NODES_SCHEMA.to_owned(),
        network_id: network.network_id,
        chain_id: network.chain_id,
        member_id,
        seq: 1,
        prev_sha256: None,
        nodes: Vec::new(),
    };
    if let Some(path) = &asked.after {
        follow(&mut record, path)?;
    }
    let keys = keys(cli, args, asked)?;
    let region = PlainText::try_from(asked.region.clone()).map_err(|error| usage("--region", &error))?;
    let expires = UnixSeconds::new(unix_seconds()).plus(asked.valid_days.saturating_mul(DAY_SECONDS));
    let node = signed(&record, &keys, (asked.endpoint.clone(), region), expires);
    // A node that comes again takes the place of its earlier entry.
    record.nodes.retain(|other| other.account != node.account);
    record.nodes.push(node);
    print(&record)
}

/// Goes on from the record that is published.
fn follow(record: &mut Nodes, path: &Path) -> Result<(), NodeError> {
    let wrong = |reason: String| NodeError::Usage(format!("--after {}: {reason}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let before = Nodes::parse(&bytes).map_err(|error| wrong(error.to_string()))?;
    if before.member_id != record.member_id || before.network() != record.network() {
        return Err(wrong(format!(
            "it is of {} on {}, and this is of {} on {}",
            before.member_id,
            before.network(),
            record.member_id,
            record.network()
        )));
    }
    let last = || wrong("its seq is the last one that there is".to_owned());
    record.seq = before.seq.checked_add(1).ok_or_else(last)?;
    record.prev_sha256 = Some(Hex32(Sha256::digest(&bytes).into()));
    record.nodes = before.nodes;
    Ok(())
}

fn keys<'a>(cli: &'a Cli, args: &DecideArgs, asked: &'a RecordArgs) -> Result<FourKeys, NodeError> {
    let shared = cli.validator.password_file.as_ref();
    let wallet = SignerArgs {
        wallet: args.node.wallet.clone(),
        password_file: shared.cloned(),
    };
    let own_or_shared = |own: &'a Option<PathBuf>| own.as_ref().or(shared).map(PathBuf::as_path);
    Ok(FourKeys {
        peer: consensus::read_or_create_identity(&identity_path(&data_folder(cli)?))?,
        consensus: consensus::unlock(&asked.consensus_key, own_or_shared(&asked.key_password_file))?,
        account: Actor::new(&wallet)?.unlock()?,
        checkpoint: account::unlock(&asked.checkpoint_key, own_or_shared(&asked.checkpoint_password_file))?,
    })
}

/// The node's entry, with each key's word for it.
fn signed(
    record: &Nodes,
    keys: &FourKeys,
    (endpoints, region): (Vec<String>, PlainText),
    expires: UnixSeconds,
) -> Node {
    let mut node = Node {
        peer_id: ledger_network::peer_id_of(&keys.peer).to_string(),
        consensus_key: ConsensusKey::of(&keys.consensus),
        account: keys.account.address(),
        checkpoint_key: keys.checkpoint.address(),
        endpoints,
        region,
        proofs: Proofs {
            expires,
            peer: Signature64::new([0; 64]),
            consensus: Signature64::new([0; 64]),
            account: FixedBytes::ZERO,
            checkpoint: FixedBytes::ZERO,
        },
    };
    let statement = record.statement(&node);
    let ed25519 = |key: &SigningKey, role| Signature64::new(key.sign(statement.text(role).as_bytes()).to_bytes());
    let secp256k1 = |key: &PrivateKeySigner, role| {
        let signature = key.sign_message_sync(statement.text(role).as_bytes());
        FixedBytes::new(signature.expect("a key in memory signs every text").as_bytes())
    };
    node.proofs.peer = ed25519(&keys.peer, KeyRole::Peer);
    node.proofs.consensus = ed25519(&keys.consensus, KeyRole::Consensus);
    node.proofs.account = secp256k1(&keys.account, KeyRole::Account);
    node.proofs.checkpoint = secp256k1(&keys.checkpoint, KeyRole::Checkpoint);
    node
}

/// Prints the file, once it reads as one.
fn print(record: &Nodes) -> Result<(), NodeError> {
    let bytes = serde_json::to_vec_pretty(record).expect("a record is JSON");
    let wrong = |error: &dyn std::fmt::Display| NodeError::Usage(format!("the record cannot be published: {error}"));
    let read = Nodes::parse(&bytes).map_err(|error| wrong(&error))?;
    read.check_proofs(UnixSeconds::new(unix_seconds()))
        .map_err(|error| wrong(&error))?;
    debug_assert!(bytes.len() <= RECORD_BYTES_MAX, "it was read");
    let written = io::stdout().lock().write_all(&bytes);
    written.map_err(|source| NodeError::Environment {
        action: "cannot write to standard output",
        source,
    })?;
    let _ = writeln!(
        io::stderr(),
        "This is m.{}.nodes.json; sign it under the role m-{} and hand it to the notary (ledger-notary submit or publish). Its sha256: {}",
        record.member_id,
        record.member_id,
        hex::encode(Sha256::digest(&bytes))
    );
    Ok(())
}
