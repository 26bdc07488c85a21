//! The embedded server: it can do everything, and the contract holds.

use s4_core::capabilities::{Capabilities, Versioning};
use s4_core::key::Prefix;
use s4_server::{DefaultBucket, RunningServer, Server, ServerConfig};
use s4_store::aws::{AwsStore, Connection, CredentialSource, list_buckets};
use s4_store::contract::{self, Terms};
use s4_store::error::StoreErrorKind;
use s4_store::probe::probe;
use s4_store::store::{ListFrom, Store as _};

async fn server(folder: &tempfile::TempDir, bucket: DefaultBucket) -> RunningServer {
    let config = ServerConfig { default_bucket: bucket, ..ServerConfig::new(folder.path()) };
    Server::start(config).await.unwrap()
}

fn connection(server: &RunningServer, bucket: &str) -> Connection {
    let credentials = CredentialSource::Keys {
        access_key_id: server.credentials().access_key_id().to_owned(),
        secret_access_key: server.credentials().secret_access_key().to_owned(),
        session_token: None,
    };
    Connection { endpoint: Some(server.endpoint()), ..Connection::new(bucket, credentials) }
}

async fn holds(bucket: DefaultBucket, versioning: Versioning) {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder, bucket).await;
    let store = AwsStore::connect(connection(&server, server.bucket().unwrap())).await.unwrap();
    assert!(
        !format!("{store:?}").contains(server.credentials().secret_access_key()),
        "secrets stay out of Debug"
    );
    let found = probe(&store, &Prefix::new("probed"), "1").await.unwrap();
    assert_eq!(found, Capabilities { versioning, ..Capabilities::FULL });
    assert!(store.list("", ListFrom::Start, None).await.unwrap().objects.is_empty(), "the probe cleans up");
    contract::all(&store.with_capabilities(found.clone()), &Terms::new(found, "terms/")).await;
    server.shutdown().await;
}

#[tokio::test]
async fn the_contract_is_kept_with_versions() {
    holds(DefaultBucket::Versioned("bucket".into()), Versioning::Enabled).await;
}

#[tokio::test]
async fn the_contract_is_kept_without_versions() {
    holds(DefaultBucket::Unversioned("bucket".into()), Versioning::Off).await;
}

#[tokio::test]
async fn what_is_wrong_with_bucket_and_keys_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder, DefaultBucket::Unversioned("bucket".into())).await;
    let absent = AwsStore::connect(connection(&server, "absent")).await.unwrap();
    contract::a_missing_bucket_is_named(&absent).await;
    absent.create_bucket().await.unwrap();
    absent.check_bucket().await.unwrap();
    absent.create_bucket().await.unwrap();
    assert_eq!(list_buckets(&connection(&server, "")).await.unwrap(), ["absent", "bucket"]);

    let right = connection(&server, "bucket");
    let wrong_secret = CredentialSource::Keys {
        access_key_id: server.credentials().access_key_id().to_owned(),
        secret_access_key: "wrong".into(),
        session_token: None,
    };
    let unknown_key = CredentialSource::Keys {
        access_key_id: "unknown".into(),
        secret_access_key: "wrong".into(),
        session_token: None,
    };
    let rows = [
        (wrong_secret, StoreErrorKind::Credentials, "secret access key"),
        (unknown_key, StoreErrorKind::Credentials, "access key id"),
        (CredentialSource::Anonymous, StoreErrorKind::Denied, "AccessDenied"),
    ];
    for (credentials, kind, words) in rows {
        let described = format!("{credentials:?}");
        let store = AwsStore::connect(Connection { credentials, ..right.clone() }).await.unwrap();
        let error = store.check_bucket().await.unwrap_err();
        assert_eq!(error.kind, kind, "{described}: {error}");
        assert!(error.to_string().contains(words), "{described}: {error}");
    }
    server.shutdown().await;
}

#[tokio::test]
async fn each_runtime_can_have_connections_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder, DefaultBucket::Versioned("bucket".into())).await;
    let store = AwsStore::connect(connection(&server, "bucket")).await.unwrap();
    store.check_bucket().await.unwrap();
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let store = store.clone();
            tokio::task::spawn_blocking(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let store = store.with_own_connections().unwrap();
                runtime.block_on(store.check_bucket()).unwrap();
            })
        })
        .collect();
    for thread in threads {
        thread.await.unwrap();
    }
    store.check_bucket().await.unwrap();
    server.shutdown().await;
}
