//! Do the decoders of what peers and callers send keep to one encoding per value? Headers, blocks, transactions, and every
//! SCALE message of the consensus.

use std::{fmt::Debug, sync::LazyLock};

use alloy_rlp::Decodable as _;
use ledger_chainspec::{
    AuthorityDigest, Block, BlockNumber, ConsensusKey, EXTRA_DATA_BYTES_MAX, Endorsement, FinalityCertificate,
    GenesisHash, Header, PrevoteCertificate, SetId, Signature64, Statement, ValidatorSet, Vote, block_hash,
    certificate::CertificateError, decode_transaction, digest_of, seal_hash, vote::STATEMENT_BYTES_MAX, with_digest,
};
use ledger_consensus::{GuardRecord, Message, SignedStatement};
use parity_scale_codec::{Decode, DecodeAll, Encode};

use crate::{Target, seeds};

/// The targets of this page.
pub const TARGETS: &[Target] = &[
    Target::small("header", header, 16 << 10),
    Target::small("digest", digest, 16 << 10),
    Target::small("block", block, 64 << 10),
    Target::small("transaction", transaction, 16 << 10),
    Target::small("statement", statement, 512),
    Target::small("vote", vote, 512),
    Target::small("certificate", certificate, 16 << 10),
    Target::small("message", message, 64 << 10),
    Target::small("validator_set", validator_set, 32 << 10),
    Target::small("guard_record", guard_record, 64 << 10),
    Target::small("contract_output", contract_output, 4 << 10),
];

/// Somebody's signature over something else.
static SIGNATURE: LazyLock<Signature64> = LazyLock::new(seeds::signature);

/// The value in `bytes`, if it is one; it must have no other encoding.
fn scale<T: DecodeAll + Encode + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let value = T::decode_all(&mut &bytes[..]).ok()?;
    assert_eq!(value.encode(), bytes, "a second encoding of {value:?}");
    Some(value)
}

/// RLP of a header: written again as it was read, and its digest as well.
pub fn header(bytes: &[u8]) {
    let mut rest = bytes;
    let Ok(header) = Header::decode(&mut rest) else { return };
    let read = &bytes[..bytes.len() - rest.len()];
    assert_eq!(alloy_rlp::encode(&header), read, "a second encoding of {header:?}");
    assert_eq!(block_hash(&header).get(), alloy_primitives::keccak256(read));
    sealed(&header);
}

