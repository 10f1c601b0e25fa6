//! Going back to a checkpoint's state (R16): is the state that of the checkpoint's block but for what the rule names, whatever happened
//! since; does every node come to the same; and is everything refused that is no such block?

use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::SolCall;
use ledger_chainspec::{
    Block, BlockNumber, ChainSpec, FinalityCertificate, RecoveryOrder, RecoveryPoint, Transaction, digest_of,
    predeploys::{BOOTSTRAP, PASSPORT_TOKEN, TRANSACT},
    with_digest,
};
use ledger_contracts::{Bootstrap, Redemption, Transact, redemption_digest};
use ledger_runtime::{
    ACCOUNTS_KEPT, BlockRef, Executed, ImportError, ProduceError, ProduceInputs, RecoveryError, Runtime,
    RuntimeOptions, TransactionFault, state::AccountRecord, verify::verify,
};

use crate::{
    council::NOTHING,
    dice::{Dice, Run},
    world::{Person, World, certify, chain_id, seal},
};

const SMALL: u32 = 1;
const SEEDS: u64 = 6;

/// Code that writes the call's value under the number that the call's data begins with.
const WRITER: [u8; 6] = [0x34, 0x5f, 0x35, 0x55, 0x00, 0x00];

/// A chain with what was ever sent and made, to be played to others.
struct Stage {
    world: World,
    blocks: Vec<(Block, FinalityCertificate)>,
}

impl Stage {
    fn new() -> Self {
        Self {
            world: World::dev(),
            blocks: Vec::new(),
        }
    }

    fn runtime(&self) -> &Runtime {
        &self.world.runtime
    }

    fn head(&self) -> u64 {
        self.world.head().number().get()
    }

    fn nonce(&self, who: &Person) -> u64 {
        let account = self.runtime().account(&who.address(), BlockRef::Head).unwrap();
        account.map_or(0, |account| account.nonce)
    }

    fn keep(&mut self, executed: Executed) {
        let sealed = seal(self.runtime(), executed);
        let certificate = certify(self.runtime(), &sealed);
        self.blocks.push((sealed.block(), certificate.clone()));
        self.runtime().commit(sealed, certificate).unwrap();
    }

    /// A block of all these transactions; gives its receipts.
    fn block(&mut self, transactions: Vec<Recovered<Transaction>>) -> Vec<ledger_runtime::store::StoredReceipt> {
        let produced = self.world.produce(transactions);
        assert_eq!(produced.skipped, []);
        let receipts = produced.executed.receipts().to_vec();
        self.keep(produced.executed);
        receipts
    }

    /// A block of one call, which must succeed.
    fn does<C: SolCall>(&mut self, who: &Person, to: Address, call: &C) -> B256 {
        let transaction = who.call(self.nonce(who), to, call.abi_encode());
        let hash = *transaction.tx_hash();
        assert!(self.block(vec![transaction])[0].receipt.success, "{}", C::SIGNATURE);
        hash
    }

    fn offer(&mut self) {
        let call = Transact::setOfferCall {
            specId: SMALL,
            quantity: 100,
        };
        self.does(&Person::number(0), TRANSACT, &call);
    }

    /// Asks for a code; its id.
    fn request(&mut self, who: &Person) -> (B256, U256) {
        let hash = self.does(who, TRANSACT, &Transact::requestCodeCall { specId: SMALL });
        let found = self.runtime().transaction(&hash).unwrap().unwrap();
        (hash, Runtime::issued_code(&found.receipt).unwrap())
    }

    fn redeem(&mut self, holder: &Person, code: U256) {
        let deadline = U256::from(self.world.head().header.header.timestamp + 3_600);
        let redemption = Redemption {
            codeId: code,
            memberId: 1,
            signupRef: B256::repeat_byte(0x51),
            deadline,
        };
        let digest = redemption_digest(chain_id(), TRANSACT, &redemption);
        let authorization = Transact::Authorization {
            signupRef: redemption.signupRef,
            deadline,
            signature: holder.0.sign_hash_sync(&digest).unwrap().as_bytes().to_vec().into(),
        };
        let call = Transact::redeemCall {
            codeId: code,
            authorization,
        };
        self.does(&Person::number(0), TRANSACT, &call);
    }

