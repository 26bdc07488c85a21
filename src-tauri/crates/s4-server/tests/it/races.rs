//! Races over HTTP: each client has a connection of its own.

use aws_sdk_s3::primitives::ByteStream;
use futures::future::join_all;
use s4_server::{Server, ServerConfig};

use crate::client::{client, get};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_creates_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ServerConfig::new(folder.path())).await.unwrap();
    for size in [10, 100_000] {
        let key = format!("race/{size}");
        let attempts = (0..20_u8).map(|writer| {
            let request = client(&server)
                .put_object()
                .bucket("s4")
                .key(&key)
                .if_none_match("*")
                .body(ByteStream::from(vec![writer; size]));
            tokio::spawn(async move { (writer, request.send().await) })
        });
        let mut winners = Vec::new();
        for outcome in join_all(attempts).await {
            let (writer, answer) = outcome.unwrap();
            match answer {
                Ok(_) => winners.push(writer),
                Err(error) => assert_eq!(error.raw_response().unwrap().status().as_u16(), 412),
            }
        }
        assert_eq!(winners.len(), 1);
        assert_eq!(get(&client(&server), &key).await, vec![winners[0]; size]);
    }
}
