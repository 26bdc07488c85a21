//! The trash of a folder: where everything goes that a sync replaces or removes.
//!
//! - `.s4/trash/<unix-ms>-<n>/<path>`: the time is the caller's, the path is the one it had.
//! - Going in and coming out are renames without replacing: nothing is copied and nothing is overwritten.
//! - A program that had the file open may still write to it; [`Folder::late_writer`] notices, and
//!   [`crate::batch::Batch::rescue`] brings it back under a conflict name, still the same inode.
//! - [`Folder::expire_trash`] is the only place where users' bytes are unlinked, and only below `.s4/trash`.

use s4_core::local::{Fingerprint, LocalEntry};
use s4_core::path::DiskPath;
use s4_core::remote::UnixMillis;

use crate::batch::{Batch, SwapError};
use crate::disk::{DiskResult, EntryName, Kind, Stat};
use crate::error::{DiskError, DiskErrorKind};
use crate::folder::{Folder, TRASH, own};

/// An entry that was moved aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrashedEntry {
    /// Where it lies, below `.s4`.
    pub place: DiskPath,
    /// Where it stood.
    pub original: DiskPath,
    /// What it was known by when it came out; `None` for a directory.
    pub fingerprint: Option<Fingerprint>,
}

/// What became of an entry since it went to trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateWriter {
    /// Nobody wrote to it.
    Unchanged,
    /// Somebody did: these bytes exist nowhere else and belong into a conflict copy.
    Changed,
    /// It is no longer in the trash.
    Gone,
}

/// One file or link in the trash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrashItem {
    /// Where it lies.
    pub place: DiskPath,
    /// Where it stood.
    pub original: DiskPath,
    /// When it was moved there, as the caller said then.
    pub trashed_at: UnixMillis,
    /// What it is.
    pub entry: LocalEntry,
}

/// What [`Folder::expire_trash`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Number of files and links removed for good.
    pub removed: usize,
    /// Their length in bytes.
    pub bytes: u64,
    /// What could not be removed; the next call tries again.
    pub problems: Vec<DiskError>,
}

impl Folder {
    /// Returns every file and link in the trash, the oldest deletion first, with what could not be read.
    pub fn list_trash(&self) -> (Vec<TrashItem>, Vec<DiskError>) {
        let mut items = Vec::new();
        let mut problems = Vec::new();
        for top in self.trash_tops(&mut problems) {
            self.list_below(&top, &mut items, &mut problems);
        }
        items.sort_by(|left, right| {
            (left.trashed_at, &left.original, &left.place).cmp(&(
                right.trashed_at,
                &right.original,
                &right.place,
            ))
        });
        (items, problems)
    }

    /// Stats an entry in trash again, to notice a program that had it open and wrote to it.
    ///
    /// Compares size, mtime, ctime and inode with those it had when it came out. Directories never change here.
    pub fn late_writer(&self, trashed: &TrashedEntry) -> DiskResult<LateWriter> {
        let Some(stat) = self.disk().lstat(&trashed.place)? else {
            let is_away = self.is_lost(&trashed.place)?;
            return Ok(if is_away { LateWriter::Unchanged } else { LateWriter::Gone });
        };
        let unchanged = trashed.fingerprint.is_none_or(|fingerprint| fingerprint == stat.fingerprint);
        Ok(if unchanged { LateWriter::Unchanged } else { LateWriter::Changed })
    }

    /// Removes for good what went to trash before `before`, a deletion at a time.
    ///
    /// `keep` says which places must stay: those that a late writer has changed since, and those that an intent
    /// names.
    pub fn expire_trash(&self, before: UnixMillis, keep: &dyn Fn(&DiskPath) -> bool) -> Expired {
        let mut expired = Expired::default();
        let tops = self.trash_tops(&mut expired.problems);
        for top in tops.into_iter().filter(|top| top.trashed_at < before) {
            self.expire_top(&top, keep, &mut expired);
        }
        expired
    }

    /// Returns the directories of all deletions.
    fn trash_tops(&self, problems: &mut Vec<DiskError>) -> Vec<TrashTop> {
        let mut tops = Vec::new();
        for home in self.homes() {
            let trash = own(&home, TRASH);
            let listed = self.disk().read_dir(&trash, &mut |item| {
                if let (EntryName::Text(name), Ok(stat)) = (&item.name, &item.stat)
                    && let (Some(trashed_at), Kind::Dir) = (time_of(name), stat.kind)
                {
                    tops.push(TrashTop { path: trash.join(name), trashed_at });
                }
            });
            problems.extend(listed.err());
        }
        tops.sort_by(|left, right| (left.trashed_at, &left.path).cmp(&(right.trashed_at, &right.path)));
        tops
    }

