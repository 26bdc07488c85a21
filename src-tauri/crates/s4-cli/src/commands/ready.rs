//! What commands need of a target before they can look at its two sides.

use std::sync::Arc;

use s4_config::{Bandwidth, Target, resolve};
use s4_core::capabilities::Capabilities;
use s4_engine::connect::{self, recall};
use s4_engine::settings::Settings;
use s4_store::aws::AwsStore;
use s4_store::error::StoreErrorKind;
use s4_store::pace::{Pace, Rates};
use s4_store::store::Store;

use crate::context::Context;
use crate::failure::{At, Failure};

/// A target with its bucket.
pub(crate) struct Ready {
    /// Where it is, for messages.
    pub(crate) at: At,
    /// Everything about it, resolved.
    pub(crate) settings: Settings,
    /// The bucket.
    pub(crate) store: Arc<dyn Store>,
    /// The same bucket, of which each transfer lane gets connections of its own.
    pub(crate) bucket: AwsStore,
    /// What the bucket can do.
    pub(crate) capabilities: Capabilities,
}

/// Whether a store that was not tried yet may be tried, which writes and removes scratch objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probing {
    /// It may.
    Allowed,
    /// Nothing may be written; everything is assumed to work.
    Forbidden,
}

/// Resolves a target and connects to its bucket; whether that is there is left to the first request.
pub(crate) async fn ready(ctx: &Context, target: &Target, probing: Probing) -> Result<Ready, Failure> {
    let bandwidth = ctx.read()?.bandwidth()?;
    ready_within(ctx, target, probing, bandwidth).await
}

/// As [`ready`], with other limits than those of the configuration.
pub(crate) async fn ready_within(
    ctx: &Context,
    target: &Target,
    probing: Probing,
    bandwidth: Bandwidth,
) -> Result<Ready, Failure> {
    let at = At::of(target);
    let settings = connect::settings(target, &ctx.locations)?;
    let credentials = resolve(target, &ctx.secrets)?;
    let mut connection = connect::connection(target, &credentials)?;
    connection.pace = Arc::new(Pace::new(Rates {
        up: bandwidth.up.bytes_per_second(),
        down: bandwidth.down.bytes_per_second(),
    }));
    let store = AwsStore::connect(connection).await.map_err(|error| at.store(error))?;
    let capabilities = match (recall::known(target, &ctx.locations), probing) {
        (Some(known), _) => known,
        (None, Probing::Forbidden) => Capabilities::FULL,
        (None, Probing::Allowed) => find_out(ctx, target, &settings, &store, &at).await?,
    };
    let bucket = store.with_capabilities(capabilities.clone());
    Ok(Ready { at, settings, store: Arc::new(bucket.clone()), bucket, capabilities })
}

/// Tries the store, and remembers what it can do.
async fn find_out(
    ctx: &Context,
    target: &Target,
    settings: &Settings,
    store: &AwsStore,
    at: &At,
) -> Result<Capabilities, Failure> {
    let found = match connect::find_out(store, &settings.prefix).await {
        Ok(found) => found,
        Err(error) if error.kind == StoreErrorKind::Denied => {
            // Who may only read needs no conditions; what they try to write is refused and told.
            tracing::info!(%error, "the store cannot be tried");
            return Ok(Capabilities::NONE);
        }
        Err(error) => return Err(at.store(error)),
    };
    if let Err(error) = recall::keep(target, &ctx.locations, &found) {
        tracing::info!(%error, "what the store can do is not remembered");
    }
    Ok(found)
}
