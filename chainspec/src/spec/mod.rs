//! What does a chain grow from? A [`ChainSpec`]: its name and number, rules, members, validators and first contents.
//!
//! Read from TOML once, at start, by the node and the tools; genesis is built from it. What a chain fixes for life is in
//! here and nowhere else. A specification that comes out of [`ChainSpec::from_toml`] has been checked as a whole; a
//! changed one can be checked again with [`ChainSpec::check`]. Never holds a secret.

mod built_in;
mod check;
mod error;
mod parse;
mod people;
mod text;

use alloy_primitives::{Address, B256, U256, keccak256};
use parity_scale_codec::Encode;
use serde::{Deserialize, Serialize};

pub use built_in::{BUILT_IN, MAINNET_TEMPLATE};
pub use check::{
    CHAIN_ID_MAX, GAS_LIMIT_MIN, INSTANCE_NAME_BYTES_MAX, INSTANCE_SPECS_MAX, MEMBERS_MAX, NAME_BYTES_MAX,
    NOTARY_URLS_MAX, REDEEMERS_MAX, is_notary_url,
};
pub use error::{Problem, SpecError, Unfilled};
pub use parse::SPEC_BYTES_MAX;

use crate::{
    ids::{ConsensusKey, MemberId, SetId, Slot},
    peer_id::peer_id_from_text,
    validators::{Validator, ValidatorSet},
};

/// First bytes of what [`ChainSpec::rules_hash`] hashes.
const RULES_DOMAIN: [u8; 16] = *b"cloud-rules/v1\0\0";

/// A chain specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainSpec {
    /// Short name, also that of the default data folder: small letters, digits and dashes.
    pub name: String,
    /// The chain id that transactions are signed for (EIP-155).
    pub chain_id: u64,
    /// Timestamp of block 0, in seconds since the Unix epoch.
    pub genesis_timestamp: u64,
    /// The EVM's rules, from block 0 on.
    pub hardfork: Hardfork,
    /// Time and rhythm of the consensus.
    pub consensus: ConsensusParams,
    /// What fits into a block (R13, R14).
    pub limits: BlockLimits,
    /// How others are found.
    pub network: NetworkParams,
    /// Who says which clouds may run a validator, if anybody does. No part of genesis, as bootnodes are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notary: Option<NotaryParams>,
    /// How Bootstrap decides.
    pub governance: GovernanceParams,
    /// How the chain is anchored on the mainchain.
    pub checkpoint: CheckpointParams,
    /// What one holder may have and ask for.
    pub holder_limits: HolderLimits,
    /// The member clouds at genesis; ids run from 1.
    pub members: Vec<GenesisMember>,
    /// The validators at genesis, in the order of the schedule.
    pub validators: Vec<GenesisValidator>,
    /// What promo codes can be asked for; contracts number them from 1 in this order.
    pub instance_specs: Vec<InstanceSpec>,
    /// Coins at genesis. Nobody needs any: gas costs nothing.
    pub balances: Vec<GenesisBalance>,
}

/// The EVM's rules: an Ethereum fork that this chain can start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hardfork {
    /// Cancun, March 2024.
    Cancun,
    /// Prague, May 2025.
    Prague,
    /// Osaka, December 2025.
    Osaka,
}

/// Time and rhythm of the consensus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsensusParams {
    /// Length of a slot in milliseconds: at least four times the one-way delay of the network (R1).
    pub slot_duration_ms: u64,
    /// Slots without a block after which an empty one is built (R11).
    pub heartbeat_slots: u64,
}

/// What fits into a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockLimits {
    /// Gas of a block.
    pub gas_limit: u64,
    /// Transactions of a block (R13).
    pub transactions_per_slot: u32,
    /// Transactions of one sender in a block (R13).
    pub transactions_per_sender_per_slot: u32,
    /// Percentage of gas and transactions that only validators and members may use (R14).
    pub reserved_share_percent: u8,
}

/// How others are found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkParams {
    /// First nodes to connect to: multiaddresses that end in `/p2p/` and a peer id.
    pub bootnodes: Vec<String>,
}

/// Who says which clouds may run a validator. The network that its records name is [`ChainSpec::name`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotaryParams {
    /// Addresses of its files, one or two: `http://host`, below which are `/metadata` and `/targets`.
    pub urls: Vec<String>,
    /// Version of the root metadata that trust starts from.
    pub root_version: u64,
    /// sha256 of that root's file.
    pub root_sha256: B256,
}

/// How Bootstrap decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GovernanceParams {
    /// Seconds after which an open proposal or request for admission lapses.
    pub proposal_ttl_seconds: u64,
    /// Seconds between a proposal's passing and the first moment it can be executed.
    pub timelock_seconds: u64,
}

