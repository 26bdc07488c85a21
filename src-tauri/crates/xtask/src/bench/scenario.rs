//! One tool through the steps of one work, on a store and folders of its own.
//!
//! - The result of every step is checked before the next begins: after an upload the bucket has to list what the
//!   folder holds, after a download both folders have to hold the same bytes. Who did not do the work wins nothing.
//! - Before each step everything that waits to be written is written, so that no tool pays for another.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    bench::{
        content::{self, Change},
        proxy::Proxy,
        results::Results,
        site::{self, Site, Store},
        tool::{Machine, Programs, Tool},
        work::{Step, Way, Work},
    },
    workspace::run,
};

/// Several tools compare times in whole seconds: what is changed in the second of a sync they take for the old.
const WHOLE_SECONDS: Duration = Duration::from_millis(2100);

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Time, with nothing between tool and store; steps that change nothing are repeated so often.
    Time { repeat: usize },
    /// Requests and bytes, with the counting proxy between.
    Count,
}

/// What all runs share.
pub(super) struct Ground {
    pub(super) programs: Programs,
    pub(super) site: Site,
    /// Where stores and folders are put; on the disk that is measured.
    pub(super) place: PathBuf,
    /// The folders that each run starts with, by work.
    pub(super) sources: PathBuf,
}

/// One tool's folders and store.
struct Scene<'a> {
    ground: &'a Ground,
    tool: Tool,
    store: Store,
    first: Machine,
    second: Machine,
}

impl Ground {
    /// Takes a tool through all steps of a work. A step that fails is noted, and ends the run.
    pub(super) fn play(&self, work: Work, tool: Tool, purpose: Purpose, results: &mut Results) -> Result<()> {
        let place = self.place.join("run");
        site::fresh(&place)?;
        let prefix = format!("bench-{}-{}-{tool:?}", std::process::id(), work.name());
        let store = self.site.open(&place, &prefix, purpose == Purpose::Count)?;
        let (first, second) = (Machine::new(&place, "first")?, Machine::new(&place, "second")?);
        content::copy(&self.sources.join(work.name()), &first.folder)?;
        let scene = Scene { ground: self, tool, store, first, second };
        for machine in [&scene.first, &scene.second] {
            if let Some(job) = self.programs.preparation(tool, machine, &scene.store)? {
                job.measure(&self.programs.python)
                    .with_context(|| format!("can't prepare {}", tool.name()))?;
            }
        }
        for step in work.steps().iter().filter(|step| tool.takes(**step)) {
            if let Err(error) = scene.take(*step, purpose, results) {
                println!("  {:<14} {step:?} failed: {error:#}", tool.name());
                results.row_mut(*step, tool).failure = Some(format!("{error:#}"));
                break;
            }
        }
        scene.clean_up()?;
        drop(scene);
        site::remove(&place)
    }
}

impl Scene<'_> {
    fn take(&self, step: Step, purpose: Purpose, results: &mut Results) -> Result<()> {
        let change = step.change();
        if change != Change::Nothing || step.is_first() {
            std::thread::sleep(WHOLE_SECONDS);
        }
        change.apply(&self.first.folder)?;
        let machine = if step.way() == Way::Up { &self.first } else { &self.second };
        let job = self.ground.programs.job(self.tool, step, machine, &self.store);
        let times = match purpose {
            Purpose::Time { repeat } if step.is_repeatable() => repeat,
            _ => 1,
        };
        for _ in 0..times {
            run(&mut Command::new("sync"))?;
            // What checked the last result is none of the tool's.
            self.store.proxy.as_ref().map(Proxy::take);
            let sample = job.measure(&self.ground.programs.python)?;
            let row = results.row_mut(step, self.tool);
            match purpose {
                Purpose::Time { .. } => row.add(sample),
                Purpose::Count => row.counts = self.store.proxy.as_ref().map(Proxy::take),
            }
            println!(
                "  {:<14} {:<12} {:8.2} s {:8.2} CPU s {:8.0} MiB{}",
                self.tool.name(),
                format!("{step:?}"),
                sample.wall_seconds,
                sample.cpu_seconds,
                sample.peak_mib,
                if purpose == Purpose::Count { "  (counted)" } else { "" },
            );
        }
        match step.way() {
            Way::Up => self.bucket_must_hold(&self.first.folder),
            Way::Down => content::must_be_same(&self.first.folder, &self.second.folder),
        }
        .context("the result is wrong")
    }

    /// Checks that the bucket lists as many files and bytes as the folder holds.
    fn bucket_must_hold(&self, folder: &Path) -> Result<()> {
        let mut listed = (0, 0);
        let prefix = format!("{}/", self.store.uri());
        for line in self.s5cmd(&["--json", "ls", &format!("{prefix}*")])?.lines() {
            let object: Value = serde_json::from_str(line).context("the listing is no JSON")?;
            let key = object["key"].as_str().context("an object has no key")?;
            let path = key.strip_prefix(&prefix).unwrap_or(key);
            // Names that begin with a dot, and names of directories, are the tools' own.
            if !path.starts_with('.') && !path.ends_with('/') {
                listed.0 += 1;
                listed.1 += object["size"].as_u64().unwrap_or_default();
            }
        }
        let files = content::files(folder)?;
        let wanted = (files.len(), files.values().sum::<u64>());
        if listed != wanted {
            bail!(
                "{} objects with {} bytes for {} files with {} bytes",
                listed.0,
                listed.1,
                wanted.0,
                wanted.1
            );
        }
        Ok(())
    }

    /// Removes what was put into a store that stays.
    fn clean_up(&self) -> Result<()> {
        if let Site::Elsewhere(_) = self.ground.site {
            self.s5cmd(&["--log", "error", "rm", &format!("{}/*", self.store.uri())])?;
        }
        Ok(())
    }

    fn s5cmd(&self, arguments: &[&str]) -> Result<String> {
        let access = &self.store.access;
        let output = Command::new(&self.ground.programs.s5cmd)
            .args(["--endpoint-url", &access.endpoint])
            .args(arguments)
            .env("AWS_ACCESS_KEY_ID", &access.key_id)
            .env("AWS_SECRET_ACCESS_KEY", &access.secret)
            .env("AWS_REGION", &access.region)
            .stdin(Stdio::null())
            .output()
            .context("can't start s5cmd")?;
        if !output.status.success() {
            bail!("s5cmd {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        String::from_utf8(output.stdout).context("s5cmd printed no text")
    }
}
