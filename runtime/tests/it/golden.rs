//! The bytes of every record. A change here is a change of format: raise `FORMAT_VERSION` and STORAGE.md with it.

use std::path::Path;

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{EthereumReceipt, SignableTransaction, TxLegacy, TxType};
use alloy_primitives::{Address, B256, Bytes, Log, Signature, TxKind, U256, hex, keccak256};
use ledger_runtime::state::StateDiff;
use ledger_runtime::store::{CodeChange, CodeEndKind, Column, History, StoredReceipt};
use parity_scale_codec::Encode;

use crate::chain::{Chain, Extras, account, certificate, diff, validator_set};
use crate::raw;

/// The records of a column, keys and values in hexadecimal.
fn records(path: &Path, column: Column) -> Vec<(String, String)> {
    raw::records(path, column)
        .into_iter()
        .map(|(key, value)| (hex::encode(key), hex::encode(value)))
        .collect()
}

const ADDRESS: Address = Address::repeat_byte(0x11);
const CODE: &[u8] = &[0x60, 0x00];

/// Genesis with one contract of one slot; block 1 with a transaction, a receipt and three promo codes, which sets the slot
/// to zero.
fn chain(path: &Path) -> Chain {
    let mut contract = account(1, 5);
    contract.after.as_mut().expect("made with one").code_hash = keccak256(CODE);
    contract.slots.insert(U256::from(2), U256::from(0x1234).into());
    let mut genesis: StateDiff = diff([(ADDRESS, contract)]);
    genesis.codes.insert(keccak256(CODE), Bytes::from_static(CODE));
    let mut chain = Chain::create(path, History::Archive, &genesis);

    let mut change = genesis;
    let contract = change.accounts.get_mut(&ADDRESS).expect("there");
    contract.slots.insert(U256::from(2), U256::ZERO.into());
    let log = Log::new_unchecked(ADDRESS, vec![B256::repeat_byte(0x22)], Bytes::from_static(&[0x33]));
    let extras = Extras {
        transactions: vec![transaction()],
        receipts: vec![StoredReceipt {
            receipt: EthereumReceipt {
                tx_type: TxType::Legacy,
                success: true,
                cumulative_gas_used: 21_000,
                logs: vec![log],
            },
            gas_used: 21_000,
            first_log_index: 0,
            contract: None,
        }],
        codes: vec![
            CodeChange::Issued {
                id: code(1),
                index: 0,
                expires_at: 60,
            },
            CodeChange::Issued {
                id: code(2),
                index: 0,
                expires_at: 60,
            },
            CodeChange::Issued {
                id: code(3),
                index: 0,
                expires_at: 60,
            },
            CodeChange::Ended {
                id: code(2),
                kind: CodeEndKind::Expired,
                member: 0,
                index: 70,
            },
            CodeChange::Ended {
                id: code(3),
                kind: CodeEndKind::Redeemed,
                member: 7,
                index: 70,
            },
        ],
        next_set: Some(validator_set(1)),
    };
    chain.push_with(&change, extras).expect("commits");
    chain
}

/// A code of spec 5.
fn code(sequence: u64) -> U256 {
    (U256::from(5) << 64) + U256::from(sequence)
}

fn transaction() -> Recovered<ledger_chainspec::Transaction> {
    let unsigned = TxLegacy {
        to: TxKind::Call(ADDRESS),
        gas_limit: 21_000,
        ..TxLegacy::default()
    };
    let signature = Signature::new(U256::from(1), U256::from(2), true);
    Recovered::new_unchecked(unsigned.into_signed(signature).into(), Address::repeat_byte(0x66))
}

/// keccak-256 of the contract's address.
const ACCOUNT: &str = "e2c07404b8c1df4c46226425cac68c28d27a766bbddce62309f36724839b22c0";
/// keccak-256 of slot 2.
const SLOT: &str = "405787fa12a823e0f2b7631cc41b3ba8828b3321ca811111fa75cd3aa3bb5ace";
/// keccak-256 of the code.
const CODE_HASH: &str = "07ad118d6cc8642c86c03827f276d8b791a65e5c99a3845faf186be720a1455d";
/// Root of the empty trie.
const EMPTY: &str = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";
/// Root of the trie that holds slot 2 alone.
const ROOT: &str = "8c0743aeb1a319f0a7fc68aad22777650dda953db7fc8fbd16048bfeb760ced0";

/// RLP of the account: a list of nonce, balance, storage root and code hash.
fn account_rlp(storage_root: &str) -> String {
    format!("f8440105a0{storage_root}a0{CODE_HASH}")
}

fn expect<K: Into<String>, V: Into<String>>(path: &Path, column: Column, expected: impl IntoIterator<Item = (K, V)>) {
    let expected: Vec<(String, String)> = expected
        .into_iter()
        .map(|(key, value)| (key.into(), value.into()))
        .collect();
    assert_eq!(records(path, column), expected, "column {}", column.name());
}

#[test]
fn state_records_are_ethereums_own() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(chain(dir.path()));
    // Written by block 1, as it is.
    expect(
        dir.path(),
        Column::Accounts,
        [(ACCOUNT, format!("0400{}", account_rlp(EMPTY)))],
    );
    // A trie of one leaf needs no record.
    expect::<&str, &str>(dir.path(), Column::AccountTrie, []);
    // The contract's only slot is zero by now.
    expect::<&str, &str>(dir.path(), Column::Storage, []);
    expect::<&str, &str>(dir.path(), Column::StorageTrie, []);
    expect(dir.path(), Column::Code, [(CODE_HASH, "6000")]);
}

