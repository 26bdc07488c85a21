//! Certificates that the system does not know.

use std::process::Command;

use bytes::Bytes;
use s4_core::key::ObjectKey;
use s4_store::aws::{AwsStore, Connection};
use s4_store::error::StoreErrorKind;
use s4_store::store::{Condition, ObjectAttributes, Store as _};

use crate::clients::{client, script};
use crate::moto_server::Moto;

#[tokio::test]
async fn a_bundle_makes_a_certificate_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    let made = Command::new(client("python"))
        .arg(script("moto_certificate.py"))
        .args([&certificate, &key])
        .status()
        .unwrap();
    assert!(made.success());
    let moto = Moto::start_with_certificate(&certificate, &key);

    let ca_bundle = Some(std::fs::read(&certificate).unwrap());
    let trusting = Connection { ca_bundle, ..moto.connection("bucket") };
    let store = AwsStore::connect(trusting).await.unwrap();
    store.create_bucket().await.unwrap();
    let attributes = ObjectAttributes::default();
    store.put(&ObjectKey::new("a"), Bytes::new(), 0, &attributes, &Condition::Absent).await.unwrap();

    let store = AwsStore::connect(moto.connection("bucket")).await.unwrap();
    let error = store.check_bucket().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Offline);
    assert!(error.to_string().contains("certificate"), "{error}");
}
