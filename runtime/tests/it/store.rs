//! Opening, refusing, crashing and coming back; what a committed block leaves behind.

use std::fs;
use std::path::Path;

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{EthereumReceipt, SignableTransaction, TxEip1559, TxType};
use alloy_primitives::{Address, B256, Bytes, Log, Signature, TxKind, U256};
use ledger_chainspec::{BlockHash, BlockNumber, GenesisHash, SetId, Transaction};
use ledger_runtime::store::{
    ChainIdentity, CodeChange, CodeEnd, CodeEndKind, CodeRecord, CommitError, FORMAT_VERSION, History, OpenError,
    Store, StoreOptions, StoredReceipt, TxLocation,
};

use crate::chain::{CHAIN_ID, Chain, Extras, Random, certificate, identity, options, validator_set};
use crate::raw;

fn transaction(nonce: u64) -> Recovered<Transaction> {
    let unsigned = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        to: TxKind::Call(Address::repeat_byte(9)),
        value: U256::from(nonce),
        ..TxEip1559::default()
    };
    let signature = Signature::new(U256::from(nonce + 1), U256::from(2), false);
    Recovered::new_unchecked(unsigned.into_signed(signature).into(), Address::repeat_byte(8))
}

fn receipt(index: u32) -> StoredReceipt {
    let log = Log::new_unchecked(
        Address::repeat_byte(4),
        vec![B256::repeat_byte(5); 2],
        Bytes::from(vec![6; 40]),
    );
    StoredReceipt {
        receipt: EthereumReceipt {
            tx_type: TxType::Eip1559,
            success: index != 1,
            cumulative_gas_used: 21_000 * u64::from(index + 1),
            logs: vec![log],
        },
        gas_used: 21_000,
        first_log_index: index,
        contract: (index == 2).then(|| Address::repeat_byte(3)),
    }
}

#[test]
fn a_committed_block_is_found_by_every_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(1);
    let mut chain = Chain::create(dir.path(), History::Archive, &random.diff(5, 5));
    let transactions: Vec<_> = (0..3).map(transaction).collect();
    let receipts: Vec<_> = (0..3).map(receipt).collect();
    let extras = Extras {
        transactions: transactions.clone(),
        receipts: receipts.clone(),
        ..Extras::default()
    };
    chain.push_with(&random.diff(5, 5), extras).expect("commits");
    chain.push(&random.diff(5, 5));

    let (store, one) = (&chain.store, BlockNumber::new(1));
    assert_eq!(store.header(one).expect("readable").as_ref(), Some(&chain.headers[1]));
    assert_eq!(store.block_hash(one).expect("readable"), Some(chain.headers[1].hash));
    assert_eq!(store.block_number(&chain.headers[1].hash).expect("readable"), Some(one));
    assert_eq!(store.transactions(one).expect("readable"), transactions);
    assert_eq!(store.receipts(one).expect("readable"), receipts);
    for (index, (transaction, receipt)) in (0..).zip(transactions.iter().zip(&receipts)) {
        let at = TxLocation { block: one, index };
        assert_eq!(store.location(transaction.tx_hash()).expect("readable"), Some(at));
        let included = store.included_at(at).expect("readable").expect("there");
        assert_eq!((&included.transaction, &included.receipt), (transaction, receipt));
    }
    for number in [1, 2] {
        let expected = certificate(&chain.headers[number]);
        assert_eq!(
            store.certificate(BlockNumber::new(number as u64)).expect("readable"),
            Some(expected)
        );
    }
    for absent in [0, 3] {
        assert_eq!(store.certificate(BlockNumber::new(absent)).expect("readable"), None);
    }
    let three = BlockNumber::new(3);
    assert_eq!(store.header(three).expect("readable"), None);
    assert_eq!(store.transactions(three).expect("readable"), []);
    assert_eq!(store.location(&B256::ZERO).expect("readable"), None);
    assert_eq!(store.block_number(&BlockHash::new(B256::ZERO)).expect("readable"), None);
    let view = store.state_at(one).expect("in the window");
    assert_eq!(view.block_hash(one).expect("readable"), Some(chain.headers[1].hash));
    assert_eq!(
        view.block_hash(BlockNumber::new(2)).expect("readable"),
        None,
        "a view does not see later blocks"
    );
}

#[test]
fn transactions_whose_hashes_begin_alike_are_told_apart() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(1);
    let mut chain = Chain::create(dir.path(), History::Archive, &random.diff(5, 5));
    let extras = Extras {
        transactions: (0..3).map(transaction).collect(),
        receipts: (0..3).map(receipt).collect(),
        ..Extras::default()
    };
    chain.push_with(&random.diff(5, 5), extras).expect("commits");
    let ours = identity(&chain.headers[0]);
    drop(chain);
    let hashes: Vec<_> = (0..3).map(|nonce| *transaction(nonce).tx_hash()).collect();
    // As if the hashes of all three began as the second one's does.
    let db = raw::open(dir.path());
    let column = db.cf_handle("tx_lookup").expect("there");
    for index in [0, 2] {
        let key = [&hashes[1][..8], &[1 << 2, index << 2]].concat();
        db.put_cf(&column, key, []).expect("written");
    }
    drop(column);
    drop(db);
    let store = Store::open(&options(dir.path(), History::Archive), ours).expect("opens");
    let location = |hash: &B256| store.location(hash).expect("readable");
    for (index, hash) in (0..).zip(&hashes) {
        let at = TxLocation {
            block: BlockNumber::new(1),
            index,
        };
        assert_eq!(location(hash), Some(at));
        let mut other = *hash;
        other[31] ^= 1;
        assert_eq!(location(&other), None);
    }
}

