//! What is under way and what was done: intents, trash, deletions that count, activity.

use rusqlite::{OptionalExtension as _, Row, Transaction};
use s4_core::context::{Deletions, GuardHistory};
use s4_core::deletion_window::DeletionWindow;
use s4_core::local::FileId;
use s4_core::path::DiskPath;
use s4_core::plan::Side;
use s4_core::remote::UnixMillis;
use s4_local::intent::{Expected, Intent, IntentId, IntentKind, Staging};
use s4_local::trash::TrashedEntry;

use super::fault::{Fault, Found};
use super::{codec, files};
use crate::db::{ACTIVITY_LINES, Activity, ActivityKind, Commit};

/// Every kind of activity at the place of its number.
const KINDS: [ActivityKind; 9] = [
    ActivityKind::Uploaded,
    ActivityKind::Downloaded,
    ActivityKind::DeletedRemote,
    ActivityKind::DeletedLocal,
    ActivityKind::MovedRemote,
    ActivityKind::MovedLocal,
    ActivityKind::KeptBoth,
    ActivityKind::Adjusted,
    ActivityKind::Rescued,
];

/// Records an intent.
pub(super) fn record_intent(transaction: &Transaction<'_>, intent: &Intent) -> Found<IntentId> {
    let (expected_entry, expected_dir) = match &intent.expected {
        Expected::Entry(fingerprint) => (Some(codec::fingerprint_bytes(fingerprint)), None),
        Expected::Dir(file_id) => (None, Some(file_id.0.cast_signed())),
    };
    let (kind, other) = match &intent.kind {
        IntentKind::Remove => (0, None),
        IntentKind::Replace { trash, .. } => (1, Some(trash.as_str())),
        IntentKind::KeepBoth { keep_as, .. } => (2, Some(keep_as.as_str())),
        IntentKind::Rename { to } => (3, Some(to.as_str())),
        IntentKind::Exchange { other } => (4, Some(other.as_str())),
    };
    let staged = intent.kind.staged();
    transaction
        .prepare_cached(
            "INSERT INTO intents (path, parked_at, expected_entry, expected_dir, kind, staged_at,
             staged_fingerprint, other) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            intent.path.as_str(),
            intent.parked_at.as_str(),
            expected_entry,
            expected_dir,
            kind,
            staged.map(|staged| staged.at.as_str()),
            staged.map(|staged| codec::fingerprint_bytes(&staged.fingerprint)),
            other,
        ))?;
    Ok(IntentId(transaction.last_insert_rowid()))
}

/// Returns the intents that are not settled, oldest first.
pub(super) fn intents(transaction: &Transaction<'_>) -> Found<Vec<(IntentId, Intent)>> {
    let mut statement = transaction.prepare_cached(
        "SELECT id, path, parked_at, expected_entry, expected_dir, kind, staged_at, staged_fingerprint, other
         FROM intents ORDER BY id",
    )?;
    let mut rows = statement.query(())?;
    let mut intents = Vec::new();
    while let Some(row) = rows.next()? {
        intents.push(decode_intent(row)?);
    }
    Ok(intents)
}

