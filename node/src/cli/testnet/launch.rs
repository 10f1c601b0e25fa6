//! With which command line is a node started?
//!
//! Pure: a place in the plan and files in, arguments out. Called by whoever starts nodes, and to know their processes again.

use std::{ffi::OsString, path::PathBuf};

use clap::ValueEnum;

use crate::cli::LogFormat;

use super::plan::{NodeFiles, Planned, Role};

/// What else a command line depends on.
#[derive(Clone, Debug)]
pub struct LaunchOptions {
    /// `--chain` of the nodes.
    pub chain: OsString,
    /// Addresses of other validators that the chain itself does not name.
    pub bootnodes: Vec<String>,
    /// The node's key has never signed on this chain.
    pub is_fresh: bool,
    /// The node has a key that signs checkpoints; validators of networks that were made before there was one have none.
    pub has_checkpoint_key: bool,
    /// The notary, if there is one.
    pub notary: Option<NotaryPlace>,
    /// JSON-RPC of the mainchain, if there is one.
    pub mainchain: Option<String>,
    /// Number of relayers that share the work.
    pub relayers: u16,
    /// `--log-level` of the nodes.
    pub log_level: String,
    /// `--log-format` of the nodes.
    pub log_format: LogFormat,
}

/// Where the notary of a network is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotaryPlace {
    /// Its address.
    pub url: String,
    /// The root that trust in it starts from.
    pub root: PathBuf,
}

/// The arguments that start `node`.
#[must_use]
pub fn arguments(node: &Planned, files: &NodeFiles, options: &LaunchOptions) -> Vec<OsString> {
    let format = options.log_format.to_possible_value();
    let format = format.expect("every form of the log has a name");
    let mut arguments: Vec<OsString> = vec![
        "--chain".into(),
        options.chain.clone(),
        "--data-dir".into(),
        files.folder.clone().into(),
        "--rpc-host".into(),
        "127.0.0.1".into(),
        "--rpc-port".into(),
        node.rpc_port.to_string().into(),
        "--p2p-host".into(),
        "127.0.0.1".into(),
        "--p2p-port".into(),
        node.p2p_port.to_string().into(),
        "--log-level".into(),
        options.log_level.clone().into(),
        "--log-format".into(),
        format.get_name().into(),
    ];
    if !options.bootnodes.is_empty() {
        arguments.extend(["--bootnode".into(), options.bootnodes.join(",").into()]);
    }
    if matches!(node.role, Role::Validator | Role::Joined) {
        arguments.extend(["--validator-key".into(), files.key.clone().into()]);
        arguments.extend(["--password-file".into(), files.password.clone().into()]);
        if options.has_checkpoint_key {
            arguments.extend(["--checkpoint-key".into(), files.checkpoint.clone().into()]);
        }
        if options.is_fresh {
            arguments.push("--fresh-guard".into());
        }
    }
    if let Some(notary) = &options.notary {
        arguments.extend(notary_arguments(notary));
        arguments.extend(["--notary-refresh".into(), NOTARY_REFRESH_SECONDS.into()]);
        if node.role == Role::FullNode {
            // It tells who asks what the notary says.
            arguments.extend(["--admission".into(), "manual".into()]);
        } else {
            arguments.extend(["--validator-account".into(), files.account.clone().into()]);
            arguments.extend(["--account-password-file".into(), files.password.clone().into()]);
        }
    }
    if let Some(url) = &options.mainchain {
        arguments.extend(["--mainchain".into(), url.into()]);
        arguments.extend(["--mainchain-soft".into(), MAINCHAIN_SOFT_BLOCKS.into()]);
        arguments.extend(["--mainchain-poll".into(), MAINCHAIN_POLL_SECONDS.into()]);
        if node.relays {
            arguments.extend(relayer_arguments(node, files, options.relayers));
        }
    }
    arguments
}

/// The arguments of a node with a relayer in it.
fn relayer_arguments(node: &Planned, files: &NodeFiles, relayers: u16) -> [OsString; 11] {
    [
        "--relayer".into(),
        "--relayer-key".into(),
        files.relayer.clone().into(),
        "--relayer-password-file".into(),
        files.password.clone().into(),
        "--relayer-rank".into(),
        node.number.to_string().into(),
        "--relayers".into(),
        relayers.to_string().into(),
        "--relayer-poll".into(),
        MAINCHAIN_POLL_SECONDS.into(),
    ]
}

