//! On what and with what it was measured.

use std::process::Command;

use anyhow::Result;

use crate::{
    bench::{scenario::Ground, tool::Programs},
    workspace::Workspace,
};

/// Returns the machine, one fact a line, as far as the system tells.
pub(super) fn machine(ground: &Ground) -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model = field("/proc/cpuinfo", "model name");
    let memory = field("/proc/meminfo", "MemTotal");
    let kibibytes: u64 =
        memory.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let disk = said(Command::new("df").args(["--output=fstype,source"]).arg(&ground.place));
    vec![
        format!("processor: {cores} × {model}, shared with the store under test"),
        format!("memory: {:.1} GiB", crate::bench::goals::mib(kibibytes * 1024) / 1024.0),
        format!("kernel: Linux {}", kernel.trim()),
        format!("disk: {}", disk.lines().last().unwrap_or("unknown").trim()),
    ]
}

/// Returns the mean load of the last minute, and of the last five and fifteen.
pub(super) fn load() -> String {
    read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(", ")
}

/// Returns the day.
pub(super) fn day() -> String {
    said(Command::new("date").args(["-u", "+%Y-%m-%d"]))
}

/// Returns the versions of all tools.
pub(super) fn versions(workspace: &Workspace, programs: &Programs) -> Result<Vec<String>> {
    let commit = said(
        Command::new("git")
            .args(["describe", "--always", "--dirty", "--abbrev=9"])
            .current_dir(workspace.root()),
    );
    let home = workspace.target().join("bench/versions");
    crate::bench::site::fresh(&home)?;
    let version = |program, argument| {
        let said = said(Command::new(program).arg(argument).env("HOME", &home));
        said.lines().next().unwrap_or_default().trim().to_owned()
    };
    let measured = match std::env::var_os("S4_BINARY") {
        Some(path) => {
            let time = said(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M", "-r"]).arg(path));
            format!("a binary built on {time} UTC")
        }
        None => format!("release build of {commit}"),
    };
    Ok(vec![
        format!("S4: {} ({measured})", version(&programs.s4, "version")),
        format!("s5cmd: {}", version(&programs.s5cmd, "version")),
        format!("rclone: {}", version(&programs.rclone, "version")),
        format!("AWS command line: {}", version(&programs.aws, "--version")),
        format!("original S4: {}", version(&programs.original, "version")),
    ])
}

fn field(file: &str, name: &str) -> String {
    let text = read(file);
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    line.unwrap_or("unknown").trim().to_owned()
}

fn read(file: &str) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

/// Returns what a command prints; nothing if it cannot be run.
fn said(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}
