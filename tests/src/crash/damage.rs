//! The newest files of a stopped node are cut, flipped or deleted: it has to refuse with words, or to have lost nothing.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use super::{
    Chain, Random,
    kills::db,
    load::{Acknowledged, under_load},
};
use crate::harness::{Node, NodeOptions, Refused};

/// How long the chain grows before its files are damaged.
const GROWTH: Duration = Duration::from_millis(1500);
/// How long a node that no longer answers may take to end.
const STOP_MAX: Duration = Duration::from_secs(20);
/// Of so many refusals, one is answered with a restore.
const RESTORE_EVERY: u64 = 3;

/// Which file is damaged: the newest whose path matches.
const FILES: [(&str, &str, &str); 8] = [
    ("log", "chain", ".log"),
    ("table", "chain", ".sst"),
    ("manifest", "chain", "MANIFEST-"),
    ("CURRENT", "chain", "CURRENT"),
    ("FINAL", "chain", "FINAL"),
    ("options", "chain", "OPTIONS-"),
    ("guard", "guard", "guard.log"),
    ("journal", "", "pool.journal"),
];

/// What is done to it.
const WAYS: [Way; 4] = [Way::Cut, Way::Flip, Way::Garbage, Way::Delete];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Cut,
    Flip,
    Garbage,
    Delete,
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut short",
            Self::Flip => "one bit flipped",
            Self::Garbage => "64 bytes garbage",
            Self::Delete => "deleted",
        }
    }
}

/// What became of one kind of damage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Times tried.
    pub runs: u64,
    /// The node refused to start, and said what to do.
    pub refused: u64,
    /// It started, and told each reader of the damaged place, or stopped with words.
    pub told: u64,
    /// It started, and everything acknowledged was there.
    pub harmless: u64,
    /// Refusals that a restored backup put an end to.
    pub restored: u64,
}

/// Outcomes by file and way.
pub type Damages = BTreeMap<(&'static str, &'static str), Outcomes>;

/// Damages copies of the data of `chain` so many times.
///
/// # Errors
/// What was lost without a word.
pub fn run(chain: &mut Chain, damages: u64) -> Result<Damages, String> {
    let mut all = Damages::new();
    if damages == 0 {
        return Ok(all);
    }
    let victim = Victim::prepare(chain)?;
    let kinds = FILES.iter().flat_map(|file| WAYS.map(|way| (file, way)));
    let kinds: Vec<_> = kinds.collect();
    for round in 1..=damages {
        // A short campaign tries some of all kinds, a long one all of them over and over.
        let index = usize::try_from(round * 13 % kinds.len() as u64).unwrap_or_default();
        let (&(file, folder, pattern), way) = kinds[index];
        let outcomes = all.entry((file, way.name())).or_default();
        let restores = outcomes.refused.is_multiple_of(RESTORE_EVERY);
        let place = (folder, pattern);
        let outcome = one(&victim, place, (way, restores), &mut chain.random);
        outcomes.runs += 1;
        match outcome.map_err(|what| format!("damage {round}, {file} {}: {what}", way.name()))? {
            Outcome::Refused { restored } => {
                outcomes.refused += 1;
                outcomes.restored += u64::from(restored);
            }
            Outcome::Told => outcomes.told += 1,
            Outcome::Harmless => outcomes.harmless += 1,
        }
        (chain.progress)(&format!("damage {round} of {damages}"));
    }
    Ok(all)
}

enum Outcome {
    Refused { restored: bool },
    Told,
    Harmless,
}

/// A stopped node's data, a backup of it, and what the node had acknowledged.
struct Victim {
    template: TempDir,
    backup: PathBuf,
    spec: PathBuf,
    acknowledged: Acknowledged,
}

impl Victim {
    /// Lets the chain grow once more, so that its newest blocks are in the log alone, kills it, and copies it.
    fn prepare(chain: &mut Chain) -> Result<Self, String> {
        let node = &mut chain.node;
        let (seen, ()) = under_load(node.address(), node.chain_id(), || {
            std::thread::sleep(GROWTH);
            node.kill();
        });
        chain.acknowledged.extend(seen);
        let template = TempDir::with_prefix("ledger-victim-").map_err(|error| error.to_string())?;
        copy_tree(&chain.node.data_dir(), &template.path().join("data")).map_err(|error| error.to_string())?;
        let backup = template.path().join("backup");
        let source = template.path().join("source");
        copy_tree(&chain.node.data_dir(), &source).map_err(|error| error.to_string())?;
        let (code, words) = db(&source, &chain.spec, &["backup", &backup.display().to_string()])?;
        if code != 0 {
            return Err(format!("db backup ended with {code}: {words}"));
        }
        Ok(Self {
            template,
            backup,
            spec: chain.spec.clone(),
            acknowledged: chain.acknowledged.sample(60, &mut chain.random),
        })
    }
}

