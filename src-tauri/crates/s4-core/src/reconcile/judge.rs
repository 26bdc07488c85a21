//! The table: what each path's three states call for, judged alone.
//!
//! - An edit beats a delete, on both sides.
//! - What cannot be told apart is never adopted, replaced or called a conflict: it waits for a fact.

use crate::baseline::{FileRow, RowContent, RowLastModified};
use crate::local::LocalEntry;
use crate::path::RelPath;
use crate::plan::{Examine, ProblemReason, RemoteExpectation};
use crate::remote::{ETag, ObjectHead, RemoteObject};

use super::sameness::{self, Answer, LocalChange, RemoteChange};
use super::sides::LocalNode;
use super::{Input, conflicts};

/// What is to be done about one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Settled,
    /// Nothing before these facts are known.
    Examine(Vec<Examine>),
    /// Nothing; it is reported.
    Problem(ProblemReason),
    /// Only the row changes.
    Row(Box<FileRow>),
    /// Only the row goes.
    Forget,
    /// Write the local content.
    Upload { replaces: RemoteExpectation, trash_replaced: bool },
    /// Bring the remote content.
    Download { must_descend_from: Option<ETag> },
    /// The same, once the file that is here was renamed by the step of another path.
    Refill { must_descend_from: Option<ETag> },
    /// The file was deleted here.
    DeleteRemote,
    /// The object was deleted there.
    DeleteLocal,
    /// The object is ignored and shall go.
    Prune,
    /// A person must choose.
    Conflict,
    /// Both versions stay, the local one under this path.
    KeepBoth { copy: Option<RelPath> },
    /// Publish the executable bit.
    SetRemoteMode { executable: bool },
    /// Take over the executable bit.
    SetLocalMode { executable: bool },
    /// The file was renamed here from that path: copy its object.
    CopyRemote { from: RelPath, replaces: RemoteExpectation },
    /// The same, and in the end that path takes the content of this one.
    TurnRemote { from: RelPath },
    /// The object's file was renamed; delete it once it is copied.
    DeleteMoved,
    /// The object was renamed there from that path: rename the file. What lies here is renamed before.
    MoveLocal { from: RelPath },
    /// The same, and in the end that path takes the file of this one.
    TurnLocal { from: RelPath },
    /// The file is renamed by the step of another path.
    MovedAway,
}

impl Verdict {
    /// Returns the verdict for a missing fact or a failed attempt to learn it.
    fn waiting<T>(answer: Answer<T>) -> Result<T, Verdict> {
        match answer {
            Answer::Known(value) => Ok(value),
            Answer::Ask(need) => Err(Verdict::Examine(vec![need])),
            Answer::Failed(reason) => Err(Verdict::Problem(reason)),
        }
    }
}

/// Judges one path.
pub(super) fn judge<'a>(
    input: Input<'a>,
    path: &RelPath,
    row: Option<&'a FileRow>,
    local: Option<&LocalNode<'a>>,
    remote: Option<&'a RemoteObject>,
) -> Verdict {
    // What is on disk was not ignored by the scan, which follows the same rules.
    if local.is_none() && input.context.rules.is_ignored(path.as_str(), false) {
        return ignored(input, path, row, remote);
    }
    let judged = match (row, local, remote) {
        (None, None, None) => Ok(Verdict::Settled),
        (None, Some(node), None) => Ok(create_remote(input, path, node)),
        (None, None, Some(object)) => Ok(create_local(input, path, object)),
        (None, Some(node), Some(object)) => both_new(input, path, node, object),
        (Some(_), None, None) => Ok(Verdict::Forget),
        (Some(row), Some(node), None) => deleted_there(input, path, row, node),
        (Some(row), None, Some(object)) => deleted_here(input, row, object),
        (Some(row), Some(node), Some(object)) => both_known(input, path, row, node, object),
    };
    match (judged.unwrap_or_else(|waiting| waiting), remote) {
        (Verdict::Download { .. } | Verdict::KeepBoth { .. }, Some(object))
            if let Some(why) = input.facts.remote_failure(&object.key, &object.etag) =>
        {
            Verdict::Problem(ProblemReason::Unexaminable(why.to_owned()))
        }
        (verdict, _) => verdict,
    }
}

/// An ignored path is no longer tracked. Nothing is deleted, unless a person asked for it in so many words.
fn ignored(
    input: Input<'_>,
    path: &RelPath,
    row: Option<&FileRow>,
    remote: Option<&RemoteObject>,
) -> Verdict {
    if remote.is_some() && input.context.prune_ignored && input.context.rules.is_ignored_on_request(path) {
        return Verdict::Prune;
    }
    if row.is_some() { Verdict::Forget } else { Verdict::Settled }
}