    fn status(&self, code: U256) -> u8 {
        let request = alloy_rpc_types_eth::TransactionRequest::default()
            .to(TRANSACT)
            .input(Bytes::from(Transact::codeCall { codeId: code }.abi_encode()).into());
        let called = self
            .runtime()
            .call(request, BlockRef::Head, Default::default())
            .unwrap();
        match called.outcome {
            ledger_runtime::CallOutcome::Returned(data) => {
                Transact::codeCall::abi_decode_returns(&data).unwrap().status
            }
            other => panic!("{other:?}"),
        }
    }

    /// The only validator proposes, votes and executes.
    fn order(&mut self, checkpoint: u64) {
        let account = self.world.head().set.get(0).unwrap().account;
        let validator = (0..10)
            .map(Person::number)
            .find(|one| one.address() == account)
            .unwrap();
        let call = Bootstrap::proposeRecoveryCall {
            checkpointNumber: checkpoint,
        };
        self.does(&validator, BOOTSTRAP, &call);
        let id = U256::from(self.proposals());
        let vote = Bootstrap::voteCall {
            proposalId: id,
            support: true,
            tuple: NOTHING,
        };
        self.does(&validator, BOOTSTRAP, &vote);
        self.does(&validator, BOOTSTRAP, &Bootstrap::executeCall { proposalId: id });
    }

    fn proposals(&self) -> u64 {
        let request = alloy_rpc_types_eth::TransactionRequest::default()
            .to(BOOTSTRAP)
            .input(Bytes::from(Bootstrap::proposalCountCall {}.abi_encode()).into());
        let called = self
            .runtime()
            .call(request, BlockRef::Head, Default::default())
            .unwrap();
        match called.outcome {
            ledger_runtime::CallOutcome::Returned(data) => U256::from_be_slice(&data).to(),
            other => panic!("{other:?}"),
        }
    }

    /// The recovery block, made and not committed.
    fn recovery(&self, height: u64) -> Result<Executed, ProduceError> {
        let (slot, certificate) = (self.world.next_slot(), self.world.head().certificate.clone());
        self.runtime()
            .produce_recovery(slot, certificate, BlockNumber::new(height))
    }

    fn recover(&mut self, height: u64) {
        let executed = self.recovery(height).unwrap();
        self.keep(executed);
    }

    fn account(&self, address: Address, at: u64) -> Option<AccountRecord> {
        let at = BlockRef::Number(BlockNumber::new(at));
        self.runtime().account(&address, at).unwrap()
    }

    /// Plays everything to a new node, which must come to the same.
    fn play(&self) -> World {
        let other = World::dev();
        for (block, certificate) in &self.blocks {
            let executed = other.runtime.import(block.clone()).unwrap();
            other.runtime.commit(executed, certificate.clone()).unwrap();
        }
        assert_eq!(other.head().hash(), self.world.head().hash());
        other
    }
}

/// Chance traffic: payments to strangers and of strangers, contracts that write, codes asked for.
struct Traffic {
    dice: Dice,
    payers: Vec<Person>,
    addresses: Vec<Address>,
    contracts: Vec<Address>,
}

