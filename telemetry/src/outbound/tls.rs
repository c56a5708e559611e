//! Whom to trust over HTTPS, how to show who calls, and what a connection that fails says about that. Knows no addresses.

use std::error::Error;
use std::io;

use display_full_error::DisplayFullErrorExt;
use hyper_rustls::ConfigBuilderExt;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};

use super::Failure;

/// Whose certificates are trusted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Authorities<'a> {
    /// Nobody's: for plain HTTP, as reading the machine's takes time that it need not spend.
    None,
    /// Those that the machine trusts, or the file that `SSL_CERT_FILE` names.
    Machine,
    /// Those of a PEM file, and no others.
    Pem(&'a [u8]),
}

/// Why certificates cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TlsProblem {
    /// Those that are to be trusted.
    Authorities(String),
    /// The caller's own.
    Client(String),
}

/// What is trusted, and the certificate and key (PEM) by which the caller shows who it is, if it does.
pub(crate) fn tls(
    authorities: Authorities<'_>,
    client: Option<(&[u8], &[u8])>,
) -> Result<ClientConfig, TlsProblem> {
    let untrusted = |error: &dyn std::fmt::Display| TlsProblem::Authorities(error.to_string());
    let builder =
        ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(|error| untrusted(&error))?;
    let builder = match authorities {
        Authorities::None => builder.with_root_certificates(RootCertStore::empty()),
        Authorities::Machine => builder
            .with_native_roots()
            .map_err(|error| untrusted(&error))?,
        Authorities::Pem(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(pem).map_err(TlsProblem::Authorities)? {
                roots.add(certificate).map_err(|error| untrusted(&error))?;
            }
            builder.with_root_certificates(roots)
        }
    };
    let Some((chain, key)) = client else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(chain).map_err(TlsProblem::Client)?;
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| TlsProblem::Client(format!("it is no PEM file with a key: {error}")))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|error| TlsProblem::Client(error.to_string()))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| format!("it is no PEM file: {error}"))?;
    if all.is_empty() {
        return Err("it is no PEM file with a certificate".to_owned());
    }
    Ok(all)
}

/// What to do where a server shows the certificate of an authority as its own.
const SIGN_ONE: &str =
    "it is an authority's own certificate: let the authority sign one for the server (CA:FALSE)";

/// What to do about certificates that are not accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remedy {
    /// When nobody who is trusted signed the other's.
    pub authority: &'static str,
    /// When the other refuses the caller's, or that there is none.
    pub client: &'static str,
}

/// What a connection or a request that failed means: it may work later, unless certificates are wrong or what answers speaks
/// no TLS, as those are mended by a person and told at once.
pub(crate) fn failure(error: &(dyn Error + 'static), remedy: Remedy) -> Failure {
    let why = |error: &rustls::Error, remedy: &str| Failure::Lasting(format!("{error}: {remedy}"));
    match of_tls(error) {
        Some(found) => match found {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                why(found, remedy.authority)
            }
            rustls::Error::InvalidCertificate(_) => {
                let text = found.to_string();
                // an error of the verifier's own, which has no type here
                match text.contains("CaUsedAsEndEntity") {
                    true => why(found, SIGN_ONE),
                    false => Failure::Lasting(text),
                }
            }
            rustls::Error::AlertReceived(alert) => match alert {
                AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied => why(found, remedy.client),
                AlertDescription::InternalError => Failure::Passing(error.to_string_full(), None),
                // older servers say no more than this when they get no certificate
                AlertDescription::HandshakeFailure => why(
                    found,
                    &format!("where it asks who calls, {}", remedy.client),
                ),
                _ => Failure::Lasting(found.to_string()),
            },
            rustls::Error::InvalidMessage(_) => why(
                found,
                "no TLS is spoken there; for plain HTTP write http://",
            ),
            _ => Failure::Passing(error.to_string_full(), None),
        },
        None => Failure::Passing(error.to_string_full(), None),
    }
}

fn of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // what an I/O error wraps is not its source
        let within = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match within {
            Some(within) => Some(within as &'a (dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const REMEDY: Remedy = Remedy {
        authority: "name the authority",
        client: "name a client",
    };

    #[test]
    fn what_is_no_certificate_is_told_from_what_is_no_key() {
        assert!(tls(Authorities::None, None).is_ok());
        let empty = tls(Authorities::Pem(b"hello"), None).unwrap_err();
        assert!(matches!(empty, TlsProblem::Authorities(why) if why.contains("PEM")));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let broken = tls(Authorities::Pem(broken), None).unwrap_err();
        assert!(matches!(broken, TlsProblem::Authorities(_)));
        let half = b"-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert!(tls(Authorities::Pem(half), None).is_err());
        let client = tls(Authorities::None, Some((b"", b""))).unwrap_err();
        assert!(matches!(client, TlsProblem::Client(_)));
    }

    #[test]
    fn certificates_do_not_get_better_and_refused_connections_may() {
        let wrapped = |error: rustls::Error| io::Error::other(io::Error::other(error));
        let unknown = wrapped(CertificateError::UnknownIssuer.into());
        let Failure::Lasting(why) = failure(&unknown, REMEDY) else {
            panic!("it does not pass");
        };
        assert!(why.contains("UnknownIssuer") && why.contains("name the authority"));
        let refused = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
        let refused = failure(&wrapped(refused), REMEDY);
        assert!(matches!(refused, Failure::Lasting(why) if why.contains("name a client")));
        let plain = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let plain = failure(&wrapped(plain), REMEDY);
        assert!(matches!(plain, Failure::Lasting(why) if why.contains("http://")));
        let gone = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(matches!(failure(&gone, REMEDY), Failure::Passing(_, None)));
    }
}
