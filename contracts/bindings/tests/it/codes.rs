//! Ids, records, consents and events of codes.

use alloy_primitives::{Address, B256, LogData, U256, address, b256, keccak256, uint};
use alloy_sol_types::{SolEvent, SolValue};
use ledger_contracts::{
    CodeId, CodeRecord, CodeState, CodeStatus, KnownEvent, Redemption, SpecRecord, Transact, UnknownValue,
    decode_event, redemption_digest,
};

#[test]
fn id_and_word_convert_both_ways() {
    let id = CodeId {
        spec_id: 7,
        sequence: u64::MAX,
    };
    assert_eq!(id.to_word(), uint!(0x7ffffffffffffffff_U256));
    assert_eq!(CodeId::from_word(id.to_word()), Some(id));
    assert_eq!(CodeId::from_word(U256::from(1) << 96), None);
    assert_eq!(id.to_string(), "7:18446744073709551615");
}

#[test]
fn an_id_is_read_as_it_is_written() {
    let id = CodeId {
        spec_id: 2,
        sequence: 9,
    };
    for text in [
        "2:9".to_owned(),
        format!("{:#x}", id.to_word()),
        format!("{:#066x}", id.to_word()),
    ] {
        assert_eq!(text.parse(), Ok(id), "{text}");
    }
    for text in [
        "",
        "0x",
        "0xzz",
        "1:",
        "1:x",
        ":",
        "4294967296:1",
        "12",
        &format!("0x{}", "ab".repeat(32)),
        &"0x1".repeat(99),
    ] {
        assert!(text.parse::<CodeId>().is_err(), "{text}");
    }
}

#[test]
fn a_spec_is_read_from_its_words_and_nothing_else_is() {
    let base = U256::from_be_bytes(keccak256((U256::from(3), U256::from(4)).abi_encode()).0);
    assert_eq!(
        SpecRecord::slots(3).map(|slot| U256::from_be_bytes(slot.0)),
        [0_u64, 1, 2, 3].map(|place| base + U256::from(place))
    );
    let name = uint!(0x736d616c6c000000000000000000000000000000000000000000000000000000_U256) | U256::from(10);
    let sizes = uint!(0x00278d00_000000a8_0000000a_00000800_00000001_U256);
    let words = [name, sizes, U256::from(7), U256::ONE];
    let spec = SpecRecord {
        name: "small".to_owned(),
        vcpus: 1,
        memory_mib: 2048,
        disk_gib: 10,
        hours: 168,
        ttl_seconds: 2_592_000,
        reward: U256::from(7),
        requires_authorization: true,
    };
    assert_eq!(SpecRecord::from_words(words), Some(spec));
    let with = |place: usize, word: U256| {
        let mut changed = words;
        changed[place] = word;
        SpecRecord::from_words(changed)
    };
    // No name, an odd length, one beyond the slot, bytes behind the name, no text.
    for word in [
        U256::ZERO,
        name + U256::ONE,
        name + U256::from(246),
        name | U256::from(256),
        name | (U256::from(255) << 248),
    ] {
        assert_eq!(with(0, word), None, "{word:#x}");
    }
    assert_eq!(with(1, sizes | (U256::ONE << 160)), None);
    assert_eq!(with(3, U256::from(2)), None);
    assert_eq!(SpecRecord::from_words([U256::ZERO; 4]), None);
}

#[test]
fn slot_is_that_of_a_mapping_in_slot_0() {
    let id = CodeId {
        spec_id: 1,
        sequence: 2,
    };
    assert_eq!(id.slot(), keccak256([B256::from(id.to_word()).0, [0; 32]].concat()));
}

#[test]
fn record_reads_the_packed_word_and_nothing_else() {
    // counted 1 | member 9 | state 2 | expiry 0x1234 | holder
    let word = uint!(0x01_00000009_02_0000001234_00000000000000000000000000000000000000aa_U256);
    let record = CodeRecord {
        holder: address!("0x00000000000000000000000000000000000000aa"),
        expires_at: 0x1234,
        state: CodeState::Redeemed,
        member_id: 9,
        counted: true,
    };
    assert_eq!(CodeRecord::from_word(word), Some(record));
    for no_record in [
        U256::ZERO,
        word | (U256::from(1) << 248),
        word | (U256::from(4) << 200),
        word | (U256::from(2) << 240),
    ] {
        assert_eq!(CodeRecord::from_word(no_record), None, "{no_record:#x}");
    }
}

#[test]
fn redemption_digest_is_built_as_eip_712_says() {
    let redemption = Redemption {
        codeId: U256::from(5),
        memberId: 2,
        signupRef: b256!("0x1111111111111111111111111111111111111111111111111111111111111111"),
        deadline: U256::from(1_900_000_000),
    };
    let transact = address!("0x0000000000000000000000000000000000001002");
    let domain = keccak256(
        (
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
            keccak256("Cloud Ledger Passport"),
            keccak256("1"),
            U256::from(6300),
            transact,
        )
            .abi_encode(),
    );
    let message = keccak256(
        (
            keccak256("Redemption(uint256 codeId,uint32 memberId,bytes32 signupRef,uint256 deadline)"),
            redemption.codeId,
            redemption.memberId,
            redemption.signupRef,
            redemption.deadline,
        )
            .abi_encode(),
    );
    let expected = keccak256([b"\x19\x01".as_slice(), domain.as_slice(), message.as_slice()].concat());
    assert_eq!(redemption_digest(6300, transact, &redemption), expected);
}

#[test]
fn events_are_told_apart_and_garbage_is_none() {
    let issued = Transact::CodeIssued {
        codeId: U256::from(9),
        holder: Address::ZERO,
        specId: 3,
        expiresAt: 77,
    };
    let log = issued.encode_log_data();
    assert_eq!(
        decode_event(&log),
        Some(KnownEvent::Transact(Transact::TransactEvents::CodeIssued(issued)))
    );
    let cut = LogData::new_unchecked(log.topics().to_vec(), log.data.slice(..31));
    assert_eq!(decode_event(&cut), None);
    assert_eq!(
        decode_event(&LogData::new_unchecked(vec![B256::repeat_byte(1)], log.data)),
        None
    );
    assert_eq!(decode_event(&LogData::default()), None);
}

#[test]
fn enum_numbers_are_the_contracts() {
    assert_eq!(CodeStatus::try_from(3), Ok(CodeStatus::Redeemed));
    assert_eq!(u8::from(CodeStatus::Deleted), 5);
    assert_eq!(
        CodeStatus::try_from(6),
        Err(UnknownValue {
            of: "CodeStatus",
            value: 6
        })
    );
}
