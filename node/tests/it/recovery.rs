//! Which blocks does a node vote for while a recovery is on its way (R16)? Those that name what its mainchain has confirmed of its own
//! chain, and no others.

use std::sync::Arc;

use alloy_consensus::{
    SignableTransaction, TxLegacy,
    transaction::{Recovered, SignerRecoverable},
};
use alloy_primitives::{Address, B256, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use ledger_chainspec::{
    BlockNumber, ChainSpec, FinalityCertificate, RecoveryPoint, Transaction, predeploys::BOOTSTRAP,
};
use ledger_checkpoint::{
    numbers::{BlockNumber as MainchainNumber, Point},
    reading::{Anchored, Book, Place, Standing},
    statement::{Anchor, Checkpoint},
};
use ledger_contracts::Bootstrap;
use ledger_node::{
    anchor::{Confirmed, Reading, Seen},
    checkpoints::chain::{ChainReader, Position},
    recovery::{NoTarget, Targets, Withheld},
};
use ledger_runtime::{BlockRef, Executed, ProduceInputs, Runtime, RuntimeOptions};
use tempfile::TempDir;

use crate::node::dev_account;

/// A chain of one validator, whose certificates nobody looks at.
struct Chain {
    runtime: Arc<Runtime>,
    validator: PrivateKeySigner,
    _folder: TempDir,
}

impl Chain {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let options = RuntimeOptions::new(folder.path(), Arc::new(ChainSpec::dev()));
        let runtime = Runtime::open(RuntimeOptions {
            history_blocks: 3,
            ..options
        });
        let runtime = Arc::new(runtime.unwrap());
        let account = runtime.head().set.get(0).unwrap().account;
        let validator = (0..10).map(dev_account).find(|one| one.address() == account);
        Self {
            runtime,
            validator: validator.unwrap(),
            _folder: folder,
        }
    }

    fn calls(&self, to: Address, input: Vec<u8>) -> Recovered<Transaction> {
        let account = self.runtime.account(&self.validator.address(), BlockRef::Head).unwrap();
        let transaction = TxLegacy {
            chain_id: Some(self.runtime.spec().chain_id),
            nonce: account.map_or(0, |account| account.nonce),
            gas_limit: 1_000_000,
            to: TxKind::Call(to),
            input: input.into(),
            ..TxLegacy::default()
        };
        let signature = self.validator.sign_hash_sync(&transaction.signature_hash()).unwrap();
        let signed: Transaction = transaction.into_signed(signature).into();
        signed.try_into_recovered().unwrap()
    }

    fn made(&self, candidates: Vec<Recovered<Transaction>>) -> Executed {
        let head = self.runtime.head();
        let produced = self.runtime.produce(ProduceInputs {
            may_recover: &|_| true,
            gas_target: u64::MAX,
            slot: head.slot.next().unwrap(),
            parent_certificate: head.certificate.clone(),
            candidates: &mut candidates.into_iter(),
        });
        produced.unwrap().executed
    }

    fn commit(&self, executed: Executed) {
        let certificate = FinalityCertificate {
            set_id: self.runtime.head().set.id(),
            height: executed.number(),
            slot: executed.digest().slot,
            hash: executed.hash(),
            signatures: Vec::new(),
        };
        self.runtime.commit(executed, certificate).unwrap();
    }

    fn blocks(&self, count: usize) {
        for _ in 0..count {
            self.commit(self.made(Vec::new()));
        }
    }

    /// The block that orders a recovery, by the only validator's votes; not committed.
    fn order(&self, checkpoint: u64) -> Executed {
        let call = Bootstrap::proposeRecoveryCall {
            checkpointNumber: checkpoint,
        };
        self.commit(self.made(vec![self.calls(BOOTSTRAP, call.abi_encode())]));
        let vote = Bootstrap::voteCall {
            proposalId: U256::from(1),
            support: true,
            tuple: Default::default(),
        };
        self.commit(self.made(vec![self.calls(BOOTSTRAP, vote.abi_encode())]));
        let call = Bootstrap::executeCall {
            proposalId: U256::from(1),
        };
        let executed = self.made(vec![self.calls(BOOTSTRAP, call.abi_encode())]);
        assert_eq!(executed.orders().map(|order| order.checkpoint), Some(checkpoint));
        executed
    }

    fn hash(&self, height: u64) -> (B256, B256) {
        let at = BlockRef::Number(BlockNumber::new(height));
        let header = self.runtime.header(at).unwrap().unwrap();
        (header.hash.get(), header.header.state_root)
    }
}

/// What is confirmed: checkpoints of these blocks, by height, hash and state root.
fn book(blocks: &[(u64, (B256, B256))]) -> Book {
    let anchor = Anchor {
        mainchain_id: 63,
        contract: Address::repeat_byte(9),
    };
    let genesis = B256::repeat_byte(1);
    let mut book = Book::new(Place { anchor, genesis });
    for (index, (height, (hash, state_root))) in (1..).zip(blocks.iter().copied()) {
        let checkpoint = Checkpoint {
            index,
            epoch: 0,
            setId: 0,
            height,
            blockHash: hash,
            stateRoot: state_root,
            historyRoot: B256::repeat_byte(2),
            parent: book.tip().1,
            nextSetHash: B256::repeat_byte(3),
        };
        let added = book.add(Anchored {
            fingerprint: anchor.fingerprint(&checkpoint),
            checkpoint,
            block: Point {
                number: MainchainNumber::new(5),
                hash: B256::ZERO,
            },
            standing: Standing::Soft,
        });
        added.unwrap();
    }
    book
}

