//! What a holder signs, against what other implementations compute.

use alloy_primitives::{Signature, U256, b256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use ledger_api::CodeInfo;
use passport_cli::{
    authorization::{Consent, KIND, SignedAuthorization, Signup},
    error::{CliError, Exit},
};

use crate::kit::{NOW, OTHER, cloud, code};

fn signup() -> Signup {
    Signup {
        reference: "ticket 42".to_owned(),
        salt: b256!("0x1111111111111111111111111111111111111111111111111111111111111111"),
    }
}

fn consent(code: &CodeInfo) -> SignedAuthorization {
    let signer = PrivateKeySigner::random();
    let code = CodeInfo {
        holder: signer.address(),
        ..code.clone()
    };
    let cloud = cloud();
    let consent = Consent {
        chain_id: 6_300,
        code: &code,
        cloud: &cloud,
        signup: signup(),
        deadline: NOW,
    };
    let signature = signer.sign_hash_sync(&consent.digest()).unwrap();
    consent.signed(signature.as_bytes().to_vec().into())
}

/// Computed with viem's `hashTypedData` and `keccak256`.
#[test]
fn digest_is_what_viem_computes() {
    let hash = b256!("0x218a43aa51ed04ae822a100ea2a88f6ebef7f632764319e808888fd0664d9181");
    assert_eq!(signup().hash(), hash);
    let golden = b256!("0xb3be7c3be4df754e719c8163f7eb62730e3bb61e52c9c7142f9baf8382ded8fd");
    let (code, cloud) = (code(), cloud());
    let on_chain = |chain_id| Consent {
        chain_id,
        code: &code,
        cloud: &cloud,
        signup: signup(),
        deadline: NOW,
    };
    assert_eq!(on_chain(6_300).digest(), golden);
    assert_ne!(on_chain(6_301).digest(), golden, "another chain, another digest");
}

#[test]
fn file_carries_the_holders_signature_over_the_digest() {
    let signed = consent(&code());
    let read = SignedAuthorization::parse(&signed.to_text(), "a file").unwrap();
    assert_eq!(read, signed);
    let (code, cloud) = (code(), cloud());
    let digest = Consent {
        chain_id: read.chain_id,
        code: &code,
        cloud: &cloud,
        signup: read.signup.clone().unwrap(),
        deadline: read.deadline,
    }
    .digest();
    let signature = Signature::try_from(read.signature.as_ref()).unwrap();
    assert_eq!(signature.recover_address_from_prehash(&digest).unwrap(), read.holder);
    let for_node = serde_json::to_value(read.for_node()).unwrap();
    assert_eq!(for_node["deadline"], format!("{NOW:#x}"));
}

#[test]
fn file_that_is_not_whole_is_refused_with_what_is_wrong() {
    let good: serde_json::Value = serde_json::from_str(&consent(&code()).to_text()).unwrap();
    assert_eq!(good["kind"], KIND);
    let changes = [
        ("kind", "cloud-ledger-authorization/2".into(), "is of kind"),
        (
            "signupRef",
            format!("0x{}", "22".repeat(32)).into(),
            "is not of the sign-up reference",
        ),
        ("deadline", serde_json::Value::Null, "invalid type: null"),
        ("memberId", "0x1ffffffff".into(), "expected a 4 byte hex string"),
        ("surprise", 1.into(), "unknown field `surprise`"),
    ];
    for (key, value, words) in changes {
        let mut bad = good.clone();
        bad[key] = value;
        let error = SignedAuthorization::parse(&bad.to_string(), "a file").unwrap_err();
        assert!(error.to_string().contains(words), "{key}: {error}");
        assert_eq!(error.exit(), Exit::Wallet);
    }
    for bad in ["", "{", "[]", "null", "\"0x\""] {
        let error = SignedAuthorization::parse(bad, "a file").unwrap_err();
        assert!(matches!(error, CliError::AuthorizationFile { .. }), "{bad}");
    }
}

#[test]
fn authorization_of_another_code_holder_cloud_or_chain_does_not_fit() {
    let signed = consent(&code());
    let own = CodeInfo {
        holder: signed.holder,
        ..code()
    };
    signed.check_code(&own).unwrap();
    signed.check_chain(6_300).unwrap();
    signed.check_cloud(2).unwrap();
    let other_code = CodeInfo {
        code_id: U256::from(9),
        ..own.clone()
    };
    let other_holder = CodeInfo { holder: OTHER, ..own };
    for error in [
        signed.check_code(&other_code).unwrap_err(),
        signed.check_code(&other_holder).unwrap_err(),
        signed.check_chain(1).unwrap_err(),
        signed.check_cloud(1).unwrap_err(),
    ] {
        assert!(matches!(error, CliError::AuthorizationMismatch { .. }), "{error}");
    }
}
