//! Where S4 keeps its own files.
//!
//! Decides the configuration, state and runtime directories from the platform's rules and `S4_CONFIG_DIR`. It never
//! creates them, and reads the environment in [`Locations::from_env`] alone; everything else works on the value.
//!
//! Invariants:
//! - All directories are absolute.
//! - Two different `S4_CONFIG_DIR` share no directory, no instance name and no keyring entry.
//! - An `S4_CONFIG_DIR` that names the platform's own directory counts as none.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::canonical::canonical;

/// The directories of one S4 engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locations {
    config_dir: PathBuf,
    state_dir: PathBuf,
    runtime_dir: PathBuf,
    original_config: Option<PathBuf>,
    is_default: bool,
}

/// Whose rules for directories apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Linux and other Unix: the XDG base directories.
    Xdg,
    /// macOS: `~/Library/Application Support`.
    MacOs,
    /// Windows: `%APPDATA%` and `%LOCALAPPDATA%`.
    Windows,
}

/// Why there is no place for S4's files.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LocationsError {
    /// The environment does not say where the person's files are.
    #[error(
        "{variable} is not set to an absolute path; set it, or S4_CONFIG_DIR, to say where S4 keeps its settings"
    )]
    NoHome {
        /// The variable that should say so.
        variable: &'static str,
    },
    /// The directory cannot be made absolute.
    #[error("can't find the directory `{}`", path.display())]
    Unresolved {
        /// As given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Platform {
    /// Returns the platform this program was built for.
    pub const fn current() -> Self {
        if cfg!(target_os = "macos") {
            Self::MacOs
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Xdg
        }
    }
}

impl Locations {
    /// Returns the directories that this process's environment asks for.
    pub fn from_env() -> Result<Self, LocationsError> {
        Self::derive(Platform::current(), |name| std::env::var_os(name))
    }

    /// Returns the directories for a platform and an environment, both as values.
    ///
    /// `S4_CONFIG_DIR` overrides the platform's directory; a relative one is taken from the working directory.
    /// Relative values of the other variables are ignored, as the XDG specification asks.
    pub fn derive(
        platform: Platform,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, LocationsError> {
        let by_platform = Self::of_platform(platform, &environment);
        let Some(chosen) = environment("S4_CONFIG_DIR").filter(|value| !value.is_empty()) else {
            return by_platform;
        };
        let chosen = Self::at(Path::new(&chosen))?;
        match by_platform {
            Ok(locations) if locations.config_dir == chosen.config_dir => Ok(locations),
            Ok(_) | Err(_) => Ok(chosen),
        }
    }

    /// Returns the directories of an engine of its own under `config_dir`.
    pub fn at(config_dir: &Path) -> Result<Self, LocationsError> {
        let config_dir = std::path::absolute(config_dir)
            .map_err(|source| LocationsError::Unresolved { path: config_dir.to_owned(), source })?;
        Ok(Self {
            state_dir: config_dir.join("state"),
            runtime_dir: config_dir.join("run"),
            config_dir,
            original_config: None,
            is_default: false,
        })
    }

    /// Returns the directory of `sync.conf`.
    pub fn config_dir(&self) -> &Path {
        &self.config_dir
    }

    /// Returns the directory of records that outlive a folder: generations, machine id.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Returns the directory of the control socket.
    pub fn runtime_dir(&self) -> &Path {
        &self.runtime_dir
    }

    /// Returns where the original S4 keeps its `sync.conf`, on platforms where that is somewhere else than ours.
    ///
    /// The original used `~/.config/s4` everywhere.
    pub fn original_config(&self) -> Option<&Path> {
        self.original_config.as_deref()
    }

    /// Returns a short name that is the engine's own on this machine: for a named pipe or a single-instance lock.
    ///
    /// `s4` for the platform's directory, `s4-` and 16 hexadecimal digits for any other.
    pub fn instance_name(&self) -> String {
        match self.own_config_dir() {
            None => "s4".to_owned(),
            Some(directory) => {
                let digest = blake3::hash(directory.as_os_str().as_encoded_bytes()).to_hex();
                format!("s4-{}", &digest[..16])
            }
        }
    }

    /// Returns the configuration directory in its one true spelling, unless it is the platform's own.
    pub(crate) fn own_config_dir(&self) -> Option<PathBuf> {
        // A directory that cannot be looked at keeps the spelling it was given, which still is its own.
        (!self.is_default).then(|| canonical(&self.config_dir).unwrap_or_else(|_| self.config_dir.clone()))
    }

    fn of_platform(
        platform: Platform,
        environment: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, LocationsError> {
        let absolute = |name: &str| environment(name).map(PathBuf::from).filter(|path| path.has_root());
        let required = |variable| absolute(variable).ok_or(LocationsError::NoHome { variable });
        let (config_dir, state_dir, runtime_dir, original_home) = match platform {
            Platform::Xdg => {
                let base = |name, below_home: &str| {
                    absolute(name).map_or_else(|| required("HOME").map(|home| home.join(below_home)), Ok)
                };
                let state = base("XDG_STATE_HOME", ".local/state")?.join("s4");
                let runtime =
                    absolute("XDG_RUNTIME_DIR").map_or_else(|| state.join("run"), |run| run.join("s4"));
                (base("XDG_CONFIG_HOME", ".config")?.join("s4"), state, runtime, None)
            }
            Platform::MacOs => {
                let home = required("HOME")?;
                let config = home.join("Library/Application Support/s4");
                let state = config.join("state");
                let runtime = state.join("run");
                (config, state, runtime, Some(home))
            }
            Platform::Windows => {
                let config = required("APPDATA")?.join("s4");
                let state = absolute("LOCALAPPDATA").map_or_else(|| config.clone(), |local| local.join("s4"));
                (config, state.join("state"), state.join("run"), absolute("USERPROFILE"))
            }
        };
        let original_config = original_home.map(|home| home.join(".config").join("s4").join("sync.conf"));
        Ok(Self { config_dir, state_dir, runtime_dir, original_config, is_default: true })
    }
}