#[test]
fn promo_codes_are_indexed_from_issue_to_end() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(2);
    let mut chain = Chain::create(dir.path(), History::Archive, &random.diff(5, 5));
    let (a, b) = (U256::from(1) << 64, (U256::from(1) << 64) + U256::from(1));
    let codes = vec![
        CodeChange::Issued {
            id: a,
            index: 0,
            expires_at: 60,
        },
        CodeChange::Issued {
            id: b,
            index: 1,
            expires_at: 60,
        },
        CodeChange::Ended {
            id: b,
            kind: CodeEndKind::Cancelled,
            member: 0,
            index: 2,
        },
    ];
    let block_of = |codes| Extras {
        codes,
        ..Extras::default()
    };
    chain.push_with(&random.diff(5, 1), block_of(codes)).expect("commits");
    let at = |block, index| TxLocation {
        block: BlockNumber::new(block),
        index,
    };
    let record = |chain: &Chain, id| chain.store.promo_code(&id).expect("readable");
    let issued = |index, end| {
        let issued = at(1, index);
        Some(CodeRecord { issued, end })
    };
    let end = |kind, at| Some(CodeEnd { kind, at });
    assert_eq!(record(&chain, a), issued(0, None));
    assert_eq!(record(&chain, b), issued(1, end(CodeEndKind::Cancelled, at(1, 2))));
    assert_eq!(record(&chain, U256::from(7)), None);

    let ended = |id, kind, member| {
        vec![CodeChange::Ended {
            id,
            kind,
            member,
            index: 0,
        }]
    };
    let codes = ended(a, CodeEndKind::Redeemed, 1);
    chain.push_with(&random.diff(5, 1), block_of(codes)).expect("commits");
    assert_eq!(record(&chain, a), issued(0, end(CodeEndKind::Redeemed, at(2, 0))));

    let codes = ended(U256::from(7), CodeEndKind::Expired, 0);
    chain
        .push_with(
            &random.diff(5, 1),
            Extras {
                codes,
                ..Extras::default()
            },
        )
        .expect_err("it was never issued");
    assert_eq!(chain.store.head().expect("a head").header.header.number, 2);
}

#[test]
fn validator_sets_follow_the_head_over_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(3);
    let mut chain = Chain::create(dir.path(), History::Archive, &random.diff(5, 5));
    let extras = Extras {
        next_set: Some(validator_set(1)),
        ..Extras::default()
    };
    chain.push_with(&random.diff(5, 1), extras).expect("commits");
    chain.push(&random.diff(5, 1));
    let before = chain.store.head().expect("a head");
    let chain = chain.reopen(dir.path(), History::Archive);
    assert_eq!(chain.store.head(), Some(before));
    assert_eq!(chain.store.head().expect("a head").set, validator_set(1));
    assert_eq!(
        chain.store.validator_set(SetId::new(0)).expect("readable"),
        Some(validator_set(0))
    );
    assert_eq!(chain.store.validator_set(SetId::new(2)).expect("readable"), None);
}

#[test]
fn a_block_that_does_not_fit_is_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(4);
    let mut chain = Chain::create(dir.path(), History::Archive, &random.diff(5, 5));
    chain.push(&random.diff(5, 5));
    let good = chain.build(&random.diff(5, 5), Extras::default());
    let refused = |change: fn(&mut ledger_runtime::store::BlockCommit)| {
        let mut block = good.clone();
        change(&mut block);
        chain.store.commit(&block).expect_err("refused")
    };
    assert!(
        matches!(refused(|b| b.header.header.number = 7), CommitError::WrongNumber { expected, .. } if expected.get() == 2)
    );
    assert!(matches!(
        refused(|b| b.header.header.parent_hash = B256::ZERO),
        CommitError::WrongParent { .. }
    ));
    assert!(matches!(
        refused(|b| b.certificate = None),
        CommitError::Uncertified { .. }
    ));
    assert!(matches!(
        refused(|b| b.header.header.state_root = B256::ZERO),
        CommitError::WrongRoot { .. }
    ));
    assert!(matches!(
        refused(|b| b.receipts.push(receipt(0))),
        CommitError::ReceiptCount { receipts: 1, .. }
    ));
    assert_eq!(chain.store.head().expect("a head").header, chain.headers[1]);
    chain.store.verify_state().expect("a whole state");
    chain.store.commit(&good).expect("the unchanged block fits");
}