/// How the chain is anchored on the mainchain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointParams {
    /// Blocks from one checkpoint to the next.
    pub interval_blocks: u64,
    /// Chain id of the mainchain.
    pub mainchain_id: u64,
    /// The checkpoint contract there; the zero address as long as there is none.
    #[serde(with = "text::address")]
    pub contract: Address,
    /// Blocks of the mainchain upon a checkpoint before it is believed.
    pub confirmations: u32,
}

/// What one holder may have and ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderLimits {
    /// Live promo codes at one time.
    pub live_codes: u32,
    /// Requests in a period.
    pub requests_per_period: u32,
    /// Length of the period in seconds.
    pub period_seconds: u64,
}

/// A member cloud at genesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisMember {
    /// Its number, from 1 without gaps.
    pub id: MemberId,
    /// Its name for people.
    pub name: String,
    /// Its cold key: offers, pauses, redeemers.
    #[serde(with = "text::address")]
    pub owner: Address,
    /// The keys of its sign-up back end, which confirm uses.
    #[serde(with = "text::addresses")]
    pub redeemers: Vec<Address>,
}

/// A validator at genesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisValidator {
    /// The member that runs it.
    pub member_id: MemberId,
    /// Its account in governance, and the coinbase of its blocks.
    #[serde(with = "text::address")]
    pub account: Address,
    /// Its ed25519 public key.
    pub consensus_key: ConsensusKey,
    /// The address of its key for the mainchain.
    #[serde(with = "text::address")]
    pub checkpoint_key: Address,
    /// Its libp2p peer id in base58.
    pub peer_id: String,
}

/// A resource that promo codes are for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceSpec {
    /// Its name: small letters, digits and dashes.
    pub name: String,
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Disk in GiB.
    pub disk_gib: u32,
    /// Hours that the user gets.
    pub hours: u32,
    /// Seconds until an unused code expires.
    pub ttl_seconds: u64,
    /// What the holder gets for a use, in the smallest unit of PassportToken (10^18 are one PASS).
    #[serde(with = "text::amount")]
    pub reward: U256,
    /// Whether a use needs the holder's signature. Without it anybody who reads the chain may present the code.
    pub require_authorization: bool,
}

/// Coins at genesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisBalance {
    /// Whose.
    #[serde(with = "text::address")]
    pub address: Address,
    /// How much, in the smallest unit (10^18 are one coin).
    #[serde(with = "text::amount")]
    pub wei: U256,
}

impl ChainSpec {
    /// The validator set that governs block 1; its number is 0.
    ///
    /// # Panics
    /// If the specification was changed and no longer passes [`ChainSpec::check`].
    pub fn validator_set(&self) -> ValidatorSet {
        let validators = self.validators.iter().map(GenesisValidator::to_validator).collect();
        ValidatorSet::new(SetId::new(0), validators).expect("check() refuses validators that make no set")
    }

    /// The slot that block 0 lies in: that of its timestamp.
    ///
    /// # Panics
    /// If the specification was changed and no longer passes [`ChainSpec::check`].
    pub fn genesis_slot(&self) -> Slot {
        let millis = self
            .genesis_timestamp
            .checked_mul(1000)
            .expect("check() bounds the timestamp");
        Slot::new(
            millis
                .checked_div(self.consensus.slot_duration_ms)
                .expect("check() refuses slots of no length"),
        )
    }

    /// keccak256 of the rules that are fixed for the chain's life and that no state holds: chain id, fork, slot length and
    /// block limits. Genesis carries it in its `mix_hash`, so that chains with different rules have different names.
    pub fn rules_hash(&self) -> B256 {
        let limits = &self.limits;
        let fork = match self.hardfork {
            Hardfork::Cancun => 0_u8,
            Hardfork::Prague => 1,
            Hardfork::Osaka => 2,
        };
        let rules = (RULES_DOMAIN, self.chain_id, fork, self.consensus.slot_duration_ms);
        let block = (
            limits.gas_limit,
            limits.transactions_per_slot,
            limits.transactions_per_sender_per_slot,
        );
        keccak256((rules, block, limits.reserved_share_percent).encode())
    }

    /// The member with this number.
    pub fn member(&self, id: MemberId) -> Option<&GenesisMember> {
        self.members.iter().find(|member| member.id == id)
    }
}

impl GenesisValidator {
    fn to_validator(&self) -> Validator {
        Validator {
            consensus_key: self.consensus_key,
            account: self.account,
            checkpoint_key: self.checkpoint_key,
            peer_id: peer_id_from_text(&self.peer_id).expect("check() refuses texts that are no peer id"),
            member_id: self.member_id,
        }
    }
}
