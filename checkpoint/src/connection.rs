//! Do the two chains and the contract between them belong together?
//!
//! Called by every command of `ledger-relayer` and by the service before anything else. It changes nothing.

use alloy_primitives::{Address, B256};

use crate::{
    mainchain::{Mainchain, MainchainError, Nodes},
    numbers::Index,
    plan::{Questions, Sight},
    sidechain::{Sidechain, SidechainError, SidechainNode},
    statement::Anchor,
};

/// Where both chains are asked.
#[derive(Clone, Debug)]
pub struct Places {
    /// JSON-RPC addresses of mainchain nodes.
    pub mainchain: Vec<String>,
    /// The contract there; none to take the one that the sidechain's configuration names.
    pub contract: Option<Address>,
    /// JSON-RPC address of a node of the sidechain.
    pub sidechain: String,
}

/// Both chains, found to belong together.
#[derive(Debug)]
pub struct Chains {
    /// The mainchain.
    pub mainchain: Nodes,
    /// The sidechain.
    pub sidechain: SidechainNode,
    /// The contract between them.
    pub anchor: Anchor,
}

/// Why nothing can be done between the chains.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The mainchain did not answer.
    #[error(transparent)]
    Mainchain(#[from] MainchainError),
    /// The sidechain did not answer.
    #[error(transparent)]
    Sidechain(#[from] SidechainError),
    /// The sidechain's configuration names no contract, and nobody else did.
    #[error("the sidechain is not anchored: its configuration names no contract. Name one with --contract")]
    NoContract,
    /// The sidechain's configuration is for another mainchain.
    #[error("the sidechain is anchored on chain {expected}, and the mainchain's nodes are of chain {got}")]
    OtherMainchain {
        /// Of the nodes.
        got: u64,
        /// Of the configuration.
        expected: u64,
    },
    /// The contract is another sidechain's.
    #[error(
        "the contract {contract} anchors the sidechain with the genesis block {expected}, and the node at {sidechain} has {got}: name \
         another contract or another sidechain"
    )]
    OtherSidechain {
        /// The contract.
        contract: Address,
        /// The genesis hash in the contract.
        expected: B256,
        /// The node that was asked.
        sidechain: String,
        /// Its genesis hash.
        got: B256,
    },
}

impl ConnectionError {
    /// Whether another attempt may do better.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Mainchain(error) => error.is_passing(),
            Self::Sidechain(error) => error.is_passing(),
            // The validators may decide on one, and on another.
            Self::NoContract | Self::OtherMainchain { .. } => true,
            Self::OtherSidechain { .. } => false,
        }
    }
}

impl Places {
    /// Connects, and makes sure that the contract is this sidechain's.
    ///
    /// # Errors
    /// [`ConnectionError`]
    pub async fn connect(&self) -> Result<Chains, ConnectionError> {
        let sidechain = SidechainNode::new(&self.sidechain)?;
        let (contract, expected_id) = match self.contract {
            Some(contract) => (contract, None),
            None => {
                let config = sidechain.anchor().await?.ok_or(ConnectionError::NoContract)?;
                (config.contract, Some(config.mainchain_id))
            }
        };
        let mainchain = Nodes::new(&self.mainchain, contract)?;
        let mainchain_id = mainchain.chain_id().await?;
        if let Some(expected) = expected_id.filter(|expected| *expected != mainchain_id) {
            let got = mainchain_id;
            return Err(ConnectionError::OtherMainchain { got, expected });
        }
        let anchor = Anchor { mainchain_id, contract };
        let expected = genesis_in(&mainchain, &mainchain.sight(contract).await?).await?;
        let own = sidechain.block(0).await?.map(|block| block.hash).unwrap_or_default();
        if own != expected {
            return Err(ConnectionError::OtherSidechain {
                contract,
                expected,
                sidechain: self.sidechain.clone(),
                got: own,
            });
        }
        Ok(Chains {
            mainchain,
            sidechain,
            anchor,
        })
    }
}

/// The sidechain's genesis hash, as the contract has it.
///
/// # Errors
/// [`MainchainError`]
pub async fn genesis_in(mainchain: &Nodes, sight: &Sight) -> Result<B256, MainchainError> {
    let questions = Questions {
        fingerprint: Some(Index::new(0)),
        ..Questions::default()
    };
    let answers = mainchain.answer(sight, &questions).await?;
    Ok(answers.fingerprint.unwrap_or_default())
}
