//! Whoever gives a proof may lie in every byte of it.

use alloy_primitives::{B256, Bytes, U256};
use ledger_chainspec::{
    BlockHash, CertificateError, FinalityCertificate, FinalityFault, GenesisHash, SealedHeader, SetId, ValidatorSet,
    dev_keys,
};
use ledger_checkpoint::{
    proof::{Asked, Part, ProofError, ProofFile, Question, Root, Trust, verify},
    statement::Anchor,
};
use parity_scale_codec::{DecodeAll, Encode};
use serde_json::{Value, json};

use super::{ANCHOR, HOUR, Scene};

type Change = Box<dyn Fn(&mut ProofFile)>;
type Recertify = Box<dyn Fn(&mut FinalityCertificate)>;
type IsNamed = fn(&CertificateError) -> bool;

fn change(change: impl Fn(&mut ProofFile) + 'static) -> Change {
    Box::new(change)
}

/// The bytes with one bit turned.
fn turned(bytes: &Bytes, at: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes.into()
}

fn header(bytes: &Bytes) -> SealedHeader {
    SealedHeader::from_rlp(bytes).unwrap()
}

/// The state's certificate, changed by somebody.
fn certified(file: &mut ProofFile, change: impl FnOnce(&mut FinalityCertificate)) {
    let bytes = file.proof.state.certificate.as_ref().unwrap();
    let mut certificate = FinalityCertificate::decode_all(&mut &bytes[..]).unwrap();
    change(&mut certificate);
    file.proof.state.certificate = Some(certificate.encode().into());
}

/// Every text in a JSON value that is bytes or a number, by its path.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| places(value, &format!("{path}/{key}"), found)),
        Value::Array(values) => values
            .iter()
            .enumerate()
            .for_each(|(place, value)| places(value, &format!("{path}/{place}"), found)),
        Value::String(text) if text.starts_with("0x") => found.push(path.to_owned()),
        _ => {}
    }
}

/// Each node of each proof, each hash, number, header and signature: a changed digit anywhere changes nothing, or is refused.
#[tokio::test]
async fn no_changed_digit_of_a_proof_passes() {
    let scene = Scene::new().await;
    let file = scene.anchored(true).await;
    let good = scene.judge(&file).unwrap();
    let json = serde_json::to_value(&file).unwrap();
    let mut found = Vec::new();
    places(&json, "", &mut found);
    assert!(found.len() > 60, "{found:?}");
    let (mut refused, mut names) = (0, std::collections::BTreeSet::new());
    for path in &found {
        // With a path to a checkpoint's history root, nobody looks at the certificate of the request's block.
        if path == "/proof/request/certificate" {
            continue;
        }
        let text = json.pointer(path).and_then(Value::as_str).unwrap().to_owned();
        let digits = text.len() - 2;
        // The last digit, and others all over a long text.
        for at in (0..digits).rev().step_by(1 + digits / 12) {
            let old = u8::from_str_radix(&text[2 + at..3 + at], 16).unwrap();
            let mut changed = text.clone();
            changed.replace_range(2 + at..3 + at, &format!("{:x}", old ^ 1));
            let mut bad = json.clone();
            *bad.pointer_mut(path).unwrap() = json!(changed);
            let Ok(bad) = serde_json::from_value::<ProofFile>(bad) else {
                continue; // 0x0… is no quantity.
            };
            let error = scene.judge(&bad).err();
            let error = error.unwrap_or_else(|| panic!("{path}, digit {at} of {digits}: {good:?}"));
            names.insert(error.name());
            refused += 1;
        }
    }
    assert!(refused > 500, "{refused}");
    println!(
        "{refused} changed digits in {} places were refused, as {names:?}",
        found.len()
    );
}

