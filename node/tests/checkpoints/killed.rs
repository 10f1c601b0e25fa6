//! A validator is killed at the moment in which it signs, and comes back with another history: it signs nothing else there. And would we
//! notice if it did?

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256};
use ledger_api::{CheckpointInfo, CheckpointState, LedgerClient};
use ledger_chainspec::ChainSpec;
use ledger_checkpoint::statement::Anchor;
use ledger_node::{
    checkpoints::{SignedRecord, record::Signed},
    signer::GuardStore,
};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    ports::free_ports,
    process::{Member, PATIENCE, checkpoint_signer},
};

const CONTRACT: Address = Address::repeat_byte(0xc5);

/// Bytes of the log of records before the first one.
const LOG_HEAD_BYTES: u64 = 48;

/// A chain of one validator, who is a quorum alone.
struct Alone {
    member: Member,
    anchor: Anchor,
    _folder: TempDir,
}

impl Alone {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut spec = ChainSpec::testnet();
        spec.validators.truncate(1);
        spec.consensus.slot_duration_ms = 500;
        spec.consensus.heartbeat_slots = 1;
        spec.checkpoint.contract = CONTRACT;
        spec.checkpoint.interval_blocks = 4;
        spec.network.bootnodes.clear();
        let chain = folder.path().join("chain.toml");
        fs::write(&chain, spec.to_toml()).unwrap();
        let first_port = free_ports(2);
        Self {
            member: Member::new((0, true), [first_port, first_port + 1], &chain, folder.path()),
            anchor: Anchor {
                mainchain_id: spec.checkpoint.mainchain_id,
                contract: CONTRACT,
            },
            _folder: folder,
        }
    }

    fn data(&self) -> PathBuf {
        self.member.folder.join("data")
    }

    /// The folder of the record of what the checkpoint key signed.
    fn record(&self) -> PathBuf {
        let key = checkpoint_signer(0).address();
        self.data().join("guard").join(format!("checkpoint-{key:#x}"))
    }

    /// Starts it, and sends SIGKILL as soon as the record of its first signature is there.
    fn start_and_kill_as_it_signs(&mut self) {
        self.member.start();
        let log = self.record().join("guard.log");
        let begun = self.until_longer(&log, LOG_HEAD_BYTES);
        self.until_longer(&log, begun);
        self.member.kill();
    }

    /// Waits until the file has more bytes than this.
    fn until_longer(&self, path: &Path, than: u64) -> u64 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let bytes = fs::metadata(path).map_or(0, |file| file.len());
            if bytes > than {
                return bytes;
            }
            assert!(Instant::now() < deadline, "nothing is recorded: {}", self.member.log());
            thread::sleep(Duration::from_micros(200));
        }
    }

    /// What the record says that was signed last.
    fn recorded(&self, genesis: B256) -> Signed {
        let (_, bytes) = GuardStore::open(&self.record(), genesis).unwrap();
        let record = SignedRecord::of(checkpoint_signer(0).address(), &bytes.unwrap()).unwrap();
        record.newest(&self.anchor).unwrap()
    }

    /// Takes the chain, its bundles and the consensus key's record away, so that another history begins.
    fn forget_history(&self) {
        for folder in ["chain", "checkpoints"].map(|name| self.data().join(name)) {
            // Killed early enough, it has not kept a bundle.
            if folder.exists() {
                fs::remove_dir_all(folder).unwrap();
            }
        }
        for entry in fs::read_dir(self.data().join("guard")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::remove_file(path).unwrap();
            }
        }
    }

    /// The first checkpoint of this history, once its block is final and the node has done with it what it does.
    async fn first(&self) -> CheckpointInfo {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.member.checkpoints(1).await;
            if found.len() > 2 {
                return found[0].clone();
            }
            assert!(Instant::now() < deadline, "{found:?}: {}", self.member.log());
            sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_killed_as_it_signs_signs_nothing_else_there_and_without_its_record_it_would() {
    let mut alone = Alone::new();
    alone.start_and_kill_as_it_signs();

    // With the same history it says the same again.
    alone.member.start();
    let same = alone.first().await;
    let genesis = alone.member.rpc().status().await.unwrap().genesis_hash;
    assert_eq!(
        (same.bundle.checkpoint.index, same.signed, same.state),
        (1, 1, CheckpointState::Signed)
    );
    alone.member.kill();
    assert!(alone.recorded(genesis).index >= 3, "it signed those after it, too");

    // Killed as it signs the first one of another history, it has signed that one and no other.
    fs::remove_dir_all(alone.record()).unwrap();
    alone.forget_history();
    alone.start_and_kill_as_it_signs();
    let signed = alone.recorded(genesis);
    assert_eq!(signed.index, 1);
    assert_ne!(signed.fingerprint, same.fingerprint, "the histories differ");

    // And so it does not sign the first one of a third history.
    alone.forget_history();
    alone.member.start();
    let third = alone.first().await;
    assert_ne!(third.fingerprint, signed.fingerprint, "the histories differ");
    assert_eq!(
        (third.bundle.checkpoint.index, third.signed, third.state),
        (1, 0, CheckpointState::Signing)
    );
    let said = format!("this key has signed {} for epoch 0 and index 1", signed.fingerprint);
    assert!(alone.member.log().contains(&said), "{}", alone.member.log());
    alone.member.kill();

    // It is the record that keeps it from that.
    fs::remove_dir_all(alone.record()).unwrap();
    alone.member.start();
    let signed_twice = alone.first().await;
    assert_eq!((signed_twice.fingerprint, signed_twice.signed), (third.fingerprint, 1));
}
