//! TLS to an origin: whose certificates are believed, and what is said of one that is not.
//!
//! The authorities are those that browsers believe (Mozilla's list, `webpki-roots`), and those of a
//! file, for servers of one's own. There is no switch that believes everything.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::BodyError;

/// Whose certificates are believed.
#[derive(Clone)]
pub struct Trust {
    roots: RootCertStore,
}

/// Why a file adds nobody whose certificates are believed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It cannot be read, or is no PEM.
    #[error("cannot read the certificates in `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: pem::Error,
    },
    /// It is a PEM file without a certificate, such as one of a key.
    #[error("there is no certificate in `{}`", .0.display())]
    Empty(PathBuf),
    /// What it holds is no certificate of an authority.
    #[error("`{}` holds what is no certificate", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rustls::Error,
    },
}

impl Default for Trust {
    /// The authorities that browsers believe.
    fn default() -> Self {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self { roots }
    }
}

impl Trust {
    /// Believes the authorities in this file too: certificates in PEM, one or several.
    pub fn and_file(mut self, path: &Path) -> Result<Self, TrustError> {
        let unreadable = |source| TrustError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let mut any = false;
        for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
            let certificate = certificate.map_err(unreadable)?;
            self.roots
                .add(certificate)
                .map_err(|source| TrustError::Invalid {
                    path: path.to_owned(),
                    source,
                })?;
            any = true;
        }
        match any {
            true => Ok(self),
            false => Err(TrustError::Empty(path.to_owned())),
        }
    }
}

/// Why a connection that was made is not one that can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// Nobody whom we believe has signed its certificate.
    #[error(
        "the certificate of `{0}` is signed by nobody who is believed; if it is yours, name the \
         certificate of its authority in `[origin] ca_file`"
    )]
    UnknownIssuer(String),
    /// Its time is over, or has not begun.
    #[error("the certificate of `{0}` is out of date, or this machine's clock is wrong")]
    OutOfDate(String),
    /// It is another's.
    #[error("the certificate of `{0}` is for other names; ask the server by one of these")]
    OtherName(String),
    /// It does not speak TLS, or none that we do.
    #[error("`{host}` does not finish a TLS handshake; does it speak TLS on this port?")]
    Other {
        /// Who.
        host: String,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
}

/// Makes connections that are encrypted, to one whose name is proved.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    host: String,
}

impl Tls {
    /// `host`: a name, or an address without brackets.
    pub(super) fn new(host: &str, trust: Trust) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap_or_else(|error| unreachable!("ring has ciphers for TLS 1.2 and 1.3: {error}"));
        let mut config = config
            .with_root_certificates(trust.roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            connector: Arc::new(config).into(),
            host: host.to_owned(),
        }
    }

    /// Speaks TLS on this connection.
    pub(super) async fn over(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, BodyError> {
        let name = ServerName::try_from(self.host.clone())?;
        let shaken = self.connector.connect(name, stream).await;
        shaken.map_err(|error| handshake_error(&self.host, error).into())
    }
}

fn handshake_error(host: &str, source: std::io::Error) -> HandshakeError {
    let host = host.to_owned();
    let tls = source.get_ref().and_then(|error| error.downcast_ref());
    let Some(rustls::Error::InvalidCertificate(error)) = tls else {
        return HandshakeError::Other { host, source };
    };
    match error {
        CertificateError::UnknownIssuer => HandshakeError::UnknownIssuer(host),
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => HandshakeError::OutOfDate(host),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            HandshakeError::OtherName(host)
        }
        _ => HandshakeError::Other { host, source },
    }
}

#[cfg(test)]
mod tests;
