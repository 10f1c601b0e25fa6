//! Which root does the trie of the state have after these changes, whatever its values are?

use std::path::Path;

use alloy_primitives::B256;

use super::{Blocks, ScenarioError};
use crate::state::{StateCommitment, TrieChange};

/// The node's trie in a database, without the accounts that it is for.
#[derive(Debug)]
pub struct TrieScenario {
    blocks: Blocks,
}

impl TrieScenario {
    /// An empty trie in `folder`, which must be empty too.
    ///
    /// # Errors
    /// [`ScenarioError`] if the folder cannot hold a database.
    pub fn open(folder: &Path) -> Result<Self, ScenarioError> {
        Ok(Self {
            blocks: Blocks::open(folder)?,
        })
    }

    /// Makes `changes`, of which no two are of one key, in one block. Gives the root. The next call starts from what this one
    /// left in the database.
    ///
    /// # Errors
    /// [`ScenarioError`] if the trie or the database fails.
    pub fn change(&mut self, changes: Vec<TrieChange>) -> Result<B256, ScenarioError> {
        let commitment = StateCommitment::of_trie(&self.blocks.view(), changes)?;
        self.blocks.push(commitment)
    }

    /// Walks the trie in the database: every record is what its parent says, and nothing else is there. Gives the number of
    /// records.
    ///
    /// # Errors
    /// [`ScenarioError::State`] names the first difference.
    pub fn verify(&self) -> Result<u64, ScenarioError> {
        Ok(self.blocks.store().verify_account_trie()?)
    }
}
