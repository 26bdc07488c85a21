//! moto: the probe finds what is known of it, and the contract holds for that.

use s4_core::capabilities::{Capabilities, CopyCondition, ETagForm, Versioning};
use s4_core::key::Prefix;
use s4_store::aws::{AwsStore, list_buckets};
use s4_store::contract::{self, Terms};
use s4_store::probe::probe;
use s4_store::store::{ListFrom, Store as _};

use crate::moto_server::Moto;

/// What moto 5 does with conditions: none on copies, no `If-Match` on completion, no checksums.
const KNOWN: Capabilities = Capabilities {
    put_if_none_match: true,
    put_if_match: true,
    etag_form: ETagForm::Quoted,
    complete_if_none_match: true,
    complete_if_match: false,
    delete_if_match: true,
    copy_source_if_match: false,
    copy_if_none_match: CopyCondition::None,
    copy_if_match: CopyCondition::None,
    upload_part_copy: false,
    crc64nvme: false,
    versioning: Versioning::Off,
};

async fn holds(store: AwsStore, capabilities: Capabilities) {
    let found = probe(&store, &Prefix::new("probed"), "1").await.unwrap();
    assert_eq!(found, capabilities);
    assert!(store.list("", ListFrom::Start, None).await.unwrap().objects.is_empty(), "the probe cleans up");
    let lenient = Terms::new(found.clone(), "terms/");
    let terms = Terms {
        strict_ranges: false,
        control_characters: false,
        lists_parts: false,
        knows_ended_uploads: false,
        orders_delete_markers: false,
        ..lenient
    };
    contract::all(&store.with_capabilities(found), &terms).await;
}

#[tokio::test]
async fn the_contract_is_kept_without_versions() {
    let moto = Moto::start();
    holds(moto.bucket("plain").await, KNOWN).await;
    assert_eq!(list_buckets(&moto.connection("plain")).await.unwrap(), ["plain"]);
}

#[tokio::test]
async fn the_contract_is_kept_with_versions() {
    let moto = Moto::start();
    let store = moto.bucket("versioned").await;
    moto.enable_versioning("versioned").await;
    holds(store, Capabilities { versioning: Versioning::Enabled, ..KNOWN }).await;
}

#[tokio::test]
async fn a_missing_bucket_is_named() {
    let moto = Moto::start();
    let store = AwsStore::connect(moto.connection("absent")).await.unwrap();
    contract::a_missing_bucket_is_named(&store).await;
}