fn create_remote(input: Input<'_>, path: &RelPath, node: &LocalNode<'_>) -> Verdict {
    if input.context.prefix.file_key(path).is_too_long() {
        return Verdict::Problem(ProblemReason::KeyTooLong);
    }
    if let Some(why) = failed_to_read(input, node) {
        return Verdict::Problem(why);
    }
    Verdict::Upload { replaces: RemoteExpectation::Absent, trash_replaced: false }
}

/// Returns why a file that a transfer could not read stays where it is, until it changes.
fn failed_to_read(input: Input<'_>, node: &LocalNode<'_>) -> Option<ProblemReason> {
    let fingerprint = node.entry.fingerprint()?;
    let why = input.facts.local_failure(&node.disk, fingerprint)?;
    Some(ProblemReason::Unreadable(why.to_owned()))
}

fn create_local(input: Input<'_>, path: &RelPath, object: &RemoteObject) -> Verdict {
    let known = input.facts.head(&object.key, &object.etag, object.last_modified);
    if !input.context.disk.has_symlinks && known.is_some_and(|head| head.metadata.symlink) {
        return Verdict::Problem(ProblemReason::NoSymlinks);
    }
    let parent = path.parent();
    let refused = parent
        .iter()
        .flat_map(|parent| parent.as_str().split('/'))
        .find_map(|name| input.context.disk.refusal(name));
    if let Some(why) = refused {
        return Verdict::Problem(ProblemReason::RefusedName(why.to_owned()));
    }
    Verdict::Download { must_descend_from: None }
}

fn both_new<'a>(
    input: Input<'a>,
    path: &RelPath,
    node: &LocalNode<'a>,
    object: &'a RemoteObject,
) -> Result<Verdict, Verdict> {
    match Verdict::waiting(sameness::sides_agree(input, node, object))? {
        true => Verdict::waiting(adopted(input, node, object)).map(|row| Verdict::Row(Box::new(row))),
        false => Ok(conflicts::resolve(input, path, node, object)),
    }
}

/// The row was agreed on, and the object is gone.
fn deleted_there<'a>(
    input: Input<'a>,
    path: &RelPath,
    row: &'a FileRow,
    node: &LocalNode<'a>,
) -> Result<Verdict, Verdict> {
    match Verdict::waiting(sameness::local_change(input, row, node))? {
        LocalChange::None | LocalChange::Touched(_) | LocalChange::Mode(..) => Ok(Verdict::DeleteLocal),
        // An edit beats a delete.
        LocalChange::Content => Ok(create_remote(input, path, node)),
    }
}

/// The row was agreed on, and the file is gone.
fn deleted_here<'a>(
    input: Input<'a>,
    row: &'a FileRow,
    object: &'a RemoteObject,
) -> Result<Verdict, Verdict> {
    match Verdict::waiting(sameness::remote_change(input, row, object))? {
        RemoteChange::None | RemoteChange::Noted(_) | RemoteChange::Mode(..)
            if matches!(row.content, RowContent::Symlink { .. }) && !input.context.disk.has_symlinks =>
        {
            // It is not here because it cannot be: nobody deleted it.
            Ok(Verdict::Problem(ProblemReason::NoSymlinks))
        }
        RemoteChange::None | RemoteChange::Noted(_) | RemoteChange::Mode(..) => Ok(Verdict::DeleteRemote),
        // An edit beats a delete.
        RemoteChange::Content => Ok(Verdict::Download { must_descend_from: None }),
    }
}

fn both_known<'a>(
    input: Input<'a>,
    path: &RelPath,
    row: &'a FileRow,
    node: &LocalNode<'a>,
    object: &'a RemoteObject,
) -> Result<Verdict, Verdict> {
    let local = sameness::local_change(input, row, node);
    let remote = sameness::remote_change(input, row, object);
    let (local, remote) = match (local, remote) {
        (Answer::Ask(one), Answer::Ask(other)) => return Err(Verdict::Examine(vec![one, other])),
        (local, remote) => (Verdict::waiting(local)?, Verdict::waiting(remote)?),
    };
    Ok(match (local, remote) {
        // A row may be older than the name that a file has here, or than the Unicode form of its key.
        (LocalChange::None, RemoteChange::None) if row.disk == node.disk && row.key == object.key => {
            Verdict::Settled
        }
        (LocalChange::Content, RemoteChange::Content) => return both_new(input, path, node, object),
        (LocalChange::Content, RemoteChange::None | RemoteChange::Noted(_) | RemoteChange::Mode(..)) => {
            match failed_to_read(input, node) {
                Some(why) => Verdict::Problem(why),
                None => Verdict::Upload {
                    replaces: RemoteExpectation::Version(object.etag.clone()),
                    trash_replaced: false,
                },
            }
        }
        (LocalChange::None | LocalChange::Touched(_) | LocalChange::Mode(..), RemoteChange::Content) => {
            return Ok(remote_edit(input, path, row, node, object));
        }
        (LocalChange::Mode(executable, _), RemoteChange::None | RemoteChange::Noted(_)) => {
            Verdict::SetRemoteMode { executable }
        }
        (LocalChange::None | LocalChange::Touched(_), RemoteChange::Mode(executable, _))
            if input.context.disk.has_executable_bit =>
        {
            Verdict::SetLocalMode { executable }
        }
        (local, remote) => Verdict::Row(Box::new(noted(row, node, local, object, remote))),
    })
}