/// The digest of a header is its extra data and nothing else.
fn sealed(header: &Header) {
    match digest_of(header) {
        Ok(digest) => {
            assert!(
                header.extra_data.len() <= EXTRA_DATA_BYTES_MAX,
                "a digest longer than any"
            );
            assert_eq!(
                with_digest(header.clone(), &digest),
                *header,
                "a second encoding of {digest:?}"
            );
            let unsealed = AuthorityDigest {
                seal: None,
                ..digest.clone()
            };
            assert_eq!(
                seal_hash(header, &digest),
                seal_hash(header, &unsealed),
                "a seal signs itself"
            );
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The extra data of a header.
pub fn digest(bytes: &[u8]) {
    sealed(&Header {
        extra_data: bytes.to_vec().into(),
        ..Header::default()
    });
}

/// RLP of a block, alone and as a SCALE message carries it.
pub fn block(bytes: &[u8]) {
    let Ok(block) = Block::from_rlp(bytes) else { return };
    assert_eq!(block.to_rlp(), bytes, "a second encoding of {block:?}");
    assert_eq!(
        scale::<Block>(&bytes.encode()).as_ref(),
        Some(&block),
        "SCALE and RLP disagree"
    );
    sealed(&block.header);
    for transaction in &block.transactions {
        let bytes = alloy_eips::eip2718::Encodable2718::encoded_2718(transaction);
        assert_eq!(
            decode_transaction(&bytes).as_ref(),
            Ok(transaction),
            "a block holds what the pool refuses"
        );
    }
}

/// EIP-2718 bytes of a transaction: one encoding, and the hash is that of the bytes.
pub fn transaction(bytes: &[u8]) {
    use alloy_consensus::transaction::SignerRecoverable as _;
    let Ok(transaction) = decode_transaction(bytes) else {
        return;
    };
    assert_eq!(alloy_eips::eip2718::Encodable2718::encoded_2718(&transaction), bytes);
    assert_eq!(*transaction.tx_hash(), alloy_primitives::keccak256(bytes));
    let sender = transaction.recover_signer();
    assert_eq!(sender.is_ok(), transaction.recover_signer().is_ok());
}

/// What validators sign.
pub fn statement(bytes: &[u8]) {
    if let Some(statement) = scale::<Statement>(bytes) {
        assert!(bytes.len() <= STATEMENT_BYTES_MAX, "longer than any statement");
        assert!(!statement.verify(&ConsensusKey::new([0; 32]), &SIGNATURE));
    }
    if let Some(signed) = scale::<SignedStatement>(bytes) {
        assert_eq!(signed.to_bytes(), bytes, "evidence is not the bytes that were signed");
    }
}

/// A vote or an endorsement.
pub fn vote(bytes: &[u8]) {
    let genesis = seeds::GENESIS;
    if let Some(vote) = scale::<Vote>(bytes)
        && vote.verify(genesis).is_ok()
    {
        assert!(
            vote.verify(GenesisHash::new(vote.hash.get())).is_err(),
            "valid on two chains"
        );
    }
    if let Some(endorsement) = scale::<Endorsement>(bytes) {
        let _ = endorsement.verify(genesis);
    }
}

/// Certificates of both kinds, checked against a real set.
pub fn certificate(bytes: &[u8]) {
    static SET: LazyLock<ValidatorSet> = LazyLock::new(|| seeds::set(4));
    let set = &*SET;
    if let Some(certificate) = scale::<FinalityCertificate>(bytes)
        && certificate.verify(seeds::GENESIS, set).is_ok()
    {
        let signers: Vec<_> = certificate.signatures.iter().map(|(index, _)| *index).collect();
        proven(&signers, set);
        let other = ValidatorSet::new(SetId::new(set.id().get() + 1), set.iter().cloned().collect());
        let verdict = certificate.verify(seeds::GENESIS, &other.expect("the same validators"));
        assert!(matches!(verdict, Err(CertificateError::WrongSet { .. })), "{verdict:?}");
    }
    if let Some(certificate) = scale::<PrevoteCertificate>(bytes)
        && certificate.verify(seeds::GENESIS, set).is_ok()
    {
        let signers: Vec<_> = certificate.signatures.iter().map(|vote| vote.index).collect();
        proven(&signers, set);
    }
}

/// A certificate that verifies has a quorum of different validators.
fn proven(signers: &[u16], set: &ValidatorSet) {
    assert!(signers.len() >= set.quorum(), "no quorum: {signers:?}");
    assert!(
        signers.is_sorted_by(|a, b| a < b),
        "not in order, or twice: {signers:?}"
    );
}

/// Every message of the consensus.
pub fn message(bytes: &[u8]) {
    match scale::<Message>(bytes) {
        Some(Message::Proposal(proposal)) => block(&proposal.block.to_rlp()),
        Some(Message::Vote(one)) => vote(&one.encode()),
        Some(Message::Justification(certificates)) => {
            certificates.iter().for_each(|one| certificate(&one.encode()));
        }
        Some(Message::Finality(one)) => certificate(&one.encode()),
        None => {}
    }
}

/// A validator set: nobody twice, one hash.
pub fn validator_set(bytes: &[u8]) {
    let Some(set) = scale::<ValidatorSet>(bytes) else {
        return;
    };
    assert_eq!(set.hash().get(), alloy_primitives::keccak256(bytes));
    assert_eq!(set.quorum() + set.faults(), set.len());
    let again = ValidatorSet::new(set.id(), set.iter().cloned().collect());
    assert_eq!(again.as_ref(), Ok(&set), "a set that cannot be made was read");
    for (index, validator) in set.iter().enumerate() {
        assert_eq!(
            set.index_of(&validator.consensus_key),
            Some(index),
            "a key stands twice"
        );
    }
}

/// What a validator keeps of what it signed.
pub fn guard_record(bytes: &[u8]) {
    let Ok(record) = GuardRecord::from_bytes(bytes) else {
        return;
    };
    assert_eq!(record.encode(), bytes, "a second encoding of {record:?}");
    assert!(record.height >= BlockNumber::new(0) && GuardRecord::decode(&mut &bytes[..]).is_ok());
}

/// What contracts revert with and log: anybody can deploy one that says anything.
pub fn contract_output(bytes: &[u8]) {
    if let Some(error) = ledger_contracts::decode_revert(bytes) {
        assert!(!error.name().is_empty());
    }
    let (topics, data) = bytes.split_at(bytes.len().min(128) / 32 * 32);
    let topics = topics
        .chunks_exact(32)
        .map(alloy_primitives::B256::from_slice)
        .collect();
    if let Some(log) = alloy_primitives::LogData::new(topics, data.to_vec().into()) {
        let _ = ledger_contracts::decode_event(&log);
    }
}
