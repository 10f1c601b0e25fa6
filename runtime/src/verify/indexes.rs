//! Does everything that is stored belong to the chain? The other side of each index, and the state.

use std::collections::BTreeMap;

use alloy_primitives::{B256, KECCAK256_EMPTY, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{
    Nibbles,
    proof::{ProofVerificationError, verify_proof},
};
use ledger_chainspec::BlockNumber;

use super::{Stage, Work};
use crate::{
    state::{AccountProof, AccountRecord, StateError},
    store::{Column, FlatRecord, StoreError, lookup_location, undo_block},
};

impl Work<'_> {
    /// The state's records, roots and tries.
    pub(super) fn state(&mut self) {
        self.tell(Stage::State, 0, None);
        match self.store.verify_state() {
            Ok(state) => self.report.state = Some(state),
            Err(error) => self.report.note("the state", error),
        }
    }

    /// Counts, contract code, promo codes and undo records.
    pub(super) fn indexes(&mut self) {
        self.tell(Stage::Indexes, 0, None);
        let blocks = self.report.head + 1 - self.report.oldest_block.min(self.report.head);
        let transactions = self.report.transactions;
        for (column, expected) in [
            (Column::Headers, blocks),
            (Column::Canonical, blocks),
            (Column::Transactions, transactions),
            (Column::TxLookup, transactions),
        ] {
            let counted = self.each(column, |_, key, value| match column {
                Column::TxLookup => lookup(key, value),
                _ => Ok(()),
            });
            self.report.expect(
                format!("column {}", column.name()),
                "the number of records",
                counted,
                expected,
            );
        }
        self.promo_codes();
        self.usage();
        self.contract_code();
        self.undo();
    }

    /// Counters against what the blocks add up to.
    fn usage(&mut self) {
        let mut expected: BTreeMap<_, _> = self.usage.records().collect();
        self.each(Column::Usage, |_, key, value| match expected.remove(key) {
            Some(right) if right == value => Ok(()),
            Some(_) => Err(StoreError::corrupt(
                Column::Usage,
                key,
                "the blocks add up to another number",
            )),
            None => Err(StoreError::corrupt(
                Column::Usage,
                key,
                "the blocks make no such counter",
            )),
        });
        for key in expected.into_keys() {
            self.report.note(
                format!("column {}", Column::Usage.name()),
                format!("counter {} is missing", hex(&key)),
            );
        }
    }

    fn promo_codes(&mut self) {
        let mut ended = 0;
        let issued = self.each(Column::Codes, |work, key, _| {
            let record = work.store.promo_code(&alloy_primitives::U256::from_be_slice(key))?;
            ended += u64::from(record.is_some_and(|record| record.end.is_some()));
            Ok(())
        });
        let (issued_in_blocks, ended_in_blocks) = (self.report.promo_codes, self.ended);
        self.report
            .expect("column codes", "the number of codes", issued, issued_in_blocks);
        self.report
            .expect("column codes", "the number of ended codes", ended, ended_in_blocks);
    }

    fn contract_code(&mut self) {
        self.report.contract_codes = self.each(Column::Code, |work, key, code| {
            let place = format!("contract code {}", hex(key));
            work.report
                .expect(place, "its hash", hex(keccak256(code).as_slice()), hex(key));
            Ok(())
        });
        self.each(Column::Accounts, |work, key, bytes| {
            let corrupt = |error: &dyn std::fmt::Display| StoreError::corrupt(Column::Accounts, key, error);
            let record = FlatRecord::from_bytes(Column::Accounts, bytes).map_err(|error| corrupt(&error))?;
            let account = AccountRecord::decode(&mut record.leaf.as_slice()).map_err(|error| corrupt(&error))?;
            let hash = account.code_hash;
            if hash != KECCAK256_EMPTY && work.store.contract_code(&hash)?.is_none() {
                work.report
                    .note(format!("account {}", hex(key)), format!("its code {hash} is missing"));
            }
            Ok(())
        });
    }

    /// Undo records by their shape, and every state of the window by a proof of one account, which has to lead to the root
    /// in that block's header. Whether none is missing, and each holds the right value, is for execution to tell.
    fn undo(&mut self) {
        let head = BlockNumber::new(self.report.head);
        self.report.undo_records = self.each(Column::Undo, |_, key, value| match undo_block(key, value) {
            Ok(block) if block.get() > 0 && block <= head => Ok(()),
            Ok(_) => Err(StoreError::corrupt(Column::Undo, key, "of a block that there is not")),
            Err(what) => Err(StoreError::corrupt(Column::Undo, key, what)),
        });
        for number in self.store.oldest_state().get()..self.report.head {
            self.tell(Stage::Indexes, number, Some(self.report.head));
            let place = format!("the state after block {number}");
            match self.prove(BlockNumber::new(number)) {
                Ok(Ok(())) | Err(StateError::Grown { .. }) => {}
                Ok(Err(error)) => self.report.note(place, error),
                Err(error) => self.report.note(place, error),
            }
        }
    }

    /// Proves the account that made the block after `at` against the state root of `at`.
    fn prove(&self, at: BlockNumber) -> Result<Result<(), ProofVerificationError>, StateError> {
        let next = BlockNumber::new(at.get() + 1);
        let missing = || StoreError::missing(Column::Headers, &next.get().to_be_bytes());
        let maker = self.store.header(next)?.ok_or_else(missing)?.header.beneficiary;
        let view = self.store.state_at(at)?;
        let AccountProof { account, proof, .. } = view.proof(&maker, &[])?;
        let value = account.map(alloy_rlp::encode);
        Ok(verify_proof(
            view.root()?,
            Nibbles::unpack(keccak256(maker)),
            value,
            &proof,
        ))
    }

    /// Looks at every record of a column; gives how many there are.
    fn each(&mut self, column: Column, mut look: impl FnMut(&mut Self, &[u8], &[u8]) -> Result<(), StoreError>) -> u64 {
        let place = format!("column {}", column.name());
        let store = self.store.clone();
        let mut count = 0;
        for record in store.records(column, &[]) {
            // What cannot be read ends the column: its order is lost.
            let Some((key, value)) = self.report.read(&place, record) else {
                break;
            };
            count += 1;
            self.tell(Stage::Indexes, count, None);
            let looked = look(self, &key, &value);
            self.report.read(&place, looked);
        }
        count
    }
}

/// Looks at the shape of a transaction's entry; whether it leads there, its block has told.
fn lookup(key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    let corrupt = |reason: &dyn std::fmt::Display| StoreError::corrupt(Column::TxLookup, key, reason);
    lookup_location(key).map_err(|reason| corrupt(&reason))?;
    if value.is_empty() {
        Ok(())
    } else {
        Err(corrupt(&"with a value"))
    }
}

fn hex(bytes: &[u8]) -> String {
    match <[u8; 32]>::try_from(bytes) {
        Ok(word) => B256::from(word).to_string(),
        Err(_) => alloy_primitives::hex::encode_prefixed(bytes),
    }
}
