//! What stands between the SDK and the network: the place through which every attempt of every request goes.
//!
//! - Bodies that go up are paced here; those that come down are where they are read.
//! - A request is given up when nothing of it moves, never because it is long or the link slow; time that it spends
//!   waiting for its turn under a limit does not count.
//! - The [gate](Gate) learns here of each answer and each refusal, those too that the SDK sends again.

mod body;
mod progress;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::config::{ConfigBag, HttpClient, RuntimeComponents, SharedHttpClient};
use aws_sdk_s3::error::{BoxError, ConnectorError};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use tokio::time::Instant;

use self::body::PacedBody;
use self::progress::{Link, Patience, Progress};
use super::connection::{Connection, Timeouts};
use crate::adaptive::{Gate, Took};
use crate::pace::{Direction, Pace};

/// Up to here a body goes in one piece where there is no limit, and its reply tells how busy the store is.
const SMALL: u64 = 64 << 10;

/// What all requests share.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pace: Arc<Pace>,
    pub(super) gate: Arc<Gate>,
    link: Arc<Link>,
    timeouts: Timeouts,
}

impl Wire {
    /// Returns what the requests of a store at `connection` share.
    pub(super) fn of(connection: &Connection) -> Self {
        Self {
            pace: Arc::clone(&connection.pace),
            gate: Gate::new(),
            link: Link::new(),
            timeouts: connection.timeouts,
        }
    }

    /// Returns `network`, guarded so. How long a reply may take is what the SDK calls its read time-out.
    pub(super) fn over(&self, network: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Client { wire: self.clone(), network })
    }
}

#[derive(Debug)]
struct Client {
    wire: Wire,
    network: SharedHttpClient,
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        // Without the read time-out, which would count the time that a body takes: it is kept here instead, and
        // all requests share one set of connections.
        let mut bare = HttpConnectorSettings::builder();
        bare.set_connect_timeout(settings.connect_timeout());
        let network = self.network.http_connector(&bare.build(), components);
        let reply = settings.read_timeout().unwrap_or(self.wire.timeouts.reply);
        SharedHttpConnector::new(Connector { wire: self.wire.clone(), network, reply })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.network.validate_base_client_config(components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.network.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.network.connector_metadata()
    }
}

#[derive(Debug)]
struct Connector {
    wire: Wire,
    network: SharedHttpConnector,
    /// How long the reply may take once the body has gone.
    reply: Duration,
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let Wire { pace, gate, link, timeouts } = &self.wire;
        let length = request.body().content_length();
        let is_small = length.is_some_and(|length| length <= SMALL);
        let is_paced = length != Some(0) && pace.piece(Direction::Up).is_some();
        let patience = Patience { reply: self.reply, ..Patience::of(timeouts) };
        let sent = Instant::now();
        let progress = if is_small && !is_paced {
            Progress::sent(link, sent, length.unwrap_or(0))
        } else {
            Progress::sending(link, sent)
        };
        if !progress.is_sent() {
            let body = std::mem::replace(request.body_mut(), SdkBody::taken());
            let body = PacedBody::new(body, Arc::clone(pace), progress.clone());
            *request.body_mut() = SdkBody::from_body_1_x(body);
        }
        let is_short = is_small && !is_paced && self.reply == timeouts.reply;
        let took = if is_short { kind(&request) } else { |_| Took::Other };
        let reply = self.network.call(request);
        let (gate, link) = (Arc::clone(gate), Arc::clone(link));
        HttpConnectorFuture::new(async move {
            let result = tokio::select! {
                biased;
                result = reply => result,
                // The connection goes with the request that is dropped: nothing will wait for it again.
                () = progress.stalls(&patience) => Err(ConnectorError::timeout("no reply in time".into())),
            };
            if result.is_ok() {
                link.moves(Instant::now());
            }
            learn(&gate, sent, &result, took);
            result
        })
    }
}

/// Returns what the time of a request means that has no long body.
fn kind(request: &HttpRequest) -> fn(Duration) -> Took {
    match request.method() {
        "HEAD" => Took::Read,
        // A listing takes the store as long as the listing is.
        "GET" if !request.uri().contains("list-type=") => Took::Read,
        "GET" => |_| Took::Other,
        _ => Took::Write,
    }
}

/// Tells the gate what came of a request.
fn learn(
    gate: &Gate,
    sent: Instant,
    result: &Result<HttpResponse, ConnectorError>,
    took: fn(Duration) -> Took,
) {
    match result {
        Ok(reply) if is_refusal(reply) => gate.refused(sent),
        // Trouble of the store's own that is no word about how much is asked of it.
        Ok(reply) if reply.status().is_server_error() => {}
        Ok(_) => gate.answered(sent, took(sent.elapsed())),
        // Nobody said anything.
        Err(_) => {}
    }
}

/// Returns whether `reply` means: slower, please.
pub(super) fn is_refusal(reply: &HttpResponse) -> bool {
    matches!(reply.status().as_u16(), 429 | 503)
}
