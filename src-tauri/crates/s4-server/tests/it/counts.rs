//! What the counters tell.

use s4_server::{Server, ServerConfig};

use crate::client::{client, get, put};

#[tokio::test]
async fn requests_and_bytes_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ServerConfig::new(folder.path())).await.unwrap();
    let client = client(&server);
    let start = server.counters().snapshot();
    assert_eq!(start, s4_server::Counts::default());
    put(&client, "a", vec![0; 1000]).await;
    put(&client, "b", vec![0; 500_000]).await;
    assert_eq!(get(&client, "a").await.len(), 1000);
    let source = client.copy_object().bucket("s4").key("c").copy_source("s4/a");
    source.send().await.unwrap();
    client.get_object().bucket("s4").key("missing").send().await.unwrap_err();
    client.list_objects_v2().bucket("s4").send().await.unwrap();
    let found = server.counters().snapshot().since(&start);
    assert_eq!(found.requests, 6);
    assert_eq!(found.operation("PutObject"), 2);
    assert_eq!(found.operation("GetObject"), 2);
    assert_eq!(found.operation("CopyObject"), 1);
    assert_eq!(found.operation("ListObjectsV2"), 1);
    assert_eq!(found.operation("DeleteObject"), 0);
    assert!((501_000..510_000).contains(&found.body_bytes_in), "{found:?}");
    assert!((1000..10_000).contains(&found.body_bytes_out), "{found:?}");
}
