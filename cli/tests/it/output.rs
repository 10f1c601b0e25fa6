//! What people see, letter by letter, and what scripts can rely on.

use alloy_primitives::{B256, U256};
use ledger_api::{BlockPoint, CodeEnding, CodeInfo, CodeState, OfferInfo, PoolEntry, Verdict, Verification};
use passport_cli::{
    error::Exit,
    output::{chain, code as code_output, pool},
};

use crate::kit::{HOLDER, NOW, OTHER, TRANSACTION, cloud, code, spec};

fn verification(verdict: Verdict, redeemable: bool, obstacle: Option<&str>) -> Verification {
    Verification {
        verdict,
        redeemable,
        reason: "live, and held by who asked for it".to_owned(),
        obstacle: obstacle.map(ToOwned::to_owned),
        requires_authorization: true,
        ttl_seconds: 2_588_400,
        code: Some(code()),
        cloud: cloud(),
        block: BlockPoint {
            number: 110,
            hash: B256::ZERO,
            timestamp: NOW,
        },
    }
}

#[test]
fn live_code_is_shown_with_both_its_forms() {
    let report = code_output::code(&code(), NOW);
    let expected = "\
Promo code     0x5a0b54d5dc17e0aadc383d2db43b0a0d3e029c4c5e0a5b3e1d3a4b8f6c7d8e9f
Passport code  003A-G00A-R7VJ
State          live for 29 d 23 h, until 2026-12-20 13:32:55 UTC
Good for       small: 1 vCPU, 2048 MiB memory, 20 GiB disk, for 720 h
Reward         1 PASS to the holder at redemption
Holder         0x14dC79964da2C08b23698B3D3cc7Ca32193d9955
Issued         block 106, 2026-11-20 13:32:55 UTC
";
    assert_eq!(report.text, expected);
    assert_eq!(report.exit, Exit::Done);
    assert_eq!(report.json["transaction"], TRANSACTION.to_string());
    assert_eq!(report.json["passportCode"], "003A-G00A-R7VJ");
    assert_eq!(report.json["codeId"], "0x10000000000000007");
    assert_eq!(report.json["state"], "live");
}

#[test]
fn redeemed_code_names_who_redeemed_it_and_who_asked_for_it() {
    let redeemed = CodeInfo {
        state: CodeState::Redeemed,
        holder: OTHER,
        ending: Some(CodeEnding {
            transaction: B256::ZERO,
            block_number: 120,
            timestamp: NOW,
            redeemed_by: Some(cloud()),
        }),
        ..code()
    };
    let text = code_output::code(&redeemed, NOW).text;
    assert!(
        text.contains("State          redeemed by Borealis Cloud (member 2)\n"),
        "{text}"
    );
    assert!(text.contains(&format!("Requested by   {HOLDER}\n")), "{text}");
    assert!(
        text.contains("Ended          block 120, 2026-11-20 14:32:55 UTC, transaction 0x"),
        "{text}"
    );
}

#[test]
fn verdict_ends_well_only_if_the_cloud_can_redeem_now() {
    let id = "003A-G00A-R7VJ";
    let good = code_output::verification(id, &verification(Verdict::Valid, true, None), NOW);
    assert_eq!(good.exit, Exit::Done);
    let head = "\
Verdict        live, and held by who asked for it
Redeemable     yes, by Borealis Cloud (member 2)
Time left      29 d 23 h
Promo code     0x5a0b";
    assert!(good.text.starts_with(head), "{}", good.text);
    assert!(
        good.text
            .ends_with("As of          block 110, 2026-11-20 14:32:55 UTC\n"),
        "{}",
        good.text
    );

    let unsigned = verification(Verdict::Valid, false, Some("the holder has not signed"));
    let unsigned = code_output::verification(id, &unsigned, NOW);
    assert_eq!(unsigned.exit, Exit::CodeNotGood);
    assert!(
        unsigned
            .text
            .contains("not by Borealis Cloud (member 2): the holder has not signed\n")
    );
    assert!(
        unsigned
            .next
            .unwrap()
            .contains("passport authorize 003A-G00A-R7VJ --cloud 2")
    );

    let unknown = Verification {
        code: None,
        ..verification(Verdict::NeverIssued, false, None)
    };
    let unknown = code_output::verification(id, &unknown, NOW);
    assert_eq!(unknown.exit, Exit::CodeNotGood);
    assert!(
        unknown.text.contains("Promo code  003A-G00A-R7VJ\n"),
        "{}",
        unknown.text
    );
    assert!(!unknown.text.contains("Time left"));
    assert_eq!(unknown.json["verdict"], "neverIssued");
}

fn entry() -> PoolEntry {
    let offer = |member_id, cloud: &str, left, paused| OfferInfo {
        member_id,
        cloud: cloud.to_owned(),
        left,
        paused,
    };
    PoolEntry {
        spec_id: 1,
        name: "small".to_owned(),
        live_codes: 3,
        offered: 100,
        available: 97,
        offers: vec![
            offer(1, "Aurora Cloud", 100, false),
            offer(2, "Borealis Cloud", 50, true),
        ],
    }
}

#[test]
fn pool_and_offers_are_tables() {
    let expected = "\
SPEC   AVAILABLE  OFFERED  LIVE CODES  CLOUDS
small         97      100           3  Aurora Cloud
";
    assert_eq!(pool::pool(&[entry()]).text, expected);
    let expected = "\
MEMBER  CLOUD           SPEC   LEFT  STATE
     1  Aurora Cloud    small   100  open
     2  Borealis Cloud  small    50  paused
";
    assert_eq!(pool::offers(&[entry()], None).text, expected);
    for named in ["2", "borealis cloud"] {
        let report = pool::offers(&[entry()], Some(named));
        assert!(
            !report.text.contains("Aurora") && report.text.contains("Borealis"),
            "{named}"
        );
        assert_eq!(report.json[0]["offers"].as_array().unwrap().len(), 1);
    }
    assert!(pool::offers(&[], None).next.is_some());
}

#[test]
fn specifications_and_balances_are_in_units_of_people() {
    let expected = "\
ID  SPEC   VCPU  MEMORY MIB  DISK GIB  HOURS  CODE LIVES  REWARD  AUTHORIZATION
 1  small     1        2048        20    720  30 d        1 PASS  required
";
    assert_eq!(pool::specs(&[spec(true)]).text, expected);
    let balance = chain::Balance {
        address: HOLDER,
        passport_tokens: U256::from(1_500_000_000_000_000_000_u64),
        coins: U256::ZERO,
    };
    let report = chain::balance(&balance);
    let expected = "\
Account          0x14dC79964da2C08b23698B3D3cc7Ca32193d9955
Passport tokens  1.5 PASS
Coins            0
";
    assert_eq!(report.text, expected);
    assert_eq!(report.json["passportTokens"], "0x14d1120d7b160000");
}
