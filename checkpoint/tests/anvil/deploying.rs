//! `ledger-relayer deploy`: as the dry run said, and once, whoever is killed meanwhile.

use std::{
    process::Child,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use jsonrpsee::rpc_params;
use ledger_contracts::CheckpointContract::fingerprintOfCall;
use serde_json::{Value, json};

use crate::{
    chains::{Chains, purse},
    commands::{code, json as told, output},
    node::DevNode,
    program::{BLOCK, Setting, kill, program},
    random::Random,
    validators::{first_set, genesis},
};

/// Arguments of a deployment by this account.
pub fn deploy_arguments(node: &DevNode, setting: &Setting) -> Vec<String> {
    let (set_id, keys) = first_set(4);
    let keys: Vec<_> = keys.iter().map(Address::to_string).collect();
    let mut arguments = vec!["deploy".to_owned(), "--json".to_owned()];
    arguments.extend(["--mainchain".to_owned(), node.url.clone()]);
    arguments.extend(setting.key_arguments());
    arguments.extend(["--journal".to_owned(), setting.journal().display().to_string()]);
    arguments.extend(["--genesis".to_owned(), genesis().to_string()]);
    arguments.extend(["--set-id".to_owned(), set_id.to_string()]);
    arguments.extend(["--checkpoint-key".to_owned(), keys.join(",")]);
    arguments
}

/// Says the command, with a block now and then until it ends.
pub async fn deploy(node: &DevNode, arguments: Vec<String>) -> Value {
    let deploying = tokio::spawn(output(arguments));
    while !deploying.is_finished() {
        node.mine(1).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let done = deploying.await.expect("the command ends");
    assert_eq!(code(&done), 0, "{}", String::from_utf8_lossy(&done.stderr));
    told(&done)
}

/// Contracts that this account has made, by address.
async fn made_by(node: &DevNode, account: Address) -> Vec<Address> {
    let mut made = Vec::new();
    for number in 1..=node.height().await {
        let number = alloy_primitives::U64::from(number);
        let block: Value = node.ask("eth_getBlockByNumber", rpc_params![number, true]).await;
        for transaction in block["transactions"].as_array().into_iter().flatten() {
            if transaction["from"] == json!(account) && transaction["to"].is_null() {
                let receipt: Value = node
                    .ask("eth_getTransactionReceipt", rpc_params![transaction["hash"].clone()])
                    .await;
                assert_eq!(receipt["status"], "0x1");
                made.push(serde_json::from_value(receipt["contractAddress"].clone()).expect("an address"));
            }
        }
    }
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_deployed_as_the_dry_run_said() {
    let Some(node) = DevNode::start() else { return };
    let signer = Chains::signer(5);
    let setting = Setting::new(&signer);
    node.fund(signer.address(), purse()).await;
    node.mine(1).await;
    let arguments = deploy_arguments(&node, &setting);
    let mut dry = arguments.clone();
    dry.push("--dry-run".into());
    let said = told(&output(dry).await);
    assert_eq!((&said["sent"], &said["begun"]), (&json!(false), &json!(false)));
    assert_eq!(node.height().await, 1);
    let done = deploy(&node, arguments.clone()).await;
    assert_eq!(
        (&done["contract"], &done["setHash"]),
        (&said["contract"], &said["setHash"])
    );
    let contract: Address = serde_json::from_value(done["contract"].clone()).unwrap();
    let call = fingerprintOfCall { index: 0 }.abi_encode();
    let call = json!({ "to": contract, "data": Bytes::from(call) });
    let held: B256 = node.ask("eth_call", rpc_params![call, "latest"]).await;
    assert_eq!(held, genesis());
    // Once more: the same contract, and nothing is sent.
    let again = told(&output(arguments).await);
    assert_eq!(
        (&again["contract"], &again["block"]),
        (&done["contract"], &done["block"])
    );
    assert_eq!(made_by(&node, signer.address()).await, [contract]);
}

/// Ends one that was started, at a random moment, with blocks meanwhile only if they are wanted.
async fn kill_within(node: &DevNode, child: Child, milliseconds: u64, mines: bool) -> String {
    let end = Instant::now() + Duration::from_millis(milliseconds);
    while Instant::now() < end {
        if mines {
            node.mine(1).await;
        }
        tokio::time::sleep(BLOCK).await;
    }
    String::from_utf8_lossy(&kill(child).stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_is_killed_again_and_again_makes_one_contract() {
    let Some(node) = DevNode::start() else { return };
    let signer = Chains::signer(6);
    let setting = Setting::new(&signer);
    node.fund(signer.address(), purse()).await;
    node.mine(1).await;
    let arguments = deploy_arguments(&node, &setting);
    let seed = 17;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut logs = String::new();
    for life in 0..10 {
        let child = program().args(&arguments).spawn().expect("it starts");
        // Blocks come from the sixth life on; until then whatever was sent waits, and once the nodes forget it.
        logs += &kill_within(&node, child, 200 + random.below(2_500), life > 5).await;
        if life == 4 {
            node.drop_transactions().await;
        }
    }
    assert!(logs.contains("Sent "), "some life gets so far: {logs}");
    let done = deploy(&node, arguments).await;
    let contract: Address = serde_json::from_value(done["contract"].clone()).unwrap();
    assert_eq!(contract, signer.address().create(0));
    assert_eq!(made_by(&node, signer.address()).await, [contract], "{logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_goes_on_at_the_price_that_is_asked_now_and_at_its_one_address() {
    let Some(node) = DevNode::start() else { return };
    let signer = Chains::signer(8);
    let setting = Setting::new(&signer);
    node.fund(signer.address(), purse()).await;
    node.mine(1).await;
    let arguments = deploy_arguments(&node, &setting);
    let mut impatient = arguments.clone();
    impatient.extend(["--timeout".to_owned(), "1".to_owned()]);
    let gave_up = output(impatient.clone()).await;
    assert_eq!(code(&gave_up), 1, "{}", String::from_utf8_lossy(&gave_up.stderr));
    assert!(String::from_utf8_lossy(&gave_up.stderr).contains("goes on waiting"));
    node.set_price(9_000_000_000).await;
    node.mine(1).await;
    let dearer = output(impatient).await;
    assert!(String::from_utf8_lossy(&dearer.stderr).contains("Goes on with"));
    let record: Value =
        serde_json::from_slice(&std::fs::read(setting.journal().join("deployment.json")).unwrap()).unwrap();
    let prices: Vec<U256> = record["transactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|creation| serde_json::from_value(creation["gas_price_wei"].clone()).unwrap())
        .collect();
    assert!(prices.len() == 2 && prices[1] > prices[0], "{prices:?}");
    let done = deploy(&node, arguments).await;
    assert_eq!(made_by(&node, signer.address()).await, [signer.address().create(0)]);
    assert_eq!(done["transaction"], record["transactions"][1]["hash"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_good_for_its_own_deployment_only() {
    let Some(node) = DevNode::start() else { return };
    let signer = Chains::signer(9);
    let setting = Setting::new(&signer);
    node.fund(signer.address(), purse()).await;
    node.mine(1).await;
    let mut arguments = deploy_arguments(&node, &setting);
    deploy(&node, arguments.clone()).await;
    let at = arguments.iter().position(|word| word == "--set-id").unwrap();
    arguments[at + 1] = "2".to_owned();
    let refused = output(arguments).await;
    assert_eq!(code(&refused), 4);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        words.contains("the set's hash") && words.contains("--journal"),
        "{words}"
    );
}
