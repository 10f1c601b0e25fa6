//! Ethereum's methods, as clients call them.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256, keccak256};
use alloy_rpc_types_eth::{Block, EIP1186AccountProofResponse, FeeHistory, Transaction, TransactionReceipt};
use alloy_sol_types::SolCall;
use alloy_trie::{Nibbles, TrieAccount, proof::verify_proof};
use ledger_chainspec::{Slot, predeploys::TRANSACT};
use ledger_contracts::{CodeId, Transact};
use ledger_node::rpc::{RpcLimits, error};
use ledger_runtime::RuntimeOptions;
use serde_json::{Value, json};

use crate::world::{Person, World};

#[tokio::test]
async fn the_chain_says_who_it_is_and_that_gas_is_free() {
    let world = World::start().await;
    for (method, answer) in [
        ("eth_chainId", json!("0x189c")),
        ("net_version", json!("6300")),
        ("eth_blockNumber", json!("0x0")),
        ("eth_gasPrice", json!("0x0")),
        ("eth_maxPriorityFeePerGas", json!("0x0")),
        ("eth_blobBaseFee", json!("0x0")),
        ("eth_accounts", json!([])),
        ("eth_syncing", json!(false)),
        ("net_peerCount", json!("0x0")),
        ("net_listening", json!(false)),
        ("web3_clientVersion", json!("ledger-node/test")),
        (
            "rpc_modules",
            json!({"debug":"1.0","eth":"1.0","ledger":"1.0","net":"1.0","rpc":"1.0","txpool":"1.0","web3":"1.0"}),
        ),
    ] {
        assert_eq!(world.ask::<Value>(method, json!([])).await, answer, "{method}");
    }
    let hash: B256 = world.ask("web3_sha3", json!(["0x68656c6c6f"])).await;
    assert_eq!(hash, keccak256("hello"));
}