#[tokio::test]
async fn every_node_of_every_proof_is_needed() {
    let scene = Scene::new().await;
    let file = scene.anchored(true).await;
    let json = serde_json::to_value(&file).unwrap();
    let lists = [
        ("/proof/request/transactionProof", "proofTransaction"),
        ("/proof/request/receiptProof", "proofReceipt"),
        ("/proof/request/path", "proofNotInHistory"),
        ("/proof/state/account/accountProof", "proofAccount"),
        ("/proof/state/account/storageProof/0/proof", "proofRecord"),
        ("/proof/state/account/storageProof/1/proof", "proofSpec"),
        ("/proof/state/account/storageProof/2/proof", "proofSpec"),
        ("/proof/state/account/storageProof/3/proof", "proofSpec"),
        ("/proof/state/account/storageProof/4/proof", "proofSpec"),
    ];
    for (list, name) in lists {
        let nodes = json.pointer(list).and_then(Value::as_array).unwrap().len();
        assert!(nodes > 1 || list.ends_with("path"), "{list} has {nodes} nodes");
        for node in 0..nodes {
            let mut bad = json.clone();
            let list_of_bad = bad.pointer_mut(list).and_then(Value::as_array_mut).unwrap();
            list_of_bad.remove(node);
            let judged = scene.judge(&serde_json::from_value(bad.clone()).unwrap());
            assert_eq!(judged.unwrap_err().name(), name, "{list} without node {node}");
            let list_of_bad = bad.pointer_mut(list).and_then(Value::as_array_mut).unwrap();
            list_of_bad.insert(node, json!(B256::repeat_byte(1)));
            let judged = scene.judge(&serde_json::from_value(bad).unwrap());
            assert_eq!(judged.unwrap_err().name(), name, "{list} with another node {node}");
        }
    }
}

#[tokio::test]
async fn each_lie_has_a_name_of_its_own() {
    let scene = Scene::new().await;
    let file = scene.anchored(true).await;
    let other_request = {
        let others = scene
            .world
            .runtime
            .block(ledger_runtime::BlockRef::Number(ledger_chainspec::BlockNumber::new(
                scene.height(),
            )));
        *others.unwrap().unwrap().transactions[3].tx_hash()
    };
    let other: ledger_api::CodeProof = scene.world.ask("ledger_codeProof", json!([other_request])).await;
    let (receipt, transaction) = (other.request.clone(), other.request.clone());
    let table: Vec<(&str, Change)> = vec![
        ("proofVersion", change(|file| file.proof.version = 2)),
        (
            "proofOtherChain",
            change(|file| file.proof.genesis_hash = B256::repeat_byte(1)),
        ),
        ("proofNoCheckpoint", change(|file| file.anchored = None)),
        (
            "proofOtherMainchain",
            change(|file| file.anchored.as_mut().unwrap().mainchain_id = 61),
        ),
        (
            "proofOtherContract",
            change(|file| file.anchored.as_mut().unwrap().contract.0[0] ^= 1),
        ),
        // Wrong root, height, block of the checkpoint: it is another one, which nobody accepted.
        (
            "proofNotAccepted",
            change(|file| file.anchored.as_mut().unwrap().checkpoint.state_root.0[0] ^= 1),
        ),
        (
            "proofNotAccepted",
            change(|file| file.anchored.as_mut().unwrap().checkpoint.height += 1),
        ),
        (
            "proofNotAccepted",
            change(|file| file.anchored.as_mut().unwrap().checkpoint.block_hash.0[0] ^= 1),
        ),
        (
            "proofNotAccepted",
            change(|file| {
                file.anchored
                    .as_mut()
                    .unwrap()
                    .span
                    .as_mut()
                    .unwrap()
                    .checkpoint
                    .history_root
                    .0[0] ^= 1
            }),
        ),
        // A header with another height or root than the checkpoint's.
        (
            "proofWrongHeight",
            change(|file| file.proof.trusted.header = file.proof.state.header.clone()),
        ),
        (
            "proofWrongRoot",
            change(|file| {
                let mut forged = header(&file.proof.trusted.header).header;
                forged.state_root.0[0] ^= 1;
                file.proof.trusted.header = alloy_rlp::encode(&forged).into();
            }),
        ),
        (
            "proofOtherBlock",
            change(|file| {
                let mut forged = header(&file.proof.trusted.header).header;
                forged.gas_used ^= 1;
                file.proof.trusted.header = alloy_rlp::encode(&forged).into();
            }),
        ),
        ("proofBytes", change(|file| file.proof.trusted.header = Bytes::new())),
        (
            "proofBytes",
            change(|file| file.proof.trusted.next_set = turned(&file.proof.trusted.next_set, 8)),
        ),
        (
            "proofTooManyHandovers",
            change(|file| {
                let handover = ledger_api::SetHandover {
                    header: Bytes::new(),
                    certificate: Bytes::new(),
                    next_set: Bytes::new(),
                };
                file.proof.handovers = vec![handover; 257];
            }),
        ),
        (
            "proofOrder",
            change(|file| {
                file.proof.handovers = vec![ledger_api::SetHandover {
                    header: file.proof.trusted.header.clone(),
                    certificate: file.proof.state.certificate.clone().unwrap(),
                    next_set: file.proof.trusted.next_set.clone(),
                }];
            }),
        ),
        ("proofNoCertificate", change(|file| file.proof.state.certificate = None)),
        (
            "proofSpanParent",
            change(|file| file.anchored.as_mut().unwrap().span.as_mut().unwrap().parent = None),
        ),
        (
            "proofSpanParent",
            change(|file| {
                let span = file.anchored.as_mut().unwrap().span.as_mut().unwrap();
                span.parent.as_mut().unwrap().height -= 1;
            }),
        ),
        (
            "proofNotInSpan",
            change(|file| file.proof.request.header = file.proof.state.header.clone()),
        ),
        (
            "proofNotInHistory",
            change(|file| {
                let mut forged = header(&file.proof.request.header).header;
                forged.receipts_root.0[0] ^= 1;
                file.proof.request.header = alloy_rlp::encode(&forged).into();
            }),
        ),
        // The receipt of another transaction, proven as it should be, but at another place.
        (
            "proofReceipt",
            change(move |file| {
                file.proof.request.receipt = receipt.receipt.clone();
                file.proof.request.receipt_proof = receipt.receipt_proof.clone();
            }),
        ),
        (
            "proofTransaction",
            change(move |file| {
                file.proof.request.transaction = transaction.transaction.clone();
                file.proof.request.transaction_proof = transaction.transaction_proof.clone();
            }),
        ),
        (
            "proofOtherTransaction",
            change(move |file| {
                let path = file.proof.request.path.clone();
                file.proof.request = other.request.clone();
                file.proof.request.path = path;
            }),
        ),
        ("proofOtherCode", change(|file| file.proof.code_id += U256::ONE)),
        (
            "proofSlots",
            change(|file| file.proof.state.account.storage_proof.swap(0, 1)),
        ),
        (
            "proofSlots",
            change(|file| file.proof.state.account.storage_proof.truncate(4)),
        ),
        (
            "proofRecord",
            change(|file| file.proof.state.account.storage_proof[0].value ^= U256::ONE << 208),
        ),
        (
            "proofRecord",
            change(|file| file.proof.state.account.storage_proof[0].value = U256::ZERO),
        ),
        // That no consent is needed, where it is.
        (
            "proofSpec",
            change(|file| file.proof.state.account.storage_proof[4].value = U256::ZERO),
        ),
        (
            "proofAccount",
            change(|file| file.proof.state.account.storage_hash.0[0] ^= 1),
        ),
    ];
    for (name, change) in table {
        let mut bad = file.clone();
        change(&mut bad);
        let error = scene.judge(&bad).unwrap_err();
        assert_eq!(error.name(), name, "{error}");
        assert!(error.to_string().len() < 400, "{error}");
    }
}

