//! Where does one record end and the next begin, and are its bytes the ones that were written?
//!
//! Called by whoever keeps records in a file that is appended to: the journal, the reader, a node's log of bundles. A frame is the length
//! of its content (4 bytes, little endian), the first 8 bytes of the content's keccak-256, the content. Files that are bounded are read at
//! once ([`read`]), those that only grow frame by frame ([`Frames`]). Never opens a file, and never syncs one.

use std::io::{self, Read};

use alloy_primitives::keccak256;

/// Bytes before the content.
pub const HEAD_BYTES: usize = 12;

/// Largest content: a transaction with the bundle of 256 validators has 23 KiB.
pub const CONTENT_BYTES_MAX: usize = 1 << 16;

/// Longest frame.
const FRAME_BYTES_MAX: usize = HEAD_BYTES + CONTENT_BYTES_MAX;

/// Bytes of a file that [`Frames`] has in memory: the longest frame, and as much again so that it is not moved for every frame.
const WINDOW_BYTES: usize = 2 * FRAME_BYTES_MAX;

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

/// The whole frames from the start of a file, one after the other: never more than twice the longest frame of it is in memory.
#[derive(Debug)]
pub struct Frames<R> {
    file: R,
    window: Vec<u8>,
    /// Where in the window the next frame begins.
    start: usize,
    /// The same place in the file.
    at: u64,
    /// Whether the file ends with the window.
    is_over: bool,
}

impl<R: Read> Frames<R> {
    /// Those of `file`, from where it stands.
    pub const fn new(file: R) -> Self {
        Self {
            file,
            window: Vec::new(),
            start: 0,
            at: 0,
            is_over: false,
        }
    }

    /// Where the next frame begins, or the whole ones end.
    pub const fn at(&self) -> u64 {
        self.at
    }

    /// The content of the next frame; none where no whole one follows.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn next_frame(&mut self) -> io::Result<Option<&[u8]>> {
        self.fill()?;
        let Some(content) = frame(&self.window, self.start) else {
            return Ok(None);
        };
        let bytes = HEAD_BYTES + content.len();
        let begin = self.start + HEAD_BYTES;
        self.skip(bytes);
        Ok(Some(&self.window[begin..self.start]))
    }

    /// What comes after the whole frames.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn end(mut self) -> io::Result<End> {
        self.fill()?;
        let at = usize::try_from(self.at).unwrap_or(usize::MAX);
        if self.start == self.window.len() {
            return Ok(End::Clean);
        }
        loop {
            self.skip(1);
            self.fill()?;
            if self.start == self.window.len() {
                return Ok(End::Torn { at });
            }
            if frame(&self.window, self.start).is_some() {
                return Ok(End::Damaged { at });
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.start += bytes;
        self.at += bytes as u64;
    }

    /// Reads on until the longest frame would be there, or the file ends.
    fn fill(&mut self) -> io::Result<()> {
        if self.is_over || self.window.len() - self.start >= FRAME_BYTES_MAX {
            return Ok(());
        }
        self.window.drain(..self.start);
        self.start = 0;
        let wanted = WINDOW_BYTES - self.window.len();
        let got = (&mut self.file).take(wanted as u64).read_to_end(&mut self.window)?;
        self.is_over = got < wanted;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with these contents in frames.
    fn file(contents: &[Vec<u8>]) -> Vec<u8> {
        let mut file = Vec::new();
        for content in contents {
            write(&mut file, content);
        }
        file
    }

    /// What [`Frames`] finds.
    fn one_by_one(file: &[u8]) -> (Vec<Vec<u8>>, End) {
        let mut frames = Frames::new(file);
        let mut contents = Vec::new();
        while let Some(content) = frames.next_frame().unwrap() {
            contents.push(content.to_vec());
            assert!(frames.window.len() <= WINDOW_BYTES);
        }
        let bytes: usize = contents.iter().map(|content| HEAD_BYTES + content.len()).sum();
        assert_eq!(frames.at(), bytes as u64);
        (contents, frames.end().unwrap())
    }

    /// What [`read`] finds.
    fn at_once(file: &[u8]) -> (Vec<Vec<u8>>, End) {
        let (contents, end) = read(file);
        (contents.into_iter().map(<[u8]>::to_vec).collect(), end)
    }

    #[test]
    fn a_file_of_many_windows_is_read_frame_by_frame() {
        let sizes = [
            0,
            1,
            CONTENT_BYTES_MAX,
            3,
            CONTENT_BYTES_MAX - 1,
            60_000,
            60_000,
            60_000,
            7,
        ];
        let contents: Vec<_> = (1_u8..).zip(sizes).map(|(byte, size)| vec![byte; size]).collect();
        let whole = file(&contents);
        assert!(whole.len() > 2 * WINDOW_BYTES);
        assert_eq!(one_by_one(&whole), (contents, End::Clean));
        assert_eq!(one_by_one(&[]), (Vec::new(), End::Clean));
    }

    #[test]
    fn both_ways_of_reading_find_the_same_in_what_is_cut_off_or_damaged() {
        let contents: Vec<_> = [70, 0, 50_000, 90, 60_000, 60_000, 5]
            .map(|size| vec![0xa5; size])
            .into();
        let whole = file(&contents);
        for cut in [whole.len() - 1, whole.len() - 17, 90_000, 100, 82, 11, 1] {
            let torn = &whole[..cut];
            assert_eq!(one_by_one(torn), at_once(torn), "cut at {cut}");
        }
        for flipped in [0, 5, 60, 82, 40_000, 120_000, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[flipped] ^= 1;
            assert_eq!(one_by_one(&damaged), at_once(&damaged), "byte {flipped} is another");
        }
    }

    #[test]
    fn a_whole_frame_far_behind_damage_is_found() {
        let mut damaged = file(&[vec![1; 9]]);
        let at = damaged.len();
        damaged.resize(at + 3 * WINDOW_BYTES, 0xff);
        assert_eq!(one_by_one(&damaged).1, End::Torn { at });
        write(&mut damaged, &[2; 9]);
        assert_eq!(one_by_one(&damaged).1, End::Damaged { at });
    }
}
