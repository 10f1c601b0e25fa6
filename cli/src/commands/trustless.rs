//! Judging the proof of a promo code, believing the mainchain or one block, and no node of the ledger.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use ledger_chainspec::{BlockHash, GenesisHash};
use ledger_checkpoint::{
    lookup::Lookup,
    proof::{self, Anchored, PROOF_BYTES_MAX, ProofError, ProofFile, Question, Root, Trust},
};

use super::{
    Context,
    proof::{Obtained, asked, mainchain_nodes, obtain, unanswered},
};
use crate::{
    args::VerifyArgs,
    error::CliError,
    output::{self, Report, proof::AnchoredWhere},
    time::now,
};

pub(super) async fn verify(context: &Context<'_>, args: &VerifyArgs) -> Result<Report, CliError> {
    let code = args.id.as_deref().map(asked).transpose()?;
    let obtained = match (&args.proof, &args.id) {
        (Some(path), _) => kept(path, args).await?,
        (None, Some(id)) => obtain(context, id.trim(), &args.trust, false).await?,
        (None, None) => return Err(CliError::Trust("a promo code is needed, or --proof FILE")),
    };
    let question = Question {
        asked: code,
        now: now(),
        age_max: args.max_age.seconds().into(),
    };
    let proven = proof::verify(&obtained.file, &obtained.trust, &question)?;
    Ok(output::proof::proven(&proven, obtained.anchored.as_ref(), question.now))
}

/// A saved proof, and what is trusted of it.
async fn kept(path: &Path, args: &VerifyArgs) -> Result<Obtained, CliError> {
    let file = ProofFile::parse(&read(path)?)?;
    if let Some((nodes, contract)) = mainchain_nodes(&args.trust)? {
        let anchored = file.anchored.as_ref().ok_or(ProofError::NoCheckpoint)?;
        let anchors = Lookup::look(&nodes, contract).await.map_err(unanswered)?;
        let trust = Trust {
            genesis: GenesisHash::new(anchors.genesis),
            root: Root::Checkpoint {
                anchor: anchors.anchor,
                accepted: anchors.accepted(anchored.checkpoints()).await.map_err(unanswered)?,
                newest_height: Some(anchors.newest_height),
            },
        };
        let anchored = anchored_where(&anchors, anchored, args.trust.confirmations).await?;
        return Ok(Obtained {
            file,
            trust,
            anchored: Some(anchored),
        });
    }
    let trust = offline(&file, args)?;
    let anchored = file.anchored.as_ref().map(|anchored| AnchoredWhere {
        index: anchored.checkpoint.index,
        mainchain_block: None,
        timestamp: None,
        confirmations: None,
    });
    Ok(Obtained { file, trust, anchored })
}

/// What is trusted without asking anybody.
fn offline(file: &ProofFile, args: &VerifyArgs) -> Result<Trust, CliError> {
    match (args.trust.trusted_block, args.trust.genesis) {
        (Some(block), given) => Ok(Trust {
            genesis: GenesisHash::new(given.unwrap_or(block)),
            root: Root::Block(BlockHash::new(block)),
        }),
        (None, Some(given)) if !args.checkpoint.is_empty() => {
            let anchored = file.anchored.as_ref().ok_or(ProofError::NoCheckpoint)?;
            Ok(Trust {
                genesis: GenesisHash::new(given),
                root: Root::Checkpoint {
                    // A fingerprint is made with chain id and contract: no other ones give the trusted one.
                    anchor: anchored.anchor(),
                    accepted: args.checkpoint.clone(),
                    newest_height: None,
                },
            })
        }
        (None, _) => Err(CliError::Trust(
            "a proof has to begin with something that you trust, and nothing was named",
        )),
    }
}

/// When the proof's checkpoint was accepted, which has to be long enough ago.
async fn anchored_where(
    anchors: &Lookup<'_>,
    anchored: &Anchored,
    confirmations: u64,
) -> Result<AnchoredWhere, CliError> {
    let index = anchored.checkpoint.index;
    let made = anchors.when(index).await.map_err(unanswered)?;
    let got = made.map(|(block, _)| anchors.head.number.since(block));
    // If it is longer ago than is looked back, it is deep enough for all who ask.
    if let Some(got) = got.filter(|got| *got < confirmations) {
        return Err(CliError::Unconfirmed {
            index,
            got,
            wanted: confirmations,
        });
    }
    Ok(AnchoredWhere {
        index,
        mainchain_block: made.map(|(block, _)| block.get()),
        timestamp: made.and_then(|(_, time)| time),
        confirmations: got,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let bytes = if path == Path::new("-") {
        bounded(io::stdin())
    } else {
        File::open(path).and_then(bounded)
    };
    bytes.map_err(|source| CliError::Io {
        what: path.display().to_string(),
        source,
    })
}

fn bounded(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more, so that what is too long is known to be.
    source.take(PROOF_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
