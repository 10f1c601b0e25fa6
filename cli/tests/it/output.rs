//! What people see, letter by letter, and what scripts can rely on.

use alloy_primitives::{B256, U256};
use ledger_api::{
    AnchorAlarm, AnchorContradiction, AnchorPoint, AnchorStanding, AnchorStatus, BlockPoint, CheckpointStatus,
    CodeEnding, CodeInfo, CodeState, ContractAddresses, EndorsementInfo, NodeStatus, OfferInfo, OpenHeight, PeerHead,
    PeerInfo, PoolEntry, PoolStatus, SpecUsage, StallReport, UsageReport, ValidatorHeard, ValidatorName, Verdict,
    Verification,
};
use ledger_chainspec::Month;
use passport_cli::{
    error::Exit,
    output::{chain, code as code_output, consensus, pool, usage},
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

fn aurora() -> ValidatorName {
    ValidatorName {
        index: Some(0),
        consensus_key: B256::repeat_byte(1),
        account: Some(HOLDER),
        cloud: Some("Aurora Cloud".to_owned()),
    }
}

fn head() -> BlockPoint {
    BlockPoint {
        number: 110,
        hash: B256::ZERO,
        timestamp: NOW - 60,
    }
}

#[test]
fn code_that_was_asked_for_names_the_promise() {
    let promise = EndorsementInfo {
        transaction: TRANSACTION,
        slot: 77,
        slot_start_ms: NOW * 1_000,
        authority: aurora(),
        transactions: vec![TRANSACTION],
        signature: vec![0; 64].into(),
        block_number: None,
    };
    let report = code_output::requested(&code(), Some(&promise), NOW);
    assert!(
        report
            .text
            .ends_with("\nEndorsed       by Aurora Cloud in slot 77, goes first\n"),
        "{}",
        report.text
    );
    assert_eq!(report.json["endorsement"]["slot"], "0x4d");
    assert_eq!(report.json["passportCode"], "003A-G00A-R7VJ");
    assert_eq!(
        code_output::requested(&code(), None, NOW),
        code_output::code(&code(), NOW)
    );
}

fn node_status() -> NodeStatus {
    NodeStatus {
        chain: "testnet".to_owned(),
        chain_id: 6301,
        genesis_hash: B256::ZERO,
        client_version: "ledger-node/test".to_owned(),
        head: head(),
        slot: 5,
        slot_duration_ms: 2_000,
        history_from: 0,
        set_id: 0,
        validators: 4,
        own_validator: Some(aurora()),
        peers: 4,
        connected_validators: 3,
        highest_peer_block: Some(112),
        syncing: true,
        sync_target: Some(112),
        checkpoints: Some(CheckpointStatus {
            summary: "this node signs a checkpoint every 1000 blocks".to_owned(),
            mainchain_id: 61,
            contract: Some(OTHER),
            interval_blocks: 1_000,
            own_key: None,
            newest_signed: None,
            oldest_waiting: None,
            waiting: 0,
        }),
        pool: PoolStatus { pending: 0, queued: 0 },
        contracts: ContractAddresses {
            bootstrap: OTHER,
            transact: OTHER,
            passport_token: OTHER,
        },
        anchor: None,
    }
}

#[test]
fn status_says_whom_the_node_signs_for_and_how_far_it_is() {
    let mut status = node_status();
    let text = chain::status(&status).text;
    for line in [
        "Signs for      Aurora Cloud\n",
        "Peers          4, 3 of them validators; the newest block of all is 112\n",
        "Synchronised   not yet; fetches blocks up to 112\n",
        "Checkpoints    this node signs a checkpoint every 1000 blocks\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    status.own_validator = None;
    (status.peers, status.connected_validators, status.highest_peer_block) = (0, 0, None);
    (status.syncing, status.sync_target) = (false, None);
    let text = chain::status(&status).text;
    for line in [
        "Signs for      nobody: it follows the chain\n",
        "Peers          0\n",
        "Synchronised   unknown: nobody is connected\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    status.peers = 1;
    assert!(chain::status(&status).text.contains("Synchronised   yes\n"));
}

#[test]
fn status_says_how_old_the_anchor_is_and_what_the_mainchain_contradicts() {
    let mut status = node_status();
    let line = |status: &NodeStatus| {
        let text = chain::status(status).text;
        let line = text.lines().find_map(|line| line.strip_prefix("Anchored "));
        line.expect("it is said").trim().to_owned()
    };
    assert_eq!(line(&status), "unknown: this node does not read the mainchain");
    let point = |index, height, standing| AnchorPoint {
        index,
        height,
        standing,
    };
    let anchor = AnchorStatus {
        contract: OTHER,
        complete: true,
        mainchain_block: Some(1_000),
        answered_at: Some(NOW),
        newest: Some(point(3, 900, AnchorStanding::Mined)),
        believed: Some(point(2, 600, AnchorStanding::Soft)),
        age_seconds: Some(3_660),
        alarms: vec![AnchorAlarm {
            name: "silent".to_owned(),
            message: "the mainchain has not answered for 20 minutes".to_owned(),
        }],
        contradiction: None,
        recovering: None,
        refused: None,
    };
    status.anchor = Some(anchor.clone());
    assert_eq!(
        line(&status),
        "up to block 900, checkpoint 3 (mined), 1 h 1 min old; believed up to block 600; the mainchain has not answered for 20 minutes"
    );
    let contradiction = AnchorContradiction {
        index: 2,
        height: 600,
        number: 600,
        anchored: B256::repeat_byte(1),
        got: B256::repeat_byte(2),
    };
    status.anchor = Some(AnchorStatus {
        contradiction: Some(contradiction),
        ..anchor
    });
    assert!(
        line(&status).starts_with("CONTRADICTED by checkpoint 2: block 600 is 0x0101"),
        "{}",
        line(&status)
    );
}

#[test]
fn stalled_chain_is_explained_before_its_facts() {
    let heard = |own, connected, last_heard_slot| ValidatorHeard {
        validator: aurora(),
        own,
        connected,
        last_heard_slot,
    };
    let report = StallReport {
        stalled: true,
        summary: "No block has come for 60 s although 1 transaction waits.".to_owned(),
        reasons: vec!["3 of 4 validators are needed.".to_owned()],
        head: head(),
        head_slot: 5,
        heartbeat_slot: 1_805,
        pending: 1,
        open: Some(OpenHeight {
            height: 111,
            slot: 35,
            authority: aurora(),
            quorum: 3,
            has_work: true,
            lock: None,
            newest_certificate: None,
            decided: None,
            silence: None,
            last_refusal: None,
        }),
        validators: vec![
            heard(true, false, Some(34)),
            heard(false, true, Some(33)),
            heard(false, false, None),
        ],
        peers: 1,
        clock_offset_ms: Some(-12),
    };
    let shown = consensus::stalled(&report, NOW);
    let expected = "\
No block has come for 60 s although 1 transaction waits.
- 3 of 4 validators are needed.

Head     block 110, 2026-11-20 14:31:55 UTC
Age      1 min
Waiting  1
Peers    1
Clock    -12 ms beside the peers' median
Height   111
Turn     Aurora Cloud, slot 35
Quorum   3 of 3

VALIDATOR     CONNECTED  LAST HEARD
Aurora Cloud  this node  slot 34
Aurora Cloud  yes        slot 33
Aurora Cloud  no         not at this height
";
    assert_eq!(shown.text, expected);
    assert_eq!(shown.json["reasons"][0], "3 of 4 validators are needed.");
    assert_eq!(shown.json["clockOffsetMs"], -12);
}

#[test]
fn peers_are_a_table_and_nobody_is_a_next_step() {
    let peer = PeerInfo {
        peer_id: "12D3Koo".to_owned(),
        address: "/ip4/10.0.0.1/tcp/1/p2p/12D3Koo".to_owned(),
        validator: Some(aurora()),
        reserved: false,
        incoming: true,
        agent: "ledger-node/0.1.0".to_owned(),
        head: Some(PeerHead {
            number: 110,
            hash: B256::ZERO,
            oldest: 0,
        }),
        clock_offset_ms: Some(3),
        round_trip_us: Some(1_250),
        score: 100,
        connected_since: NOW,
    };
    let stranger = PeerInfo {
        validator: None,
        head: None,
        clock_offset_ms: None,
        round_trip_us: None,
        ..peer.clone()
    };
    let expected = "\
VALIDATOR     HEAD  CLOCK  ROUND TRIP  SCORE  AGENT              ADDRESS              PEER
Aurora Cloud  110   +3 ms  1.2 ms        100  ledger-node/0.1.0  /ip4/10.0.0.1/tcp/1  12D3Koo
-             ?     ?      ?             100  ledger-node/0.1.0  /ip4/10.0.0.1/tcp/1  12D3Koo
";
    assert_eq!(consensus::peers(&[peer, stranger]).text, expected);
    assert!(
        consensus::peers(&[])
            .next
            .is_some_and(|next| next.contains("passport stalled"))
    );
}

fn usage_report(cloud: Option<ledger_api::CloudInfo>, is_over: bool) -> UsageReport {
    let month: Month = "2026-11".parse().unwrap();
    let entry = |spec_id, name: &str, issued| SpecUsage {
        spec_id,
        name: name.to_owned(),
        issued,
        redeemed: 700,
        redeemed_by_cloud: cloud.as_ref().map(|_| 40),
        cancelled: 3,
        expired: 12,
    };
    UsageReport {
        month,
        from: month.start(),
        until: if is_over { month.end() } else { NOW },
        is_over,
        specs: vec![entry(1, "small", 1_000), entry(2, "=big, \"fast\"", 900)],
        cloud,
    }
}

#[test]
fn usage_is_a_table_of_a_month() {
    let report = usage::usage(&usage_report(Some(cloud()), false));
    let expected = "\
Month  2026-11
Until  2026-11-20 14:32:55 UTC
Cloud  Borealis Cloud (member 2)

SPEC          ISSUED  REDEEMED  GIVEN BACK  EXPIRED  REDEEMED THERE
small           1000       700           3       12              40
=big, \"fast\"     900       700           3       12              40
";
    assert_eq!(report.text, expected);
    assert_eq!(report.json["month"], "2026-11");
    assert_eq!(report.json["specs"][0]["redeemedByCloud"], "0x28");
    let network = usage::usage(&usage_report(None, true));
    assert!(
        !network.text.contains("THERE") && !network.text.contains("Until"),
        "{}",
        network.text
    );
    assert_eq!(network.json["specs"][0].get("redeemedByCloud"), None);
    let nothing = UsageReport {
        specs: Vec::new(),
        ..usage_report(None, true)
    };
    assert!(usage::usage(&nothing).text.contains("Nothing happened"));
}

#[test]
fn usage_for_spreadsheets_is_quoted_and_runs_no_formula() {
    let expected = "\
month,until,cloud,member_id,spec,spec_id,redeemed_by_cloud,redeemed,issued,cancelled,expired
2026-11,1796083200,Borealis Cloud,2,small,1,40,700,1000,3,12
2026-11,1796083200,Borealis Cloud,2,\"'=big, \"\"fast\"\"\",2,40,700,900,3,12
";
    assert_eq!(usage::csv(&usage_report(Some(cloud()), true)).text, expected);
    let network = usage::csv(&usage_report(None, true)).text;
    assert!(
        network.contains("\n2026-11,1796083200,,,small,1,,700,1000,3,12\n"),
        "{network}"
    );
}
