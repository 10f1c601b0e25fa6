//! How does the cloud get into the notary's list? It submits, the working group verifies and approves, the signer publishes.
//!
//! What comes next is read from the notary each time: a step that somebody has taken already is not taken again.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use ledger_notary::records::Hex32;
use serde_json::Value;

use super::{
    Interrupt, Newcomer, Place, TestnetError,
    papers::admission,
    replace,
    shell::{LOOK_WITHIN, Line, Shell, poll},
};
use crate::{
    cli::testnet::{
        ask::{get, look},
        notary::{self, GROUP, GROUP_THRESHOLD, STATUS_PATH},
    },
    error::NodeError,
    keys::{Password, consensus},
};

/// Longest wait for the signer to publish.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(60);

/// Where the cloud stands at the notary.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    /// The working group has nothing of it to look at.
    New,
    /// It has submitted, under this number.
    Submitted { submission: u64 },
    /// It is in the list that the working group is to sign.
    Proposed(Proposal),
    /// It is published.
    Published,
    /// People have decided otherwise: in one word, what.
    Over(String),
}

/// The list of members that is to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Proposal {
    version: u64,
    /// Public keys of those who have signed, in hex.
    signed_by: Vec<String>,
}

impl Proposal {
    fn is_signed(&self) -> bool {
        self.signed_by.len() >= GROUP_THRESHOLD
    }
}

/// The notary's commands.
pub(super) struct Counter<'a> {
    place: &'a Place,
    newcomer: &'a Newcomer,
    shell: &'a Shell,
}

impl<'a> Counter<'a> {
    pub(super) const fn new(place: &'a Place, newcomer: &'a Newcomer, shell: &'a Shell) -> Self {
        Self { place, newcomer, shell }
    }

    /// Takes all steps that are left until the cloud is published; gives when it was, unless it was before.
    ///
    /// # Errors
    /// [`TestnetError`] with the command that failed, or what the notary says against the cloud.
    pub(super) fn publish(&self, interrupt: &mut Interrupt) -> Result<Option<Duration>, NodeError> {
        let mut standing = self.standing(interrupt)?;
        self.tell_what_is_done(&standing);
        if standing == Standing::Published {
            return Ok(None);
        }
        loop {
            let taken = match &standing {
                Standing::New => self.submit(),
                Standing::Submitted { submission } => self.verify(*submission),
                Standing::Proposed(proposal) if !proposal.is_signed() => self.approve(proposal),
                Standing::Proposed(_) => Ok(self.await_change(&standing, interrupt)?),
                Standing::Published => return Ok(Some(self.shell.since_start())),
                Standing::Over(word) => return Err(self.is_over(word).into()),
            };
            let before = std::mem::replace(&mut standing, self.standing(interrupt)?);
            // Somebody of the working group, or another cloud's attempt, may have done the same.
            if standing == before {
                taken?;
                return Err(self.is_unmoved().into());
            }
        }
    }

    fn is_unmoved(&self) -> TestnetError {
        TestnetError::Notary {
            reason: format!(
                "{} took what was handed in, and says the same of {} as before",
                self.place.notary.url, self.newcomer.id
            ),
            folder: self.place.notary_files.folder().to_owned(),
        }
    }

    /// Where the cloud stands, as soon as the notary says so.
    fn standing(&self, interrupt: &mut Interrupt) -> Result<Standing, TestnetError> {
        let found = poll(LOOK_WITHIN, interrupt, || self.look())?;
        found.ok_or_else(|| TestnetError::Notary {
            reason: format!("{} does not answer", self.place.notary.url),
            folder: self.place.notary_files.folder().to_owned(),
        })
    }

    /// The same, unless the notary does not answer or is about to publish.
    fn look(&self) -> Option<Standing> {
        let port = self.place.notary_port;
        let Some(member) = look(port, &format!("/v1/members/{}", self.newcomer.id))? else {
            return Some(Standing::New);
        };
        match member["standing"].as_str() {
            Some("published") => Some(Standing::Published),
            Some("submitted") => {
                let submission = member["submission"].as_u64()?;
                Some(Standing::Submitted { submission })
            }
            Some(over @ ("suspended" | "revoked" | "expired")) => Some(Standing::Over(over.to_owned())),
            Some("draft" | "rejected" | "withdrawn") => Some(Standing::New),
            // Verified, or approved by so many.
            _ => {
                let version = get(port, STATUS_PATH)?["proposal"].as_u64()?;
                let proposal = get(port, &format!("/v1/proposals/{version}/signable"))?;
                let keys = proposal["signed_by"].as_array()?.iter();
                let signed_by = keys.map(|key| Some(key.as_str()?.to_owned())).collect::<Option<_>>()?;
                Some(Standing::Proposed(Proposal { version, signed_by }))
            }
        }
    }

    fn tell_what_is_done(&self, standing: &Standing) {
        match standing {
            Standing::New | Standing::Over(_) => {}
            Standing::Submitted { submission } => self.shell.done(&format!("it has submitted, as number {submission}")),
            Standing::Proposed(Proposal { signed_by, .. }) => self.shell.done(&format!(
                "it has submitted, was verified, and {} of {GROUP_THRESHOLD} have signed the list of members",
                signed_by.len()
            )),
            Standing::Published => self.shell.done("the notary has published it"),
        }
    }

