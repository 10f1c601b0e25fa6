//! `ledger_codeProof` of a real chain, judged by the verifier that clouds use.

mod forged;
mod refused;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use ledger_api::CodeProof;
use ledger_chainspec::{BlockHash, BlockNumber, predeploys::BOOTSTRAP};
use ledger_checkpoint::{
    proof::{Anchored, Asked, ProofError, ProofFile, ProvenCode, Question, Root, Span, Trust, mainchain, verify},
    statement::{Anchor, Checkpoint, fields_of, set_hash},
};
use ledger_contracts::{Bootstrap, CodeId, Transact, history::history_root};
use ledger_runtime::BlockRef;
use serde_json::{Value, json};

use crate::{
    codes::request,
    world::{Person, World},
};

const SMALL: u32 = 1;

/// What nobody asks about here: proofs of tests are young enough.
const HOUR: u64 = 3_600;

const ANCHOR: Anchor = Anchor {
    mainchain_id: 63,
    contract: Address::repeat_byte(0xcc),
};

/// A chain with a code in a block of several transactions, between two checkpoints.
struct Scene {
    world: World,
    /// The request, the code, and when the code was proven to be good.
    hash: B256,
    code: U256,
    now: u64,
    /// Two checkpoints: of a block before the code's, and of a later one. Blocks follow.
    checkpoints: [Checkpoint; 2],
}

impl Scene {
    async fn new() -> Self {
        let world = World::start().await;
        world.offer(SMALL, 20).await;
        let first = checkpoint(&world, None);
        // In one block with the requests of others, so that the tries have branches.
        let call = Transact::requestCodeCall { specId: SMALL }.abi_encode();
        let mut hashes = Vec::new();
        for number in 20..38 {
            let transaction = Person::number(number).call(0, ledger_chainspec::predeploys::TRANSACT, call.clone());
            hashes.push(world.send(&transaction).await);
        }
        assert_eq!(world.mine(), []);
        let hash = hashes[9];
        let found = world.runtime.transaction(&hash).unwrap().unwrap();
        let code = ledger_runtime::Runtime::issued_code(&found.receipt).unwrap();
        request(&world, &Person::number(40)).await;
        let second = checkpoint(&world, Some(&first));
        request(&world, &Person::number(41)).await;
        let now = world.runtime.head().header.header.timestamp;
        Self {
            world,
            hash,
            code,
            now,
            checkpoints: [first, second],
        }
    }

    /// The block of the code's request.
    fn height(&self) -> u64 {
        let found = self.world.runtime.transaction(&self.hash).unwrap().unwrap();
        found.location.block.get()
    }

    async fn proof(&self, request: Value) -> CodeProof {
        self.world.ask("ledger_codeProof", json!([self.hash, request])).await
    }

    /// From the second checkpoint, which spans the request's block, to the newest state, or to the checkpoint's own.
    async fn anchored(&self, is_newest: bool) -> ProofFile {
        let [first, second] = &self.checkpoints;
        let (after, height) = (format!("{:#x}", first.height), format!("{:#x}", second.height));
        let mut request = json!({ "trustedBlock": height, "span": { "after": after, "upTo": height } });
        if !is_newest {
            request["stateBlock"] = json!(height);
        }
        let anchored = Anchored {
            mainchain_id: ANCHOR.mainchain_id,
            contract: ANCHOR.contract,
            checkpoint: fields_of(second),
            span: Some(Span {
                checkpoint: fields_of(second),
                parent: Some(fields_of(first)),
            }),
        };
        ProofFile::new(self.proof(request).await, Some(anchored))
    }

    fn trust(&self) -> Trust {
        Trust {
            genesis: self.world.runtime.genesis_hash(),
            root: Root::Checkpoint {
                anchor: ANCHOR,
                accepted: self
                    .checkpoints
                    .iter()
                    .map(|checkpoint| ANCHOR.fingerprint(checkpoint))
                    .collect(),
                newest_height: Some(self.checkpoints[1].height),
            },
        }
    }

    fn question(&self) -> Question {
        Question {
            asked: Some(Asked::Transaction(self.hash)),
            now: self.now,
            age_max: HOUR,
        }
    }

    fn judge(&self, file: &ProofFile) -> Result<ProvenCode, ProofError> {
        verify(file, &self.trust(), &self.question())
    }
}

/// The checkpoint of the newest block, which follows `parent`.
fn checkpoint(world: &World, parent: Option<&Checkpoint>) -> Checkpoint {
    let (runtime, head) = (&world.runtime, world.runtime.head());
    let below = parent.map_or(0, |parent| parent.height);
    let height = head.number().get();
    let hash = |number| {
        let header = runtime
            .header(BlockRef::Number(BlockNumber::new(number)))
            .unwrap()
            .unwrap();
        header.hash.get()
    };
    let hashes: Vec<_> = (below + 1..=height).map(hash).collect();
    let keys: Vec<_> = head.set.iter().map(|validator| validator.checkpoint_key).collect();
    Checkpoint {
        index: parent.map_or(1, |parent| parent.index + 1),
        epoch: 0,
        setId: 0,
        height,
        blockHash: head.header.hash.get(),
        stateRoot: head.header.header.state_root,
        historyRoot: history_root(&hashes).unwrap(),
        parent: parent.map_or(runtime.genesis_hash().get(), |parent| ANCHOR.fingerprint(parent)),
        nextSetHash: set_hash(0, &keys),
    }
}

