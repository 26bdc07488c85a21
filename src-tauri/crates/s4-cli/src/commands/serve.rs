//! `serve`: an S3 server on this computer.
//!
//! - Its own fresh keys are the only secret that S4 ever prints: whoever starts the server needs them.
//! - It ends cleanly on Ctrl-C and SIGTERM: what was acknowledged is kept, requests under way are finished.

use std::net::SocketAddr;
use std::path::PathBuf;

use s4_server::{RunningServer, Server, ServerConfig};
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs the server until it is asked to stop.
pub(crate) async fn run(
    ctx: &Context,
    data: Option<PathBuf>,
    listen: Option<SocketAddr>,
    json: bool,
) -> Result<Exit, Failure> {
    let data = data.unwrap_or_else(|| ctx.locations.state_dir().join("server"));
    let data = std::path::absolute(&data).unwrap_or(data);
    let stop = Stop::listen().map_err(Failure::Input)?;
    let config = ServerConfig { listen, ..ServerConfig::new(&data) };
    let server = Server::start(config).await?;
    if !server.address().ip().is_loopback() {
        ctx.output.warn(&format!(
            "{} can be reached from other computers, over http: what is sent is not encrypted; use it in a network \
             that you trust",
            server.address()
        ));
    }
    if json {
        ctx.output.json(&document(&server));
    } else {
        introduce(ctx, &server, &data);
    }
    stop.wait().await;
    if !json {
        ctx.output.say("stopping");
    }
    server.shutdown().await;
    Ok(Exit::InSync)
}

fn document(server: &RunningServer) -> serde_json::Value {
    json!({
        "endpoint": server.endpoint(),
        "region": server.region(),
        "bucket": server.bucket(),
        "access_key_id": server.credentials().access_key_id(),
        "secret_access_key": server.credentials().secret_access_key(),
    })
}

fn introduce(ctx: &Context, server: &RunningServer, data: &std::path::Path) {
    let bucket = server.bucket().unwrap_or("(none)");
    for (name, value) in [
        ("endpoint", server.endpoint().as_str()),
        ("region", server.region()),
        ("bucket", bucket),
        ("access key id", server.credentials().access_key_id()),
        ("secret access key", server.credentials().secret_access_key()),
    ] {
        ctx.output.data(&format!("{name:<18} {value}"));
    }
    let output = &ctx.output;
    output.say(&format!("\nEverything is kept in {}", data.display()));
    output.say(&format!(
        "In another terminal: s4 add --endpoint {} --remote s3://{bucket}/NAME --local FOLDER --access-key-id {}",
        server.endpoint(),
        server.credentials().access_key_id()
    ));
    output.say("Ctrl-C stops the server.");
}

/// The signals that ask the server to stop.
struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    /// Begins to listen, so that no signal from now on ends the program before the server has stopped.
    fn listen() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { terminate: signal(SignalKind::terminate())? })
        }
        #[cfg(not(unix))]
        {
            Ok(Self {})
        }
    }

    /// Returns when one comes.
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only signals are received by it"))]
    async fn wait(mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        {
            // Without a console there is nothing to listen to: the server runs until it is ended.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