#[test]
fn undo_records_hold_what_block_1_replaced() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(chain(dir.path()));
    let block = "0000000000000001";
    // Column, length of the key, key.
    let account = format!("0120{ACCOUNT}");
    let slot = format!("0240{ACCOUNT}{SLOT}");
    let expected = [
        (format!("{account}{block}"), format!("0000{}", account_rlp(ROOT))),
        (format!("{slot}{block}"), "00821234".to_owned()),
    ];
    expect(dir.path(), Column::Undo, expected);
}

#[test]
fn records_of_the_flat_state_name_the_block_that_wrote_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut chain = Chain::create(dir.path(), History::Archive, &StateDiff::default());
    for number in 1..=64_u64 {
        let mut contract = account(1, 0);
        contract.slots.insert(U256::from(2), U256::from(number).into());
        let change = if number % 32 == 0 {
            diff([(ADDRESS, contract)])
        } else {
            StateDiff::default()
        };
        chain.push(&change);
    }
    // An account that comes in block 65, with neither code nor storage: nonce 7 and balance 5.
    chain.push(&diff([(Address::repeat_byte(0x12), account(7, 5))]));
    drop(chain);
    let plain = hex::encode(keccak256(Address::repeat_byte(0x12)));
    let accounts = records(dir.path(), Column::Accounts);
    // 64 and 65 take two bytes.
    assert!(accounts.contains(&(plain, "0501010705".to_owned())), "{accounts:?}");
    let slot = format!("{ACCOUNT}{SLOT}");
    expect(dir.path(), Column::Storage, [(slot.clone(), "010140")]);
    // What block 64 replaced was of block 32; that of blocks 32 and 65 was nothing.
    let undo = records(dir.path(), Column::Undo);
    let of_slot = (format!("0240{slot}{:016x}", 64), "8020".to_owned());
    assert!(undo.len() == 2 && undo.contains(&of_slot), "{undo:?}");
}

#[test]
fn block_records() {
    let dir = tempfile::tempdir().expect("a folder");
    let headers = chain(dir.path()).headers;
    let (key_0, key_1) = ("0000000000000000", "0000000000000001");
    let header = |index: usize| {
        let header: &ledger_chainspec::SealedHeader = &headers[index];
        hex::encode(header.hash.get()) + &hex::encode(alloy_rlp::encode(&header.header))
    };
    expect(dir.path(), Column::Headers, [(key_0, header(0)), (key_1, header(1))]);
    let mut canonical = [(headers[0].hash, key_0), (headers[1].hash, key_1)];
    canonical.sort_unstable();
    expect(
        dir.path(),
        Column::Canonical,
        canonical.map(|(hash, number)| (hex::encode(hash.get()), number)),
    );
    let at = "000000000000000100000000";
    // Sender, length of the transaction (32, compact), the transaction.
    let transaction_bytes = format!("{}80df808082520894{}80801c0102", "66".repeat(20), "11".repeat(20));
    // Type, status, cumulative gas, gas, first log, no contract, one log of one topic and one byte.
    let log = format!("{}04{}0433", "11".repeat(20), "22".repeat(32));
    let receipt = format!("0001085200000000000008520000000000000000000000{}{log}", "04");
    expect(dir.path(), Column::Transactions, [(at, transaction_bytes + &receipt)]);
    // The first eight bytes of its hash, block 1 and index 0.
    let hash = hex::encode(&transaction().tx_hash()[..8]);
    expect(dir.path(), Column::TxLookup, [(hash + "0400", "")]);
}

#[test]
fn promo_code_records() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(chain(dir.path()));
    // Block 1, index 0; then nothing, or expired in block 1 at index 70.
    let expected = [
        (format!("{:064x}", code(1)), "040000"),
        (format!("{:064x}", code(2)), "04000103041901"),
        (format!("{:064x}", code(3)), "04000101041901"),
    ];
    expect(dir.path(), Column::Codes, expected);
}

#[test]
fn usage_counters() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(chain(dir.path()));
    // January 1970 is month 23640 since the year 0; the day is 0, the spec 5.
    let (month, spec) = ("00005c58", "00000005");
    let expected = [
        // Issued: 3.
        (format!("01{month}{spec}"), "0c"),
        // Redeemed by all and by member 7: 1.
        (format!("02{month}00000000{spec}"), "04"),
        (format!("02{month}00000007{spec}"), "04"),
        // Expired and taken back: 1.
        (format!("04{month}{spec}"), "04"),
        // Not ended, and expiring on day 0: 1.
        (format!("0500000000{spec}"), "04"),
        // They live for 60 seconds.
        (format!("06{spec}"), "f0"),
    ];
    expect(dir.path(), Column::Usage, expected);
}

#[test]
fn meta_records() {
    let dir = tempfile::tempdir().expect("a folder");
    let headers = chain(dir.path()).headers;
    // Number, validator set, a certificate.
    let head = format!(
        "0100000000000000010000000000000001{}",
        hex::encode(certificate(&headers[1]).encode())
    );
    let set = |id| {
        (
            format!("{}{id:016x}", hex::encode("set/")),
            hex::encode(validator_set(id).encode()),
        )
    };
    let expected = [
        (hex::encode("head"), head),
        (
            hex::encode("identity"),
            format!("080000009c18000000000000{}", hex::encode(headers[0].hash.get())),
        ),
        (hex::encode("oldest_state"), "0000000000000000".to_owned()),
        set(0),
        set(1),
    ];
    expect(dir.path(), Column::Meta, expected);
}