#[tokio::test]
async fn a_code_is_proven_from_genesis_by_every_form_of_its_id() {
    let scene = Scene::new().await;
    let genesis = scene.world.runtime.genesis_hash();
    let trust = Trust {
        genesis,
        root: Root::Block(BlockHash::new(genesis.get())),
    };
    let info: Value = scene.world.ask("ledger_code", json!([scene.hash])).await;
    let id = CodeId::from_word(scene.code).unwrap();
    let forms = [
        scene.hash.to_string(),
        info["passportCode"].as_str().unwrap().to_lowercase(),
        id.to_string(),
        format!("{:#x}", scene.code),
    ];
    let mut proven = Vec::new();
    for form in &forms {
        let proof: CodeProof = scene.world.ask("ledger_codeProof", json!([form])).await;
        let question = Question {
            asked: Some(form.parse().unwrap()),
            ..scene.question()
        };
        proven.push(verify(&ProofFile::new(proof, None), &trust, &question).unwrap());
    }
    let first = proven.first().unwrap();
    assert!(proven.iter().all(|other| other == first), "{proven:?}");
    let head = scene.world.runtime.head();
    assert_eq!(
        (first.as_of.number, first.as_of.hash),
        (head.number().get(), head.header.hash.get())
    );
    assert_eq!((first.trusted.number, first.issued.number), (0, scene.height()));
    assert_eq!(json!(first.holder), info["holder"]);
    assert_eq!(
        json!(first.spec),
        info["spec"],
        "the spec's words lie where the contract has them"
    );
    assert_eq!(json!(format!("{:#x}", first.expires_at)), info["expiresAt"]);
    assert_eq!(json!(first.passport_code), info["passportCode"]);
}

/// The only validator proposes, votes and executes.
async fn order_recovery(world: &World) {
    let account = world.runtime.head().set.get(0).unwrap().account;
    let validator = (0..10)
        .map(Person::number)
        .find(|one| one.address() == account)
        .unwrap();
    let proposal = U256::from(1);
    let calls = [
        Bootstrap::proposeRecoveryCall { checkpointNumber: 1 }.abi_encode(),
        Bootstrap::voteCall {
            proposalId: proposal,
            support: true,
            tuple: Default::default(),
        }
        .abi_encode(),
        Bootstrap::executeCall { proposalId: proposal }.abi_encode(),
    ];
    for call in calls {
        let transaction = validator.call(world.nonce(&validator), BOOTSTRAP, call);
        world.send(&transaction).await;
        assert_eq!(world.mine(), []);
    }
    assert!(world.runtime.head().recovery.is_some());
}

#[tokio::test]
async fn a_request_that_a_recovery_undid_proves_nothing_although_its_number_is_given_again() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let before = scene.proof(json!({})).await;
    order_recovery(world).await;
    world.recover(scene.checkpoints[0].height);
    let refused = world.refused("ledger_codeProof", json!([scene.hash, {}])).await;
    assert!(refused.message().contains("left behind"), "{refused:?}");
    // Other people get the numbers from the first one on.
    let mut others = 60..80;
    while world.runtime.promo_code(&scene.code).unwrap().is_none() {
        request(world, &Person::number(others.next().unwrap())).await;
    }
    let again: CodeProof = world.ask("ledger_codeProof", json!([scene.code, {}])).await;
    let genesis = world.runtime.genesis_hash();
    let trust = Trust {
        genesis,
        root: Root::Block(BlockHash::new(genesis.get())),
    };
    let question = |asked| Question {
        asked: Some(asked),
        now: world.runtime.head().header.header.timestamp,
        ..scene.question()
    };
    let of_number = question(Asked::Code(scene.code));
    assert!(verify(&ProofFile::new(again.clone(), None), &trust, &of_number).is_ok());
    // The old request beside the new state.
    let mixed = CodeProof {
        request: before.request,
        ..again
    };
    let error = verify(
        &ProofFile::new(mixed, None),
        &trust,
        &question(Asked::Transaction(scene.hash)),
    )
    .unwrap_err();
    assert!(matches!(error, ProofError::LeftBehind { .. }), "{error}");
    assert!(error.is_about_the_code());
}

