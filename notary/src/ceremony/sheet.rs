//! Who has signed so far? A document on its way from holder to holder.

use ed25519_dalek::{Signer, SigningKey};
use serde::Deserialize;
use thiserror::Error;

use crate::{
    repository::Unsigned,
    tuf::{Document, Key, KeyId, RoleKeys, Signature, Signed, metadata::MetadataError},
};

/// Why nothing is signed.
#[derive(Debug, Error)]
pub enum SheetError {
    /// No document.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// Made by another program.
    #[error("this document has fields that this program does not know, and would sign without showing them")]
    UnknownFields,
    /// Nobody asked this key.
    #[error("{key} is none of the keys that may sign this document")]
    NotAHolder {
        /// The key's id.
        key: KeyId,
    },
}

/// A document and the signatures that it has.
#[derive(Clone, Debug)]
pub struct Sheet<T> {
    unsigned: Unsigned<T>,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signatures {
    signatures: Vec<Signature>,
}

impl<T: Document + Clone> Sheet<T> {
    /// A document that nobody has signed yet.
    pub fn new(document: T) -> Self {
        Self {
            unsigned: Unsigned::new(document),
            signatures: Vec::new(),
        }
    }

    /// Reads a document with the signatures that it has.
    ///
    /// # Errors
    /// [`SheetError`] if it is none, or says more than this program can show.
    pub fn parse(bytes: &[u8]) -> Result<Self, SheetError> {
        let signed = Signed::<T>::parse(bytes)?;
        let unsigned = Unsigned::new(signed.unverified().clone());
        if unsigned.signable() != signed.signable() {
            return Err(SheetError::UnknownFields);
        }
        let Signatures { signatures } = serde_json::from_slice(bytes).map_err(|source| {
            let kind = T::KIND;
            MetadataError::Malformed { kind, source }
        })?;
        Ok(Self { unsigned, signatures })
    }

    /// What it says.
    pub fn document(&self) -> &T {
        self.unsigned.document()
    }

    /// Adds the signature of one of `holders`, in place of one that it gave before.
    ///
    /// # Errors
    /// [`SheetError::NotAHolder`]
    ///
    /// # Panics
    /// Never: the id of a key is a name.
    pub fn sign(&mut self, key: &SigningKey, holders: &[&RoleKeys]) -> Result<(), SheetError> {
        let id = Key::Ed25519(key.verifying_key().to_bytes()).id();
        if !holders.iter().any(|role| role.keyids.contains(&id)) {
            return Err(SheetError::NotAHolder { key: id });
        }
        let signature = key.sign(self.unsigned.signable()).to_bytes();
        self.signatures.retain(|signature| signature.keyid != id);
        self.signatures
            .push(Signature::new(id.into(), &signature).expect("the id of a key is a name"));
        Ok(())
    }

    /// The holders of a role whose signatures are good, of all those that `keys` knows.
    pub fn signers<'a>(&'a self, role: &'a RoleKeys, keys: impl Fn(&KeyId) -> Option<Key>) -> Vec<KeyId> {
        let is_good = |id: &&KeyId| {
            let signature = self.signatures.iter().find(|signature| signature.keyid == **id);
            signature
                .is_some_and(|signature| keys(id).is_some_and(|key| key.verifies(self.unsigned.signable(), signature)))
        };
        role.keyids.iter().filter(is_good).cloned().collect()
    }

    /// The file.
    pub fn file(&self) -> Vec<u8> {
        self.unsigned.file(&self.signatures)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::{
        ceremony::{DocumentError, Holders, RootWishes, first_targets, root},
        tuf::{Kind, Root, Targets, UnixSeconds},
    };

    const LATER: UnixSeconds = UnixSeconds::new(1_800_000_000);

    fn secret(number: u8) -> SigningKey {
        SigningKey::from_bytes(&[number; 32])
    }

    fn holders(numbers: &[u8], threshold: u32) -> Option<Holders> {
        Some(Holders {
            keys: numbers
                .iter()
                .map(|number| Key::Ed25519(secret(*number).verifying_key().to_bytes()))
                .collect(),
            threshold: NonZeroU32::new(threshold).unwrap(),
        })
    }

    fn wishes() -> RootWishes {
        RootWishes {
            root: holders(&[1, 2, 3], 2),
            targets: holders(&[11, 12], 1),
            snapshot: holders(&[21], 1),
            timestamp: holders(&[31], 1),
        }
    }

    #[test]
    fn a_root_goes_from_holder_to_holder_and_is_good_when_enough_signed() {
        let mut sheet = Sheet::new(root(None, &wishes(), LATER).unwrap());
        for (number, is_enough) in [(1, false), (1, false), (3, true)] {
            let mut next = Sheet::<Root>::parse(&sheet.file()).unwrap();
            let holders = next.document().roles.root.clone();
            next.sign(&secret(number), &[&holders]).unwrap();
            sheet = next;
            let signed = Signed::<Root>::parse(&sheet.file()).unwrap();
            let authority = signed.unverified().authority(Kind::Root);
            assert_eq!(signed.check(&authority).is_ok(), is_enough, "after {number}");
        }
        let document = sheet.document().clone();
        assert_eq!(
            sheet
                .signers(&document.roles.root, |id| document.keys.get(id).cloned())
                .len(),
            2
        );
        let refused = sheet.sign(&secret(11), &[&document.roles.root]).unwrap_err();
        assert!(refused.to_string().contains("none of the keys"), "{refused}");
    }

    #[test]
    fn the_next_root_keeps_what_is_not_changed() {
        let first = root(None, &wishes(), LATER).unwrap();
        let wish = RootWishes {
            timestamp: holders(&[32], 1),
            ..RootWishes::default()
        };
        let next = root(Some(&first), &wish, LATER).unwrap();
        assert_eq!(next.version.get(), 2);
        assert_eq!(next.roles.targets, first.roles.targets);
        assert_ne!(next.roles.timestamp, first.roles.timestamp);
        assert_eq!(
            next.keys.len(),
            first.keys.len(),
            "the key that left is not listed any more"
        );
    }

    #[test]
    fn roles_that_could_never_sign_are_refused() {
        for (change, expected) in [
            (holders(&[1, 1], 1), "twice"),
            (holders(&[1, 2], 3), "needs 3 signatures and has 2"),
            (None, "needs keys for root"),
        ] {
            let wish = RootWishes {
                root: change,
                ..wishes()
            };
            let error = root(None, &wish, LATER).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let deny = holders(&[1], 2).unwrap();
        assert!(matches!(
            first_targets(&deny, LATER),
            Err(DocumentError::Threshold { .. })
        ));
    }

    #[test]
    fn what_cannot_be_shown_is_not_signed() {
        let targets = first_targets(&holders(&[1], 1).unwrap(), LATER).unwrap();
        let file = String::from_utf8(Sheet::new(targets).file()).unwrap();
        let altered = file.replace("\"targets\":{}", "\"targets\":{},\"also\":1");
        assert_ne!(file, altered);
        assert!(matches!(
            Sheet::<Targets>::parse(altered.as_bytes()),
            Err(SheetError::UnknownFields)
        ));
    }
}