#[test]
fn a_node_vouches_for_the_checkpoints_of_its_own_chain_and_for_no_others() {
    let chain = Chain::new();
    chain.blocks(2);
    let confirmed = Arc::new(Confirmed::default().recovering_from(Some(1)));
    let targets = Targets::new(Arc::clone(&chain.runtime), Arc::clone(&confirmed));
    assert_eq!(targets.find(1), Err(NoTarget::Unknown));
    let other = (B256::repeat_byte(7), B256::repeat_byte(8));
    confirmed.publish(
        Reading::Through,
        &book(&[(2, chain.hash(2)), (4, other)]),
        Seen::default(),
    );
    // From here on the state of block 2 stays, although the window is of three blocks.
    targets.keep_states();
    let height = BlockNumber::new(2);
    assert_eq!(targets.find(1), Ok(height));
    assert_eq!(targets.find(2), Err(NoTarget::OtherWanted(1)));
    chain.blocks(6);
    assert_eq!(targets.find(1), Ok(height));

    // Until the recovery nothing but governance is made or voted for.
    let payment = chain.calls(Address::repeat_byte(5), Vec::new());
    assert!(!targets.may_propose(payment.inner()));
    assert_eq!(
        targets.judge(&chain.made(vec![payment])),
        Err(Withheld::NotGovernance(1))
    );
    assert_eq!(targets.judge(&chain.made(Vec::new())), Ok(()));
    let ordering = chain.order(1);
    assert_eq!(targets.judge(&ordering), Ok(()));
    let nobody = Targets::new(Arc::clone(&chain.runtime), Arc::default());
    let (checkpoint, reason) = (1, NoTarget::Unknown);
    assert_eq!(nobody.judge(&ordering), Err(Withheld::Order { checkpoint, reason }));
    chain.commit(ordering);

    // The recovery block, and one that goes back to another block than the checkpoint's.
    let head = chain.runtime.head();
    let recovery = |height: u64| {
        let (slot, certificate) = (head.slot.next().unwrap(), head.certificate.clone());
        let made = chain
            .runtime
            .produce_recovery(slot, certificate, BlockNumber::new(height));
        made.unwrap()
    };
    let back = recovery(2).digest().recovery.unwrap();
    assert_eq!(targets.judge_point(back), Ok(()));
    // A block whose state is kept, and one whose state is not: neither has to be executed to be refused.
    for other in [3, 1] {
        let got = BlockNumber::new(other);
        let expected = height;
        assert_eq!(
            targets.judge_point(RecoveryPoint { height: got, ..back }),
            Err(Withheld::OtherBlock {
                checkpoint,
                got,
                expected
            })
        );
    }
    let reason = NoTarget::Unknown;
    assert_eq!(
        nobody.judge_point(back),
        Err(Withheld::Recovery {
            checkpoint,
            height,
            reason
        })
    );
    chain.commit(recovery(2));
    confirmed.recovered(ledger_node::recovery::orders(&chain.runtime));
    assert_eq!(confirmed.recovering(), None);
    let by = chain.runtime.head().number();
    let between = BlockNumber::new(3);
    confirmed.publish(
        Reading::Through,
        &book(&[(3, chain.hash(3)), (4, other)]),
        Seen::default(),
    );
    assert_eq!(targets.find(1), Err(NoTarget::LeftBehind { height: between, by }));
    assert_eq!(
        targets.find(2),
        Err(NoTarget::OtherHistory {
            height: BlockNumber::new(4)
        })
    );
}

#[test]
fn what_nobody_asked_to_be_kept_leaves_the_window() {
    let chain = Chain::new();
    chain.blocks(2);
    let confirmed = Arc::new(Confirmed::default());
    let targets = Targets::new(Arc::clone(&chain.runtime), Arc::clone(&confirmed));
    let two = chain.hash(2);
    chain.blocks(6);
    confirmed.publish(Reading::Through, &book(&[(2, two)]), Seen::default());
    let refused = targets.find(1).unwrap_err();
    assert!(matches!(refused, NoTarget::NotKept { .. }), "{refused}");
}

#[test]
fn a_checkpoint_at_the_block_that_orders_a_recovery_is_of_the_time_before() {
    let chain = Chain::new();
    chain.blocks(2);
    let mut reader = ChainReader::new(Arc::clone(&chain.runtime), Position::genesis(chain.runtime.spec())).unwrap();
    let mut recoveries_here = || {
        while reader.advance().unwrap().is_some() {}
        let of_head = Position::of_head(&chain.runtime).unwrap();
        assert_eq!(
            (reader.position().number, reader.position().recoveries),
            (of_head.number, of_head.recoveries)
        );
        of_head.recoveries
    };
    assert_eq!(recoveries_here(), 0);
    chain.commit(chain.order(1));
    assert!(chain.runtime.head().recovery.is_some());
    assert_eq!(recoveries_here(), 0);
    let head = chain.runtime.head();
    let (slot, certificate) = (head.slot.next().unwrap(), head.certificate.clone());
    let back = chain.runtime.produce_recovery(slot, certificate, BlockNumber::new(4));
    chain.commit(back.unwrap());
    assert_eq!(recoveries_here(), 1);
    chain.blocks(1);
    assert_eq!(recoveries_here(), 1);
}
