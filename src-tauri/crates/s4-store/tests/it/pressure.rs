//! A store that asks to slow down: what is sent again, how much at once, and when it is given up.

use std::time::Duration;

use futures::future::join_all;
use s4_core::key::ObjectKey;
use s4_store::aws::{AwsStore, Connection, Timeouts};
use s4_store::error::StoreErrorKind;
use s4_store::store::Store as _;

use crate::scripted::{Reply, Scripted};

fn head() -> Reply {
    let headers = [("ETag", "\"e\""), ("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")];
    Reply::new("200 OK", &headers, "")
}

fn busy() -> Reply {
    Reply::refusal("503 Slow Down", "SlowDown")
}

async fn ask(store: &AwsStore, count: usize) -> Vec<StoreErrorKind> {
    let keys: Vec<ObjectKey> = (0..count).map(|n| ObjectKey::new(format!("{n}"))).collect();
    let replies = join_all(keys.iter().map(|key| store.head(key, None))).await;
    replies.into_iter().filter_map(|reply| reply.err().map(|error| error.kind)).collect()
}

#[tokio::test]
async fn a_storm_is_weathered_by_many_requests_at_once() {
    let mut replies = vec![busy(); 60];
    replies.push(head());
    let server = Scripted::start(replies).await;
    let store = server.store().await;
    assert_eq!(ask(&store, 300).await, []);
    assert_eq!(server.asked().len(), 360, "nothing is sent again that was answered");
    assert_eq!(store.gate().refused_for(), Duration::ZERO);
    // Without the refusals it would be at its bound by now.
    assert!(store.gate().size() < 50, "{}", store.gate().size());
}

#[tokio::test]
async fn refusals_make_fewer_requests_go_at_once_and_lanes_share_that() {
    let server = Scripted::start(vec![busy(), busy(), head()]).await;
    let store = server.store().await;
    let before = store.gate().size();
    let lane = store.with_own_connections().unwrap();
    assert_eq!(ask(&lane, 1).await, []);
    assert!(store.gate().size() <= before / 2, "{}", store.gate().size());
}

#[tokio::test]
async fn a_store_that_is_closed_ends_every_request_soon_and_says_why() {
    let server = Scripted::start(vec![busy()]).await;
    let timeouts = Timeouts { busy: Duration::from_millis(100), ..Timeouts::default() };
    let connection = Connection { timeouts, region: Some("r".into()), ..server.connection() };
    let store = AwsStore::connect(connection).await.unwrap();
    let kinds = ask(&store, 100).await;
    assert_eq!(kinds, vec![StoreErrorKind::SlowDown; 100]);
    assert!(server.asked().len() < 300, "{} requests", server.asked().len());
}
