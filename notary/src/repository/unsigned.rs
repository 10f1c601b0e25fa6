//! What exactly is signed? A document as text, and the bytes that signatures are made over.

use crate::tuf::{Document, Signature, json::Json, metadata::assemble};

/// A document that waits for its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned<T> {
    document: T,
    text: String,
    signable: Vec<u8>,
}

impl<T: Document> Unsigned<T> {
    /// The document in the form that is signed.
    ///
    /// # Panics
    /// Never: documents are texts, whole numbers, lists and maps of texts.
    pub fn new(document: T) -> Self {
        let text = serde_json::to_string(&document).expect("a document is JSON");
        let signable = Json::parse(text.as_bytes())
            .expect("read as it was written")
            .canonical();
        Self {
            document,
            text,
            signable,
        }
    }

    /// What it says.
    pub fn document(&self) -> &T {
        &self.document
    }

    /// The bytes to sign: the document's canonical JSON.
    pub fn signable(&self) -> &[u8] {
        &self.signable
    }

    /// The file with its signatures. Whether they are enough is for the verifier to say.
    pub fn file(&self, signatures: &[Signature]) -> Vec<u8> {
        assemble(&self.text, signatures)
    }
}
