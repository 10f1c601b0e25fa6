//! The command line, exit codes and failures, as a script meets them.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use crate::kit::{Passport, TRANSACTION};

#[test]
fn command_lines_that_cannot_be_understood_end_with_2() {
    let passport = Passport::new();
    let id = TRANSACTION.to_string();
    let table: &[&[&str]] = &[
        &[],
        &["frobnicate"],
        &["request"],
        &["verify", &id],
        &["transfer", &id],
        &["authorize", &id, "--cloud", "1"],
        &[
            "authorize",
            &id,
            "--cloud",
            "1",
            "--reference",
            "x",
            "--deadline",
            "tomorrow",
        ],
        &["offer", "set", "small", "-1"],
        &["offer", "set", "small", "4294967296"],
        &["--dev-account", "0", "--wallet", "mine", "balance"],
        &["--dev-account", "-1", "balance"],
        &["--timeout", "0", "pool"],
        &["code", "hello"],
        &["code", "0x12"],
        &["cancel", "0050-00C8"],
        &["--dev-account", "0", "transfer", &id, "0x14"],
        &["balance", "0x14Dc79964da2C08b23698B3D3cc7Ca32193d9955"],
        &[
            "--dev-account",
            "0",
            "authorize",
            &id,
            "--cloud",
            "1",
            "--reference",
            "x",
            "--deadline",
            "0",
        ],
        &[
            "--dev-account",
            "0",
            "authorize",
            &id,
            "--cloud",
            "1",
            "--reference",
            "",
        ],
    ];
    for arguments in table {
        let run = passport.run(arguments);
        assert_eq!(run.exit(), 2, "{arguments:?}: {}", run.err());
        assert!(run.out().is_empty() && !run.err().is_empty(), "{arguments:?}");
    }
}

#[test]
fn code_that_waits_for_its_block_is_asked_for_again() {
    use passport_cli::error::{CliError, NoCode};
    let next = |why| {
        CliError::NoSuchCode {
            id: TRANSACTION.to_string(),
            why,
        }
        .next()
    };
    assert!(next(NoCode::Pending).starts_with("Ask again"));
    for why in [NoCode::Unknown, NoCode::Failed, NoCode::NotARequest] {
        assert!(next(why).starts_with("Compare the id"));
    }
}

#[test]
fn help_states_the_exit_codes() {
    let run = Passport::new().run(&["--help"]);
    assert_eq!(run.exit(), 0);
    assert!(run.out().contains("Exit codes:"));
    assert!(run.out().contains("PASSPORT_RPC"));
    let example = "0050-00C9";
    assert!(run.out().contains(example));
    passport_cli::plan::code_ref(example).unwrap();
}

#[test]
fn without_a_node_every_command_says_how_to_get_one() {
    let passport = Passport::new();
    let id = TRANSACTION.to_string();
    let table: &[&[&str]] = &[
        &["specs"],
        &["pool"],
        &["status"],
        &["validators"],
        &["peers"],
        &["stalled"],
        &["offer", "show"],
        &["code", &id],
        &["verify", &id, "--cloud", "1"],
        &["--dev-account", "0", "balance"],
        &["--dev-account", "0", "request", "small"],
        &["--dev-account", "0", "cancel", &id],
        &["--dev-account", "0", "redeem", &id],
        &["--dev-account", "0", "offer", "pause", "small"],
        &["--rpc", "not a url", "pool"],
    ];
    for arguments in table {
        let run = passport.run(arguments);
        assert_eq!(run.exit(), 3, "{arguments:?}: {}", run.err());
        assert!(
            run.err().contains("ledger-node --chain dev"),
            "{arguments:?}: {}",
            run.err()
        );
        let json: Vec<_> = arguments.iter().copied().chain(["--json"]).collect();
        assert_eq!(passport.run(&json).failure(), "unreachable");
    }
}

/// Answers every request on a port of its own with `status` and `body`.
fn something_else(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
        }
    });
    url
}

#[test]
fn whatever_is_no_node_ends_with_3_and_never_panics() {
    let passport = Passport::new();
    let table = [
        ("200 OK", "<html>hello</html>"),
        ("200 OK", ""),
        ("200 OK", r#"{"jsonrpc":"2.0","id":0,"result":"surprise"}"#),
        (
            "200 OK",
            r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"Method not found"}}"#,
        ),
        ("404 Not Found", "nothing here"),
        ("500 Internal Server Error", ""),
    ];
    for (status, body) in table {
        let url = something_else(status, body);
        let run = passport.run(&["--rpc", &url, "pool"]);
        assert_eq!(run.exit(), 3, "{status} {body}: {}", run.err());
        assert!(!run.err().contains("panicked"), "{}", run.err());
    }
}

