//! Where tools put their objects: a fresh embedded server for each tool and run, or a fresh prefix elsewhere.
//!
//! Tools never meet: what one left behind neither slows nor helps the next.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    bench::proxy::Proxy,
    server::{Access, Server},
};

/// The stores to be had.
pub(super) enum Site {
    Embedded { s4: PathBuf },
    Elsewhere(Access),
}

/// A store in use, perhaps behind a counting proxy. The server ends with this value.
pub(super) struct Store {
    _server: Option<Server>,
    pub(super) proxy: Option<Proxy>,
    /// As the tools are told.
    pub(super) access: Access,
    pub(super) prefix: String,
}

impl Site {
    /// Opens a store for one tool's run; a server keeps its data below `place`.
    pub(super) fn open(&self, place: &Path, prefix: &str, is_counted: bool) -> Result<Store> {
        let (server, mut access) = match self {
            Self::Embedded { s4 } => {
                let server = Server::start(s4, &place.join("server"))?;
                let access = server.access.clone();
                (Some(server), access)
            }
            Self::Elsewhere(access) => (None, access.clone()),
        };
        let proxy = if is_counted && access.endpoint.starts_with("http://") {
            let proxy = Proxy::start(&access.endpoint)?;
            access.endpoint = proxy.endpoint();
            Some(proxy)
        } else {
            None
        };
        Ok(Store { _server: server, proxy, access, prefix: prefix.to_owned() })
    }

    /// Tells people what it is.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Embedded { .. } => {
                "the embedded server (`s4 serve`), on the same machine and disk; started afresh for each tool and run"
                    .to_owned()
            }
            Self::Elsewhere(access) => format!("{}, a fresh prefix for each tool and run", access.endpoint),
        }
    }
}

impl Store {
    /// Returns `s3://bucket/prefix`.
    pub(super) fn uri(&self) -> String {
        format!("s3://{}/{}", self.access.bucket, self.prefix)
    }
}

/// Makes an empty directory, whatever was there.
pub(super) fn fresh(place: &Path) -> Result<()> {
    remove(place)?;
    fs::create_dir_all(place).with_context(|| format!("can't make `{}`", place.display()))
}

/// Removes a directory if it is there.
pub(super) fn remove(place: &Path) -> Result<()> {
    if place.exists() {
        fs::remove_dir_all(place).with_context(|| format!("can't remove `{}`", place.display()))?;
    }
    Ok(())
}
