//! Makes the SDK's client for a connection.
//!
//! - Lost connections, 500, 503 and 429 are sent again (see [`retry`]). Nothing else is sent twice.
//! - The SDK computes no checksum of its own: ours are sent as plain headers (see [`put`](super::put)).
//! - A request that goes out is given up only when nothing of it moves (see [`wire`](super::wire)), a body that comes
//!   in likewise (by the SDK, which watches that one well).

use std::sync::Arc;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::region::{ProvideRegion as _, RegionProviderChain};
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Config, Credentials, IdentityCache, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, SharedCredentialsProvider, SharedHttpClient, StalledStreamProtectionConfig,
};

use super::connection::{Connection, CredentialSource, Timeouts};
use super::http::{self, Protection};
use super::reply::{RefuseFragments, RefusePages, RetryTooManyRequests};
use super::retry::{self, Persist};
use super::wire::Wire;
use crate::error::Result;

/// Where AWS is asked first when no region is known; it names the right one.
pub(super) const FIRST_REGION: &str = "us-east-1";

/// Returns the SDK's configuration for `connection`, signing for `region`, and going through `wire`.
pub(super) async fn config(connection: &Connection, region: &str, wire: &Wire) -> Result<Config> {
    let timeouts = &connection.timeouts;
    let mut config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(network(connection, wire)?)
        // Named, so that clients made from this configuration share it.
        .identity_cache(IdentityCache::lazy().build())
        .force_path_style(connection.uses_path())
        .retry_config(retry::config())
        .retry_partition(retry::partition())
        .retry_classifier(RetryTooManyRequests)
        .interceptor(Persist { gate: Arc::clone(&wire.gate), patience: timeouts.busy })
        .timeout_config(waits(timeouts, timeouts.reply))
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled()
                .upload_enabled(false)
                .grace_period(timeouts.stall)
                .build(),
        )
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .interceptor(RefusePages)
        .interceptor(RefuseFragments);
    if let Some(url) = connection.endpoint_url()? {
        config = config.endpoint_url(url);
    }
    config = match credentials(connection).await? {
        Some(provider) => config.credentials_provider(provider),
        None => config.allow_no_auth(),
    };
    Ok(config.build())
}

/// Returns `config` with connections of its own and everything else shared: keys are fetched once for all.
pub(super) fn with_own_connections(connection: &Connection, config: &Config, wire: &Wire) -> Result<Config> {
    Ok(config.to_builder().http_client(network(connection, wire)?).build())
}

/// Returns the region that the environment or the profile names.
///
/// The machine is not asked where it runs: the bucket's own region is found out anyway, and that look-up takes
/// seconds wherever there is nobody to answer.
pub(super) async fn configured_region(connection: &Connection) -> Option<String> {
    let environment = EnvironmentVariableRegionProvider::new();
    let region = match &connection.credentials {
        CredentialSource::Profile(name) => {
            ProfileFileRegionProvider::builder().profile_name(name).build().region().await
        }
        CredentialSource::Environment => environment.region().await,
        CredentialSource::DefaultChain => {
            RegionProviderChain::first_try(environment)
                .or_else(ProfileFileRegionProvider::new())
                .region()
                .await
        }
        CredentialSource::Keys { .. } | CredentialSource::Anonymous => None,
    };
    region.map(|region| region.to_string())
}

/// Returns the change of configuration for one request whose reply the store has to work for.
pub(super) fn patient(timeouts: &Timeouts) -> Builder {
    Config::builder().timeout_config(waits(timeouts, timeouts.server_work))
}

fn waits(timeouts: &Timeouts, reply: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(timeouts.connect).read_timeout(reply).build()
}

/// Returns the way to the store: connections of its own, watched and paced.
fn network(connection: &Connection, wire: &Wire) -> Result<SharedHttpClient> {
    Ok(wire.over(http::client(protection(connection)?)))
}

fn protection(connection: &Connection) -> Result<Protection> {
    if connection.is_https()? {
        Protection::tls(connection.ca_bundle.as_deref())
    } else {
        Ok(Protection::None)
    }
}

/// Returns what gives the keys, or `None` if requests are not to be signed.
async fn credentials(connection: &Connection) -> Result<Option<SharedCredentialsProvider>> {
    // Single sign-on and roles speak to AWS itself, over TLS, wherever the bucket is.
    let provider_config = || -> Result<ProviderConfig> {
        let tls = Protection::tls(connection.ca_bundle.as_deref())?;
        let config = ProviderConfig::without_region().with_http_client(http::client(tls));
        Ok(config.with_region(connection.region.clone().map(Region::new)))
    };
    Ok(Some(match &connection.credentials {
        CredentialSource::Keys { access_key_id, secret_access_key, session_token } => {
            SharedCredentialsProvider::new(Credentials::new(
                access_key_id,
                secret_access_key,
                session_token.clone(),
                None,
                "s4",
            ))
        }
        CredentialSource::Profile(name) => SharedCredentialsProvider::new(
            ProfileFileCredentialsProvider::builder()
                .configure(&provider_config()?)
                .profile_name(name)
                .build(),
        ),
        CredentialSource::Environment => {
            SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new())
        }
        CredentialSource::DefaultChain => SharedCredentialsProvider::new(
            DefaultCredentialsChain::builder().configure(provider_config()?).build().await,
        ),
        CredentialSource::Anonymous => return Ok(None),
    }))
}
