//! How do Ethereum's fixed-size values and our bounded lists become SCALE bytes?
//!
//! Called by whoever writes an encoding by hand: the modules of this crate whose types mix both worlds, the messages of the network,
//! records on disk. Never allocates for a length that a peer merely claims: a bound is checked before the first element is read.

use alloy_primitives::B256;
use parity_scale_codec::{Compact, Decode, Encode, Error, Input, Output};

/// Reads `N` bytes as they are, without a length before them.
///
/// # Errors
/// If there are fewer.
pub fn decode_array<const N: usize, I: Input>(input: &mut I) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    input.read(&mut bytes)?;
    Ok(bytes)
}

/// Writes the length of a list or byte string that follows, as SCALE's compact integer.
///
/// # Panics
/// If it is no `u32`: every list of ours has a bound far below.
pub fn encode_length<O: Output + ?Sized>(length: usize, output: &mut O) {
    Compact(u32::try_from(length).expect("a list has a bound far below four billion")).encode_to(output);
}

/// Reads the length of a list or byte string that follows, at most `max`.
///
/// # Errors
/// If there is no compact integer of 32 bits, or it is above the bound.
pub fn decode_length<I: Input>(input: &mut I, max: usize) -> Result<usize, Error> {
    let length = usize::try_from(Compact::<u32>::decode(input)?.0).unwrap_or(usize::MAX);
    if length > max {
        return Err("a list is longer than its bound".into());
    }
    Ok(length)
}

/// Reads a list of at most `max` elements.
///
/// # Errors
/// If its length is above the bound, or the bytes of an element are none of its type.
pub fn decode_list<T: Decode, I: Input>(input: &mut I, max: usize) -> Result<Vec<T>, Error> {
    let length = decode_length(input, max)?;
    let mut list = Vec::new();
    for _ in 0..length {
        list.push(T::decode(input)?);
    }
    Ok(list)
}

/// Writes a byte string: its length, then the bytes.
pub fn encode_bytes<O: Output + ?Sized>(bytes: &[u8], output: &mut O) {
    encode_length(bytes.len(), output);
    output.write(bytes);
}

/// Reads a byte string of at most `max` bytes, allocating no more than are there.
///
/// # Errors
/// If its length is above the bound or beyond the end of the input, or the input cannot say how much of it is left.
pub fn decode_bytes<I: Input>(input: &mut I, max: usize) -> Result<Vec<u8>, Error> {
    let length = decode_length(input, max)?;
    if input.remaining_len()?.is_none_or(|here| length > here) {
        return Err("a byte string is longer than its message".into());
    }
    let mut bytes = vec![0; length];
    input.read(&mut bytes)?;
    Ok(bytes)
}

/// Writes a list of hashes.
pub fn encode_hashes<O: Output + ?Sized>(hashes: &[B256], output: &mut O) {
    encode_length(hashes.len(), output);
    for hash in hashes {
        output.write(hash.as_slice());
    }
}

/// Reads a list of at most `max` hashes.
///
/// # Errors
/// If its length is above the bound, or there are fewer.
pub fn decode_hashes<I: Input>(input: &mut I, max: usize) -> Result<Vec<B256>, Error> {
    let length = decode_length(input, max)?;
    let mut hashes = Vec::new();
    for _ in 0..length {
        hashes.push(B256::new(decode_array(input)?));
    }
    Ok(hashes)
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
        assert!(decode_hashes(&mut &bytes[..], usize::MAX).is_err());
        assert!(decode_bytes(&mut &bytes[..], usize::MAX).is_err());
    }

    #[test]
    fn lengths_are_written_as_scale_writes_them() {
        let (string, hashes) = (vec![1_u8; 70], vec![B256::repeat_byte(2); 3]);
        let mut bytes = Vec::new();
        encode_bytes(&string, &mut bytes);
        assert_eq!(bytes, string.encode());
        assert_eq!(decode_bytes(&mut &bytes[..], 70), Ok(string));
        let mut bytes = Vec::new();
        encode_hashes(&hashes, &mut bytes);
        assert_eq!(bytes, vec![[2_u8; 32]; 3].encode());
        assert_eq!(decode_hashes(&mut &bytes[..], 3), Ok(hashes));
    }
}