/// A node that takes one transaction and answers `ledger_endorsement` with `promise`; everything else as one would.
fn node_that_promises(promise: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = String::new();
            while !request.contains("\r\n\r\n") || !request.ends_with('}') {
                let mut piece = [0; 4096];
                let length = stream.read(&mut piece).unwrap();
                request += std::str::from_utf8(&piece[..length]).unwrap();
            }
            let (_, body) = request.split_once("\r\n\r\n").unwrap();
            let asked: serde_json::Value = serde_json::from_str(body).unwrap();
            let answer = match asked["method"].as_str().unwrap() {
                "ledger_specs" => format!("\"result\":{}", serde_json::json!([crate::kit::spec(false)])),
                "ledger_endorsement" => promise.to_owned(),
                "eth_sendRawTransaction" => format!("\"result\":\"{TRANSACTION}\""),
                "eth_getTransactionReceipt" => format!("\"result\":{}", receipt()),
                _ => "\"result\":\"0x1\"".to_owned(),
            };
            let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},{answer}}}", asked["id"]);
            let length = answer.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
            );
        }
    });
    url
}

fn receipt() -> serde_json::Value {
    let (hash, nobody) = (TRANSACTION.to_string(), alloy_primitives::Address::ZERO);
    serde_json::json!({
        "transactionHash": hash, "blockHash": hash, "blockNumber": "0x7", "transactionIndex": "0x0", "from": nobody, "to": nobody,
        "contractAddress": null, "cumulativeGasUsed": "0x1", "gasUsed": "0x1", "effectiveGasPrice": "0x0", "logs": [],
        "logsBloom": format!("0x{}", "0".repeat(512)), "status": "0x1", "type": "0x2",
    })
}

#[test]
fn nodes_without_promises_are_as_good_as_those_with() {
    let passport = Passport::new();
    for promise in [
        "\"result\":null",
        "\"error\":{\"code\":-32601,\"message\":\"Method not found\"}",
        "\"result\":\"surprise\"",
    ] {
        let url = node_that_promises(promise);
        let run = passport.run(&["--rpc", &url, "--dev-account", "1", "--json", "offer", "pause", "small"]);
        assert_eq!(run.exit(), 0, "{promise}: {}", run.err());
        assert!(
            run.json().get("endorsement").is_none() && !run.err().contains("Endorsed"),
            "{}",
            run.err()
        );
    }
    let promise = concat!(
        r#""result":{"transaction":"0x5a0b54d5dc17e0aadc383d2db43b0a0d3e029c4c5e0a5b3e1d3a4b8f6c7d8e9f","slot":"0x4d","#,
        r#""slotStartMs":"0x1","authority":{"consensusKey":"0x5a0b54d5dc17e0aadc383d2db43b0a0d3e029c4c5e0a5b3e1d3a4b8f6c7d8e9f","#,
        r#""cloud":"Drift Cloud"},"transactions":[],"signature":"0x"}"#
    );
    let url = node_that_promises(promise);
    let run = passport.run(&["--rpc", &url, "--dev-account", "1", "offer", "pause", "small"]);
    assert_eq!(run.exit(), 0, "{}", run.err());
    assert!(
        run.err().contains("Endorsed by Drift Cloud in slot 77, goes first\n"),
        "{}",
        run.err()
    );
    assert!(
        run.out()
            .contains("\nEndorsed     by Drift Cloud in slot 77, goes first\n"),
        "{}",
        run.out()
    );
}

#[test]
fn authorizations_that_cannot_be_read_end_with_5() {
    let passport = Passport::new();
    let id = TRANSACTION.to_string();
    for input in ["", "{}", "not json"] {
        let arguments = ["--dev-account", "0", "redeem", &id, "--authorization", "-", "--json"];
        let run = passport.run_with_input(&arguments, input);
        assert_eq!(
            (run.exit(), run.failure().as_str()),
            (5, "authorizationFile"),
            "{input}"
        );
    }
    let run = passport.run(&[
        "verify",
        &id,
        "--cloud",
        "1",
        "--authorization",
        "/nowhere/a.json",
        "--json",
    ]);
    assert_eq!((run.exit(), run.failure().as_str()), (5, "authorizationFile"));
}
