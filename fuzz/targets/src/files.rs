//! Do the readers of files and of people's handwriting refuse in words, and within bounds? Specifications, keys, codes.

use std::path::Path;

use ledger_chainspec::{ChainSpec, CodeRef, PassportCode, peer_id_from_text, peer_id_to_text};
use ledger_keys::{Cost, KeyError, Password, account, consensus};

use crate::{Heap, Target};

/// The targets of this page.
pub const TARGETS: &[Target] = &[
    Target {
        name: "spec",
        run: spec,
        input_bytes_max: 64 << 10,
        // A parsed table has a map's node for each key, and a refusal names every problem.
        heap: Heap {
            base: 1 << 20,
            per_byte: 400,
        },
    },
    Target {
        name: "consensus_key",
        run: consensus_key,
        input_bytes_max: 4 << 10,
        heap: Heap {
            base: CHEAP_HEAP,
            per_byte: 24,
        },
    },
    Target {
        name: "keystore",
        run: keystore,
        input_bytes_max: 4 << 10,
        heap: Heap {
            base: 512 << 10,
            per_byte: 100,
        },
    },
    Target {
        name: "passport_code",
        run: passport_code,
        input_bytes_max: 256,
        heap: Heap::SMALL,
    },
];

/// Memory of an opening that is cheap, and room for the rest.
const CHEAP_HEAP: usize = 2 << 20;

/// Whether opening takes no more than a test can pay thousands of times.
fn is_cheap(cost: Cost) -> bool {
    match cost {
        Cost::Scrypt { n, r, p } => cost.is_bounded() && n.saturating_mul(r).saturating_mul(p) <= 256,
        Cost::Pbkdf2 { rounds } => rounds <= 64,
    }
}

/// A specification of a chain: what was accepted can be written down and read again.
pub fn spec(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match ChainSpec::from_toml(text) {
        Ok(spec) => {
            let again = ChainSpec::from_toml(&spec.to_toml()).map_err(|error| error.to_string());
            assert_eq!(again.as_ref(), Ok(&spec), "what was written cannot be read");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// An encrypted consensus key in PEM. Files that are dear to open are only looked at: paying is what the bounds are for,
/// and fuzzing is about everything before it.
pub fn consensus_key(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match consensus::cost_of(Path::new("fuzzed.pem"), text) {
        Ok(cost) if is_cheap(cost) => {
            let password = Password::new("fuzz".to_owned());
            let _ = consensus::decrypt(Path::new("fuzzed.pem"), text, &password);
        }
        Ok(_) => {}
        Err(error) => assert!(error.to_string().contains("fuzzed.pem"), "{error}"),
    }
}

/// A Web3 keystore. What passes the check is read by the library that decrypts it, so that both agree on what is asked.
pub fn keystore(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match account::check_keystore(Path::new("fuzzed.json"), text) {
        Ok(()) => {
            let Ok(read) = serde_json::from_str::<eth_keystore::EthKeystore>(text) else {
                return;
            };
            let cost = match read.crypto.kdfparams {
                eth_keystore::KdfparamsType::Pbkdf2 { c, .. } => Cost::Pbkdf2 { rounds: c.into() },
                eth_keystore::KdfparamsType::Scrypt { n, r, p, .. } => Cost::Scrypt {
                    n: n.into(),
                    r: r.into(),
                    p: p.into(),
                },
            };
            assert!(cost.is_bounded(), "the library would pay {cost:?}");
        }
        Err(KeyError::TooCostly { .. } | KeyError::Malformed { .. }) => {}
        Err(other) => panic!("a check of text that said {other}"),
    }
}

/// A promo code as people write it, and a peer id.
pub fn passport_code(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(code) = text.parse::<PassportCode>() {
        assert_eq!(code.to_string().parse(), Ok(code), "a code that cannot be read again");
        assert_eq!(PassportCode::new(code.block(), code.index()), Some(code));
    }
    if let Ok(code) = text.parse::<CodeRef>() {
        assert_eq!(code.to_string().parse(), Ok(code), "a code that cannot be read again");
    }
    if let Ok(peer) = peer_id_from_text(text) {
        assert_eq!(peer_id_from_text(&peer_id_to_text(&peer)).as_ref(), Ok(&peer));
    }
}
