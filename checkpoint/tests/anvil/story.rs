//! The whole story on every kind of mainchain: deployed by the program, brought by the program, killed and taken back in between, checked
//! by the program.

use std::time::{Duration, Instant};

use alloy_primitives::Address;

use crate::{
    chains::{Chains, purse, senders},
    commands::{code, command, json, output},
    deploying::{deploy, deploy_arguments},
    node::{DevNode, Kind},
    program::{BLOCK, Setting, kill, run_command},
    side::SideServer,
};

/// Checkpoints of the story: three sets sign them.
const CHECKPOINTS: u64 = 12;

/// Mines until so many checkpoints are there.
async fn await_made(chains: &Chains, count: u64) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while (chains.made().await.len() as u64) < count {
        assert!(Instant::now() < deadline, "{count} checkpoints do not come");
        chains.node.mine(1).await;
        tokio::time::sleep(BLOCK).await;
    }
}

async fn tell(kind: Kind) {
    let Some(node) = DevNode::start_as(kind) else { return };
    let signer = Chains::signer(0);
    let setting = Setting::new(&signer);
    node.fund(signer.address(), purse()).await;
    node.mine(1).await;
    let deployed = deploy(&node, deploy_arguments(&node, &setting)).await;
    let contract: Address = serde_json::from_value(deployed["contract"].clone()).expect("an address");
    let chains = Chains::with(node, contract);
    let side = SideServer::start(&chains.history).await;

    // Half of them; then the program is killed, and a reorganisation takes back all that it did.
    let snapshot = chains.node.snapshot().await;
    let height = chains.node.height().await;
    chains.grow(CHECKPOINTS / 2);
    let child = run_command(&chains, &side, &setting).spawn().expect("it starts");
    await_made(&chains, CHECKPOINTS / 2).await;
    kill(child);
    let gone = chains.node.height().await - height;
    chains.node.branch_off(snapshot, gone + 1).await;
    assert!(chains.made().await.is_empty());

    // It finds that out by itself, and goes on.
    let child = run_command(&chains, &side, &setting).spawn().expect("it starts");
    await_made(&chains, CHECKPOINTS / 2).await;
    chains.grow(CHECKPOINTS / 2);
    await_made(&chains, CHECKPOINTS).await;
    kill(child);
    chains.check_all_made().await;
    assert_eq!(
        senders(&chains).await.len() as u64,
        CHECKPOINTS,
        "nothing was paid for twice"
    );
    let verified = output(command("verify", &chains, &side, &["--json", "--from-block", "0"])).await;
    assert_eq!(code(&verified), 0, "{}", String::from_utf8_lossy(&verified.stderr));
    assert_eq!(json(&verified)["compared"], CHECKPOINTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_story_on_anvil() {
    tell(Kind::Anvil).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_story_on_hardhat() {
    tell(Kind::Hardhat).await;
}
