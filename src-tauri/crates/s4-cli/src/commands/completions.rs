//! `completions`: what a shell completes.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Arguments;
use crate::context::Context;
use crate::exit::Exit;

/// Prints the completions for a shell.
pub(crate) fn run(ctx: &Context, shell: Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "s4", &mut script);
    ctx.output.raw(&script);
    Exit::InSync
}
