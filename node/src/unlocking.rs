//! With which keys does this node sign, and what has each of them signed before?
//!
//! Called by the assembly while the node starts. Deriving a key from a password takes a while, and so does what is on disk: all of it
//! happens off the async threads.

use std::sync::Arc;

use ledger_chainspec::{Slot, dev_keys};
use ledger_consensus::{GuardRecord, GuardStart};
use ledger_runtime::{Head, Runtime};
use parity_scale_codec::Encode;
use tracing::{info, warn};

use crate::{
    assembly::blocking,
    checkpoints::OwnKey,
    config::{CheckpointKeySource, KeySource, NodeConfig, ValidatorConfig},
    driver::{self, Signing, guard_start},
    error::NodeError,
    keys::consensus,
    signer::{ConsensusSigner, GuardStore},
    telemetry::banner,
    wiring::{Admission, Checkpoints, Roles, schedule_of},
};

/// The account of the test mnemonic whose key signs the checkpoints of the dev chain: the first that is not funded.
const DEV_CHECKPOINT_KEY: u32 = 10;

const _: () = assert!(DEV_CHECKPOINT_KEY as usize == dev_keys::DEV_ACCOUNTS_FUNDED);

/// Unlocks the validator's key and finds out what it has signed; `None` to make no blocks.
pub(crate) async fn open_signing(
    config: &NodeConfig,
    runtime: &Runtime,
    head: &Head,
) -> Result<Option<Signing>, NodeError> {
    let Some(ValidatorConfig { key, lost_guard }) = config.validator.clone() else {
        info!(target: "ledger::node", "no validator key: this node follows the chain and makes no blocks");
        return Ok(None);
    };
    let signer = Arc::new(ConsensusSigner::new(blocking(move || read_key(&key)).await??));
    let key = signer.public().to_string();
    if head.set.index_of(&signer.public()).is_none() {
        if config.network.is_none() {
            return Err(NodeError::NotAValidator { key });
        }
        warn!(target: "ledger::node", %key, "this key is no validator's yet: the node follows the chain until it is admitted");
    }
    let folder = config.paths.guard.clone();
    let genesis = runtime.genesis_hash().get();
    let (mut store, found) = blocking(move || GuardStore::open(&folder, genesis)).await??;
    let start = guard_start(found.as_deref(), head, lost_guard)?;
    if matches!(start, GuardStart::Fresh) {
        // From here on there is a record: a crash before the first signature must not look like a lost one.
        let fresh = GuardRecord::fresh(runtime.genesis_hash(), signer.public()).encode();
        store = blocking(move || store.store(&fresh).map(|()| store)).await??;
    }
    Ok(Some(Signing { signer, store, start }))
}

/// What this node does beside following the chain, with the keys for it.
pub(crate) async fn open_roles(
    config: &NodeConfig,
    runtime: &Runtime,
    signing: Option<&Signing>,
) -> Result<Roles, NodeError> {
    Ok(Roles {
        signer: signing.map(|signing| Arc::clone(&signing.signer)),
        admission: open_admission(config).await?,
        checkpoints: Some(open_checkpoints(config, runtime).await?),
    })
}

/// Unlocks the key of the account that votes on admissions, if there is one.
async fn open_admission(config: &NodeConfig) -> Result<Option<Admission>, NodeError> {
    let Some(admission) = config.admission.clone() else {
        return Ok(None);
    };
    let account = match admission.account.clone() {
        Some(source) => Some(blocking(move || source.read()).await??),
        None => None,
    };
    Ok(Some((admission, account)))
}

/// Unlocks the key that signs checkpoints, if there is one, and finds out what it has signed.
async fn open_checkpoints(config: &NodeConfig, runtime: &Runtime) -> Result<Checkpoints, NodeError> {
    let folder = config.paths.checkpoints.clone();
    let Some(source) = config.checkpoint_key.clone() else {
        return Ok(Checkpoints { folder, own: None });
    };
    let (guard, genesis) = (config.paths.guard.clone(), runtime.genesis_hash().get());
    let slot_duration_ms = runtime.spec().consensus.slot_duration_ms;
    let answer = config
        .validator
        .as_ref()
        .map(|validator| validator.lost_guard)
        .unwrap_or_default();
    let may_have_signed = !answer.accept_lost && !answer.is_fresh;
    let own = blocking(move || {
        let signer = match source {
            CheckpointKeySource::PublicDevelopmentKey => banner::signer_of(dev_keys::DEV_MNEMONIC, DEV_CHECKPOINT_KEY)?,
            CheckpointKeySource::File(source) => source.read()?,
        };
        let since = match may_have_signed {
            true => schedule_of(slot_duration_ms).slot_at(driver::now()),
            false => Slot::new(0),
        };
        Ok::<_, NodeError>(OwnKey::open(signer, &guard, genesis, since)?)
    });
    Ok(Checkpoints {
        folder,
        own: Some(own.await??),
    })
}

fn read_key(source: &KeySource) -> Result<ed25519_dalek::SigningKey, NodeError> {
    match source {
        KeySource::PublicDevelopmentKey => Ok(dev_keys::validator_key(0)),
        KeySource::File { path, password_file } => Ok(consensus::unlock(path, password_file.as_deref())?),
    }
}
