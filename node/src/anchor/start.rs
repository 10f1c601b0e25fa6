//! How does reading back begin, and how does the node end by it?
//!
//! Called by the assembly: before the chain is open, once it is, and at the end.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use ledger_checkpoint::reader::file::FileError;
use ledger_runtime::Runtime;
use tokio::sync::watch;

use super::{AnchorConfig, AnchorTask, ChainSide, Confirmed};
use crate::{error::NodeError, recovery};

/// What the rest of the node has of the anchor.
#[derive(Debug)]
pub struct Anchoring {
    /// What is confirmed; nothing, ever, without a mainchain.
    pub confirmed: Arc<Confirmed>,
    /// The contract that the operator names.
    contract: Option<Address>,
    chain: watch::Sender<Option<Arc<Runtime>>>,
    opened: ChainSide,
}

impl Anchoring {
    /// Begins with what was confirmed before. Gives the task that goes on reading, if there is a mainchain.
    ///
    /// # Errors
    /// [`FileError`] if what was confirmed cannot be read.
    pub fn begin(config: Option<AnchorConfig>, genesis: B256) -> Result<(Self, Option<AnchorTask>), FileError> {
        let (chain, opened) = ChainSide::channel();
        let contract = config.as_ref().and_then(|config| config.contract);
        let begun = config.map(|config| AnchorTask::new(config, genesis, opened.clone()));
        let (task, confirmed) = begun.transpose()?.unzip();
        let anchoring = Self {
            confirmed: confirmed.unwrap_or_default(),
            contract,
            chain,
            opened,
        };
        Ok((anchoring, task))
    }

    /// The chain is open: from here on it says itself which contract anchors it. Comes back when that one is read, so that nothing is
    /// made or adopted before it is known what was confirmed.
    pub async fn opened(&self, runtime: &Arc<Runtime>, has_task: bool) {
        self.confirmed.recovered(recovery::orders(runtime));
        self.chain.send_replace(Some(Arc::clone(runtime)));
        let named = self.contract.or_else(|| self.opened.contract());
        if let Some(contract) = named.filter(|contract| has_task && !contract.is_zero()) {
            self.confirmed.follows(contract).await;
        }
    }

    /// How the node ends if it stopped in good order.
    ///
    /// # Errors
    /// [`NodeError::Contradicted`] if a checkpoint contradicts what is final here.
    pub fn verdict(&self) -> Result<(), NodeError> {
        match self.confirmed.contradiction() {
            Some(contradiction) => Err(NodeError::Contradicted(contradiction)),
            None => Ok(()),
        }
    }
}
