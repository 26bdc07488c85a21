//! Why a server could not start. Errors of requests never come here: they are answers.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The data folder, or a file in it, can't be made, read or written.
    #[error("can't use `{}` for the server's data: {source}", path.display())]
    Data {
        /// The file or folder concerned.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another running server has the data folder.
    #[error("the data folder `{}` is in use by another running server; stop that one, or choose another folder with `--data`", path.display())]
    InUse {
        /// The data folder.
        path: PathBuf,
    },
    /// A file in the data folder does not hold what it should. Nothing was changed.
    #[error("`{}` is damaged: {reason}; restore it, or remove it to have a new one made", path.display())]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The data folder was written by a newer version of S4.
    #[error("the index in `{}` was written by a newer version of S4 (format {found}, this one knows {known}); update S4", path.display())]
    NewerFormat {
        /// The data folder.
        path: PathBuf,
        /// The format found.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// The index can't be opened or brought into order.
    #[error("can't open the index in `{}`: {source}", path.display())]
    Index {
        /// The data folder.
        path: PathBuf,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The port used since the first start is taken by another program.
    #[error("port {} of {} is taken by another program; stop that program, choose another port with `--listen`, or remove `{}` to have a new port picked", address.port(), address.ip(), port_file.display())]
    PortTaken {
        /// The address wanted.
        address: SocketAddr,
        /// The file that remembers the port.
        port_file: PathBuf,
    },
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// The address wanted.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The default bucket's name is none that S3 allows.
    #[error(
        "`{name}` is no valid name for a bucket: use 2 to 63 lower-case letters, digits, dots and hyphens"
    )]
    BucketName {
        /// The name asked for.
        name: String,
    },
}