    fn list_below(&self, top: &TrashTop, items: &mut Vec<TrashItem>, problems: &mut Vec<DiskError>) {
        let below = self.entries_below(&top.path, problems);
        for (place, stat) in below {
            if stat.kind == Kind::Dir {
                continue;
            }
            let original = DiskPath::new(&place.as_str()[top.path.as_str().len() + 1..]);
            match self.entry_of(&place, &stat) {
                Ok(entry) => {
                    items.push(TrashItem { place, original, trashed_at: top.trashed_at, entry });
                }
                Err(error) => problems.push(error),
            }
        }
    }

    /// Returns everything below `directory`, each directory before what it holds.
    fn entries_below(&self, directory: &DiskPath, problems: &mut Vec<DiskError>) -> Vec<(DiskPath, Stat)> {
        let mut found: Vec<(DiskPath, Stat)> = Vec::new();
        let mut waiting = vec![directory.clone()];
        while let Some(directory) = waiting.pop() {
            let listed = self.disk().read_dir(&directory, &mut |item| match (item.name, item.stat) {
                (EntryName::Text(name), Ok(stat)) => {
                    let path = directory.join(&name);
                    if stat.kind == Kind::Dir {
                        waiting.push(path.clone());
                    }
                    found.push((path, stat));
                }
                (_, Err(error)) if error.kind == DiskErrorKind::Missing => {}
                (_, Err(error)) => problems.push(error),
                // Only what has a path is moved here; such a name was made by somebody else, and stays.
                (EntryName::Unprintable(_), Ok(_)) => {}
            });
            problems.extend(listed.err());
        }
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        found
    }

    /// Unlinks what one deletion holds, and then its directories, the deepest first.
    fn expire_top(&self, top: &TrashTop, keep: &dyn Fn(&DiskPath) -> bool, expired: &mut Expired) {
        let below = self.entries_below(&top.path, &mut expired.problems);
        for (place, stat) in below.iter().rev() {
            let outcome = match stat.kind {
                // A directory that still holds something stays, and is tried again the next time.
                Kind::Dir => self.disk().remove_dir(place),
                Kind::File | Kind::Symlink | Kind::Special if keep(place) => Ok(()),
                // This is the end of the retention that the target asked for: the one place where users' bytes
                // are unlinked. Every path here begins with `.s4/trash/<unix-ms>-<n>/`, and no part is a link.
                Kind::File | Kind::Symlink | Kind::Special => self.disk().unlink(place).map(|()| {
                    expired.removed += 1;
                    expired.bytes += stat.fingerprint.size;
                }),
            };
            match outcome {
                Ok(()) => {}
                Err(error) if is_settled(error.kind) => {}
                Err(error) => expired.problems.push(error),
            }
        }
        match self.disk().remove_dir(&top.path) {
            Ok(()) => {}
            Err(error) if is_settled(error.kind) => {}
            Err(error) => expired.problems.push(error),
        }
    }
}

impl Batch {
    /// Moves an entry out of trash, or out of a parking place, to the free name `to`, and returns its fingerprint.
    ///
    /// It stays the same inode: a program that has it open goes on writing to it under its new name. Fails with
    /// [`SwapError::Occupied`] if the name is taken, with [`SwapError::Changed`] if the entry is gone, and with a
    /// [`DiskErrorKind::Missing`] if there is no directory for `to`.
    pub fn rescue(&self, place: &DiskPath, to: &DiskPath) -> Result<Option<Fingerprint>, SwapError> {
        self.disk().step("rescue:before")?;
        // Nothing can be lost: a rename to a free name.
        self.disk().rename(place, to).map_err(|error| match error.kind {
            DiskErrorKind::Occupied => SwapError::Occupied { path: to.clone() },
            _ => self.gone_or(error, place),
        })?;
        self.moved(place, to);
        self.disk().step("rescue:done")?;
        let stat = self.disk().lstat(to)?;
        Ok(stat.filter(|stat| stat.kind != Kind::Dir).map(|stat| stat.fingerprint))
    }
}

/// One deletion in trash.
struct TrashTop {
    path: DiskPath,
    trashed_at: UnixMillis,
}

/// Returns whether nothing is left to do or to tell about a removal that failed like this.
fn is_settled(kind: DiskErrorKind) -> bool {
    matches!(kind, DiskErrorKind::Missing | DiskErrorKind::NotEmpty)
}

/// Returns the time in `<unix-ms>-<n>`, `None` for any other name.
fn time_of(name: &str) -> Option<UnixMillis> {
    let (time, number) = name.rsplit_once('-')?;
    number.parse::<u64>().ok()?;
    time.parse().ok().map(UnixMillis)
}
