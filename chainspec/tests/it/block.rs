//! Headers and blocks: digest bytes, hashes that any Ethereum tool would compute, and bytes that are no block.

use alloy_consensus::{
    BlockBody, EMPTY_OMMER_ROOT_HASH, EthereumTxEnvelope, SignableTransaction, TxEip1559, TxEip2930, TxEip4844,
    TxEip7702, TxLegacy,
    constants::{EMPTY_ROOT_HASH, EMPTY_WITHDRAWALS},
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B64, B256, Bloom, Signature, TxKind, U256, keccak256};
use alloy_rlp::Encodable;
use ledger_chainspec::{
    AuthorityDigest, BLOCK_BYTES_MAX, Block, BlockDecodeError, BlockHash, BlockNumber, DigestError,
    EXTRA_DATA_BYTES_MAX, Header, RecoveryOrder, RecoveryPoint, SealedHeader, Signature64, Slot, TRANSACTION_BYTES_MAX,
    Transaction, TransactionDecodeError, ValidatorSetHash, block_hash, decode_transaction, digest_of, seal_hash,
    with_digest,
};
use parity_scale_codec::{Compact, DecodeAll, Encode};
use proptest::prelude::*;

use crate::support::{any_finality, any_hash, any_signature, finality};

fn digest() -> AuthorityDigest {
    AuthorityDigest {
        recovery: None,
        slot: Slot::new(0x0102),
        next_set_hash: ValidatorSetHash::new(B256::repeat_byte(0x44)),
        parent_certificate: Some(finality(&[0, 1, 2])),
        seal: Some(Signature64::new([0x55; 64])),
    }
}

fn recovery_digest() -> AuthorityDigest {
    AuthorityDigest {
        recovery: Some(RecoveryPoint {
            order: RecoveryOrder {
                epoch: 3,
                checkpoint: 7,
            },
            height: BlockNumber::new(0x0405),
            state_root: B256::repeat_byte(0x66),
        }),
        ..digest()
    }
}

fn header() -> Header {
    let header = Header {
        parent_hash: B256::repeat_byte(1),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: Address::repeat_byte(2),
        state_root: B256::repeat_byte(3),
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        logs_bloom: Bloom::ZERO,
        difficulty: U256::ZERO,
        number: 10,
        gas_limit: 120_000_000,
        gas_used: 21_000,
        timestamp: 258,
        extra_data: Default::default(),
        mix_hash: B256::ZERO,
        nonce: B64::ZERO,
        base_fee_per_gas: Some(0),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(B256::repeat_byte(4)),
        ..Header::default()
    };
    with_digest(header, &digest())
}

/// A reading of RLP that shares nothing with the code under test: the items of a list of strings.
fn rlp_items(bytes: &[u8]) -> Vec<Vec<u8>> {
    let take = |bytes: &[u8], short: u8| -> (usize, usize) {
        let first = bytes[0] - short;
        if first <= 55 {
            return (1, usize::from(first));
        }
        let width = usize::from(first - 55);
        (
            1 + width,
            bytes[1..=width]
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte)),
        )
    };
    let (start, length) = take(bytes, 0xc0);
    assert_eq!(start + length, bytes.len(), "one list and nothing else");
    let mut rest = &bytes[start..];
    let mut items = Vec::new();
    while let Some(&first) = rest.first() {
        let (start, length) = if first < 0x80 { (0, 1) } else { take(rest, 0x80) };
        items.push(rest[start..start + length].to_vec());
        rest = &rest[start + length..];
    }
    items
}

#[test]
fn a_header_is_ethereums() {
    let header = header();
    let mut rlp = Vec::new();
    header.encode(&mut rlp);
    let items = rlp_items(&rlp);
    assert_eq!(items.len(), 21, "the fields of a prague header");
    assert_eq!(items[0], [1; 32]);
    assert_eq!(items[2], [2; 20]);
    assert_eq!(items[8], [10]);
    assert_eq!(items[9], 120_000_000_u32.to_be_bytes());
    assert_eq!(items[11], [1, 2]);
    assert_eq!(items[12], digest().encode());
    assert_eq!(items[15], [0_u8; 0], "a base fee of 0 is the empty string");
    assert_eq!(items[20], [4; 32]);
    assert_eq!(block_hash(&header).get(), keccak256(&rlp));
    assert_eq!(
        block_hash(&header).to_string(),
        include_str!("golden/header_hash.hex").trim()
    );
    assert_eq!(SealedHeader::new(header.clone()).hash, block_hash(&header));
}

