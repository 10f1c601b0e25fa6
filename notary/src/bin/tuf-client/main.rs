//! `tuf-client`: fetches metadata and targets of any TUF 1.0 repository over HTTP, and trusts what can be trusted.
//!
//! The command line is that of the public conformance suite (theupdateframework/tuf-conformance, CLIENT-CLI.md), so that the suite can
//! judge the library. Exit code 0: all went well; 1: not, with the rule that was broken on standard error.

use std::{
    fs,
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::{Parser, Subcommand};
use eyre::{OptionExt, WrapErr};
use ledger_notary::{
    http::{Http, Patience},
    mirror::{Mirror, MirrorError},
    store::{Store, replace},
    tuf::{
        Answer, Floor, RoleName, Settings, TargetPath, UnixSeconds, Verifier, World, client::find, client::refresh,
        names::encoded,
    },
};

/// Fetches metadata and targets of a TUF 1.0 repository.
#[derive(Parser)]
#[command(name = "tuf-client", version)]
struct Args {
    /// Folder of the metadata that are trusted.
    #[arg(long)]
    metadata_dir: PathBuf,
    /// Address of the repository's metadata.
    #[arg(long)]
    metadata_url: Option<String>,
    /// Path of the target to download.
    #[arg(long)]
    target_name: Option<String>,
    /// Address of the repository's targets.
    #[arg(long)]
    target_base_url: Option<String>,
    /// Folder that downloaded targets are put in.
    #[arg(long)]
    target_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Trust a root file from now on; fetches nothing.
    Init {
        /// The root file.
        trusted_root: PathBuf,
    },
    /// Bring the metadata of the four top-level roles up to date.
    Refresh,
    /// Refresh, then download a target, unless it is there already.
    Download,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            eprintln!("error: {}", told(&report));
            ExitCode::FAILURE
        }
    }
}

/// The whole chain of reasons, each once: many of them repeat the one below.
fn told(report: &eyre::Report) -> String {
    report
        .chain()
        .map(ToString::to_string)
        .fold(String::new(), |told, reason| match told.as_str() {
            "" => reason,
            before if before.contains(&reason) => told,
            _ => format!("{told}: {reason}"),
        })
}

fn run(args: &Args) -> eyre::Result<()> {
    let store = Store::open(&args.metadata_dir)?;
    match &args.command {
        Command::Init { trusted_root } => {
            let bytes = fs::read(trusted_root).wrap_err_with(|| format!("cannot read {}", trusted_root.display()))?;
            Ok(store.keep(&RoleName::root(), &bytes)?)
        }
        Command::Refresh => update(args, &mut mirror(args, store)?).map(|_| ()),
        Command::Download => download(args, &mut mirror(args, store)?),
    }
}

/// The server that the arguments name.
fn mirror(args: &Args, store: Store) -> eyre::Result<Mirror> {
    let metadata_url = args.metadata_url.as_ref().ok_or_eyre("this needs --metadata-url")?;
    let http = Http::new(Patience::PERSON)?;
    Ok(Mirror::new(http, store, metadata_url, args.target_base_url.as_deref()))
}

fn update(args: &Args, mirror: &mut Mirror) -> eyre::Result<Verifier> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .wrap_err("the clock stands before 1970")?;
    let settings = Settings {
        now: UnixSeconds::new(now.as_secs()),
        floor: Floor::default(),
    };
    let stored = mirror.store().load()?;
    refresh(stored, settings, mirror).wrap_err_with(|| format!("{} is not up to date", args.metadata_dir.display()))
}

fn download(args: &Args, mirror: &mut Mirror) -> eyre::Result<()> {
    let name = args.target_name.clone().ok_or_eyre("download needs --target-name")?;
    args.target_base_url
        .as_ref()
        .ok_or_eyre("download needs --target-base-url")?;
    let folder = args.target_dir.as_ref().ok_or_eyre("download needs --target-dir")?;
    let path = TargetPath::try_from(name).map_err(|error| MirrorError::Update(error.into()));
    let mut verifier = update(args, mirror)?;
    let target = find(&mut verifier, path?, mirror)?;
    let place = folder.join(encoded(target.path.as_str()));
    if fs::read(&place).is_ok_and(|bytes| target.file.check(&bytes).is_ok()) {
        return Ok(());
    }
    let request = verifier.request_of(&target);
    let Answer::Bytes(bytes) = mirror.fetch(&request)? else {
        eyre::bail!("the repository has no {request}, which {} lists", target.role);
    };
    target
        .file
        .check(&bytes)
        .wrap_err_with(|| format!("TUF 5.7.3: {} is not what {} lists", target.path, target.role))?;
    fs::create_dir_all(folder).wrap_err_with(|| format!("cannot make {}", folder.display()))?;
    Ok(replace(&place, &bytes)?)
}
