//! Where does one record end and the next begin, and are its bytes the ones that were written?
//!
//! Called by the journal. A frame is the length of its content (4 bytes, little endian), the first 8 bytes of the content's keccak-256, the
//! content. Pure.

use alloy_primitives::keccak256;

/// Bytes before the content.
pub const HEAD_BYTES: usize = 12;

/// Largest content: a transaction with the bundle of 256 validators has 23 KiB.
pub const CONTENT_BYTES_MAX: usize = 1 << 16;

/// What lies in a file, from its start.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// Whole frames and nothing else.
    Clean,
    /// After whole frames, bytes without a whole frame among them: a write that was cut off.
    Torn {
        /// Where they start.
        at: usize,
    },
    /// Bytes that are no frame, and whole frames after them: not what a crash leaves.
    Damaged {
        /// Where they start.
        at: usize,
    },
}

/// Adds a frame to `file`.
pub fn write(file: &mut Vec<u8>, content: &[u8]) {
    let length = u32::try_from(content.len()).expect("no record is larger than CONTENT_BYTES_MAX");
    file.extend(length.to_le_bytes());
    file.extend(&keccak256(content)[..8]);
    file.extend(content);
}

/// All whole frames from the start of `file`, and what comes after them.
pub fn read(file: &[u8]) -> (Vec<&[u8]>, End) {
    let mut contents = Vec::new();
    let mut at = 0;
    while let Some(content) = frame(file, at) {
        at += HEAD_BYTES + content.len();
        contents.push(content);
    }
    let end = match at {
        _ if at == file.len() => End::Clean,
        _ if (at + 1..file.len()).any(|later| frame(file, later).is_some()) => End::Damaged { at },
        _ => End::Torn { at },
    };
    (contents, end)
}

/// The content of the frame at `at`, if a whole one is there.
fn frame(file: &[u8], at: usize) -> Option<&[u8]> {
    let head = file.get(at..at.checked_add(HEAD_BYTES)?)?;
    let length = u32::from_le_bytes(head[..4].try_into().ok()?);
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= CONTENT_BYTES_MAX)?;
    let content = file.get(at + HEAD_BYTES..at + HEAD_BYTES + length)?;
    (keccak256(content)[..8] == head[4..]).then_some(content)
}
