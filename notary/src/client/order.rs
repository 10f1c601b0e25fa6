//! How is a command sent? Put into an order for one chain and one week at most, and into an envelope that its keys sign.

use ed25519_dalek::{Signer, SigningKey};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    desk::{Order, command::ORDER_SCHEMA},
    dsse::{Envelope, signable},
    records::{Hex32, Network},
    tuf::UnixSeconds,
};

/// How long a command that is sent at once may be on its way.
pub const ORDER_LIFE: u64 = 600;

/// What makes each order another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// 32 bytes that were never used before.
    pub nonce: Hex32,
    /// Above that of every earlier command of the same key.
    pub sequence: u64,
    /// Until when it may be carried out.
    pub expires: UnixSeconds,
}

impl Stamp {
    /// A stamp of this moment: `micros` since 1970 are its sequence, so that orders need no counter that could be lost.
    ///
    /// # Errors
    /// If the operating system has no randomness.
    pub fn now(micros: u64) -> Result<Self, getrandom::Error> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce)?;
        Ok(Self {
            nonce: Hex32(nonce),
            sequence: micros,
            expires: UnixSeconds::new(micros / 1_000_000).plus(ORDER_LIFE),
        })
    }
}

/// The envelope of a command, signed by each of `keys`.
pub fn sealed<C>(network: &Network, stamp: Stamp, command: C, keys: &[SigningKey]) -> Vec<u8>
where
    C: Serialize + DeserializeOwned,
{
    let order = Order {
        schema: ORDER_SCHEMA.to_owned(),
        network_id: network.network_id.clone(),
        chain_id: network.chain_id,
        nonce: stamp.nonce,
        expires: stamp.expires,
        sequence: stamp.sequence,
        command,
    };
    let payload = order.payload();
    let message = signable(&payload);
    let sign = |key: &SigningKey| (Hex32(key.verifying_key().to_bytes()), key.sign(&message).to_bytes());
    Envelope::new(payload, keys.iter().map(sign).collect()).to_bytes()
}
