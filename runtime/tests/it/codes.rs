//! Whatever people do with promo codes, in whatever order: are there never more codes than offers, is every reward paid
//! once, is every month's usage what the events add up to, and does a second node come to the same state?

use std::collections::{BTreeMap, BTreeSet};

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{B256, Bytes, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer::SignerSync;
use alloy_sol_types::SolCall;
use ledger_chainspec::{
    Block, ChainSpec, Day, Month, Slot, Transaction,
    predeploys::{PASSPORT_TOKEN, TRANSACT},
};
use ledger_contracts::{
    KnownEvent, PassportToken, Redemption,
    Transact::{self, TransactEvents},
    decode_event, redemption_digest,
};
use ledger_runtime::{
    BlockRef, CallOutcome, CallOverrides,
    store::{CodeEndKind, SpecUsage, StoredReceipt},
};

use crate::{
    council::stranger,
    dice::{Dice, Run},
    world::{Person, World, certify, chain_id, seal},
};

/// Of the dev chain: the third spec's codes live for a minute.
const SPECS: u32 = 3;
const MEMBERS: u32 = 2;

const SEEDS: u64 = 4;
const BLOCKS: u64 = 60;
const CALLS_PER_BLOCK: u64 = 10;

/// Seconds that pass at once at most, now and then: codes of all specs expire, and months come and go.
const LEAP_SECONDS: u64 = 20 * 86_400;

/// A code from its issue to its end.
struct Life {
    spec: u32,
    issued_at: u64,
    expires_at: u64,
    /// How and when, and the member that redeemed it.
    end: Option<(CodeEndKind, u64, u32)>,
}

/// What the events say.
#[derive(Default)]
struct Ledger {
    holders: BTreeMap<U256, usize>,
    live: BTreeSet<U256>,
    redeemed: BTreeSet<U256>,
    rewards: U256,
    lives: BTreeMap<U256, Life>,
    seen: BTreeMap<&'static str, u32>,
}

struct Play {
    dice: Dice,
    /// It makes the blocks.
    first: World,
    /// It has them from the first.
    second: World,
    users: Vec<Person>,
    /// Owner and back end of each member.
    clouds: Vec<(Person, u32)>,
    nonces: BTreeMap<alloy_primitives::Address, u64>,
    ledger: Ledger,
}

impl Play {
    fn new(seed: u64) -> Self {
        // The accounts 0 and 1 are Aurora's, 2 and 3 Borealis's.
        let clouds = (0..4).map(|index| (Person::number(index), index / 2 + 1)).collect();
        Self {
            dice: Dice::new(seed),
            first: World::dev(),
            second: World::dev(),
            users: (0..6).map(|user| stranger(&format!("user {user}"))).collect(),
            clouds,
            nonces: BTreeMap::new(),
            ledger: Ledger::default(),
        }
    }

    fn send<C: SolCall>(&mut self, who: &Person, call: &C) -> Recovered<Transaction> {
        let nonce = self.nonces.entry(who.address()).or_default();
        *nonce += 1;
        who.call(*nonce - 1, TRANSACT, call.abi_encode())
    }

    /// Some code: mostly one that was issued.
    fn some_code(&mut self) -> U256 {
        let ids: Vec<_> = self.ledger.holders.keys().copied().collect();
        if ids.is_empty() || self.dice.roll(12) == 0 {
            return (U256::from(self.dice.roll(5)) << 64) | U256::from(self.dice.roll(30));
        }
        // The newer a code, the likelier it lives.
        let recent = ids.len().saturating_sub(16);
        if self.dice.roll(2) == 0 {
            *self.dice.pick(&ids)
        } else {
            *self.dice.pick(&ids[recent..])
        }
    }

    /// Mostly the code's holder.
    fn some_user(&mut self, code: U256) -> Person {
        match self.ledger.holders.get(&code) {
            Some(holder) if self.dice.roll(6) != 0 => self.users[*holder].clone(),
            _ => self.dice.pick(&self.users).clone(),
        }
    }

    fn redemption(&mut self, now: u64) -> Recovered<Transaction> {
        let code = self.some_code();
        let (cloud, member) = self.dice.pick(&self.clouds).clone();
        let holder = self.some_user(code);
        let redemption = Redemption {
            codeId: code,
            memberId: if self.dice.roll(8) == 0 { 3 - member } else { member },
            signupRef: B256::repeat_byte(0x51),
            deadline: U256::from(now + self.dice.roll(100)),
        };
        let digest = redemption_digest(chain_id(), TRANSACT, &redemption);
        let authorization = Transact::Authorization {
            signupRef: redemption.signupRef,
            deadline: redemption.deadline,
            signature: holder.0.sign_hash_sync(&digest).unwrap().as_bytes().to_vec().into(),
        };
        self.send(
            &cloud,
            &Transact::redeemCall {
                codeId: code,
                authorization,
            },
        )
    }

    /// A call of somebody. About half of them are refused.
    fn some_call(&mut self, now: u64) -> Recovered<Transaction> {
        let spec = self.dice.small(SPECS + 1) + u32::from(self.dice.roll(6) != 0);
        let user = self.dice.pick(&self.users).clone();
        let cloud = self.dice.pick(&self.clouds).0.clone();
        match self.dice.roll(20) {
            0..=6 => self.send(&user, &Transact::requestCodeCall { specId: spec }),
            7..=8 => {
                let code = self.some_code();
                let (from, to) = (self.some_user(code), user.address());
                self.send(&from, &Transact::transferCall { codeId: code, to })
            }
            9 => {
                let code = self.some_code();
                let who = self.some_user(code);
                self.send(&who, &Transact::cancelCall { codeId: code })
            }
            10..=13 => self.redemption(now),
            14..=16 => {
                let quantity = self.dice.small(8);
                self.send(&cloud, &Transact::setOfferCall { specId: spec, quantity })
            }
            17 if self.dice.roll(2) == 0 => self.send(&cloud, &Transact::pauseCall { specId: spec }),
            17 => self.send(&cloud, &Transact::resumeCall { specId: spec }),
            18 => {
                let count = self.dice.small(4);
                self.send(&user, &Transact::sweepCall { specId: spec, count })
            }
            _ => self.send(
                &user,
                &Transact::forgetCall {
                    account: user.address(),
                },
            ),
        }
    }

    /// A block of the first, imported by the second from its bytes and committed by both.
    fn play_block(&mut self) {
        let leap = if self.dice.roll(10) == 0 { LEAP_SECONDS } else { 20 };
        let slot = Slot::new(self.first.next_slot().get() + self.dice.roll(leap));
        let now = ledger_runtime::slot_timestamp(self.first.runtime.spec(), slot);
        let calls = (0..self.dice.roll(CALLS_PER_BLOCK + 1))
            .map(|_| self.some_call(now))
            .collect();
        let produced = self.first.produce_in(slot, calls);
        assert_eq!(produced.skipped, []);
        let sealed = seal(&self.first.runtime, produced.executed);
        let bytes = sealed.block().to_rlp();
        let imported = self.second.runtime.import(Block::from_rlp(&bytes).unwrap()).unwrap();
        assert_eq!(imported.header(), sealed.header());
        assert_eq!(imported.receipts(), sealed.receipts());
        let certificate = certify(&self.first.runtime, &sealed);
        for receipt in sealed.receipts() {
            self.ledger.read(receipt, &self.users, now);
        }
        let one = self.first.runtime.commit(sealed, certificate.clone()).unwrap();
        let other = self.second.runtime.commit(imported, certificate).unwrap();
        assert_eq!(one, other);
    }

    /// The same answer of both.
    fn ask<C: SolCall>(&self, to: alloy_primitives::Address, call: &C) -> C::Return {
        let answers = [&self.first, &self.second].map(|world| {
            let request = TransactionRequest::default()
                .to(to)
                .input(Bytes::from(call.abi_encode()).into());
            world
                .runtime
                .call(request, BlockRef::Head, CallOverrides::default())
                .unwrap()
                .outcome
        });
        assert_eq!(answers[0], answers[1]);
        match &answers[0] {
            CallOutcome::Returned(data) => C::abi_decode_returns(data).unwrap(),
            other => panic!("{}: {other:?}", C::SIGNATURE),
        }
    }

    fn check(&self) {
        for spec in 1..=SPECS {
            let pool = self.ask(TRANSACT, &Transact::poolCall { specId: spec });
            let offers = (1..=MEMBERS).map(|member| {
                let call = Transact::offerCall {
                    memberId: member,
                    specId: spec,
                };
                self.ask(TRANSACT, &call).quantity
            });
            assert_eq!(pool.offered, offers.sum::<u32>(), "spec {spec}");
            assert!(pool.live <= pool.offered, "spec {spec}: {pool:?}");
            let live = self.ledger.live.iter().filter(|code| **code >> 64 == U256::from(spec));
            assert_eq!(pool.live as usize, live.count(), "spec {spec}");
        }
        let supply = self.ask(PASSPORT_TOKEN, &PassportToken::totalSupplyCall {});
        assert_eq!(supply, self.ledger.rewards);
        let paid = self.users.iter().map(|user| {
            self.ask(
                PASSPORT_TOKEN,
                &PassportToken::balanceOfCall {
                    account: user.address(),
                },
            )
        });
        assert_eq!(paid.sum::<U256>(), supply);
        self.check_usage();
    }

    /// Every month so far, as of now and of later, against the events.
    fn check_usage(&self) {
        let head = self.first.head().header.header.timestamp;
        let first = Month::of(ChainSpec::dev().genesis_timestamp).number();
        for month in (first..=Month::of(head).number() + 2).filter_map(Month::from_number) {
            for now in [head, head + 86_400, month.end() + 1] {
                for member in 0..=MEMBERS {
                    let expected = self.ledger.usage(month, member, now);
                    for world in [&self.first, &self.second] {
                        let counted = world.runtime.store().usage(month, member, now).unwrap();
                        assert_eq!(counted, expected, "{month}, member {member}, at {now}");
                    }
                }
            }
        }
    }
}

impl Ledger {
    /// What became of codes in a month, from the codes themselves.
    fn usage(&self, month: Month, member: u32, now: u64) -> BTreeMap<u32, SpecUsage> {
        let mut specs: BTreeMap<u32, SpecUsage> = BTreeMap::new();
        for life in self.lives.values() {
            let ended = |kind| {
                life.end
                    .is_some_and(|(end, at, _)| end == kind && Month::of(at) == month)
            };
            let is_swept = life.end.is_some_and(|(end, ..)| end == CodeEndKind::Expired);
            let is_over = life.end.is_none() && Day::of(life.expires_at) < Day::of(now);
            let is_expired = Month::of(life.expires_at) == month && (is_swept || is_over);
            let is_there = ended(CodeEndKind::Redeemed) && life.end.is_some_and(|(_, _, by)| by == member);
            let usage = SpecUsage {
                issued: u64::from(Month::of(life.issued_at) == month),
                redeemed: u64::from(ended(CodeEndKind::Redeemed)),
                redeemed_there: u64::from(is_there),
                cancelled: u64::from(ended(CodeEndKind::Cancelled)),
                expired: u64::from(is_expired),
            };
            if usage != SpecUsage::default() {
                let sum = specs.entry(life.spec).or_default();
                sum.issued += usage.issued;
                sum.redeemed += usage.redeemed;
                sum.redeemed_there += usage.redeemed_there;
                sum.cancelled += usage.cancelled;
                sum.expired += usage.expired;
            }
        }
        specs
    }

    fn end(&mut self, code: U256, kind: CodeEndKind, at: u64, member: u32) {
        self.lives.get_mut(&code).expect("it was issued").end = Some((kind, at, member));
    }

    fn read(&mut self, receipt: &StoredReceipt, users: &[Person], now: u64) {
        let number = |address| users.iter().position(|user| user.address() == address).unwrap();
        for log in &receipt.receipt.logs {
            let Some(KnownEvent::Transact(event)) = decode_event(&log.data) else {
                continue;
            };
            let name = match event {
                TransactEvents::CodeIssued(e) => {
                    assert!(self.live.insert(e.codeId) && self.holders.insert(e.codeId, number(e.holder)).is_none());
                    let life = Life {
                        spec: e.specId,
                        issued_at: now,
                        expires_at: e.expiresAt,
                        end: None,
                    };
                    self.lives.insert(e.codeId, life);
                    "issued"
                }
                TransactEvents::CodeTransferred(e) => {
                    assert!(self.live.contains(&e.codeId));
                    assert_eq!(self.holders.insert(e.codeId, number(e.to)), Some(number(e.from)));
                    "transferred"
                }
                TransactEvents::CodeCancelled(e) => {
                    assert!(self.live.remove(&e.codeId));
                    self.end(e.codeId, CodeEndKind::Cancelled, now, 0);
                    "cancelled"
                }
                TransactEvents::CodeExpired(e) => {
                    assert!(self.live.remove(&e.codeId));
                    self.end(e.codeId, CodeEndKind::Expired, now, 0);
                    "expired"
                }
                TransactEvents::CodeRedeemed(e) => {
                    assert!(self.live.remove(&e.codeId) && self.redeemed.insert(e.codeId));
                    assert_eq!(self.holders[&e.codeId], number(e.holder));
                    let spec = usize::try_from(e.codeId >> 64).unwrap();
                    assert_eq!(e.reward, ChainSpec::dev().instance_specs[spec - 1].reward);
                    self.rewards += e.reward;
                    self.end(e.codeId, CodeEndKind::Redeemed, now, e.memberId);
                    "redeemed"
                }
                TransactEvents::OfferPaused(_) => "paused",
                _ => continue,
            };
            *self.seen.entry(name).or_default() += 1;
        }
    }
}

#[test]
fn codes_never_exceed_offers_and_rewards_are_paid_once_on_every_node() {
    for seed in 1..=SEEDS {
        let mut play = Play::new(seed);
        let mut run = Run { seed, step: 0 };
        for block in 1..=BLOCKS {
            run.step = block;
            play.play_block();
            play.check();
        }
        println!("seed {seed}: {:?}", play.ledger.seen);
        // A run in which one of these did not happen would show nothing about it.
        for what in ["issued", "transferred", "cancelled", "expired", "redeemed", "paused"] {
            assert!(play.ledger.seen.contains_key(what), "nothing was {what}");
        }
    }
}