    /// The cloud says who it is and which node it runs.
    fn submit(&self) -> Result<(), NodeError> {
        let (place, shell, newcomer) = (self.place, self.shell, self.newcomer);
        let files = &newcomer.files;
        let file = |name: &str| files.folder.join(name);
        let (member_key, nodes, draft) = (file("member.pem"), file("nodes.json"), file("admission.json"));
        shell.tell("The cloud makes the key that speaks for it, and its node's four keys give their word.");
        let is_made = member_key.exists();
        if is_made {
            shell.done("the cloud has its key");
        }
        let key = self
            .command("key")?
            .words([if is_made { "show" } else { "new" }])
            .path(&member_key)
            .flag("--password-file", &files.password)
            .json()?;
        let public_key = key["public_key"].as_str().unwrap_or_default();
        // The papers are of today, and are made anew until they are handed in.
        let address = format!("/ip4/127.0.0.1/tcp/{}", newcomer.planned.p2p_port);
        shell
            .node("validator")
            .words(["record"])
            .flag("--chain", &place.chain)
            .flag("--data-dir", &files.folder)
            .flag("--wallet-dir", &files.wallets)
            .flag("--wallet", "account")
            .flag("--password-file", &files.password)
            .flag("--member-id", newcomer.id.to_string())
            .flag("--consensus-key", &files.key)
            .flag("--checkpoint-key", &files.checkpoint)
            .flag("--endpoint", address)
            .flag("--region", "this machine")
            .into_file(&nodes)?;
        replace(&draft, admission(newcomer, place, public_key)?.as_bytes())?;
        shell.tell("The cloud submits: who it is, and which node it runs.");
        let reader = newcomer.id.to_string();
        self.informed("submit", (&member_key, &reader), &files.password)?
            .flag("--admission", &draft)
            .flag("--nodes", &nodes)
            .json()?;
        Ok(())
    }

    /// Somebody of the working group looks at the submission.
    fn verify(&self, submission: u64) -> Result<(), NodeError> {
        self.shell
            .tell("Somebody of the working group looks at it and finds it true.");
        let (key, password) = self.group(GROUP[0]);
        let line = self.order("verify", &key, &password)?;
        line.words([submission.to_string()]).json()?;
        Ok(())
    }

    /// Those of the working group sign the list of members who have not yet.
    fn approve(&self, proposal: &Proposal) -> Result<(), NodeError> {
        self.shell.tell(&format!(
            "{GROUP_THRESHOLD} of {} sign the new list of members.",
            GROUP.len()
        ));
        let version = proposal.version.to_string();
        let sha256 = self.status(&["--proposal", &version])?["signable_sha256"].clone();
        for holder in &GROUP[..GROUP_THRESHOLD] {
            let (key, password) = self.group(holder);
            if self.has_signed(proposal, &key, &password)? {
                self.shell.done(&format!("{holder} has signed"));
                continue;
            }
            self.informed("approve", (&key, holder), &password)?
                .flag("--sha256", sha256.as_str().unwrap_or_default())
                .words([version.as_str()])
                .json()?;
        }
        Ok(())
    }

    /// Whether the holder of this key has signed. To know that takes opening the key, where somebody has.
    fn has_signed(&self, proposal: &Proposal, key: &Path, password: &Path) -> Result<bool, NodeError> {
        if proposal.signed_by.is_empty() {
            return Ok(false);
        }
        let key = consensus::read_encrypted(key, &Password::from_file(password)?)?;
        let public = Hex32(key.verifying_key().to_bytes()).to_string();
        Ok(proposal.signed_by.contains(&public))
    }

    /// Waits until the signer has published what is signed.
    fn await_change(&self, standing: &Standing, interrupt: &mut Interrupt) -> Result<(), TestnetError> {
        let has_changed = || self.look().filter(|now| now != standing).map(drop);
        self.shell
            .wait("the signer publishes", PUBLISHED_WITHIN, interrupt, has_changed)
    }

    fn is_over(&self, word: &str) -> TestnetError {
        let Newcomer { id, name, .. } = self.newcomer;
        let url = &self.place.notary.url;
        TestnetError::Usage(format!(
            "the notary says that {name} is {word}, and who decided that has to change it; see ledger-notary status --member {id} \
             --server {url}"
        ))
    }

    fn command(&self, command: &str) -> Result<Line<'_>, TestnetError> {
        self.shell.notary(&self.place.notary_files, command)
    }

    /// A command that is signed.
    fn order(&self, command: &str, key: &Path, password: &Path) -> Result<Line<'_>, TestnetError> {
        let line = self.command(command)?;
        Ok(line
            .flag("--network", notary::network_argument(&self.place.spec))
            .flag("--server", &self.place.notary.url)
            .flag("--key", key)
            .flag("--password-file", password))
    }

    /// The same, of one who verifies what is published first.
    fn informed(&self, command: &str, (key, reader): (&Path, &str), password: &Path) -> Result<Line<'_>, TestnetError> {
        let line = self.order(command, key, password)?;
        Ok(line
            .flag("--trusted", self.place.notary_files.trusted(reader))
            .flag("--root", &self.place.notary.root))
    }

    /// The key and the password of one of the working group.
    fn group(&self, holder: &str) -> (PathBuf, PathBuf) {
        (self.place.notary_files.key(holder), self.place.notary_files.password())
    }

    fn status(&self, words: &[&str]) -> Result<Value, TestnetError> {
        let line = self.command("status")?.flag("--server", &self.place.notary.url);
        line.words(words.iter().copied()).json()
    }
}
