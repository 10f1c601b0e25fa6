//! May a contract be created where there is storage already? (EIP-7610)
//!
//! It may not, but revm looks at code and nonce of the place alone. No account of a chain of ours can have storage and neither of
//! the two; states from elsewhere can, Ethereum's public tests among them. So this costs nothing until it matters: the
//! database notes such accounts when it meets them, and a block that met one goes on with [`Collisions`] switched on, which shows
//! revm a nonce there for as long as it looks. Used for blocks alone: calls that leave no trace do without.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use alloy_evm::{Database, eth::EthEvmContext};
use alloy_primitives::Address;
use revm::{
    Inspector,
    context::JournalTr,
    interpreter::{CreateInputs, CreateOutcome},
};

/// Accounts with storage, no code and nonce 0 that one block has met. Shared between its database and its EVM.
#[derive(Clone, Debug, Default)]
pub(crate) struct StorageOnly(Arc<Mutex<BTreeSet<Address>>>);

impl StorageOnly {
    pub(super) fn note(&self, address: Address) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(address);
    }

    fn contains(&self, address: &Address) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(address)
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// Makes creations fail that meet storage.
#[derive(Debug, Default)]
pub(super) struct Collisions {
    met: StorageOnly,
    /// The account that shows a nonce which it has not.
    shown: Option<Address>,
}

impl Collisions {
    pub(super) fn new(met: StorageOnly) -> Self {
        Self { met, shown: None }
    }

    /// Whether the block has met an account that a creation could collide with unseen.
    pub(super) fn may_matter(&self) -> bool {
        !self.met.is_empty()
    }
}

impl<DB: Database> Inspector<EthEvmContext<DB>> for Collisions {
    fn create(&mut self, context: &mut EthEvmContext<DB>, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        let journal = &mut context.journaled_state;
        // A database that fails here fails again where revm looks, which reports it.
        let nonce = journal.load_account(inputs.caller()).ok()?.info.nonce;
        let address = inputs.created_address(nonce);
        let is_cold = journal.load_account(address).ok()?.is_cold;
        let account = journal.state.get_mut(&address)?;
        if is_cold {
            // Whether the creation comes so far as to warm the address is revm's to say.
            account.mark_cold();
        }
        if self.met.contains(&address) && account.info.nonce == 0 && account.info.is_empty_code_hash() {
            account.info.nonce = 1;
            self.shown = Some(address);
        }
        None
    }

    fn create_end(&mut self, context: &mut EthEvmContext<DB>, _: &CreateInputs, _: &mut CreateOutcome) {
        let shown = self.shown.take();
        if let Some(account) = shown.and_then(|address| context.journaled_state.state.get_mut(&address)) {
            account.info.nonce = 0;
        }
    }
}
