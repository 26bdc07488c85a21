//! Which address the server listens on. Decides when a port is kept or picked.
//!
//! - Port 0 means the port of the last start; only the first start picks one.
//! - A port that is taken is never replaced silently: clients were told the old one.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

use crate::data_folder::DataFolder;
use crate::error::ServerError;

const FILE: &str = "port";

pub(super) fn wanted(listen: Option<SocketAddr>) -> SocketAddr {
    listen.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

/// Listens on the wanted address, with the kept port if the wanted one is 0, and keeps the port.
pub(super) async fn listen(
    folder: &DataFolder,
    listen: Option<SocketAddr>,
) -> Result<TcpListener, ServerError> {
    let mut address = wanted(listen);
    let kept = kept_port(folder)?;
    if address.port() == 0 {
        address.set_port(kept.unwrap_or(0));
    }
    let listener = TcpListener::bind(address).await.map_err(|source| match (source.kind(), kept) {
        (io::ErrorKind::AddrInUse, Some(port)) if address.port() == port => {
            ServerError::PortTaken { address, port_file: folder.file(FILE) }
        }
        (_, _) => ServerError::Listen { address, source },
    })?;
    let port = listener.local_addr().map_err(|source| ServerError::Listen { address, source })?.port();
    if kept != Some(port) {
        folder.write(FILE, &format!("{port}\n"))?;
    }
    Ok(listener)
}

fn kept_port(folder: &DataFolder) -> Result<Option<u16>, ServerError> {
    let Some(text) = folder.read(FILE)? else { return Ok(None) };
    text.trim()
        .parse()
        .map(Some)
        .map_err(|_| ServerError::Damaged { path: folder.file(FILE), reason: "it holds no port".to_owned() })
}

/// Returns an address that clients on this machine can use.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
