//! What goes wrong, fault by fault.

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

use alloy_primitives::U256;

use crate::{
    chains::{Chains, purse},
    program::{BLOCK, Setting as ProgramSetting, kill, run_command},
    proxy::{Manner, Proxy},
    random::Random,
    side::SideServer,
    stage::{Outcome, Setting, Stage, Tally},
};

const GWEI: u64 = 1_000_000_000;

/// Checkpoints of a fault that says nothing else.
const CHECKPOINTS: u64 = 20;

type Run = fn(u64, u64) -> Pin<Box<dyn Future<Output = Result<Outcome, String>> + Send>>;

/// A fault.
pub struct Fault {
    pub name: &'static str,
    pub what: &'static str,
    /// With a seed and a number of kills.
    pub run: Run,
}

/// All of them.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "calm",
        what: "nothing goes wrong: what a checkpoint costs",
        run: |seed, _| Box::pin(calm(seed)),
    },
    Fault {
        name: "reorg-1",
        what: "the newest block is taken back",
        run: |seed, _| Box::pin(reorganised(seed, 1, 1)),
    },
    Fault {
        name: "reorg-30",
        what: "30 blocks with 10 checkpoints are taken back",
        run: |seed, _| Box::pin(reorganised(seed, 30, 10)),
    },
    Fault {
        name: "reorg-900",
        what: "900 blocks with 20 checkpoints are taken back",
        run: |seed, _| Box::pin(reorganised(seed, 900, 20)),
    },
    Fault {
        name: "reorg-4000",
        what: "4,000 blocks with 40 checkpoints are taken back",
        run: |seed, _| Box::pin(reorganised(seed, 4_000, 40)),
    },
    Fault {
        name: "dropped",
        what: "every second block, nodes drop all transactions",
        run: |seed, _| Box::pin(dropped(seed)),
    },
    Fault {
        name: "prices",
        what: "the price jumps to anything up to 80 gwei, every fourth block",
        run: |seed, _| Box::pin(prices(seed)),
    },
    Fault {
        name: "rpc-errors",
        what: "a sixth of all requests fails",
        run: |seed, _| Box::pin(bad_answers(seed, Manner::ErrorOneIn(6))),
    },
    Fault {
        name: "rpc-timeouts",
        what: "one request in 60 is never answered",
        run: |seed, _| Box::pin(bad_answers(seed, Manner::HangOneIn(60))),
    },
    Fault {
        name: "liar-of-three",
        what: "one of three nodes forges every answer, each in its turn",
        run: |seed, _| Box::pin(liar(seed)),
    },
    Fault {
        name: "empty-account",
        what: "the account is empty, filled, and emptied again",
        run: |seed, _| Box::pin(poor(seed)),
    },
    Fault {
        name: "kills",
        what: "the program is killed at random moments (--kills), with reorganisations now and then",
        run: |seed, kills| Box::pin(kills_of_the_program(seed, kills)),
    },
    Fault {
        name: "race-2",
        what: "two relayers in turn",
        run: |seed, _| Box::pin(race(seed, 2, true)),
    },
    Fault {
        name: "race-3",
        what: "three relayers in turn",
        run: |seed, _| Box::pin(race(seed, 3, true)),
    },
    Fault {
        name: "race-3-strangers",
        what: "three relayers that do not know of each other",
        run: |seed, _| Box::pin(race(seed, 3, false)),
    },
    Fault {
        name: "everything",
        what: "two relayers, three nodes, and all of the above at random",
        run: |seed, _| Box::pin(everything(seed)),
    },
];

async fn calm(seed: u64) -> Result<Outcome, String> {
    let mut stage = Stage::set(seed, Setting::default()).await;
    for _ in 0..CHECKPOINTS {
        stage.chains.grow(1);
        stage.step(1).await;
    }
    stage.end().await
}

