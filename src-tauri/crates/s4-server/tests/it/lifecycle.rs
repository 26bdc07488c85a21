//! Starting, stopping and starting again.

use std::net::TcpListener;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::BucketVersioningStatus;
use s4_server::{DefaultBucket, Server, ServerConfig, ServerError};

use crate::client::{client, get, put};

#[tokio::test]
async fn a_restart_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(ServerConfig::new(folder.path())).await.unwrap();
    assert!(first.address().ip().is_loopback());
    assert_eq!((first.region(), first.bucket()), ("us-east-1", Some("s4")));
    let versioning = client(&first).get_bucket_versioning().bucket("s4").send().await.unwrap();
    assert_eq!(versioning.status(), Some(&BucketVersioningStatus::Enabled));
    put(&client(&first), "small", "1").await;
    put(&client(&first), "large", vec![2; 1 << 20]).await;
    let (endpoint, keys) = (first.endpoint(), first.credentials().clone());
    first.shutdown().await;

    let second = Server::start(ServerConfig::new(folder.path())).await.unwrap();
    assert_eq!((second.endpoint(), second.credentials()), (endpoint, &keys));
    assert_eq!(get(&client(&second), "small").await, b"1");
    assert_eq!(get(&client(&second), "large").await, vec![2; 1 << 20]);
}

#[tokio::test]
async fn a_drop_is_like_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    for turn in 0..5_u8 {
        let server = loop {
            // The folder is free only when the last task of the dropped server has ended.
            match Server::start(ServerConfig::new(folder.path())).await {
                Ok(server) => break server,
                Err(ServerError::InUse { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        };
        let client = client(&server);
        for earlier in 0..turn {
            assert_eq!(get(&client, &format!("turn/{earlier}")).await, vec![earlier; 100_000]);
        }
        put(&client, &format!("turn/{turn}"), vec![turn; 100_000]).await;
    }
}

#[tokio::test]
async fn requests_under_way_are_finished() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ServerConfig::new(folder.path())).await.unwrap();
    let client = client(&server);
    let counters = server.counters();
    let before = counters.snapshot();
    let large = vec![3; 64 << 20];
    let request = tokio::spawn({
        let client = client.clone();
        async move { client.put_object().bucket("s4").key("large").body(ByteStream::from(large)).send().await }
    });
    while counters.snapshot().since(&before).body_bytes_in == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.shutdown().await;
    request.await.unwrap().unwrap();

    let server = Server::start(ServerConfig::new(folder.path())).await.unwrap();
    assert_eq!(get(&crate::client::client(&server), "large").await.len(), 64 << 20);
}

#[tokio::test]
async fn a_folder_has_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start(ServerConfig::new(folder.path())).await.unwrap();
    let refusal = Server::start(ServerConfig::new(folder.path())).await.unwrap_err();
    assert!(matches!(refusal, ServerError::InUse { .. }), "{refusal}");
}

#[tokio::test]
async fn a_taken_port_is_named_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ServerConfig::new(folder.path())).await.unwrap();
    let address = server.address();
    server.shutdown().await;

    let squatter = TcpListener::bind(address).unwrap();
    let refusal = Server::start(ServerConfig::new(folder.path())).await.unwrap_err();
    assert!(matches!(refusal, ServerError::PortTaken { .. }), "{refusal}");
    assert!(refusal.to_string().contains(&address.port().to_string()), "{refusal}");
    drop(squatter);

    // An address asked for outright is kept for the next time.
    let other = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = ServerConfig { listen: Some(other), ..ServerConfig::new(folder.path()) };
    Server::start(config).await.unwrap().shutdown().await;
    let server = Server::start(ServerConfig::new(folder.path())).await.unwrap();
    assert_eq!(server.address(), other);
}

#[tokio::test]
async fn the_default_bucket_is_made_only_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let with = |default_bucket| ServerConfig { default_bucket, ..ServerConfig::new(folder.path()) };
    let server = Server::start(with(DefaultBucket::None)).await.unwrap();
    assert_eq!(server.bucket(), None);
    assert!(client(&server).list_buckets().send().await.unwrap().buckets().is_empty());
    server.shutdown().await;

    let server = Server::start(with(DefaultBucket::Unversioned("plain".to_owned()))).await.unwrap();
    assert_eq!(server.bucket(), Some("plain"));
    let versioning = client(&server).get_bucket_versioning().bucket("plain").send().await.unwrap();
    assert_eq!(versioning.status(), None);
    server.shutdown().await;

    let server = Server::start(with(DefaultBucket::Versioned("other".to_owned()))).await.unwrap();
    assert_eq!(server.bucket(), Some("plain"));
    server.shutdown().await;

    let refusal = Server::start(with(DefaultBucket::Versioned("No Name".to_owned()))).await.unwrap_err();
    assert!(matches!(refusal, ServerError::BucketName { .. }), "{refusal}");
}

#[tokio::test]
async fn the_secret_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ServerConfig::new(folder.path())).await.unwrap();
    let shown = format!("{server:?} {:?}", server.credentials());
    assert!(!shown.contains(server.credentials().secret_access_key()));
}
