//! Where does fuzzing start? Small valid inputs of every target, made anew from fixed keys, so that a change of a format is a
//! change of the seeds and seen as one.
//!
//! `cargo run --bin ledger-fuzz-seeds` writes them to `fuzz/corpus-seed`; a test compares. Nothing here is random. Key files lie
//! there beside them, written by OpenSSL and by hand: with parameters that cost nothing and the password `fuzz`.

use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy, constants::EMPTY_OMMER_ROOT_HASH,
};
use alloy_eips::{
    eip2718::Encodable2718,
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_primitives::{Address, B256, Signature, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use ed25519_dalek::SigningKey;
use ledger_chainspec::{
    AuthorityDigest, Block, BlockHash, BlockNumber, ChainSpec, ConsensusKey, Endorsement, FinalityCertificate,
    GenesisHash, Header, MemberId, PassportCode, PrevoteCertificate, PrevoteSignature, RecoveryOrder, RecoveryPoint,
    SetId, Signature64, Slot, Statement, StatementKind, Transaction, Validator, ValidatorSet, Vote, peer_id_of,
    peer_id_to_text, with_digest,
};
use ledger_consensus::{GuardRecord, Message, Proposal, Reproposal, SignedStatement};
use parity_scale_codec::Encode;

/// The chain of all seeds.
pub const GENESIS: GenesisHash = GenesisHash::new(B256::repeat_byte(0x11));
const BLOCK: BlockHash = BlockHash::new(B256::repeat_byte(0x22));
const SET: SetId = SetId::new(3);
const HEIGHT: BlockNumber = BlockNumber::new(9);
const SLOT: Slot = Slot::new(70);

/// A seed: its target, its name in the target's folder, its bytes.
pub type Seed = (&'static str, &'static str, Vec<u8>);

/// Every seed.
#[must_use]
pub fn all() -> Vec<Seed> {
    let mut all = wire();
    all.extend(files());
    all.extend(crate::notary::seeds());
    all.extend(crate::desk::seeds());
    #[cfg(feature = "node")]
    all.extend(crate::node::seeds());
    #[cfg(feature = "node")]
    all.extend(crate::network::seeds());
    #[cfg(feature = "node")]
    all.extend(crate::checkpoints::seeds());
    #[cfg(feature = "node")]
    all.extend(crate::state::seeds());
    #[cfg(feature = "node")]
    all.extend(crate::relayer::seeds());
    #[cfg(feature = "node")]
    all.extend(crate::rpc::seeds());
    all
}

/// The key of somebody.
#[must_use]
pub fn key(index: u8) -> SigningKey {
    SigningKey::from_bytes(&[index + 1; 32])
}

/// A signature of somebody over something.
#[must_use]
pub fn signature() -> Signature64 {
    statement(StatementKind::Seal, None).sign(&key(0))
}

/// A set of `validators`.
///
/// # Panics
/// Never for the numbers that the seeds use.
#[must_use]
pub fn set(validators: u8) -> ValidatorSet {
    let validator = |index: u8| Validator {
        consensus_key: ConsensusKey::of(&key(index)),
        account: Address::repeat_byte(index),
        checkpoint_key: Address::repeat_byte(index ^ 0x80),
        peer_id: peer_id_of(&ConsensusKey::of(&key(index))),
        member_id: MemberId::new(u32::from(index) + 1),
    };
    ValidatorSet::new(SET, (0..validators).map(validator).collect()).expect("they differ in everything")
}

fn statement(kind: StatementKind, valid_slot: Option<Slot>) -> Statement {
    Statement {
        genesis: GENESIS,
        set_id: SET,
        height: HEIGHT,
        slot: SLOT,
        kind,
        hash: BLOCK,
        valid_slot,
    }
}

/// A certificate.
#[must_use]
pub fn finality() -> FinalityCertificate {
    let mut certificate = FinalityCertificate {
        set_id: SET,
        height: HEIGHT,
        slot: SLOT,
        hash: BLOCK,
        signatures: Vec::new(),
    };
    let statement = certificate.statement(GENESIS);
    certificate.signatures = (0..3)
        .map(|index| (u16::from(index), statement.sign(&key(index))))
        .collect();
    certificate
}

/// A certificate.
#[must_use]
pub fn prevotes() -> PrevoteCertificate {
    let mut certificate = PrevoteCertificate {
        set_id: SET,
        height: HEIGHT,
        slot: SLOT,
        hash: BLOCK,
        signatures: Vec::new(),
    };
    let sign = |index: u8| {
        let valid_slot = (index == 1).then_some(Slot::new(66));
        PrevoteSignature {
            index: index.into(),
            valid_slot,
            signature: certificate.statement(GENESIS, valid_slot).sign(&key(index)),
        }
    };
    let signatures = (0..3).map(sign).collect();
    certificate.signatures = signatures;
    certificate
}

fn digest(seal: Option<Signature64>) -> AuthorityDigest {
    AuthorityDigest {
        recovery: None,
        slot: SLOT,
        next_set_hash: set(4).hash(),
        parent_certificate: Some(finality()),
        seal,
    }
}

/// That of a recovery block, which has a field more.
fn recovery_digest() -> AuthorityDigest {
    AuthorityDigest {
        recovery: Some(RecoveryPoint {
            order: RecoveryOrder {
                epoch: 1,
                checkpoint: 2,
            },
            height: BlockNumber::new(4),
            state_root: B256::repeat_byte(0x66),
        }),
        ..digest(Some(signature()))
    }
}

/// A header like those of the chain.
#[must_use]
pub fn header() -> Header {
    header_with(&digest(Some(signature())))
}

fn header_with(digest: &AuthorityDigest) -> Header {
    let plain = Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        number: HEIGHT.get(),
        gas_limit: 60_000_000,
        gas_used: 21_000,
        timestamp: 1_750_000_000,
        base_fee_per_gas: Some(0),
        withdrawals_root: Some(alloy_consensus::EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(B256::repeat_byte(0x33)),
        ..Header::default()
    };
    with_digest(plain, digest)
}

fn account() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(0x42)).expect("a number below the order of the curve")
}

