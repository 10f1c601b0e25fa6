//! How is an amount of tokens or coins written for people?

use alloy_primitives::{U256, utils::format_ether};

/// An amount of 10^-18 units in whole ones: `1.5`.
#[must_use]
pub fn whole(amount: U256) -> String {
    let text = format_ether(amount);
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_lose_their_trailing_zeros_only() {
        let table = [
            (0_u64, "0"),
            (1, "0.000000000000000001"),
            (1_500_000_000_000_000_000, "1.5"),
            (10_000_000_000_000_000_000, "10"),
        ];
        for (amount, text) in table {
            assert_eq!(whole(U256::from(amount)), text);
        }
    }
}
