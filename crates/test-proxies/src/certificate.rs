//! Certificate: who the proxies are, and clients that believe it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::Failure;

/// The name of the site in all settings of the guide.
pub(crate) const NAME: &str = "app.example";

/// A certificate that signs itself, made for this run.
#[derive(Debug)]
pub(crate) struct Certificate {
    pem: String,
    key: String,
    der: CertificateDer<'static>,
}

impl Certificate {
    pub(crate) fn new() -> Result<Self, Failure> {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
        let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        Ok(Self { pem, key, der: made.cert.der().clone() })
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<(), Failure> {
        fs::write(folder.join("certificate.pem"), &self.pem)?;
        fs::write(folder.join("key.pem"), &self.key)?;
        fs::write(folder.join("both.pem"), format!("{}{}", self.pem, self.key))?;
        Ok(())
    }

    /// How clients are set up that speak this protocol: `http/1.1` or `h2`.
    pub(crate) fn client(&self, protocol: &str) -> Result<Arc<ClientConfig>, Failure> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone())?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Ok(Arc::new(config))
    }
}
