//! System packages: looked for by what they provide, installed by the distribution's own tool.
//!
//! - Nothing is installed while everything needed is there.
//! - Without the rights to install, the one command that would do it is part of the error.

use std::{
    io::IsTerminal,
    process::{Command, Stdio},
};

use anyhow::{Result, bail};

use crate::workspace::{run, succeeds};

/// Something the tests need from the system.
pub(super) struct Need {
    what: &'static str,
    present: fn() -> bool,
    apt: &'static [&'static str],
    dnf: &'static [&'static str],
    pacman: &'static [&'static str],
}

pub(super) const PYTHON: Need = Need {
    what: "python3 with venv",
    present: || python("import ensurepip, venv"),
    apt: &["python3", "python3-venv"],
    dnf: &["python3"],
    pacman: &["python"],
};

/// What the original S4 tells kinds of files with.
pub(super) const LIBMAGIC: Need = Need {
    what: "libmagic",
    present: || python("import ctypes.util, sys; sys.exit(ctypes.util.find_library('magic') is None)"),
    apt: &["libmagic1"],
    dnf: &["file-libs"],
    pacman: &["file"],
};

pub(super) const ALL: [Need; 6] = [
    Need {
        what: "a C compiler",
        present: || succeeds(Command::new("cc").arg("--version")),
        apt: &["gcc", "libc6-dev"],
        dnf: &["gcc"],
        pacman: &["gcc"],
    },
    PYTHON,
    LIBMAGIC,
    Need {
        what: "D-Bus",
        present: || {
            succeeds(Command::new("dbus-daemon").arg("--version"))
                && succeeds(Command::new("dbus-run-session").arg("--version"))
        },
        apt: &["dbus"],
        dnf: &["dbus-daemon"],
        pacman: &["dbus"],
    },
    Need {
        what: "the GNOME keyring",
        present: || succeeds(Command::new("gnome-keyring-daemon").arg("--version")),
        apt: &["gnome-keyring"],
        dnf: &["gnome-keyring"],
        pacman: &["gnome-keyring"],
    },
    Need {
        what: "secret-tool",
        // It knows no --version; called without arguments it says how to use it, with status 2.
        present: || silently("secret-tool").status().is_ok(),
        apt: &["libsecret-tools"],
        dnf: &["libsecret"],
        pacman: &["libsecret"],
    },
];

/// A distribution's tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Installer {
    Apt,
    Dnf,
    Pacman,
}

/// Installs what is missing.
pub(super) fn ensure(needs: &[Need]) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.present)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().map(|need| need.what).collect::<Vec<_>>().join(", ");
    let Some(installer) = Installer::found() else {
        bail!("this machine lacks {names}; install that with its own tools, then run this again");
    };
    let words = installer.command(&missing);
    let line = words.join(" ");
    println!("Missing: {names}");
    let Some(prefix) = privilege() else {
        bail!("installing {names} needs root; run `sudo {line}`, then run this again");
    };
    println!("Installing with `{line}`");
    let install = || run(&mut privileged(prefix, &words));
    if installer == Installer::Apt && install().is_err() {
        // A fresh machine has no package lists yet, an old one has lists of packages that are gone.
        run(&mut privileged(prefix, &["apt-get", "update"].map(str::to_owned)))?;
        install()?;
    } else if installer != Installer::Apt {
        install()?;
    }
    match missing.iter().find(|need| !(need.present)()) {
        Some(need) => bail!("{} is still missing after `{line}`", need.what),
        None => Ok(()),
    }
}

impl Installer {
    fn found() -> Option<Self> {
        [(Self::Apt, "apt-get"), (Self::Dnf, "dnf"), (Self::Pacman, "pacman")]
            .into_iter()
            .find(|(_, program)| succeeds(Command::new(program).arg("--version")))
            .map(|(installer, _)| installer)
    }

    /// Returns the command that installs what `needs` name here.
    fn command(self, needs: &[&Need]) -> Vec<String> {
        let start: &[&str] = match self {
            Self::Apt => {
                &["apt-get", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]
            }
            Self::Dnf => &["dnf", "install", "-y"],
            Self::Pacman => &["pacman", "-S", "--needed", "--noconfirm"],
        };
        let packages = needs.iter().flat_map(|need| match self {
            Self::Apt => need.apt,
            Self::Dnf => need.dnf,
            Self::Pacman => need.pacman,
        });
        start.iter().chain(packages).map(ToString::to_string).collect()
    }
}

/// Returns what to put before a command that needs root, or nothing if there is no way.
fn privilege() -> Option<&'static [&'static str]> {
    let is_root =
        Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if is_root {
        return Some(&[]);
    }
    if succeeds(Command::new("sudo").args(["-n", "true"])) {
        return Some(&["sudo", "-n"]);
    }
    let can_ask = std::io::stdin().is_terminal() && succeeds(Command::new("sudo").arg("--version"));
    can_ask.then_some(&["sudo"])
}

fn privileged(prefix: &[&str], words: &[String]) -> Command {
    let mut all = prefix.iter().map(ToString::to_string).chain(words.iter().cloned());
    let mut command = Command::new(all.next().unwrap_or_default());
    command.args(all).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn python(code: &str) -> bool {
    succeeds(Command::new("python3").args(["-c", code]))
}

fn silently(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::{ALL, Installer, Need};

    #[test]
    fn one_command_installs_everything_missing() {
        let needs: Vec<&Need> = ALL.iter().collect();
        for (installer, start, some) in [
            (Installer::Apt, "apt-get install -y", "libsecret-tools"),
            (Installer::Dnf, "dnf install -y", "dbus-daemon"),
            (Installer::Pacman, "pacman -S", "gnome-keyring"),
        ] {
            let line = installer.command(&needs).join(" ");
            assert!(line.starts_with(start) && line.contains(some), "{line}");
        }
    }
}
