//! Does a specification make sense as a whole?
//!
//! Every rule is looked at whatever the others said, so that one run names everything that is wrong. Rules about numbers
//! and names are here; who is who is in `people`.

use alloy_primitives::U256;

use super::{ChainSpec, Hardfork, Problem, SpecError, people};
use crate::{
    block::{BLOCK_BYTES_MAX, EXTRA_DATA_BYTES_MAX},
    passport_code::CODE_INDEX_MAX,
};

/// Longest name of a chain or a member, in bytes.
pub const NAME_BYTES_MAX: usize = 32;

/// Highest chain id: what wallets in JavaScript still sign for.
pub const CHAIN_ID_MAX: u64 = 4_503_599_627_370_476;

/// Least gas of a block: half of it deploys the largest contract.
pub const GAS_LIMIT_MIN: u64 = 30_000_000;

/// Most member clouds at genesis. Bounds what genesis executes.
pub const MEMBERS_MAX: usize = 128;

/// Most redeemers of one member at genesis.
pub const REDEEMERS_MAX: usize = 16;

/// Most instance specifications at genesis.
pub const INSTANCE_SPECS_MAX: usize = 64;

/// Gas of the cheapest transaction.
const TRANSACTION_GAS_MIN: u64 = 21_000;

/// Bytes of a block besides its transactions: the header with the longest extra data, and the lists' lengths.
const BLOCK_FRAME_BYTES: u64 = 1024 + EXTRA_DATA_BYTES_MAX as u64;

/// 2100-01-01, in seconds: a genesis after it is a typing error.
const GENESIS_TIMESTAMP_MAX: u64 = 4_102_444_800;

/// Ten years, in seconds: everything that is to end ends before.
const PERIOD_SECONDS_MAX: u64 = 315_360_000;

/// Longest name of an instance specification, in bytes: with its length it fits one slot of the contract's storage.
pub const INSTANCE_NAME_BYTES_MAX: usize = 31;

/// Shortest and longest life of a proposal, and longest timelock, that the Bootstrap contract takes, in seconds.
const PROPOSAL_SECONDS_MIN: u64 = 60;
const PROPOSAL_SECONDS_MAX: u64 = 365 * 86_400;

/// Most addresses of a notary: two that disagree show that one of them lies, and more would have to be voted on.
pub const NOTARY_URLS_MAX: usize = 2;

/// Longest address of a notary, in bytes.
const NOTARY_URL_BYTES_MAX: usize = 256;

const INSTANCE_NAME_RULE: &str = "it needs at most 31 bytes";
const ID_RULE: &str = "it needs 1 to 32 small letters, digits and dashes";
const PLAIN_RULE: &str = "it needs 1 to 32 bytes without blanks at the ends or control characters";

impl ChainSpec {
    /// Checks the specification as a whole.
    ///
    /// # Errors
    /// [`SpecError::Invalid`] with everything that is wrong.
    pub fn check(&self) -> Result<(), SpecError> {
        let mut problems = Problems(Vec::new());
        self.check_chain(&mut problems);
        self.check_limits(&mut problems);
        self.check_contracts(&mut problems);
        self.check_notary(&mut problems);
        people::check(self, &mut problems);
        if problems.0.is_empty() {
            Ok(())
        } else {
            Err(SpecError::Invalid { problems: problems.0 })
        }
    }

    fn check_chain(&self, problems: &mut Problems) {
        problems.id("name", &self.name);
        problems.range(
            "chain_id",
            self.chain_id,
            1,
            CHAIN_ID_MAX,
            ", which wallets can sign for",
        );
        let latest = GENESIS_TIMESTAMP_MAX;
        problems.range(
            "genesis_timestamp",
            self.genesis_timestamp,
            0,
            latest,
            ": it is in seconds, not milliseconds",
        );
        let slot = self.consensus.slot_duration_ms;
        problems.range("consensus.slot_duration_ms", slot, 100, 60_000, "");
        problems.range(
            "consensus.heartbeat_slots",
            self.consensus.heartbeat_slots,
            1,
            u64::from(u32::MAX),
            "",
        );
    }

