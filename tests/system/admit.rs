//! `ledger-node testnet admit` killed at every step and typed again until the cloud makes a block, while another cloud joins.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use ledger_tests::harness::Testnet;
use serde_json::{Value, json};

const EVEREST: &str = "Everest Cloud";
/// What the sixth cloud is called that is given no name.
const SIXTH: &str = "Cloud 6";

/// Lets a cloud join by this command, and kills the command as soon as it says this.
fn cut_off_at(net: &Testnet, command: &[&str], words: &str) {
    let mut admit = net
        .command(command)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ledger-node can be run");
    let mut said = Vec::new();
    let lines = BufReader::new(admit.stderr.take().expect("it is piped")).lines();
    for line in lines.map_while(Result::ok) {
        said.push(line);
        if said.last().is_some_and(|line| line.contains(words)) {
            admit.kill().expect("it runs");
            admit.wait().expect("it ends");
            println!("{command:?}, up to {words:?}:\n{}\n", said.join("\n"));
            return;
        }
    }
    panic!(
        "it came to its end without saying {words:?}:\n{}\n{:?}",
        said.join("\n"),
        admit.wait()
    );
}

/// Lets a cloud join, to the end; gives its answer and what it said meanwhile.
fn admit(net: &Testnet, cloud: &str) -> (Value, String) {
    let output = net.run(&["admit", "--name", cloud, "--json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    println!("{cloud}:\n{said}\n");
    assert!(output.status.success(), "{said}");
    (
        serde_json::from_slice(&output.stdout).expect("it answers in JSON"),
        said,
    )
}

fn signal(name: &str, pid: &Value) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "{name} could not be sent to {pid}"
    );
}

/// An attempt is refused while there is no notary, and goes on once there is.
fn without_its_notary_it_waits(net: &Testnet, cloud: &str) {
    let notary = net.status()["notary"].clone();
    for process in ["pid", "signer_pid"] {
        signal("-KILL", &notary[process]);
    }
    while net.status()["notary"]["condition"] != "ended" {}
    let refused = net.run(&["admit", "--name", cloud]);
    let words = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && words.contains("the notary does not run"),
        "{words}"
    );
    net.does(&["up", "--detach"]);
}

#[test]
fn an_admission_that_is_killed_anywhere_goes_on_where_it_was() {
    let net = Testnet::start_with_notary(4, 1);
    let (fifth, sixth) = (["admit", "--name", EVEREST], ["admit"]);
    cut_off_at(&net, &fifth, "gets keys, a folder and a node");
    let key = net.path().join("validator-4/validator.pem");
    let made = fs::read(&key).expect("the keys are made");
    for step in ["key new", "submit", "verify"] {
        cut_off_at(&net, &fifth, &format!("$ ledger-notary {step}"));
    }
    without_its_notary_it_waits(&net, EVEREST);
    cut_off_at(&net, &fifth, "$ ledger-notary approve");

    // The list that the other one is in now, too; signed while nothing can be published.
    let signer = net.status()["notary"]["signer_pid"].clone();
    signal("-STOP", &signer);
    cut_off_at(&net, &sixth, "$ ledger-notary approve");
    cut_off_at(&net, &sixth, "group-2.pem");
    cut_off_at(&net, &sixth, "Waiting: the signer publishes");
    signal("-CONT", &signer);
    cut_off_at(&net, &sixth, "Waiting: the validators check the notary");

    cut_off_at(&net, &fifth, "$ ledger-node validator request");
    cut_off_at(&net, &fifth, "Waiting: the validators check the notary");
    cut_off_at(&net, &fifth, "Waiting: the newcomer's turn");
    let (everest, said) = admit(&net, EVEREST);
    assert_eq!(everest["node"], "validator-4", "{everest}");
    assert!(said.contains("Done before: the notary has published it"), "{said}");
    assert!(!said.contains("   $ "), "nothing was left to do by a command: {said}");
    let (other, _) = admit(&net, SIXTH);
    assert_eq!(other["node"], "validator-5", "{other}");
    for (name, words) in [("Aurora Cloud", "give another --name"), (" ", "--name: a text has")] {
        let refused = net.run(&["admit", "--name", name]);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(
            refused.status.code() == Some(2) && said.contains(words),
            "{name}: {said}"
        );
    }

    let rpc = net.rpc("node-0");
    for cloud in [&everest, &other] {
        let number = cloud["ownBlock"].as_u64().expect("it has made a block");
        let block = rpc.call("eth_getBlockByNumber", &json!([format!("{number:#x}"), false]));
        assert_eq!(block["miner"], cloud["account"], "{cloud}");
    }
    let set = rpc.call("ledger_validators", &json!([]));
    assert_eq!(set["validators"].as_array().map(Vec::len), Some(6), "{set}");
    assert_eq!(fs::read(&key).expect("the key is there"), made, "keys are made once");
    let status = net.status();
    assert_eq!(
        (&status["good"], &status["running"]),
        (&json!(true), &json!(7)),
        "{status}"
    );
}