/// Who certifies, and how many of them.
#[tokio::test]
async fn certificates_of_too_few_or_of_others_are_refused() {
    let scene = Scene::new().await;
    let file = scene.anchored(true).await;
    let table: Vec<(IsNamed, Recertify)> = vec![
        (
            |error| matches!(error, CertificateError::NoQuorum { got: 0, quorum: 1, .. }),
            Box::new(|certificate| certificate.signatures.clear()),
        ),
        (
            |error| matches!(error, CertificateError::WrongSet { .. }),
            Box::new(|certificate| certificate.set_id = SetId::new(1)),
        ),
        (
            |error| matches!(error, CertificateError::Signature { .. }),
            Box::new(|certificate| certificate.slot = certificate.slot.next().unwrap()),
        ),
        (
            |error| matches!(error, CertificateError::NoSuchValidator { .. }),
            Box::new(|certificate| certificate.signatures[0].0 = 1),
        ),
        (
            |error| matches!(error, CertificateError::Order { .. }),
            Box::new(|certificate| certificate.signatures = vec![certificate.signatures[0]; 2]),
        ),
    ];
    for (is_named, change) in table {
        let mut bad = file.clone();
        certified(&mut bad, &change);
        let Err(ProofError::Finality {
            part: Part::State,
            fault: FinalityFault::Certificate { error, .. },
        }) = scene.judge(&bad)
        else {
            panic!("a certificate was changed")
        };
        assert!(is_named(&error), "{error}");
    }

    // Another block, made final by a validator who is none.
    let mut forged = file.clone();
    let mut fields = header(&forged.proof.state.header).header;
    fields.state_root.0[0] ^= 1;
    let block = SealedHeader::new(fields);
    forged.proof.state.header = alloy_rlp::encode(&block.header).into();
    let Err(ProofError::Finality {
        fault: FinalityFault::OtherBlock { .. },
        ..
    }) = scene.judge(&forged)
    else {
        panic!("the certificate is of another block")
    };
    certified(&mut forged, |certificate| {
        certificate.hash = block.hash;
        let statement = certificate.statement(scene.world.runtime.genesis_hash());
        certificate.signatures = vec![(0, statement.sign(&dev_keys::validator_key(1)))];
    });
    let Err(ProofError::Finality {
        fault: FinalityFault::Certificate { error, .. },
        ..
    }) = scene.judge(&forged)
    else {
        panic!("it is signed by somebody else")
    };
    assert!(matches!(error, CertificateError::Signature { index: 0, .. }), "{error}");

    // A set of the forger's own, which the trusted block does not name.
    let mut own = file.clone();
    let mut set = ValidatorSet::decode_all(&mut &own.proof.trusted.next_set[..]).unwrap();
    let mut validators: Vec<_> = set.iter().cloned().collect();
    validators[0].consensus_key = ledger_chainspec::ConsensusKey::of(&dev_keys::validator_key(1));
    set = ValidatorSet::new(set.id(), validators).unwrap();
    own.proof.trusted.next_set = set.encode().into();
    let Err(ProofError::Finality {
        part: Part::Trusted,
        fault: FinalityFault::OtherSet { .. },
    }) = scene.judge(&own)
    else {
        panic!("the trusted block names another set")
    };
}

