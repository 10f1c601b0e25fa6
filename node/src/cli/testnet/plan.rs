//! Which nodes does a network have, where does each listen, and where are its files?
//!
//! Pure: numbers and folders in, names and ports out. Called by `up` and by everything that looks at the nodes.

use std::path::{Path, PathBuf};

use ledger_chainspec::dev_keys::DEV_VALIDATORS;
use serde::{Deserialize, Serialize};

use crate::config::P2P_PORT_DEFAULT;

use super::error::TestnetError;

/// Most validators: each is a process here, and a machine has so many ports and processors to spare.
pub const VALIDATORS_MAX: u16 = 21;
/// Most full nodes.
pub const NODES_MAX: u16 = 21;
/// Validators unless it is said otherwise: as many as the built-in chain has.
pub const VALIDATORS_DEFAULT: u16 = 4;
/// Full nodes unless it is said otherwise.
pub const NODES_DEFAULT: u16 = 1;
/// First port of JSON-RPC unless it is said otherwise: where clients look for a node.
pub const RPC_PORT_DEFAULT: u16 = 8545;
/// Port of the notary unless it is said otherwise: that of `ledger-notary serve`.
pub const NOTARY_PORT_DEFAULT: u16 = 8650;
/// Port of the mainchain unless it is said otherwise.
pub const MAINCHAIN_PORT_DEFAULT: u16 = 8655;
/// Validators with a relayer in them: two, so that one may be stopped and checkpoints still come.
pub const RELAYERS: u16 = 2;
/// Most clouds that join a network later.
pub const JOINED_MAX: u16 = 8;

const _: () = assert!(VALIDATORS_DEFAULT as u32 == DEV_VALIDATORS);

/// Validators that one processor carries in a build without optimisation: 14 made a block in every slot on two of them at five transactions
/// a second, and 21 missed every fourth. An optimised build needs less than half of a processor for those 21.
const UNOPTIMISED_PER_PROCESSOR: usize = 8;

/// The size of a network and its ports: what everything else follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Number of validators.
    pub validators: u16,
    /// Number of full nodes.
    pub nodes: u16,
    /// Port for peers of validator 0.
    pub p2p_port_base: u16,
    /// Port of JSON-RPC of the first full node.
    pub rpc_port_base: u16,
    /// Port of the notary; none if the network has no notary.
    #[serde(default)]
    pub notary_port: Option<u16>,
    /// Port of the mainchain; none if the network has none.
    #[serde(default)]
    pub mainchain_port: Option<u16>,
    /// Number of clouds that joined later.
    #[serde(default)]
    pub joined: u16,
}

/// What a node is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Makes blocks.
    Validator,
    /// Of a cloud that came later: makes blocks once it is admitted.
    Joined,
    /// Follows them and answers.
    FullNode,
}

/// One node of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// `validator-0`, `node-0`: also the name of its folder.
    pub name: String,
    /// What it is there for.
    pub role: Role,
    /// Its number among those of its role.
    pub number: u16,
    /// Where it listens for peers.
    pub p2p_port: u16,
    /// Where it serves JSON-RPC.
    pub rpc_port: u16,
    /// A relayer runs in it.
    pub relays: bool,
}

/// A port that something else listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenPort {
    /// The port.
    pub port: u16,
    /// The node that needs it.
    pub node: String,
    /// What for.
    pub service: &'static str,
}

/// The files of one node.
#[derive(Clone, Debug)]
pub struct NodeFiles {
    /// `--data-dir` of the node.
    pub folder: PathBuf,
    /// Its consensus key, if it is a validator.
    pub key: PathBuf,
    /// The password of that key and of the accounts.
    pub password: PathBuf,
    /// Folder of the accounts below.
    pub wallets: PathBuf,
    /// The keystore of its account in governance, if it is a validator.
    pub account: PathBuf,
    /// The keystore of the key that signs checkpoints, if it is a validator.
    pub checkpoint: PathBuf,
    /// The keystore of the account that pays for checkpoints on the mainchain, if a relayer runs in it.
    pub relayer: PathBuf,
    /// The record of what that key has signed.
    pub guard: PathBuf,
    /// Standard output and standard error.
    pub log: PathBuf,
}