impl Traffic {
    fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            payers: (1..10).chain(30..36).map(Person::number).collect(),
            addresses: (1..10)
                .chain(30..36)
                .map(|index| Person::number(index).address())
                .collect(),
            contracts: Vec::new(),
        }
    }

    fn blocks(&mut self, stage: &mut Stage, count: u64) {
        for _ in 0..count {
            let transactions = self.transactions(stage);
            stage.block(transactions);
        }
    }

    /// At most one transaction of each payer, so that nonces are known.
    fn transactions(&mut self, stage: &Stage) -> Vec<Recovered<Transaction>> {
        let mut made = Vec::new();
        for who in self.payers.clone() {
            let nonce = stage.nonce(&who);
            let balance = stage.account(who.address(), stage.head()).unwrap_or_default().balance;
            made.push(match self.dice.roll(9) {
                0 if balance > U256::from(1_000) => {
                    let to = *self.dice.pick(&self.addresses);
                    who.pay(nonce, to, 7)
                }
                1 if balance > U256::from(1_000) => {
                    let stranger =
                        Address::from_word(alloy_primitives::keccak256(self.dice.roll(1 << 40).to_be_bytes()));
                    self.addresses.push(stranger);
                    who.pay(nonce, stranger, 3)
                }
                2 => {
                    let contract = who.address().create(nonce);
                    self.contracts.push(contract);
                    self.addresses.push(contract);
                    // Gives back WRITER.
                    let initcode = [&[0x65][..], &WRITER, &[0x5f, 0x52, 0x60, 0x06, 0x60, 0x1a, 0xf3]].concat();
                    who.create(nonce, initcode)
                }
                3 | 4 if !self.contracts.is_empty() => {
                    let to = *self.dice.pick(&self.contracts);
                    let slot = U256::from(self.dice.roll(40)).to_be_bytes::<32>();
                    // No value: the slot is emptied.
                    let value = if balance > U256::from(1_000) {
                        self.dice.roll(3)
                    } else {
                        0
                    };
                    who.sign(alloy_consensus::TxEip1559 {
                        chain_id: chain_id(),
                        nonce,
                        gas_limit: 200_000,
                        to: alloy_primitives::TxKind::Call(to),
                        value: U256::from(value),
                        input: slot.to_vec().into(),
                        ..Default::default()
                    })
                }
                5 => who.call(
                    nonce,
                    TRANSACT,
                    Transact::requestCodeCall { specId: SMALL }.abi_encode(),
                ),
                _ => continue,
            });
        }
        made
    }
}

