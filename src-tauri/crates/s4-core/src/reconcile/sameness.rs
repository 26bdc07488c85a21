//! Whether two contents are the same: `Same`, `Different`, or what must be found out to tell.
//!
//! It never adopts on a guess. Listings carry no checksums, multipart and KMS tags are no MD5, a copy may change a
//! tag; so what a listing cannot tell is asked by HEAD, and what a HEAD cannot tell is read.

use crate::baseline::{FileRow, RowContent, RowLastModified};
use crate::digest::Digest;
use crate::facts::LocalFact;
use crate::local::LocalEntry;
use crate::plan::{Examine, ProblemReason};
use crate::remote::{ObjectHead, RemoteObject};

use super::Input;
use super::sides::LocalNode;

/// What is known of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer<T> {
    /// This.
    Known(T),
    /// Nothing until this is found out.
    Ask(Examine),
    /// Nothing, and asking failed.
    Failed(ProblemReason),
}

/// How the local side differs from its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LocalChange<'a> {
    /// Not at all.
    None,
    /// Only in its stamps; the fact says what was read.
    Touched(&'a LocalFact),
    /// In its executable bit; the fact, if its stamps changed as well, says what was read.
    Mode(bool, Option<&'a LocalFact>),
    /// In its content or kind.
    Content,
}

/// How the remote side differs from its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RemoteChange<'a> {
    /// Not at all.
    None,
    /// Only in what a row notes of it; the head is there if one was needed to tell.
    Noted(Option<&'a ObjectHead>),
    /// In its executable bit.
    Mode(bool, &'a ObjectHead),
    /// In its content or kind.
    Content,
}

/// Returns how what is on disk differs from `row`.
pub(super) fn local_change<'a>(
    input: Input<'a>,
    row: &FileRow,
    node: &LocalNode<'a>,
) -> Answer<LocalChange<'a>> {
    let (file, digest, executable) = match (&row.content, node.entry) {
        (RowContent::Symlink { target }, LocalEntry::Symlink(link)) => {
            let same = *target == link.target;
            return Answer::Known(if same { LocalChange::None } else { LocalChange::Content });
        }
        (RowContent::File { digest, executable }, LocalEntry::File(file)) => (file, digest, *executable),
        _ => return Answer::Known(LocalChange::Content),
    };
    // Where the disk has no executable bit, the row's value stands.
    let mode =
        (input.context.disk.has_executable_bit && file.executable != executable).then_some(file.executable);
    let granularity = input.context.disk.granularity_ns;
    if file.fingerprint == row.fingerprint && !row.fingerprint.is_racy(row.read_time_ns, granularity) {
        return Answer::Known(mode.map_or(LocalChange::None, |bit| LocalChange::Mode(bit, None)));
    }
    if file.fingerprint.size != digest.size {
        return Answer::Known(LocalChange::Content);
    }
    match local_fact(input, node) {
        Answer::Known(fact) if fact.digest.blake3 != digest.blake3 => Answer::Known(LocalChange::Content),
        Answer::Known(fact) => Answer::Known(match mode {
            Some(bit) => LocalChange::Mode(bit, Some(fact)),
            None => LocalChange::Touched(fact),
        }),
        Answer::Ask(need) => Answer::Ask(need),
        Answer::Failed(reason) => Answer::Failed(reason),
    }
}

/// Returns the hashes of a local file.
pub(super) fn local_fact<'a>(input: Input<'a>, node: &LocalNode<'a>) -> Answer<&'a LocalFact> {
    let Some(fingerprint) = node.entry.fingerprint() else {
        return Answer::Failed(ProblemReason::Special);
    };
    if let Some(fact) = input.facts.local(&node.disk, fingerprint) {
        return Answer::Known(fact);
    }
    match input.facts.local_failure(&node.disk, fingerprint) {
        Some(why) => Answer::Failed(ProblemReason::Unreadable(why.to_owned())),
        None => Answer::Ask(Examine::LocalHash { disk: node.disk.clone() }),
    }
}

/// Returns what a HEAD says of a listed object.
pub(super) fn head<'a>(input: Input<'a>, object: &RemoteObject) -> Answer<&'a ObjectHead> {
    if let Some(head) = input.facts.head(&object.key, &object.etag, object.last_modified) {
        return Answer::Known(head);
    }
    match input.facts.remote_failure(&object.key, &object.etag) {
        Some(why) => Answer::Failed(ProblemReason::Unexaminable(why.to_owned())),
        None => Answer::Ask(Examine::Head { key: object.key.clone() }),
    }
}

