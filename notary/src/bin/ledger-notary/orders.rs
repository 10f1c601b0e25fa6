//! Commands that are sent to a notary: what each one reads, signs and sends.

use std::io::BufRead;

use ed25519_dalek::SigningKey;
use eyre::{OptionExt, WrapErr};
use http::Method;
use ledger_notary::{
    client::{papers, reader::Reader, server::Server},
    desk::{Command, Draft, Hex64},
    records::{Admission, Nodes, NotaryId, Place},
    tuf::{RoleName, Signed, TargetPath, Targets, Version},
    wire::{ProposalView, Receipt},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    args::{
        OrderArgs, TrustArgs,
        orders::{ApproveArgs, DecisionArgs, FoundArgs, MemberArgs, PublishArgs, RejectArgs, RotateArgs, SubmitArgs},
    },
    ceremony::now,
    files,
    output::Report,
};

const DAY: u64 = 86_400;

/// A command's keys and its server.
pub struct Sender<'a> {
    args: &'a OrderArgs,
    server: Server,
    /// The keys of the command line.
    pub keys: Vec<SigningKey>,
}

impl<'a> Sender<'a> {
    /// Opens the keys.
    pub fn new(args: &'a OrderArgs) -> eyre::Result<Self> {
        Ok(Self {
            args,
            server: Server::new(&args.server.server)?,
            keys: files::secrets(&args.secret)?,
        })
    }

    fn send(&self, method: Method, path: &str, command: Command) -> eyre::Result<Receipt> {
        Ok(self
            .server
            .send((method, path), &self.args.network.network.0, command, &self.keys)?)
    }

    /// Sends a command, signed by all of them.
    pub fn post(&self, path: &str, command: Command) -> eyre::Result<Receipt> {
        self.send(Method::POST, path, command)
    }
}

/// What is said of a command that was taken.
pub fn taken(receipt: Receipt) -> Report {
    Report::of(json!({ "entry": receipt.seq, "at": receipt.at }))
}

/// What is published, verified by this machine.
pub fn reader(server: &str, trust: &TrustArgs) -> eyre::Result<Reader> {
    let root = trust.root.as_deref().map(files::read).transpose()?;
    Ok(Reader::open(server, &trust.trusted, root.as_deref())?)
}

/// `found`
pub fn found(args: &FoundArgs) -> eyre::Result<Report> {
    let targets = RoleName::targets();
    let command = Command::Found {
        root: files::read_text(&args.root)?,
        roles: [
            (targets, files::read_text(&args.targets)?),
            (Place::Deny.role(), files::read_text(&args.deny)?),
        ]
        .into(),
        files: [(Place::Deny.path(), files::read_text(&args.deny_list)?)].into(),
    };
    Ok(taken(Sender::new(&args.order)?.post("/v1/founding", command)?))
}

/// Metadata of a member's role for a record of nodes, one version above the published ones.
fn member_role(
    sender: &Sender<'_>,
    trust: &TrustArgs,
    (member, nodes): (&NotaryId, &str),
    days: u64,
) -> eyre::Result<String> {
    let place = Place::Nodes(member.clone());
    let mut reader = reader(&sender.args.server.server, trust)?;
    let now = now()?;
    reader.refresh(now)?;
    let version = next_version(&reader, &place)?;
    let role = papers::role(&place, nodes.as_bytes(), version, now.plus(days * DAY), &sender.keys);
    Ok(String::from_utf8(role)?)
}

/// The version after the published one.
pub fn next_version(reader: &Reader, place: &Place) -> eyre::Result<Version> {
    let role = place.role();
    let version = reader.next_version(&role)?;
    version.ok_or_else(|| eyre::eyre!("{role} has the last version that there is"))
}

/// `submit`
pub fn submit(args: &SubmitArgs) -> eyre::Result<Report> {
    let (admission, nodes) = (files::read_text(&args.admission)?, files::read_text(&args.nodes)?);
    let member = Admission::parse(admission.as_bytes())
        .wrap_err_with(|| args.admission.display().to_string())?
        .member_id;
    let of_nodes = Nodes::parse(nodes.as_bytes())
        .wrap_err_with(|| args.nodes.display().to_string())?
        .member_id;
    eyre::ensure!(
        member == of_nodes,
        "the admission is of {member}, the nodes are of {of_nodes}"
    );
    let sender = Sender::new(&args.order)?;
    let role = member_role(&sender, &args.trust, (&member, &nodes), args.days)?;
    let receipt = sender.post("/v1/submissions", Command::Submit { admission, role, nodes })?;
    let view: Value = sender.server.ask(&format!("/v1/members/{member}"))?;
    let (submission, standing) = (&view["submission"], &view["standing"]);
    Ok(Report::of(json!({
        "submission": submission, "standing": standing, "entry": receipt.seq, "at": receipt.at,
    })))
}

