//! What do the notary's mirrors say, and do they say the same? Each has a folder of its own of what was believed of it.
//!
//! Blocks while it waits for servers: called from threads that may. Nobody is admitted on the word of one mirror of two, and one is enough
//! to exclude: whoever keeps the other one silent or late must not keep a revocation from being seen.

use std::{io, path::PathBuf, sync::Arc, time::Instant};

use ledger_notary::{
    http::{Http, HttpError, Patience},
    judge::{Files, Findings, GatherError, gather, nodes_of},
    mirror::{Mirror, MirrorError},
    records::{Network, NotaryId},
    store::{Store, StoreError},
    tuf::{
        Answer, Floor, Place, Request, RoleName, RootError, Settings, SnapshotError, TargetsError, TimestampError,
        UnixSeconds, UpdateError, Verifier, World, limits,
    },
};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::{NotaryConfig, RootPin, last_word::LastWord, trouble::Kind};

/// Why the notary says nothing that can be relied on.
#[derive(Debug, Error)]
pub enum NotaryError {
    /// A mirror cannot be read, or is not believed.
    #[error("{url}: {source}")]
    Mirror {
        /// The mirror.
        url: String,
        /// Why not.
        source: Box<MirrorError>,
    },
    /// Two mirrors, two stories.
    #[error("the mirrors {first} and {second} disagree, a split view or a late one: {what}")]
    MirrorsDisagree {
        /// The one.
        first: String,
        /// The other.
        second: String,
        /// What differs.
        what: String,
    },
    /// The pinned root is not what the mirror has.
    #[error("{url} has no root metadata with sha256 {expected}, which the specification names{got}")]
    RootPin {
        /// The mirror.
        url: String,
        /// The pinned hash.
        expected: String,
        /// What came, as the rest of the sentence.
        got: String,
    },
    /// Nothing can be asked.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Nothing can be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What a mirror last said is not known.
    #[error(
        "whom a mirror excluded last cannot be read from {path} ({source}): repair the file; if it is removed, what that mirror excluded is \
         not known until it answers"
    )]
    LastWord {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
}

impl NotaryError {
    /// What kind of trouble it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::MirrorsDisagree { .. } => Kind::Differs,
            Self::RootPin { .. } => Kind::Lie,
            Self::Mirror { source, .. } => match &**source {
                MirrorError::Update(error) => kind_of(error),
                MirrorError::Gather(GatherError::Missing { .. }) => Kind::Differs,
                MirrorError::Gather(_) => Kind::Lie,
                MirrorError::Http(_) | MirrorError::NoTargets | MirrorError::Store(_) => Kind::Down,
            },
            Self::LastWord { .. } => Kind::Broken,
            Self::Http(_) | Self::Store(_) => Kind::Down,
        }
    }
}

/// What it means that metadata are refused. Files that are not there yet, and those from before what the chain has seen, are what a
/// mirror has that is a moment behind.
const fn kind_of(error: &UpdateError) -> Kind {
    match error {
        UpdateError::Root(RootError::Expired { .. })
        | UpdateError::Timestamp(TimestampError::Expired { .. })
        | UpdateError::Snapshot(SnapshotError::Expired { .. })
        | UpdateError::Targets(TargetsError::Expired { .. }) => Kind::Late,
        UpdateError::Timestamp(TimestampError::Missing)
        | UpdateError::Snapshot(SnapshotError::Missing(_))
        | UpdateError::Targets(TargetsError::Missing { .. })
        | UpdateError::Floor(_) => Kind::Differs,
        _ => Kind::Lie,
    }
}

/// The record of a member's nodes, or why there is none.
pub type NodesRecord = Result<Vec<u8>, String>;

/// One mirror.
#[derive(Debug)]
struct Side {
    url: String,
    mirror: Mirror,
    files: Files,
    verifier: Option<Verifier>,
    last_word: LastWord,
}

/// The notary of this chain.
#[derive(Debug)]
pub struct Notary {
    pin: RootPin,
    network: Network,
    sides: Vec<Side>,
    /// When whatever is asked has to be over.
    latest: Option<Instant>,
}

impl Notary {
    /// The notary that `config` names; nothing is asked yet, and nothing once `stop` is cancelled.
    ///
    /// # Errors
    /// [`NotaryError::Http`], [`NotaryError::Store`], [`NotaryError::LastWord`]
    pub fn open(config: &NotaryConfig, stop: &CancellationToken) -> Result<Self, NotaryError> {
        let side = |(number, url): (usize, &String)| {
            let store = Store::open(&config.folder.join(format!("mirror-{number}")))?;
            let http = Http::new(Patience::NODE)?.until(stop.clone());
            let mirror = Mirror::of_notary(http, store, url);
            let path = config.folder.join(format!("mirror-{number}-excluded.json"));
            let last_word = LastWord::open(&path).map_err(|source| NotaryError::LastWord { path, source })?;
            Ok(Side {
                url: url.clone(),
                mirror,
                files: Files::default(),
                verifier: None,
                last_word,
            })
        };
        let sides: Result<Vec<_>, NotaryError> = (1..).zip(&config.urls).map(side).collect();
        Ok(Self {
            pin: config.pin.clone(),
            network: config.network.clone(),
            sides: sides?,
            latest: None,
        })
    }

    /// Whatever is asked from now on is answered by `latest`, or not at all.
    pub const fn finish_by(&mut self, latest: Instant) {
        self.latest = Some(latest);
    }

