// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Signatures of a set: a bitmap of who signed, and 65 bytes each.
library Signatures {
    /// r (32) | s (32) | v (1).
    uint256 internal constant BYTES = 65;

    /// Half of secp256k1's order: above it lies the twin of a signature, which would make two of one.
    uint256 private constant S_MAX = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// The bits whose keys really signed the digest. The caller has checked that the lengths fit.
    /// @param keys of the set, in its order
    /// @param bitmap who is said to have signed
    /// @param signatures one per bit, from the lowest
    function validOf(bytes32 digest, address[] calldata keys, uint256 bitmap, bytes calldata signatures)
        internal
        pure
        returns (uint256 valid)
    {
        uint256 at = 0;
        for (uint256 i = 0; bitmap != 0; ++i) {
            if (bitmap & 1 == 1) {
                if (_isSignatureOf(keys[i], digest, signatures[at:at + BYTES])) valid |= 1 << i;
                at += BYTES;
            }
            bitmap >>= 1;
        }
    }

    /// Number of bits that are set.
    function count(uint256 bitmap) internal pure returns (uint256 ones) {
        for (; bitmap != 0; bitmap &= bitmap - 1) {
            ++ones;
        }
    }

    function _isSignatureOf(address key, bytes32 digest, bytes calldata signature) private pure returns (bool) {
        bytes32 s = bytes32(signature[32:64]);
        if (uint256(s) > S_MAX) return false;
        address signer = ecrecover(digest, uint8(signature[64]), bytes32(signature[:32]), s);
        return signer == key && signer != address(0);
    }
}
