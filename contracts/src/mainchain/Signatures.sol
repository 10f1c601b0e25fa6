// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Signatures of a set: a bitmap of who signed, and 65 bytes each.
library Signatures {
    /// r (32) | s (32) | v (1).
    uint256 internal constant BYTES = 65;

    /// Half of secp256k1's order: above it lies the twin of a signature, which would make two of one.
    uint256 private constant S_MAX = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// The bits whose keys really signed the digest. The caller has checked that the lengths fit: no bit beyond the
    /// keys, 65 bytes for each bit.
    /// @param keys of the set, in its order
    /// @param bitmap who is said to have signed
    /// @param signatures one per bit, from the lowest
    function validOf(bytes32 digest, address[] calldata keys, uint256 bitmap, bytes calldata signatures)
        internal
        pure
        returns (uint256 valid)
    {
        unchecked {
            uint256 at = 0;
            for (uint256 i = 0; bitmap != 0; ++i) {
                if (bitmap & 1 == 1) {
                    address signer = _signerAt(signatures, at, digest);
                    if (signer == keys[i] && signer != address(0)) valid |= 1 << i;
                    at += BYTES;
                }
                bitmap >>= 1;
            }
        }
    }

    /// Number of bits that are set.
    function count(uint256 bitmap) internal pure returns (uint256 ones) {
        unchecked {
            for (; bitmap != 0; bitmap &= bitmap - 1) {
                ++ones;
            }
        }
    }

    /// Who made the signature at an offset; 0 if nobody did.
    // slither-disable-next-line assembly
    function _signerAt(bytes calldata signatures, uint256 at, bytes32 digest) private pure returns (address) {
        (bytes32 r, bytes32 s, uint8 v) = (0, 0, 0);
        assembly ("memory-safe") {
            let from := add(signatures.offset, at)
            r := calldataload(from)
            s := calldataload(add(from, 32))
            v := byte(0, calldataload(add(from, 64)))
        }
        if (uint256(s) > S_MAX) return address(0);
        return ecrecover(digest, v, r, s);
    }
}
