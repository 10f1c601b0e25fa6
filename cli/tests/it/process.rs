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
