//! A server that answers what it is told, right or wrong, and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use s4_store::aws::{AwsStore, Connection, CredentialSource};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// One reply: the status line's code and reason, headers, body. Its connection is closed after it.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    /// What `Content-Length` claims, if not the truth.
    pub(crate) claimed: Option<usize>,
}

impl Reply {
    pub(crate) fn new(status: &'static str, headers: &[(&'static str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { status, headers, body: body.to_owned(), claimed: None }
    }

    /// Returns an error document of S3.
    pub(crate) fn refusal(status: &'static str, code: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>words</Message></Error>");
        Self::new(status, &[("Content-Type", "application/xml")], &body)
    }
}

/// How slow a server is.
#[derive(Clone, Copy, Default)]
pub(crate) struct Pace {
    /// After the whole request was read.
    pub(crate) before_reply: Duration,
    /// Between the bytes of a body.
    pub(crate) between_bytes: Duration,
    /// Between two reads of 64 KiB of what it is sent.
    pub(crate) between_reads: Duration,
}

/// A running server.
pub(crate) struct Scripted {
    endpoint: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Starts a server that gives `replies` in turn, and the last of them from then on.
    pub(crate) async fn start(replies: Vec<Reply>) -> Self {
        Self::start_at(Pace::default(), replies).await
    }

    /// Starts a server as [`start`](Self::start) does, but a slow one.
    pub(crate) async fn start_at(pace: Pace, replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let replies = Arc::new(replies);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, replies) = (Arc::clone(&seen), Arc::clone(&replies));
                tokio::spawn(async move { serve(stream, &seen, &replies, pace).await });
            }
        });
        Self { endpoint, asked }
    }

    /// Returns a bucket at this server.
    pub(crate) async fn store(&self) -> AwsStore {
        AwsStore::connect(Connection { region: Some("us-east-1".into()), ..self.connection() }).await.unwrap()
    }

    /// Returns how to reach a bucket at this server, whose region is not known.
    pub(crate) fn connection(&self) -> Connection {
        let credentials = CredentialSource::Keys {
            access_key_id: "key".into(),
            secret_access_key: "secret".into(),
            session_token: None,
        };
        let endpoint = Some(self.endpoint.clone());
        Connection { endpoint, ..Connection::new("bucket", credentials) }
    }

    /// Returns where it listens.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns the head of every request so far, in lower case.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Answers one request; a connection without one (it was opened for nothing) is closed.
async fn serve(mut stream: TcpStream, asked: &Mutex<Vec<String>>, replies: &[Reply], pace: Pace) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    let head_end = loop {
        if let Some(at) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    };
    let head = String::from_utf8_lossy(&request[..head_end]).to_lowercase();
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.trim().parse().unwrap());
    let mut missing = (head_end + length).saturating_sub(request.len());
    let mut buffer = vec![0; 64 << 10];
    while missing > 0 {
        tokio::time::sleep(pace.between_reads).await;
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(count) => missing = missing.saturating_sub(count),
        }
    }
    let is_head = head.starts_with("head ");
    let count = {
        let mut asked = asked.lock().unwrap();
        asked.push(head);
        asked.len()
    };
    let reply = &replies[count.min(replies.len()) - 1];
    let length = reply.claimed.unwrap_or(reply.body.len());
    let mut text = format!("HTTP/1.1 {}\r\nConnection: close\r\nContent-Length: {length}\r\n", reply.status);
    for (name, value) in &reply.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    // A server that is slow on purpose is the one thing that a test may wait for.
    tokio::time::sleep(pace.before_reply).await;
    let mut pieces = vec![text.as_bytes()];
    if !is_head {
        let size = if pace.between_bytes.is_zero() { reply.body.len().max(1) } else { 1 };
        pieces.extend(reply.body.as_bytes().chunks(size));
    }
    for piece in pieces {
        // The client may have gone away; that is its affair.
        if stream.write_all(piece).await.is_err() {
            return;
        }
        tokio::time::sleep(pace.between_bytes).await;
    }
    let _ = stream.shutdown().await;
}
