//! Which replica a folder holds, and whether what is remembered of it is still true.
//!
//! It decides, before a run, whether the baseline may be believed, and under which name this replica goes on. It
//! never looks at the synced files, and never decides by device or inode numbers, which are recycled.
//!
//! Three places count the runs of one folder:
//! - inside, the database, and the mark `.s4/root` with the identity of the root, which travels with the folder
//!   even where the database does not; what is older of the two counts;
//! - outside, a record in the platform's state directory, which stays when a folder is restored or copied.
//!
//! Invariants:
//! - A run counts inside first and outside last, each durably: a crash in between leaves the inside ahead, never
//!   behind. So an inside that is behind was put back from an earlier time.
//! - Where the baseline may be older or newer than the files it is voided before the new identity is recorded: the
//!   next run is a union, which deletes nothing.
//! - A folder that has no mark but a record is not touched: it may be the empty place where a drive belongs.

mod machine;
mod mark;
mod record;
mod surroundings;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use s4_local::disk::Disk;
use s4_local::error::DiskError;

use self::mark::Mark;
pub use self::record::{DirectoryRecords, MemoryRecords, Record, RecordError, RecordStore, folder_name};
pub use self::surroundings::{Occupant, Surroundings, ThisMachine};
use crate::db::{DbError, Identity, StateDb};

/// Why a run could not begin. Nothing was changed that the next attempt would misread.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The folder was synced before, and the mark of that is gone: it may not be mounted.
    #[error(
        "`{}` was synced before, but what S4 kept in it is gone; nothing was changed. If a drive belongs there, \
         connect it; if the folder is meant to be new, reset the target",
        folder.display()
    )]
    NotMounted {
        /// The folder.
        folder: PathBuf,
    },
    /// The mark cannot be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The database cannot be used.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The record cannot be used.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// What a folder is, by everything that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assessment {
    /// It was never synced, or only its mark was made.
    Fresh,
    /// It is as the last run here left it.
    Continue,
    /// It was synced elsewhere since; or the last run here was cut off before it was recorded.
    UsedElsewhere,
    /// Nothing is recorded of it here: a drive from another computer, or the records are gone.
    NoRecord,
    /// It was synced from here, but its database is new: the old one was damaged or removed.
    Forgotten,
    /// It is older than the last run from here, or all of it was copied to another computer.
    RestoredOrCopied,
    /// It is a copy of a folder that is still there.
    Twin,
    /// It is not the folder that was synced.
    NotMounted,
}

impl Assessment {
    /// Returns whether rows tell what disk and bucket were when they last agreed.
    pub fn keeps_baseline(self) -> bool {
        match self {
            Self::Fresh | Self::Continue | Self::UsedElsewhere | Self::NoRecord => true,
            Self::Forgotten | Self::RestoredOrCopied | Self::Twin | Self::NotMounted => false,
        }
    }

    /// Returns whether no other folder can go by the same replica id.
    pub fn keeps_replica_id(self) -> bool {
        match self {
            Self::Continue | Self::UsedElsewhere => true,
            Self::Fresh
            | Self::NoRecord
            | Self::Forgotten
            | Self::RestoredOrCopied
            | Self::Twin
            | Self::NotMounted => false,
        }
    }

    /// Returns what a person should know, if there is anything.
    pub fn notice(self) -> Option<&'static str> {
        match self {
            Self::Fresh | Self::Continue | Self::UsedElsewhere | Self::NoRecord => None,
            Self::Forgotten => Some(
                "what S4 remembered of this folder is gone; this run compares both sides anew and deletes nothing",
            ),
            Self::RestoredOrCopied => Some(
                "this folder was restored or copied from an earlier time or another computer; \
                 this run compares both sides anew and deletes nothing",
            ),
            Self::Twin => Some(
                "this folder is a copy of another synced folder; from now on it is one of its own, \
                 and this run deletes nothing",
            ),
            Self::NotMounted => Some("this is not the folder that was synced before"),
        }
    }
}

/// Everything that is known of a folder before a run.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Whether the folder has a readable mark.
    pub is_marked: bool,
    /// How many runs the inside counts; `None` if the database is new, or speaks of another root.
    pub inside: Option<u64>,
    /// What is recorded of this root.
    pub record: Option<&'a Record>,
    /// What is now where that record says that the root is.
    pub occupant: Occupant,
    /// Whether any record, of this root or another, says that its folder is here.
    pub is_recorded_here: bool,
    /// This computer.
    pub machine_id: &'a str,
}

/// Decides what a folder is.
pub fn assess(evidence: Evidence<'_>) -> Assessment {
    if !evidence.is_marked {
        // An empty folder and an unmounted one look the same; only the record tells them apart.
        return if evidence.is_recorded_here { Assessment::NotMounted } else { Assessment::Fresh };
    }
    let Some(record) = evidence.record else {
        // Without a record nobody can tell a drive that came from elsewhere from a copy of one. What the baseline
        // says came with the files, so it holds for both; but a copy must not go by the name of the other.
        return if evidence.inside.is_some() { Assessment::NoRecord } else { Assessment::Fresh };
    };
    match evidence.occupant {
        // Two folders with one mark: the recorded one is the original, whatever the counts say, for both count on.
        Occupant::Twin => return Assessment::Twin,
        // The folder is known by another path (a bind mount), or was moved: the record follows it.
        Occupant::This | Occupant::Gone => {}
    }
    let Some(inside) = evidence.inside else { return Assessment::Forgotten };
    let is_same_machine = record.machine_id == evidence.machine_id;
    match (inside.cmp(&record.generation), is_same_machine) {
        // A run is counted inside before it is outside: only an older state of the inside can be behind.
        (std::cmp::Ordering::Less, _) => Assessment::RestoredOrCopied,
        (std::cmp::Ordering::Equal, true) => Assessment::Continue,
        // The record was copied along with the folder: both computers would go by one name.
        (std::cmp::Ordering::Equal, false) => Assessment::RestoredOrCopied,
        (std::cmp::Ordering::Greater, true) => Assessment::UsedElsewhere,
        // A record that came from another computer says as little as none.
        (std::cmp::Ordering::Greater, false) => Assessment::NoRecord,
    }
}

