//! Which targets may stand side by side.
//!
//! Two targets that share a folder or a prefix would sync each other's files for ever, or delete them. Decided here,
//! before anything is synced: [`check_apart`] is a pure function over [`Place`]s, and [`Place::of`] is the edge that
//! looks at the disk.
//!
//! Invariants:
//! - Folders are never equal and never one inside the other, by whatever names, links or mounts they are reached.
//! - Prefixes of one bucket are never one inside the other. They are equal only if a target allows it.

use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::{Config, ConfigError, S3Uri, StoreIdentity, Target, TargetName, canonical::canonical};

/// Where a target stands on the disk and in the store, in the one spelling that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The target.
    pub name: TargetName,
    /// The folder with all links resolved.
    pub folder: PathBuf,
    /// What the disk calls the folder and each directory above it, the folder first; of those that exist.
    pub directories: Vec<DirectoryIdentity>,
    /// Whether `directories` begins with the folder itself, that is, whether it exists.
    pub is_present: bool,
    /// The store.
    pub store: StoreIdentity,
    /// The bucket and prefix.
    pub s3_uri: S3Uri,
    /// Whether another target may have the same prefix.
    pub allow_same_prefix: bool,
}

/// What a disk calls a directory, however its path is spelled: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryIdentity(pub u64, pub u64);

/// Whether two spellings that differ in case name one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameCase {
    /// `Docs` and `docs` are two.
    Sensitive,
    /// `Docs` and `docs` are one.
    Insensitive,
}

/// Why a target cannot stand beside another.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Overlap {
    /// Both have the same folder.
    #[error("target `{name}` has the same folder as `{other}`: `{}`; choose another", folder.display())]
    SameFolder {
        /// The target that was checked.
        name: TargetName,
        /// The one that was there.
        other: TargetName,
        /// Their folder.
        folder: PathBuf,
    },
    /// One folder lies in the other.
    #[error("the folder `{}` of target `{inner}` lies in `{}` of `{outer}`; choose folders beside each other",
        inner_folder.display(), outer_folder.display())]
    NestedFolder {
        /// The target whose folder holds the other.
        outer: TargetName,
        /// Its folder.
        outer_folder: PathBuf,
        /// The target whose folder lies inside.
        inner: TargetName,
        /// Its folder.
        inner_folder: PathBuf,
    },
    /// Both have the same bucket and prefix.
    #[error(
        "target `{name}` has the same place in the bucket as `{other}`: {s3_uri}; choose another prefix, or allow \
        it with --allow-same-prefix"
    )]
    SamePrefix {
        /// The target that was checked.
        name: TargetName,
        /// The one that was there.
        other: TargetName,
        /// Their place.
        s3_uri: String,
    },
    /// One prefix lies in the other.
    #[error(
        "{inner_uri} of target `{inner}` lies in {outer_uri} of `{outer}`; choose prefixes beside each other"
    )]
    NestedPrefix {
        /// The target whose prefix holds the other.
        outer: TargetName,
        /// Its place.
        outer_uri: String,
        /// The target whose prefix lies inside.
        inner: TargetName,
        /// Its place.
        inner_uri: String,
    },
}

