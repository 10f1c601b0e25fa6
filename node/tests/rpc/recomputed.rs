//! Do the answers agree with one another? Every hash, root, bloom, size, sender and proof is computed again from what the
//! methods say, with nothing of the node's own between.

use alloy_consensus::{
    Block as ConsensusBlock, TxEnvelope,
    proofs::{calculate_receipt_root, calculate_transaction_root},
    transaction::SignerRecoverable,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bloom, Bytes, U256, keccak256};
use alloy_rpc_types_eth::{Block, EIP1186AccountProofResponse, Log, Transaction, TransactionReceipt};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieAccount, proof::verify_proof};
use serde_json::{Value, json};

use crate::filled::Filled;

async fn block(chain: &Filled, number: u64) -> Block {
    let number = format!("{number:#x}");
    chain.world.ask("eth_getBlockByNumber", json!([number, true])).await
}

fn envelope(transaction: &Transaction) -> TxEnvelope {
    transaction.inner.inner().clone()
}

#[tokio::test]
async fn blocks_hash_and_measure_what_they_say() {
    let chain = Filled::start().await;
    let mut parent = None;
    for number in 0..=chain.head() {
        let block = block(&chain, number).await;
        let header = &block.header;
        assert_eq!(header.inner.hash_slow(), header.hash, "block {number}");
        if let Some(parent) = parent.replace(header.hash) {
            assert_eq!(header.parent_hash, parent, "block {number}");
        }
        let rlp = alloy_rlp::encode(&header.inner);
        let raw: Bytes = chain.world.ask("debug_getRawHeader", json!([header.hash])).await;
        assert_eq!(raw, rlp, "block {number}");
        let size = header.size;
        let whole: ConsensusBlock<TxEnvelope> = block
            .into_consensus()
            .map_transactions(|transaction| envelope(&transaction));
        let rlp = alloy_rlp::encode(&whole);
        assert_eq!(size, Some(U256::from(rlp.len())), "block {number}");
        let raw: Bytes = chain
            .world
            .ask("debug_getRawBlock", json!([format!("{number:#x}")]))
            .await;
        assert_eq!(raw, rlp, "block {number}");
        assert_eq!(
            calculate_transaction_root(&whole.body.transactions),
            whole.header.transactions_root,
            "block {number}"
        );
        assert_eq!(whole.body.calculate_ommers_root(), whole.header.ommers_hash);
        assert_eq!(whole.body.calculate_withdrawals_root(), whole.header.withdrawals_root);
    }
}

#[tokio::test]
async fn transactions_hash_to_their_hashes_and_come_from_their_senders() {
    let chain = Filled::start().await;
    let mut types = Vec::new();
    for (place, hash) in chain.transactions.iter().chain(&chain.waiting).enumerate() {
        let said: Value = chain.world.ask("eth_getTransactionByHash", json!([hash])).await;
        let transaction: Transaction = serde_json::from_value(said.clone()).unwrap();
        let signed = envelope(&transaction);
        let raw: Bytes = chain.world.ask("eth_getRawTransactionByHash", json!([hash])).await;
        assert_eq!(raw, signed.encoded_2718());
        assert_eq!(keccak256(&raw), *hash);
        assert_eq!(signed.recover_signer().unwrap(), transaction.inner.signer(), "{said}");
        let mined = place < chain.transactions.len();
        assert_eq!(said["blockTimestamp"].is_string(), mined, "{said}");
        assert_eq!(said["blockNumber"].is_string(), mined, "{said}");
        types.push(signed.tx_type() as u8);
    }
    types.sort_unstable();
    types.dedup();
    assert_eq!(types, [0, 1, 2, 4], "all types that there are");
}