#[test]
fn the_layout_of_a_digest_is_fixed() {
    let mut golden = "010201000000000000".to_owned() + &"44".repeat(32);
    golden += "01030000000000000009000000000000004600000000000000";
    golden += &("22".repeat(32) + "0c");
    for (index, signature) in finality(&[0, 1, 2]).signatures {
        golden += &format!("{index:02x}00{}", hex::encode(signature.get()));
    }
    golden += &("01".to_owned() + &"55".repeat(64));
    assert_eq!(hex::encode(digest().encode()), golden);
    let genesis = AuthorityDigest {
        parent_certificate: None,
        seal: None,
        ..digest()
    };
    assert_eq!(
        hex::encode(genesis.encode()),
        "010201000000000000".to_owned() + &"44".repeat(32) + "0000"
    );
    let recovery =
        golden.replacen("01", "02", 1) + "030000000000000007000000000000000504000000000000" + &"66".repeat(32);
    assert_eq!(hex::encode(recovery_digest().encode()), recovery);
}

#[test]
fn the_seal_signs_the_header_without_the_seal() {
    let header = header();
    let digest = digest_of(&header).unwrap();
    let unsealed = with_digest(
        header.clone(),
        &AuthorityDigest {
            seal: None,
            ..digest.clone()
        },
    );
    assert_eq!(seal_hash(&header, &digest), block_hash(&unsealed));
    assert_ne!(seal_hash(&header, &digest), block_hash(&header));
    assert_eq!(
        seal_hash(&unsealed, &digest_of(&unsealed).unwrap()),
        block_hash(&unsealed)
    );
    let other_slot = AuthorityDigest {
        slot: Slot::new(1),
        ..digest.clone()
    };
    assert_ne!(
        seal_hash(&header, &other_slot),
        seal_hash(&header, &digest),
        "the slot is sealed too"
    );
}

#[test]
fn the_longest_digest_fits_exactly() {
    let mut longest = recovery_digest();
    let certificate = longest.parent_certificate.as_mut().unwrap();
    certificate.signatures = (0..128).map(|index| (index, Signature64::new([7; 64]))).collect();
    assert_eq!(longest.encode().len(), EXTRA_DATA_BYTES_MAX);
    assert_eq!(digest_of(&with_digest(header(), &longest)), Ok(longest));
}

#[test]
fn extra_data_that_is_no_digest_is_named() {
    let number = BlockNumber::new(10);
    let with = |extra: Vec<u8>| {
        digest_of(&Header {
            extra_data: extra.into(),
            ..header()
        })
    };
    let bytes = EXTRA_DATA_BYTES_MAX + 1;
    assert_eq!(with(vec![1; bytes]), Err(DigestError::TooLong { number, bytes }));
    assert_eq!(with(vec![3, 0, 0]), Err(DigestError::Version { number, got: 3 }));
    let mut cut_short = recovery_digest().encode();
    cut_short.pop();
    let bytes = cut_short.len();
    assert_eq!(with(cut_short), Err(DigestError::Malformed { number, bytes }));
    // The version alone says whether there is a recovery.
    let mut other_version = recovery_digest().encode();
    let bytes = other_version.len();
    other_version[0] = 1;
    assert_eq!(with(other_version), Err(DigestError::Malformed { number, bytes }));
    assert_eq!(with(vec![]), Err(DigestError::Malformed { number, bytes: 0 }));
    let mut trailing = digest().encode();
    trailing.push(0);
    let bytes = trailing.len();
    assert_eq!(with(trailing), Err(DigestError::Malformed { number, bytes }));
}

fn signed<T: SignableTransaction<Signature>>(tx: T) -> Transaction
where
    Transaction: From<alloy_consensus::Signed<T>>,
{
    tx.into_signed(Signature::test_signature()).into()
}

