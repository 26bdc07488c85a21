//! Accepts connections and serves HTTP on each. Decides when they end.

use std::io;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::server::envelope::Envelope;

/// A client that does not finish the head of a request in this time is hung up on.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait when the system has no resources for one more connection.
const BREATHER: Duration = Duration::from_millis(50);

/// Serves until told to stop, then until all requests under way are answered.
pub(super) async fn accept(listener: TcpListener, envelope: Envelope, mut stopped: oneshot::Receiver<()>) {
    let graceful = GracefulShutdown::new();
    // Owns the connections: dropping this future drops them.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => serve(stream, &envelope, &graceful, &mut connections),
                Err(error) => pause_after(&error).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    graceful.shutdown().await;
    while connections.join_next().await.is_some() {}
}

fn serve(stream: TcpStream, envelope: &Envelope, graceful: &GracefulShutdown, connections: &mut JoinSet<()>) {
    // Answers are small and waited for: holding them back to fill a packet would cost 40 ms each.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "can't switch off delays on a connection");
    }
    let envelope = envelope.clone();
    let service = service_fn(move |request| {
        let envelope = envelope.clone();
        async move { envelope.answer(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    connections.spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection broke");
        }
    });
}

async fn pause_after(error: &io::Error) {
    tracing::warn!(%error, "can't accept a connection");
    tokio::time::sleep(BREATHER).await;
}
