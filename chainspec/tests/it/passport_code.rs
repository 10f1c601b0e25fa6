//! Passport codes: their text, what reading forgives, and what the check symbols notice.

use alloy_primitives::B256;
use ledger_chainspec::{BlockNumber, CodeError, CodeRef, PassportCode, passport_code::CODE_INDEX_MAX};
use proptest::prelude::*;

const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

fn code(block: u64, index: u32) -> PassportCode {
    PassportCode::new(BlockNumber::new(block), index).expect("the index is in range")
}

#[test]
fn the_text_of_a_code_is_fixed() {
    let cases = [
        (code(0, 0), "0000-0000"),
        (code(1, 0), include_str!("golden/codes.txt").lines().next().unwrap()),
        (code(106, 10), include_str!("golden/codes.txt").lines().nth(1).unwrap()),
        (
            code(32_767, CODE_INDEX_MAX),
            include_str!("golden/codes.txt").lines().nth(2).unwrap(),
        ),
        (
            code(32_768, 0),
            include_str!("golden/codes.txt").lines().nth(3).unwrap(),
        ),
        (
            code(u64::MAX, CODE_INDEX_MAX),
            include_str!("golden/codes.txt").lines().nth(4).unwrap(),
        ),
    ];
    for (code, text) in cases {
        assert_eq!(code.to_string(), text);
        assert_eq!(text.parse(), Ok(code));
        assert_eq!(serde_json::to_string(&code).unwrap(), format!("{text:?}"));
        assert_eq!(
            serde_json::from_str::<PassportCode>(&format!("{text:?}")).unwrap(),
            code
        );
    }
    assert_eq!(PassportCode::new(BlockNumber::new(1), CODE_INDEX_MAX + 1), None);
}