fn transactions() -> Vec<Transaction> {
    let to = Address::repeat_byte(9);
    vec![
        signed(TxLegacy {
            chain_id: Some(6300),
            to: TxKind::Call(to),
            input: vec![1; 100].into(),
            ..Default::default()
        }),
        signed(TxEip2930 {
            chain_id: 6300,
            to: TxKind::Create,
            nonce: 1,
            ..Default::default()
        }),
        signed(TxEip1559 {
            chain_id: 6300,
            to: TxKind::Call(to),
            nonce: 2,
            ..Default::default()
        }),
        signed(TxEip7702 {
            chain_id: 6300,
            to,
            nonce: 3,
            ..Default::default()
        }),
    ]
}

fn ethereum_block(block: &Block) -> alloy_consensus::Block<Transaction> {
    let body = BlockBody {
        transactions: block.transactions.clone(),
        ommers: Vec::new(),
        withdrawals: Some(Default::default()),
    };
    alloy_consensus::Block::new(block.header.clone(), body)
}

fn assert_foreign(block: &alloy_consensus::Block<Transaction>, what: &str) {
    match Block::from_rlp(&alloy_rlp::encode(block)) {
        Err(BlockDecodeError::Foreign { what: found, .. }) => assert_eq!(found, what),
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn a_block_is_ethereums() {
    for transactions in [Vec::new(), transactions()] {
        let block = Block {
            header: header(),
            transactions,
        };
        assert_eq!(block.to_rlp(), alloy_rlp::encode(ethereum_block(&block)));
        assert_eq!(Block::from_rlp(&block.to_rlp()), Ok(block.clone()));
        assert_eq!(block.encode(), Encode::encode(&block.to_rlp()));
        assert_eq!(Block::decode_all(&mut &block.encode()[..]), Ok(block));
    }
}

#[test]
fn what_this_chain_has_not_is_refused() {
    let block = Block {
        header: header(),
        transactions: transactions(),
    };
    let mut ommers = ethereum_block(&block);
    ommers.body.ommers.push(header());
    assert_foreign(&ommers, "ommers");
    let mut withdrawals = ethereum_block(&block);
    withdrawals.body.withdrawals = Some(vec![Default::default()].into());
    assert_foreign(&withdrawals, "withdrawals");
    withdrawals.body.withdrawals = None;
    assert_foreign(&withdrawals, "no list of withdrawals");
    let blob = TxEip4844 {
        chain_id: 6300,
        ..Default::default()
    }
    .into_signed(Signature::test_signature());
    let mut blobs = ethereum_block(&block);
    blobs
        .body
        .transactions
        .push(EthereumTxEnvelope::<TxEip4844>::Eip4844(blob).into());
    assert_foreign(&blobs, "a blob transaction");
}

#[test]
fn bytes_around_a_block_are_refused() {
    let rlp = Block {
        header: header(),
        transactions: transactions(),
    }
    .to_rlp();
    let longer = [&rlp[..], &[0x80]].concat();
    assert!(matches!(
        Block::from_rlp(&longer),
        Err(BlockDecodeError::Malformed { .. })
    ));
    for cut in [0, 1, rlp.len() / 2, rlp.len() - 1] {
        assert!(
            matches!(Block::from_rlp(&rlp[..cut]), Err(BlockDecodeError::Malformed { .. })),
            "{cut} bytes"
        );
    }
    let bytes = BLOCK_BYTES_MAX + 1;
    assert_eq!(
        Block::from_rlp(&vec![0; bytes]),
        Err(BlockDecodeError::TooLong { bytes })
    );
    // A claimed length costs no memory unless the bytes are there.
    let claimed = Compact(u32::try_from(BLOCK_BYTES_MAX).unwrap()).encode();
    assert!(Block::decode_all(&mut &claimed[..]).is_err());
}

#[test]
fn a_block_has_one_form() {
    // A decoder that takes any even v for parity 0 would read two byte strings as one block.
    let block = Block {
        header: header(),
        transactions: vec![transactions().remove(2)],
    };
    let (rlp, transaction) = (block.to_rlp(), block.transactions[0].encoded_2718());
    let parity = rlp.len() - 2 - 67;
    assert_eq!(
        (rlp[parity], transaction[transaction.len() - 67]),
        (0x80, 0x80),
        "the place of the parity"
    );
    for odd in [0x20, 0x1b, 0x25] {
        let mut other = rlp.clone();
        other[parity] = odd;
        assert!(Block::from_rlp(&other).is_err(), "{odd:#x}");
        let mut other = transaction.clone();
        other[transaction.len() - 67] = odd;
        assert!(decode_transaction(&other).is_err(), "{odd:#x}");
    }
}

#[test]
fn transactions_are_read_in_their_own_form() {
    for transaction in transactions() {
        let bytes = transaction.encoded_2718();
        assert_eq!(decode_transaction(&bytes), Ok(transaction.clone()));
        assert_eq!(keccak256(&bytes), *transaction.tx_hash());
        let longer = [&bytes[..], &[0]].concat();
        assert!(matches!(
            decode_transaction(&longer),
            Err(TransactionDecodeError::Malformed { .. })
        ));
        assert!(matches!(
            decode_transaction(&bytes[..bytes.len() - 1]),
            Err(TransactionDecodeError::Malformed { .. })
        ));
    }
    let blob = TxEip4844 {
        chain_id: 6300,
        ..Default::default()
    }
    .into_signed(Signature::test_signature());
    let blob = EthereumTxEnvelope::<TxEip4844>::Eip4844(blob).encoded_2718();
    assert_eq!(decode_transaction(&blob), Err(TransactionDecodeError::Blob));
    let bytes = TRANSACTION_BYTES_MAX + 1;
    assert_eq!(
        decode_transaction(&vec![0; bytes]),
        Err(TransactionDecodeError::TooLong { bytes })
    );
    assert!(matches!(
        decode_transaction(&[]),
        Err(TransactionDecodeError::Malformed { .. })
    ));
}

#[test]
fn a_block_in_another_encoding_is_refused() {
    let block = Block {
        header: header(),
        transactions: transactions(),
    };
    let rlp = block.to_rlp();
    let number = block.number();
    let mut others = 0;
    for at in 0..rlp.len() {
        let mut other = rlp.clone();
        other[at] ^= 0xc0;
        let read = Block::from_rlp(&other);
        assert_ne!(read.as_ref(), Ok(&block), "byte {at}");
        others += usize::from(read == Err(BlockDecodeError::NotCanonical { number }));
    }
    assert!(
        others > 0,
        "the decoder takes the parity of a typed transaction in several forms"
    );
}

proptest! {
    #[test]
    fn digests_survive_their_encoding(
        slot in any::<u64>(),
        set in any_hash(),
        parent_certificate in prop::option::of(any_finality()),
        seal in prop::option::of(any_signature()),
        recovery in prop::option::of((any::<[u64; 3]>(), any_hash())),
    ) {
        let digest = AuthorityDigest {
            recovery: recovery.map(|([epoch, checkpoint, height], state_root)| RecoveryPoint {
                order: RecoveryOrder { epoch, checkpoint },
                height: BlockNumber::new(height),
                state_root,
            }),
            slot: Slot::new(slot),
            next_set_hash: ValidatorSetHash::new(set),
            parent_certificate,
            seal,
        };
        let header = with_digest(header(), &digest);
        prop_assert_eq!(digest_of(&header), Ok(digest));
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600), version in 0..4_u8) {
        let _ = Block::from_rlp(&bytes);
        let _ = decode_transaction(&bytes);
        let _ = Block::decode_all(&mut &bytes[..]);
        let extra = [&[version][..], &bytes].concat();
        let _ = digest_of(&Header { extra_data: extra.into(), ..header() });
    }

    #[test]
    fn a_damaged_block_is_another_or_none(at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let block = Block { header: header(), transactions: transactions() };
        let mut rlp = block.to_rlp();
        let at = at.index(rlp.len());
        rlp[at] ^= flip;
        prop_assert_ne!(Block::from_rlp(&rlp), Ok(block));
    }
}

#[test]
fn hashes_of_different_blocks_differ() {
    let block = Block {
        header: header(),
        transactions: Vec::new(),
    };
    let next = Block {
        header: Header { number: 11, ..header() },
        transactions: Vec::new(),
    };
    assert_ne!(block.hash(), next.hash());
    assert_ne!(block.hash(), BlockHash::new(B256::ZERO));
    assert_eq!(next.number(), BlockNumber::new(11));
}