    fn check_limits(&self, problems: &mut Problems) {
        let limits = &self.limits;
        let gas_max = gas_limit_max(self.hardfork);
        let why = ": a block with more could be longer than a message";
        problems.range("limits.gas_limit", limits.gas_limit, GAS_LIMIT_MIN, gas_max, why);
        let (all, each) = (
            u64::from(limits.transactions_per_slot),
            u64::from(limits.transactions_per_sender_per_slot),
        );
        let why = ": passport codes number no more";
        // Ten leave one for everybody and one for the members whatever share is reserved.
        problems.range(
            "limits.transactions_per_slot",
            all,
            10,
            u64::from(CODE_INDEX_MAX) + 1,
            why,
        );
        problems.range(
            "limits.transactions_per_sender_per_slot",
            each,
            1,
            u64::from(u32::MAX),
            "",
        );
        let share = u64::from(limits.reserved_share_percent);
        problems.range(
            "limits.reserved_share_percent",
            share,
            20,
            90,
            ": a fifth is the least (R14)",
        );
        if each > all {
            problems.contradiction(
                ("limits.transactions_per_sender_per_slot", each),
                ("limits.transactions_per_slot", all),
                "one sender cannot have more than all",
            );
        }
        if all.saturating_mul(TRANSACTION_GAS_MIN) > limits.gas_limit {
            problems.contradiction(
                ("limits.transactions_per_slot", all),
                ("limits.gas_limit", limits.gas_limit),
                "a transaction takes 21000 gas at least, so that many never fit",
            );
        }
    }

    fn check_contracts(&self, problems: &mut Problems) {
        let governance = &self.governance;
        let (ttl, lock) = (governance.proposal_ttl_seconds, governance.timelock_seconds);
        let why = ", which the Bootstrap contract takes";
        let (least, most) = (PROPOSAL_SECONDS_MIN, PROPOSAL_SECONDS_MAX);
        problems.range("governance.proposal_ttl_seconds", ttl, least, most, why);
        problems.range("governance.timelock_seconds", lock, 0, most, why);
        if lock >= ttl {
            problems.contradiction(
                ("governance.timelock_seconds", lock),
                ("governance.proposal_ttl_seconds", ttl),
                "a proposal would lapse before it can be executed",
            );
        }
        let checkpoint = &self.checkpoint;
        problems.range(
            "checkpoint.interval_blocks",
            checkpoint.interval_blocks,
            1,
            u64::from(u32::MAX),
            "",
        );
        problems.range("checkpoint.mainchain_id", checkpoint.mainchain_id, 1, CHAIN_ID_MAX, "");
        problems.range(
            "checkpoint.confirmations",
            checkpoint.confirmations.into(),
            1,
            u64::from(u32::MAX),
            "",
        );
        if checkpoint.mainchain_id == self.chain_id {
            problems.contradiction(
                ("checkpoint.mainchain_id", checkpoint.mainchain_id),
                ("chain_id", self.chain_id),
                "a chain cannot be its own anchor",
            );
        }
        let holders = &self.holder_limits;
        problems.range(
            "holder_limits.live_codes",
            holders.live_codes.into(),
            1,
            u64::from(u32::MAX),
            "",
        );
        problems.range(
            "holder_limits.requests_per_period",
            holders.requests_per_period.into(),
            1,
            u32::MAX.into(),
            "",
        );
        problems.range(
            "holder_limits.period_seconds",
            holders.period_seconds,
            1,
            PERIOD_SECONDS_MAX,
            "",
        );
        self.check_instance_specs(problems);
    }

    fn check_notary(&self, problems: &mut Problems) {
        let Some(notary) = &self.notary else {
            return;
        };
        let (urls, most) = (notary.urls.len() as u64, NOTARY_URLS_MAX as u64);
        problems.range("notary.urls", urls, 1, most, " addresses");
        problems.range("notary.root_version", notary.root_version, 1, u64::from(u32::MAX), "");
        let keyed = |(position, url): (usize, &String)| (format!("notary.urls[{position}]"), url.clone());
        for (key, url) in notary.urls.iter().enumerate().map(keyed) {
            if !is_notary_url(&url) {
                let reason = format!("{url:?} is no address such as http://notary.example");
                problems.push(Problem::Value { key, reason });
            }
        }
        problems.unique(notary.urls.iter().enumerate().map(keyed));
    }

