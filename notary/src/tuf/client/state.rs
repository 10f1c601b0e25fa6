//! In which order? The sequence of an update and of the searches after it, as one state that is fed answers.

use std::{collections::BTreeSet, mem};

use super::{
    Answer, Effect, Next, Only, Outcome, Request, SearchError, Settings, SnapshotError, Stored, Target, TargetsError,
    TimestampError, UpdateError,
    kept::Kept,
    root,
    search::{self, Search},
    snapshot, targets, timestamp,
};
use crate::tuf::{
    limits::{ROOT_BYTES_MAX, ROOT_ROTATIONS_MAX, SNAPSHOT_BYTES_MAX, TARGETS_BYTES_MAX, TIMESTAMP_BYTES_MAX},
    metadata::{Authority, MetaFile, Root, Snapshot, Targets, Timestamp, Verified},
    names::{Kind, RoleName, TargetPath},
};

/// An update under way, and what is trusted so far.
#[derive(Debug)]
pub struct Verifier {
    settings: Settings,
    kept: Kept,
    first_root: Verified<Root>,
    root: Verified<Root>,
    rotations: u64,
    timestamp: Option<Verified<Timestamp>>,
    snapshot: Option<Verified<Snapshot>>,
    targets: Option<Verified<Targets>>,
    stage: Stage,
    asked: Option<Request>,
    effects: Vec<Effect>,
}

#[derive(Debug)]
enum Stage {
    Root,
    Timestamp,
    Snapshot(MetaFile),
    Targets(MetaFile),
    Ready,
    Role(Search, Authority, MetaFile),
    Stopped,
}

type Step = Result<Next, UpdateError>;

impl Verifier {
    /// Starts an update from what was kept, and says what to fetch first.
    ///
    /// # Errors
    /// [`super::RootError`] if the trusted root is none.
    pub fn start(stored: Stored, settings: Settings) -> Result<(Self, Request), UpdateError> {
        let root = root::trusted(&stored.root)?;
        let request = root_after(root.get())?;
        let verifier = Self {
            settings,
            kept: Kept::new(stored.others),
            first_root: root.clone(),
            root,
            rotations: 0,
            timestamp: None,
            snapshot: None,
            targets: None,
            stage: Stage::Root,
            asked: Some(request.clone()),
            effects: Vec::new(),
        };
        Ok((verifier, request))
    }

    /// Goes on with what came of the last request. A refresh that fails is over; a search that fails can be followed by another.
    pub fn answer(&mut self, answer: Answer) -> Outcome {
        let next = self.take(answer);
        self.outcome(next)
    }

    /// Starts a search for who vouches for a path (TUF 5.6.7), once the refresh is over.
    pub fn find(&mut self, path: TargetPath) -> Outcome {
        self.search(Search::new(path))
    }

    /// Starts a search that asks the top and one role that the top itself delegates to, and nobody that those delegate to.
    pub fn find_only(&mut self, path: TargetPath, only: Only) -> Outcome {
        self.search(Search::of_one(path, only))
    }

    /// Forgets the roles that the top itself does not delegate to, once the refresh is over: for whoever asks no others
    /// ([`Verifier::find_only`]).
    pub fn forget_undelegated(&mut self) -> Outcome {
        let next = match (&self.stage, &self.targets) {
            (Stage::Ready, Some(top)) => {
                let named: BTreeSet<_> = top.get().delegated().map(|(_, role)| &role.name).collect();
                let gone = self.kept.forget_delegated_but(|role| named.contains(role));
                self.effects.extend(gone.into_iter().map(Effect::Forget));
                Ok(Next::Refreshed)
            }
            _ => Err(UpdateError::NotAsked),
        };
        self.outcome(next)
    }

    fn search(&mut self, mut search: Search) -> Outcome {
        let next = match (&self.stage, &self.targets) {
            (Stage::Ready, Some(top)) => {
                let step = search.visit(&RoleName::targets(), top.get());
                step.map_err(UpdateError::from).and_then(|step| self.walk(search, step))
            }
            _ => Err(UpdateError::NotAsked),
        };
        self.outcome(next)
    }

    fn outcome(&mut self, next: Step) -> Outcome {
        Outcome {
            effects: mem::take(&mut self.effects),
            next,
        }
    }

    /// How a target that was found is fetched; [`TargetFile::check`](crate::tuf::TargetFile::check) says whether what came is it.
    pub fn request_of(&self, target: &Target) -> Request {
        Request::target(&target.path, &target.file, self.root.get().consistent_snapshot)
    }