/// A submission, as far as those who decide look at it.
#[derive(Deserialize)]
struct SubmissionView {
    draft: Option<DraftView>,
}

#[derive(Deserialize)]
struct DraftView {
    admission: String,
    role: String,
    nodes: String,
}

fn draft(sender: &Sender<'_>, args: &DecisionArgs) -> eyre::Result<Draft> {
    let path = format!("/v1/submissions/{}", args.submission);
    let view: SubmissionView = sender.server.ask(&path)?;
    let DraftView { admission, role, nodes } = view.draft.ok_or_eyre("this submission is over")?;
    Ok(Draft { admission, role, nodes })
}

/// `withdraw`
pub fn withdraw(args: &DecisionArgs) -> eyre::Result<Report> {
    let submission = args.submission;
    let path = format!("/v1/submissions/{submission}/decisions");
    Ok(taken(
        Sender::new(&args.order)?.post(&path, Command::Withdraw { submission })?,
    ))
}

/// `verify`
pub fn verify(args: &DecisionArgs) -> eyre::Result<Report> {
    let sender = Sender::new(&args.order)?;
    let draft = draft(&sender, args)?;
    let (submission, draft_sha256) = (args.submission, draft.sha256());
    let path = format!("/v1/submissions/{submission}/decisions");
    let receipt = sender.post(
        &path,
        Command::Verify {
            submission,
            draft_sha256,
        },
    )?;
    let json = json!({
        "entry": receipt.seq, "at": receipt.at, "draft_sha256": draft_sha256,
        "admission": serde_json::from_str::<Value>(&draft.admission)?,
        "nodes": serde_json::from_str::<Value>(&draft.nodes)?,
    });
    Ok(Report::of(json))
}

/// `reject`
pub fn reject(args: &RejectArgs) -> eyre::Result<Report> {
    let sender = Sender::new(&args.decision.order)?;
    let draft_sha256 = draft(&sender, &args.decision)?.sha256();
    let submission = args.decision.submission;
    let path = format!("/v1/submissions/{submission}/decisions");
    let reason = args.reason.clone();
    let command = Command::Reject {
        submission,
        draft_sha256,
        reason,
    };
    Ok(taken(sender.post(&path, command)?))
}

/// `approve`
pub fn approve(args: &ApproveArgs) -> eyre::Result<Report> {
    let sender = Sender::new(&args.order)?;
    let path = format!("/v1/proposals/{}", args.proposal);
    let view: ProposalView = sender.server.ask(&format!("{path}/signable"))?;
    let sha256 = papers::sha256(view.signable.as_bytes());
    let envelope = format!("{{\"signed\":{},\"signatures\":[]}}", view.signable);
    let proposed = Signed::<Targets>::parse(envelope.as_bytes()).wrap_err("what is proposed is no targets metadata")?;
    eyre::ensure!(
        proposed.signable() == view.signable.as_bytes(),
        "what is proposed is not in its canonical form"
    );
    let version = proposed.unverified().version;
    eyre::ensure!(
        version.get() == args.proposal,
        "this is version {version}, not {}",
        args.proposal
    );
    let changes = changes(&args.order.server.server, &args.trust, proposed.unverified())?;
    match &args.sha256 {
        Some(expected) => eyre::ensure!(
            *expected == sha256.to_string(),
            "the proposal has sha256 {sha256}, not {expected}: it changed, look at it again"
        ),
        None => confirm(&changes, &view.difference)?,
    }
    let mut receipts = Vec::new();
    for key in &sender.keys {
        let signature = ed25519_dalek::Signer::sign(key, view.signable.as_bytes()).to_bytes();
        let command = Command::Approve {
            version,
            signable_sha256: sha256,
            signature: Hex64(signature),
        };
        let to = (Method::POST, format!("{path}/signatures"));
        let network = &args.order.network.network.0;
        let receipt = sender
            .server
            .send((to.0, &to.1), network, command, std::slice::from_ref(key))?;
        receipts.push(receipt.seq);
    }
    Ok(Report::of(
        json!({ "signed": sha256, "changes": changes, "entries": receipts }),
    ))
}

