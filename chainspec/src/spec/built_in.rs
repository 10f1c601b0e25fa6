//! Which specifications are part of the program?

use super::ChainSpec;

/// The chains that `--chain` knows by name, and their TOML.
pub const BUILT_IN: [(&str, &str); 2] = [
    ("dev", include_str!("../../specs/dev.toml")),
    ("testnet", include_str!("../../specs/testnet.toml")),
];

/// A specification with blanks and a comment on every key: the start of a chain of one's own. As it is, it is refused
/// with the list of what is to be filled in.
pub const MAINNET_TEMPLATE: &str = include_str!("../../specs/mainnet.toml");

/// The names as a sentence needs them.
pub(super) fn names() -> String {
    BUILT_IN.map(|(name, _)| name).join(" and ")
}

impl ChainSpec {
    /// A laptop's own chain: one validator, two member clouds, ten funded accounts, **public keys**
    /// ([`dev_keys`](crate::dev_keys)).
    pub fn dev() -> Self {
        built_in(BUILT_IN[0].1)
    }

    /// Four member clouds with a validator each, for rehearsals. Its **keys are public**, too
    /// ([`dev_keys`](crate::dev_keys)).
    pub fn testnet() -> Self {
        built_in(BUILT_IN[1].1)
    }
}

fn built_in(text: &str) -> ChainSpec {
    ChainSpec::from_toml(text).expect("a test reads every built-in specification")
}
