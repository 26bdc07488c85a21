//! What concerns the bucket as a whole, and the service.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::types::{BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration};
use aws_sdk_s3::{Client, error::ProvideErrorMetadata as _};
use s4_core::capabilities::Versioning;

use super::client::{self, FIRST_REGION};
use super::connection::Connection;
use super::error::Asked;
use super::wire::Wire;
use super::{AwsStore, list};
use crate::error::{Result, StoreErrorKind};
use crate::store::ListFrom;

pub(super) async fn versioning(store: &AwsStore) -> Result<Versioning> {
    let asked = store.asked("GetBucketVersioning", &store.bucket);
    let request = store.client.get_bucket_versioning().bucket(&*store.bucket);
    match request.send().await {
        Ok(reply) => match reply.status() {
            None => Ok(Versioning::Off),
            Some(BucketVersioningStatus::Enabled) => Ok(Versioning::Enabled),
            Some(BucketVersioningStatus::Suspended) => Ok(Versioning::Suspended),
            Some(other) => Err(asked.error(StoreErrorKind::Corrupt, format!("unknown status `{other}`"))),
        },
        Err(error) => match asked.failed(&error) {
            // A store without versioning says so in this way.
            refused if refused.kind == StoreErrorKind::Unsupported => Ok(Versioning::Off),
            refused => error.raw_response().and_then(status_under_another_root).ok_or(refused),
        },
    }
}

/// Returns the status from a document whose root has a name that the SDK does not know, as moto's has.
fn status_under_another_root(reply: &HttpResponse) -> Option<Versioning> {
    let body = std::str::from_utf8(reply.body().bytes()?).ok()?;
    let (_, document) =
        body.split_once("<GetBucketVersioningResponse").filter(|_| reply.status().is_success())?;
    let status = document.split_once("<Status>").and_then(|(_, rest)| rest.split_once("</Status>"));
    match status.map(|(status, _)| status) {
        None => Some(Versioning::Off),
        Some("Enabled") => Some(Versioning::Enabled),
        Some("Suspended") => Some(Versioning::Suspended),
        Some(_) => None,
    }
}

pub(super) async fn check(store: &AwsStore) -> Result<()> {
    // Unlike HEAD, whose replies have no body, a listing says what is wrong: the name, the keys, or their rights.
    list::list(store, "", ListFrom::Start, Some(1)).await.map(|_| ())
}

pub(super) async fn create(store: &AwsStore) -> Result<()> {
    let asked = store.asked("CreateBucket", &store.bucket);
    let mut request = store.client.create_bucket().bucket(&*store.bucket);
    // AWS refuses to hear its first region named.
    if store.connection.endpoint.is_none() && store.region() != FIRST_REGION {
        let place = BucketLocationConstraint::from(store.region());
        let configuration = CreateBucketConfiguration::builder().location_constraint(place).build();
        request = request.create_bucket_configuration(configuration);
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) => match error.code() {
            Some("BucketAlreadyOwnedByYou") => Ok(()),
            Some("BucketAlreadyExists") => {
                Err(asked.error(StoreErrorKind::Denied, "a bucket of this name belongs to someone else"))
            }
            Some(_) | None => Err(asked.failed(&error)),
        },
    }
}

/// Returns the names of the buckets that these credentials own; the bucket of `connection` is not looked at.
pub async fn list_buckets(connection: &Connection) -> Result<Vec<String>> {
    let region = first_region(connection).await;
    let client = Client::from_conf(client::config(connection, &region, &Wire::of(connection)).await?);
    let asked = Asked { operation: "ListBuckets", subject: "all buckets", region: &region };
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let request = client.list_buckets().set_continuation_token(token);
        let page = request.send().await.map_err(|error| asked.failed(&error))?;
        names.extend(page.buckets().iter().filter_map(|bucket| bucket.name().map(str::to_owned)));
        token = page.continuation_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(names);
        }
    }
}

/// Returns the region that the bucket lies in: as given, else as the store tells.
///
/// It is asked in the region of the environment or profile, else in `us-east-1`; where it does not tell another
/// (most stores that are not AWS take any), that one is the answer.
pub async fn discover_region(connection: &Connection) -> Result<String> {
    if let Some(region) = &connection.region {
        return Ok(region.clone());
    }
    let first = first_region(connection).await;
    let client = Client::from_conf(client::config(connection, &first, &Wire::of(connection)).await?);
    let asked = Asked { operation: "ListObjectsV2", subject: &connection.bucket, region: &first };
    // Not HEAD: its replies have no body, and stores that are not AWS name their region there.
    match client.list_objects_v2().bucket(&connection.bucket).max_keys(1).send().await {
        Ok(_) => Ok(first),
        Err(error) => {
            let failed = asked.failed(&error);
            match failed.kind {
                StoreErrorKind::WrongRegion { region: Some(region) } => Ok(region),
                // A guess that nothing confirmed would be believed for good.
                StoreErrorKind::Offline | StoreErrorKind::SlowDown => Err(failed),
                // Refused, but by the right region; why is told by the first request that matters.
                StoreErrorKind::Missing
                | StoreErrorKind::NoBucket
                | StoreErrorKind::PreconditionFailed
                | StoreErrorKind::Conflict
                | StoreErrorKind::Denied
                | StoreErrorKind::Credentials
                | StoreErrorKind::ClockSkew
                | StoreErrorKind::WrongRegion { region: None }
                | StoreErrorKind::Unsupported
                | StoreErrorKind::Corrupt
                | StoreErrorKind::Archived
                | StoreErrorKind::Other => Ok(asked.region_told(&error).unwrap_or(&first).to_owned()),
            }
        }
    }
}

/// Returns the region to ask in when nothing is known of the bucket.
async fn first_region(connection: &Connection) -> String {
    match &connection.region {
        Some(region) => region.clone(),
        None => client::configured_region(connection).await.unwrap_or_else(|| FIRST_REGION.to_owned()),
    }
}