/// A folder and what surrounds it.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    /// The disk below the folder.
    pub disk: &'a dyn Disk,
    /// The folder, with all links resolved.
    pub folder: &'a Path,
    /// The records outside.
    pub records: &'a dyn RecordStore,
    /// This computer, and the folders beside this one.
    pub surroundings: &'a dyn Surroundings,
}

/// A run that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What the folder was found to be.
    pub assessment: Assessment,
    /// The identity of the root: what the database is to be bound to.
    pub root_id: String,
    /// Which replica this is, and which of its runs.
    pub identity: Identity,
}

/// Fails with [`IdentityError::NotMounted`] if the folder was synced before and its mark is gone.
///
/// To be called before anything is created in the folder: the database and `.s4` too.
pub fn check_mounted(here: Here<'_>) -> Result<(), IdentityError> {
    let is_marked = mark::read(here.disk)?.is_some();
    if !is_marked && !here.records.of_folder(&folder_name(here.folder))?.is_empty() {
        return Err(IdentityError::NotMounted { folder: here.folder.to_owned() });
    }
    Ok(())
}

/// Assesses the folder, acts on that, and counts this run.
///
/// The caller holds the folder's lock. Afterwards the caller binds `db` to [`Run::root_id`]. After
/// an error or a crash at any point the next call comes to the same end, or to one that keeps less.
pub fn begin_run(here: Here<'_>, db: &dyn StateDb) -> Result<Run, IdentityError> {
    let mark = mark::read(here.disk)?;
    let folder = folder_name(here.folder);
    let record = match &mark {
        Some(mark) => here.records.of_root(&mark.root_id)?,
        None => None,
    };
    let known = known_identity(db, mark.as_ref())?;
    let machine_id = here.surroundings.machine_id();
    let assessment = assess(Evidence {
        is_marked: mark.is_some(),
        inside: known.as_ref().zip(mark.as_ref()).map(|(known, mark)| known.generation.min(mark.generation)),
        record: record.as_ref(),
        occupant: record.as_ref().map_or(Occupant::Gone, |record| {
            here.surroundings.occupant(Path::new(&record.folder), &record.root_id, here.folder)
        }),
        is_recorded_here: !here.records.of_folder(&folder)?.is_empty(),
        machine_id: &machine_id,
    });
    if assessment == Assessment::NotMounted {
        return Err(IdentityError::NotMounted { folder: here.folder.to_owned() });
    }
    let inside = known.as_ref().map_or(0, |known| known.generation);
    let latest = record.as_ref().map_or(inside, |record| record.generation.max(inside));
    let replica_id = match known {
        Some(known) if assessment.keeps_replica_id() => known.replica_id,
        Some(_) | None => here.surroundings.new_id(),
    };
    if !assessment.keeps_baseline() {
        // Before anything that would make the folder look as if it went on.
        db.void()?;
    }
    let identity = Identity { replica_id, generation: latest.saturating_add(1) };
    let root_id = match mark {
        Some(mark) if assessment != Assessment::Twin => mark.root_id,
        Some(_) | None => {
            let root_id = here.surroundings.new_id();
            mark::replace(here.disk, &Mark { root_id: root_id.clone(), generation: 0 })?;
            root_id
        }
    };
    count(here, db, &root_id, &identity)?;
    Ok(Run { assessment, root_id, identity })
}

/// Counts on within a run that lasts: a backup made before can be told from one made after.
///
/// For a run of days, at its end and whenever it has changed much.
pub fn advance(here: Here<'_>, db: &dyn StateDb, run: &mut Run) -> Result<(), IdentityError> {
    let identity = Identity { generation: run.identity.generation.saturating_add(1), ..run.identity.clone() };
    count(here, db, &run.root_id, &identity)?;
    run.identity = identity;
    Ok(())
}

/// Drops every record that says its folder is here: whoever removes or resets a target has said what it is.
pub fn forget_folder(records: &dyn RecordStore, folder: &Path) -> Result<(), RecordError> {
    for record in records.of_folder(&folder_name(folder))? {
        records.forget(&record.root_id)?;
    }
    Ok(())
}

/// Counts a run: inside, then outside.
fn count(here: Here<'_>, db: &dyn StateDb, root_id: &str, identity: &Identity) -> Result<(), IdentityError> {
    db.set_identity(identity)?;
    mark::stamp(here.disk, &Mark { root_id: root_id.to_owned(), generation: identity.generation })?;
    here.records.put(&Record {
        root_id: root_id.to_owned(),
        generation: identity.generation,
        machine_id: here.surroundings.machine_id(),
        folder: folder_name(here.folder),
    })?;
    Ok(())
}

/// Returns which replica the database says this is, unless it speaks of another root.
fn known_identity(db: &dyn StateDb, mark: Option<&Mark>) -> Result<Option<Identity>, DbError> {
    let speaks_of_another = match (db.binding()?, mark) {
        (Some(binding), Some(mark)) => binding.root_id != mark.root_id,
        (Some(_), None) => true,
        // It was never bound: the first run was cut off before that, and there are no rows.
        (None, Some(_) | None) => false,
    };
    if speaks_of_another { Ok(None) } else { db.identity() }
}
