//! Slow stores and slow links: what is waited for, and what is given up.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::TryStreamExt as _;
use s4_core::digest::Digest;
use s4_core::key::ObjectKey;
use s4_store::aws::{AwsStore, Connection, Timeouts};
use s4_store::error::{Result, StoreErrorKind};
use s4_store::pace::{Pace, Rates};
use s4_store::store::{Condition, GetOptions, ObjectAttributes, Store as _, UploadId, Written};

use crate::scripted::{Pace as Slowness, Reply, Scripted};

/// Far shorter than real ones, far longer than a turn of this machine.
const SHORT: Timeouts = Timeouts {
    connect: Duration::from_secs(2),
    reply: Duration::from_millis(500),
    server_work: Duration::from_secs(5),
    stall: Duration::from_secs(5),
    slowest_upload: 64 << 10,
    busy: Duration::from_secs(5),
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
    let late = Slowness { before_reply: Duration::from_secs(3600), ..Slowness::default() };
    let server = Scripted::start_at(late, vec![object("")]).await;
    let error = store(&server).await.head(&ObjectKey::new("a"), None).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Offline);
    assert!(error.message.contains("time"), "{error}");
}

#[tokio::test]
async fn a_slow_body_is_read_to_its_end() {
    let slow = Slowness { between_bytes: Duration::from_millis(60), ..Slowness::default() };
    let server = Scripted::start_at(slow, vec![object("0123456789")]).await;
    let reply = store(&server).await.get(&ObjectKey::new("a"), GetOptions::default()).await.unwrap();
    let pieces: Result<Vec<Bytes>> = reply.body.try_collect().await;
    assert_eq!(pieces.unwrap().concat(), b"0123456789");
}

async fn put(store: &AwsStore, size: usize) -> Result<Written> {
    let body = Bytes::from(vec![7; size]);
    let crc = Digest::of(&body).crc64nvme;
    let attributes = ObjectAttributes::default();
    store.put(&ObjectKey::new("a"), body, crc, &attributes, &Condition::None).await
}

#[tokio::test]
async fn a_large_upload_is_given_time_by_its_length() {
    let slow = Slowness { before_reply: Duration::from_millis(1200), ..Slowness::default() };
    let server = Scripted::start_at(slow, vec![object("")]).await;
    put(&store(&server).await, 256 << 10).await.unwrap();
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_slow_link_is_not_given_up() {
    // Longer than everything that is borne at once.
    let slow = Slowness { between_reads: Duration::from_millis(30), ..Slowness::default() };
    let server = Scripted::start_at(slow, vec![object("")]).await;
    let timeouts = Timeouts { stall: Duration::from_millis(500), ..SHORT };
    let store = AwsStore::connect(Connection { timeouts, region: Some("r".into()), ..server.connection() });
    let start = Instant::now();
    put(&store.await.unwrap(), 8 << 20).await.unwrap();
    assert!(start.elapsed() > Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn an_upload_that_moves_nothing_is_given_up_and_tried_again() {
    let slow = Slowness { between_reads: Duration::from_secs(3600), ..Slowness::default() };
    let server = Scripted::start_at(slow, vec![object("")]).await;
    let stall = Duration::from_millis(300);
    let timeouts = Timeouts { stall, reply: stall, slowest_upload: 64 << 20, ..SHORT };
    let store = AwsStore::connect(Connection { timeouts, region: Some("r".into()), ..server.connection() });
    let body = Bytes::from(vec![7; 32 << 20]);
    let upload = UploadId("upload".into());
    let part = store.await.unwrap().upload_part(&ObjectKey::new("a"), &upload, 1, body, 0).await;
    let error = part.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Offline);
    assert!(error.message.contains("time"), "{error}");
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let slow = Slowness { between_bytes: Duration::from_secs(3600), ..Slowness::default() };
    let server = Scripted::start_at(slow, vec![object("0123456789")]).await;
    let timeouts = Timeouts { stall: Duration::from_millis(500), ..SHORT };
    let store = AwsStore::connect(Connection { timeouts, region: Some("r".into()), ..server.connection() });
    let reply = store.await.unwrap().get(&ObjectKey::new("a"), GetOptions::default()).await.unwrap();
    let pieces: Result<Vec<Bytes>> = reply.body.try_collect().await;
    assert_eq!(pieces.unwrap_err().kind, StoreErrorKind::Offline);
}

#[tokio::test]
async fn limits_hold_and_are_no_stall() {
    let server = Scripted::start(vec![object("")]).await;
    let half_a_mebibyte = NonZeroU64::new(512 << 10);
    let pace = Arc::new(Pace::new(Rates { up: half_a_mebibyte, down: None }));
    let timeouts = Timeouts { stall: Duration::from_millis(600), slowest_upload: 64 << 20, ..SHORT };
    let region = Some("r".into());
    let connection = Connection { timeouts, region, pace: Arc::clone(&pace), ..server.connection() };
    let store = AwsStore::connect(connection).await.unwrap();
    let start = Instant::now();
    put(&store, 1 << 20).await.unwrap();
    assert!(start.elapsed() > Duration::from_millis(1700), "{:?}", start.elapsed());
    assert!(server.asked()[0].contains("content-length: 1048576\r\n"), "{}", server.asked()[0]);

    let server = Scripted::start(vec![object(&"x".repeat(1 << 20))]).await;
    pace.set(Rates { up: None, down: half_a_mebibyte });
    let region = Some("r".into());
    let connection = Connection { timeouts, region, pace, ..server.connection() };
    let store = AwsStore::connect(connection).await.unwrap();
    let start = Instant::now();
    let reply = store.get(&ObjectKey::new("a"), GetOptions::default()).await.unwrap();
    let pieces: Vec<Bytes> = reply.body.try_collect().await.unwrap();
    assert_eq!(pieces.concat().len(), 1 << 20);
    assert!(start.elapsed() > Duration::from_millis(1700), "{:?}", start.elapsed());
}
