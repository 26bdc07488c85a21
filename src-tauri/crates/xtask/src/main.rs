//! Set-up, tests, the demo and the benchmark: `cargo xtask …`.
//!
//! Decides which programs are run, in which order, and what is said about them. It never changes anything outside
//! the target directory, except for the system packages that `setup` installs and names first, and the table that
//! `bench` writes.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "telling people what happens is this program's job"
)]

mod bench;
mod demo;
mod server;
mod setup;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

const USAGE: &str = "\
Usage: cargo xtask <command>

  setup            make this machine ready for the tests: system packages, Python clients
  test [STAGE]     every check, or one stage of it; stops at the first that fails
  demo [--check]   two folders and a bucket, kept the same; with --check verified and over at once
  bench [OPTION…] [WORK…]
                   S4 beside s5cmd, rclone, the AWS command line and the original S4; `bench --help` tells more
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let [] | ["help" | "--help" | "-h"] = words[..] {
        print!("{USAGE}\nStages: {}\n", test::stage_names().join(" "));
        return Ok(());
    }
    let workspace = Workspace::find()?;
    match words[..] {
        ["setup"] => setup::everything(&workspace),
        ["test"] => test::all(&workspace),
        ["test", stage] => test::one(&workspace, stage),
        ["demo"] => demo::run(&workspace, demo::Ending::StayUp),
        ["demo", "--check"] => demo::run(&workspace, demo::Ending::Stop),
        ["bench", ref rest @ ..] => bench::run(&workspace, rest),
        _ => bail!("unknown command `{}`\n\n{USAGE}", words.join(" ")),
    }
}
