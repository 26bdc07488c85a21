//! Every check of the project, in stages; the first that fails ends the run.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{
    setup, tidy,
    workspace::{FAILPOINTS, Workspace, run, succeeds},
};

/// One named part of the whole check.
struct Stage {
    name: &'static str,
    check: fn(&Workspace) -> Result<()>,
}

/// Cheap stages come first. The program is built as the tests need it, so that nothing is compiled twice for them.
const STAGES: [Stage; 8] = [
    Stage { name: "fmt", check: |workspace| run(&mut workspace.cargo(&["fmt", "--all", "--check"])) },
    Stage { name: "tidy", check: tidy::check },
    Stage { name: "setup", check: setup::everything },
    Stage { name: "clippy", check: clippy },
    Stage { name: "s4", check: |workspace| build(workspace).map(drop) },
    Stage { name: "test", check: tests },
    Stage { name: "doc", check: doc },
    Stage { name: "deny", check: deny },
];

/// Runs all stages.
pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    let mut times = Vec::new();
    for stage in &STAGES {
        times.push((stage.name, timed(workspace, stage)?));
    }
    println!("\nAll {} stages passed:", times.len());
    for (name, time) in times {
        println!("  {name:<8} {:>7.1} s", time.as_secs_f64());
    }
    Ok(())
}

/// Runs the stage of that name.
pub(crate) fn one(workspace: &Workspace, name: &str) -> Result<()> {
    let Some(stage) = STAGES.iter().find(|stage| stage.name == name) else {
        bail!("there is no stage `{name}`; the stages are: {}", stage_names().join(" "));
    };
    let time = timed(workspace, stage)?;
    println!("{name} passed in {:.1} s", time.as_secs_f64());
    Ok(())
}

/// Returns the names of all stages in order.
pub(crate) fn stage_names() -> Vec<&'static str> {
    STAGES.iter().map(|stage| stage.name).collect()
}

fn timed(workspace: &Workspace, stage: &Stage) -> Result<Duration> {
    println!("\n== {} ==", stage.name);
    let start = Instant::now();
    (stage.check)(workspace).with_context(|| format!("stage `{}` did not pass", stage.name))?;
    Ok(start.elapsed())
}

fn clippy(workspace: &Workspace) -> Result<()> {
    let clippy = ["clippy", "--locked", "--workspace", "--all-targets"];
    let strict = ["--", "-D", "warnings"];
    run(workspace.cargo(&clippy).args(strict))?;
    run(workspace.cargo(&clippy).args(["--features", FAILPOINTS]).args(strict))
}

/// Builds the program that the end-to-end tests run, with its failpoints.
fn build(workspace: &Workspace) -> Result<std::path::PathBuf> {
    workspace.build_s4(&workspace.target().join("failpoints"), &[FAILPOINTS])
}

fn tests(workspace: &Workspace) -> Result<()> {
    let s4 = build(workspace)?;
    let mut command = workspace.cargo(&["test", "--locked", "--workspace", "--features", FAILPOINTS]);
    run(command.env("S4_BINARY", s4))
}

fn doc(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo(&["doc", "--locked", "--workspace", "--no-deps"]);
    run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

fn deny(workspace: &Workspace) -> Result<()> {
    if !succeeds(&mut workspace.cargo(&["deny", "--version"])) {
        println!("cargo-deny is not installed: licences and advisories were not checked");
        return Ok(());
    }
    run(&mut workspace.cargo(&["deny", "--locked", "check"]))
}
