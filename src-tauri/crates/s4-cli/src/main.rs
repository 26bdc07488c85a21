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

use crate::args::Arguments;
use crate::ask::Terminal;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::Output;

/// As many as a machine with two cores keeps busy: the engine's own threads do the heavy work.
const MAX_WORKERS: usize = 4;

fn main() -> ExitCode {
    // Wrong arguments end here, with status 2.
    let arguments = Arguments::parse();
    let output = Output::new(&arguments.global);
    output::log::start(&arguments.global, &output);
    run(arguments, &output).into()
}

fn run(arguments: Arguments, output: &Output) -> Exit {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.clamp(2, MAX_WORKERS))
        .enable_all()
        .build();
    let runtime = match runtime {
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
