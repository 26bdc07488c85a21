//! One file for each command: what was asked for in, an exit status out.

mod add;
mod checked;
mod completions;
mod conflicts;
mod diff;
mod doctor;
mod edit;
mod fields;
mod keys;
mod ls;
mod original;
mod ready;
mod reset;
mod resolve;
mod rm;
mod serve;
mod sync;
mod targets;
mod trash;

use clap::CommandFactory as _;

use crate::args::{Arguments, Command};
use crate::ask::Ask;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs a command; without one, tells what there is.
pub(crate) async fn run(ctx: &Context, ask: &mut dyn Ask, command: Option<Command>) -> Result<Exit, Failure> {
    match command {
        None => {
            ctx.output.data(&Arguments::command().render_help().to_string());
            Ok(Exit::InSync)
        }
        Some(Command::Add(arguments)) => add::run(ctx, ask, *arguments).await,
        Some(Command::Edit(arguments)) => edit::run(ctx, ask, *arguments).await,
        Some(Command::Rm { name }) => rm::run(ctx, &name).await,
        Some(Command::Targets { verbose, json }) => targets::run(ctx, verbose, json),
        Some(Command::Ls(arguments)) => ls::run(ctx, &arguments).await,
        Some(Command::Sync(arguments)) => sync::run(ctx, ask, &arguments).await,
        Some(Command::Diff { name, path }) => diff::run(ctx, &name, &path).await,
        Some(Command::Conflicts { name, json }) => conflicts::run(ctx, name.as_deref(), json),
        Some(Command::Resolve { name, path, keep }) => resolve::run(ctx, &name, &path, keep).await,
        Some(Command::Trash(command)) => trash::run(ctx, command).await,
        Some(Command::Reset { name }) => reset::run(ctx, &name),
        Some(Command::Serve { data, listen, json }) => serve::run(ctx, data, listen, json).await,
        Some(Command::Doctor { name }) => doctor::run(ctx, name.as_deref()).await,
        Some(Command::Completions { shell }) => Ok(completions::run(ctx, shell)),
        Some(Command::Version) => {
            ctx.output.data(&format!("s4 {}", env!("CARGO_PKG_VERSION")));
            Ok(Exit::InSync)
        }
    }
}
