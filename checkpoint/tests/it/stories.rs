//! Whatever happens to the mainchain and to the relayers, does each checkpoint come onto it, once and in order?
//!
//! Seeded. A failure names its seed; `story` with that seed plays it again.

use std::sync::{Arc, Mutex};

use alloy_primitives::Address;
use ledger_checkpoint::{
    plan::{Alarm, Note, Policy},
    relayer::Report,
    statement::{Anchor, set_hash},
};

use crate::{
    lock,
    support::{
        chain::Chain,
        contract::Contract,
        player::Player,
        random::Random,
        validators::{History, first_set, genesis},
    },
};

const GWEI: u128 = 1_000_000_000;

fn anchor() -> Anchor {
    Anchor {
        mainchain_id: 63,
        contract: Address::repeat_byte(0xCC),
    }
}

fn policy(relayers: u64) -> Policy {
    Policy {
        soft_blocks: 12,
        final_blocks: 40,
        relayers,
        stagger_blocks: 3,
        resend_blocks: 2,
        raise_blocks: 4,
        gas_price_max_wei: 50 * GWEI,
        ..Policy::default()
    }
}

struct Story {
    random: Random,
    chain: Arc<Mutex<Chain>>,
    history: Arc<Mutex<History>>,
    players: Vec<Player>,
    now_ms: u64,
    /// Newest final checkpoint of each player, as of the last look.
    settled: Vec<u64>,
    notes: Vec<Note>,
    alarms: Vec<Alarm>,
}

impl Story {
    fn new(seed: u64, relayers: u64) -> Self {
        let (set_id, keys) = first_set(4);
        let contract = Contract::new(anchor(), genesis(), set_hash(set_id, &keys));
        let chain = Arc::new(Mutex::new(Chain::new(contract, Random::new(seed ^ 1))));
        let history = Arc::new(Mutex::new(History::new(anchor(), 4)));
        let players = (0..relayers).map(|number| Player::new(number, policy(relayers), &chain, &history));
        Self {
            random: Random::new(seed),
            players: players.collect(),
            settled: (0..relayers).map(|_| 0).collect(),
            chain,
            history,
            now_ms: 0,
            notes: Vec::new(),
            alarms: Vec::new(),
        }
    }

    fn grow(&mut self, count: u64) {
        for _ in 0..count {
            lock(&self.history).grow();
        }
    }

    fn mine(&mut self, count: u64) {
        for _ in 0..count {
            lock(&self.chain).mine();
        }
    }

    fn round(&mut self, number: usize) {
        self.now_ms += 1_000;
        let report = self.players[number].round(self.now_ms, || {});
        self.learn(number, report.expect("nothing fails in a calm story"));
    }

    fn learn(&mut self, number: usize, report: Report) {
        self.notes.extend(report.notes);
        self.alarms.extend(report.alarms);
        self.check_settled(number);
    }

    /// Rule: a bundle leaves only when its checkpoint is as deep as finality takes.
    fn check_settled(&mut self, number: usize) {
        let outbox = self.players[number].relayer().planner().outbox();
        let settled = outbox.settled().map_or(0, |settled| settled.index.get());
        if settled > self.settled[number] {
            let deep_enough = lock(&self.chain).head_index_at_depth(policy(1).final_blocks);
            assert!(
                settled <= deep_enough,
                "relayer {number} let go of checkpoint {settled}, and only {deep_enough} are final"
            );
        }
        self.settled[number] = settled;
    }

    /// Everybody takes a turn after each of `blocks` blocks, and nothing goes wrong.
    fn calm(&mut self, blocks: u64) {
        for _ in 0..blocks {
            for number in 0..self.players.len() {
                self.round(number);
            }
            self.mine(1);
        }
    }

