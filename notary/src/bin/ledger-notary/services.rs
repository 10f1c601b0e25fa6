//! What runs for long, and what is asked of a server: `serve`, `rebuild`, `sign`, `status`, `audit`.

use std::{fs, net::IpAddr, path::Path, thread, time::Duration};

use eyre::WrapErr;
use ledger_keys::consensus;
use ledger_notary::{
    client::{
        audit::{LogName, audit as audit_log},
        papers,
        server::Server,
    },
    desk::Desk,
    records::{Hex32, Place},
    server::{self, Settings, callers::Allowance, ledger::origin, publisher},
    signer::{OnlineKeys, Signer},
    storage::Storage,
    store,
    tuf::{Key, Verifier},
};
use serde_json::{Value, json};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{
    args::{
        orders::{AuditArgs, StatusArgs},
        services::{RebuildArgs, ServeArgs, SignArgs},
    },
    ceremony::now,
    files,
    orders::reader,
    output::Report,
};

/// The checkpoint that was read last, among what is trusted.
const CHECKPOINT: &str = "log.checkpoint";

fn pinned(root: &Path) -> eyre::Result<Hex32> {
    Ok(papers::sha256(&files::read(root)?))
}

/// `serve`
pub fn serve(args: &ServeArgs, is_json: bool) -> eyre::Result<Report> {
    let log_key = consensus::read_or_create_identity(&args.log_key)?;
    let public = Hex32(log_key.verifying_key().to_bytes());
    let settings = Settings {
        network: args.network.network.0.clone(),
        root_sha256: pinned(&args.root)?,
        storage: args.storage.clone(),
        folder: args.folder.clone(),
        log_key,
        listen: args.listen,
        proxies: args.proxies.iter().map(IpAddr::to_canonical).collect(),
        reads: Allowance {
            per_second: args.reads_per_second,
            burst: args.reads_burst,
        },
        writes: Allowance {
            per_second: args.writes_per_second,
            burst: args.writes_burst,
        },
    };
    let runtime = Runtime::new().wrap_err("no threads")?;
    runtime.block_on(async {
        let (stop, stopped) = watch::channel(false);
        let mut terminate = signal(SignalKind::terminate()).wrap_err("no signals")?;
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            stop.send_replace(true);
            // Keeps the channel open: whoever waits for a stop waits for its word.
            stop.closed().await;
        });
        let ready = |address| {
            tracing::info!(target: "ledger::notary", %address, log_key = %public, "notary serves");
            let report = Report::of(json!({ "address": address, "log_key": public }));
            // Whoever started the server and does not listen has the log.
            let _ = report.show(is_json);
        };
        server::run(settings, ready, stopped).await.map_err(eyre::Report::from)
    })?;
    Ok(Report::with_text(String::new(), json!({ "stopped": true })))
}

/// `rebuild`
pub fn rebuild(args: &RebuildArgs) -> eyre::Result<Report> {
    let is_empty = fs::read_dir(&args.folder).map_or(true, |mut entries| entries.next().is_none());
    eyre::ensure!(
        is_empty,
        "{} has files in it; give an empty folder",
        args.folder.display()
    );
    let log_key = consensus::read_or_create_identity(&args.log_key)?;
    let network = &args.network.network.0;
    let root = pinned(&args.root)?;
    let runtime = Runtime::new().wrap_err("no threads")?;
    let desk = runtime.block_on(async {
        let mut storage = Storage::open(&args.storage, network).await?;
        let desk = Desk::new(network.clone(), root);
        let (desk, _) = publisher::restore(&mut storage, desk, (&args.folder, log_key)).await?;
        storage.close().await?;
        eyre::Ok(desk)
    })?;
    Ok(Report::of(json!({ "folder": args.folder, "entries": desk.next_seq() })))
}

/// `sign`
pub fn sign(args: &SignArgs, is_json: bool) -> eyre::Result<Report> {
    let keys = OnlineKeys {
        snapshot: consensus::unlock(&args.snapshot_key, args.password_file.as_deref())?,
        timestamp: consensus::unlock(&args.timestamp_key, args.password_file.as_deref())?,
    };
    let root = args.trust.root.as_deref().map(files::read).transpose()?;
    let network = args.network.network.0.clone();
    let trust = (args.trust.trusted.as_path(), root.as_deref());
    let mut signer = Signer::new(network, &args.server.server, trust, keys)?;
    loop {
        let step = signer.step(now()?);
        let report = match step {
            Ok(Some((due, receipt))) => json!({ "signed": due.why, "entry": receipt.seq, "at": receipt.at }),
            Ok(None) => json!({ "signed": null }),
            Err(error) if args.once => return Err(error.into()),
            Err(error) => {
                // The server may be starting anew; what it wants to have signed is asked for again.
                tracing::warn!(target: "ledger::notary", %error, "nothing signed");
                json!({ "signed": null })
            }
        };
        if args.once {
            return Ok(Report::of(report));
        }
        if !report["signed"].is_null() {
            Report::of(report).show(is_json)?;
            continue;
        }
        thread::sleep(Duration::from_secs(args.every.get()));
    }
}

/// `status`
pub fn status(args: &StatusArgs) -> eyre::Result<Report> {
    let path = match (&args.submission, &args.member, &args.proposal, &args.validator) {
        (Some(submission), ..) => format!("/v1/submissions/{submission}"),
        (_, Some(member), ..) => format!("/v1/members/{member}"),
        (_, _, Some(version), _) => format!("/v1/proposals/{version}/signable"),
        (.., Some(key)) => format!("/v1/validators/{key}"),
        _ => "/v1/status".to_owned(),
    };
    Ok(Report::of(Server::new(&args.server.server)?.ask::<Value>(&path)?))
}

/// `audit`
pub fn audit(args: &AuditArgs) -> eyre::Result<Report> {
    let mut reader = reader(&args.server.server, &args.trust)?;
    let mut verifier = reader.refresh(now()?)?;
    let files = read_all(&mut reader, &mut verifier)?;
    let targets = verifier.targets().map(|targets| targets.get().version);
    let mut report = json!({
        "root_version": verifier.root().get().version, "targets_version": targets, "files": files, "log": null,
    });
    if let Some(Key::Ed25519(key)) = &args.log_key {
        let name = LogName {
            origin: origin(&args.network.network.0),
            key: Hex32(*key),
        };
        let kept = args.trust.trusted.join(CHECKPOINT);
        let last = fs::read(&kept).ok();
        let audited = audit_log(&args.server.server, &name, last.as_deref(), &reader)?;
        store::replace(&kept, &audited.checkpoint)?;
        report["log"] =
            json!({ "entries": audited.head.size, "hash": audited.head.root, "releases": audited.releases });
    }
    Ok(Report::of(report))
}

/// Reads every file that is listed; says how many there are.
fn read_all(reader: &mut ledger_notary::client::reader::Reader, verifier: &mut Verifier) -> eyre::Result<usize> {
    let Some(top) = verifier.targets().map(|targets| targets.get().clone()) else {
        return Ok(0);
    };
    let mut paths: Vec<_> = top.targets.keys().cloned().collect();
    let members = top.targets.keys().filter_map(|path| match Place::of(path) {
        Some(Place::Admission(member)) => Some(Place::Nodes(member)),
        _ => None,
    });
    let delegated = |place: &Place| top.delegated().any(|(_, role)| role.name == place.role());
    paths.extend(members.chain([Place::Deny]).filter(delegated).map(|place| place.path()));
    for path in &paths {
        reader.target(verifier, path.clone())?;
    }
    Ok(paths.len())
}