    fn check_instance_specs(&self, problems: &mut Problems) {
        problems.range(
            "instance_specs",
            self.instance_specs.len() as u64,
            1,
            INSTANCE_SPECS_MAX as u64,
            " entries",
        );
        for (position, spec) in self.instance_specs.iter().enumerate() {
            let key = |field: &str| format!("instance_specs[{position}].{field}");
            problems.id(&key("name"), &spec.name);
            if spec.name.len() > INSTANCE_NAME_BYTES_MAX {
                problems.push(Problem::Name {
                    key: key("name"),
                    got: spec.name.clone(),
                    rule: INSTANCE_NAME_RULE,
                });
            }
            let sizes = [
                ("vcpus", spec.vcpus),
                ("memory_mib", spec.memory_mib),
                ("disk_gib", spec.disk_gib),
                ("hours", spec.hours),
            ];
            for (field, size) in sizes {
                problems.range(&key(field), size.into(), 1, u64::from(u32::MAX), "");
            }
            problems.range(&key("ttl_seconds"), spec.ttl_seconds, 1, PERIOD_SECONDS_MAX, "");
            // The token counts all rewards ever paid in 256 bits: 2^128 of 2^128 fit.
            if spec.reward > U256::from(u128::MAX) {
                let reason = format!("{} is more than 2^128 - 1", spec.reward);
                problems.push(Problem::Value {
                    key: key("reward"),
                    reason,
                });
            }
        }
        let names = self.instance_specs.iter().enumerate();
        problems.unique(names.map(|(position, spec)| (format!("instance_specs[{position}].name"), spec.name.clone())));
    }
}

/// Whether this can be the address of a notary's files. Plain HTTP: what comes is checked by its signatures.
pub fn is_notary_url(url: &str) -> bool {
    let is_graphic = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    let host = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
    url.len() <= NOTARY_URL_BYTES_MAX && is_graphic(url) && host.is_some_and(|host| !host.is_empty())
}

/// Most gas of a block: each byte of a transaction costs this fork's least price, and the block has to fit into
/// [`BLOCK_BYTES_MAX`].
fn gas_limit_max(hardfork: Hardfork) -> u64 {
    let gas_per_byte = match hardfork {
        // A zero byte of calldata (EIP-2028).
        Hardfork::Cancun => 4,
        // Its floor price (EIP-7623).
        Hardfork::Prague | Hardfork::Osaka => 10,
    };
    (BLOCK_BYTES_MAX as u64 - BLOCK_FRAME_BYTES) * gas_per_byte
}

/// What was found so far.
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    pub(super) fn range(&mut self, key: &str, got: u64, min: u64, max: u64, why: &'static str) {
        if !(min..=max).contains(&got) {
            self.push(Problem::Range {
                key: key.to_owned(),
                got,
                min,
                max,
                why,
            });
        }
    }

    fn contradiction(&mut self, (key, got): (&str, u64), (other_key, other): (&str, u64), rule: &'static str) {
        let (key, other_key) = (key.to_owned(), other_key.to_owned());
        self.push(Problem::Contradiction {
            key,
            got,
            other_key,
            other,
            rule,
        });
    }

    /// A name that is part of paths, flags and URLs.
    fn id(&mut self, key: &str, name: &str) {
        let plain = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !plain || name.is_empty() || name.len() > NAME_BYTES_MAX {
            self.push(Problem::Name {
                key: key.to_owned(),
                got: name.to_owned(),
                rule: ID_RULE,
            });
        }
    }

    /// A name for people.
    pub(super) fn plain_name(&mut self, key: &str, name: &str) {
        let plain = name == name.trim() && !name.chars().any(char::is_control);
        if !plain || name.is_empty() || name.len() > NAME_BYTES_MAX {
            self.push(Problem::Name {
                key: key.to_owned(),
                got: name.to_owned(),
                rule: PLAIN_RULE,
            });
        }
    }

    /// Names every value that an earlier entry has, too.
    pub(super) fn unique(&mut self, entries: impl Iterator<Item = (String, String)>) {
        let mut seen = std::collections::BTreeMap::new();
        for (key, value) in entries {
            if let Some(other_key) = seen.get(&value) {
                let other_key = String::clone(other_key);
                self.push(Problem::Duplicate { key, other_key, value });
            } else {
                seen.insert(value, key);
            }
        }
    }
}
