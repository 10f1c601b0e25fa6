//! The loop that reads the mainchain back, for as long as the node runs.
//!
//! Started by the assembly before the chain is open, so that a new node knows what is confirmed before it chooses a history. A
//! mainchain that is down or slow costs nothing but the age of what is known. It ends by itself only if what was confirmed cannot be
//! kept on disk.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use alloy_primitives::B256;
use ledger_checkpoint::{
    mainchain::Nodes,
    numbers::BlockNumber,
    reader::{ReadError, Reader, Report, file::FileError},
    reading::{Alarm, Place, Policy, SILENCE_MS},
    statement::Anchor,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::{AnchorConfig, ChainSide, Confirmed, Point, Reading, Seen, target::Named, telling::Teller};
use crate::{driver::now, rpc::unix_seconds};

/// Pause between rounds while there is more to be read at once.
const PAUSE_MORE: Duration = Duration::from_millis(20);

/// Reads the mainchain.
#[derive(Debug)]
pub struct AnchorTask {
    config: AnchorConfig,
    genesis: B256,
    chain: ChainSide,
    confirmed: Arc<Confirmed>,
    teller: Teller,
    following: Option<Following>,
    /// Whether it was said that there is nothing to read.
    is_told: bool,
}

/// The contract that is read.
#[derive(Debug)]
struct Following {
    named: Named,
    reader: Reader<Nodes>,
    /// Whether the nodes are of the mainchain that is meant.
    is_right_chain: bool,
    is_silent: bool,
}

impl AnchorTask {
    /// The task, and what it will tell of: what was confirmed before is known at once, if the contract is.
    ///
    /// # Errors
    /// [`FileError`] if what was confirmed cannot be read.
    pub(super) fn new(
        config: AnchorConfig,
        genesis: B256,
        chain: ChainSide,
    ) -> Result<(Self, Arc<Confirmed>), FileError> {
        let confirmed = Arc::new(Confirmed::default().recovering_from(config.recover_from));
        let mut task = Self {
            config,
            genesis,
            chain,
            confirmed: Arc::clone(&confirmed),
            teller: Teller::default(),
            following: None,
            is_told: false,
        };
        Teller::begin();
        task.turn_to_named()?;
        Ok((task, confirmed))
    }

    /// Reads until `shutdown`.
    ///
    /// # Errors
    /// In words, if what was confirmed cannot be read or kept on disk.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), String> {
        let confirmed = Arc::clone(&self.confirmed);
        let ended = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            ended = self.read() => ended.map_err(|error| error.to_string()),
        };
        confirmed.end();
        ended
    }

    async fn read(mut self) -> Result<(), FileError> {
        loop {
            self.turn_to_named()?;
            let pause = self.round().await?;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.chain.opened() => {}
            }
        }
    }

    /// Reads the contract that is named now, if that is another one.
    fn turn_to_named(&mut self) -> Result<(), FileError> {
        let named = match self.chain.named(&self.config.genesis) {
            Ok(named) => named,
            Err(error) => {
                warn!(target: "ledger::anchor", %error, "the chain does not say which contract anchors it");
                return Ok(());
            }
        };
        let contract = self.config.contract.unwrap_or(named.contract);
        let named = Named { contract, ..named };
        if contract.is_zero() && !std::mem::replace(&mut self.is_told, true) {
            warn!(
                target: "ledger::anchor",
                "the chain names no checkpoint contract yet: nothing is read back before it does, or --mainchain-contract"
            );
        }
        let is_followed = self
            .following
            .as_ref()
            .is_some_and(|following| following.named == named);
        if !contract.is_zero() && !is_followed {
            self.following = self.follow(named)?;
        }
        Ok(())
    }

    fn follow(&self, named: Named) -> Result<Option<Following>, FileError> {
        let place = Place {
            anchor: Anchor {
                mainchain_id: named.mainchain_id,
                contract: named.contract,
            },
            genesis: self.genesis,
        };
        let soft_blocks = self.config.soft_blocks.unwrap_or(named.confirmations);
        let policy = Policy {
            soft_blocks,
            final_blocks: self.config.final_blocks.max(soft_blocks),
            from: BlockNumber::new(self.config.from),
            overdue_ms: self.config.overdue_ms,
            silence_ms: SILENCE_MS,
        };
        let nodes = match Nodes::new(&self.config.urls, named.contract) {
            Ok(nodes) => nodes,
            Err(error) => {
                error!(target: "ledger::anchor", %error, "the mainchain cannot be asked");
                return Ok(None);
            }
        };
        let reader = Reader::open(nodes, &self.config.folder, place, policy)?;
        info!(
            target: "ledger::anchor", contract = %named.contract, mainchain = named.mainchain_id, soft_blocks,
            known = reader.book().entries().len(), "checkpoints are read back from the mainchain"
        );
        // What was confirmed before holds, whether the mainchain answers or not.
        let reading = match reader.book().entries().is_empty() {
            true => Reading::Unread,
            false => Reading::Through,
        };
        self.confirmed.publish(reading, reader.book(), Seen::default());
        Ok(Some(Following {
            named,
            reader,
            is_right_chain: false,
            is_silent: false,
        }))
    }

    /// One round, and the pause after it.
    async fn round(&mut self) -> Result<Duration, FileError> {
        let poll = Duration::from_secs(self.config.poll_seconds);
        let Some(following) = &mut self.following else {
            return Ok(poll);
        };
        let now_ms = now().get();
        let due = self
            .chain
            .due_since_ms(following.newest_height(), following.named.interval_blocks);
        let wrong = match following.look(now_ms, due).await {
            Ok(report) => {
                let pause = if report.again { PAUSE_MORE } else { poll };
                self.publish(&report);
                return Ok(pause);
            }
            Err(Fault::File(error)) => return Err(error),
            Err(Fault::Wrong(alarms)) => alarms,
        };
        self.confirmed.see(|seen| seen.alarms = in_words(&wrong));
        self.teller.alarms(&wrong);
        Ok(poll)
    }

    fn publish(&mut self, report: &Report) {
        let Some(following) = &self.following else { return };
        let book = following.reader.book();
        let newest = book.newest();
        let seen = Seen {
            mainchain_block: Some(report.tip.block.number.get()),
            answered_at: Some(unix_seconds()),
            newest: newest.map(Point::of),
            alarms: in_words(&report.alarms),
        };
        let reading = match following.reader.is_through() || self.confirmed.reading() == Reading::Through {
            true => Reading::Through,
            false => Reading::Unread,
        };
        self.confirmed.publish(reading, book, seen);
        let made_at = newest.and_then(|(_, entry)| self.chain.made_at(entry.checkpoint.height));
        let age = made_at.map(|at| unix_seconds().saturating_sub(at));
        self.teller.report(report, book, age);
        self.teller.alarms(&report.alarms);
    }
}

