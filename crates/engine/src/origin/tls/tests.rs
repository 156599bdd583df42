use http_body_util::BodyExt;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::origin::{Origin, OriginLimits, OriginUrl};
use crate::{Body, Fetch, FetchError, Request, SystemClock};

/// What `certificates/make.sh` made.
fn certificate(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/origin/tls/certificates");
    folder.join(name).with_extension("pem")
}

/// A server that answers one request, under the certificate of this name; its port.
async fn server(name: &str) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(certificate(name)).unwrap()],
            PrivateKeyDer::from_pem_file(certificate("key")).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // The client may turn away from it.
        let Ok(mut stream) = acceptor.accept(stream).await else {
            return;
        };
        let mut request = [0; 1024];
        let bytes = stream.read(&mut request).await.unwrap();
        let asked = String::from_utf8_lossy(&request[..bytes]).to_lowercase();
        let host = asked.lines().find(|line| line.starts_with("host:"));
        let host = host.unwrap_or_default();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{host}",
            host.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    });
    port
}

async fn ask(url: &str, trust: Trust) -> Result<String, FetchError> {
    let url = OriginUrl::parse(url).unwrap();
    let clock = Arc::new(SystemClock::start());
    let origin = Origin::new(url, OriginLimits::default(), clock).trusting(trust);
    let response = origin.fetch(Request::new(Body::empty())).await?;
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

fn trusting(authority: &str) -> Trust {
    Trust::default().and_file(&certificate(authority)).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

/// What is said of a server whose certificate is not good.
fn refusal(answer: Result<String, FetchError>) -> String {
    match answer {
        Err(error @ FetchError::Unreachable { .. }) => {
            assert_eq!(error.status(), 502);
            std::error::Error::source(&error).unwrap().to_string()
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn an_origin_is_asked_over_tls_where_its_authority_is_believed() {
    run(async {
        for host in ["localhost", "127.0.0.1"] {
            let port = server("good").await;
            let answer = ask(&format!("https://{host}:{port}"), trusting("authority")).await;
            assert_eq!(answer.unwrap(), format!("host: {host}:{port}"));
        }
    });
}

#[test]
fn a_server_that_proves_nothing_is_asked_nothing() {
    run(async {
        let check = async |name, trust, said: &str| {
            let port = server(name).await;
            let refused = refusal(ask(&format!("https://localhost:{port}"), trust).await);
            assert!(refused.contains(said), "{refused}");
        };
        let by_nobody = "`localhost` is signed by nobody who is believed";
        check("good", Trust::default(), by_nobody).await;
        check("good", trusting("other-authority"), by_nobody).await;
        check("out-of-date", trusting("authority"), "is out of date").await;
        check("other-name", trusting("authority"), "for other names").await;
    });
}

#[test]
fn a_server_without_tls_is_told_apart() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
        });
        let refused = refusal(ask(&format!("https://127.0.0.1:{port}"), Trust::default()).await);
        assert!(
            refused.contains("does it speak TLS on this port?"),
            "{refused}"
        );
    });
}

#[test]
fn a_file_without_certificates_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let check = |text: &str, said: &str| {
        std::fs::write(file.path(), text).unwrap();
        let error = Trust::default().and_file(file.path()).err().unwrap();
        assert!(error.to_string().contains(said), "{error}");
    };
    check("", "there is no certificate in");
    check("no certificate", "there is no certificate in");
    check(
        &std::fs::read_to_string(certificate("key")).unwrap(),
        "there is no certificate in",
    );
    check(
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "what is no certificate",
    );
    check("-----BEGIN CERTIFICATE-----\n", "cannot read");
    let gone = Trust::default().and_file(Path::new("no/such/file")).err();
    assert!(gone.unwrap().to_string().starts_with("cannot read"));
}