#[test]
fn people_may_write_it_their_way() {
    // Block 1024 * 1 + 0, so that the code has both a 0 and a 1 in it.
    let code = code(1024, 33);
    let text = code.to_string();
    assert!(text.starts_with("1000-11"), "{text}");
    let sloppy = [
        text.to_lowercase(),
        text.replace('-', ""),
        text.replace('-', " "),
        text.replace('0', "O"),
        text.replace('0', "o"),
        text.replace('1', "I"),
        text.replace('1', "l"),
        format!("  {text} "),
    ];
    for text in sloppy {
        assert_eq!(text.parse(), Ok(code), "{text}");
        assert_eq!(text.parse(), Ok(CodeRef::Passport(code)), "{text}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    assert_eq!("".parse::<PassportCode>(), Err(CodeError::Length { symbols: 0 }));
    assert_eq!(
        "0000-000".parse::<PassportCode>(),
        Err(CodeError::Length { symbols: 7 })
    );
    assert_eq!(
        "0".repeat(24).parse::<PassportCode>(),
        Err(CodeError::Length { symbols: 24 })
    );
    assert_eq!(
        "0".repeat(2000).parse::<PassportCode>(),
        Err(CodeError::Length { symbols: 2000 })
    );
    assert_eq!(
        "0000-00U0".parse::<PassportCode>(),
        Err(CodeError::Symbol {
            position: 8,
            found: 'U'
        })
    );
    assert_eq!(
        "0000-00é0".parse::<PassportCode>(),
        Err(CodeError::Symbol {
            position: 8,
            found: 'é'
        })
    );
    assert_eq!(
        "000000001".parse::<PassportCode>(),
        Err(CodeError::Length { symbols: 9 })
    );
    assert_eq!(
        "0000-0001".parse::<PassportCode>(),
        Err(CodeError::Check {
            text: "0000-0001".to_owned()
        })
    );
    let long = format!("0000-{}", code(1, 0));
    assert_eq!(
        long.parse::<PassportCode>(),
        Err(CodeError::NotCanonical { text: long.clone() })
    );
}

#[test]
fn a_transaction_id_is_known_by_its_form() {
    let id = B256::repeat_byte(0xab);
    assert_eq!(id.to_string().parse(), Ok(CodeRef::Transaction(id)));
    assert_eq!("ab".repeat(32).parse(), Ok(CodeRef::Transaction(id)));
    assert_eq!(format!(" 0X{} ", "AB".repeat(32)).parse(), Ok(CodeRef::Transaction(id)));
    assert_eq!(CodeRef::Transaction(id).to_string(), id.to_string());
    for (text, digits) in [
        ("0x12".to_owned(), 2),
        ("0xé".to_owned(), 1),
        (format!("0x0x{}", "ab".repeat(32)), 66),
    ] {
        assert_eq!(
            text.parse::<CodeRef>(),
            Err(CodeError::TransactionId { digits }),
            "{text}"
        );
    }
    assert_eq!(
        "zz".repeat(32).parse::<CodeRef>(),
        Err(CodeError::TransactionId { digits: 64 })
    );
}

/// The pages read links in the same way (`web/test/chain.test.ts`).
#[test]
fn a_link_is_read_as_the_code_in_it() {
    let (code, id) = (code(106, 10), B256::repeat_byte(0xab));
    for (start, end) in [
        ("http://127.0.0.1:8545/#/code/", ""),
        ("http://127.0.0.1:8545/#/code/", "/"),
        ("https://ledger.example/verify?code=", ""),
        ("HTTPS://SIGN-UP.EXAMPLE/?LANG=EN&CODE=", ""),
        ("https://cloud.example/signup?code=", "&plan=1"),
        ("https://cloud.example/signup?code=", "&from=/a/b?c#top"),
        ("https://cloud.example/codes/", "?plan=1"),
        ("https://cloud.example/?plan=1#", ""),
        ("https://cloud.example/#code=", ""),
    ] {
        let (short, long) = (format!("{start}{code}{end}"), format!(" {start}{id}{end} "));
        assert_eq!(short.parse(), Ok(CodeRef::Passport(code)), "{short}");
        assert_eq!(long.parse(), Ok(CodeRef::Transaction(id)), "{long}");
    }
    for bad in [
        "https://ledger.example/",
        "https://ledger.example",
        "://",
        "https://03A0-0ADE/x",
        "https://cloud.example/03A0-0ADE#top",
        "https://cloud.example/?code=&x=03A0-0ADE",
    ] {
        assert!(bad.parse::<CodeRef>().is_err(), "{bad}");
    }
}

/// The code is linear: what one code notices, every code of its length does. So this is all of them.
#[test]
fn all_errors_in_one_or_two_symbols_of_any_code_are_noticed() {
    let mut patterns = 0_usize;
    for block in [106, 1 << 20, 1 << 40, u64::MAX] {
        let text = code(block, 10).to_string().replace('-', "");
        let symbols: Vec<usize> = text.chars().map(|symbol| ALPHABET.find(symbol).unwrap()).collect();
        let wrong = |errors: &[(usize, usize)]| {
            let mut symbols = symbols.clone();
            errors.iter().for_each(|(place, error)| symbols[*place] ^= error);
            let text: String = symbols.iter().map(|symbol| &ALPHABET[*symbol..=*symbol]).collect();
            assert!(
                matches!(text.parse::<PassportCode>(), Err(CodeError::Check { .. })),
                "{text}"
            );
        };
        for first in 0..symbols.len() {
            for error in 1..32 {
                wrong(&[(first, error)]);
                patterns += 1;
                for second in first + 1..symbols.len() {
                    (1..32).for_each(|other| wrong(&[(first, error), (second, other)]));
                    patterns += 31;
                }
            }
        }
    }
    // Of 8, 12, 16 and 20 symbols: one of 31 errors at one place, or two at two.
    let all = |symbols: usize| symbols * 31 + symbols * (symbols - 1) / 2 * 31 * 31;
    assert_eq!(patterns, [8, 12, 16, 20].map(all).iter().sum::<usize>());
}

fn any_code() -> impl Strategy<Value = PassportCode> {
    (any::<u64>(), 0..64_u32, 0..=CODE_INDEX_MAX).prop_map(|(block, shift, index)| code(block >> shift, index))
}

proptest! {
    #[test]
    fn codes_survive_their_text(code in any_code()) {
        prop_assert_eq!(code.to_string().parse(), Ok(code));
        prop_assert_eq!(code.to_string().parse(), Ok(CodeRef::Passport(code)));
    }

    #[test]
    fn every_wrong_symbol_and_every_swap_is_noticed(code in any_code()) {
        let text: Vec<char> = code.to_string().chars().collect();
        let places: Vec<_> = (0..text.len()).filter(|place| text[*place] != '-').collect();
        for (at, &place) in places.iter().enumerate() {
            for other in ALPHABET.chars().filter(|other| *other != text[place]) {
                let mut wrong = text.clone();
                wrong[place] = other;
                let wrong: String = wrong.into_iter().collect();
                prop_assert!(matches!(wrong.parse::<PassportCode>(), Err(CodeError::Check { .. })), "{}", wrong);
            }
            for &second in &places[at + 1..] {
                let mut swapped = text.clone();
                swapped.swap(place, second);
                let swapped: String = swapped.into_iter().collect();
                let is_noticed = matches!(swapped.parse::<PassportCode>(), Err(CodeError::Check { .. }));
                prop_assert!(is_noticed || text[place] == text[second], "{}", swapped);
            }
        }
    }

    #[test]
    fn garbage_never_panics(text in "\\PC{0,60}") {
        let _ = text.parse::<PassportCode>();
        let _ = text.parse::<CodeRef>();
    }
}
