//! Certificates: what proves a quorum and what does not.

use ledger_chainspec::{
    BlockNumber, CertificateError, FinalityCertificate, PrevoteCertificate, PrevoteSignature, SetId, Signature64, Slot,
    VALIDATORS_MAX, block::CERTIFICATE_BYTES_MAX,
};
use parity_scale_codec::{DecodeAll, Encode};
use proptest::prelude::*;

use crate::support::{BLOCK, GENESIS, OTHER_GENESIS, any_finality, finality, key, set};

const HEIGHT: BlockNumber = BlockNumber::new(9);

#[test]
fn any_quorum_makes_a_block_final() {
    for signers in [&[0, 1, 2][..], &[0, 1, 3], &[1, 2, 3], &[0, 1, 2, 3]] {
        assert_eq!(finality(signers).verify(GENESIS, &set(4)), Ok(()), "{signers:?}");
    }
    assert_eq!(finality(&[0]).verify(GENESIS, &set(1)), Ok(()));
}

#[test]
fn every_reason_against_a_finality_certificate_is_named() {
    let mut other_set = finality(&[0, 1, 2]);
    other_set.set_id = SetId::new(4);
    let mut swapped = finality(&[0, 1, 2]);
    swapped.signatures.swap(0, 1);
    let mut twice = finality(&[0, 1, 2]);
    twice.signatures[2] = twice.signatures[1];
    let mut stranger = finality(&[0, 1, 2]);
    stranger.signatures[2].0 = 4;
    let mut borrowed = finality(&[0, 1, 2]);
    borrowed.signatures[2].1 = borrowed.signatures[1].1;
    let mut other_slot = finality(&[0, 1, 2]);
    other_slot.slot = Slot::new(71);
    let cases = [
        (
            other_set,
            CertificateError::WrongSet {
                height: HEIGHT,
                got: SetId::new(4),
                expected: SetId::new(3),
            },
        ),
        (
            finality(&[0, 1]),
            CertificateError::NoQuorum {
                height: HEIGHT,
                got: 2,
                quorum: 3,
            },
        ),
        (
            finality(&[]),
            CertificateError::NoQuorum {
                height: HEIGHT,
                got: 0,
                quorum: 3,
            },
        ),
        (
            swapped,
            CertificateError::Order {
                height: HEIGHT,
                index: 0,
            },
        ),
        (
            twice,
            CertificateError::Order {
                height: HEIGHT,
                index: 1,
            },
        ),
        (
            stranger,
            CertificateError::NoSuchValidator {
                height: HEIGHT,
                index: 4,
                validators: 4,
            },
        ),
        (
            borrowed,
            CertificateError::Signature {
                height: HEIGHT,
                index: 2,
            },
        ),
        (
            other_slot,
            CertificateError::Signature {
                height: HEIGHT,
                index: 0,
            },
        ),
    ];
    for (certificate, error) in cases {
        assert_eq!(certificate.verify(GENESIS, &set(4)), Err(error));
    }
    assert_eq!(
        finality(&[0, 1, 2]).verify(OTHER_GENESIS, &set(4)),
        Err(CertificateError::Signature {
            height: HEIGHT,
            index: 0
        })
    );
}

fn prevotes(signers: &[(u8, Option<u64>)]) -> PrevoteCertificate {
    let mut certificate = PrevoteCertificate {
        set_id: SetId::new(3),
        height: HEIGHT,
        slot: Slot::new(70),
        hash: BLOCK,
        signatures: Vec::new(),
    };
    for &(k, valid_slot) in signers {
        let valid_slot = valid_slot.map(Slot::new);
        let signature = certificate.statement(GENESIS, valid_slot).sign(&key(k));
        certificate.signatures.push(PrevoteSignature {
            index: u16::from(k),
            valid_slot,
            signature,
        });
    }
    certificate
}

#[test]
fn prevotes_that_rest_on_different_slots_add_up() {
    let certificate = prevotes(&[(0, None), (1, Some(69)), (3, Some(66))]);
    assert_eq!(certificate.verify(GENESIS, &set(4)), Ok(()));
    assert_eq!(
        PrevoteCertificate::decode_all(&mut &certificate.encode()[..]),
        Ok(certificate)
    );
}

#[test]
fn a_prevote_that_rests_on_its_own_slot_spoils_the_certificate() {
    assert_eq!(
        prevotes(&[(0, None), (1, Some(70)), (3, None)]).verify(GENESIS, &set(4)),
        Err(CertificateError::ValidSlotNotEarlier {
            slot: Slot::new(70),
            index: 1,
            valid_slot: Slot::new(70)
        })
    );
    let mut moved = prevotes(&[(0, None), (1, None), (3, None)]);
    moved.signatures[1].valid_slot = Some(Slot::new(5));
    assert_eq!(
        moved.verify(GENESIS, &set(4)),
        Err(CertificateError::Signature {
            height: HEIGHT,
            index: 1
        })
    );
}

#[test]
fn precommits_are_no_prevotes() {
    let precommits = finality(&[0, 1, 2]);
    let mut certificate = prevotes(&[(0, None), (1, None), (2, None)]);
    for (vote, (_, signature)) in certificate.signatures.iter_mut().zip(&precommits.signatures) {
        vote.signature = *signature;
    }
    assert_eq!(
        certificate.verify(GENESIS, &set(4)),
        Err(CertificateError::Signature {
            height: HEIGHT,
            index: 0
        })
    );
}

#[test]
fn the_longest_certificate_is_read_and_a_longer_one_is_not() {
    let mut certificate = finality(&[]);
    certificate.signatures = (0..128).map(|index| (index, Signature64::new([7; 64]))).collect();
    assert_eq!(certificate.signatures.len(), VALIDATORS_MAX);
    assert_eq!(certificate.encode().len(), CERTIFICATE_BYTES_MAX);
    assert!(FinalityCertificate::decode_all(&mut &certificate.encode()[..]).is_ok());
    certificate.signatures.push((128, Signature64::new([7; 64])));
    assert!(FinalityCertificate::decode_all(&mut &certificate.encode()[..]).is_err());
}

proptest! {
    #[test]
    fn certificates_survive_their_encoding(certificate in any_finality()) {
        prop_assert_eq!(FinalityCertificate::decode_all(&mut &certificate.encode()[..]), Ok(certificate));
    }

    #[test]
    fn no_certificate_of_random_signatures_verifies(certificate in any_finality()) {
        prop_assert!(certificate.verify(GENESIS, &set(4)).is_err());
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = FinalityCertificate::decode_all(&mut &bytes[..]);
        let _ = PrevoteCertificate::decode_all(&mut &bytes[..]);
    }
}
