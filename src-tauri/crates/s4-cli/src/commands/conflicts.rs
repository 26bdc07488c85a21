//! `conflicts`: lists the files of which two versions wait for a choice, as the last sync saw them.

use s4_core::plan::Conflict;
use s4_engine::connect;
use s4_engine::inspect;
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{At, Failure};
use crate::moment;
use crate::output::json;
use crate::output::text::{bytes, shown};

/// Lists the conflicts of one target, or of all.
pub(crate) fn run(ctx: &Context, name: Option<&str>, as_json: bool) -> Result<Exit, Failure> {
    let config = ctx.read()?;
    let targets = match name {
        Some(name) => vec![config.target(name)?],
        None => config.targets()?,
    };
    let mut exit = Exit::InSync;
    let mut documents = Vec::new();
    for target in targets {
        let settings = connect::settings(&target, &ctx.locations)?;
        let standing = inspect::standing(&settings).map_err(|error| At::of(&target).sync(error.into()))?;
        if !standing.conflicts.is_empty() {
            exit = Exit::Conflicts;
        }
        if as_json {
            let mut conflicts: Vec<_> = standing.conflicts.iter().map(json::conflict).collect();
            for conflict in &mut conflicts {
                conflict["target"] = json!(target.name.as_str());
            }
            documents.append(&mut conflicts);
        } else {
            for conflict in &standing.conflicts {
                ctx.output.data(&line(&settings.name, conflict));
            }
        }
    }
    if as_json {
        ctx.output.json(&json!({"conflicts": documents}));
    } else if exit == Exit::InSync {
        ctx.output.say("No conflicts.");
    } else {
        ctx.output
            .hint("`s4 resolve NAME PATH --keep local|remote|both` chooses, `s4 diff NAME PATH` compares");
    }
    Ok(exit)
}

fn line(target: &str, conflict: &Conflict) -> String {
    let local = conflict.local.fingerprint().map_or_else(
        || "?".to_owned(),
        |local| format!("{} UTC, {}", moment::shown(moment::of_stamp(local.mtime_ns)), bytes(local.size)),
    );
    let remote =
        format!("{} UTC, {}", moment::shown(conflict.object.last_modified), bytes(conflict.object.size));
    format!("{target}: {} (local {local}; remote {remote})", shown(conflict.path.as_str()))
}
