//! Validators who govern the testnet, block by block, through the real contracts. Every block that they commit was
//! imported before.

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use ledger_chainspec::{ChainSpec, ConsensusKey, SetId, Slot, Transaction, dev_keys, predeploys::BOOTSTRAP};
use ledger_contracts::{Bootstrap, KnownError, KnownEvent, ValidatorStatus, decode_event, decode_revert};
use ledger_runtime::{BlockRef, CallOutcome, CallOverrides, CallResult, slot_timestamp, store::StoredReceipt};

use crate::world::{Person, World, chain_id_of, seal};

/// A vote's tuple that names nothing: for proposals that are not about an admission.
pub const NOTHING: Bootstrap::NotaryTuple = tuple(0, 0, 0);

/// What a voter found at the notary. Tuples with another `mark` differ.
pub const fn tuple(root: u64, targets: u64, mark: u8) -> Bootstrap::NotaryTuple {
    let hash = alloy_primitives::B256::repeat_byte(mark);
    Bootstrap::NotaryTuple {
        rootVersion: root,
        rootHash: hash,
        targetsVersion: targets,
        targetsHash: hash,
        admissionHash: hash,
        nodesHash: hash,
    }
}

/// Somebody who is nobody on the built-in chains. Deriving them costs less than accounts of the mnemonic.
pub fn stranger(name: &str) -> Person {
    Person(PrivateKeySigner::from_bytes(&keccak256(name)).unwrap())
}

/// A candidate with the keys of development validator `k` who founds a member.
pub fn candidate(k: u32) -> Bootstrap::Candidate {
    Bootstrap::Candidate {
        memberId: 0,
        memberName: format!("Cloud {k}"),
        consensusKey: ConsensusKey::of(&dev_keys::validator_key(k)).get().into(),
        checkpointKey: Address::from_word(keccak256(format!("checkpoint key {k}"))),
        peerId: ledger_chainspec::peer_id_of(&ConsensusKey::of(&dev_keys::peer_key(k))).into(),
        recordHash: keccak256(format!("record {k}")),
    }
}

/// The chain, and its first validators in the order of the schedule.
pub struct Council {
    pub world: World,
    pub validators: Vec<Person>,
}

impl Council {
    pub fn testnet() -> Self {
        let validators = [0, 2, 4, 6].map(Person::number).to_vec();
        let council = Self {
            world: World::of(ChainSpec::testnet()),
            validators,
        };
        let accounts = council.world.head().set.iter().map(|v| v.account).collect::<Vec<_>>();
        assert_eq!(
            accounts,
            council.validators.iter().map(Person::address).collect::<Vec<_>>()
        );
        council
    }

    /// A call at `offset` nonces after the next one of `who`.
    pub fn call_after<C: SolCall>(&self, who: &Person, offset: u64, to: Address, call: &C) -> Recovered<Transaction> {
        let account = self.world.runtime.account(&who.address(), BlockRef::Head).unwrap();
        let nonce = account.map_or(0, |account| account.nonce) + offset;
        who.call_on(chain_id_of(&self.world), nonce, to, call.abi_encode())
    }

    /// The next call of `who` to Bootstrap.
    pub fn call<C: SolCall>(&self, who: &Person, call: &C) -> Recovered<Transaction> {
        self.call_after(who, 0, BOOTSTRAP, call)
    }

    /// A block in `slot`, imported and committed. All of the transactions must be in it.
    pub fn block_in(&self, slot: Slot, transactions: Vec<Recovered<Transaction>>) -> Vec<StoredReceipt> {
        let produced = self.world.produce_in(slot, transactions);
        assert_eq!(produced.skipped, []);
        let sealed = seal(&self.world.runtime, produced.executed);
        let imported = self.world.runtime.import(sealed.block()).unwrap();
        assert_eq!(imported.hash(), sealed.hash());
        assert_eq!(imported.next_set(), sealed.next_set());
        let receipts = imported.receipts().to_vec();
        let announced = receipts.iter().any(|receipt| {
            events(receipt).iter().any(|event| {
                matches!(
                    event,
                    KnownEvent::Bootstrap(Bootstrap::BootstrapEvents::ValidatorSetChanged(_))
                )
            })
        });
        assert_eq!(announced, sealed.next_set().is_some());
        self.world.commit(imported);
        receipts
    }

    pub fn block(&self, transactions: Vec<Recovered<Transaction>>) -> Vec<StoredReceipt> {
        self.block_in(self.world.next_slot(), transactions)
    }

    /// An empty block, at least this much later.
    pub fn wait(&self, seconds: u64) {
        let slots = (seconds * 1_000).div_ceil(self.world.runtime.spec().consensus.slot_duration_ms);
        self.block_in(Slot::new(self.world.head().slot.get() + slots), vec![]);
    }

    /// A block of one call to `to`, which must succeed.
    pub fn does_at<C: SolCall>(&self, who: &Person, to: Address, call: &C) -> StoredReceipt {
        let what = self.would(who, to, call);
        let receipt = self.block(vec![self.call_after(who, 0, to, call)]).remove(0);
        assert!(receipt.receipt.success, "{} was refused: {what:?}", C::SIGNATURE);
        receipt
    }

