//! Where does an instance specification lie in state, and what do its words say?
//!
//! For whoever reads specs from a storage proof. Knows the layout of Transact's slot 4; the whole-system tests hold it against what the
//! contract itself answers. A spec never changes once it is defined.

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::SolValue;

/// Slot of Transact's mapping of specs.
const SPECS_SLOT: u64 = 4;

/// Storage slots of one spec.
pub const SPEC_SLOTS: usize = 4;

/// Longest name that lies in its slot, in bytes; the contract takes no longer one.
const NAME_BYTES_MAX: usize = 31;

/// What members give away for a code, as storage words hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecRecord {
    /// As shown to people.
    pub name: String,
    /// Virtual processors.
    pub vcpus: u32,
    /// Mebibytes of memory.
    pub memory_mib: u32,
    /// Gibibytes of disk.
    pub disk_gib: u32,
    /// How long the instance is given for.
    pub hours: u32,
    /// How long a code can be redeemed.
    pub ttl_seconds: u32,
    /// PassportToken units that the holder gets at redemption.
    pub reward: U256,
    /// Whether a redemption needs the holder's signature.
    pub requires_authorization: bool,
}

impl SpecRecord {
    /// The storage slots of Transact that hold the spec, for `eth_getProof`: its name; its sizes and times; its reward; whether it needs
    /// the holder's signature.
    pub fn slots(spec_id: u32) -> [B256; SPEC_SLOTS] {
        let first = U256::from_be_bytes(keccak256((U256::from(spec_id), U256::from(SPECS_SLOT)).abi_encode()).0);
        [0, 1, 2, 3].map(|place| B256::from(first.wrapping_add(U256::from(place))))
    }

    /// The spec in the words of [`SpecRecord::slots`]; `None` for empty words (no such spec) and for what is no spec.
    pub fn from_words(words: [U256; SPEC_SLOTS]) -> Option<Self> {
        let [name, sizes, reward, authorization] = words;
        // Five fields of 32 bits, the first one lowest.
        let field = |place: usize| u32::try_from((sizes >> (32 * place)) & U256::from(u32::MAX)).ok();
        if sizes >> 160 != U256::ZERO || authorization > U256::ONE {
            return None;
        }
        Some(Self {
            name: short_string(name)?,
            vcpus: field(0)?,
            memory_mib: field(1)?,
            disk_gib: field(2)?,
            hours: field(3)?,
            ttl_seconds: field(4)?,
            reward,
            requires_authorization: authorization == U256::ONE,
        })
    }
}

/// A string that lies in its own slot: its bytes from the high end, and twice its length in the lowest byte.
fn short_string(word: U256) -> Option<String> {
    let bytes = word.to_be_bytes::<32>();
    let length = usize::from(bytes[NAME_BYTES_MAX]);
    let length = (length > 0 && length.is_multiple_of(2)).then_some(length / 2)?;
    let (text, rest) = bytes.get(..NAME_BYTES_MAX)?.split_at_checked(length)?;
    let is_clean = rest.iter().all(|byte| *byte == 0);
    is_clean.then(|| String::from_utf8(text.to_vec()).ok()).flatten()
}
