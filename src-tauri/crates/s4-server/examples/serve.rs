//! Runs a server by hand: `cargo run -p s4-server --example serve -- DATA [ADDRESS]`.

use std::io::Write as _;

use s4_server::{Server, ServerConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut config = ServerConfig::new(arguments.next().ok_or("name a data folder")?);
    config.listen = arguments.next().map(|address| address.parse()).transpose()?;
    let server = Server::start(config).await?;
    writeln!(
        std::io::stdout(),
        "export S4_ENDPOINT={} S4_REGION={} S4_BUCKET={} S4_ACCESS_KEY_ID={} S4_SECRET_ACCESS_KEY={}",
        server.endpoint(),
        server.region(),
        server.bucket().unwrap_or_default(),
        server.credentials().access_key_id(),
        server.credentials().secret_access_key(),
    )?;
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
