//! A bucket of AWS, or of any service that speaks its protocol.
//!
//! - Only this module names the vendor's SDK.
//! - It sends conditions and checksums in the forms that the capabilities name, and none that they deny: until a
//!   probe has found out, [`Capabilities::FULL`] is assumed.
//! - Lost connections, 500, 503 and 429 are sent again; a conditional write whose first reply was lost then comes
//!   back as 412.
//! - Each request waits at the [gate](Gate) before it is signed, and holds its place until the reply, while it is
//!   sent again too. The body of a GET holds none: who reads it slowly, or asks for something else in the meantime,
//!   must not keep others out.
//! - Connections belong to the runtime that first used them: a runtime of its own needs
//!   [`AwsStore::with_own_connections`].

mod bucket;
mod client;
mod condition;
mod connection;
mod copy;
mod encoding;
mod error;
mod get;
mod http;
mod list;
mod metadata;
mod multipart;
mod put;
mod reply;
mod retry;
mod versions;
mod wire;

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use bytes::Bytes;
use s4_core::capabilities::{Capabilities, Versioning};
use s4_core::key::ObjectKey;
use s4_core::remote::{ETag, ObjectHead, VersionId};

pub use self::bucket::{discover_region, list_buckets};
pub use self::connection::{Addressing, Connection, CredentialSource, Timeouts};
use self::error::Asked;
use self::wire::Wire;
use crate::adaptive::Gate;
use crate::error::Result;
use crate::probe::Dialects;
use crate::store::{
    Condition, CopyRequest, GetOptions, GetReply, ListFrom, ListPage, ObjectAttributes, ObjectVersion, Part,
    PendingUpload, Store, UploadId, Written,
};

/// A bucket reached over HTTP. Clones share its connections.
#[derive(Clone, Debug)]
pub struct AwsStore {
    client: Client,
    connection: Arc<Connection>,
    bucket: Arc<str>,
    region: Arc<str>,
    capabilities: Capabilities,
    is_https: bool,
    wire: Wire,
}

impl AwsStore {
    /// Returns the bucket of `connection`. If no region is given, one request is sent to find it; whether the
    /// bucket exists is left to [`Store::check_bucket`].
    ///
    /// Fails for an endpoint, a CA bundle or a source of credentials that cannot be used.
    pub async fn connect(connection: Connection) -> Result<Self> {
        let region = discover_region(&connection).await?;
        let wire = Wire::of(&connection);
        let config = client::config(&connection, &region, &wire).await?;
        Ok(Self {
            client: Client::from_conf(config),
            bucket: connection.bucket.as_str().into(),
            region: region.into(),
            capabilities: Capabilities::FULL,
            is_https: connection.is_https()?,
            connection: Arc::new(connection),
            wire,
        })
    }

    /// Returns the same bucket, spoken to as `capabilities` say.
    pub fn with_capabilities(self, capabilities: Capabilities) -> Self {
        Self { capabilities, ..self }
    }

    /// Returns the same bucket with connections of its own, for another runtime. Keys are not fetched anew; limits
    /// and gate are shared.
    pub fn with_own_connections(&self) -> Result<Self> {
        let config = client::with_own_connections(&self.connection, self.client.config(), &self.wire)?;
        Ok(Self { client: Client::from_conf(config), ..self.clone() })
    }

    /// Returns the region that requests are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Returns how the bucket is reached.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns the gate that the requests of this store go through.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.wire.gate
    }

    /// Sends a request when there is room for it.
    async fn admitted<T>(&self, request: impl Future<Output = T>) -> T {
        let _permit = self.wire.gate.enter().await;
        request.await
    }

    fn asked<'a>(&'a self, operation: &'static str, subject: &'a str) -> Asked<'a> {
        Asked { operation, subject, region: &self.region }
    }

    /// Returns whether bodies are protected by TLS and a checksum, so that signing them as well is wasted work.
    fn leaves_payload_unsigned(&self) -> bool {
        self.is_https && self.capabilities.crc64nvme
    }
}

impl Dialects for AwsStore {
    fn speaking(&self, forms: Capabilities) -> Self {
        self.clone().with_capabilities(forms)
    }
}

#[async_trait]
impl Store for AwsStore {
    async fn list(&self, prefix: &str, from: ListFrom, max_keys: Option<u16>) -> Result<ListPage> {
        self.admitted(list::list(self, prefix, from, max_keys)).await
    }

    async fn head(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<ObjectHead> {
        self.admitted(get::head(self, key, version)).await
    }

    async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<GetReply> {
        self.admitted(get::get(self, key, options)).await
    }

    async fn put(
        &self,
        key: &ObjectKey,
        body: Bytes,
        crc64nvme: u64,
        attributes: &ObjectAttributes,
        condition: &Condition,
    ) -> Result<Written> {
        self.admitted(put::put(self, key, body, crc64nvme, attributes, condition)).await
    }

    async fn copy(&self, request: &CopyRequest) -> Result<Written> {
        self.admitted(copy::copy(self, request)).await
    }

    async fn delete(&self, key: &ObjectKey, condition: &Condition) -> Result<()> {
        self.admitted(put::delete(self, key, condition)).await
    }

    async fn delete_version(&self, key: &ObjectKey, version: &VersionId) -> Result<()> {
        self.admitted(put::delete_version(self, key, version)).await
    }

    async fn versions(&self, key: &ObjectKey) -> Result<Vec<ObjectVersion>> {
        self.admitted(versions::versions(self, key)).await
    }

    async fn create_upload(&self, key: &ObjectKey, attributes: &ObjectAttributes) -> Result<UploadId> {
        self.admitted(multipart::create(self, key, attributes)).await
    }

    async fn upload_part(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        body: Bytes,
        crc64nvme: u64,
    ) -> Result<Part> {
        self.admitted(multipart::upload_part(self, key, upload, number, body, crc64nvme)).await
    }

    async fn upload_part_copy(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        source: &ObjectKey,
        source_if_match: &ETag,
        range: Range<u64>,
    ) -> Result<Part> {
        self.admitted(multipart::upload_part_copy(self, key, upload, number, source, source_if_match, range))
            .await
    }

    async fn complete_upload(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        crc64nvme: Option<u64>,
        condition: &Condition,
    ) -> Result<Written> {
        self.admitted(multipart::complete(self, key, upload, parts, crc64nvme, condition)).await
    }

    async fn abort_upload(&self, key: &ObjectKey, upload: &UploadId) -> Result<()> {
        self.admitted(multipart::abort(self, key, upload)).await
    }

    async fn parts(&self, key: &ObjectKey, upload: &UploadId) -> Result<Vec<Part>> {
        self.admitted(multipart::parts(self, key, upload)).await
    }

    async fn pending_uploads(&self, prefix: &str) -> Result<Vec<PendingUpload>> {
        self.admitted(multipart::pending(self, prefix)).await
    }

    async fn versioning(&self) -> Result<Versioning> {
        self.admitted(bucket::versioning(self)).await
    }

    async fn check_bucket(&self) -> Result<()> {
        self.admitted(bucket::check(self)).await
    }

    async fn create_bucket(&self) -> Result<()> {
        self.admitted(bucket::create(self)).await
    }
}