/// Returns how what is in the bucket differs from `row`.
pub(super) fn remote_change<'a>(
    input: Input<'a>,
    row: &FileRow,
    object: &RemoteObject,
) -> Answer<RemoteChange<'a>> {
    if object.etag == row.etag {
        match row.last_modified {
            RowLastModified::Known(time) if time == object.last_modified => {
                return Answer::Known(RemoteChange::None);
            }
            // Our own write, seen in a listing for the first time: `focus` notes its time.
            RowLastModified::NotAfter(bound) if object.last_modified <= bound => {
                return Answer::Known(RemoteChange::None);
            }
            RowLastModified::Known(_) | RowLastModified::NotAfter(_) => {}
        }
    } else if object.size != row.size() {
        return Answer::Known(RemoteChange::Content);
    }
    let head = match head(input, object) {
        Answer::Known(head) => head,
        Answer::Ask(need) => return Answer::Ask(need),
        Answer::Failed(reason) => return Answer::Failed(reason),
    };
    Answer::Known(match &row.content {
        RowContent::Symlink { target } => {
            let same = head.metadata.symlink
                && (object.etag == row.etag || agree(&Digest::of(target.as_bytes()), head) == Some(true));
            if same { RemoteChange::Noted(Some(head)) } else { RemoteChange::Content }
        }
        RowContent::File { digest, executable } => {
            let same =
                !head.metadata.symlink && (object.etag == row.etag || agree(digest, head) == Some(true));
            // A body that cannot be compared counts as changed: it is downloaded, or compared with the local one.
            match same {
                false => RemoteChange::Content,
                true if head.metadata.executable != *executable => {
                    RemoteChange::Mode(head.metadata.executable, head)
                }
                true => RemoteChange::Noted(Some(head)),
            }
        }
    })
}

/// Returns whether what is on disk and what is in the bucket are the same.
pub(super) fn sides_agree<'a>(input: Input<'a>, node: &LocalNode<'a>, object: &RemoteObject) -> Answer<bool> {
    let digest = match node.entry {
        LocalEntry::Symlink(link) => {
            return match head(input, object) {
                Answer::Known(head) if !head.metadata.symlink => Answer::Known(false),
                Answer::Known(head) => {
                    by_head_or_body(input, &Digest::of(link.target.as_bytes()), object, head)
                }
                Answer::Ask(need) => Answer::Ask(need),
                Answer::Failed(reason) => Answer::Failed(reason),
            };
        }
        LocalEntry::File(file) if file.fingerprint.size != object.size => return Answer::Known(false),
        LocalEntry::File(_) => match local_fact(input, node) {
            Answer::Known(fact) => &fact.digest,
            Answer::Ask(need) => return Answer::Ask(need),
            Answer::Failed(reason) => return Answer::Failed(reason),
        },
        LocalEntry::Dir { .. } | LocalEntry::Special | LocalEntry::Unreadable(_) => {
            return Answer::Known(false);
        }
    };
    // An MD5 that fits is no accident. One that does not fit may be no MD5: only a HEAD tells.
    if digest.md5.is_some() && object.etag.possible_md5() == digest.md5 {
        return Answer::Known(true);
    }
    match head(input, object) {
        Answer::Known(head) if head.metadata.symlink => Answer::Known(false),
        Answer::Known(head) => by_head_or_body(input, digest, object, head),
        Answer::Ask(need) => Answer::Ask(need),
        Answer::Failed(reason) => Answer::Failed(reason),
    }
}

/// Compares by checksums, else by the body.
fn by_head_or_body(
    input: Input<'_>,
    digest: &Digest,
    object: &RemoteObject,
    head: &ObjectHead,
) -> Answer<bool> {
    if object.size != digest.size {
        return Answer::Known(false);
    }
    if let Some(answer) = agree(digest, head) {
        return Answer::Known(answer);
    }
    match input.facts.content(&object.key, &object.etag) {
        Some(body) => Answer::Known(body.blake3 == digest.blake3),
        None => Answer::Ask(Examine::Content { key: object.key.clone() }),
    }
}

/// Returns whether content and object have the same checksums; `None` if the object has none that is known.
///
/// Where it has several, all must agree.
pub(super) fn agree(digest: &Digest, head: &ObjectHead) -> Option<bool> {
    if digest.size != head.size {
        return Some(false);
    }
    let crc = head.crc64nvme.map(|crc| crc == digest.crc64nvme);
    let md5 = digest.md5.filter(|_| head.etag_is_md5);
    let md5 = head.etag.possible_md5().zip(md5).map(|(theirs, ours)| theirs == ours);
    match (crc, md5) {
        (None, None) => None,
        (Some(answer), None) | (None, Some(answer)) => Some(answer),
        (Some(crc), Some(md5)) => Some(crc && md5),
    }
}
