//! `sync`: makes both sides of each target the same.
//!
//! - One target that fails stops no other; of several the worst status is the exit status.
//! - Conflicts are asked about only on a terminal. What a person chooses is bound to the pair they were shown.

mod choice;
mod outcome;

use s4_config::{Config, Target};
use s4_core::context::ConflictPolicy;
use s4_engine::connect;
use s4_engine::report::{Report, Work};
use s4_engine::settings::SyncOptions;
use s4_engine::target::Target as Held;
use serde_json::{Value, json};

use self::choice::Choices;
pub(crate) use self::outcome::{exit_of, tell};
use super::keys::are_in_keyring;
use super::ready::{self, Probing, Ready};
use crate::args::sync::SyncArguments;
use crate::args::values::ConflictChoice;
use crate::ask::Ask;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::output::json;
use crate::output::progress::{self, Lines, Narration};
use crate::output::text::{Sides, shown};

/// How a target came out.
struct Outcome {
    exit: Exit,
    document: Value,
}

/// Syncs the named targets, or all.
pub(crate) async fn run(
    ctx: &Context,
    ask: &mut dyn Ask,
    arguments: &SyncArguments,
) -> Result<Exit, Failure> {
    let config = ctx.read()?;
    let names = chosen(&config, &arguments.names)?;
    let mut exit = Exit::InSync;
    let mut documents = Vec::new();
    for name in names {
        let outcome = one(ctx, ask, &config, &name, arguments).await;
        exit = exit.or_worse(outcome.exit);
        documents.push(outcome.document);
    }
    if arguments.json {
        ctx.output.json(&json!({"targets": documents, "dry_run": arguments.dry_run, "exit": exit.code()}));
    }
    Ok(exit)
}

/// Returns the names of the targets to sync, sorted, each once; one that is not there is an error before anything
/// is synced.
fn chosen(config: &Config, named: &[String]) -> Result<Vec<String>, Failure> {
    for name in named {
        if !config.contains(name) {
            config.target(name)?;
        }
    }
    let mut names: Vec<String> =
        if named.is_empty() { config.names().map(str::to_owned).collect() } else { named.to_vec() };
    names.sort();
    names.dedup();
    if names.is_empty() {
        return Err(Failure::usage(
            "there are no targets yet",
            "`s4 add` connects a folder to a bucket; `s4 serve` runs a bucket on this computer",
        ));
    }
    Ok(names)
}

/// Syncs one target, and tells how it came out.
async fn one(
    ctx: &Context,
    ask: &mut dyn Ask,
    config: &Config,
    name: &str,
    arguments: &SyncArguments,
) -> Outcome {
    let target = match config.target(name) {
        Ok(target) => target,
        Err(error) => return failed(ctx, json!({"name": name}), &error.into()),
    };
    let sides = Sides::of(&target);
    match try_one(ctx, ask, &target, &sides, arguments).await {
        Ok(outcome) => outcome,
        Err(failure) => failed(ctx, json::sides(&sides, hints::explain(&failure).exit), &failure),
    }
}

fn failed(ctx: &Context, mut document: Value, failure: &Failure) -> Outcome {
    let told = hints::explain(failure);
    ctx.output.error(&told.message, told.hint.as_deref());
    document["error"] = json::error(&told);
    document["exit"] = json!(told.exit.code());
    Outcome { exit: told.exit, document }
}

