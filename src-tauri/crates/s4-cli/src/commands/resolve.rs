//! `resolve`: chooses between the two versions of a file, and syncs.
//!
//! - The choice is for the pair that was listed. If either version is another by now nothing is replaced.

use s4_core::facts::Keep;
use s4_engine::inspect;
use s4_engine::settings::SyncOptions;

use super::diff::relative;
use super::ready::{self, Probing};
use super::sync;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::progress::Lines;
use crate::output::text::{Sides, shown};

/// Resolves one conflict.
pub(crate) async fn run(ctx: &Context, name: &str, path: &str, keep: Keep) -> Result<Exit, Failure> {
    let target = ctx.target(name)?;
    let path = relative(path)?;
    let sides = Sides::of(&target);
    let ready = ready::ready(ctx, &target, Probing::Allowed).await?;
    let mut held = sync::hold(&ready)?;
    let standing = inspect::standing(&ready.settings).map_err(|error| ready.at.sync(error.into()))?;
    let Some(conflict) = standing.conflicts.iter().find(|conflict| conflict.path == path) else {
        return Err(Failure::usage(
            format!("`{}` of `{name}` is not in conflict", shown(path.as_str())),
            format!("`s4 conflicts '{name}'` lists what is"),
        ));
    };
    held.decide(conflict, keep).map_err(|error| ready.at.sync(error))?;
    ctx.output.data(&sides.heading());
    let report =
        sync::sync_once(ctx, &mut held, &ready, &sides, &SyncOptions::default(), Lines::Printed).await?;
    sync::tell(&ctx.output, &sides, &report);
    if report.conflicts.iter().any(|left| left.path == path) {
        ctx.output.warn(&format!(
            "`{}` changed after it was listed, so nothing was replaced; look at both versions and choose again",
            shown(path.as_str())
        ));
    }
    Ok(sync::exit_of(&report))
}
