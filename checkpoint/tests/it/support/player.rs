//! One relayer of a simulation: the real relayer with a real journal, killed and started again as the test likes.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use ledger_checkpoint::{
    journal::Journal,
    plan::{Planner, Policy},
    relayer::{Hands, Relayer, RelayerError, Report},
    statement::Anchor,
};
use tempfile::TempDir;

use super::{
    chain::{Chain, Node},
    validators::{History, SideNode, key},
};

use crate::lock;

pub struct Player {
    folder: TempDir,
    signer: PrivateKeySigner,
    policy: Policy,
    anchor: Anchor,
    chain: Arc<Mutex<Chain>>,
    history: Arc<Mutex<History>>,
    relayer: Option<Relayer<Node, SideNode>>,
}

impl Player {
    /// The relayer with this number, which is its rank, too.
    pub fn new(number: u64, policy: Policy, chain: &Arc<Mutex<Chain>>, history: &Arc<Mutex<History>>) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let signer = key(1_000 + number);
        let anchor = lock(history).anchor;
        lock(chain).journals.insert(signer.address(), folder.path().to_owned());
        Self {
            folder,
            signer,
            policy: Policy { rank: number, ..policy },
            anchor,
            chain: chain.clone(),
            history: history.clone(),
            relayer: None,
        }
    }

    pub fn address(&self) -> Address {
        self.signer.address()
    }

    pub fn relayer(&mut self) -> &mut Relayer<Node, SideNode> {
        self.relayer.get_or_insert_with(|| {
            let opened = Journal::open(self.folder.path(), self.anchor).expect("the journal opens");
            assert_eq!(opened.torn_bytes, None, "no write was cut off here");
            let hands = Hands {
                signer: self.signer.clone(),
                journal: opened.journal,
            };
            Relayer::new(
                Node(self.chain.clone()),
                SideNode(self.history.clone()),
                Planner::new(self.policy.clone(), opened.outbox),
                Ok(hands),
            )
        })
    }

    /// A whole round. Between its steps, `meanwhile` happens.
    pub fn round(&mut self, now_ms: u64, mut meanwhile: impl FnMut()) -> Result<Report, RelayerError> {
        let mut round = pin!(self.relayer().round(now_ms));
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(result) = round.as_mut().poll(&mut context) {
                return result;
            }
            meanwhile();
        }
    }

    /// A round that a kill ends after `steps` steps; then nothing is left but the disk.
    pub fn die_within_a_round(&mut self, now_ms: u64, steps: u64) {
        {
            let mut round = pin!(self.relayer().round(now_ms));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..steps {
                if round.as_mut().poll(&mut context).is_ready() {
                    break;
                }
            }
        }
        let remembered = self.relayer().planner().outbox().clone();
        self.relayer = None;
        let on_disk = self.relayer().planner().outbox();
        assert_eq!(*on_disk, remembered, "memory and disk say the same at every moment");
    }
}