    /// A block of one call to Bootstrap, which must succeed.
    pub fn does<C: SolCall>(&self, who: &Person, call: &C) -> StoredReceipt {
        self.does_at(who, BOOTSTRAP, call)
    }

    /// What the call would do in the next block.
    pub fn would<C: SolCall>(&self, who: &Person, to: Address, call: &C) -> CallResult {
        let head = self.world.head();
        let request = TransactionRequest::default()
            .from(who.address())
            .to(to)
            .input(Bytes::from(call.abi_encode()).into());
        let block = BlockOverrides {
            number: Some(U256::from(head.number().get() + 1)),
            time: Some(slot_timestamp(self.world.runtime.spec(), self.world.next_slot())),
            ..BlockOverrides::default()
        };
        let overrides = CallOverrides {
            state: None,
            block: Some(Box::new(block)),
        };
        self.world.runtime.call(request, BlockRef::Head, overrides).unwrap()
    }

    /// What the call to `to` is refused with in the next block, which is committed with the refused transaction in it.
    pub fn refused_at<C: SolCall>(&self, who: &Person, to: Address, call: &C) -> KnownError {
        let error = match self.would(who, to, call).outcome {
            CallOutcome::Reverted(data) => decode_revert(&data).unwrap(),
            other => panic!("{} is not refused: {other:?}", C::SIGNATURE),
        };
        let before = self.world.head();
        let receipt = self.block(vec![self.call_after(who, 0, to, call)]).remove(0);
        assert!(!receipt.receipt.success && receipt.receipt.logs.is_empty());
        assert_eq!(self.world.head().set, before.set);
        error
    }

    /// What the call to Bootstrap is refused with in the next block.
    pub fn refused<C: SolCall>(&self, who: &Person, call: &C) -> Bootstrap::BootstrapErrors {
        match self.refused_at(who, BOOTSTRAP, call) {
            KnownError::Bootstrap(error) => error,
            other => panic!("not an error of Bootstrap: {other}"),
        }
    }

    /// What a view function of the contract at `to` returns at the head.
    pub fn ask_at<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        match self.would(&Person(PrivateKeySigner::random()), to, call).outcome {
            CallOutcome::Returned(data) => C::abi_decode_returns(&data).unwrap(),
            other => panic!("{}: {other:?}", C::SIGNATURE),
        }
    }

    pub fn ask<C: SolCall>(&self, call: &C) -> C::Return {
        self.ask_at(BOOTSTRAP, call)
    }

    /// The id of the newest proposal.
    pub fn newest(&self) -> U256 {
        self.ask(&Bootstrap::proposalCountCall {})
    }

    /// Opens a proposal and gives its id.
    pub fn proposes<C: SolCall>(&self, who: &Person, call: &C) -> U256 {
        self.does(who, call);
        self.newest()
    }

    /// A supporting vote.
    pub fn vote(proposal: U256, tuple: &Bootstrap::NotaryTuple) -> Bootstrap::voteCall {
        Bootstrap::voteCall {
            proposalId: proposal,
            support: true,
            tuple: tuple.clone(),
        }
    }

    /// One block in which these validators support the proposal. Gives the receipts.
    pub fn support(&self, voters: &[Person], proposal: U256, tuple: &Bootstrap::NotaryTuple) -> Vec<StoredReceipt> {
        let votes = voters
            .iter()
            .map(|voter| self.call(voter, &Self::vote(proposal, tuple)));
        let receipts = self.block(votes.collect());
        assert!(
            receipts.iter().all(|receipt| receipt.receipt.success),
            "a vote was refused"
        );
        receipts
    }

    /// Lets three validators support the proposal and the timelock run out; whoever then executes it is nobody.
    pub fn carries(&self, proposal: U256, tuple: &Bootstrap::NotaryTuple) -> StoredReceipt {
        self.support(&self.validators[..3], proposal, tuple);
        self.wait(self.world.runtime.spec().governance.timelock_seconds);
        self.does(&stranger("executor"), &Bootstrap::executeCall { proposalId: proposal })
    }

    /// Asserts that the head's block made a set with this number and size: Bootstrap's, the one that its header commits
    /// to, and the one that governs the next block.
    pub fn assert_set(&self, id: u64, validators: usize) {
        let head = self.world.head();
        assert_eq!((head.set.id(), head.set.len()), (SetId::new(id), validators));
        let digest = ledger_chainspec::digest_of(&head.header.header).unwrap();
        assert_eq!(digest.next_set_hash, head.set.hash());
        let answer = self.ask(&Bootstrap::validatorSetCall {});
        let accounts: Vec<_> = answer.validators.iter().map(|validator| validator.account).collect();
        assert_eq!(
            (answer.id, accounts),
            (id, head.set.iter().map(|v| v.account).collect())
        );
    }

    /// What became of an account.
    pub fn status(&self, account: Address) -> ValidatorStatus {
        self.ask(&Bootstrap::validatorCall { account })
            .status
            .try_into()
            .unwrap()
    }
}

/// The contracts' events in a receipt.
pub fn events(receipt: &StoredReceipt) -> Vec<KnownEvent> {
    receipt
        .receipt
        .logs
        .iter()
        .map(|log| decode_event(&log.data).unwrap())
        .collect()
}
