//! Getting the proof of a promo code from a node that is not believed, and keeping it.

use std::{
    fs::OpenOptions,
    io::{self, Write},
};

use alloy_primitives::Address;
use ledger_api::{BlockSpan, CodeProofRequest};
use ledger_chainspec::{BlockHash, GenesisHash};
use ledger_checkpoint::{
    lookup::{Found, Lookup},
    mainchain::{MainchainError, Nodes},
    proof::{Anchored, Asked, ProofFile, Question, Root, Span, Trust, mainchain, verify},
    statement::fields_of,
};

use super::Context;
use crate::{
    args::{ProofArgs, TrustArgs},
    error::CliError,
    output::{self, Report, proof::AnchoredWhere},
    time::now,
};

/// A proof, and what it is judged by.
pub(super) struct Obtained {
    pub(super) file: ProofFile,
    pub(super) trust: Trust,
    /// Where the checkpoint is that it begins with, if it begins with one.
    pub(super) anchored: Option<AnchoredWhere>,
}

/// Saves a proof, once it is clear that it is one.
pub(super) async fn save(context: &Context<'_>, args: &ProofArgs) -> Result<Report, CliError> {
    let asked = asked(&args.id)?;
    let Obtained { file, mut trust, .. } = obtain(context, &args.id, &args.trust, args.at_checkpoint).await?;
    if let Root::Checkpoint { newest_height, .. } = &mut trust.root {
        *newest_height = None; // That the state is of now is for whoever reads the proof to ask.
    }
    let question = Question {
        asked: Some(asked),
        now: now(),
        age_max: u64::MAX,
    };
    match verify(&file, &trust, &question) {
        Ok(_) => {}
        // That a code is not good can be proven, too.
        Err(error) if error.is_about_the_code() => {}
        Err(error) => return Err(error.into()),
    }
    if args.calldata {
        let calls = output::proof::Calls {
            verify_code: mainchain::verify_code_call(&file)?,
            verify_block: mainchain::verify_block_call(&file)?,
        };
        return Ok(output::proof::calls(&calls));
    }
    let Some(path) = &args.out else {
        return Ok(Report::new(file.to_text(), &file));
    };
    let written = OpenOptions::new().write(true).create_new(true).open(path);
    let written = written.and_then(|mut out| out.write_all(file.to_text().as_bytes()).and_then(|()| out.sync_all()));
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => CliError::FileExists { path: path.clone() },
        _ => CliError::Io {
            what: path.display().to_string(),
            source,
        },
    })?;
    Ok(output::proof::saved(path, &file))
}

/// The code that a text names, in any of its forms.
///
/// # Errors
/// [`CliError::CodeText`]
pub(super) fn asked(text: &str) -> Result<Asked, CliError> {
    text.parse()
        .map_err(|error: ledger_chainspec::CodeError| CliError::CodeText {
            text: text.to_owned(),
            reason: error.to_string(),
        })
}

/// The mainchain's nodes that are to be asked, and the contract; none if no node was named.
pub(super) fn mainchain_nodes(args: &TrustArgs) -> Result<Option<(Nodes, Address)>, CliError> {
    match (args.mainchain.as_slice(), args.contract) {
        ([], _) => Ok(None),
        (_, None) => Err(CliError::Trust(
            "the checkpoint contract is not known: --contract ADDRESS",
        )),
        (urls, Some(contract)) => Ok(Some((Nodes::new(urls, contract).map_err(unanswered)?, contract))),
    }
}

/// That the mainchain does not answer, as this command's failure.
pub(super) fn unanswered(error: MainchainError) -> CliError {
    CliError::Lookup(error.into())
}

/// Gets a proof from the node, from what is trusted to the newest state, or to the checkpoint's.
pub(super) async fn obtain(
    context: &Context<'_>,
    id: &str,
    args: &TrustArgs,
    at_checkpoint: bool,
) -> Result<Obtained, CliError> {
    if let Some((nodes, contract)) = mainchain_nodes(args)? {
        let anchors = Lookup::look(&nodes, contract).await.map_err(unanswered)?;
        let height = context.node.block_of_code(id).await?;
        let found = anchors.find(args.confirmations, height).await?;
        return from_checkpoint(context, id, (&anchors, found), at_checkpoint).await;
    }
    let block = args.trusted_block.ok_or(CliError::Trust(
        "a proof has to begin with something that you trust, and nothing was named",
    ))?;
    let request = CodeProofRequest {
        trusted_block: Some(context.node.number_of_block(block).await?),
        ..CodeProofRequest::default()
    };
    let proof = context.node.code_proof(id, request).await?;
    Ok(Obtained {
        file: ProofFile::new(proof, None),
        trust: Trust {
            genesis: GenesisHash::new(args.genesis.unwrap_or(block)),
            root: Root::Block(BlockHash::new(block)),
        },
        anchored: None,
    })
}

async fn from_checkpoint(
    context: &Context<'_>,
    id: &str,
    (anchors, found): (&Lookup<'_>, Found),
    at_checkpoint: bool,
) -> Result<Obtained, CliError> {
    let checkpoint = found.trusted.checkpoint;
    let span = found.span.as_ref().map(|(last, parent)| BlockSpan {
        after: parent.as_ref().map_or(0, |parent| parent.height),
        up_to: last.height,
    });
    let request = CodeProofRequest {
        trusted_block: Some(checkpoint.height),
        state_block: at_checkpoint.then_some(checkpoint.height),
        span,
    };
    let proof = context.node.code_proof(id, request).await?;
    let anchored = Anchored {
        mainchain_id: anchors.anchor.mainchain_id,
        contract: anchors.anchor.contract,
        checkpoint: fields_of(&checkpoint),
        span: found.span.map(|(last, parent)| Span {
            checkpoint: fields_of(&last),
            parent: parent.as_ref().map(fields_of),
        }),
    };
    let accepted = anchors.accepted(anchored.checkpoints()).await.map_err(unanswered)?;
    let block = found.trusted.block.number;
    Ok(Obtained {
        file: ProofFile::new(proof, Some(anchored)),
        trust: Trust {
            genesis: GenesisHash::new(anchors.genesis),
            root: Root::Checkpoint {
                anchor: anchors.anchor,
                accepted,
                newest_height: Some(anchors.newest_height),
            },
        },
        anchored: Some(AnchoredWhere {
            index: checkpoint.index,
            mainchain_block: Some(block.get()),
            timestamp: anchors.time(block).await.map_err(unanswered)?,
            confirmations: Some(anchors.head.number.since(block)),
        }),
    })
}