#[test]
fn another_chains_database_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let chain = Chain::create(dir.path(), History::Archive, &Random::new(5).diff(5, 5));
    let ours = identity(chain.head());
    drop(chain);
    for other in [
        ChainIdentity { chain_id: 1, ..ours },
        ChainIdentity {
            genesis: GenesisHash::new(B256::repeat_byte(1)),
            ..ours
        },
    ] {
        let error = Store::open(&StoreOptions::new(dir.path()), other).expect_err("another chain");
        assert!(
            matches!(
                error,
                OpenError::OtherChain {
                    found_chain_id: CHAIN_ID,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains("--chain"), "{error}");
    }
    Store::open(&StoreOptions::new(dir.path()), ours).expect("our own opens");
}

#[test]
fn a_locked_a_foreign_and_an_unwritable_folder_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let chain = Chain::create(dir.path(), History::Archive, &Random::new(6).diff(5, 5));
    let ours = identity(chain.head());
    let open = |path: &Path| Store::open(&StoreOptions::new(path), ours).expect_err("refused");
    let error = open(dir.path());
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("another process"), "{error}");

    let foreign = tempfile::tempdir().expect("a folder");
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    drop(rocksdb::DB::open_cf(&options, foreign.path(), ["wallets"]).expect("a database"));
    assert!(matches!(open(foreign.path()), OpenError::ForeignDatabase { column, .. } if column == "wallets"));

    // The kernel's own folders refuse files even to root, whom permissions would not stop.
    assert!(matches!(open(Path::new("/proc")), OpenError::NotWritable { .. }));
    assert!(matches!(open(Path::new("/proc/ledger")), OpenError::Create { .. }));
    let file = dir.path().join("CURRENT");
    assert!(matches!(open(&file), OpenError::Create { .. }));
}

#[test]
fn another_format_is_refused_by_its_number() {
    let dir = tempfile::tempdir().expect("a folder");
    let chain = Chain::create(dir.path(), History::Archive, &Random::new(7).diff(5, 5));
    let ours = identity(chain.head());
    drop(chain);
    let db = raw::open(dir.path());
    let mut identity = db
        .get_cf(&db.cf_handle("meta").expect("there"), "identity")
        .expect("read")
        .expect("there");
    identity[0] += 1;
    db.put_cf(&db.cf_handle("meta").expect("there"), "identity", identity)
        .expect("written");
    drop(db);
    let error = Store::open(&StoreOptions::new(dir.path()), ours).expect_err("refused");
    assert!(
        matches!(error, OpenError::OtherFormat { found, supported: FORMAT_VERSION, .. } if found == FORMAT_VERSION + 1),
        "{error}"
    );
}

/// What a disk would hold if the power failed now: the files as they are, the lock apart.
fn crash_image(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        if name != "LOCK" {
            fs::copy(&path, to.join(name)).expect("copied");
        }
    }
}

#[test]
fn what_was_committed_survives_a_crash() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(8);
    let mut chain = Chain::create(dir.path(), History::Blocks(4), &random.diff(30, 30));
    for number in 1..=12_usize {
        chain.push(&random.diff(30, 10));
        if number % 4 == 0 {
            let image = tempfile::tempdir().expect("a folder");
            crash_image(dir.path(), image.path());
            let ours = identity(&chain.headers[0]);
            let store = Store::open(&options(image.path(), History::Blocks(4)), ours).expect("opens");
            assert_eq!(store.head(), chain.store.head());
            store.verify_state().expect("a whole state");
        }
    }
}

#[test]
fn a_torn_write_loses_whole_blocks_only() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = Random::new(9);
    let mut chain = Chain::create(dir.path(), History::Blocks(4), &random.diff(30, 30));
    for _ in 0..10 {
        chain.push(&random.diff(30, 10));
    }
    let ours = identity(&chain.headers[0]);
    let mut heads = Vec::new();
    for parts in [u64::MAX, 5, 3, 2] {
        let image = tempfile::tempdir().expect("a folder");
        crash_image(dir.path(), image.path());
        let logs = fs::read_dir(image.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path());
        let log = logs
            .filter(|path| path.extension().is_some_and(|ext| ext == "log"))
            .max()
            .expect("a write-ahead log");
        let file = fs::OpenOptions::new().write(true).open(&log).expect("opens");
        let length = file.metadata().expect("readable").len();
        file.set_len(length - 1 - length / parts).expect("cut");
        drop(file);
        // These blocks were acknowledged, so that only an operator may give them up; `lost_blocks` is about that.
        let accepting = StoreOptions {
            accept_lost_blocks: true,
            ..options(image.path(), History::Blocks(4))
        };
        let store = Store::open(&accepting, ours).expect("opens");
        let head = store.head().expect("genesis at least");
        let number = usize::try_from(head.header.header.number).expect("small");
        assert_eq!(head.header, chain.headers[number]);
        store.verify_state().expect("a whole state");
        heads.push(number);
    }
    assert_eq!(heads[0], 9, "one torn byte costs the last block alone");
    assert!(heads.is_sorted_by(|a, b| a >= b) && heads[3] < 9, "{heads:?}");
}
