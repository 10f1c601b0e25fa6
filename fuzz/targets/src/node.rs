//! Do the pool, the database's records and the command's files keep what they promise for any bytes?

use alloy_primitives::{B256, keccak256};
use ledger_chainspec::{ChainSpec, UnixMillis};
use ledger_node::txpool::{PoolError, TransactionRules, read_journal};
use ledger_runtime::{TRANSACTION_GAS_MAX, store::RecordKind};
use passport_cli::{authorization::SignedAuthorization, error::CliError};

use crate::{
    Target,
    seeds::{Seed, transactions},
};

/// The targets of this page.
pub const TARGETS: &[Target] = &[
    Target::small("pool_transaction", pool_transaction, 16 << 10),
    Target::small("pool_journal", pool_journal, 64 << 10),
    Target::small("storage_record", storage_record, 16 << 10),
    Target::small("authorization", authorization, 16 << 10),
];

/// What `eth_sendRawTransaction` takes: a transaction that is let in fits the chain's rules.
pub fn pool_transaction(bytes: &[u8]) {
    let rules = TransactionRules {
        chain_id: ChainSpec::dev().chain_id,
        gas_limit_max: TRANSACTION_GAS_MAX,
        hardfork: ledger_chainspec::Hardfork::Osaka,
    };
    match rules.check(bytes, UnixMillis::new(0)) {
        Ok(checked) => {
            assert_eq!(checked.hash(), keccak256(bytes), "a second encoding");
            assert_eq!(checked.bytes, bytes.len());
            assert_eq!(
                alloy_consensus::Transaction::chain_id(checked.transaction.inner()),
                Some(rules.chain_id)
            );
            let again = rules.check(bytes, UnixMillis::new(0));
            assert_eq!(again.map(|again| again.sender()), Ok(checked.sender()));
        }
        Err(PoolError::State { .. }) => panic!("nothing here reads state"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The pool's journal: what is whole is read, and written again it is the same.
pub fn pool_journal(bytes: &[u8]) {
    let (transactions, whole) = read_journal(bytes);
    assert!(whole <= bytes.len());
    let (again, all) = read_journal(&bytes[..whole]);
    assert_eq!((&again, all), (&transactions, whole), "the whole part is not whole");
}

/// A record of the database; the first byte says of which kind.
pub fn storage_record(bytes: &[u8]) {
    let Some((kind, record)) = bytes.split_first() else {
        return;
    };
    let kind = RecordKind::ALL[usize::from(*kind) % RecordKind::ALL.len()];
    if let Ok(again) = kind.rewrite(record) {
        assert_eq!(
            kind.rewrite(&again).as_ref(),
            Ok(&again),
            "what was written cannot be read"
        );
        // The parity of a signature has several forms. Records are written by the node alone, in one of them.
        let has_one_form = !matches!(kind, RecordKind::Transaction);
        assert!(
            !has_one_form || again == record,
            "a second encoding of a record of kind {kind:?}"
        );
    }
}

/// An authorization file of the `passport` command.
pub fn authorization(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match SignedAuthorization::parse(text, "fuzzed.json") {
        Ok(read) => {
            let again = SignedAuthorization::parse(&read.to_text(), "fuzzed.json").map_err(|error| error.to_string());
            assert_eq!(again.as_ref(), Ok(&read), "what was written cannot be read");
        }
        Err(CliError::AuthorizationFile { reason, .. }) => assert!(!reason.is_empty()),
        Err(other) => panic!("{other}"),
    }
}

/// Seeds of these targets.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    use alloy_eips::eip2718::Encodable2718 as _;
    let encoded = transactions().map(|(name, transaction)| (name, transaction.encoded_2718()));
    let mut seeds: Vec<Seed> = Vec::new();
    let mut journal = Vec::new();
    for (name, bytes) in encoded {
        journal.extend(ledger_node::txpool::journal_record(&bytes, &keccak256(&bytes)));
        seeds.push(("pool_transaction", name, bytes));
    }
    seeds.push(("pool_journal", "five", journal));
    seeds.extend(records());
    let signup = passport_cli::authorization::Signup {
        reference: "user-1".to_owned(),
        salt: B256::repeat_byte(7),
    };
    seeds.push((
        "authorization",
        "signed",
        authorization_of(signup).to_text().into_bytes(),
    ));
    seeds
}

/// A record of each kind that another target has seeds of.
fn records() -> Vec<Seed> {
    let of_kind = |kind: RecordKind, record: &[u8]| {
        assert_eq!(
            kind.rewrite(record).as_deref(),
            Ok(record),
            "no record of kind {kind:?} any more"
        );
        let place = RecordKind::ALL.iter().position(|other| *other == kind);
        let place = place
            .and_then(|place| u8::try_from(place).ok())
            .expect("there are few kinds");
        [&[place][..], record].concat()
    };
    let header = [&[9; 32][..], &alloy_rlp::encode(crate::seeds::header())].concat();
    let [(_, legacy), ..] = transactions();
    let mut transaction = Vec::new();
    alloy_eips::eip2718::Encodable2718::encode_2718(&legacy, &mut transaction);
    let length = parity_scale_codec::Encode::encode(&parity_scale_codec::Compact(
        u32::try_from(transaction.len()).expect("short"),
    ));
    // A small subtree of five leaves, and a short node behind an extension.
    let branch = [&[3, 0, 3, 0, 2, 0, 2, 0, 2][..], &[7; 32], &[5, 3, 0xc2, 1, 2, 1, 0x40]].concat();
    let set = parity_scale_codec::Encode::encode(&crate::seeds::set(1));
    // Block 300 and index 7, as compact numbers.
    let location = [0xb1, 0x04, 0x1c];
    // Type, status, cumulative gas, gas, index of the first log, no contract, one log with one topic and one byte.
    let receipt = [
        &[2, 1][..],
        &21_000_u64.to_le_bytes(),
        &21_000_u64.to_le_bytes(),
        &0_u32.to_le_bytes(),
        &[0, 4],
        &[0x77; 20],
        &[4],
        &[0x22; 32],
        &[4, 0x33],
    ]
    .concat();
    let included = [&[0x66; 20][..], &length, &transaction, &receipt].concat();
    vec![
        ("storage_record", "header", of_kind(RecordKind::Header, &header)),
        (
            "storage_record",
            "transaction",
            of_kind(RecordKind::Transaction, &included),
        ),
        ("storage_record", "location", of_kind(RecordKind::Location, &location)),
        (
            "storage_record",
            "code",
            of_kind(RecordKind::Code, &[&location[..], &[1, 2], &location].concat()),
        ),
        ("storage_record", "identity", of_kind(RecordKind::Identity, &[1; 44])),
        ("storage_record", "head", of_kind(RecordKind::Head, &[0; 17])),
        ("storage_record", "branch", of_kind(RecordKind::Branch, &branch)),
        (
            "storage_record",
            "patch",
            of_kind(RecordKind::Patch, &[&[0, 7][..], &branch].concat()),
        ),
        (
            "storage_record",
            "account",
            of_kind(RecordKind::Account, &[0x04, 1, 0x07, 0x80]),
        ),
        ("storage_record", "slot", of_kind(RecordKind::Slot, &[0x04, 0x82, 1, 2])),
        (
            "storage_record",
            "validator-set",
            of_kind(RecordKind::ValidatorSet, &set),
        ),
    ]
}

fn authorization_of(signup: passport_cli::authorization::Signup) -> SignedAuthorization {
    SignedAuthorization {
        kind: passport_cli::authorization::KIND.to_owned(),
        chain_id: ChainSpec::dev().chain_id,
        transaction: B256::repeat_byte(1),
        passport_code: "0010-00ZY".to_owned(),
        code_id: alloy_primitives::U256::from(1),
        member_id: 1,
        cloud: "Aurora Cloud".to_owned(),
        holder: alloy_primitives::Address::repeat_byte(2),
        signup_ref: signup.hash(),
        deadline: 1_900_000_000,
        signature: vec![3; 65].into(),
        signup: Some(signup),
    }
}
