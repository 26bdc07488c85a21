//! Runs one command to its end, and tells how long it took and what it used.
//!
//! - A small Python program starts the command and asks the kernel what the ended child had used; its own time is not
//!   part of any number, and the start of an interpreter is not either.
//! - What the kernel knows as peak memory is never less than that program's own, about 10 MiB.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A command that does not end within this many seconds has failed.
const PATIENCE: &str = "1800";

/// Arguments: the log, how long to wait, a folder whose file system is synced as a part of the work, the command.
const MEASURE: &str = r#"
import json, resource, subprocess, sys, threading, time
log, patience, folder, *command = sys.argv[1:]
with open(log, "wb") as out:
    start = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    # Waiting with a deadline would look for the end only every 50 ms.
    alarm = threading.Timer(float(patience), child.kill)
    alarm.daemon = True
    alarm.start()
    status = child.wait()
    wall = time.monotonic() - start
    alarm.cancel()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    if folder:
        start = time.monotonic()
        subprocess.run(["sync", "-f", folder], check=True)
        wall += time.monotonic() - start
print(json.dumps({"status": status, "wall": wall, "cpu": used.ru_utime + used.ru_stime, "kib": used.ru_maxrss}))
"#;

/// What one command took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) wall_seconds: f64,
    /// User and system time of the command.
    pub(super) cpu_seconds: f64,
    pub(super) peak_mib: f64,
}

/// A command to measure.
pub(super) struct Job {
    pub(super) words: Vec<OsString>,
    pub(super) environment: Vec<(String, OsString)>,
    pub(super) directory: PathBuf,
    /// The folder that has to be safe on disk before the work is done, for tools that leave that to others.
    pub(super) synced_after: Option<PathBuf>,
}

impl Job {
    /// Runs the command; an end that is not success is an error with the last that it said.
    pub(super) fn measure(&self, python: &Path) -> Result<Sample> {
        let log = self.directory.join("output.log");
        let folder = self.synced_after.as_deref().unwrap_or(Path::new(""));
        let output = Command::new(python)
            .args(["-c", MEASURE])
            .arg(&log)
            .arg(PATIENCE)
            .arg(folder)
            .args(&self.words)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.directory)
            .output()
            .with_context(|| format!("can't start `{}`", python.display()))?;
        if !output.status.success() {
            bail!("measuring failed: {}", String::from_utf8_lossy(&output.stderr).trim_end());
        }
        let told: Value = serde_json::from_slice(&output.stdout).context("measuring printed no JSON")?;
        let number = |name: &str| told[name].as_f64().with_context(|| format!("measuring told no {name}"));
        let status = number("status")?;
        if status != 0.0 {
            bail!("ended with status {status}: {}", last_line(&log));
        }
        Ok(Sample {
            wall_seconds: number("wall")?,
            cpu_seconds: number("cpu")?,
            peak_mib: number("kib")? / 1024.0,
        })
    }
}

fn last_line(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    last.chars().take(300).collect()
}
