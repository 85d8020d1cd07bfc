//! Sealer: what makes a secret unreadable for whoever has the database, and readable again.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use lifecycle_core::TenantKey;
use zeroize::Zeroizing;

/// Seals secrets. [`Keyring`](crate::Keyring) does it in this process; implement it to have a key management service
/// do it. Asynchronous for that reason.
#[async_trait]
pub trait Sealer: Send + Sync + 'static {
    /// Seals a secret for one place only: [`open`](Self::open) must fail with any other context.
    async fn seal(&self, secret: &[u8], context: SealContext<'_>) -> Result<Vec<u8>, SealError>;

    /// Opens what was sealed for this place.
    async fn open(&self, sealed: &[u8], context: SealContext<'_>) -> Result<TenantSecret, SealError>;

    /// Whether [`seal`](Self::seal) would use the same key today.
    fn is_current(&self, sealed: &[u8]) -> bool;
}

/// Where a secret belongs. A sealed secret that was copied to another tenant or name must not open there.
#[derive(Clone, Copy, Debug)]
pub struct SealContext<'a> {
    /// Whose it is.
    pub tenant: &'a TenantKey,
    /// What it is called.
    pub name: &'a str,
}

impl SealContext<'_> {
    /// The context as associated data of an AEAD: platform, app, tenant and name, each after its length in 8 bytes,
    /// most significant first.
    pub fn associated_data(&self) -> Vec<u8> {
        let TenantKey { platform, app, tenant, .. } = self.tenant;
        let mut data = Vec::new();
        for part in [platform, app, tenant, self.name] {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part.as_bytes());
        }
        data
    }
}

/// A secret of a tenant, in the open. `Debug` does not show it, and it is wiped from memory when it is dropped.
#[derive(Clone, Eq, PartialEq)]
pub struct TenantSecret(Zeroizing<Vec<u8>>);

impl TenantSecret {
    /// For sealers.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret itself.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret as text; `None` when it is not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for TenantSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantSecret(redacted)")
    }
}

/// Why a secret could not be sealed or opened. It never holds a secret or a key.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The bytes were altered, or moved here from another tenant or name, or their key is another one of the same id.
    #[error(
        "the sealed secret does not open: it is altered or misplaced, or its key is not the one of that id"
    )]
    DoesNotOpen,
    /// The bytes have not the form that this sealer gives them.
    #[error("these are no bytes that this sealer made")]
    Malformed,
    /// Whoever seals cannot do it now.
    #[error("the sealer is not available")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Add the key of this id, which was the sealing one once.
    #[error("sealed with the key `{0}`, which is not among the given ones")]
    UnknownKey(String),
}

impl fmt::Debug for SealError {
    /// Without the source, of which nobody knows what its `Debug` shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealError({:?})", self.to_string())
    }
}