/// Why a target could not be compared with the others, or must not stand beside them.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// The folder's true path cannot be found.
    #[error("can't find out where the folder `{}` of target `{target}` is: {source}", folder.display())]
    Unresolved {
        /// The target.
        target: TargetName,
        /// Its folder as written.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another target cannot be read, so nothing can be said about it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// They share a folder or prefix.
    #[error(transparent)]
    Overlap(#[from] Overlap),
}

impl NameCase {
    /// Returns what holds for the usual file systems of this platform.
    ///
    /// Where it does not hold, a Linux folder that ignores case for example, the directories' identities still tell.
    pub const fn of_this_platform() -> Self {
        if cfg!(any(windows, target_os = "macos")) { Self::Insensitive } else { Self::Sensitive }
    }

    fn folded(self, path: &Path) -> PathBuf {
        match self {
            Self::Sensitive => path.to_owned(),
            Self::Insensitive => path.to_string_lossy().to_lowercase().into(),
        }
    }
}

impl Place {
    /// Looks up where the target's folder really is; the folder need not exist.
    pub fn of(target: &Target) -> Result<Self, PlaceError> {
        let folder = canonical(&target.local_folder).map_err(|source| PlaceError::Unresolved {
            target: target.name.clone(),
            folder: target.local_folder.clone(),
            source,
        })?;
        let identities: Vec<_> = folder.ancestors().map(identity).collect();
        Ok(Self {
            name: target.name.clone(),
            is_present: identities.first().is_some_and(Option::is_some),
            directories: identities.into_iter().flatten().collect(),
            folder,
            store: target.store_identity(),
            s3_uri: target.s3_uri.clone(),
            allow_same_prefix: target.allow_same_prefix,
        })
    }

    /// Returns whether `other` is this folder or lies in it.
    fn holds(&self, other: &Self, case: NameCase) -> bool {
        let own = self.directories.first().filter(|_| self.is_present);
        own.is_some_and(|own| other.directories.contains(own))
            || case.folded(&other.folder).starts_with(case.folded(&self.folder))
    }
}

/// Checks that `candidate` may stand beside each of `others`; an entry of its own name is passed over.
pub fn check_apart(candidate: &Place, others: &[Place], case: NameCase) -> Result<(), Overlap> {
    for other in others.iter().filter(|other| other.name != candidate.name) {
        check_folders(candidate, other, case)?;
        check_prefixes(candidate, other)?;
    }
    Ok(())
}

/// Checks `target` against every other target of `config`, on this machine's disks.
///
/// A target that cannot be read is an error here: without it nobody can say that the two are apart.
pub fn check_all(target: &Target, config: &Config) -> Result<(), PlaceError> {
    let others: Vec<_> = config
        .names()
        .filter(|name| *name != target.name.as_str())
        .map(|name| Place::of(&config.target(name)?))
        .collect::<Result<_, _>>()?;
    Ok(check_apart(&Place::of(target)?, &others, NameCase::of_this_platform())?)
}

fn check_folders(candidate: &Place, other: &Place, case: NameCase) -> Result<(), Overlap> {
    let nested = |outer: &Place, inner: &Place| Overlap::NestedFolder {
        outer: outer.name.clone(),
        outer_folder: outer.folder.clone(),
        inner: inner.name.clone(),
        inner_folder: inner.folder.clone(),
    };
    match (candidate.holds(other, case), other.holds(candidate, case)) {
        (false, false) => Ok(()),
        (true, false) => Err(nested(candidate, other)),
        (false, true) => Err(nested(other, candidate)),
        (true, true) => Err(Overlap::SameFolder {
            name: candidate.name.clone(),
            other: other.name.clone(),
            folder: candidate.folder.clone(),
        }),
    }
}

fn check_prefixes(candidate: &Place, other: &Place) -> Result<(), Overlap> {
    if candidate.store != other.store || candidate.s3_uri.bucket() != other.s3_uri.bucket() {
        return Ok(());
    }
    let nested = |outer: &Place, inner: &Place| Overlap::NestedPrefix {
        outer: outer.name.clone(),
        outer_uri: outer.s3_uri.to_string(),
        inner: inner.name.clone(),
        inner_uri: inner.s3_uri.to_string(),
    };
    if candidate.s3_uri.prefix() == other.s3_uri.prefix() {
        // Either target may have been added first, so either may carry the permission.
        if candidate.allow_same_prefix || other.allow_same_prefix {
            return Ok(());
        }
        return Err(Overlap::SamePrefix {
            name: candidate.name.clone(),
            other: other.name.clone(),
            s3_uri: candidate.s3_uri.to_string(),
        });
    }
    // With its slash a prefix matches whole parts only; an empty one holds everything.
    if other.s3_uri.prefix().starts_with(&candidate.s3_uri.key_prefix()) {
        Err(nested(candidate, other))
    } else if candidate.s3_uri.prefix().starts_with(&other.s3_uri.key_prefix()) {
        Err(nested(other, candidate))
    } else {
        Ok(())
    }
}

#[cfg(unix)]
fn identity(directory: &Path) -> Option<DirectoryIdentity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = directory.metadata().ok()?;
    Some(DirectoryIdentity(metadata.dev(), metadata.ino()))
}

/// Windows gives the true spelling of a path instead, which [`canonical`] asks for.
#[cfg(not(unix))]
fn identity(_directory: &Path) -> Option<DirectoryIdentity> {
    None
}
