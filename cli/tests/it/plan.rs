//! Facts and arguments in, one call or a refusal out.

use alloy_primitives::{U256, address, hex};
use ledger_api::{CodeEnding, CodeInfo, CodeState};
use ledger_chainspec::predeploys::TRANSACT;
use passport_cli::{
    error::{CliError, Exit},
    plan,
};

use crate::kit::{HOLDER, NOW, OTHER, TRANSACTION, cloud, code, spec};

#[test]
fn calls_are_what_the_contract_reads() {
    let id = TRANSACTION.to_string();
    let id = plan::code_ref(&id).unwrap();
    let word = |number: u64| format!("{number:064x}");
    let code_word = format!("{}{}", "0".repeat(47), "10000000000000007");
    // Selectors as `cast sig` gives them.
    let table = [
        (plan::request(&spec(true)), format!("87fb95f9{}", word(1))),
        (
            plan::transfer(&id, &code(), HOLDER, OTHER).unwrap(),
            format!("b7760c8f{code_word}{}{}", "0".repeat(24), hex::encode(OTHER)),
        ),
        (
            plan::cancel(&id, &code(), HOLDER).unwrap(),
            format!("40e58ee5{code_word}"),
        ),
        (
            plan::set_offer(&spec(true), 500),
            format!("2b449aab{}{}", word(1), word(500)),
        ),
        (plan::pause(&spec(true)), format!("4cda9b55{}", word(1))),
        (plan::resume(&spec(true)), format!("2ec84ac2{}", word(1))),
    ];
    for (call, data) in table {
        assert_eq!(call.to, TRANSACT);
        assert_eq!(hex::encode(&call.data), data, "{}", call.what);
    }
}

#[test]
fn codes_are_taken_in_both_forms_and_typing_errors_are_noticed() {
    let passport = ledger_chainspec::PassportCode::new(ledger_chainspec::BlockNumber::new(106), 0).unwrap();
    let text = passport.to_string();
    for form in [
        text.clone(),
        text.to_lowercase(),
        text.replace('-', ""),
        TRANSACTION.to_string(),
    ] {
        plan::code_ref(&form).unwrap();
    }
    let last = if text.ends_with('0') { '1' } else { '0' };
    let misread = format!("{}{last}", &text[..text.len() - 1]);
    for bad in ["", "0x", "0x12", "hello", &misread] {
        let error = plan::code_ref(bad).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage, "{bad}");
    }
}

#[test]
fn addresses_are_checked_with_their_checksum() {
    let good = "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955";
    let expected = address!("0x14dC79964da2C08b23698B3D3cc7Ca32193d9955");
    assert_eq!(plan::address(good).unwrap(), expected);
    assert_eq!(plan::address(&good.to_lowercase()).unwrap(), expected);
    for bad in [
        "",
        "14dC79964da2C08b23698B3D3cc7Ca32193d9955",
        "0x14",
        "0x14Dc79964da2C08b23698B3D3cc7Ca32193d9955",
    ] {
        assert!(matches!(plan::address(bad), Err(CliError::Address { .. })), "{bad}");
    }
}

#[test]
fn specifications_are_found_by_name_or_number() {
    let mut newer = spec(false);
    newer.spec_id = 4;
    let specs = [spec(true), newer];
    assert_eq!(plan::spec(&specs, "Small").unwrap().spec_id, 4, "the newest of a name");
    assert_eq!(plan::spec(&specs, "1").unwrap().spec_id, 1);
    let error = plan::spec(&specs, "huge").unwrap_err();
    assert!(error.to_string().contains("small"), "{error}");
    assert_eq!(error.exit(), Exit::Usage);
}

#[test]
fn ended_codes_and_other_peoples_are_not_moved() {
    let id = plan::code_ref(&TRANSACTION.to_string()).unwrap();
    let error = plan::cancel(&id, &code(), OTHER).unwrap_err();
    assert!(matches!(error, CliError::NotHolder { holder: HOLDER, .. }), "{error}");
    let redeemed = CodeEnding {
        transaction: TRANSACTION,
        block_number: 200,
        timestamp: NOW,
        redeemed_by: Some(cloud()),
    };
    for (state, ending, words) in [
        (CodeState::Expired, None, "expired on 2026-12-20"),
        (CodeState::Cancelled, None, "was given back"),
        (
            CodeState::Redeemed,
            Some(redeemed),
            "was redeemed by Borealis Cloud (member 2)",
        ),
    ] {
        let ended = CodeInfo {
            state,
            ending,
            ..code()
        };
        for error in [
            plan::cancel(&id, &ended, HOLDER).unwrap_err(),
            plan::transfer(&id, &ended, HOLDER, OTHER).unwrap_err(),
            plan::redeem(&id, &ended, None).unwrap_err(),
        ] {
            assert_eq!(error.exit(), Exit::CodeNotGood);
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}

#[test]
fn redemption_needs_an_authorization_where_the_specification_says_so() {
    let id = plan::code_ref(&TRANSACTION.to_string()).unwrap();
    let error = plan::redeem(&id, &code(), None).unwrap_err();
    assert!(matches!(error, CliError::AuthorizationMismatch { .. }), "{error}");
    let free = CodeInfo {
        spec: spec(false),
        code_id: U256::from(7),
        ..code()
    };
    let call = plan::redeem(&id, &free, None).unwrap();
    // redeem(uint256,(bytes32,uint256,bytes)) with an empty authorization.
    let zeros = "0".repeat(64);
    let expected = format!("2be4361b{:064x}{:064x}{zeros}{zeros}{:064x}{zeros}", 7, 64, 96);
    assert_eq!(hex::encode(call.data), expected);
}