    /// The trusted root.
    pub fn root(&self) -> &Verified<Root> {
        &self.root
    }

    /// The timestamp, once the refresh is over.
    pub fn timestamp(&self) -> Option<&Verified<Timestamp>> {
        self.timestamp.as_ref()
    }

    /// The targets of the top, once the refresh is over.
    pub fn targets(&self) -> Option<&Verified<Targets>> {
        self.targets.as_ref()
    }

    fn take(&mut self, answer: Answer) -> Step {
        let request = self.asked.take().ok_or(UpdateError::NotAsked)?;
        let stage = mem::replace(&mut self.stage, Stage::Stopped);
        if matches!(stage, Stage::Role(..)) {
            self.stage = Stage::Ready;
        }
        let bytes = match answer {
            Answer::Bytes(bytes) if bytes.len() as u64 > request.bytes_max => {
                let Request { name, bytes_max, .. } = request;
                return Err(UpdateError::TooLong { name, bytes_max });
            }
            Answer::Bytes(bytes) => Some(bytes),
            Answer::Missing => None,
        };
        match stage {
            Stage::Root => self.take_root(bytes),
            Stage::Timestamp => self.take_timestamp(bytes),
            Stage::Snapshot(listed) => self.take_snapshot(&listed, bytes),
            Stage::Targets(listed) => self.take_targets(&listed, bytes),
            Stage::Role(search, authority, listed) => self.take_role(search, &authority, &listed, bytes),
            Stage::Ready | Stage::Stopped => Err(UpdateError::NotAsked),
        }
    }

    fn ask(&mut self, stage: Stage, request: Request) -> Step {
        self.stage = stage;
        self.asked = Some(request.clone());
        Ok(Next::Fetch(request))
    }

    fn keep(&mut self, role: RoleName, bytes: Vec<u8>) {
        let gone = self.kept.put(role.clone(), bytes.clone());
        // First what makes room: a disk holds no more than the bound, and the document that is being written.
        self.effects.extend(gone.into_iter().map(Effect::Forget));
        self.effects.push(Effect::Keep { role, bytes });
    }

    fn take_root(&mut self, bytes: Option<Vec<u8>>) -> Step {
        let Some(bytes) = bytes else {
            return self.end_roots();
        };
        let Some(new) = root::next(&self.root, &bytes)? else {
            return self.end_roots();
        };
        self.root = new;
        self.rotations += 1;
        self.keep(RoleName::root(), bytes);
        if self.rotations == ROOT_ROTATIONS_MAX {
            return self.end_roots();
        }
        let request = root_after(self.root.get())?;
        self.ask(Stage::Root, request)
    }

    /// TUF 5.3.10 to 5.3.12.
    fn end_roots(&mut self) -> Step {
        let root = self.root.get();
        root::check_fresh(root, self.settings.now)?;
        self.settings.floor.check_root(root.version)?;
        let first = self.first_root.get();
        let rotated = |kind| first.authority(kind).lost_a_key(&root.authority(kind));
        if rotated(Kind::Timestamp) || rotated(Kind::Snapshot) {
            for role in [RoleName::timestamp(), RoleName::snapshot()] {
                if self.kept.forget(&role) {
                    self.effects.push(Effect::Forget(role));
                }
            }
        }
        let kept = self.kept.get(&RoleName::timestamp());
        self.timestamp = kept.and_then(|bytes| timestamp::persisted(root, bytes));
        let request = Request::metadata(&RoleName::timestamp(), None, TIMESTAMP_BYTES_MAX);
        self.ask(Stage::Timestamp, request)
    }

    fn take_timestamp(&mut self, bytes: Option<Vec<u8>>) -> Step {
        let bytes = bytes.ok_or(TimestampError::Missing)?;
        let (root, now) = (self.root.get(), self.settings.now);
        if let Some(new) = timestamp::next(root, self.timestamp.as_ref(), &bytes, now)? {
            self.timestamp = Some(new);
            self.keep(RoleName::timestamp(), bytes);
        }
        self.begin_snapshot()
    }

    /// Goes on with the snapshot that was kept, if it is the one that the timestamp names.
    fn begin_snapshot(&mut self) -> Step {
        let timestamp = self.timestamp.as_ref().expect("the timestamp was taken before");
        let listed = timestamp.get().meta.snapshot.clone();
        let root = self.root.get();
        if let Some(bytes) = self.kept.get(&RoleName::snapshot())
            && let Some(kept) = snapshot::persisted(root, bytes)
        {
            let is_current = snapshot::is_current(&kept, bytes, &listed, self.settings.now);
            self.snapshot = Some(kept);
            if is_current {
                return self.begin_targets();
            }
        }
        let consistent = root.consistent_snapshot;
        let request = Request::listed(&RoleName::snapshot(), &listed, consistent, SNAPSHOT_BYTES_MAX);
        self.ask(Stage::Snapshot(listed), request)
    }