fn signed<T: SignableTransaction<Signature>>(transaction: T) -> Transaction
where
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let signature = account()
        .sign_hash_sync(&transaction.signature_hash())
        .expect("a local key signs");
    transaction.into_signed(signature).into()
}

/// A transaction of each type.
#[must_use]
pub fn transactions() -> [(&'static str, Transaction); 5] {
    let chain_id = ChainSpec::dev().chain_id;
    let to = TxKind::Call(Address::repeat_byte(0x77));
    let access_list = AccessList(vec![AccessListItem {
        address: Address::repeat_byte(0x78),
        storage_keys: vec![B256::repeat_byte(1)],
    }]);
    let unsigned = Authorization {
        chain_id: U256::from(chain_id),
        address: Address::repeat_byte(0x79),
        nonce: 1,
    };
    let by = account()
        .sign_hash_sync(&unsigned.signature_hash())
        .expect("a local key signs");
    let legacy = TxLegacy {
        chain_id: Some(chain_id),
        gas_limit: 21_000,
        to,
        ..TxLegacy::default()
    };
    let creation = TxEip1559 {
        chain_id,
        gas_limit: 100_000,
        input: vec![0x60, 0, 0x60, 0, 0xf3].into(),
        ..TxEip1559::default()
    };
    let with_list = TxEip2930 {
        chain_id,
        gas_limit: 50_000,
        to,
        access_list: access_list.clone(),
        ..TxEip2930::default()
    };
    let call = TxEip1559 {
        chain_id,
        nonce: 1,
        gas_limit: 60_000,
        to,
        input: vec![1, 2, 3, 4].into(),
        access_list,
        ..TxEip1559::default()
    };
    let delegation = TxEip7702 {
        chain_id,
        gas_limit: 100_000,
        authorization_list: vec![unsigned.into_signed(by)],
        ..TxEip7702::default()
    };
    [
        ("legacy", signed(legacy)),
        ("creation", signed(creation)),
        ("access-list", signed(with_list)),
        ("dynamic-fee", signed(call)),
        ("delegation", signed(delegation)),
    ]
}

/// A block proposed again.
#[must_use]
pub fn reproposal() -> Reproposal {
    Reproposal {
        slot: Slot::new(71),
        signature: signature(),
        certificates: vec![prevotes()],
    }
}

/// A prevote that rests on a certificate.
#[must_use]
pub fn vote() -> Vote {
    Vote::sign(&statement(StatementKind::Prevote, Some(Slot::new(66))), &key(1))
}

/// A promise about two transactions.
#[must_use]
pub fn endorsement() -> Endorsement {
    Endorsement::sign(GENESIS, SLOT, vec![B256::repeat_byte(0x55); 2], &key(0))
}

fn block() -> Block {
    let transactions = transactions().map(|(_, transaction)| transaction).to_vec();
    Block {
        header: header(),
        transactions,
    }
}

/// A recovery block, which holds no transactions.
fn recovery_block() -> Block {
    Block {
        header: header_with(&recovery_digest()),
        transactions: Vec::new(),
    }
}

fn wire() -> Vec<Seed> {
    let (sealed, unsealed) = (digest(Some(signature())), digest(None));
    let prevote = statement(StatementKind::Prevote, Some(Slot::new(66)));
    let precommit = statement(StatementKind::Precommit, None);
    let vote = vote();
    let evidence = SignedStatement {
        statement: precommit,
        signature: precommit.sign(&key(2)),
    };
    let endorsement = endorsement();
    let proposal = |again| {
        Message::Proposal(Proposal {
            block: block().into(),
            again,
        })
    };
    let again = reproposal();
    let mut seeds = vec![
        ("header", "sealed", alloy_rlp::encode(header())),
        ("header", "recovery", alloy_rlp::encode(recovery_block().header)),
        ("header", "plain", alloy_rlp::encode(Header::default())),
        ("digest", "sealed", sealed.encode()),
        ("digest", "unsealed", unsealed.encode()),
        ("digest", "recovery", recovery_digest().encode()),
        ("block", "five", block().to_rlp()),
        ("block", "recovery", recovery_block().to_rlp()),
        ("statement", "seal", statement(StatementKind::Seal, None).encode()),
        ("statement", "prevote", prevote.encode()),
        ("statement", "evidence", evidence.to_bytes()),
        ("vote", "prevote", vote.encode()),
        ("vote", "precommit", Vote::sign(&precommit, &key(1)).encode()),
        ("vote", "endorsement", endorsement.encode()),
        ("certificate", "finality", finality().encode()),
        ("certificate", "prevotes", prevotes().encode()),
        ("message", "proposal", proposal(None).encode()),
        ("message", "reproposal", proposal(Some(again)).encode()),
        ("message", "vote", Message::Vote(vote).encode()),
        (
            "message",
            "justification",
            Message::Justification(vec![prevotes(); 2]).encode(),
        ),
        ("message", "finality", Message::Finality(finality()).encode()),
        ("validator_set", "four", set(4).encode()),
        ("validator_set", "one", set(1).encode()),
        (
            "guard_record",
            "fresh",
            GuardRecord::fresh(GENESIS, ConsensusKey::of(&key(0))).encode(),
        ),
        ("guard_record", "locked", guard_record().encode()),
        ("contract_output", "error", vec![0x08, 0xc3, 0x79, 0xa0]),
        (
            "contract_output",
            "panic",
            [&[0x4e, 0x48, 0x7b, 0x71][..], &[0; 31], &[0x11]].concat(),
        ),
    ];
    let encoded = transactions().map(|(name, transaction)| ("transaction", name, transaction.encoded_2718()));
    seeds.extend(encoded);
    seeds
}

fn guard_record() -> GuardRecord {
    use ledger_consensus::guard_record::{CertifiedCandidate, Lock, SignedAt};
    let signed = Some(SignedAt {
        slot: SLOT,
        hash: BLOCK,
    });
    GuardRecord {
        set_id: SET,
        height: HEIGHT,
        seal: signed,
        prevote: signed,
        precommit: signed,
        lock: Some(Lock {
            slot: SLOT,
            hash: BLOCK,
        }),
        newest: Some(CertifiedCandidate {
            certificates: vec![prevotes()],
            block: block().into(),
        }),
        ..GuardRecord::fresh(GENESIS, ConsensusKey::of(&key(0)))
    }
}

fn files() -> Vec<Seed> {
    let code = |block, index| PassportCode::new(BlockNumber::new(block), index).expect("below the bound");
    vec![
        ("spec", "dev", ChainSpec::dev().to_toml().into_bytes()),
        ("passport_code", "first", code(1, 0).to_string().into_bytes()),
        ("passport_code", "long", code(u64::MAX, 7).to_string().into_bytes()),
        ("passport_code", "id", B256::repeat_byte(0x0a).to_string().into_bytes()),
        (
            "passport_code",
            "peer",
            peer_id_to_text(&peer_id_of(&ConsensusKey::of(&key(0)))).into_bytes(),
        ),
    ]
}