fn blamed(error: &ImportError) -> &RecoveryError {
    assert!(error.blames_block(), "{error}");
    match error {
        ImportError::Recovery(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn whatever_happened_since_the_state_is_the_checkpoints_but_for_what_the_rule_names() {
    for seed in 0..SEEDS {
        let mut run = Run { seed, step: 0 };
        let mut stage = Stage::new();
        stage.offer();
        let mut traffic = Traffic::new(seed);
        traffic.blocks(&mut stage, 6);
        let height = stage.head();
        traffic.blocks(&mut stage, 12);
        let attacked = stage.head();
        run.step = attacked;
        stage.order(4);
        let before = stage.head();
        stage.recover(height);
        let number = stage.head();

        let root = |at: u64| {
            let header = stage.runtime().header(BlockRef::Number(BlockNumber::new(at))).unwrap();
            header.unwrap().header.state_root
        };
        let digest = digest_of(&stage.world.head().header.header).unwrap();
        let order = RecoveryOrder {
            epoch: 1,
            checkpoint: 4,
        };
        assert_eq!(
            digest.recovery,
            Some(RecoveryPoint {
                order,
                height: BlockNumber::new(height),
                state_root: root(height),
            })
        );
        let mut changed = 0;
        for address in &traffic.addresses {
            let (was, today, now) = (
                stage.account(*address, height),
                stage.account(*address, before),
                stage.account(*address, number),
            );
            changed += usize::from(was != today);
            let signs = today.is_some_and(|one| one.code_hash == alloy_primitives::KECCAK256_EMPTY && one.nonce > 0);
            match (signs, was, today, now) {
                (false, was, _, now) => assert_eq!(now, was, "{address}"),
                (true, Some(was), Some(today), Some(now)) => {
                    assert_eq!(
                        now,
                        AccountRecord {
                            nonce: was.nonce.max(today.nonce),
                            ..was
                        },
                        "{address}"
                    );
                }
                (true, None, Some(today), Some(now)) => {
                    assert_eq!((now.nonce, now.balance), (today.nonce, U256::ZERO), "{address}");
                }
                other => panic!("{address}: {other:?}"),
            }
        }
        assert!(changed > 5, "{changed} accounts had changed");
        // Contracts whose state is nobody's own are theirs of then; those that the chain itself keeps are those of now.
        for contract in [TRANSACT, PASSPORT_TOKEN] {
            assert_eq!(stage.account(contract, number), stage.account(contract, height));
        }
        assert_eq!(stage.account(BOOTSTRAP, number), stage.account(BOOTSTRAP, before));
        assert_ne!(stage.account(BOOTSTRAP, number), stage.account(BOOTSTRAP, height));
        assert!(ACCOUNTS_KEPT.contains(&HISTORY_STORAGE_ADDRESS));
        assert_ne!(
            stage.account(HISTORY_STORAGE_ADDRESS, number),
            stage.account(HISTORY_STORAGE_ADDRESS, before),
            "it has the parent's hash"
        );
        stage.runtime().store().verify_state().unwrap();

        // The chain goes on, and every other node comes to the same. What the blocks in between held can still be read.
        traffic.blocks(&mut stage, 4);
        let spanned = traffic
            .addresses
            .iter()
            .map(|one| stage.account(*one, attacked))
            .collect::<Vec<_>>();
        let other = stage.play();
        let again = traffic.addresses.iter().map(|one| {
            let at = BlockRef::Number(BlockNumber::new(attacked));
            other.runtime.account(one, at).unwrap()
        });
        assert_eq!(again.collect::<Vec<_>>(), spanned);
        other.runtime.store().verify_state().unwrap();
        assert_eq!(other.restarted().runtime.store().recoveries().len(), 1);
    }
}

#[test]
fn codes_of_the_span_are_gone_and_those_redeemed_in_it_are_live_again() {
    let mut stage = Stage::new();
    stage.offer();
    let (user, thief) = (Person::number(50), Person::number(51));
    let (_, kept) = stage.request(&user);
    let height = stage.head();
    stage.redeem(&user, kept);
    let (gone_in, gone) = stage.request(&thief);
    let before = stage.nonce(&thief);
    assert_eq!(stage.status(kept), 3, "redeemed");
    stage.order(1);
    stage.recover(height);
    assert_eq!((stage.status(kept), stage.status(gone)), (1, 0));
    let index = |stage: &Stage, code| stage.runtime().promo_code(&code).unwrap();
    assert_eq!(index(&stage, kept).unwrap().end, None);
    assert_eq!(index(&stage, gone), None);
    let found = stage.runtime().transaction(&gone_in).unwrap().unwrap();
    let recovery = stage.runtime().store().left_by(found.location.block).unwrap();
    assert_eq!(recovery.number.get(), stage.head());
    for outside in [height, stage.head()] {
        assert_eq!(stage.runtime().store().left_by(BlockNumber::new(outside)), None);
    }

    // What was sent in the span cannot be sent again.
    assert_eq!(stage.nonce(&thief), before);
    let produced = stage.world.produce(vec![found.transaction]);
    assert!(
        matches!(produced.skipped[0].fault, TransactionFault::NonceTooLow { .. }),
        "{:?}",
        produced.skipped
    );
    // A number that the span gave to a code is another code's now.
    let (again_in, again) = stage.request(&user);
    assert_eq!(again, gone);
    let issued = index(&stage, again).unwrap().issued;
    let issuing = stage.runtime().transaction_at(issued).unwrap().unwrap();
    assert_eq!(*issuing.transaction.tx_hash(), again_in);
    stage.redeem(&user, kept);
    assert_eq!(stage.status(kept), 3);
    assert_eq!(index(&stage, kept).unwrap().end.unwrap().at.block.get(), stage.head());
    let other = stage.play();
    assert_eq!(other.runtime.promo_code(&kept).unwrap(), index(&stage, kept));

    // A second recovery, to before the first.
    let first = stage.head();
    stage.order(1);
    stage.recover(height);
    assert_eq!(stage.status(kept), 1);
    assert_eq!(
        digest_of(&stage.world.head().header.header)
            .unwrap()
            .recovery
            .unwrap()
            .order
            .epoch,
        2
    );
    assert!(stage.runtime().store().left_by(BlockNumber::new(first)).is_some());

    // What a recovery left behind is nowhere to go back to: no index knows of it any more.
    stage.order(1);
    let refused = stage.recovery(height + 1).unwrap_err();
    assert!(
        matches!(refused, ProduceError::Recovery(RecoveryError::LeftBehind { .. })),
        "{refused}"
    );
    stage.recover(height);
    stage.redeem(&user, kept);
    let folder = stage.play();
    let scratch = tempfile::tempdir().unwrap();
    let spec = Arc::new(ChainSpec::dev());
    let report = verify(folder.runtime.store(), &spec, Some(scratch.path()), &mut |_| {});
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!(report.executed_blocks, Some(stage.head()));
}

#[test]
fn nothing_but_the_right_recovery_block_follows_an_order() {
    let mut stage = Stage::new();
    stage.offer();
    stage.block(vec![]);
    let height = stage.head();
    stage.block(vec![]);
    // Where nothing was ordered, nothing is recovered.
    assert!(matches!(
        stage.recovery(height),
        Err(ProduceError::Recovery(RecoveryError::Order { .. }))
    ));
    let ordinary = seal(stage.runtime(), stage.world.produce(vec![]).executed).block();
    stage.order(2);
    let ordered = RecoveryOrder {
        epoch: 1,
        checkpoint: 2,
    };
    assert_eq!(stage.world.head().recovery, Some(ordered));
    let inputs = ProduceInputs {
        may_recover: &|_| true,
        gas_target: u64::MAX,
        slot: stage.world.next_slot(),
        parent_certificate: stage.world.head().certificate.clone(),
        candidates: &mut std::iter::empty(),
    };
    assert!(matches!(
        stage.runtime().produce(inputs),
        Err(ProduceError::RecoveryDue(order)) if order == ordered
    ));
    for later in [stage.head(), stage.head() + 1] {
        let made = stage.recovery(later);
        assert!(
            matches!(made, Err(ProduceError::Recovery(RecoveryError::Height { .. }))),
            "{made:?}"
        );
    }

    let right = seal(stage.runtime(), stage.recovery(height).unwrap()).block();
    assert!(stage.runtime().import(right.clone()).is_ok());
    let changed = |change: &dyn Fn(&mut RecoveryPoint)| {
        let mut digest = digest_of(&right.header).unwrap();
        change(digest.recovery.as_mut().unwrap());
        let block = Block {
            header: with_digest(right.header.clone(), &digest),
            transactions: Vec::new(),
        };
        stage.runtime().import(block).unwrap_err()
    };
    assert!(matches!(
        blamed(&changed(&|point| point.order.checkpoint = 3)),
        RecoveryError::Order { .. }
    ));
    assert!(matches!(
        blamed(&changed(&|point| point.state_root = B256::repeat_byte(1))),
        RecoveryError::StateRoot { .. }
    ));
    // Another block's state has another root in the header.
    let other = changed(&|point| {
        let at = BlockRef::Number(BlockNumber::new(0));
        point.height = BlockNumber::new(0);
        point.state_root = stage.runtime().header(at).unwrap().unwrap().header.state_root;
    });
    assert!(
        matches!(other, ImportError::Header(_)) && other.blames_block(),
        "{other}"
    );
    let mut full = right.clone();
    full.transactions = vec![Person::number(3).pay(0, BOOTSTRAP, 0).into_inner()];
    assert!(matches!(
        blamed(&stage.runtime().import(full).unwrap_err()),
        RecoveryError::Transactions { got: 1 }
    ));
    let mut disobedient = digest_of(&right.header).unwrap();
    disobedient.recovery = None;
    let disobedient = Block {
        header: with_digest(right.header.clone(), &disobedient),
        transactions: Vec::new(),
    };
    let refused = stage.runtime().import(disobedient).unwrap_err();
    assert!(matches!(blamed(&refused), RecoveryError::Order { got: None, .. }));
    assert!(stage.runtime().import(ordinary).is_err());
}

#[test]
fn an_order_to_where_nobody_can_follow_is_not_put_into_a_block() {
    let mut stage = Stage::new();
    stage.block(vec![]);
    let account = stage.world.head().set.get(0).unwrap().account;
    let validator = (0..10)
        .map(Person::number)
        .find(|one| one.address() == account)
        .unwrap();
    let propose = Bootstrap::proposeRecoveryCall { checkpointNumber: 9 };
    stage.does(&validator, BOOTSTRAP, &propose);
    let id = U256::from(stage.proposals());
    let vote = Bootstrap::voteCall {
        proposalId: id,
        support: true,
        tuple: NOTHING,
    };
    stage.does(&validator, BOOTSTRAP, &vote);
    let execute = Bootstrap::executeCall { proposalId: id }.abi_encode();
    let execute = validator.call(stage.nonce(&validator), BOOTSTRAP, execute);
    let mut candidates = [execute.clone(), Person::number(3).pay(0, BOOTSTRAP.create(1), 1)].into_iter();
    let produced = stage.runtime().produce(ProduceInputs {
        may_recover: &|checkpoint| checkpoint != 9,
        gas_target: u64::MAX,
        slot: stage.world.next_slot(),
        parent_certificate: stage.world.head().certificate.clone(),
        candidates: &mut candidates,
    });
    let produced = produced.unwrap();
    assert_eq!(produced.skipped[0].fault, TransactionFault::Recovery { checkpoint: 9 });
    assert_eq!(
        (produced.executed.transactions().len(), produced.executed.orders()),
        (1, None)
    );
    let executed = stage.world.produce(vec![execute]).executed;
    assert_eq!(executed.orders().map(|order| order.checkpoint), Some(9));
}

#[test]
fn who_has_not_kept_the_state_says_so_and_who_was_told_to_has_kept_it() {
    let chain = |keeps: bool| {
        let world = World::with(|options| RuntimeOptions {
            history_blocks: 4,
            ..options
        });
        let mut stage = Stage {
            world,
            blocks: Vec::new(),
        };
        stage.offer();
        let height = stage.head();
        if keeps {
            stage.runtime().store().keep_states_from(Some(BlockNumber::new(height)));
        }
        for _ in 0..10 {
            stage.block(vec![]);
        }
        stage.order(1);
        (stage, height)
    };
    let (poor, height) = chain(false);
    let made = poor.recovery(height).unwrap_err();
    assert!(matches!(
        made,
        ProduceError::Recovery(RecoveryError::NotKept { oldest, .. }) if oldest.get() > height
    ));
    let (mut rich, height) = chain(true);
    let executed = rich.recovery(height).unwrap();
    // The same block is not its fault where the state is missing.
    let block = seal(rich.runtime(), executed).block();
    let refused = poor.runtime().import(block).unwrap_err();
    assert!(!refused.blames_block(), "{refused}");
    assert!(refused.to_string().contains("move the data folder away"), "{refused}");
    rich.recover(height);
    rich.runtime().store().keep_states_from(None);
    for _ in 0..5 {
        rich.block(vec![]);
    }
    assert_eq!(rich.runtime().store().oldest_state().get(), rich.head() - 4);
}