/// Only the object changed. Where the store has no effective condition and this replica wrote the row's version
/// itself, another writer may have replaced it unseen: then the new version must descend from it, else both are
/// new to each other.
fn remote_edit<'a>(
    input: Input<'a>,
    path: &RelPath,
    row: &FileRow,
    node: &LocalNode<'a>,
    object: &'a RemoteObject,
) -> Verdict {
    if !row.own_write || input.context.store.writes_are_conditional() {
        return Verdict::Download { must_descend_from: None };
    }
    let known = input.facts.head(&object.key, &object.etag, object.last_modified);
    if known.is_some_and(|head| !head.metadata.base.contains(&row.etag)) {
        return conflicts::resolve(input, path, node, object);
    }
    Verdict::Download { must_descend_from: Some(row.etag.clone()) }
}

/// Returns the row of two sides that were found to be the same.
fn adopted<'a>(input: Input<'a>, node: &LocalNode<'a>, object: &RemoteObject) -> Answer<FileRow> {
    let known = input.facts.head(&object.key, &object.etag, object.last_modified);
    let (content, fingerprint, read_time_ns) = match node.entry {
        LocalEntry::Symlink(link) => {
            (RowContent::Symlink { target: link.target.clone() }, link.fingerprint, link.fingerprint.mtime_ns)
        }
        LocalEntry::File(file) => match sameness::local_fact(input, node) {
            Answer::Known(fact) => {
                // A tag alone does not tell the bit. The row holds the object's, so that a file that differs from it
                // was changed here.
                if file.executable && known.is_none() {
                    return Answer::Ask(Examine::Head { key: object.key.clone() });
                }
                let executable = known.is_some_and(|head| head.metadata.executable);
                (RowContent::File { digest: fact.digest, executable }, fact.fingerprint, fact.read_time_ns)
            }
            Answer::Ask(need) => return Answer::Ask(need),
            Answer::Failed(reason) => return Answer::Failed(reason),
        },
        LocalEntry::Dir { .. } | LocalEntry::Special | LocalEntry::Unreadable(_) => {
            return Answer::Failed(ProblemReason::Special);
        }
    };
    Answer::Known(FileRow {
        key: object.key.clone(),
        disk: node.disk.clone(),
        content,
        fingerprint,
        read_time_ns,
        etag: object.etag.clone(),
        last_modified: RowLastModified::Known(object.last_modified),
        version_id: known.and_then(|head| head.version_id.clone()),
        own_write: false,
    })
}

/// Returns `row` with what was noted of both sides; its content is as agreed.
fn noted(
    row: &FileRow,
    node: &LocalNode<'_>,
    local: LocalChange<'_>,
    object: &RemoteObject,
    remote: RemoteChange<'_>,
) -> FileRow {
    let mut row = row.clone();
    row.disk = node.disk.clone();
    row.key = object.key.clone();
    if let LocalChange::Touched(fact) | LocalChange::Mode(_, Some(fact)) = local {
        row.fingerprint = fact.fingerprint;
        row.read_time_ns = fact.read_time_ns;
    }
    let head: Option<&ObjectHead> = match remote {
        RemoteChange::None | RemoteChange::Content => None,
        RemoteChange::Noted(head) => head,
        RemoteChange::Mode(_, head) => Some(head),
    };
    if let (RemoteChange::Mode(bit, _), RowContent::File { executable, .. }) = (remote, &mut row.content) {
        *executable = bit;
    }
    if row.etag != object.etag {
        row.etag = object.etag.clone();
        row.version_id = head.and_then(|head| head.version_id.clone());
        row.own_write = false;
    }
    row.last_modified = RowLastModified::Known(object.last_modified);
    row
}
