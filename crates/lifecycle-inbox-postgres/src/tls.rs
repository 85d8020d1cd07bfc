//! TLS to the server, where a feature brings it.

use crate::error::OpenError;
use crate::settings::Settings;

/// How connections are secured.
#[derive(Clone)]
pub(crate) enum Tls {
    /// Without a feature: a URL that asks for TLS fails.
    #[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc")))]
    None,
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
    Rustls(tokio_postgres_rustls::MakeRustlsConnect),
}

#[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc")))]
impl Tls {
    pub(crate) fn new(settings: &Settings) -> Result<Self, OpenError> {
        let is_asked = settings.config.get_ssl_mode() == tokio_postgres::config::SslMode::Require
            || settings.root_certificates.is_some();
        if is_asked {
            return Err(OpenError::Tls("turn on the feature `tls-ring` or `tls-aws-lc`".to_owned()));
        }
        Ok(Self::None)
    }
}

#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
impl Tls {
    pub(crate) fn new(settings: &Settings) -> Result<Self, OpenError> {
        use std::sync::Arc;

        #[cfg(feature = "tls-aws-lc")]
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        #[cfg(not(feature = "tls-aws-lc"))]
        let provider = rustls::crypto::ring::default_provider();
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| OpenError::Tls(error.to_string()))?
            .with_root_certificates(roots(settings)?)
            .with_no_client_auth();
        Ok(Self::Rustls(tokio_postgres_rustls::MakeRustlsConnect::new(config)))
    }
}

#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
fn roots(settings: &Settings) -> Result<rustls::RootCertStore, OpenError> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    let mut roots = rustls::RootCertStore::empty();
    let Some(file) = &settings.root_certificates else {
        // None at all is an error only where TLS is really used: the handshake says so then.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    let unusable = |why: String| OpenError::Tls(format!("{}: {why}", file.display()));
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unusable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("no certificate in it".to_owned()));
    }
    Ok(roots)
}