impl Shape {
    /// The nodes: validators first, in the order of the schedule; then full nodes, and those that joined.
    #[must_use]
    pub fn plan(&self) -> Vec<Planned> {
        let validators = (0..self.validators).map(|number| (Role::Validator, number));
        let nodes = (0..self.nodes).map(|number| (Role::FullNode, number));
        let joined = (0..self.joined).map(|number| (Role::Joined, self.validators.saturating_add(number)));
        (0_u16..)
            .zip(validators.chain(nodes).chain(joined))
            .map(|(index, (role, number))| Planned {
                name: match role {
                    Role::Validator | Role::Joined => format!("validator-{number}"),
                    Role::FullNode => format!("node-{number}"),
                },
                role,
                number,
                relays: role == Role::Validator && number < self.relayers(),
                p2p_port: self.p2p_port_base.saturating_add(index),
                rpc_port: self.rpc_port_base.saturating_add(self.rpc_offset(index)),
            })
            .collect()
    }

    /// The first full node comes first, since it is the one to ask.
    fn rpc_offset(&self, index: u16) -> u16 {
        let entry = if self.nodes > 0 { self.validators } else { 0 };
        match index {
            index if index == entry => 0,
            index if index < entry => index.saturating_add(1),
            index => index,
        }
    }

    /// Whether the network runs the built-in chain at the address that the chain itself names.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.has_built_in_validators() && self.p2p_port_base == P2P_PORT_DEFAULT
    }

    /// Whether the validators are those of the built-in chain.
    #[must_use]
    pub fn has_built_in_validators(&self) -> bool {
        self.validators == VALIDATORS_DEFAULT
    }

    /// What to tell whoever starts more validators than so many processors carry.
    #[must_use]
    pub fn strain(&self, processors: usize, is_optimised: bool) -> Option<String> {
        let (validators, carried) = (self.validators, processors.saturating_mul(UNOPTIMISED_PER_PROCESSOR));
        let is_strained = !is_optimised && usize::from(validators) > carried;
        is_strained.then(|| {
            format!(
                "{validators} validators of a debug build need more than the {processors} processors of this machine, which carry \
                 about {carried}: expect missed slots, or use a release build (cargo build --release --workspace --locked)."
            )
        })
    }

    /// Number of validators with a relayer in them: none without a mainchain.
    #[must_use]
    pub fn relayers(&self) -> u16 {
        self.mainchain_port.map_or(0, |_| self.validators.min(RELAYERS))
    }

    /// Whether all ports exist and none is meant for two things.
    ///
    /// # Errors
    /// [`TestnetError::Usage`] that names the flag.
    pub fn check(&self) -> Result<(), TestnetError> {
        let count = self.validators.saturating_add(self.nodes).saturating_add(self.joined);
        let bases = [
            ("--p2p-port-base", self.p2p_port_base),
            ("--rpc-port-base", self.rpc_port_base),
        ];
        for (flag, base) in bases {
            if base.checked_add(count).is_none() {
                let highest = u16::MAX - count;
                let message =
                    format!("{flag} {base}: {count} nodes need as many ports behind it; {highest} is the most");
                return Err(TestnetError::Usage(message));
            }
        }
        if self.p2p_port_base.abs_diff(self.rpc_port_base) < count {
            let message = format!(
                "--p2p-port-base {} and --rpc-port-base {} overlap: {count} nodes need {count} ports behind each",
                self.p2p_port_base, self.rpc_port_base
            );
            return Err(TestnetError::Usage(message));
        }
        let is_in = |base: u16, port: u16| (base..base.saturating_add(count)).contains(&port);
        let others = [
            ("--notary-port", self.notary_port),
            ("--mainchain-port", self.mainchain_port),
        ];
        for (flag, port) in others {
            let Some(port) = port.filter(|port| bases.iter().any(|(_, base)| is_in(*base, *port))) else {
                continue;
            };
            return Err(TestnetError::Usage(format!(
                "{flag} {port} is a node's: {count} nodes need {count} ports behind {} and {}",
                self.p2p_port_base, self.rpc_port_base
            )));
        }
        match self.mainchain_port {
            Some(port) if self.notary_port == self.mainchain_port => Err(TestnetError::Usage(format!(
                "--mainchain-port {port} is the notary's; choose another"
            ))),
            _ => Ok(()),
        }
    }
}

impl NodeFiles {
    /// The files of the node `name` of the network in `folder`.
    #[must_use]
    pub fn of(folder: &Path, name: &str) -> Self {
        let folder = folder.join(name);
        Self {
            key: folder.join("validator.pem"),
            password: folder.join("password"),
            account: folder.join("wallets").join("account.json"),
            checkpoint: folder.join("wallets").join("checkpoint.json"),
            relayer: folder.join("wallets").join("relayer.json"),
            wallets: folder.join("wallets"),
            guard: folder.join("guard"),
            log: folder.join("node.log"),
            folder,
        }
    }
}

