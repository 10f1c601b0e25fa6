//! Does a changed proof of a promo code ever prove something?
//!
//! The seeds are proofs of a real node's dev chain; what they begin with is what is trusted here. A test of the node holds that they are
//! good, so that files of this version can always be read.

use std::sync::LazyLock;

use alloy_primitives::B256;
use ledger_chainspec::{BlockHash, GenesisHash};
use ledger_checkpoint::proof::{ProofError, ProofFile, ProvenCode, Question, Root, Trust, mainchain, verify};

use crate::Target;

/// The targets of this page.
pub const TARGETS: &[Target] = &[Target::lists("code_proof", code_proof, 96 << 10)];

/// A real proof that begins with a checkpoint, which spans the request.
const CHECKPOINT: &[u8] = include_bytes!("../../corpus-seed/code_proof/checkpoint");

/// A real proof of the same chain that begins with genesis.
const GENESIS: &[u8] = include_bytes!("../../corpus-seed/code_proof/genesis");

/// A proof with what is trusted, and what it proves.
struct Known {
    trust: Trust,
    proven: ProvenCode,
}

static KNOWN: LazyLock<[Known; 2]> = LazyLock::new(|| [known(CHECKPOINT), known(GENESIS)]);

fn question() -> Question {
    Question {
        asked: None,
        now: 0,
        age_max: u64::MAX,
    }
}

fn known(seed: &[u8]) -> Known {
    let file = ProofFile::parse(seed).expect("the seed is a proof");
    let genesis = file.proof.genesis_hash;
    let root = match &file.anchored {
        None => Root::Block(BlockHash::new(genesis)),
        Some(anchored) => Root::Checkpoint {
            anchor: anchored.anchor(),
            accepted: fingerprints(&file),
            newest_height: None,
        },
    };
    let trust = Trust {
        genesis: GenesisHash::new(genesis),
        root,
    };
    let proven = verify(&file, &trust, &question()).expect("the seed is a good proof");
    Known { trust, proven }
}

fn fingerprints(file: &ProofFile) -> Vec<B256> {
    let anchored = file.anchored.as_ref().expect("it begins with a checkpoint");
    let anchor = anchored.anchor();
    anchored
        .checkpoints()
        .map(|checkpoint| anchor.fingerprint(&checkpoint))
        .collect()
}

/// A proof file: what passes proves what the seed proves.
pub fn code_proof(bytes: &[u8]) {
    let file = match ProofFile::parse(bytes) {
        Ok(file) => file,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert_eq!(
        ProofFile::parse(file.to_text().as_bytes()),
        Ok(file.clone()),
        "a second form"
    );
    for known in KNOWN.iter() {
        match verify(&file, &known.trust, &question()) {
            Ok(proven) => assert_eq!(proven, known.proven, "nobody signed this"),
            Err(error) => assert!(!error.to_string().is_empty() && !error.name().is_empty()),
        }
    }
    for call in [
        mainchain::verify_code_call(&file).map(Some),
        mainchain::verify_block_call(&file),
    ] {
        if let Err(error) = call {
            assert!(matches!(
                error,
                ProofError::NoCheckpoint | ProofError::NotAtCheckpoint { .. } | ProofError::Bytes { .. }
            ));
        }
    }
}