    /// What all mirrors say now. Each is asked, whatever came of the others: see [`Notary::exclusion`].
    ///
    /// # Errors
    /// The worst [`NotaryError`], if one of them cannot be believed, or they disagree.
    pub fn refresh(&mut self, now: UnixSeconds, floor: Floor) -> Result<Arc<Findings>, NotaryError> {
        let settings = Settings { now, floor };
        let mut found: Option<(String, Findings)> = None;
        let mut worst: Option<NotaryError> = None;
        for side in &mut self.sides {
            side.mirror.begin(self.latest);
            let said = side.refresh(&self.pin, settings, &self.network);
            let outcome = said.and_then(|findings| match &found {
                None => {
                    found = Some((side.url.clone(), findings));
                    Ok(())
                }
                Some((first, other)) => other.agrees(&findings).map_err(|what| NotaryError::MirrorsDisagree {
                    first: first.clone(),
                    second: side.url.clone(),
                    what,
                }),
            });
            if let Err(error) = outcome
                && worst.as_ref().is_none_or(|worst| worst.kind() < error.kind())
            {
                worst = Some(error);
            }
        }
        if let Some(error) = worst {
            return Err(error);
        }
        let (_, findings) = found.expect("a notary has an address: the configuration says so");
        Ok(Arc::new(findings))
    }

    /// Why the member that the chain calls so may not validate, if any mirror says that: by what each said when it was last believed,
    /// however long ago, since whoever signs can lift it only with something newer. It is enough to take a vote back, and no more.
    #[must_use]
    pub fn exclusion(&self, member_name: &str) -> Option<String> {
        self.sides.iter().find_map(|side| {
            let reason = side.last_word.reason(member_name)?;
            Some(format!("by the last word of {}, {reason}", side.url))
        })
    }

    /// The record of a member's nodes, as of the last refresh.
    ///
    /// # Errors
    /// [`NotaryError`] if it cannot be said whether there is one, or the mirrors disagree.
    pub fn nodes(&mut self, member: &NotaryId) -> Result<NodesRecord, NotaryError> {
        let mut found: Option<(String, NodesRecord)> = None;
        for side in &mut self.sides {
            side.mirror.begin(self.latest);
            let record = side.nodes(member)?;
            match &found {
                Some((first, other)) if *other != record => {
                    return Err(NotaryError::MirrorsDisagree {
                        first: first.clone(),
                        second: side.url.clone(),
                        what: format!("the nodes of {member}"),
                    });
                }
                Some(_) => {}
                None => found = Some((side.url.clone(), record)),
            }
        }
        let (_, record) = found.expect("a notary has an address: the configuration says so");
        Ok(record)
    }
}

impl Side {
    fn refresh(&mut self, pin: &RootPin, settings: Settings, network: &Network) -> Result<Findings, NotaryError> {
        self.verifier = None;
        let stored = match self.mirror.store().load() {
            Err(StoreError::NoRoot { .. }) => {
                self.trust(pin)?;
                self.mirror.store().load()?
            }
            stored => stored?,
        };
        let gathered = gather(stored, settings, &mut self.files, &mut self.mirror);
        let (verifier, findings) = gathered.map_err(|source| self.refused(source))?;
        let excluded = findings.exclusions(network).into_iter();
        self.last_word
            .replace(excluded.map(|(name, refusal)| (name, refusal.to_string())).collect())?;
        self.verifier = Some(verifier);
        Ok(findings)
    }

    /// Keeps the pinned root as what is trusted.
    fn trust(&mut self, pin: &RootPin) -> Result<(), NotaryError> {
        let bytes = match pin {
            RootPin::File(bytes) => bytes.clone(),
            RootPin::Hash { version, sha256 } => self.fetch_root(*version, sha256)?,
        };
        Ok(self.mirror.store().keep(&RoleName::root(), &bytes)?)
    }

    fn fetch_root(&mut self, version: u64, sha256: &[u8; 32]) -> Result<Vec<u8>, NotaryError> {
        let request = Request {
            place: Place::Metadata,
            name: format!("{version}.root.json"),
            bytes_max: limits::ROOT_BYTES_MAX,
        };
        let answer = self.mirror.fetch(&request).map_err(|source| self.refused(source))?;
        let got = match answer {
            Answer::Bytes(bytes) if Sha256::digest(&bytes)[..] == sha256[..] => return Ok(bytes),
            Answer::Bytes(bytes) => format!(": its {} has {}", request.name, hex::encode(Sha256::digest(&bytes))),
            Answer::Missing => format!(": it has no {}", request.name),
        };
        Err(NotaryError::RootPin {
            url: self.url.clone(),
            expected: hex::encode(sha256),
            got,
        })
    }

    fn nodes(&mut self, member: &NotaryId) -> Result<NodesRecord, NotaryError> {
        let Self {
            mirror,
            files,
            verifier,
            url,
            ..
        } = self;
        let refused = |source| NotaryError::Mirror {
            url: url.clone(),
            source: Box::new(source),
        };
        let Some(verifier) = verifier else {
            return Err(refused(MirrorError::Update(UpdateError::NotAsked)));
        };
        match nodes_of(verifier, member, files, mirror) {
            Ok(record) => Ok(record.map_err(|error| error.to_string())),
            // The member's own file is not what it says: that is its fault or the mirror's, and never another member's.
            Err(error @ MirrorError::Gather(GatherError::WrongRole { .. } | GatherError::TooLong { .. })) => {
                Ok(Err(error.to_string()))
            }
            Err(error) => Err(refused(error)),
        }
    }

    fn refused(&self, source: MirrorError) -> NotaryError {
        NotaryError::Mirror {
            url: self.url.clone(),
            source: Box::new(source),
        }
    }
}
