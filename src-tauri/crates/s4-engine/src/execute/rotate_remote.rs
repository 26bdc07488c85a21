//! Objects that change places because their files did: no content passes through here.
//!
//! - One content has no place while the others move on: it is held as the old version of a versioned bucket, else in
//!   the bucket's trash. Where there is neither, that one is sent from its file, and it is the smallest.
//! - The files are here all the time. So wherever this stops, the next plan finds the objects that were replaced to be
//!   their files already, and copies or sends the others.

use std::sync::Arc;

use s4_core::baseline::{FileRow, RowContent};
use s4_core::capabilities::Versioning;
use s4_core::digest::Digest;
use s4_core::local::{Fingerprint, LocalEntry};
use s4_core::plan::{RemoteExpectation, RemoteTurn, RowChange, Side};
use s4_core::remote::{RemoteObject, VersionId};
use s4_local::failpoint;
use s4_store::store::Written;

use super::{copy, precondition, send};
use crate::db::ActivityKind;
use crate::session::{Done, Session, StepResult, Stop};

/// Where the first content is while its key is taken by another.
struct Held {
    object: RemoteObject,
    version: Option<VersionId>,
    /// Whether it is a copy of our own.
    is_copy: bool,
}

/// Gives each object the content of the next one, and the last that of the first.
pub(super) async fn rotate(session: &Arc<Session>, turns: &[RemoteTurn]) -> StepResult {
    let [first, rest @ ..] = turns else { return Ok(Done::default()) };
    let Some(last) = rest.last() else { return Ok(Done::default()) };
    let known = turns.iter().map(|turn| known(session, turn)).collect::<StepResult<Vec<_>>>()?;
    must_be_in_place(session, turns).await?;
    let held = hold(session, first, last, known[0].0.crc64nvme).await?;
    failpoint::hit("rotate:held");

    let mut rows = Vec::new();
    for ((turn, next), content) in turns.iter().zip(rest).zip(&known[1..]) {
        let source =
            copy::Source { object: &next.object, version: None, crc64nvme: Some(content.0.crc64nvme) };
        rows.extend(copy_to(session, turn, source, content).await?);
        failpoint::hit("rotate:copied");
    }
    let Some(held) = held else {
        // Nothing is lost: the content is in the file, which is checked while it is read.
        let replaces = RemoteExpectation::Version(last.object.etag.clone());
        let key = &last.object.key;
        let mut done =
            send::upload(session, &last.path, &last.disk, &last.local, key, &replaces, false).await?;
        done.rows.splice(0..0, rows);
        return Ok(done);
    };
    let source = copy::Source {
        object: &held.object,
        version: held.version.as_ref(),
        crc64nvme: Some(known[0].0.crc64nvme),
    };
    rows.extend(copy_to(session, last, source, &known[0]).await?);
    if held.is_copy {
        // It stands under its new key, confirmed. What cannot be removed expires with the trash.
        if let Err(why) = precondition::delete(session, &held.object.key, &held.object.etag).await {
            tracing::debug!(key = %held.object.key, ?why, "a copy in the bucket's trash stays until it expires");
        }
    }
    Ok(Done { rows, activity: Some((ActivityKind::MovedRemote, 0)), ..Done::default() })
}

/// What is known of the content that an object has: its hashes, and when which file was read for them.
type Known = (Digest, Fingerprint, i64);

fn known(session: &Session, turn: &RemoteTurn) -> StepResult<Known> {
    match session.row(&turn.path) {
        Some(FileRow { content: RowContent::File { digest, .. }, fingerprint, read_time_ns, .. }) => {
            Ok((digest, fingerprint, read_time_ns))
        }
        Some(_) | None => Err(Stop::Again("the source is no longer known".to_owned())),
    }
}

/// Succeeds only if every file is what was planned.
async fn must_be_in_place(session: &Arc<Session>, turns: &[RemoteTurn]) -> StepResult<()> {
    for turn in turns {
        let at = turn.disk.clone();
        let now = session.blocking(move |session| session.folder().look(&at)).await?;
        if now.as_ref() != Some(&turn.local) {
            return Err(Stop::Again("a renamed file changed".to_owned()));
        }
    }
    Ok(())
}

/// Sees to it that the first content can be copied when its key has another; `None` where there is no place for it.
async fn hold(
    session: &Arc<Session>,
    first: &RemoteTurn,
    last: &RemoteTurn,
    crc64nvme: u64,
) -> StepResult<Option<Held>> {
    let object = &first.object;
    if session.capabilities.versioning == Versioning::Enabled {
        let replaces = RemoteExpectation::Version(last.object.etag.clone());
        if !copy::is_one_request(session, object.size, &replaces) {
            return Ok(None);
        }
        let version = match precondition::look(session, &object.key).await? {
            Some(head) if head.etag == object.etag => head.version_id,
            Some(_) | None => return Err(Stop::Again("another version stands in the bucket".to_owned())),
        };
        return Ok(version.map(|version| Held {
            object: object.clone(),
            version: Some(version),
            is_copy: false,
        }));
    }
    let Some(trash) = &session.bucket_trash else { return Ok(None) };
    let key = session.prefix.own_key(&format!("trash/{trash}/{}", first.path));
    let source = copy::Source { object, version: None, crc64nvme: Some(crc64nvme) };
    let attributes = send::attributes(session, &first.path, &first.local, &RemoteExpectation::Absent, &[]);
    let Written { etag, .. } =
        match copy::copy(session, source, &key, &RemoteExpectation::Absent, attributes).await {
            // The store cannot put it there.
            Err(Stop::Path(Side::Remote, _)) => return Ok(None),
            copied => copied?,
        };
    Ok(Some(Held { object: RemoteObject { key, etag, ..object.clone() }, version: None, is_copy: true }))
}

/// Replaces the object of one path by a copy of `source`, or by its file where the store cannot copy; returns its row.
async fn copy_to(
    session: &Arc<Session>,
    turn: &RemoteTurn,
    source: copy::Source<'_>,
    (digest, before, read_time_ns): &Known,
) -> StepResult<Vec<RowChange>> {
    let LocalEntry::File(file) = &turn.local else {
        return Err(Stop::Again("it is no file any longer".to_owned()));
    };
    let replaces = RemoteExpectation::Version(turn.object.etag.clone());
    let key = &turn.object.key;
    let attributes = copy::attributes(session, &turn.path, &turn.local, key, &replaces).await?;
    let content = RowContent::File { digest: *digest, executable: attributes.metadata.executable };
    // Nothing is lost: what is replaced is the version that was planned. Its content was copied on, or is held, and
    // its file is here.
    let written = match copy::copy(session, source, key, &replaces, attributes).await {
        Err(Stop::Path(Side::Remote, why)) => {
            tracing::debug!(path = %turn.path, why, "a file is sent, because its object cannot be copied");
            let sent =
                send::upload(session, &turn.path, &turn.disk, &turn.local, key, &replaces, false).await?;
            return Ok(sent.rows);
        }
        copied => copied?,
    };
    let is_verified = copy::is_verified(before, &file.fingerprint);
    let read_time_ns = if is_verified { *read_time_ns } else { i64::MIN };
    let row = copy::copied_row(key, &turn.disk, content, file.fingerprint, read_time_ns, written);
    Ok(vec![RowChange::File(turn.path.clone(), Box::new(row))])
}
