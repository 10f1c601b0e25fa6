//! Which Merkle proofs show that a transaction, and what it did, are in a block?
//!
//! Against the two roots of the block's header that no index is kept for: both tries are made anew, from all transactions of the block. For the
//! JSON-RPC server. Nothing here changes anything.

use alloy_consensus::TxReceipt;
use alloy_eips::Encodable2718;
use alloy_primitives::Bytes;
use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer, root::adjust_index_for_rlp};

use crate::{
    Runtime,
    store::{StoreError, TxLocation},
};

/// A transaction and its receipt, with the nodes that prove them against the roots in their block's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// EIP-2718 bytes of the transaction.
    pub transaction: Bytes,
    /// RLP of the nodes from the transactions root to the key rlp(index).
    pub transaction_proof: Vec<Bytes>,
    /// EIP-2718 bytes of the receipt.
    pub receipt: Bytes,
    /// RLP of the nodes from the receipts root to the key rlp(index).
    pub receipt_proof: Vec<Bytes>,
}

impl Runtime {
    /// The transaction at `place` and its receipt, proven; none if there is none.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails, or the block is no longer kept.
    pub fn inclusion(&self, place: TxLocation) -> Result<Option<InclusionProof>, StoreError> {
        if place.block > self.head().number() {
            return Ok(None);
        }
        let included = self.store().included(place.block)?;
        let transactions: Vec<_> = included.iter().map(|one| one.transaction.encoded_2718()).collect();
        let receipts: Vec<_> = included
            .iter()
            .map(|one| one.receipt.receipt.with_bloom_ref().encoded_2718())
            .collect();
        let index = usize::try_from(place.index).unwrap_or(usize::MAX);
        let (Some(transaction), Some(receipt)) = (transactions.get(index), receipts.get(index)) else {
            return Ok(None);
        };
        Ok(Some(InclusionProof {
            transaction: transaction.clone().into(),
            transaction_proof: proof_in_list(&transactions, index),
            receipt: receipt.clone().into(),
            receipt_proof: proof_in_list(&receipts, index),
        }))
    }
}

/// The nodes from the root to the item at `index`, in the trie over `items` by rlp(index).
fn proof_in_list(items: &[Vec<u8>], index: usize) -> Vec<Bytes> {
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(vec![key(index)]));
    for place in 0..items.len() {
        // In the order of keys.
        let place = adjust_index_for_rlp(place, items.len());
        builder.add_leaf(key(place), &items[place]);
    }
    builder.root();
    let nodes = builder.take_proof_nodes().into_nodes_sorted();
    nodes.into_iter().map(|(_, node)| node).collect()
}

fn key(index: usize) -> Nibbles {
    Nibbles::unpack(alloy_rlp::encode_fixed_size(&index))
}

#[cfg(test)]
mod tests {
    use alloy_trie::{proof::verify_proof, root::ordered_trie_root_encoded};

    use super::*;

    #[test]
    fn every_place_of_a_list_is_proven_and_no_other_item_in_it() {
        for count in [1, 2, 3, 16, 17, 127, 128, 129, 256, 300_usize] {
            let items: Vec<_> = (0..count)
                .map(|item| vec![u8::try_from(item % 251).unwrap(); 120])
                .collect();
            let root = ordered_trie_root_encoded(&items);
            for index in 0..count {
                let proof = proof_in_list(&items, index);
                let check = |item: &Vec<u8>| verify_proof(root, key(index), Some(item.clone()), &proof);
                check(&items[index]).unwrap_or_else(|error| panic!("{index} of {count}: {error}"));
                check(&vec![9; 121]).unwrap_err();
            }
        }
    }
}
