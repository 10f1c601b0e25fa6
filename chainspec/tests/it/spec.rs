//! Specifications: the built-in ones, the template, files, and everything that can be wrong with one.

use std::fs;

use alloy_primitives::{Address, U256, address};
use ledger_chainspec::{
    ChainSpec, ConsensusKey, Hardfork, MemberId, NotaryParams, Problem, SetId, Slot, SpecError, ValidatorSetHash,
    dev_keys::DEV_ACCOUNTS,
    predeploys,
    spec::{BUILT_IN, MAINNET_TEMPLATE, SPEC_BYTES_MAX},
};
use proptest::prelude::*;

fn dev_toml() -> &'static str {
    BUILT_IN[0].1
}

fn problems(result: Result<impl std::fmt::Debug, SpecError>) -> Vec<String> {
    match result {
        Err(SpecError::Invalid { problems }) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("problems were expected, not {other:?}"),
    }
}

/// The beginning of the one problem that the dev chain has after a change.
type Case = (&'static str, fn(&mut ChainSpec));

/// The problems that the dev chain has after a change.
fn after(change: impl FnOnce(&mut ChainSpec)) -> Vec<String> {
    let mut spec = ChainSpec::dev();
    change(&mut spec);
    problems(spec.check())
}

#[test]
fn the_built_in_chains_are_sound() {
    for (name, text) in BUILT_IN {
        let spec = ChainSpec::from_toml(text).unwrap();
        assert_eq!(spec.name, name);
        assert_eq!(ChainSpec::load(name).unwrap(), spec);
        assert_eq!(ChainSpec::from_toml(&spec.to_toml()).unwrap(), spec, "{name}");
    }
    let (dev, testnet) = (ChainSpec::dev(), ChainSpec::testnet());
    assert_eq!((dev.chain_id, testnet.chain_id), (6300, 6301));
    assert_eq!(dev.hardfork, Hardfork::Osaka);
    assert_eq!(dev.genesis_slot(), Slot::new(1_767_225_600));
    assert_eq!(testnet.genesis_slot(), Slot::new(1_767_225_600));
    assert_eq!(testnet.members.len(), 4);
    let names: Vec<_> = dev
        .instance_specs
        .iter()
        .map(|spec| (&spec.name[..], spec.ttl_seconds))
        .collect();
    assert_eq!(names, [("small", 2_592_000), ("medium", 2_592_000), ("flash", 60)]);
    assert_eq!(dev.instance_specs[0].reward, U256::from(10).pow(U256::from(18)));
}

#[test]
fn the_genesis_set_is_the_specifications() {
    let set = ChainSpec::testnet().validator_set();
    assert_eq!((set.id(), set.len(), set.quorum()), (SetId::new(0), 4, 3));
    for (validator, position) in set.iter().zip(0..) {
        assert_eq!(validator.account, DEV_ACCOUNTS[2 * position]);
        assert_eq!(validator.peer_id.len(), 38);
    }
    assert_ne!(set.hash(), ValidatorSetHash::new(Default::default()));
}

#[test]
fn rules_that_are_fixed_for_life_are_hashed() {
    let dev = ChainSpec::dev();
    assert_eq!(
        dev.rules_hash().to_string(),
        include_str!("golden/dev_rules_hash.hex").trim()
    );
    let changes: [fn(&mut ChainSpec); 7] = [
        |spec| spec.chain_id += 1,
        |spec| spec.hardfork = Hardfork::Prague,
        |spec| spec.consensus.slot_duration_ms += 1,
        |spec| spec.limits.gas_limit += 1,
        |spec| spec.limits.transactions_per_slot += 1,
        |spec| spec.limits.transactions_per_sender_per_slot += 1,
        |spec| spec.limits.reserved_share_percent += 1,
    ];
    for (position, change) in changes.iter().enumerate() {
        let mut spec = ChainSpec::dev();
        change(&mut spec);
        assert_ne!(spec.rules_hash(), dev.rules_hash(), "change {position}");
    }
}

#[test]
fn the_template_says_what_is_to_be_filled_in() {
    let Err(SpecError::Unfilled { unfilled }) = ChainSpec::load("mainnet") else {
        panic!("a template is not runnable");
    };
    let keys: Vec<_> = unfilled.iter().map(|blank| &blank.key[..]).collect();
    let expected = [
        "chain_id",
        "genesis_timestamp",
        "members[0].name",
        "members[0].owner",
        "members[0].redeemers[0]",
        "validators[0].account",
        "validators[0].checkpoint_key",
        "validators[0].consensus_key",
        "validators[0].peer_id",
    ];
    for key in expected {
        assert!(keys.contains(&key), "{key} in {keys:?}");
    }
    assert_eq!(keys.len(), expected.len());
}

#[test]
fn the_filled_template_is_a_chain() {
    let mut filled = String::new();
    let mut keys = 1;
    for line in MAINNET_TEMPLATE.lines() {
        let value = match line.split_once(" = ") {
            Some(("chain_id", _)) => Some("6302".to_owned()),
            Some(("genesis_timestamp", _)) => Some("1800000000".to_owned()),
            Some(("name", value)) if value.contains('<') => Some("\"Some Cloud\"".to_owned()),
            // The example of libp2p's specification, and RFC 8032's first test key.
            Some(("peer_id", _)) => Some("\"12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq\"".to_owned()),
            Some(("consensus_key", _)) => {
                Some("\"0xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"".to_owned())
            }
            Some(("redeemers", _)) => Some(format!("[\"{}\"]", Address::repeat_byte(0xee))),
            Some((_, value)) if value.starts_with("\"<") => {
                keys += 1;
                Some(format!("\"{}\"", Address::repeat_byte(keys)))
            }
            _ => None,
        };
        match (value, line.split_once(" = ")) {
            (Some(value), Some((key, _))) => filled += &format!("{key} = {value}\n"),
            _ => filled += &format!("{line}\n"),
        }
    }
    let spec = ChainSpec::from_toml(&filled).unwrap();
    assert_eq!((&spec.name[..], spec.chain_id), ("mainnet", 6302));
}

#[test]
fn every_key_of_the_template_is_explained() {
    let mut explained = false;
    for line in MAINNET_TEMPLATE.lines() {
        let is_key = line.contains(" = ") && !line.starts_with('#');
        assert!(!is_key || explained, "{line}");
        // One comment may explain the keys right below it.
        explained = line.starts_with('#') || (is_key && explained);
    }
}

#[test]
fn mistakes_in_reading_are_named_all_at_once() {
    let text = dev_toml()
        .replace("slot_duration_ms = 1000", "slot_duration_ms = \"1000\"")
        .replace("timelock_seconds = 10", "timelock_seconds = 10\ntimelock = 10")
        .replace("interval_blocks = 100\n", "")
        .replace("hours = 720\nttl_seconds = 60", "hours = -1\nttl_seconds = 60")
        .replace("hardfork = \"osaka\"", "hardfork = \"london\"\nfork = 1")
        .replace("chain_id = 6300\n", "")
        .replace(
            &DEV_ACCOUNTS[3].to_string(),
            &DEV_ACCOUNTS[3].to_string().replace("0x90F7", "0x90f7"),
        );
    let found = problems(ChainSpec::from_toml(&text));
    let expected = [
        ("chain_id: missing", ""),
        (
            "hardfork: ",
            "unknown variant `london`, expected one of `cancun`, `prague`, `osaka`",
        ),
        ("consensus: ", "slot_duration_ms"),
        ("governance: unknown field `timelock`, expected", "`timelock_seconds`"),
        ("checkpoint: missing field `interval_blocks`", ""),
        ("members[1]: ", "is no address"),
        ("instance_specs[2]: ", "hours"),
        ("balances[3]: ", "is no address"),
        ("fork: unknown key; known here are name, chain_id", ""),
    ];
    for ((start, part), found) in expected.iter().zip(&found) {
        assert!(
            found.starts_with(start) && found.contains(part),
            "{found} is not {start}…{part}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn amounts_and_lists_of_the_wrong_form_are_named() {
    for amount in ["", "1e18", "0x10", "-1", "1.5", &"9".repeat(80)] {
        let text = dev_toml().replacen("10_000_000_000_000_000_000_000", amount, 1);
        let found = problems(ChainSpec::from_toml(&text));
        assert!(
            found[0].starts_with("balances[0]: ") && found[0].contains("is no amount"),
            "{found:?}"
        );
    }
    let text = dev_toml()
        .replace("[[instance_specs]]", "[instance_specs]")
        .split("# Like")
        .next()
        .unwrap()
        .to_owned();
    let text = text
        .split("[instance_specs]\nname = \"medium\"")
        .next()
        .unwrap()
        .to_owned();
    let found = problems(ChainSpec::from_toml(&text));
    assert!(
        found.contains(&"instance_specs: a list is needed, not a value of type table".to_owned()),
        "{found:?}"
    );
    assert!(found.contains(&"balances: missing".to_owned()), "{found:?}");
}

#[test]
fn what_is_not_toml_says_where() {
    let error = ChainSpec::from_toml("name = \"x\nchain_id = 1").unwrap_err();
    assert!(matches!(error, SpecError::Syntax { .. }));
    assert!(error.to_string().contains("line 1"), "{error}");
}

#[test]
fn numbers_out_of_range_are_named() {
    let cases: [Case; 24] = [
        ("name: \"Dev!\" is no name", |spec| spec.name = "Dev!".to_owned()),
        ("name: \"\" is no name", |spec| spec.name.clear()),
        ("genesis_timestamp: 1767225600000 is not in", |spec| {
            spec.genesis_timestamp *= 1000
        }),
        ("consensus.slot_duration_ms: 99 is not in 100 to 60000", |spec| {
            spec.consensus.slot_duration_ms = 99
        }),
        ("consensus.heartbeat_slots: 0 is not", |spec| {
            spec.consensus.heartbeat_slots = 0
        }),
        ("limits.gas_limit: 200000000 is not in 30000000 to", |spec| {
            spec.limits.gas_limit = 200_000_000
        }),
        ("limits.gas_limit: 120000000 is not in 30000000 to", |spec| {
            spec.hardfork = Hardfork::Cancun
        }),
        (
            "limits.transactions_per_sender_per_slot is 4001, but limits.transactions_per_slot is 4000",
            |spec| {
                spec.limits.transactions_per_sender_per_slot = 4001;
            },
        ),
        (
            "limits.transactions_per_slot is 6000, but limits.gas_limit is 120000000",
            |spec| {
                spec.limits.transactions_per_slot = 6000;
            },
        ),
        ("limits.reserved_share_percent: 19 is not in 20 to 90", |spec| {
            spec.limits.reserved_share_percent = 19
        }),
        (
            "governance.timelock_seconds is 3600, but governance.proposal_ttl_seconds is 3600",
            |spec| {
                spec.governance.timelock_seconds = 3600;
            },
        ),
        ("governance.proposal_ttl_seconds: 59 is not in 60 to 31536000", |spec| {
            spec.governance.proposal_ttl_seconds = 59;
        }),
        ("governance.proposal_ttl_seconds: 31536001 is not", |spec| {
            spec.governance.proposal_ttl_seconds = 31_536_001;
        }),
        ("checkpoint.interval_blocks: 0 is not", |spec| {
            spec.checkpoint.interval_blocks = 0
        }),
        ("checkpoint.confirmations: 0 is not", |spec| {
            spec.checkpoint.confirmations = 0
        }),
        ("checkpoint.mainchain_id is 6300, but chain_id is 6300", |spec| {
            spec.checkpoint.mainchain_id = 6300
        }),
        ("holder_limits.live_codes: 0 is not", |spec| {
            spec.holder_limits.live_codes = 0
        }),
        ("holder_limits.requests_per_period: 0 is not", |spec| {
            spec.holder_limits.requests_per_period = 0
        }),
        ("holder_limits.period_seconds: 0 is not", |spec| {
            spec.holder_limits.period_seconds = 0
        }),
        ("instance_specs: 0 is not in 1 to 64 entries", |spec| {
            spec.instance_specs.clear()
        }),
        ("instance_specs[1].name: ", |spec| {
            spec.instance_specs[1].name = "n".repeat(32)
        }),
        ("instance_specs[1].hours: 0 is not", |spec| {
            spec.instance_specs[1].hours = 0
        }),
        ("instance_specs[2].ttl_seconds: 0 is not", |spec| {
            spec.instance_specs[2].ttl_seconds = 0
        }),
        ("instance_specs[0].reward: ", |spec| {
            spec.instance_specs[0].reward = U256::MAX
        }),
    ];
    for (expected, change) in cases {
        let found = after(change);
        assert!(
            found.len() == 1 && found[0].starts_with(expected),
            "{found:?} is not {expected}"
        );
    }
}

#[test]
fn people_who_cannot_be_are_named() {
    let cases: [Case; 16] = [
        ("validators: 0 is not in 1 to 128 entries", |spec| {
            spec.validators.clear()
        }),
        (
            "members[1].id: 3, but ids run from 1 without gaps and the next is 2",
            |spec| {
                spec.members[1].id = MemberId::new(3);
            },
        ),
        ("members[1].name and members[0].name are both Aurora Cloud", |spec| {
            spec.members[1].name = "Aurora Cloud".to_owned();
        }),
        ("members[0].name: \" \" is no name", |spec| {
            spec.members[0].name = " ".to_owned()
        }),
        (
            "members[1].redeemers[1] and members[0].redeemers[0] are both 0x7099",
            |spec| {
                let taken = spec.members[0].redeemers[0];
                spec.members[1].redeemers.push(taken);
            },
        ),
        ("members[0].redeemers: 17 is not in 0 to 16 entries", |spec| {
            spec.members[0].redeemers = (101..118).map(Address::repeat_byte).collect();
        }),
        (
            "members[1].owner: 0x0000000000000000000000000000000000000000 is the zero address",
            |spec| {
                spec.members[1].owner = Address::ZERO;
            },
        ),
        ("validators[0].member_id: there is no member 9; there are 2", |spec| {
            spec.members[0].owner = Address::repeat_byte(1);
            spec.validators[0].member_id = MemberId::new(9);
        }),
        (
            "validators[0].account: 0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC is members[1].owner of member 2",
            |spec| {
                spec.validators[0].account = spec.members[1].owner;
            },
        ),
        (
            "validators[0].account: 0x0000000000000000000000000000000000001002 is a contract",
            |spec| {
                spec.validators[0].account = predeploys::TRANSACT;
            },
        ),
        (
            "validators[0].checkpoint_key: 0x0000000000000000000000000000000000001000 is a precompile",
            |spec| {
                spec.validators[0].checkpoint_key = predeploys::ED25519_PRECOMPILE;
            },
        ),
        ("validators[0].consensus_key: 0x0100000000000000", |spec| {
            let mut identity = [0; 32];
            identity[0] = 1;
            spec.validators[0].consensus_key = ConsensusKey::new(identity);
        }),
        ("validators[0].peer_id: \"QmYyQSo1\" is no peer id", |spec| {
            spec.validators[0].peer_id = "QmYyQSo1".to_owned()
        }),
        ("balances[1].address and balances[0].address are both 0xf39F", |spec| {
            spec.balances[1].address = spec.balances[0].address;
        }),
        ("balances: their sum is 2^256 or more", |spec| {
            spec.balances[4].wei = U256::MAX
        }),
        (
            "balances[0].address: 0x0000000000000000000000000000000000000009 is a precompile's place",
            |spec| {
                spec.balances[0].address = address!("0x0000000000000000000000000000000000000009");
            },
        ),
    ];
    for (expected, change) in cases {
        let found = after(change);
        assert!(
            found.len() == 1 && found[0].starts_with(expected),
            "{found:?} is not {expected}"
        );
    }
}

#[test]
fn validators_share_nothing() {
    let mut spec = ChainSpec::testnet();
    spec.validators[2] = spec.validators[1].clone();
    spec.validators[2].member_id = MemberId::new(3);
    let found = problems(spec.check());
    assert_eq!(found.len(), 5, "{found:#?}");
    assert!(
        found[0].contains("is members[1].owner of member 2, but this validator is member 3's"),
        "{found:?}"
    );
    for (found, field) in found[1..]
        .iter()
        .zip(["account", "consensus_key", "checkpoint_key", "peer_id"])
    {
        assert!(
            found.starts_with(&format!("validators[2].{field} and validators[1].{field} are both ")),
            "{found}"
        );
    }
}

#[test]
fn contradictions_are_named_all_at_once() {
    let found = after(|spec| {
        spec.chain_id = 0;
        spec.limits.gas_limit = 1;
        spec.governance.proposal_ttl_seconds = 0;
        spec.members.clear();
    });
    let keys: Vec<_> = found
        .iter()
        .map(|problem| problem.split([':', ' ']).next().unwrap())
        .collect();
    for key in [
        "chain_id",
        "limits.gas_limit",
        "governance.proposal_ttl_seconds",
        "members",
        "validators[0].member_id",
    ] {
        assert!(keys.contains(&key), "{key} in {found:#?}");
    }
}

#[test]
fn keys_that_everybody_has_stay_on_the_built_in_chains() {
    let found = after(|spec| spec.chain_id = 1234);
    let keys: Vec<_> = found
        .iter()
        .filter(|problem| problem.contains("public development key"))
        .collect();
    assert_eq!(keys.len(), found.len());
    // Two owners, two redeemers, and the validator's account, checkpoint key, consensus key and peer id.
    assert_eq!(found.len(), 8, "{found:#?}");
}

#[test]
fn bootnodes_are_addresses_of_peers() {
    let peer = ChainSpec::dev().validators[0].peer_id.clone();
    let with = |address: String| {
        let mut spec = ChainSpec::dev();
        spec.network.bootnodes = vec![address];
        spec.check()
    };
    for place in [
        "/ip4/127.0.0.1/tcp/30333",
        "/ip6/::1/tcp/1",
        "/dns/node.example/udp/30333/quic-v1",
        "/dns4/a/tcp/9",
    ] {
        assert!(with(format!("{place}/p2p/{peer}")).is_ok(), "{place}");
    }
    for place in [
        "",
        "/ip4/127.0.0.1",
        "/ip4/300.0.0.1/tcp/1",
        "/ip4/127.0.0.1/tcp/0",
        "/ip4/127.0.0.1/tcp/70000",
        "x",
    ] {
        let address = format!("{place}/p2p/{peer}");
        match with(address.clone()) {
            Err(SpecError::Invalid { problems }) => {
                assert_eq!(
                    problems,
                    [Problem::Bootnode {
                        key: "network.bootnodes[0]".to_owned(),
                        got: address
                    }]
                );
            }
            other => panic!("{place}: {other:?}"),
        }
    }
    assert!(problems(with("/ip4/1.1.1.1/tcp/1/p2p/Qm".to_owned()))[0].starts_with("network.bootnodes[0]: \"Qm\""));
}

#[test]
fn a_notary_is_optional_and_no_part_of_the_rules() {
    let mut spec = ChainSpec::dev();
    let rules = spec.rules_hash();
    assert!(spec.notary.is_none() && !spec.to_toml().contains("notary"));
    spec.notary = Some(NotaryParams {
        urls: vec![
            "http://one.example".to_owned(),
            "http://127.0.0.1:8650/files".to_owned(),
        ],
        root_version: 2,
        root_sha256: [7; 32].into(),
    });
    assert_eq!(ChainSpec::from_toml(&spec.to_toml()).unwrap(), spec);
    assert_eq!(spec.rules_hash(), rules);
    let with = |change: fn(&mut NotaryParams)| {
        let mut spec = spec.clone();
        change(spec.notary.as_mut().unwrap());
        problems(spec.check())
    };
    assert!(with(|notary| notary.urls.clear())[0].contains("notary.urls"));
    assert!(with(|notary| notary.urls.push("http://three".to_owned()))[0].contains("notary.urls"));
    assert!(with(|notary| notary.urls[1] = notary.urls[0].clone())[0].contains("http://one.example"));
    assert!(with(|notary| notary.root_version = 0)[0].contains("notary.root_version"));
    for url in [
        "https://one",
        "one.example",
        "http://",
        "http://a b",
        "http:///x",
        &"http://a".repeat(40),
    ] {
        let mut spec = spec.clone();
        spec.notary.as_mut().unwrap().urls[0] = url.to_owned();
        let found = problems(spec.check());
        assert!(
            found[0].contains("is no address such as http://notary.example"),
            "{url}: {found:?}"
        );
    }
}

#[test]
fn files_are_read_and_their_faults_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.toml");
    let name = path.to_str().unwrap();
    assert!(matches!(ChainSpec::load(name), Err(SpecError::Unknown { .. })));
    let unknown = ChainSpec::load("tesnet").unwrap_err().to_string();
    assert!(
        unknown.contains("\"tesnet\"") && unknown.contains("dev and testnet"),
        "{unknown}"
    );
    fs::write(&path, dev_toml()).unwrap();
    assert_eq!(ChainSpec::load(name).unwrap(), ChainSpec::dev());
    fs::write(&path, dev_toml().replace("chain_id = 6300", "chain_id = 0\nchain = 1")).unwrap();
    let fault = ChainSpec::load(name).unwrap_err().to_string();
    assert!(
        fault.contains("own.toml") && fault.contains("chain: unknown key"),
        "{fault}"
    );
    fs::write(&path, MAINNET_TEMPLATE).unwrap();
    let blank = ChainSpec::load(name).unwrap_err().to_string();
    assert!(blank.contains("9 values are to be filled in first:\n  - "), "{blank}");
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(
        matches!(ChainSpec::load(name), Err(SpecError::Read { .. })),
        "not UTF-8"
    );
    fs::write(&path, vec![b'#'; usize::try_from(SPEC_BYTES_MAX).unwrap() + 1]).unwrap();
    assert!(matches!(ChainSpec::load(name), Err(SpecError::TooLong { .. })));
    assert!(
        matches!(
            ChainSpec::load(folder.path().to_str().unwrap()),
            Err(SpecError::Read { .. })
        ),
        "a folder"
    );
}

proptest! {
    #[test]
    fn garbage_never_panics(text in "\\PC{0,200}") {
        let _ = ChainSpec::from_toml(&text);
    }

    #[test]
    fn a_damaged_specification_is_refused_or_read_without_panic(at in any::<prop::sample::Index>(), put in "\\PC{0,3}") {
        let text = dev_toml();
        let at = (0..=at.index(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let damaged = format!("{}{put}{}", &text[..at], text[at..].chars().skip(1).collect::<String>());
        if let Ok(spec) = ChainSpec::from_toml(&damaged) {
            prop_assert!(spec.check().is_ok());
            prop_assert_eq!(spec.validator_set().len(), 1);
        }
    }
}