/// The same words are read of every spec that there is: with and without reward and consent.
#[tokio::test]
async fn every_spec_is_read_from_its_storage_as_the_contract_has_it() {
    let scene = Scene::new().await;
    let genesis = scene.world.runtime.genesis_hash();
    let trust = Trust {
        genesis,
        root: Root::Block(BlockHash::new(genesis.get())),
    };
    let specs: Vec<Value> = scene.world.ask("ledger_specs", json!([])).await;
    for spec in 1..=3_u32 {
        scene.world.offer(spec, 30).await;
        let hash = scene
            .world
            .does(&Person::number(50 + spec), &Transact::requestCodeCall { specId: spec })
            .await;
        let proof: CodeProof = scene.world.ask("ledger_codeProof", json!([hash])).await;
        let question = Question {
            asked: Some(Asked::Transaction(hash)),
            ..scene.question()
        };
        let proven = verify(&ProofFile::new(proof, None), &trust, &question).unwrap();
        assert_eq!(json!(proven.spec), specs[spec as usize - 1]);
    }
}

#[tokio::test]
async fn a_checkpoint_leads_to_the_newest_state_and_to_a_request_before_it() {
    let scene = Scene::new().await;
    let file = scene.anchored(true).await;
    let newest = scene.judge(&file).unwrap();
    assert_eq!(newest.trusted.number, scene.checkpoints[1].height);
    assert_eq!(newest.as_of.number, scene.checkpoints[1].height + 1);
    assert!(newest.issued.number < newest.trusted.number);
    assert!(file.proof.state.certificate.is_some() && file.proof.request.path.is_some());

    let at = scene.anchored(false).await;
    assert_eq!(at.proof.state.certificate, None);
    let then = scene.judge(&at).unwrap();
    assert_eq!(then.as_of, then.trusted);
    assert_eq!((then.holder, then.expires_at), (newest.holder, newest.expires_at));

    // A code of a block after the checkpoint needs no span.
    let early = json!({ "trustedBlock": format!("{:#x}", scene.checkpoints[0].height) });
    let anchored = Anchored {
        checkpoint: fields_of(&scene.checkpoints[0]),
        span: None,
        ..file.anchored.clone().unwrap()
    };
    let early = ProofFile::new(scene.proof(early).await, Some(anchored));
    assert_eq!(scene.judge(&early).unwrap().as_of, newest.as_of);
    // Nor does one before it, if the validators are the same: their certificate says enough.
    let mut without = file.clone();
    without.anchored.as_mut().unwrap().span = None;
    assert_eq!(scene.judge(&without).unwrap(), newest);
}

#[tokio::test]
async fn a_proof_is_written_and_read_again_as_it_was() {
    let scene = Scene::new().await;
    let file = scene.anchored(true).await;
    let text = file.to_text();
    assert_eq!(ProofFile::parse(text.as_bytes()).unwrap(), file);
    let other = text.replace("code-proof/1", "code-proof/2");
    let Err(ProofError::Malformed { reason }) = ProofFile::parse(other.as_bytes()) else {
        panic!("it is of another kind")
    };
    assert!(reason.contains("cloud-ledger-code-proof/2"), "{reason}");
    for cut in [0, 1, text.len() / 2, text.len() - 3] {
        let error = ProofFile::parse(&text.as_bytes()[..cut]).unwrap_err();
        assert_eq!(error.name(), "proofMalformed");
    }
    let long = vec![b' '; ledger_checkpoint::proof::PROOF_BYTES_MAX + 1];
    assert_eq!(ProofFile::parse(&long).unwrap_err().name(), "proofTooLong");
}

#[tokio::test]
async fn only_the_state_of_a_checkpoint_is_for_the_mainchain() {
    let scene = Scene::new().await;
    let (at, newest) = (scene.anchored(false).await, scene.anchored(true).await);
    assert!(mainchain::verify_code_call(&at).unwrap().len() > 4 + 9 * 32);
    assert!(mainchain::verify_block_call(&newest).unwrap().is_some());
    assert_eq!(
        mainchain::verify_code_call(&newest).unwrap_err().name(),
        "proofNotAtCheckpoint"
    );
    let plain = ProofFile::new(at.proof, None);
    assert_eq!(
        mainchain::verify_code_call(&plain).unwrap_err(),
        ProofError::NoCheckpoint
    );
}

/// Proofs that were saved by this version stay proofs: the seeds of the fuzz target were saved from a scene like this one.
#[tokio::test]
async fn saved_proofs_of_version_1_are_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus-seed/code_proof");
    let scene = Scene::new().await;
    for (name, root) in [
        ("checkpoint", None),
        ("genesis", Some(scene.world.runtime.genesis_hash())),
    ] {
        let file = ProofFile::parse(&std::fs::read(folder.join(name)).unwrap()).unwrap();
        let accepted = file.anchored.iter().flat_map(Anchored::checkpoints);
        let trust = Trust {
            genesis: scene.world.runtime.genesis_hash(),
            root: match root {
                None => Root::Checkpoint {
                    anchor: ANCHOR,
                    accepted: accepted.map(|checkpoint| ANCHOR.fingerprint(&checkpoint)).collect(),
                    newest_height: None,
                },
                Some(genesis) => Root::Block(BlockHash::new(genesis.get())),
            },
        };
        let question = Question {
            asked: None,
            now: 0,
            age_max: HOUR,
        };
        let proven = verify(&file, &trust, &question).unwrap();
        assert_eq!(
            (proven.spec.name.as_str(), proven.spec.requires_authorization),
            ("small", true)
        );
    }
}
