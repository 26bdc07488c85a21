//! Makes the SDK's client for a connection.
//!
//! - Retries happen here: lost connections, 500, 503 and 429, with full jitter. Nothing else is sent twice.
//! - The SDK computes no checksum of its own: ours are sent as plain headers (see [`put`](super::put)).
//! - A body is given time by its length; while nothing of it moves at all it is given up.

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::region::{ProvideRegion as _, RegionProviderChain};
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Config, Credentials, IdentityCache, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, SharedCredentialsProvider, StalledStreamProtectionConfig,
};

use super::connection::{Connection, CredentialSource, Timeouts};
use super::http::{self, Protection};
use super::reply::{RefuseFragments, RefusePages, RetryTooManyRequests};
use crate::error::Result;

/// Where AWS is asked first when no region is known; it names the right one.
pub(super) const FIRST_REGION: &str = "us-east-1";

/// How often a request is sent at most.
const ATTEMPTS: u32 = 4;

/// The longest first wait before a request is sent again; each further one doubles it.
const FIRST_BACKOFF: std::time::Duration = std::time::Duration::from_millis(200);

/// Returns the SDK's configuration for `connection`, signing for `region`.
pub(super) async fn config(connection: &Connection, region: &str) -> Result<Config> {
    let mut config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(http::client(protection(connection)?))
        // Named, so that clients made from this configuration share it.
        .identity_cache(IdentityCache::lazy().build())
        .force_path_style(connection.uses_path())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(FIRST_BACKOFF))
        .retry_classifier(RetryTooManyRequests)
        .timeout_config(timeouts(&connection.timeouts))
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled().grace_period(connection.timeouts.stall).build(),
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
pub(super) fn with_own_connections(connection: &Connection, config: &Config) -> Result<Config> {
    Ok(config.to_builder().http_client(http::client(protection(connection)?)).build())
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

/// Returns the change of configuration for one request that takes longer than others.
pub(super) fn patient(timeouts: &Timeouts, limit: std::time::Duration) -> Builder {
    let patient = TimeoutConfig::builder()
        .connect_timeout(timeouts.connect)
        .disable_read_timeout()
        .operation_attempt_timeout(limit)
        .build();
    Config::builder().timeout_config(patient)
}

fn timeouts(timeouts: &Timeouts) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(timeouts.connect).read_timeout(timeouts.reply).build()
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
