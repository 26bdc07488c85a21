//! S4 beside other tools, on the same work, against the same store: `cargo xtask bench`.
//!
//! - Decides what is measured, in which order, and what is said about it. It never changes what a tool does, and never
//!   leaves a figure out because S4 looks bad in it.
//! - Everything is put below `target/bench`; only a whole run writes `docs/benchmarks.md`.

mod about;
mod content;
mod goals;
mod measure;
mod options;
mod proxy;
mod requests;
mod results;
mod scenario;
mod site;
mod table;
mod tool;
mod work;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};

use crate::{
    bench::{
        options::Options,
        results::Results,
        scenario::{Ground, Purpose},
        site::Site,
        table::Heading,
        tool::{Programs, Tool},
        work::{Size, Work},
    },
    setup,
    workspace::{Workspace, run as run_command},
};

/// Measures, and prints and writes what came out.
pub(crate) fn run(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    if let ["help" | "--help" | "-h"] = arguments {
        print!("{}", options::USAGE);
        return Ok(());
    }
    let options = Options::parse(arguments, |name| std::env::var(name).ok())?;
    setup::for_bench(workspace)?;
    let place = workspace.target().join("bench");
    site::fresh(&place)?;
    let s4 = program(workspace, &place.join("bin"))?;
    let site = match options.store.clone() {
        Some(access) => Site::Elsewhere(access),
        None => Site::Embedded { s4: s4.clone() },
    };
    let programs = Programs::find(workspace, s4)?;
    let ground = Ground { programs, site, sources: place.join("sources"), place };
    let size = if options.is_quick { Size::QUICK } else { Size::FULL };

    let load = about::load();
    let versions = about::versions(workspace, &ground.programs)?;
    let mut results = Results::default();
    for work in &options.works {
        measure(&ground, *work, &options, &size, &mut results)?;
    }
    let heading = Heading {
        command: std::iter::once("cargo xtask bench")
            .chain(arguments.iter().copied())
            .collect::<Vec<_>>()
            .join(" "),
        day: about::day(),
        store: ground.site.told(),
        load: (load, about::load()),
        machine: about::machine(&ground),
        versions,
    };
    let page = table::page(&heading, &results, &size);
    println!("\n{page}");
    let documented = workspace.root().join("docs/benchmarks.md");
    let file = if options.is_whole() { documented } else { ground.place.join("benchmarks.md") };
    fs::write(&file, page).with_context(|| format!("can't write `{}`", file.display()))?;
    println!("Written to {}", file.display());
    site::remove(&ground.sources)?;
    if !results.s4_did_all() {
        bail!("S4 failed at a step");
    }
    Ok(())
}

/// Takes every tool through a work: the timed runs, each begun by another tool, and one that is counted.
fn measure(ground: &Ground, work: Work, options: &Options, size: &Size, results: &mut Results) -> Result<()> {
    println!("\n== {} ==", work.name());
    let source = ground.sources.join(work.name());
    match work {
        Work::Small => content::make_small_files(&source, size.small_files, (1_000, 20_000))?,
        Work::Large => content::make_large_file(&source, size.large_bytes)?,
        Work::Many => content::make_small_files(&source, size.many_files, (100, 1_000))?,
        Work::Million => content::make_small_files(&source, size.million_files, (10, 100))?,
    }
    // What changes nothing is repeated on the spot: filling the store with the largest tree takes minutes.
    let is_tree = matches!(work, Work::Many | Work::Million);
    let (rounds, repeat) = if is_tree { (1, options.runs) } else { (options.runs, 1) };
    for round in 0..rounds {
        println!("timed run {}", round + 1);
        for tool in in_turn(round) {
            if round < tool.timed_runs(work, rounds) && may_play(tool, ground) {
                ground.play(work, tool, Purpose::Time { repeat }, results)?;
            }
        }
    }
    for tool in Tool::ALL.into_iter().filter(|tool| tool.is_counted(work)) {
        ground.play(work, tool, Purpose::Count, results)?;
    }
    Ok(())
}

/// Returns the tools, each round beginning with another.
fn in_turn(round: usize) -> impl Iterator<Item = Tool> {
    let count = Tool::ALL.len();
    Tool::ALL.into_iter().cycle().skip(round % count).take(count)
}

/// Returns whether a tool can be used here: the original S4 reads keys from a file only, and the keys of a store of
/// one's own are put into none.
fn may_play(tool: Tool, ground: &Ground) -> bool {
    tool != Tool::OriginalS4 || matches!(ground.site, Site::Embedded { .. })
}

/// Returns the program to measure, at a place where no later build changes it.
fn program(workspace: &Workspace, directory: &std::path::Path) -> Result<PathBuf> {
    let built = match std::env::var_os("S4_BINARY") {
        Some(path) => PathBuf::from(path),
        None => {
            println!("Building s4");
            run_command(&mut workspace.cargo(&[
                "build",
                "--locked",
                "--release",
                "--package",
                "s4-cli",
                "--bin",
                "s4",
            ]))?;
            workspace.target().join("release/s4")
        }
    };
    fs::create_dir_all(directory).with_context(|| format!("can't make `{}`", directory.display()))?;
    let s4 = directory.join("s4");
    fs::copy(&built, &s4).with_context(|| format!("can't copy `{}`", built.display()))?;
    Ok(s4)
}

#[cfg(test)]
mod tests {
    use super::in_turn;
    use crate::bench::tool::Tool;

    #[test]
    fn every_round_has_every_tool_and_begins_with_another() {
        for round in 0..8 {
            let mut tools: Vec<Tool> = in_turn(round).collect();
            assert_eq!(tools[0], Tool::ALL[round % Tool::ALL.len()]);
            tools.sort_unstable();
            assert_eq!(tools, Tool::ALL);
        }
    }
}