    /// All checkpoints are there, and everybody has let go of all of them.
    fn check_end(&mut self) {
        let highest = policy(1).gas_price_max_wei;
        assert!(lock(&self.chain).sends.iter().all(|sent| sent.gas_price_wei <= highest));
        let bundles = lock(&self.history).bundles.clone();
        let expected: Vec<_> = bundles
            .iter()
            .map(|bundle| anchor().fingerprint(&bundle.checkpoint))
            .collect();
        assert_eq!(lock(&self.chain).contract().fingerprints[1..], expected[..]);
        for player in &mut self.players {
            let outbox = player.relayer().planner().outbox();
            assert!(
                outbox.entries().is_empty(),
                "{} bundles are left",
                outbox.entries().len()
            );
        }
    }
}

/// A mainchain and its relayers at their worst, and then enough quiet for everything to become final.
fn story(seed: u64, relayers: u64) {
    println!("seed {seed}, {relayers} relayers");
    let mut story = Story::new(seed, relayers);
    for _ in 0..250 {
        let Story { random, chain, .. } = &mut story;
        match random.below(12) {
            0 => lock(chain).forget_one(),
            1 => lock(chain).price_wei = u128::from(1 + random.below(60)) * GWEI,
            2 => lock(chain).price_wei = GWEI,
            3 => {
                // Once in a while deeper than final.
                let deepest = if random.once_in(8) { 60 } else { 6 };
                let depth = 1 + random.below(deepest);
                let remembers = random.once_in(2);
                lock(chain).reorganise(depth, remembers);
            }
            4 => lock(chain).fault_one_in = [0, 0, 30, 8][usize::try_from(random.below(4)).expect("small")],
            5 | 6 => story.grow(1),
            _ => story.mine(1),
        }
        let number = usize::try_from(story.random.below(relayers)).expect("small");
        story.now_ms += 1_000;
        if story.random.once_in(10) {
            let steps = story.random.below(12);
            story.players[number].die_within_a_round(story.now_ms, steps);
            story.check_settled(number);
            continue;
        }
        let chain = story.chain.clone();
        let random = &mut story.random;
        let result = story.players[number].round(story.now_ms, || {
            if random.once_in(8) {
                lock(&chain).mine();
            }
            if random.once_in(40) {
                lock(&chain).reorganise(1 + random.below(3), false);
            }
        });
        match result {
            // What happened between its look and its end is not to be held against it.
            Ok(_) => {
                let settled = story.players[number].relayer().planner().outbox().settled().copied();
                story.settled[number] = settled.map_or(0, |settled| settled.index.get());
            }
            Err(error) => assert!(error.is_passing(), "{error}"),
        }
    }
    lock(&story.chain).fault_one_in = 0;
    lock(&story.chain).price_wei = GWEI;
    story.calm(220);
    story.check_end();
}

#[test]
fn one_relayer_brings_each_checkpoint_once_and_in_order() {
    for seed in 0..40 {
        story(seed, 1);
    }
}

#[test]
fn two_and_three_relayers_race_and_each_checkpoint_is_there_once() {
    for seed in 100..120 {
        story(seed, 2);
        story(seed, 3);
    }
}

#[test]
fn in_quiet_times_one_transaction_per_checkpoint_is_mined_whoever_sends_it() {
    for relayers in 1..=3 {
        let mut story = Story::new(7, relayers);
        for _ in 0..12 {
            story.grow(1);
            story.calm(10);
        }
        story.calm(60);
        story.check_end();
        let mined = lock(&story.chain).mined();
        assert_eq!(mined.len(), 12, "{relayers} relayers");
        assert_eq!(lock(&story.chain).sends.len(), 12, "nothing is sent twice without need");
        let senders: std::collections::BTreeSet<_> = mined.iter().map(|sent| sent.sender).collect();
        assert_eq!(senders.len() as u64, relayers, "the turns go round");
        assert_eq!(story.alarms, []);
    }
}

#[test]
fn a_relayer_that_is_gone_is_replaced_by_the_next_in_turn() {
    let mut story = Story::new(8, 3);
    story.grow(9);
    for _ in 0..120 {
        story.round(1);
        story.mine(1);
    }
    assert_eq!(lock(&story.chain).contract().head_index(), 9);
    assert!(
        lock(&story.chain)
            .mined()
            .iter()
            .all(|sent| sent.sender == story.players[1].address())
    );
}