fn decode_intent(row: &Row<'_>) -> Found<(IntentId, Intent)> {
    let damaged = || Fault::damaged("an intent");
    let expected = match (codec::optional_fingerprint(row, 3)?, row.get_ref(4)?.as_i64_or_null()?) {
        (Some(fingerprint), None) => Expected::Entry(fingerprint),
        (None, Some(file_id)) => Expected::Dir(FileId(file_id.cast_unsigned())),
        (Some(_), Some(_)) | (None, None) => return Err(damaged()),
    };
    let staged = match (row.get_ref(6)?.as_str_or_null()?, codec::optional_fingerprint(row, 7)?) {
        (Some(at), Some(fingerprint)) => Some(Staging { at: DiskPath::new(at), fingerprint }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(damaged()),
    };
    let other = row.get_ref(8)?.as_str_or_null()?.map(DiskPath::new);
    let kind = match (row.get_ref(5)?.as_i64()?, staged, other) {
        (0, None, None) => IntentKind::Remove,
        (1, Some(staged), Some(trash)) => IntentKind::Replace { staged, trash },
        (2, Some(staged), Some(keep_as)) => IntentKind::KeepBoth { staged, keep_as },
        (3, None, Some(to)) => IntentKind::Rename { to },
        (4, None, Some(other)) => IntentKind::Exchange { other },
        _ => return Err(damaged()),
    };
    let path = DiskPath::new(row.get_ref(1)?.as_str()?);
    let parked_at = DiskPath::new(row.get_ref(2)?.as_str()?);
    Ok((IntentId(row.get_ref(0)?.as_i64()?), Intent { path, parked_at, expected, kind }))
}

/// Drops intents whose steps are durable.
pub(super) fn settle(transaction: &Transaction<'_>, settled: &[IntentId]) -> Found<()> {
    let mut statement = transaction.prepare_cached("DELETE FROM intents WHERE id = ?1")?;
    for id in settled {
        statement.execute((id.0,))?;
    }
    Ok(())
}

/// Keeps what went to the trash.
pub(super) fn add_trashed(transaction: &Transaction<'_>, commit: &Commit) -> Found<()> {
    let mut statement = transaction
        .prepare_cached("REPLACE INTO trashed (place, original, fingerprint, at) VALUES (?1, ?2, ?3, ?4)")?;
    for entry in &commit.trashed {
        let fingerprint = entry.fingerprint.as_ref().map(codec::fingerprint_bytes);
        statement.execute((entry.place.as_str(), entry.original.as_str(), fingerprint, commit.at.0))?;
    }
    Ok(())
}

/// Returns what went to the trash not before `since`, the oldest first.
pub(super) fn trashed_since(
    transaction: &Transaction<'_>,
    since: UnixMillis,
) -> Found<Vec<(UnixMillis, TrashedEntry)>> {
    let mut statement = transaction.prepare_cached(
        "SELECT place, original, fingerprint, at FROM trashed WHERE at >= ?1 ORDER BY at, place",
    )?;
    let mut rows = statement.query((since.0,))?;
    let mut trashed = Vec::new();
    while let Some(row) = rows.next()? {
        let entry = TrashedEntry {
            place: DiskPath::new(row.get_ref(0)?.as_str()?),
            original: DiskPath::new(row.get_ref(1)?.as_str()?),
            fingerprint: codec::optional_fingerprint(row, 2)?,
        };
        trashed.push((UnixMillis(row.get_ref(3)?.as_i64()?), entry));
    }
    Ok(trashed)
}

/// Forgets one entry of the trash.
pub(super) fn forget_trashed(transaction: &Transaction<'_>, place: &DiskPath) -> Found<()> {
    transaction.prepare_cached("DELETE FROM trashed WHERE place = ?1")?.execute((place.as_str(),))?;
    Ok(())
}

/// Adds the deletions of a batch to the windows, before its rows change.
pub(super) fn count_deletions(transaction: &Transaction<'_>, commit: &Commit) -> Found<()> {
    for (side, count) in &commit.deletions {
        let mut window = window(transaction, *side)?;
        // Only the first of a window is measured; counting a large table takes a moment.
        let tree = if window.as_of(commit.at).count == 0 { files::count(transaction)? } else { 0 };
        window.add(commit.at, *count, tree);
        let DeletionWindow { last, deletions: Deletions { count, tree_then } } = window;
        transaction.execute(
            "REPLACE INTO deletions (side, last, count, tree_then) VALUES (?1, ?2, ?3, ?4)",
            (side_number(*side), last.0, count.cast_signed(), tree_then.cast_signed()),
        )?;
    }
    Ok(())
}

/// Returns the deletions that count at `now`.
pub(super) fn guard_history(transaction: &Transaction<'_>, now: UnixMillis) -> Found<GuardHistory> {
    Ok(GuardHistory {
        local: window(transaction, Side::Local)?.as_of(now),
        remote: window(transaction, Side::Remote)?.as_of(now),
    })
}

fn window(transaction: &Transaction<'_>, side: Side) -> Found<DeletionWindow> {
    let found = transaction.query_row(
        "SELECT last, count, tree_then FROM deletions WHERE side = ?1",
        (side_number(side),),
        |row| {
            let deletions = Deletions {
                count: row.get::<_, i64>(1)?.cast_unsigned(),
                tree_then: row.get::<_, i64>(2)?.cast_unsigned(),
            };
            Ok(DeletionWindow { last: UnixMillis(row.get(0)?), deletions })
        },
    );
    Ok(found.optional()?.unwrap_or_default())
}

fn side_number(side: Side) -> i64 {
    match side {
        Side::Local => 0,
        Side::Remote => 1,
    }
}

/// Adds lines to the log, and drops the oldest beyond its length.
pub(super) fn add_activity(transaction: &Transaction<'_>, lines: &[Activity]) -> Found<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut statement =
        transaction.prepare_cached("INSERT INTO activity (at, path, kind, bytes) VALUES (?1, ?2, ?3, ?4)")?;
    for line in lines {
        let bytes = line.bytes.cast_signed();
        statement.execute((line.at.0, line.path.as_str(), kind_number(line.kind), bytes))?;
    }
    // Ids only grow, and none is left out.
    let oldest = transaction.last_insert_rowid() - i64::try_from(ACTIVITY_LINES).unwrap_or(i64::MAX);
    transaction.prepare_cached("DELETE FROM activity WHERE id <= ?1")?.execute((oldest,))?;
    Ok(())
}

/// Returns the last lines of the log, the latest first.
pub(super) fn activity(transaction: &Transaction<'_>, limit: usize) -> Found<Vec<Activity>> {
    let mut statement =
        transaction.prepare_cached("SELECT at, path, kind, bytes FROM activity ORDER BY id DESC LIMIT ?1")?;
    let mut rows = statement.query((i64::try_from(limit).unwrap_or(i64::MAX),))?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let number = usize::try_from(row.get_ref(2)?.as_i64()?).ok();
        let kind = number.and_then(|number| KINDS.get(number));
        lines.push(Activity {
            at: UnixMillis(row.get_ref(0)?.as_i64()?),
            path: codec::text_path(row, 1)?,
            kind: *kind.ok_or_else(|| Fault::damaged("a line of the log"))?,
            bytes: row.get_ref(3)?.as_i64()?.cast_unsigned(),
        });
    }
    Ok(lines)
}

/// Returns the number that [`KINDS`] gives a kind.
fn kind_number(kind: ActivityKind) -> i64 {
    match kind {
        ActivityKind::Uploaded => 0,
        ActivityKind::Downloaded => 1,
        ActivityKind::DeletedRemote => 2,
        ActivityKind::DeletedLocal => 3,
        ActivityKind::MovedRemote => 4,
        ActivityKind::MovedLocal => 5,
        ActivityKind::KeptBoth => 6,
        ActivityKind::Adjusted => 7,
        ActivityKind::Rescued => 8,
    }
}
