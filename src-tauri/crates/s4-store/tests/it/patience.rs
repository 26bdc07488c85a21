//! Slow stores and slow links: what is waited for, and what is given up.

use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use s4_core::digest::Digest;
use s4_core::key::ObjectKey;
use s4_store::aws::{AwsStore, Connection, Timeouts};
use s4_store::error::{Result, StoreErrorKind};
use s4_store::store::{Condition, GetOptions, ObjectAttributes, Store as _};

use crate::scripted::{Pace, Reply, Scripted};

/// Far shorter than real ones, far longer than a turn of this machine.
const SHORT: Timeouts = Timeouts {
    connect: Duration::from_secs(2),
    reply: Duration::from_millis(500),
    server_work: Duration::from_secs(5),
    stall: Duration::from_secs(5),
    slowest_upload: 64 << 10,
};

async fn store(server: &Scripted) -> AwsStore {
    let region = Some("us-east-1".into());
    AwsStore::connect(Connection { region, timeouts: SHORT, ..server.connection() }).await.unwrap()
}

fn object(body: &str) -> Reply {
    let headers = [
        ("ETag", "\"5d41402abc4b2a76b9719d911017c592\""),
        ("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
    ];
    Reply::new("200 OK", &headers, body)
}

#[tokio::test]
async fn a_store_that_never_answers_is_offline() {
    let late = Pace { before_reply: Duration::from_secs(3600), ..Pace::default() };
    let server = Scripted::start_at(late, vec![object("")]).await;
    let error = store(&server).await.head(&ObjectKey::new("a"), None).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Offline);
    assert!(error.message.contains("time"), "{error}");
}

#[tokio::test]
async fn a_slow_body_is_read_to_its_end() {
    let pace = Pace { between_bytes: Duration::from_millis(60), ..Pace::default() };
    let server = Scripted::start_at(pace, vec![object("0123456789")]).await;
    let reply = store(&server).await.get(&ObjectKey::new("a"), GetOptions::default()).await.unwrap();
    let pieces: Result<Vec<Bytes>> = reply.body.try_collect().await;
    assert_eq!(pieces.unwrap().concat(), b"0123456789");
}

#[tokio::test]
async fn a_large_upload_is_given_time_by_its_length() {
    let pace = Pace { before_reply: Duration::from_millis(1200), ..Pace::default() };
    let server = Scripted::start_at(pace, vec![object("")]).await;
    let body = Bytes::from(vec![0; 256 << 10]);
    let crc = Digest::of(&body).crc64nvme;
    let attributes = ObjectAttributes::default();
    let put = store(&server).await.put(&ObjectKey::new("a"), body, crc, &attributes, &Condition::None).await;
    put.unwrap();
    assert_eq!(server.asked().len(), 1);
}
