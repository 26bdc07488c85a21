//! The real `s4 serve` as a child process: started, stopped, killed, started again on the same data.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::channel,
    thread,
};

use serde_json::Value;

use crate::{places, process::DEADLINE};

/// A running server; killed with the value.
pub struct Server {
    data: PathBuf,
    process: Child,
    /// Where it is and how to get in.
    pub access: Access,
}

/// How to reach a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
    /// The region.
    pub region: String,
    /// The bucket made at the first start; versioned.
    pub bucket: String,
    /// The access key id.
    pub key_id: String,
    /// The secret access key.
    pub secret: String,
}

impl Server {
    /// Starts a server that keeps everything in `data`, and waits until it is ready.
    pub fn start(data: &Path) -> Self {
        let (process, access) = spawn(data);
        Self { data: data.to_path_buf(), process, access }
    }

    /// Kills the server as a power cut would, and starts it again on its data, at its old address.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        let (process, access) = spawn(&self.data);
        self.process = process;
        assert_eq!(access, self.access, "the server keeps its address and keys");
    }

    /// Asks the server to stop, and checks that it ends cleanly.
    pub fn stop(mut self) {
        let kill = Command::new("kill").arg(self.process.id().to_string()).status();
        assert!(kill.is_ok_and(|status| status.success()), "the server can be signalled");
        let status = self.process.wait().expect("a child can be waited for");
        assert!(status.success(), "`s4 serve` ended with {status} after SIGTERM");
    }

    /// Ends the server at once; its address refuses connections from now on.
    pub fn halt(&mut self) {
        self.kill();
    }

    fn kill(&mut self) {
        // Neither can fail in a way that matters here: the process has ended or ends now.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts `s4 serve` and returns it with its ready line, read.
fn spawn(data: &Path) -> (Child, Access) {
    let mut process = Command::new(places::s4_binary())
        .args(["serve", "--json", "--data"])
        .arg(data)
        .env_remove("S4_FAILPOINT")
        .env("S4_CONFIG_DIR", data.with_extension("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("s4 can be started");
    let output = process.stdout.take().expect("the output is piped");
    let (sender, ready) = channel();
    thread::spawn(move || {
        let mut line = String::new();
        let mut reader = BufReader::new(output);
        drop(reader.read_line(&mut line));
        drop(sender.send(line));
        // Whatever else it says must not block it.
        drop(std::io::copy(&mut reader, &mut std::io::sink()));
    });
    match ready.recv_timeout(DEADLINE).ok().as_deref().and_then(Access::parse) {
        Some(access) => (process, access),
        None => {
            drop(process.kill());
            panic!("`s4 serve --json` did not say that it is ready: {:?}", process.wait());
        }
    }
}

impl Access {
    /// Reads the line that `s4 serve --json` prints.
    fn parse(line: &str) -> Option<Self> {
        let told: Value = serde_json::from_str(line).ok()?;
        let field = |name: &str| told[name].as_str().map(str::to_owned);
        Some(Self {
            endpoint: field("endpoint")?,
            region: field("region")?,
            bucket: field("bucket")?,
            key_id: field("access_key_id")?,
            secret: field("secret_access_key")?,
        })
    }
}