#[test]
fn checkpoints_that_a_reorganisation_took_back_are_sent_again_in_order_and_as_they_were() {
    let mut story = Story::new(9, 1);
    story.grow(5);
    story.calm(10);
    let before = lock(&story.chain).mined();
    assert_eq!(before.len(), 5);
    lock(&story.chain).reorganise(10, false);
    assert_eq!(lock(&story.chain).contract().head_index(), 0);
    let sends = lock(&story.chain).sends.len();
    story.round(0);
    let again: Vec<_> = lock(&story.chain).sends[sends..].iter().map(|sent| sent.hash).collect();
    assert_eq!(
        again,
        before.iter().map(|sent| sent.hash).collect::<Vec<_>>(),
        "all of them at once"
    );
    story.mine(1);
    assert_eq!(lock(&story.chain).contract().head_index(), 5);
    story.calm(60);
    story.check_end();
}

#[test]
fn what_was_final_is_brought_again_if_a_reorganisation_is_deeper_than_that() {
    let mut story = Story::new(10, 1);
    story.grow(6);
    story.calm(60);
    story.check_end();
    story.grow(2);
    story.calm(4);
    lock(&story.chain).reorganise(64, false);
    story.round(0);
    assert!(
        story
            .alarms
            .iter()
            .any(|alarm| matches!(alarm, Alarm::FinalLost { .. }))
    );
    story.calm(120);
    story.check_end();
}

#[test]
fn the_price_rises_by_an_eighth_until_a_block_takes_it_and_never_above_the_highest() {
    let mut story = Story::new(11, 1);
    story.grow(1);
    story.round(0);
    // The market jumps right after the first transaction left.
    lock(&story.chain).price_wei = 400 * GWEI;
    story.calm(160);
    let last = lock(&story.chain).sends.iter().map(|sent| sent.gas_price_wei).max();
    assert!(last > Some(40 * GWEI), "{last:?}");
    assert!(
        story
            .alarms
            .iter()
            .any(|alarm| matches!(alarm, Alarm::PriceCapped { .. }))
    );
    assert_eq!(lock(&story.chain).contract().head_index(), 0);
    lock(&story.chain).price_wei = GWEI;
    story.calm(60);
    story.check_end();
}

#[test]
fn an_empty_account_waits_and_says_so() {
    let mut story = Story::new(12, 1);
    lock(&story.chain).balance_wei = alloy_primitives::U256::from(1_000);
    story.grow(1);
    story.calm(80);
    assert!(lock(&story.chain).sends.is_empty());
    assert!(
        story
            .alarms
            .iter()
            .any(|alarm| matches!(alarm, Alarm::LowBalance { .. }))
    );
    assert!(story.alarms.iter().any(|alarm| matches!(alarm, Alarm::Overdue { .. })));
    lock(&story.chain).balance_wei = alloy_primitives::U256::from(crate::support::chain::BALANCE_WEI);
    story.calm(60);
    story.check_end();
}

#[test]
fn a_checkpoint_that_contradicts_the_contract_stops_everything_with_an_alarm() {
    let mut story = Story::new(13, 1);
    story.grow(2);
    story.calm(5);
    // The validators of another history were faster with the third.
    let other = {
        let history = lock(&story.history);
        let parent = anchor().fingerprint(&history.bundles[1].checkpoint);
        history.sign(3, parent, " of another history")
    };
    story.grow(3);
    story.round(0);
    lock(&story.chain).pool.clear();
    lock(&story.chain).slip_in(&other);
    let sends = lock(&story.chain).sends.len();
    story.calm(50);
    assert!(story.alarms.iter().any(|alarm| matches!(alarm, Alarm::Conflict { .. })));
    assert_eq!(lock(&story.chain).sends.len(), sends, "nothing was sent after it");
    let outbox = story.players[0].relayer().planner().outbox();
    assert!(outbox.entries().len() >= 3, "and nothing that contradicts is let go of");
}