/// Why a round came to nothing.
enum Fault {
    /// What was confirmed cannot be kept.
    File(FileError),
    /// The mainchain does not answer, or is another one.
    Wrong(Vec<Alarm>),
}

impl Following {
    /// Height of the newest checkpoint; that of genesis before the first.
    fn newest_height(&self) -> u64 {
        let newest = self.reader.book().newest();
        newest.map_or(0, |(_, entry)| entry.checkpoint.height)
    }

    async fn look(&mut self, now_ms: u64, due_since_ms: Option<u64>) -> Result<Report, Fault> {
        let outcome = match self.check_chain().await {
            Ok(None) => self.reader.round(now_ms, due_since_ms).await,
            Ok(Some(alarm)) => return Err(Fault::Wrong(vec![alarm])),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(report) => {
                self.is_silent = false;
                Ok(report)
            }
            Err(ReadError::File(error)) => Err(Fault::File(error)),
            Err(ReadError::Mainchain(error)) => {
                if std::mem::replace(&mut self.is_silent, true) {
                    debug!(target: "ledger::anchor", %error, "the mainchain does not answer");
                } else {
                    warn!(target: "ledger::anchor", %error, "the mainchain does not answer; the chain goes on, and it is asked again");
                }
                Err(Fault::Wrong(self.reader.missed(now_ms).into_iter().collect()))
            }
        }
    }

    /// Once per start: another chain's node could have a contract at the same address.
    async fn check_chain(&mut self) -> Result<Option<Alarm>, ReadError> {
        if self.is_right_chain {
            return Ok(None);
        }
        let (got, expected) = (self.reader.mainchain().chain_id().await?, self.named.mainchain_id);
        self.is_right_chain = got == expected;
        Ok((!self.is_right_chain).then_some(Alarm::OtherMainchain { got, expected }))
    }
}

fn in_words(alarms: &[Alarm]) -> BTreeMap<&'static str, String> {
    alarms.iter().map(|alarm| (alarm.name(), alarm.to_string())).collect()
}