/// How often nodes and relayers look at the mainchain: a block of it lasts as long.
const MAINCHAIN_POLL_SECONDS: &str = "1";

/// Mainchain blocks upon a checkpoint before the nodes believe it: a tenth of what Ethereum Classic takes, so that one sees it happen.
const MAINCHAIN_SOFT_BLOCKS: &str = "12";

/// How often nodes ask the notary: nobody waits long, and on one machine it costs nothing.
const NOTARY_REFRESH_SECONDS: &str = "2";

/// The arguments that name a notary.
#[must_use]
pub fn notary_arguments(notary: &NotaryPlace) -> [OsString; 4] {
    [
        "--notary-url".into(),
        notary.url.clone().into(),
        "--notary-root".into(),
        notary.root.clone().into(),
    ]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cli::testnet::plan::Shape;

    const FOUR: Shape = Shape {
        validators: 4,
        nodes: 1,
        p2p_port_base: 30333,
        rpc_port_base: 8545,
        notary_port: None,
        mainchain_port: Some(8655),
        joined: 0,
    };

    #[test]
    fn a_validator_has_its_key_and_a_full_node_has_none() {
        let plan = FOUR.plan();
        let options = LaunchOptions {
            chain: "testnet".into(),
            bootnodes: vec!["/a".to_owned(), "/b".to_owned()],
            is_fresh: true,
            has_checkpoint_key: true,
            notary: Some(NotaryPlace {
                url: "http://n".to_owned(),
                root: "/r".into(),
            }),
            mainchain: None,
            relayers: 0,
            log_level: "info".to_owned(),
            log_format: LogFormat::Json,
        };
        let line = |node: &Planned, options: &LaunchOptions| {
            let words = arguments(node, &NodeFiles::of(Path::new("/x"), &node.name), options);
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            words.join(" ")
        };
        let validator = line(&plan[1], &options);
        for part in [
            "--data-dir /x/validator-1",
            "--rpc-port 8547",
            "--p2p-port 30334",
            "--bootnode /a,/b",
            "--validator-key /x/validator-1/validator.pem --password-file /x/validator-1/password",
            "--checkpoint-key /x/validator-1/wallets/checkpoint.json",
            "--log-format json",
            "--fresh-guard",
            "--notary-url http://n --notary-root /r",
            "--validator-account /x/validator-1/wallets/account.json --account-password-file /x/validator-1/password",
        ] {
            assert!(validator.contains(part), "`{part}` is missing: {validator}");
        }
        let node = line(&plan[4], &options);
        for part in [
            "--validator-key",
            "--password-file",
            "--checkpoint-key",
            "--fresh-guard",
            "--validator-account",
        ] {
            assert!(!node.contains(part), "`{part}` is there: {node}");
        }
        let again = LaunchOptions {
            bootnodes: Vec::new(),
            is_fresh: false,
            has_checkpoint_key: false,
            notary: None,
            ..options
        };
        let validator = line(&plan[1], &again);
        for part in [
            "--bootnode",
            "--checkpoint-key",
            "--fresh-guard",
            "--notary-url",
            "--validator-account",
        ] {
            assert!(!validator.contains(part), "`{part}` is there: {validator}");
        }
    }

    #[test]
    fn a_validator_with_a_relayer_knows_the_mainchain_and_its_turn() {
        let plan = FOUR.plan();
        let options = LaunchOptions {
            chain: "testnet".into(),
            bootnodes: Vec::new(),
            is_fresh: false,
            has_checkpoint_key: true,
            notary: None,
            mainchain: Some("http://m".to_owned()),
            relayers: 2,
            log_level: "info".to_owned(),
            log_format: LogFormat::Text,
        };
        let line = |node: &Planned| {
            let words = arguments(node, &NodeFiles::of(Path::new("/x"), &node.name), &options);
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            words.join(" ")
        };
        let expected = "--relayer --relayer-key /x/validator-1/wallets/relayer.json \
            --relayer-password-file /x/validator-1/password --relayer-rank 1 --relayers 2";
        assert!(line(&plan[1]).contains(expected), "{}", line(&plan[1]));
        for node in &plan {
            assert!(
                line(node).contains("--mainchain http://m --mainchain-soft 12"),
                "{}",
                line(node)
            );
        }
        assert!(!line(&plan[2]).contains("--relayer"));
    }
}
