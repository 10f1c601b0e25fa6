//! Who names the keys? The first release, which the pinned root begins, and every root after it, signed by the old keys and the new.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{
    Desk, Refusal,
    check::{Change, ed25519, keys_of, metadata, one_of, record},
    group::is_signed_by,
    proposal::signatures,
};
use crate::{
    records::{Admission, Deny, Hex32, Network, Nodes, Place},
    repository::{Release, Unsigned},
    tuf::{Kind, RoleName, Root, Signed, TargetPath, UnixSeconds},
};

/// The next root, and who signed it already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootProposal {
    unsigned: Unsigned<Root>,
    signatures: BTreeMap<Hex32, [u8; 64]>,
}

impl RootProposal {
    /// What it says.
    pub fn root(&self) -> &Root {
        self.unsigned.document()
    }

    /// The bytes that each key signs.
    pub fn signable(&self) -> &[u8] {
        self.unsigned.signable()
    }

    /// sha256 of those bytes.
    pub fn signable_sha256(&self) -> Hex32 {
        Hex32(Sha256::digest(self.signable()).into())
    }

    /// The keys that signed.
    pub fn signers(&self) -> impl Iterator<Item = &Hex32> {
        self.signatures.keys()
    }

    /// The file with the signatures that are there.
    pub fn file(&self) -> Vec<u8> {
        self.unsigned.file(&signatures(&self.signatures))
    }
}

impl Desk {
    pub(super) fn decide_found(
        &self,
        root: String,
        roles: BTreeMap<RoleName, String>,
        files: BTreeMap<TargetPath, String>,
        signers: &BTreeSet<Hex32>,
    ) -> Result<Change, Refusal> {
        if self.founding.is_some() || self.shelf.root().is_some() {
            return Err(Refusal::Founded);
        }
        let (expected, got) = (self.root_sha256, Hex32(Sha256::digest(root.as_bytes()).into()));
        if expected != got {
            return Err(Refusal::OtherRoot { expected, got });
        }
        let signed = metadata::<Root>(&RoleName::root(), &root)?;
        let names = signed.unverified();
        one_of(
            signers,
            &keys_of(names, &names.roles.root),
            "found",
            "the keys of the first root",
        )?;
        if let Some(other) = roles.keys().find(|role| !is_ours(role)) {
            let got = other.to_string();
            return Err(Refusal::FoundingRoles { got });
        }
        if !roles.contains_key(&Place::Deny.role()) {
            let got = format!("no {}", Place::Deny.role());
            return Err(Refusal::FoundingRoles { got });
        }
        for (path, text) in &files {
            let Some(place) = Place::of(path) else {
                let got = path.to_string();
                return Err(Refusal::FoundingFiles { got });
            };
            self.check_network(place.to_string(), network_of(&place, text)?)?;
        }
        if !files.contains_key(&Place::Deny.path()) {
            let got = format!("no {}", Place::Deny);
            return Err(Refusal::FoundingFiles { got });
        }
        let bytes = |text: String| text.into_bytes();
        Ok(Change::Founded(Release {
            root: Some(bytes(root)),
            roles: roles.into_iter().map(|(role, text)| (role, bytes(text))).collect(),
            files: files.into_iter().map(|(path, text)| (path, bytes(text))).collect(),
            ..Release::default()
        }))
    }

    pub(super) fn decide_sign_root(&self, text: &str, signers: &BTreeSet<Hex32>) -> Result<Change, Refusal> {
        let signed = metadata::<Root>(&RoleName::root(), text)?;
        let new = signed.unverified();
        let mut may = keys_of(new, &new.roles.root);
        if let Some(old) = self.shelf.root() {
            may.extend(keys_of(old, &old.roles.root));
        }
        one_of(
            signers,
            &may,
            "sign_root",
            "the keys of root, of the one before and of the new",
        )?;
        let unsigned = Unsigned::new(new.clone());
        if unsigned.signable() != signed.signable() {
            return Err(Refusal::RootFields);
        }
        let open = self.root.as_ref().filter(|open| open.unsigned == unsigned);
        let mut known = open.map(|open| open.signatures.clone()).unwrap_or_default();
        let before = known.len();
        for (key, signature) in self.signatures_of(&signed, &may) {
            if !is_signed_by(key, unsigned.signable(), &signature) {
                let what = format!("root of version {}", new.version);
                return Err(Refusal::NotSigned { what, key });
            }
            known.insert(key, signature);
        }
        if known.len() == before {
            let what = format!("root {} with these signatures", new.version);
            return Err(Refusal::Unchanged { what });
        }
        let signatures = known;
        Ok(Change::RootSigned(RootProposal { unsigned, signatures }))
    }

    /// The signatures under a root by keys that may sign it.
    fn signatures_of(&self, signed: &Signed<Root>, may: &BTreeSet<Hex32>) -> BTreeMap<Hex32, [u8; 64]> {
        let new = &signed.unverified().keys;
        let old = self.shelf.root().map(|root| &root.keys);
        let found = signed.signatures().iter().filter_map(|signature| {
            let key = new.get(&signature.keyid).or_else(|| old?.get(&signature.keyid));
            let key = ed25519(key).filter(|key| may.contains(key))?;
            let mut bytes = [0; 64];
            hex::decode_to_slice(&signature.sig, &mut bytes).ok()?;
            Some((key, bytes))
        });
        found.collect()
    }

    /// Whether the old root's keys and its own have signed the next root.
    pub(super) fn is_signed(&self, next: &RootProposal) -> bool {
        let Ok(signed) = Signed::<Root>::parse(&next.file()) else {
            return false;
        };
        let old = self.shelf.root().map(|old| old.authority(Kind::Root));
        old.is_some_and(|old| signed.check(&old).is_ok()) && signed.check(&next.root().authority(Kind::Root)).is_ok()
    }

    /// What the rules of the house say of the next root, before it has its signatures.
    pub(super) fn inspect_root(&self, next: &RootProposal, now: UnixSeconds) -> Result<(), Refusal> {
        Ok(self.shelf.check_root(next.root(), now)?)
    }
}

/// Whether a role is one that this house has.
fn is_ours(role: &RoleName) -> bool {
    let member = role.as_str().strip_prefix("m-");
    let is_member = |id: &str| crate::records::NotaryId::try_from(id.to_owned()).is_ok();
    *role == RoleName::targets() || *role == Place::Deny.role() || member.is_some_and(is_member)
}

fn network_of(place: &Place, text: &str) -> Result<Network, Refusal> {
    match place {
        Place::Admission(_) => record(place, text, Admission::parse).map(|record| record.network()),
        Place::Nodes(_) => record(place, text, Nodes::parse).map(|record| record.network()),
        Place::Deny => record(place, text, Deny::parse).map(|record| record.network()),
    }
}
