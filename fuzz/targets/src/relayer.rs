//! Are the files of a relayer, whatever became of them on the disk, read as what was written or refused in words? Its journal, and the
//! record of a deployment.

use std::path::Path;

use alloy_primitives::{Address, B256, Bytes, U256};
use ledger_checkpoint::{
    deployment::{Creation, Deployment, Purpose},
    journal,
    numbers::{BlockNumber, Index, Nonce, Point},
    outbox::{Anchored, Attempt, Record, Settled},
    statement::{Anchor, Bundle, Checkpoint},
};

use crate::{Heap, Target, seeds::Seed};

/// The targets of this page.
pub const TARGETS: &[Target] = &[
    Target::lists("relayer_journal", relayer_journal, 64 << 10),
    Target {
        name: "relayer_deployment",
        run: relayer_deployment,
        input_bytes_max: 16 << 10,
        heap: Heap {
            base: 256 << 10,
            per_byte: 100,
        },
    },
];

/// The contract of all seeds.
const ANCHOR: Anchor = Anchor {
    mainchain_id: 63,
    contract: Address::repeat_byte(0xc0),
};

/// The journal of a relayer: what was read can be written and read again, and has no torn end then.
pub fn relayer_journal(bytes: &[u8]) {
    let path = Path::new("fuzzed");
    match journal::decode(path, bytes, ANCHOR) {
        Ok((outbox, good)) => {
            assert!(good <= bytes.len());
            let written = journal::encode(&ANCHOR, &outbox.records());
            let (again, whole) = journal::decode(path, &written, ANCHOR).expect("what was written can be read");
            assert_eq!((again, whole), (outbox, written.len()));
        }
        Err(error) => assert!(error.to_string().contains("fuzzed"), "{error}"),
    }
}

/// The record of a deployment: what was read can be written and read again, and its contract has an address.
pub fn relayer_deployment(bytes: &[u8]) {
    match Deployment::decode(bytes) {
        Ok(record) => {
            assert!(record.dearest().is_some());
            assert_eq!(record.contract(), record.purpose.account.create(record.nonce().get()));
            assert_eq!(Deployment::decode(&record.encode()).as_ref(), Ok(&record));
        }
        Err(words) => assert!(!words.is_empty()),
    }
}

fn point(number: u64) -> Point {
    Point {
        number: BlockNumber::new(number),
        hash: B256::repeat_byte(0x44),
    }
}

/// A bundle as it lies in a journal, where nobody looks at its signatures any more.
fn bundle(index: u64) -> Bundle {
    Bundle {
        checkpoint: Checkpoint {
            index,
            epoch: 0,
            setId: 3,
            height: index * 10,
            blockHash: B256::repeat_byte(0x22),
            stateRoot: B256::repeat_byte(0x33),
            historyRoot: B256::repeat_byte(0x34),
            parent: B256::repeat_byte(0x35),
            nextSetHash: B256::repeat_byte(0x36),
        },
        keys: (1..=4).map(Address::repeat_byte).collect(),
        bitmap: U256::from(0b111_u64),
        signatures: vec![0x1b; 3 * 65].into(),
    }
}

fn signed(index: u64, price: u128) -> Record {
    Record::Signed {
        index: Index::new(index),
        attempt: Attempt {
            nonce: Nonce::new(index),
            gas_price_wei: price,
            hash: B256::with_last_byte(u8::try_from(price).expect("small")),
            raw: vec![0xf8; 40].into(),
        },
    }
}

fn records() -> Vec<Record> {
    let index = Index::new(7);
    let anchored = Anchored {
        block: point(100),
        by: Some(B256::with_last_byte(2)),
    };
    vec![
        Record::Settled(Settled {
            index: Index::new(6),
            fingerprint: B256::repeat_byte(0x37),
            block: point(90),
        }),
        Record::Taken(bundle(7)),
        signed(7, 1),
        signed(7, 2),
        Record::Dropped {
            index,
            hash: B256::with_last_byte(1),
        },
        Record::Anchored { index, anchored },
        Record::Lost { index },
        Record::Anchored { index, anchored },
        Record::Taken(bundle(8)),
        signed(8, 3),
    ]
}

/// Valid inputs of the targets of this page.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let whole = journal::encode(&ANCHOR, &records());
    let torn = whole[..whole.len() - 9].to_vec();
    let creation = Creation {
        hash: B256::repeat_byte(0x55),
        gas_price_wei: U256::from(2_000_000_000_u64),
        raw: Bytes::from_static(&[0xf8, 0x01, 0x02]),
    };
    let purpose = Purpose {
        chain_id: 63,
        account: Address::repeat_byte(0x01),
        genesis: B256::repeat_byte(0x11),
        set_hash: B256::repeat_byte(0x36),
    };
    vec![
        ("relayer_journal", "story", whole),
        ("relayer_journal", "torn", torn),
        (
            "relayer_journal",
            "gap",
            journal::encode(&ANCHOR, &[Record::Taken(bundle(5)), Record::Taken(bundle(3))]),
        ),
        ("relayer_journal", "empty", journal::encode(&ANCHOR, &[])),
        (
            "relayer_deployment",
            "one",
            Deployment::new(purpose, Nonce::new(7), creation).encode(),
        ),
    ]
}
