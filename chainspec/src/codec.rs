//! How do Ethereum's fixed-size values and our bounded lists become SCALE bytes?
//!
//! Called by the modules of this crate whose types mix both worlds. Never allocates for a length that a peer merely claims:
//! a list's bound is checked before its first element is read.

use parity_scale_codec::{Compact, Decode, Encode, Error, Input, Output};

/// Reads `N` bytes as they are, without a length before them.
pub(crate) fn decode_bytes<const N: usize, I: Input>(input: &mut I) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    input.read(&mut bytes)?;
    Ok(bytes)
}

/// Writes a list as SCALE does: its compact length, then its elements.
pub(crate) fn encode_list<T: Encode, O: Output + ?Sized>(list: &[T], output: &mut O) {
    list.encode_to(output);
}

/// Reads a list of at most `max` elements.
pub(crate) fn decode_list<T: Decode, I: Input>(input: &mut I, max: usize) -> Result<Vec<T>, Error> {
    let length = Compact::<u32>::decode(input)?.0 as usize;
    if length > max {
        return Err("a list is longer than its bound".into());
    }
    let mut list = Vec::new();
    for _ in 0..length {
        list.push(T::decode(input)?);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_at_its_bound_is_read_and_a_longer_one_is_not() {
        let bytes = vec![7_u16; 3].encode();
        assert_eq!(decode_list::<u16, _>(&mut &bytes[..], 3), Ok(vec![7; 3]));
        assert!(decode_list::<u16, _>(&mut &bytes[..], 2).is_err());
    }

    #[test]
    fn a_claimed_length_without_elements_is_refused() {
        let bytes = Compact(u32::MAX).encode();
        assert!(decode_list::<u64, _>(&mut &bytes[..], usize::MAX).is_err());
    }
}