/// What is proposed against what this machine has verified, whatever the server says of it.
fn changes(server: &str, trust: &TrustArgs, proposed: &Targets) -> eyre::Result<Vec<String>> {
    let mut reader = reader(server, trust)?;
    let verifier = reader.refresh(now()?)?;
    let trusted = verifier.targets().ok_or_eyre("nothing is published")?.get();
    let mut changes = vec![format!("targets: version {} -> {}", trusted.version, proposed.version)];
    let paths: std::collections::BTreeSet<&TargetPath> =
        trusted.targets.keys().chain(proposed.targets.keys()).collect();
    for path in paths {
        match (trusted.targets.get(path), proposed.targets.get(path)) {
            (None, Some(_)) => changes.push(format!("{path}: new")),
            (Some(_), None) => changes.push(format!("{path}: gone")),
            (old, new) if old != new => changes.push(format!("{path}: changed")),
            _ => {}
        }
    }
    let role = |targets: &Targets, name: &RoleName| {
        let found = targets.delegated().find(|(_, role)| role.name == *name);
        found.map(|(all, role)| {
            (
                role.clone(),
                role.keyids
                    .iter()
                    .map(|id| all.keys.get(id).cloned())
                    .collect::<Vec<_>>(),
            )
        })
    };
    let names = trusted
        .delegated()
        .chain(proposed.delegated())
        .map(|(_, role)| &role.name);
    for name in names.collect::<std::collections::BTreeSet<_>>() {
        match (role(trusted, name), role(proposed, name)) {
            (None, Some(_)) => changes.push(format!("role {name}: new")),
            (Some(_), None) => changes.push(format!("role {name}: gone")),
            (old, new) if old != new => changes.push(format!("role {name}: other keys, threshold or paths")),
            _ => {}
        }
    }
    Ok(changes)
}

fn confirm(changes: &[String], difference: &[String]) -> eyre::Result<()> {
    eprintln!("Verified by this machine:");
    changes.iter().for_each(|line| eprintln!("  {line}"));
    eprintln!("As the server tells it:");
    difference.iter().for_each(|line| eprintln!("  {line}"));
    eprintln!("Type yes to sign:");
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .wrap_err("nobody answers")?;
    eyre::ensure!(line.trim() == "yes", "nothing was signed");
    Ok(())
}

/// `clear`
pub fn clear(args: &OrderArgs) -> eyre::Result<Report> {
    Ok(taken(
        Sender::new(args)?.post("/v1/proposals", Command::ClearProposal {})?,
    ))
}

/// `renew`
pub fn renew(args: &OrderArgs) -> eyre::Result<Report> {
    Ok(taken(Sender::new(args)?.post("/v1/proposals", Command::Renew {})?))
}

/// `publish`
pub fn publish(args: &PublishArgs) -> eyre::Result<Report> {
    let nodes = files::read_text(&args.nodes)?;
    let member = Nodes::parse(nodes.as_bytes())
        .wrap_err_with(|| args.nodes.display().to_string())?
        .member_id;
    let sender = Sender::new(&args.order)?;
    let role = member_role(&sender, &args.trust, (&member, &nodes), args.days)?;
    let path = format!("/v1/members/{member}/nodes");
    Ok(taken(sender.send(
        Method::PUT,
        &path,
        Command::UpdateNodes { role, nodes },
    )?))
}

/// `revoke`
pub fn revoke(args: &MemberArgs) -> eyre::Result<Report> {
    let sender = Sender::new(&args.order)?;
    let mut reader = reader(&args.order.server.server, &args.trust)?;
    let mut verifier = reader.refresh(now()?)?;
    let published = reader.target(&mut verifier, Place::Admission(args.member.clone()).path())?;
    let admission = String::from_utf8(papers::revoked(&published, &args.member)?)?;
    Ok(taken(sender.post("/v1/revocations", Command::Revoke { admission })?))
}

/// `rotate`
pub fn rotate(args: &RotateArgs) -> eyre::Result<Report> {
    let root = files::read_text(&args.file)?;
    Ok(taken(
        Sender::new(&args.order)?.post("/v1/root/signatures", Command::SignRoot { root })?,
    ))
}
