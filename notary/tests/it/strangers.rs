//! What can somebody do whom nobody knows? Take a few places of those who wait to be looked at, and none of the others'.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{SystemTime, UNIX_EPOCH},
};

use http::StatusCode;
use ledger_notary::{
    client::{
        order::{Stamp, sealed},
        papers,
    },
    desk::{Command, SubmissionId},
    records::Place,
    server::limits::{SUBMISSIONS_BURST, SUBMISSIONS_OPEN_PER_CALLER_MAX},
    tuf::Version,
};
use serde_json::Value;

use crate::{
    kills::network,
    kit::{DAY, secret},
    town::{Town, admission, node, nodes, now},
};

/// Sends an order as a proxy does that asks for `from`.
fn post(town: &Town, from: &str, at: &str, command: Command, key: u8) -> (StatusCode, Value) {
    let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let stamp = Stamp::now(micros.try_into().unwrap()).unwrap();
    let body = sealed(&network(), stamp, command, &[secret(key)]);
    let mut stream = TcpStream::connect(town.url.trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST {at} HTTP/1.1\r\nHost: notary\r\nX-Forwarded-For: 203.0.113.1, {from}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// The papers of somebody who wants to be a member; each `edition` is another draft.
fn papers_of(member: &str, key: u8, edition: u32) -> Command {
    let mut record = admission(member, key);
    record["registration_no"] = format!("HRB {edition}").into();
    let nodes = serde_json::to_string(&nodes(member, None, vec![node(member, key)])).unwrap();
    let place = Place::Nodes(member.to_owned().try_into().unwrap());
    let role = papers::role(
        &place,
        nodes.as_bytes(),
        Version::FIRST,
        now().plus(90 * DAY),
        &[secret(key)],
    );
    Command::Submit {
        admission: record.to_string(),
        role: String::from_utf8(role).unwrap(),
        nodes,
    }
}

fn submit(town: &Town, from: &str, member: &str, edition: u32) -> (StatusCode, Value) {
    post(town, from, "/v1/submissions", papers_of(member, 42, edition), 42)
}

fn town(more: &[&str]) -> Town {
    let mut town = Town::new(None);
    let bounds = ["--writes-per-second", "100000", "--writes-burst", "100000"];
    town.start_with(&[&bounds, more].concat());
    town.found();
    town
}

#[test]
fn one_stranger_takes_no_places_of_the_others() {
    let town = town(&["--proxy", "127.0.0.1"]);
    let mut first = None;
    for number in 0..SUBMISSIONS_OPEN_PER_CALLER_MAX {
        let (status, receipt) = submit(&town, "2001:db8:1:2::1", &format!("s-{number}"), 0);
        assert_eq!(status, 200, "{receipt}");
        first = first.or(receipt["seq"].as_u64());
    }
    // Another address of the same subscriber is the same caller.
    let (status, said) = submit(&town, "2001:db8:1:2:ffff::", "s-more", 0);
    assert_eq!(status, 429);
    assert!(
        said.to_string()
            .contains("at most 16 submissions of one address are open"),
        "{said}"
    );
    let (status, said) = submit(&town, "192.0.2.1", "aurora", 0);
    assert_eq!(status, 200, "{said}");
    // What is over leaves its place; what is open can be changed by its keys.
    let id = SubmissionId(first.unwrap());
    let at = format!("/v1/submissions/{id}/decisions");
    let withdraw = Command::Withdraw { submission: id };
    assert_eq!(post(&town, "2001:db8:1:2::1", &at, withdraw, 42).0, 200);
    for edition in 1..3 {
        let (status, said) = submit(&town, "2001:db8:1:2::1", "s-more", edition);
        assert_eq!(status, 200, "{said}");
    }
    assert_eq!(submit(&town, "2001:db8:1:2::1", "s-last", 0).0, 429);
}

#[test]
fn one_stranger_fills_no_storage_and_keeps_no_member_waiting() {
    let town = town(&[]);
    town.admit("aurora", 41);
    let entries = town.ok(&["status"])["entries"].as_u64().unwrap();
    // One of the places in the bucket is that of aurora's first submission. Who is no proxy is not believed for whom it asks.
    let taken = (0..SUBMISSIONS_BURST + 4)
        .map(|edition| submit(&town, &format!("192.0.2.{edition}"), "borealis", edition))
        .take_while(|(status, _)| *status == 200)
        .count();
    assert_eq!(taken, SUBMISSIONS_BURST as usize - 1);
    let (status, said) = submit(&town, "192.0.2.1", "borealis", 99);
    assert_eq!(status, 429);
    assert!(
        said.to_string().contains("of one address are taken in a few hours"),
        "{said}"
    );
    assert_eq!(town.ok(&["status"])["entries"], entries + taken as u64);
    // A member asks from the same address.
    let published = std::fs::read(town.path("aurora.nodes.json")).unwrap();
    town.write_nodes("aurora", &nodes("aurora", Some(&published), vec![node("aurora", 43)]));
    let publish = ["publish", "--nodes", "aurora.nodes.json", "--trusted", "cloud"];
    town.signed(&publish, &["aurora"]);
}
