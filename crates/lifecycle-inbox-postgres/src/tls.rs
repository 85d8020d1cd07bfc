//! TLS to the server, where a feature brings it.

#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
use {
    rustls::client::WebPkiServerVerifier,
    rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    rustls::pki_types::{CertificateDer, ServerName, UnixTime},
    rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme},
    std::sync::Arc,
};

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
        #[cfg(feature = "tls-aws-lc")]
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        #[cfg(not(feature = "tls-aws-lc"))]
        let provider = rustls::crypto::ring::default_provider();
        let unusable = |error: &dyn std::fmt::Display| OpenError::Tls(error.to_string());
        let (provider, roots) = (Arc::new(provider), Arc::new(roots(settings)?));
        let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?;
        let config = if settings.verifies_name || roots.is_empty() {
            builder.with_root_certificates(roots)
        } else {
            let builder_of_verifier = WebPkiServerVerifier::builder_with_provider(roots, provider);
            let verifier = builder_of_verifier.build().map_err(|error| unusable(&error))?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyName(verifier)))
        };
        let config = config.with_no_client_auth();
        Ok(Self::Rustls(tokio_postgres_rustls::MakeRustlsConnect::new(config)))
    }
}

/// `sslmode=verify-ca`: a certificate that the authorities vouch for, whatever name it is of.
#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The name comes last: where it alone is wrong, all the rest was found right.
        match self.0.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
fn roots(settings: &Settings) -> Result<rustls::RootCertStore, OpenError> {
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