#[tokio::test]
async fn receipts_add_up_to_their_blocks() {
    let chain = Filled::start().await;
    let mut failed = 0;
    let mut topics = vec![];
    for number in 0..=chain.head() {
        let block = block(&chain, number).await;
        let tag = format!("{number:#x}");
        let said: Vec<Value> = chain.world.ask("eth_getBlockReceipts", json!([tag])).await;
        let receipts: Vec<TransactionReceipt> = serde_json::from_value(json!(said)).unwrap();
        let (mut gas, mut logs) = (0, Vec::new());
        for (index, (receipt, json)) in receipts.iter().zip(&said).enumerate() {
            let alone: Value = chain
                .world
                .ask("eth_getTransactionReceipt", json!([receipt.transaction_hash]))
                .await;
            assert_eq!(alone, *json, "both methods say the same");
            assert!(
                json.get("blockTimestamp").is_none(),
                "the receipt itself carries no time: {json}"
            );
            gas += receipt.gas_used;
            assert_eq!(receipt.inner.cumulative_gas_used(), gas);
            assert_eq!(receipt.transaction_index, Some(u64::try_from(index).unwrap()));
            assert_eq!(receipt.effective_gas_price, 0);
            failed += usize::from(!receipt.status());
            logs.extend_from_slice(receipt.logs());
        }
        assert_eq!(gas, block.header.gas_used, "block {number}");
        let found: Vec<Log> = chain
            .world
            .ask("eth_getLogs", json!([{ "fromBlock": tag, "toBlock": tag }]))
            .await;
        assert_eq!(found, logs, "block {number}");
        for (index, log) in (0..).zip(&logs) {
            assert_eq!(
                (log.log_index, log.block_timestamp),
                (Some(index), Some(block.header.timestamp))
            );
            topics.push(log.topics().len());
        }
        let bare: Vec<_> = receipts
            .into_iter()
            .map(|receipt| receipt.into_primitives_receipt().inner)
            .collect();
        assert_eq!(
            calculate_receipt_root(&bare),
            block.header.receipts_root,
            "block {number}"
        );
        let bloom = bare
            .iter()
            .fold(Bloom::ZERO, |bloom, receipt| bloom | *receipt.logs_bloom());
        assert_eq!(bloom, block.header.logs_bloom, "block {number}");
        let raw: Vec<Bytes> = chain.world.ask("debug_getRawReceipts", json!([tag])).await;
        assert_eq!(
            raw,
            bare.iter()
                .map(|receipt| Bytes::from(receipt.encoded_2718()))
                .collect::<Vec<_>>()
        );
    }
    assert!(failed >= 6, "only {failed} transactions failed");
    topics.sort_unstable();
    topics.dedup();
    assert_eq!(topics, [0, 1, 2, 3, 4], "logs with every number of topics");
}

#[tokio::test]
async fn proofs_hold_at_every_block_whichever_way_their_keys_are_written() {
    let chain = Filled::start().await;
    let one = B256::with_last_byte(1);
    let keys = [
        "0x1",
        "0x01",
        &one.to_string(),
        "0x0",
        "0x00",
        &B256::ZERO.to_string(),
        "0xdeadbeef",
    ]
    .map(str::to_owned);
    let mut held = 0;
    for number in 0..=chain.head() {
        let root = block(&chain, number).await.header.state_root;
        for account in &chain.accounts {
            let params = json!([account, keys, format!("{number:#x}")]);
            let proof: EIP1186AccountProofResponse = chain.world.ask("eth_getProof", params).await;
            let there =
                proof.nonce > 0 || !proof.balance.is_zero() || proof.code_hash != alloy_primitives::KECCAK256_EMPTY;
            let record = TrieAccount::new(proof.nonce, proof.balance, proof.storage_hash, proof.code_hash);
            let record = there.then(|| alloy_rlp::encode(record));
            verify_proof(root, Nibbles::unpack(keccak256(account)), record, &proof.account_proof)
                .unwrap_or_else(|error| panic!("{account} at {number}: {error}"));
            for (slot, asked) in proof.storage_proof.iter().zip(&keys) {
                held += usize::from(!slot.value.is_zero());
                let word: B256 = storage(&chain, account, asked, number).await;
                assert_eq!(U256::from_be_bytes(word.0), slot.value);
                if proof.storage_hash == EMPTY_ROOT_HASH {
                    assert!(slot.proof.is_empty() && slot.value.is_zero());
                    continue;
                }
                let value = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
                verify_proof(
                    proof.storage_hash,
                    Nibbles::unpack(keccak256(slot.key.as_b256())),
                    value,
                    &slot.proof,
                )
                .unwrap_or_else(|error| panic!("{account} {asked} at {number}: {error}"));
            }
        }
    }
    assert_eq!(
        held, 3,
        "slot 1 of one contract held a value at one block, and was named in three ways"
    );
}

async fn storage(chain: &Filled, account: &Address, slot: &str, number: u64) -> B256 {
    chain
        .world
        .ask("eth_getStorageAt", json!([account, slot, format!("{number:#x}")]))
        .await
}
