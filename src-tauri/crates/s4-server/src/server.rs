//! Starts and stops the endpoint: data folder, keys, port, connections. Knows nothing of objects.
//!
//! - A server that started answers requests until it is shut down or dropped.
//! - The port of the first start is used again by every later one.

mod address;
mod connections;
mod copy_route;
mod envelope;
mod gate;
mod small_body;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use s3s::service::S3ServiceBuilder;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::{DefaultBucket, ServerConfig};
use crate::counters::Counters;
use crate::credentials::Credentials;
use crate::data_folder::DataFolder;
use crate::error::ServerError;
use crate::s3::Endpoint;
use crate::storage::{Storage, StorageError, Versioning};

use self::copy_route::CopyRoute;
use self::envelope::Envelope;
use self::gate::{BucketHosts, BucketNames, Gate, OneKey};

/// Starts servers.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Starts a server on the current tokio runtime; it is ready when this returns.
    ///
    /// # Errors
    /// Says what is in the way: the folder, its lock, a damaged file in it, the port.
    ///
    /// # Panics
    /// Panics outside a tokio runtime with I/O and time enabled.
    pub async fn start(config: ServerConfig) -> Result<RunningServer, ServerError> {
        if let Some(name) = config.default_bucket.name()
            && !gate::is_bucket_name(name)
        {
            return Err(ServerError::BucketName { name: name.to_owned() });
        }
        let folder = Arc::new(DataFolder::open(&config.data)?);
        let credentials = Credentials::load_or_create(&folder)?;
        let listener = address::listen(&folder, config.listen).await?;
        let address = listener
            .local_addr()
            .map_err(|source| ServerError::Listen { address: address::wanted(config.listen), source })?;
        let opened = Arc::clone(&folder);
        let storage = tokio::task::spawn_blocking(move || Storage::open(opened))
            .await
            .map_err(|stopped| index_error(&folder, stopped))??;
        let storage = Arc::new(storage);
        let bucket = default_bucket(&storage, &config.default_bucket)
            .await
            .map_err(|error| index_error(&folder, error))?;
        let counters = Arc::new(Counters::default());
        let envelope = envelope(&config, &credentials, &counters, storage);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(connections::accept(listener, envelope, stopped));
        Ok(RunningServer {
            address,
            region: config.region,
            bucket,
            credentials,
            counters,
            patience: config.shutdown_patience,
            connections: Connections { stop: Some(stop), task },
        })
    }
}

fn index_error(folder: &DataFolder, source: impl std::error::Error + Send + Sync + 'static) -> ServerError {
    ServerError::Index { path: folder.path().to_owned(), source: Box::new(source) }
}

fn envelope(
    config: &ServerConfig,
    credentials: &Credentials,
    counters: &Arc<Counters>,
    storage: Arc<Storage>,
) -> Envelope {
    let endpoint =
        Endpoint { storage, region: config.region.clone(), shown_checksums: config.shown_checksums };
    // Requests that copy go through a second service, behind the first one's checks: see `copy_route`.
    let mut inner = S3ServiceBuilder::new(endpoint.clone());
    inner.set_host(BucketHosts);
    inner.set_validation(BucketNames);
    let mut outer = S3ServiceBuilder::new(endpoint);
    outer.set_host(BucketHosts);
    outer.set_validation(BucketNames);
    outer.set_auth(OneKey::new(credentials));
    outer.set_access(Gate::new(Arc::clone(counters)));
    outer.set_route(CopyRoute::new(inner.build(), Arc::clone(counters)));
    Envelope::new(outer.build(), Arc::clone(counters))
}

/// Makes the default bucket if there is none at all; returns the bucket to name to a person.
async fn default_bucket(storage: &Storage, wanted: &DefaultBucket) -> Result<Option<String>, StorageError> {
    let found = storage.buckets().await?;
    if let Some(first) = found.first() {
        let preferred = found.iter().find(|bucket| Some(bucket.name.as_str()) == wanted.name());
        return Ok(Some(preferred.unwrap_or(first).name.clone()));
    }
    match wanted {
        DefaultBucket::Versioned(name) => {
            storage.create_bucket(name.clone(), Versioning::Enabled).await?;
            Ok(Some(name.clone()))
        }
        DefaultBucket::Unversioned(name) => {
            storage.create_bucket(name.clone(), Versioning::Off).await?;
            Ok(Some(name.clone()))
        }
        DefaultBucket::None => Ok(None),
    }
}

/// A server that answers requests.
///
/// Dropping it stops it at once, as a kill would: requests under way are cut off, and what was
/// acknowledged is kept. The data folder is free again as soon as the last of them has ended.
pub struct RunningServer {
    address: SocketAddr,
    region: String,
    bucket: Option<String>,
    credentials: Credentials,
    counters: Arc<Counters>,
    patience: Duration,
    connections: Connections,
}

/// The task that accepts connections. Dropping it ends the task and all connections.
struct Connections {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RunningServer {
    /// Returns the URL for clients, such as `http://127.0.0.1:9000`.
    ///
    /// A server that listens on all addresses is named by its loopback address.
    pub fn endpoint(&self) -> String {
        format!("http://{}", address::reachable(self.address))
    }

    /// Returns the address listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the region named in replies.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Returns the default bucket, or another one if that is not there; `None` if there is no bucket.
    pub fn bucket(&self) -> Option<&str> {
        self.bucket.as_deref()
    }

    /// Returns the keys that the server accepts.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Returns the running totals of requests and bytes.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Stops taking requests, finishes those under way and closes the data folder.
    ///
    /// Requests that take longer than the configured patience are cut off. Dropping the future cuts off
    /// what is left, like dropping the server.
    pub async fn shutdown(mut self) {
        if let Some(stop) = self.connections.stop.take() {
            // The task is gone already only if its runtime is, and then there is nothing to finish.
            let _ = stop.send(());
        }
        let task = &mut self.connections.task;
        if tokio::time::timeout(self.patience, &mut *task).await.is_err() {
            tracing::warn!("cutting off requests that did not end in time");
            task.abort();
            let _ = task.await;
        }
    }
}

impl fmt::Debug for RunningServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RunningServer")
            .field("address", &self.address)
            .field("region", &self.region)
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}
