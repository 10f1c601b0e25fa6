//! Which inputs does a test try that has no libFuzzer? Seeds, damaged in the ways that decoders are known to trip over.
//!
//! Deterministic: a number names the input, so that a failure can be tried again. Never measures coverage.

/// A small generator (xorshift64*): the same numbers everywhere.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The dice of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        // Zero would stay zero.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub const fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.roll() % end).unwrap_or(0)
    }
}

/// Bytes that lengths, tags and separators like to be.
const TELLING: [u8; 16] = [
    0, 1, 2, 3, 4, 0x7f, 0x80, 0x81, 0xb7, 0xb8, 0xbf, 0xc0, 0xf7, 0xf8, 0xfe, 0xff,
];

/// `seed` with one to eight changes.
#[must_use]
pub fn mutated(seed: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.below(8) {
        let at = dice.below(bytes.len());
        match dice.below(9) {
            0 => change(&mut bytes, at, |byte| byte ^ 1 << (at % 8)),
            1 => {
                let told = TELLING[dice.below(TELLING.len())];
                change(&mut bytes, at, |_| told);
            }
            2 => {
                let any = dice.roll().to_le_bytes()[0];
                change(&mut bytes, at, |_| any);
            }
            3 => bytes.truncate(at),
            4 => {
                let end = bytes.len().min(at + 1 + dice.below(8));
                bytes.drain(at..end);
            }
            5 => {
                let any = dice.roll().to_le_bytes()[0];
                bytes.insert(at, any);
            }
            6 => {
                let end = bytes.len().min(at + dice.below(64));
                let part = bytes[at.min(end)..end].to_vec();
                bytes.splice(at..at, part);
            }
            7 => {
                let from = dice.below(other.len());
                let end = other.len().min(from + dice.below(64));
                bytes.splice(at..at, other[from..end].iter().copied());
            }
            _ => bytes.splice(at..at, [0xff; 4]).for_each(drop),
        }
    }
    bytes
}

fn change(bytes: &mut [u8], at: usize, to: impl Fn(u8) -> u8) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = to(*byte);
    }
}
