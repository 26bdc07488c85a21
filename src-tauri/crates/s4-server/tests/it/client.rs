//! A client of the AWS SDK for a running server.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::{Builder as HttpBuilder, Connector};
use s4_server::RunningServer;

pub(crate) fn client(server: &RunningServer) -> Client {
    let keys = server.credentials();
    client_with(&server.endpoint(), keys.access_key_id(), keys.secret_access_key())
}

pub(crate) fn client_with(endpoint: &str, access_key_id: &str, secret_access_key: &str) -> Client {
    let http = HttpBuilder::new().build_with_connector_fn(|settings, _| {
        let mut connector = Connector::builder();
        connector.set_connector_settings(settings.cloned());
        connector.build_http()
    });
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(access_key_id, secret_access_key, None, None, "test"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .retry_config(RetryConfig::disabled())
        .http_client(http)
        .build();
    Client::from_conf(config)
}

/// Puts an object into the default bucket.
pub(crate) async fn put(client: &Client, key: &str, body: impl Into<Vec<u8>>) {
    client.put_object().bucket("s4").key(key).body(ByteStream::from(body.into())).send().await.unwrap();
}

/// Reads an object of the default bucket.
pub(crate) async fn get(client: &Client, key: &str) -> Vec<u8> {
    let answer = client.get_object().bucket("s4").key(key).send().await.unwrap();
    answer.body.collect().await.unwrap().to_vec()
}
