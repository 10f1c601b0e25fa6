//! The program itself, killed at any moment.

use std::time::{Duration, Instant};

use crate::{
    chains::{Chains, purse, senders},
    program::{BLOCK, Setting, kill, run_command},
    random::Random,
    side::SideServer,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_relayer_that_is_killed_again_and_again_brings_each_checkpoint_once() {
    let Some(chains) = Chains::start().await else { return };
    let side = SideServer::start(&chains.history).await;
    let setting = Setting::new(&Chains::signer(0));
    chains.node.fund(Chains::signer(0).address(), purse()).await;
    chains.node.mine(1).await;
    let seed = 11;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut logs = String::new();
    for life in 0..14 {
        chains.grow(1);
        let child = run_command(&chains, &side, &setting).spawn().expect("it starts");
        let end = Instant::now() + Duration::from_millis(150 + random.below(1_500));
        while Instant::now() < end {
            chains.node.mine(1).await;
            tokio::time::sleep(BLOCK).await;
        }
        if life == 7 {
            chains.node.reorganise(5).await;
        }
        logs += &String::from_utf8_lossy(&kill(child).stderr);
    }
    let child = run_command(&chains, &side, &setting).spawn().expect("it starts");
    let deadline = Instant::now() + Duration::from_secs(60);
    while chains.made().await.len() < 14 && Instant::now() < deadline {
        chains.node.mine(1).await;
        tokio::time::sleep(BLOCK).await;
    }
    logs += &String::from_utf8_lossy(&kill(child).stderr);
    assert_eq!(chains.made().await.len(), 14, "{logs}");
    chains.check_all_made().await;
    assert_eq!(senders(&chains).await.len(), 14, "nothing was paid for twice: {logs}");
}
