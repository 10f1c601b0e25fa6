//! Which Merkle proof shows an account and its slots to somebody who trusts only a header? (EIP-1186)

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};

use super::trie::{TrieId, TrieReader};
use super::{AccountRecord, StateError, StateView};

/// Slots that one proof may cover; bounds what one request costs.
pub const PROOF_SLOTS_MAX: usize = 1024;

/// An account of one block with the nodes that prove it against that block's state root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountProof {
    /// Whose account.
    pub address: Address,
    /// The account; `None` if the proof shows that it does not exist.
    pub account: Option<AccountRecord>,
    /// RLP of the nodes from the root to the key keccak-256(address).
    pub proof: Vec<Bytes>,
    /// One per slot asked for, in the order asked for.
    pub storage: Vec<StorageProof>,
}

/// A slot with the nodes that prove it against its account's storage root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageProof {
    /// The slot asked for.
    pub slot: B256,
    /// Its value; zero if the proof shows that it was never written.
    pub value: U256,
    /// RLP of the nodes from the storage root to the key keccak-256(slot); empty for an account without storage.
    pub proof: Vec<Bytes>,
}

impl StateView {
    /// The account and `slots` of it, with proofs against [`StateView::root`].
    ///
    /// # Errors
    /// [`StateError::TooManySlots`] beyond [`PROOF_SLOTS_MAX`]; else as [`StateView::account`].
    pub fn proof(&self, address: &Address, slots: &[B256]) -> Result<AccountProof, StateError> {
        if slots.len() > PROOF_SLOTS_MAX {
            return Err(StateError::TooManySlots {
                asked: slots.len(),
                max: PROOF_SLOTS_MAX,
            });
        }
        let hashed = keccak256(address);
        let account = self.account_hashed(&hashed)?;
        let trie = |id| TrieReader { view: self, id };
        let proof = trie(TrieId::Accounts).proof(&hashed)?;
        let storage_trie = trie(TrieId::Storage(hashed));
        let storage = slots
            .iter()
            .map(|slot| {
                let value = self.storage(address, &U256::from_be_bytes(slot.0))?;
                Ok(StorageProof {
                    slot: *slot,
                    value,
                    proof: storage_trie.proof(&keccak256(slot))?,
                })
            })
            .collect::<Result<_, StateError>>()?;
        Ok(AccountProof {
            address: *address,
            account,
            proof,
            storage,
        })
    }
}