/// The multiaddress of a node on this machine.
#[must_use]
pub fn multiaddress(p2p_port: u16, peer_id: &str) -> String {
    format!("/ip4/127.0.0.1/tcp/{p2p_port}/p2p/{peer_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: Shape = Shape {
        validators: 4,
        nodes: 1,
        p2p_port_base: 30333,
        rpc_port_base: 8545,
        notary_port: None,
        mainchain_port: None,
        joined: 0,
    };

    fn ports(shape: Shape) -> Vec<(String, u16, u16)> {
        let plan = shape.plan().into_iter();
        plan.map(|node| (node.name, node.p2p_port, node.rpc_port)).collect()
    }

    #[test]
    fn the_first_full_node_has_the_port_that_clients_know_and_those_that_join_stand_behind() {
        let expected = [
            ("validator-0", 30333, 8546),
            ("validator-1", 30334, 8547),
            ("validator-2", 30335, 8548),
            ("validator-3", 30336, 8549),
            ("node-0", 30337, 8545),
            ("validator-4", 30338, 8550),
        ];
        let expected = expected.map(|(name, p2p, rpc)| (name.to_owned(), p2p, rpc));
        assert_eq!(ports(FOUR), expected[..5]);
        assert_eq!(ports(Shape { joined: 1, ..FOUR }), expected);
    }

    #[test]
    fn more_validators_than_the_machine_carries_are_started_with_a_word_of_it() {
        let strain = |validators, processors, is_optimised| {
            let shape = Shape { validators, ..FOUR };
            shape.strain(processors, is_optimised)
        };
        let words = strain(21, 2, false).unwrap();
        assert!(
            words.contains("21 validators") && words.contains("--release"),
            "{words}"
        );
        assert_eq!(
            [strain(16, 2, false), strain(21, 4, false), strain(21, 2, true)],
            [None, None, None]
        );
    }

    #[test]
    fn every_node_has_ports_of_its_own() {
        for (validators, nodes) in [(1, 0), (1, 1), (3, 0), (4, 3), (21, 21)] {
            let shape = Shape {
                validators,
                nodes,
                ..FOUR
            };
            let plan = ports(shape);
            let mut rpc: Vec<_> = plan.iter().map(|(_, _, rpc)| *rpc).collect();
            rpc.sort_unstable();
            let count = validators + nodes;
            assert_eq!(rpc, (8545..8545 + count).collect::<Vec<_>>(), "{shape:?}");
            let entry = if nodes > 0 { "node-0" } else { "validator-0" };
            assert!(plan.iter().any(|(name, _, rpc)| name == entry && *rpc == 8545));
        }
    }

    #[test]
    fn ports_that_overlap_or_do_not_exist_are_refused_with_the_flag() {
        for (p2p, rpc, word) in [
            (65533, 8545, "--p2p-port-base"),
            (30333, 65535, "--rpc-port-base"),
            (8549, 8545, "overlap"),
            (8541, 8545, "overlap"),
        ] {
            let shape = Shape {
                p2p_port_base: p2p,
                rpc_port_base: rpc,
                ..FOUR
            };
            let refused = shape.check().unwrap_err().to_string();
            assert!(refused.contains(word), "{refused}");
        }
        for notary_port in [Some(30337), Some(8545)] {
            let refused = Shape { notary_port, ..FOUR }.check().unwrap_err().to_string();
            assert!(refused.contains("--notary-port"), "{refused}");
        }
        for (port, notary_port) in [(30337, None), (8545, None), (8655, Some(8655))] {
            let shape = Shape {
                mainchain_port: Some(port),
                notary_port,
                ..FOUR
            };
            let refused = shape.check().unwrap_err().to_string();
            assert!(refused.contains("--mainchain-port"), "{refused}");
        }
        FOUR.check().unwrap();
        let close = Shape {
            p2p_port_base: 8550,
            ..FOUR
        };
        close.check().unwrap();
    }

    #[test]
    fn two_validators_relay_where_there_is_a_mainchain() {
        let shape = |validators, mainchain_port| Shape {
            validators,
            mainchain_port,
            ..FOUR
        };
        let relaying = |shape: Shape| {
            let plan = shape.plan().into_iter().filter(|node| node.relays);
            plan.map(|node| node.name).collect::<Vec<_>>()
        };
        assert!(relaying(shape(4, None)).is_empty());
        assert_eq!(relaying(shape(1, Some(8655))), ["validator-0"]);
        assert_eq!(relaying(shape(4, Some(8655))), ["validator-0", "validator-1"]);
    }
}
