//! The command line, `s4`.
//!
//! - It parses, asks, calls the engine and prints. What happens to files is decided and done elsewhere.
//! - Data goes to the standard output, talk to the standard error output.
//! - With no terminal nothing ever waits for an answer.
//! - A secret is never printed, and never taken from the arguments.

mod args;
mod ask;
mod commands;
mod context;
mod exit;
mod failure;
mod hints;
mod moment;
mod output;

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

use crate::args::{Arguments, Command};
use crate::ask::Terminal;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::Output;

/// A transfer asks for memory some hundred times: with this it costs a seventh less.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How many files may be open, if the system lets us choose: staged files and connections wait open.
#[cfg(unix)]
const OPEN_FILES: u64 = 4096;

fn main() -> ExitCode {
    // Wrong arguments end here, with status 2.
    let arguments = Arguments::parse();
    let output = Output::new(&arguments.global);
    output::log::start(&arguments.global, &output);
    allow_open_files();
    run(arguments, &output).into()
}

fn run(arguments: Arguments, output: &Output) -> Exit {
    let mut runtime = match &arguments.command {
        // A server answers many at once.
        Some(Command::Serve { .. }) => tokio::runtime::Builder::new_multi_thread(),
        // Everything else waits most of the time: what moves content has threads of its own.
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.error(&format!("can't start the program's threads: {error}"), None);
            return Exit::Failed;
        }
    };
    let result = Context::from_env(output.clone()).and_then(|ctx| {
        let mut terminal = Terminal::new();
        runtime.block_on(commands::run(&ctx, &mut terminal, arguments.command))
    });
    // A keyring that waits for its prompt may hold a thread; nothing else is under way any more.
    runtime.shutdown_background();
    match result {
        Ok(exit) => exit,
        Err(failure) => {
            let told = hints::explain(&failure);
            output.error(&told.message, told.hint.as_deref());
            told.exit
        }
    }
}

/// Raises the number of files that may be open where the system gives us few at first; it stays as it is otherwise.
#[cfg(unix)]
fn allow_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES));
    if limit.current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    }
}

#[cfg(not(unix))]
fn allow_open_files() {}
