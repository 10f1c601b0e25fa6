//! The command line, as a person and a script use it: what it says, and with which exit code it ends.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Output,
    time::Duration,
};

use alloy_primitives::Address;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    chains::{Chains, purse, rounds},
    lock,
    program::{Setting, chain_arguments, program, run_command},
    side::SideServer,
};

pub async fn output(arguments: Vec<String>) -> Output {
    let run = move || program().args(arguments).output().expect("it starts");
    tokio::task::spawn_blocking(run).await.expect("it ends")
}

pub fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

pub fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

pub fn command(name: &str, chains: &Chains, side: &SideServer, more: &[&str]) -> Vec<String> {
    let mut arguments = vec![name.to_owned()];
    arguments.extend(chain_arguments(chains, side));
    arguments.extend(more.iter().map(|part| (*part).to_owned()));
    arguments
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_and_monitor_find_what_was_altered_and_end_accordingly() {
    let Some(chains) = Chains::start().await else { return };
    let side = SideServer::start(&chains.history).await;
    let (mut relayer, folder) = chains.one().await;
    chains.grow(20);
    rounds(&chains, &mut relayer, 22).await;
    let fine = output(command("verify", &chains, &side, &["--json", "--from-block", "0"])).await;
    assert_eq!(code(&fine), 0, "{}", String::from_utf8_lossy(&fine.stderr));
    assert_eq!(json(&fine)["compared"], 20);
    assert_eq!(code(&output(command("monitor", &chains, &side, &["--once"])).await), 0);

    let journal = folder.path().display().to_string();
    let status = output(command("status", &chains, &side, &["--json", "--journal", &journal])).await;
    let status = json(&status);
    assert_eq!(status["headIndex"], 20);
    assert_eq!(status["bundles"][0]["state"], "mined");
    let text = output(command(
        "status",
        &chains,
        &side,
        &["--journal", &journal, "--soft-blocks", "5"],
    ))
    .await;
    assert!(String::from_utf8_lossy(&text.stdout).contains("1: soft"));

    // Validators sign another twentieth beside the accepted one, and somebody shows it to the contract.
    let beside = {
        let history = lock(&chains.history);
        let parent = chains.anchor.fingerprint(&history.bundles[18].checkpoint);
        history.sign(20, parent, " beside")
    };
    chains.bring(&beside).await;
    let rejected = output(command("verify", &chains, &side, &["--json", "--from-block", "0"])).await;
    assert_eq!(code(&rejected), 1);
    assert_eq!(json(&rejected)["findings"][0]["name"], "rejected");
    assert_eq!(json(&rejected)["findings"].as_array().map(Vec::len), Some(1));

    // Somebody rewrites the sidechain from checkpoint 18 on.
    {
        let mut history = lock(&chains.history);
        let parent = chains.anchor.fingerprint(&history.bundles[16].checkpoint);
        history.bundles.truncate(17);
        let altered = history.sign(18, parent, " altered");
        history.bundles.push(altered);
    }
    let wrong = output(command("verify", &chains, &side, &["--json"])).await;
    assert_eq!(code(&wrong), 1);
    let findings = json(&wrong)["findings"].clone();
    assert_eq!(findings[0]["name"], "differs", "{findings}");
    assert!(findings[0]["message"].as_str().unwrap().contains("checkpoint 18"));
    assert_eq!(findings[1]["name"], "unknown", "{findings}");
    assert_eq!(code(&output(command("monitor", &chains, &side, &["--once"])).await), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_without_a_key_shows_what_would_be_sent_and_leaves_nothing() {
    let Some(chains) = Chains::start().await else { return };
    let side = SideServer::start(&chains.history).await;
    chains.grow(1);
    let account = Chains::signer(0).address();
    chains.node.fund(account, purse()).await;
    chains.node.mine(1).await;
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("none").display().to_string();
    let account = account.to_string();
    let more = ["--dry-run", "--account", &account, "--journal", &journal, "--json"];
    let shown = output(command("run", &chains, &side, &more)).await;
    assert_eq!(code(&shown), 0, "{}", String::from_utf8_lossy(&shown.stderr));
    assert_eq!(
        json(&shown)["wouldSend"],
        serde_json::json!([{ "index": 1, "kind": "new" }])
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    chains.node.mine(1).await;
    assert!(chains.made().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relayer_serves_metrics_and_ends_when_it_is_asked_to() {
    let Some(chains) = Chains::start().await else { return };
    let side = SideServer::start(&chains.history).await;
    let setting = Setting::new(&Chains::signer(0));
    chains.node.fund(Chains::signer(0).address(), purse()).await;
    chains.grow(1);
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let address = format!("127.0.0.1:{port}");
    let mut child = run_command(&chains, &side, &setting)
        .args(["--metrics", &address])
        .spawn()
        .unwrap();
    let mut text = String::new();
    for _ in 0..100 {
        chains.node.mine(1).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        text = scrape(&address).unwrap_or_default();
        if text.contains("ledger_relayer_head_checkpoint 1") {
            break;
        }
    }
    for line in [
        "ledger_relayer_head_checkpoint 1",
        "ledger_relayer_transactions_total{kind=\"new\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::TERM).unwrap();
    let status = tokio::task::spawn_blocking(move || child.wait())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.code(), Some(0));
}

fn scrape(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_have_words_and_an_exit_code_of_their_own() {
    let Some(chains) = Chains::start().await else { return };
    let side = SideServer::start(&chains.history).await;
    let setting = Setting::new(&Chains::signer(0));
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();

    let silent = program()
        .args(["verify", "--mainchain", "http://127.0.0.1:1", "--contract"])
        .arg(chains.anchor.contract.to_string())
        .output()
        .unwrap();
    assert_eq!(code(&silent), 3, "{}", said(&silent));

    let mut elsewhere = command("verify", &chains, &side, &[]);
    elsewhere[4] = Address::repeat_byte(1).to_string();
    let elsewhere = output(elsewhere).await;
    assert_eq!(code(&elsewhere), 3);
    assert!(
        said(&elsewhere).contains("no checkpoint contract"),
        "{}",
        said(&elsewhere)
    );

    std::fs::write(&setting.password, "wrong\n").unwrap();
    let locked = output(command(
        "run",
        &chains,
        &side,
        &setting.key_arguments().iter().map(String::as_str).collect::<Vec<_>>(),
    ))
    .await;
    assert_eq!(code(&locked), 4, "{}", said(&locked));
    assert!(said(&locked).contains("wrong password"));

    let usage = output(vec!["run".into(), "--rank".into(), "none".into()]).await;
    assert_eq!(code(&usage), 2);
}