/// The same keys may run two chains: what they sign for one is nothing on the other.
#[tokio::test]
async fn a_proof_of_another_chain_is_refused_even_if_it_says_otherwise() {
    let scene = Scene::new().await;
    let mut file = scene.anchored(true).await;
    let elsewhere = GenesisHash::new(B256::repeat_byte(9));
    let trust = Trust {
        genesis: elsewhere,
        ..scene.trust()
    };
    let judged = verify(&file, &trust, &scene.question());
    assert_eq!(judged.unwrap_err().name(), "proofOtherChain");
    file.proof.genesis_hash = elsewhere.get();
    let Err(ProofError::Finality {
        fault: FinalityFault::Certificate { error, .. },
        ..
    }) = verify(&file, &trust, &scene.question())
    else {
        panic!("it was signed for another chain")
    };
    assert!(matches!(error, CertificateError::Signature { .. }), "{error}");

    let trust = Trust {
        root: Root::Block(BlockHash::new(B256::repeat_byte(9))),
        ..scene.trust()
    };
    let file = scene.anchored(true).await;
    assert_eq!(
        verify(&file, &trust, &scene.question()).unwrap_err().name(),
        "proofOtherBlock"
    );
    let anchor = Anchor {
        mainchain_id: 61,
        ..ANCHOR
    };
    let accepted = vec![ANCHOR.fingerprint(&scene.checkpoints[1])];
    let trust = Trust {
        root: Root::Checkpoint {
            anchor,
            accepted,
            newest_height: None,
        },
        ..scene.trust()
    };
    assert_eq!(
        verify(&file, &trust, &scene.question()).unwrap_err().name(),
        "proofOtherMainchain"
    );
}

#[tokio::test]
async fn a_proof_is_of_the_code_that_was_asked_about() {
    let scene = Scene::new().await;
    let file = scene.anchored(true).await;
    let place = ledger_chainspec::PassportCode::new(ledger_chainspec::BlockNumber::new(scene.height()), 0).unwrap();
    let asked = [
        (Asked::Transaction(B256::repeat_byte(1)), "proofOtherTransaction"),
        (Asked::Passport(place), "proofOtherPlace"),
        (Asked::Code(scene.code + U256::ONE), "proofOtherCode"),
    ];
    for (asked, name) in asked {
        let question = Question {
            asked: Some(asked),
            now: scene.now,
            age_max: HOUR,
        };
        assert_eq!(verify(&file, &scene.trust(), &question).unwrap_err().name(), name);
    }
}