async fn try_one(
    ctx: &Context,
    ask: &mut dyn Ask,
    target: &Target,
    sides: &Sides,
    arguments: &SyncArguments,
) -> Result<Outcome, Failure> {
    if !arguments.json {
        let dry = if arguments.dry_run { " (dry run)" } else { "" };
        ctx.output.data(&format!("{}{dry}", sides.heading()));
    }
    let options = options(target, arguments)?;
    let probing = if arguments.dry_run { Probing::Forbidden } else { Probing::Allowed };
    let bandwidth = arguments.bandwidth(ctx.read()?.bandwidth()?);
    let ready = ready::ready_within(ctx, target, probing, bandwidth).await?;
    let may_ask = !arguments.json
        && ask.can_ask()
        && arguments.conflicts != Some(ConflictChoice::Ignore)
        && options.policy.unwrap_or(ready.settings.policy) == ConflictPolicy::Ask;
    let mut held = hold(&ready)?;
    let lines = if arguments.json { Lines::Silent } else { Lines::Printed };
    if arguments.dry_run {
        return preview(ctx, &mut held, &ready, sides, &options, lines).await;
    }
    let mut report = sync_once(ctx, &mut held, &ready, sides, &options, lines).await?;
    let mut choices = Choices::default();
    while may_ask && choices.ask(ctx, ask, &held, &ready, sides, &report.conflicts).await? {
        let next = sync_once(ctx, &mut held, &ready, sides, &options, lines).await?;
        report = outcome::joined(report, next);
    }
    let exit = exit_of(&report);
    if arguments.json {
        for notice in &report.notices {
            ctx.output.say(&shown(notice));
        }
    } else {
        tell(&ctx.output, sides, &report);
        if ask.can_ask() && target.secret_access_key.is_some() && !are_in_keyring(target) {
            ctx.output.hint(&format!(
                "the keys of `{0}` stand in sync.conf; `s4 edit '{0}' --credentials keyring` moves them to the keyring",
                sides.name
            ));
        }
    }
    let mut document = json::sides(sides, exit);
    merge(&mut document, json::report(&report));
    Ok(Outcome { exit, document })
}

/// Returns what this run is asked for. Without a policy of its own the target's is used; without that, both
/// versions stay and are listed.
fn options(target: &Target, arguments: &SyncArguments) -> Result<SyncOptions, Failure> {
    let policy = arguments.conflicts.map(|choice| connect::policy(target, choice.setting())).transpose()?;
    Ok(SyncOptions { policy, limits: arguments.limits(), prune_ignored: arguments.prune_ignored })
}

/// Takes hold of the target's folder.
pub(crate) fn hold(ready: &Ready) -> Result<Held, Failure> {
    Held::open(ready.settings.clone(), ready.store.clone(), ready.capabilities.clone())
        .map(|held| held.with_lanes(connect::lane_stores(ready.bucket.clone())))
        .map_err(|error| ready.at.sync(error))
}

/// Syncs once, telling what happens.
pub(crate) async fn sync_once(
    ctx: &Context,
    held: &mut Held,
    ready: &Ready,
    sides: &Sides,
    options: &SyncOptions,
    lines: Lines,
) -> Result<Report, Failure> {
    let narration = Narration::start(&ctx.output, sides, lines);
    let result = held.sync(options, &narration.observer()).await;
    narration.finish();
    result.map_err(|error| ready.at.sync(error))
}

async fn preview(
    ctx: &Context,
    held: &mut Held,
    ready: &Ready,
    sides: &Sides,
    options: &SyncOptions,
    lines: Lines,
) -> Result<Outcome, Failure> {
    let narration = Narration::start(&ctx.output, sides, Lines::Silent);
    let result = held.preview(options, &narration.observer()).await;
    narration.finish();
    let plan = result.map_err(|error| ready.at.sync(error))?;
    let planned: Vec<Work> = plan.steps.iter().map(|step| Work::of(&step.path, &step.action)).collect();
    let report = Report {
        halt: outcome::halt_of(&plan),
        conflicts: plan.conflicts,
        problems: plan.problems,
        notices: held.notices().to_vec(),
        ..Report::default()
    };
    let exit = exit_of(&report);
    if lines == Lines::Printed {
        for work in &planned {
            progress::planned(&ctx.output, sides, work);
        }
        outcome::tell_what_waits(&ctx.output, sides, &report);
        if planned.is_empty() {
            ctx.output.say("Nothing to update");
        }
    }
    let mut document = json::sides(sides, exit);
    merge(&mut document, json::report(&report));
    document["planned"] = planned.iter().map(json::work).collect();
    Ok(Outcome { exit, document })
}

/// Adds the fields of one object to another.
fn merge(document: &mut Value, fields: Value) {
    if let (Value::Object(document), Value::Object(fields)) = (document, fields) {
        document.extend(fields);
    }
}