async fn reorganised(seed: u64, depth: u64, checkpoints: u64) -> Result<Outcome, String> {
    let mut stage = Stage::set(seed, Setting::default()).await;
    for _ in 0..4 {
        stage.chains.grow(1);
        stage.step(1).await;
    }
    let snapshot = stage.chains.node.snapshot().await;
    for number in 0..checkpoints {
        stage.chains.grow(1);
        let rest = if number + 1 == checkpoints {
            depth % checkpoints
        } else {
            0
        };
        stage.step(depth / checkpoints + rest).await;
    }
    // The relayer sees all of it on the mainchain, and then none.
    stage.round().await;
    if !stage.is_done().await {
        return Err("not everything was there before the reorganisation".to_owned());
    }
    stage.chains.node.branch_off(snapshot, depth + 1).await;
    let outcome = stage.end().await?;
    match outcome.tally.taken_back {
        taken if taken == checkpoints => Ok(outcome),
        taken => Err(format!("{taken} of {checkpoints} checkpoints were taken back")),
    }
}

async fn dropped(seed: u64) -> Result<Outcome, String> {
    let mut stage = Stage::set(seed, Setting::default()).await;
    for _ in 0..CHECKPOINTS * 2 {
        if stage.random.once_in(2) {
            stage.chains.grow(1);
        }
        stage.round().await;
        if stage.random.once_in(2) {
            stage.chains.node.drop_transactions().await;
        }
        stage.chains.node.mine(1).await;
    }
    stage.end().await
}

async fn prices(seed: u64) -> Result<Outcome, String> {
    let mut stage = Stage::set(seed, Setting::default()).await;
    for _ in 0..CHECKPOINTS * 3 {
        if stage.random.once_in(3) {
            stage.chains.grow(1);
        }
        stage.round().await;
        if stage.random.once_in(4) {
            let gwei = 1 + stage.random.below(80);
            stage.chains.node.set_price(gwei * GWEI).await;
        }
        stage.chains.node.mine(1).await;
    }
    stage.end().await
}

async fn bad_answers(seed: u64, manner: Manner) -> Result<Outcome, String> {
    let mut stage = Stage::empty(seed).await;
    let proxy = Proxy::start(&stage.chains.node.url, manner, seed).await;
    let urls = vec![proxy.url.clone()];
    let setting = Setting {
        urls,
        ..Setting::default()
    };
    stage.enter(setting).await;
    for _ in 0..CHECKPOINTS * 3 {
        if stage.random.once_in(3) {
            stage.chains.grow(1);
        }
        stage.step(1).await;
    }
    // It stays as it is to the end.
    stage.end().await
}

async fn three_nodes(stage: &mut Stage, seed: u64, setting: Setting) -> Vec<Proxy> {
    let mut proxies = Vec::new();
    for number in 0..3 {
        proxies.push(Proxy::start(&stage.chains.node.url, Manner::Honest, seed ^ number).await);
    }
    let urls = proxies.iter().map(|proxy| proxy.url.clone()).collect();
    stage.enter(Setting { urls, ..setting }).await;
    proxies
}

async fn liar(seed: u64) -> Result<Outcome, String> {
    let mut stage = Stage::empty(seed).await;
    let proxies = three_nodes(&mut stage, seed, Setting::default()).await;
    for number in 0..CHECKPOINTS {
        for (place, proxy) in (0..).zip(&proxies) {
            let lies = place == number / 4 % 3;
            proxy.set(if lies { Manner::Liar } else { Manner::Honest });
        }
        stage.chains.grow(1);
        stage.step(1).await;
        if number == CHECKPOINTS / 2 {
            stage.chains.node.reorganise(3).await;
        }
    }
    stage.end().await
}

async fn poor(seed: u64) -> Result<Outcome, String> {
    let mut stage = Stage::set(seed, Setting::default()).await;
    let account = Chains::signer(0).address();
    for wei in [U256::from(1), purse(), U256::from(1), purse()] {
        stage.chains.node.fund(account, wei).await;
        for _ in 0..CHECKPOINTS / 4 {
            stage.chains.grow(1);
            stage.step(1).await;
        }
    }
    stage.end().await
}

