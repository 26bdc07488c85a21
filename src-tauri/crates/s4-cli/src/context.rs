//! What every command works with: where S4's files are, the configuration, the keyring, the output.

use s4_config::{Config, ConfigFile, Locations, Secrets, Target};

use crate::failure::Failure;
use crate::output::Output;

/// What every command works with.
pub(crate) struct Context {
    /// Where S4 keeps its own files.
    pub(crate) locations: Locations,
    /// `sync.conf`.
    pub(crate) config: ConfigFile,
    /// The keyring; nothing is asked of it before a target needs it.
    pub(crate) secrets: Secrets,
    /// Where everything is printed.
    pub(crate) output: Output,
}

impl Context {
    /// Returns the context that this process's environment asks for.
    pub(crate) fn from_env(output: Output) -> Result<Self, Failure> {
        let locations = Locations::from_env()?;
        let secrets = Secrets::new(&locations);
        Ok(Self { config: ConfigFile::new(&locations), secrets, locations, output })
    }

    /// Returns the configuration as it is now.
    pub(crate) fn read(&self) -> Result<Config, Failure> {
        Ok(self.config.read()?)
    }

    /// Returns one target.
    pub(crate) fn target(&self, name: &str) -> Result<Target, Failure> {
        Ok(self.read()?.target(name)?)
    }
}

#[cfg(test)]
impl Context {
    /// Returns a context of its own below `place`, with a keyring in memory.
    pub(crate) fn at(place: &std::path::Path) -> Self {
        let locations = Locations::at(place).expect("a path of this computer");
        let secrets = Secrets::in_memory(&locations);
        Self { config: ConfigFile::new(&locations), secrets, locations, output: Output::plain() }
    }
}
