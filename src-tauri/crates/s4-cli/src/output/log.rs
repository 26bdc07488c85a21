//! The program's own log, for whoever asks for it with `--log-level`.
//!
//! - Only our own crates speak: others might log what they send.
//! - Lines are printed between bars, never across them.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::Output;
use crate::args::{Global, LogLevel};

/// Our crates, as their log lines are marked.
const OURS: [&str; 6] = ["s4", "s4_engine", "s4_store", "s4_local", "s4_config", "s4_server"];

/// Starts the log.
pub(crate) fn start(global: &Global, output: &Output) {
    let level = match global.log_level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warning => "warn",
        LogLevel::Error => "error",
    };
    let filter = OURS.map(|name| format!("{name}={level}")).join(",");
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(Lines { output: output.clone() })
        .with_ansi(output.has_colours_err())
        .with_target(global.log_level == LogLevel::Debug)
        .without_time();
    // The only log of the process: nobody set one before.
    let _ = log.try_init();
}

struct Lines {
    output: Output,
}

/// One line of the log.
struct Line {
    output: Output,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { output: self.output.clone(), text: Vec::new() }
    }
}

impl io::Write for Line {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        let text = text.trim_end();
        if !text.is_empty() {
            self.output.say(text);
        }
    }
}
