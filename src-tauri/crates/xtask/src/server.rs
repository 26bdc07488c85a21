//! The embedded S3 server as a process of its own.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A running `s4 serve`; it ends with this value.
pub(crate) struct Server {
    process: Child,
    pub(crate) access: Access,
}

/// Where the server is and how to get in.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) endpoint: String,
    pub(crate) region: String,
    pub(crate) bucket: String,
    pub(crate) key_id: String,
    pub(crate) secret: String,
}

impl Server {
    /// Starts the server and waits until it is ready.
    pub(crate) fn start(s4: &Path, place: &Path) -> Result<Self> {
        std::fs::create_dir_all(place).with_context(|| format!("can't make `{}`", place.display()))?;
        let mut process = Command::new(s4)
            .args(["serve", "--json", "--data"])
            .arg(place.join("data"))
            .env("HOME", place)
            .env("S4_CONFIG_DIR", place.join("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("can't start `{} serve`", s4.display()))?;
        let mut line = String::new();
        let output = process.stdout.take().context("the server has no output")?;
        let read = BufReader::new(output).read_line(&mut line);
        // From here on the process ends with the value, whatever the line says.
        let mut server = Self { process, access: Access::nowhere() };
        read.context("can't read the server's first line")?;
        if line.is_empty() {
            bail!("`s4 serve` ended before it was ready: {}", server.process.wait()?);
        }
        server.access = Access::parse(&line)?;
        Ok(server)
    }

    /// Waits until the server ends: on Ctrl-C, which reaches it and us.
    pub(crate) fn wait(mut self) -> Result<()> {
        self.process.wait().context("can't wait for the server")?;
        Ok(())
    }

    /// Asks the server to stop, and checks that it does so cleanly.
    pub(crate) fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").arg(self.process.id().to_string()).status();
        if !asked.context("can't start kill")?.success() {
            bail!("the server was gone before it was asked to stop");
        }
        let status = self.process.wait().context("can't wait for the server")?;
        if !status.success() {
            bail!("`s4 serve` ended with {status} when asked to stop");
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A process that has been waited for is not signalled again; any other error leaves nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Access {
    fn nowhere() -> Self {
        let none = String::new;
        Self { endpoint: none(), region: none(), bucket: none(), key_id: none(), secret: none() }
    }

    fn parse(line: &str) -> Result<Self> {
        let told: Value = serde_json::from_str(line).context("`s4 serve --json` printed no JSON")?;
        let field = |name: &str| {
            let text = told[name].as_str().map(str::to_owned);
            text.with_context(|| format!("`s4 serve --json` does not tell its {name}"))
        };
        Ok(Self {
            endpoint: field("endpoint")?,
            region: field("region")?,
            bucket: field("bucket")?,
            key_id: field("access_key_id")?,
            secret: field("secret_access_key")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Access;

    #[test]
    fn ready_line_is_read_whole_or_refused() {
        let line = r#"{"endpoint":"http://x","region":"r","bucket":"b","access_key_id":"i","secret_access_key":"s"}"#;
        assert_eq!(Access::parse(line).unwrap().bucket, "b");
        assert!(Access::parse(r#"{"endpoint":"http://x"}"#).is_err());
        assert!(Access::parse("ready").is_err());
    }
}