async fn race(seed: u64, relayers: u64, staggered: bool) -> Result<Outcome, String> {
    let setting = Setting {
        relayers,
        staggered,
        ..Setting::default()
    };
    let mut stage = Stage::set(seed, setting).await;
    for number in 0..CHECKPOINTS * 3 {
        if number % 3 == 0 {
            stage.chains.grow(1);
        }
        if stage.random.once_in(12) {
            let depth = 1 + stage.random.below(4);
            stage.chains.node.reorganise(depth).await;
        }
        stage.step(1).await;
    }
    stage.end().await
}

/// The real program over the real network, one life after the other.
async fn kills_of_the_program(seed: u64, kills: u64) -> Result<Outcome, String> {
    let mut stage = Stage::empty(seed).await;
    let mut log = String::new();
    let chains = &stage.chains;
    let side = SideServer::start(&chains.history).await;
    let setting = ProgramSetting::new(&Chains::signer(0));
    chains.node.fund(Chains::signer(0).address(), purse()).await;
    chains.node.mine(10).await;
    let mut random = Random::new(seed);
    for life in 0..kills {
        chains.grow(1);
        let child = run_command(chains, &side, &setting)
            .spawn()
            .map_err(|error| error.to_string())?;
        let end = Instant::now() + Duration::from_millis(100 + random.below(2_000));
        while Instant::now() < end {
            chains.node.mine(1).await;
            tokio::time::sleep(BLOCK).await;
        }
        if life % 10 == 9 {
            chains.node.reorganise(1 + random.below(8)).await;
        }
        log += &String::from_utf8_lossy(&kill(child).stderr);
    }
    let child = run_command(chains, &side, &setting)
        .spawn()
        .map_err(|error| error.to_string())?;
    let deadline = Instant::now() + Duration::from_secs(300);
    while !stage.is_done().await && Instant::now() < deadline {
        chains.node.mine(1).await;
        tokio::time::sleep(BLOCK).await;
    }
    log += &String::from_utf8_lossy(&kill(child).stderr);
    stage.tally = told_by(&log);
    stage.outcome().await.map_err(|error| format!("{error}\n{log}"))
}

/// What the program says that it did.
fn told_by(log: &str) -> Tally {
    let count = |words: &str| log.matches(words).count() as u64;
    Tally {
        bumps: count("kind=\"raised\""),
        again: count("kind=\"again\""),
        taken_back: count("a reorganisation took the checkpoint"),
        failed: count("a round came to nothing"),
    }
}

async fn everything(seed: u64) -> Result<Outcome, String> {
    let mut stage = Stage::empty(seed).await;
    let setting = Setting {
        relayers: 2,
        ..Setting::default()
    };
    let proxies = three_nodes(&mut stage, seed, setting).await;
    for _ in 0..CHECKPOINTS * 8 {
        if stage.random.once_in(4) {
            stage.chains.grow(1);
        }
        if stage.random.once_in(6) {
            stage.restart_one().await;
        }
        if stage.random.once_in(15) {
            let depth = 1 + stage.random.below(20);
            stage.chains.node.reorganise(depth).await;
        }
        if stage.random.once_in(8) {
            let gwei = 1 + stage.random.below(60);
            stage.chains.node.set_price(gwei * GWEI).await;
        }
        if stage.random.once_in(8) {
            misbehave(&mut stage.random, &proxies);
        }
        stage.round().await;
        if stage.random.once_in(5) {
            stage.chains.node.drop_transactions().await;
        }
        stage.chains.node.mine(1).await;
    }
    stage.end().await
}

/// One of the nodes is not to be trusted from now on; the others are.
fn misbehave(random: &mut Random, proxies: &[Proxy]) {
    let manners = [Manner::Honest, Manner::Liar, Manner::ErrorOneIn(3)];
    let place = random.below(proxies.len() as u64);
    let manner = usize::try_from(random.below(3)).expect("small");
    for (number, proxy) in (0..).zip(proxies) {
        let is_it = number == place;
        proxy.set(if is_it { manners[manner] } else { Manner::Honest });
    }
}