fn one(
    victim: &Victim,
    (folder, pattern): (&str, &str),
    (way, restores): (Way, bool),
    random: &mut Random,
) -> Result<Outcome, String> {
    let home = TempDir::with_prefix("ledger-damaged-").map_err(|error| error.to_string())?;
    let data = home.path().join("data");
    copy_tree(&victim.template.path().join("data"), &data).map_err(|error| error.to_string())?;
    let file = newest(&data.join(folder), pattern).ok_or("there is no such file")?;
    harm(&file, way, random).map_err(|error| error.to_string())?;
    let options = NodeOptions {
        chain: victim.spec.display().to_string(),
        ..NodeOptions::default()
    };
    let mut node = match Node::try_start_in(home.path(), options.clone()) {
        Ok(node) => node,
        Err(refused) => {
            said_what_to_do(&refused)?;
            let restored = restores && folder == "chain" && restore(victim, home.path(), options)?;
            return Ok(Outcome::Refused { restored });
        }
    };
    let checked = victim.acknowledged.check(node.rpc());
    // A node that stops closes its connections before it ends.
    let patience = if checked.is_ok() { Duration::ZERO } else { STOP_MAX };
    if let Some(ended) = node.ended_within(patience) {
        said_what_to_do(&ended)?;
        return Ok(Outcome::Told);
    }
    let checked = checked?;
    node.kill();
    let (code, words) = db(&data, &victim.spec, &["verify"])?;
    if code > 1 {
        return Err(format!("db verify ended with {code}: {words}"));
    }
    if node.log().contains("panicked") {
        return Err(format!("it panicked:\n{}", node.log()));
    }
    if checked.told.is_empty() && code == 0 {
        return Ok(Outcome::Harmless);
    }
    if code == 0 {
        return Err(format!(
            "a reader was told {:?}, but db verify finds nothing",
            checked.told
        ));
    }
    for words in &checked.told {
        if !["damaged", "database"].iter().any(|word| words.contains(word)) {
            return Err(format!("a reader of damage was told only `{words}`"));
        }
    }
    Ok(Outcome::Told)
}

/// Restores the backup over what was refused, as the refusal says, and starts the node on it.
fn restore(victim: &Victim, home: &Path, options: NodeOptions) -> Result<bool, String> {
    let backup = victim.backup.display().to_string();
    let (code, words) = db(&home.join("data"), &victim.spec, &["restore", &backup, "--replace"])?;
    if code != 0 {
        return Err(format!("db restore ended with {code}: {words}"));
    }
    let node = Node::try_start_in(home, options).map_err(|refused| format!("after db restore, {refused}"))?;
    let checked = victim.acknowledged.check(node.rpc())?;
    if checked.told.is_empty() {
        Ok(true)
    } else {
        Err(format!("after db restore, {:?}", checked.told))
    }
}

/// Whether a refusal has the right code and says what to do.
fn said_what_to_do(refused: &Refused) -> Result<(), String> {
    let advice = [
        "db restore",
        "db verify",
        "--accept-lost-guard",
        "do not sign with this key",
    ];
    let said = advice.iter().any(|word| refused.words.contains(word));
    if !refused.status.code().is_some_and(|code| code == 3 || code == 1) || !said || refused.words.contains("panicked")
    {
        return Err(format!("it is not refused as it should be: {refused}"));
    }
    Ok(())
}

/// The newest file whose name begins or ends with `pattern`: of those of one age the one with the highest name.
fn newest(folder: &Path, pattern: &str) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let matching = files.filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        path.is_file() && (name.starts_with(pattern) || name.ends_with(pattern))
    });
    // A log without a byte in it has nothing to damage.
    let with_content = matching.filter(|path| fs::metadata(path).is_ok_and(|status| status.len() > 0));
    with_content.max()
}

fn harm(path: &Path, way: Way, random: &mut Random) -> std::io::Result<()> {
    if way == Way::Delete {
        return fs::remove_file(path);
    }
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let at = random.below(length);
    match way {
        Way::Cut => file.set_len(at),
        Way::Flip => {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at)?;
            file.write_all_at(&[byte[0] ^ (1 << random.below(8))], at)
        }
        Way::Garbage | Way::Delete => {
            let garbage: Vec<u8> = (0..64.min(length - at)).map(|_| random.byte()).collect();
            file.write_all_at(&garbage, at)
        }
    }
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if entry.file_type()?.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
