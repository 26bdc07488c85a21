//! A moto server of one's own: another implementation of S3, from PyPI.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use s4_store::aws::{AwsStore, Connection, CredentialSource};
use s4_store::store::Store as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::clients::client;

/// A running server; it ends with the test.
pub(crate) struct Moto {
    process: Child,
    endpoint: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Moto {
    /// Starts a server on a free port and waits until it says which.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server that speaks TLS with this certificate and key.
    pub(crate) fn start_with_certificate(certificate: &Path, key: &Path) -> Self {
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        Self::start_with(&["--ssl-cert".into(), path(certificate), "--ssl-key".into(), path(key)])
    }

    fn start_with(more: &[String]) -> Self {
        let mut process = Command::new(client("moto_server"))
            .args(["--host", "127.0.0.1", "--port", "0"])
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let endpoint = lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| line.split_once("Running on ").map(|(_, url)| url.trim().to_owned()))
            .expect("moto says where it listens");
        // Its log must be read on, or it blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, endpoint }
    }

    /// Returns how to reach `bucket`.
    pub(crate) fn connection(&self, bucket: &str) -> Connection {
        let credentials = CredentialSource::Keys {
            access_key_id: "moto".into(),
            secret_access_key: "moto".into(),
            session_token: None,
        };
        let endpoint = Some(self.endpoint.clone());
        Connection { endpoint, region: Some("us-east-1".into()), ..Connection::new(bucket, credentials) }
    }

    /// Keeps old versions in `bucket` from now on.
    pub(crate) async fn enable_versioning(&self, bucket: &str) {
        let (_, host) = self.endpoint.split_once("://").unwrap();
        let body = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
        let head = format!("PUT /{bucket}?versioning HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    }

    /// Returns a bucket of this name, which is made.
    pub(crate) async fn bucket(&self, bucket: &str) -> AwsStore {
        let store = AwsStore::connect(self.connection(bucket)).await.unwrap();
        store.create_bucket().await.unwrap();
        store
    }
}
