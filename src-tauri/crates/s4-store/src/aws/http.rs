//! The HTTP client below the SDK: certificates, proxy, connections.
//!
//! - The proxy is that of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).
//! - A bundle of certificates is trusted besides those of the system.
//! - Each client has connections of its own; they live on the runtime that first used them.

use aws_sdk_s3::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::error::{Result, StoreError, StoreErrorKind};

/// What the connections are protected with.
#[derive(Clone)]
pub(super) enum Protection {
    /// Nothing: the certificates of the system are not even read.
    None,
    /// TLS.
    Tls(TlsContext),
}

impl Protection {
    /// Returns TLS that trusts the system's certificates and those of `bundle`, in PEM form.
    pub(super) fn tls(bundle: Option<&[u8]>) -> Result<Self> {
        let mut trusted = TrustStore::default();
        if let Some(bundle) = bundle {
            // The HTTP client would panic at its first connection.
            check_bundle(bundle)?;
            trusted = trusted.with_pem_certificate(bundle);
        }
        let context = TlsContext::builder().with_trust_store(trusted).build();
        let refused = |why| StoreError::new(StoreErrorKind::Other, "Connect", "TLS", format!("{why}"));
        Ok(Self::Tls(context.map_err(refused)?))
    }
}

/// Returns a client with connections of its own.
pub(super) fn client(protection: Protection) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        match &protection {
            Protection::None => connector.build_http(),
            Protection::Tls(context) => {
                let ring = Provider::Rustls(CryptoMode::Ring);
                connector.tls_provider(ring).tls_context(context.clone()).build()
            }
        }
    })
}

/// Fails unless `bundle` holds certificates in PEM form that can be trusted.
fn check_bundle(bundle: &[u8]) -> Result<()> {
    let refused = |why: &str| {
        let message = format!("the CA bundle cannot be used: {why}");
        Err(StoreError::new(StoreErrorKind::Other, "Connect", "CA bundle", message))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        match certificate.map(|certificate| roots.add(certificate)) {
            Ok(Ok(())) => {}
            Ok(Err(why)) => return refused(&why.to_string()),
            Err(why) => return refused(&why.to_string()),
        }
    }
    if roots.is_empty() { refused("it holds no certificate in PEM form") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_that_cannot_be_used_is_refused_before_the_first_connection() {
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for bundle in [&b""[..], b"no certificate", broken] {
            let Err(error) = Protection::tls(Some(bundle)) else {
                panic!("a broken bundle was taken");
            };
            assert!(error.to_string().contains("CA bundle"), "{error}");
        }
    }
}