#[tokio::test]
async fn a_transaction_is_seen_in_the_pool_and_then_in_its_block() {
    let world = World::start().await;
    let user = Person::number(20);
    let sent = user.pay(0, 0, 0);
    let hash = world.send(&sent).await;
    assert_eq!(hash, *sent.tx_hash());
    let waiting: Transaction = world.ask("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!((waiting.block_number, waiting.inner.signer()), (None, user.address()));
    assert_eq!(
        world.ask::<Value>("eth_getTransactionReceipt", json!([hash])).await,
        Value::Null
    );
    let count = |tag: &'static str| world.ask::<U64>("eth_getTransactionCount", json!([user.address(), tag]));
    assert_eq!(
        (count("pending").await, count("latest").await),
        (U64::from(1), U64::ZERO)
    );
    let status: Value = world.ask("txpool_status", json!([])).await;
    assert_eq!(status, json!({ "pending": "0x1", "queued": "0x0" }));

    world.mine();
    let found: Transaction = world.ask("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!((found.block_number, found.transaction_index), (Some(1), Some(0)));
    let receipt: TransactionReceipt = world.ask("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(
        (receipt.status(), receipt.gas_used, receipt.effective_gas_price),
        (true, 21_000, 0)
    );
    assert_eq!(receipt.block_hash, found.block_hash);
    assert_eq!(
        (count("pending").await, count("latest").await),
        (U64::from(1), U64::from(1))
    );
    let raw: Bytes = world.ask("eth_getRawTransactionByHash", json!([hash])).await;
    assert_eq!(keccak256(&raw), hash);
    for (method, block) in [
        ("eth_getTransactionByBlockNumberAndIndex", json!("latest")),
        ("eth_getTransactionByBlockHashAndIndex", json!(found.block_hash)),
    ] {
        let same: Transaction = world.ask(method, json!([block, "0x0"])).await;
        assert_eq!(same, found);
        assert_eq!(world.ask::<Value>(method, json!([block, "0x1"])).await, Value::Null);
    }
    assert_eq!(
        world
            .ask::<Value>("eth_getTransactionByHash", json!([B256::ZERO]))
            .await,
        Value::Null
    );
}

#[tokio::test]
async fn blocks_hash_to_their_hashes_whatever_they_are_asked_by() {
    let world = World::start().await;
    world.send(&Person::number(20).pay(0, 0, 0)).await;
    world.mine();
    let by_number: Block = world.ask("eth_getBlockByNumber", json!(["0x1", true])).await;
    let header: &Header = &by_number.header.inner;
    assert_eq!(header.hash_slow(), by_number.header.hash);
    assert_eq!(header.base_fee_per_gas, Some(0));
    let bare = by_number
        .clone()
        .map_transactions(|transaction| transaction.inner.into_inner());
    assert_eq!(bare.calculate_transactions_root(), Some(header.transactions_root));
    for tag in ["latest", "safe", "finalized", "pending"] {
        assert_eq!(
            world.ask::<Block>("eth_getBlockByNumber", json!([tag, true])).await,
            by_number,
            "{tag}"
        );
    }
    let by_hash: Block = world
        .ask("eth_getBlockByHash", json!([by_number.header.hash, false]))
        .await;
    assert_eq!(by_hash.header, by_number.header);
    assert_eq!(
        by_hash.transactions.hashes().collect::<Vec<_>>(),
        by_number.transactions.hashes().collect::<Vec<_>>()
    );
    let genesis: Block = world.ask("eth_getBlockByNumber", json!(["earliest", false])).await;
    assert_eq!(genesis.header.hash, header.parent_hash);
    let size = by_number.header.size.unwrap();
    let block = by_number
        .clone()
        .into_consensus()
        .map_transactions(|transaction| transaction.inner.into_inner());
    assert_eq!(
        size,
        U256::from(alloy_rlp::encode(&block).len()),
        "size is the block's RLP"
    );

    let receipts: Vec<TransactionReceipt> = world.ask("eth_getBlockReceipts", json!(["0x1"])).await;
    assert_eq!(receipts.len(), 1);
    for (method, params, answer) in [
        ("eth_getBlockByNumber", json!(["0x9", false]), Value::Null),
        ("eth_getBlockByHash", json!([B256::ZERO, false]), Value::Null),
        ("eth_getBlockReceipts", json!(["0x9"]), Value::Null),
        ("eth_getBlockTransactionCountByNumber", json!(["0x1"]), json!("0x1")),
        (
            "eth_getBlockTransactionCountByHash",
            json!([by_number.header.hash]),
            json!("0x1"),
        ),
        ("eth_getBlockTransactionCountByNumber", json!(["0x9"]), Value::Null),
        ("eth_getUncleCountByBlockNumber", json!(["0x1"]), json!("0x0")),
        ("eth_getUncleCountByBlockHash", json!([B256::ZERO]), Value::Null),
        ("eth_getUncleByBlockNumberAndIndex", json!(["0x1", "0x0"]), Value::Null),
        (
            "eth_getUncleByBlockHashAndIndex",
            json!([by_number.header.hash, "0x0"]),
            Value::Null,
        ),
    ] {
        assert_eq!(
            world.ask::<Value>(method, params.clone()).await,
            answer,
            "{method} {params}"
        );
    }
}

#[tokio::test]
async fn accounts_are_read_at_the_head_and_in_the_past() {
    let world = World::start().await;
    let (rich, poor) = (Person::number(4), Address::repeat_byte(0x77));
    world.send(&rich.pay(0, 1000, 0)).await;
    world.mine();
    let balance = |block: Value| world.ask::<U256>("eth_getBalance", json!([poor, block]));
    assert_eq!(balance(json!("latest")).await, U256::from(1000));
    assert_eq!(balance(Value::Null).await, U256::from(1000));
    assert_eq!(balance(json!("0x0")).await, U256::ZERO);
    let genesis: Block = world.ask("eth_getBlockByNumber", json!(["0x0", false])).await;
    assert_eq!(balance(json!({ "blockHash": genesis.header.hash })).await, U256::ZERO);
    let code: Bytes = world.ask("eth_getCode", json!([TRANSACT, "latest"])).await;
    assert!(code.len() > 1000);
    assert_eq!(
        world.ask::<Bytes>("eth_getCode", json!([poor, "latest"])).await,
        Bytes::new()
    );
    for missing in [json!("0x9"), json!({ "blockHash": B256::ZERO })] {
        let error = world.refused("eth_getBalance", json!([poor, missing])).await;
        assert_eq!(error.code(), error::CODE_NOT_FOUND, "{error:?}");
    }
}

#[tokio::test]
async fn the_past_outside_the_window_is_refused_with_words() {
    let keep_two = |options: RuntimeOptions| RuntimeOptions {
        history_blocks: 2,
        ..options
    };
    let world = World::with(RpcLimits::default(), keep_two).await;
    for _ in 0..5 {
        world.mine();
    }
    assert_eq!(
        world.ask::<U256>("eth_getBalance", json!([TRANSACT, "0x4"])).await,
        U256::ZERO
    );
    for (method, params) in [
        ("eth_getBalance", json!([TRANSACT, "0x1"])),
        ("eth_call", json!([{ "to": TRANSACT }, "0x1"])),
        ("eth_getProof", json!([TRANSACT, [], "0x1"])),
    ] {
        let error = world.refused(method, params).await;
        assert_eq!(error.code(), error::CODE_UNAVAILABLE, "{method}: {error:?}");
        assert!(
            error.message().contains("no longer kept") && error.message().contains("archive"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_proof_holds_against_the_blocks_state_root() {
    let world = World::start().await;
    world.offer(1, 5).await;
    world
        .does(&Person::number(20), &Transact::requestCodeCall { specId: 1 })
        .await;
    let slot = CodeId {
        spec_id: 1,
        sequence: 1,
    }
    .slot();
    let block: Block = world.ask("eth_getBlockByNumber", json!(["latest", false])).await;
    let proof: EIP1186AccountProofResponse = world
        .ask("eth_getProof", json!([TRANSACT, [slot, "0xdead"], "latest"]))
        .await;
    let account = TrieAccount::new(proof.nonce, proof.balance, proof.storage_hash, proof.code_hash);
    let key = Nibbles::unpack(keccak256(TRANSACT));
    verify_proof(
        block.header.state_root,
        key,
        Some(alloy_rlp::encode(account)),
        &proof.account_proof,
    )
    .unwrap();
    let [code, nothing] = &proof.storage_proof[..] else {
        panic!("two slots were asked for")
    };
    let holder = Address::from_slice(&code.value.to_be_bytes::<32>()[12..]);
    assert_eq!(holder, Person::number(20).address());
    let key = Nibbles::unpack(keccak256(slot));
    verify_proof(
        proof.storage_hash,
        key,
        Some(alloy_rlp::encode(code.value)),
        &code.proof,
    )
    .unwrap();
    let key = Nibbles::unpack(keccak256(B256::from(U256::from(0xdead))));
    verify_proof(proof.storage_hash, key, None, &nothing.proof).unwrap();
    assert_eq!(
        serde_json::to_value(nothing).unwrap()["key"],
        json!("0xdead"),
        "keys come back as they were asked for"
    );

    let nobody: EIP1186AccountProofResponse = world
        .ask("eth_getProof", json!([Address::repeat_byte(9), [], "latest"]))
        .await;
    assert_eq!((nobody.code_hash, nobody.balance), (KECCAK256_EMPTY, U256::ZERO));
    let word: B256 = world.ask("eth_getStorageAt", json!([TRANSACT, slot, "latest"])).await;
    assert_eq!(U256::from_be_bytes(word.0), code.value);
}

#[tokio::test]
async fn calls_answer_and_reverts_are_told_in_words_with_their_data() {
    let world = World::start().await;
    let ask = Bytes::from(Transact::specCountCall {}.abi_encode());
    for field in ["input", "data"] {
        let answer: Bytes = world
            .ask("eth_call", json!([{ "to": TRANSACT, field: ask }, "latest"]))
            .await;
        assert_eq!(
            Transact::specCountCall::abi_decode_returns(&answer).unwrap(),
            3,
            "{field}"
        );
    }
    let request = Bytes::from(Transact::requestCodeCall { specId: 1 }.abi_encode());
    for method in ["eth_call", "eth_estimateGas"] {
        let error = world
            .refused(method, json!([{ "to": TRANSACT, "data": request }]))
            .await;
        assert_eq!(error.code(), 3, "{method}: {error:?}");
        assert_eq!(
            error.message(),
            "execution reverted: the pool of spec 1 has 0 codes left; 1 was asked for"
        );
        let data: Bytes = serde_json::from_str(error.data().unwrap().get()).unwrap();
        assert!(data.starts_with(&<Transact::PoolExhausted as alloy_sol_types::SolError>::SELECTOR));
    }
    world.offer(1, 5).await;
    let user = Person::number(20);
    let gas: U64 = world
        .ask(
            "eth_estimateGas",
            json!([{ "from": user.address(), "to": TRANSACT, "data": request }]),
        )
        .await;
    assert!(gas > U64::from(50_000) && gas < U64::from(500_000), "{gas}");
    let list: Value = world
        .ask("eth_createAccessList", json!([{ "to": TRANSACT, "data": request }]))
        .await;
    assert_eq!(list["accessList"][0]["address"], json!(TRANSACT), "{list}");
}

#[tokio::test]
async fn a_call_on_the_newest_block_sees_the_present() {
    let world = World::start().await;
    // TIMESTAMP PUSH1 0 MSTORE PUSH1 32 PUSH1 0 RETURN
    let clock = json!({ "0x0000000000000000000000000000000000009999": { "code": "0x425f5260205ff3" } });
    let request = json!({ "to": "0x0000000000000000000000000000000000009999" });
    let genesis = world.runtime.head().header.header.timestamp;
    let at = |block: &'static str, pretended: Value| {
        world.ask::<U256>("eth_call", json!([request, block, clock, pretended]))
    };
    let now = at("latest", json!({})).await;
    assert!(
        now > U256::from(genesis) + U256::from(1_000_000),
        "{now} is not the present"
    );
    assert_eq!(
        at("0x0", json!({})).await,
        U256::from(genesis),
        "a past block keeps its time"
    );
    assert_eq!(
        at("latest", json!({ "time": "0x7" })).await,
        U256::from(7),
        "the caller may pretend"
    );
}

#[tokio::test]
async fn fees_of_past_blocks_are_zero_and_their_fill_is_true() {
    let world = World::start().await;
    for nonce in 0..3 {
        world.send(&Person::number(20).pay(nonce, 0, 0)).await;
        world.mine_in(Slot::new(world.next_slot().get()));
    }
    let history: FeeHistory = world
        .ask("eth_feeHistory", json!(["0x2", "latest", [10.0, 90.0]]))
        .await;
    assert_eq!(
        (history.oldest_block, history.base_fee_per_gas.as_slice()),
        (2, [0; 3].as_slice())
    );
    assert_eq!(history.reward, Some(vec![vec![0, 0]; 2]));
    assert!(history.gas_used_ratio.iter().all(|ratio| *ratio > 0.0 && *ratio < 0.01));
    let all: FeeHistory = world.ask("eth_feeHistory", json!(["0xffff", "latest", null])).await;
    assert_eq!((all.oldest_block, all.gas_used_ratio.len(), all.reward), (0, 4, None));
    for (params, code) in [
        (json!(["0x1", "0x9", []]), error::CODE_NOT_FOUND),
        (json!(["0x1", "latest", [90.0, 10.0]]), error::CODE_PARAMS),
        (json!(["0x1", "latest", [101.0]]), error::CODE_PARAMS),
        (json!(["0x1", "latest", vec![1.0; 101]]), error::CODE_LIMIT),
    ] {
        assert_eq!(
            world.refused("eth_feeHistory", params.clone()).await.code(),
            code,
            "{params}"
        );
    }
}

#[tokio::test]
async fn the_pool_is_shown_as_geth_shows_it() {
    let world = World::start().await;
    let user = Person::number(20);
    world.send(&user.pay(0, 0, 0)).await;
    world.send(&user.pay(2, 0, 0)).await;
    let sender = user.address().to_checksum(None);
    let content: Value = world.ask("txpool_content", json!([])).await;
    assert_eq!(content["pending"][&sender]["0"]["nonce"], json!("0x0"), "{content}");
    assert_eq!(content["queued"][&sender]["2"]["nonce"], json!("0x2"));
    let own: Value = world.ask("txpool_contentFrom", json!([user.address()])).await;
    assert_eq!(
        (&own["pending"], &own["queued"]),
        (&content["pending"][&sender], &content["queued"][&sender])
    );
    let lines: Value = world.ask("txpool_inspect", json!([])).await;
    let line = lines["queued"][&sender]["2"].as_str().unwrap();
    assert!(line.ends_with(": 0 wei + 21000 gas × 0 wei"), "{line}");
}
