//! What the contract does, for the simulated mainchain: sequence, parent, set and duplicate, as `Checkpoint.sol` has them. The signatures
//! are checked by the real contract, in the tests with anvil.

use alloy_primitives::B256;
use alloy_sol_types::SolCall;
use ledger_checkpoint::{
    mainchain::Preflight,
    statement::{Anchor, set_hash},
};
use ledger_contracts::CheckpointContract::makeCheckpointCall;

#[derive(Clone, Debug)]
pub struct Contract {
    pub anchor: Anchor,
    /// By index; at 0 the sidechain's genesis hash.
    pub fingerprints: Vec<B256>,
    next_set: B256,
}

impl Contract {
    pub fn new(anchor: Anchor, genesis: B256, first_set: B256) -> Self {
        Self {
            anchor,
            fingerprints: vec![genesis],
            next_set: first_set,
        }
    }

    pub fn head_index(&self) -> u64 {
        self.fingerprints.len() as u64 - 1
    }

    /// Carries the call out; what it came to.
    pub fn call(&mut self, input: &[u8]) -> Preflight {
        let call = makeCheckpointCall::abi_decode(input).expect("the relayer calls nothing else");
        let print = self.anchor.fingerprint(&call.c);
        let reverts = |reason: &str| Preflight::Reverts {
            reason: reason.to_owned(),
        };
        let known = usize::try_from(call.c.index)
            .ok()
            .and_then(|index| self.fingerprints.get(index));
        match known {
            Some(known) if *known == print => return Preflight::Takes { gas: 30_000 },
            Some(_) => return Preflight::Rejects,
            None => {}
        }
        if call.c.index != self.head_index() + 1 {
            return reverts("IndexOutOfOrder");
        }
        if Some(&call.c.parent) != self.fingerprints.last() {
            return reverts("ParentUnknown");
        }
        if set_hash(call.c.setId, &call.keys) != self.next_set {
            return reverts("SetUnknown");
        }
        self.fingerprints.push(print);
        self.next_set = call.c.nextSetHash;
        Preflight::Takes { gas: 120_000 }
    }
}