    fn take_snapshot(&mut self, listed: &MetaFile, bytes: Option<Vec<u8>>) -> Step {
        let bytes = bytes.ok_or(SnapshotError::Missing(listed.version))?;
        let (root, now) = (self.root.get(), self.settings.now);
        let new = snapshot::next(root, listed, self.snapshot.as_ref(), &bytes, now)?;
        self.snapshot = Some(new);
        self.keep(RoleName::snapshot(), bytes);
        self.begin_targets()
    }

    /// Goes on with the targets that were kept, if they are those that the snapshot lists.
    fn begin_targets(&mut self) -> Step {
        let listed = snapshot::targets(self.snapshot())?.clone();
        let (role, root) = (RoleName::targets(), self.root.get());
        if let Some(current) = self.kept_of(&root.authority(Kind::Targets), &listed, TARGETS_BYTES_MAX) {
            return self.end_refresh(current);
        }
        let request = Request::listed(&role, &listed, root.consistent_snapshot, TARGETS_BYTES_MAX);
        self.ask(Stage::Targets(listed), request)
    }

    fn take_targets(&mut self, listed: &MetaFile, bytes: Option<Vec<u8>>) -> Step {
        let role = RoleName::targets();
        let bytes = or_missing(bytes, &role, listed)?;
        let authority = self.root.get().authority(Kind::Targets);
        let new = targets::check(&authority, listed, &bytes, self.settings.now)?;
        self.keep(role, bytes);
        self.end_refresh(new)
    }

    fn end_refresh(&mut self, new: Verified<Targets>) -> Step {
        let floor = &self.settings.floor;
        floor.check_targets(new.get().version, new.signed_sha256())?;
        self.targets = Some(new);
        self.stage = Stage::Ready;
        Ok(Next::Refreshed)
    }

    fn snapshot(&self) -> &Snapshot {
        self.snapshot.as_ref().expect("the snapshot was taken before").get()
    }

    /// The metadata of a role that were kept, if they are those that the snapshot lists, and fresh.
    fn kept_of(&self, authority: &Authority, listed: &MetaFile, bytes_max: u64) -> Option<Verified<Targets>> {
        let bytes = self.kept.get(authority.role())?;
        if bytes.len() as u64 > bytes_max {
            return None;
        }
        targets::check(authority, listed, bytes, self.settings.now).ok()
    }

    /// Walks on as long as what was kept of the roles on the way is current.
    fn walk(&mut self, mut search: Search, mut step: search::Step) -> Step {
        loop {
            let authority = match step {
                search::Step::Found(target) => return Ok(Next::Found(target)),
                search::Step::Ask(authority) => authority,
            };
            let role = authority.role();
            let Some(listed) = self.snapshot().entry(role).cloned() else {
                let (path, role) = (search.path().clone(), role.clone());
                return Err(SearchError::Unpublished { path, role }.into());
            };
            let bytes_max = search.bytes_max(role, &listed)?;
            let Some(current) = self.kept_of(&authority, &listed, bytes_max) else {
                let consistent = self.root.get().consistent_snapshot;
                let request = Request::listed(role, &listed, consistent, bytes_max);
                return self.ask(Stage::Role(search, authority, listed), request);
            };
            step = search.visit(role, current.get())?;
        }
    }

    fn take_role(
        &mut self,
        mut search: Search,
        authority: &Authority,
        listed: &MetaFile,
        bytes: Option<Vec<u8>>,
    ) -> Step {
        let role = authority.role();
        let bytes = or_missing(bytes, role, listed)?;
        let new = targets::check(authority, listed, &bytes, self.settings.now)?;
        self.keep(role.clone(), bytes);
        let step = search.visit(role, new.get())?;
        self.walk(search, step)
    }
}

fn root_after(root: &Root) -> Result<Request, UpdateError> {
    let version = root::following(root)?;
    Ok(Request::metadata(&RoleName::root(), Some(version), ROOT_BYTES_MAX))
}

fn or_missing(bytes: Option<Vec<u8>>, role: &RoleName, listed: &MetaFile) -> Result<Vec<u8>, TargetsError> {
    let (role, version) = (role.clone(), listed.version);
    bytes.ok_or(TargetsError::Missing { role, version })
}
