//! Finds out what a plan asks for: hashes of local files, HEADs, whole bodies.
//!
//! - Each fact is bound to the state it was learned of. What changed since it was observed is entered into the
//!   tree anew: only a reply about the object itself, or `lstat`, may do that.
//! - What cannot be found out is a failure of that path, not of the run.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use s4_core::chunk::{CHUNKED_FROM, Chunks};
use s4_core::facts::{Facts, LocalFact};
use s4_core::key::{ObjectKey, Prefix};
use s4_core::local::{Fingerprint, LocalEntry, LocalTree};
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::Examine;
use s4_core::remote::{ObjectHead, RemoteObject, RemoteTree};
use s4_local::error::{DiskError, DiskErrorKind};
use s4_local::folder::Folder;
use s4_store::error::{StoreError, StoreErrorKind};
use s4_store::store::{GetOptions, Store};

use crate::blocking::Blocking;
use crate::db::Learned;
use crate::error::{SyncError, concerns_whole_disk};
use crate::report::Examined;
use crate::transfer::body;
use crate::transfer::delta::reading;
use crate::transfer::hashing::Md5;

/// How many facts are found out at a time.
const IN_FLIGHT: usize = 16;

/// What a cycle knows and may still learn.
pub(crate) struct Known {
    pub(crate) local: LocalTree,
    pub(crate) remote: RemoteTree,
    pub(crate) facts: Facts,
    /// Whether the Python S4 uses the prefix as well.
    pub(crate) is_shared_with_python: bool,
}

/// What was found out, as far as it is worth keeping beyond this cycle.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) learned: Vec<Learned>,
    /// The chunks of large files: if only what changed is sent, none of them is read whole again.
    pub(crate) chunks: Vec<([u8; 32], Chunks)>,
}

/// One answer.
enum Answer {
    Hash(DiskPath, Fingerprint, Result<(LocalFact, Option<Chunks>), DiskError>),
    /// The file is another by now, or gone.
    Moved(DiskPath, Option<LocalEntry>),
    Head(RemoteObject, Result<ObjectHead, StoreError>),
    Body(RemoteObject, Result<s4_core::digest::Digest, StoreError>),
}

/// Asks on both sides.
#[derive(Clone)]
pub(crate) struct Examiner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) folder: Folder,
    pub(crate) prefix: Prefix,
    pub(crate) blocking: Blocking,
}

impl Examiner {
    /// Finds out everything in `needs`; returns what is worth keeping beyond this cycle.
    pub(crate) async fn examine(
        &self,
        needs: &[Examine],
        known: &mut Known,
        count: &mut Examined,
    ) -> Result<Found, SyncError> {
        let mut found = Found::default();
        let mut waiting = needs.iter();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < IN_FLIGHT {
                let Some(need) = waiting.next() else { break };
                if let Some(question) = question(need, known, &self.prefix, count) {
                    running.push(self.ask(question));
                }
            }
            match running.next().await {
                Some(answer) => self.enter(answer?, known, &mut found)?,
                None => return Ok(found),
            }
        }
    }

    async fn ask(&self, question: Question) -> Result<Answer, SyncError> {
        match question {
            Question::Hash(disk, fingerprint, md5) => {
                let (folder, path) = (self.folder.clone(), disk.clone());
                let read = self.blocking.run(move || read(&folder, &path, fingerprint, md5)).await?;
                match read {
                    Err(error) if matches!(error.kind, DiskErrorKind::Changed | DiskErrorKind::Missing) => {
                        let (folder, path) = (self.folder.clone(), disk.clone());
                        let now = self.blocking.run(move || folder.look(&path)).await??;
                        Ok(Answer::Moved(disk, now))
                    }
                    read => Ok(Answer::Hash(disk, fingerprint, read)),
                }
            }
            Question::Head(object) => {
                let head = self.store.head(&object.key, None).await;
                Ok(Answer::Head(object, head))
            }
            Question::Body(object) => {
                let options = GetOptions { if_match: Some(object.etag.clone()), ..GetOptions::default() };
                let digest = match self.store.get(&object.key, options).await {
                    Ok(reply) => body::digest(reply).await,
                    Err(error) => Err(error),
                };
                Ok(Answer::Body(object, digest))
            }
        }
    }

    /// Enters one answer into what is known.
    fn enter(&self, answer: Answer, known: &mut Known, found: &mut Found) -> Result<(), SyncError> {
        let learned = &mut found.learned;
        match answer {
            Answer::Hash(disk, _, Ok((fact, chunks))) => {
                found.chunks.extend(chunks.map(|chunks| (fact.digest.blake3, chunks)));
                if !fact.fingerprint.is_racy(fact.read_time_ns, self.folder.traits().granularity_ns) {
                    learned.push(Learned::Local(disk.clone(), fact.clone()));
                }
                known.facts.learn_local(disk, fact);
            }
            Answer::Hash(_, _, Err(error)) if concerns_whole_disk(&error) => return Err(error.into()),
            Answer::Hash(disk, fingerprint, Err(error)) => {
                known.facts.fail_local(disk, fingerprint, error.to_string());
            }
            Answer::Moved(disk, Some(entry)) => known.local.entries.insert(disk, entry),
            Answer::Moved(disk, None) => {
                known.local.entries.remove(&disk);
            }
            Answer::Head(object, Ok(head)) => self.enter_head(&object, head, known, learned),
            // The object itself says that it is gone: unlike a listing, that is proof.
            Answer::Head(object, Err(error)) if error.kind == StoreErrorKind::Missing => {
                replace(known, &self.prefix, &object.key, None);
            }
            Answer::Body(object, Ok(digest)) => {
                learned.push(Learned::Content(object.key.clone(), object.etag.clone(), digest));
                known.facts.learn_content(object.key, object.etag, digest);
            }
            Answer::Head(_, Err(error)) | Answer::Body(_, Err(error))
                if error.kind.concerns_whole_store() =>
            {
                return Err(error.into());
            }
            Answer::Head(object, Err(error)) | Answer::Body(object, Err(error)) => {
                known.facts.fail_remote(object.key, object.etag, error.to_string());
            }
        }
        Ok(())
    }

    fn enter_head(
        &self,
        object: &RemoteObject,
        head: ObjectHead,
        known: &mut Known,
        learned: &mut Vec<Learned>,
    ) {
        if head.etag == object.etag {
            let (key, listed) = (object.key.clone(), object.last_modified);
            learned.push(Learned::Head(key.clone(), listed, head.clone()));
            known.facts.learn_head(key, listed, head);
        } else {
            // It was replaced since it was listed.
            let now = RemoteObject {
                key: object.key.clone(),
                size: head.size,
                etag: head.etag.clone(),
                last_modified: head.last_modified,
            };
            known.facts.learn_head(now.key.clone(), now.last_modified, head);
            replace(known, &self.prefix, &object.key, Some(now));
        }
    }
}

/// A need, with the state it is about.
enum Question {
    Hash(DiskPath, Fingerprint, Md5),
    Head(RemoteObject),
    Body(RemoteObject),
}

/// Returns what to ask, `None` if what it is about is no longer there.
fn question(need: &Examine, known: &Known, prefix: &Prefix, count: &mut Examined) -> Option<Question> {
    let object = |key: &ObjectKey| match prefix.place(key)? {
        s4_core::key::Place::File(path) => known.remote.objects.get(&path).cloned(),
        s4_core::key::Place::Directory(_)
        | s4_core::key::Place::Root
        | s4_core::key::Place::Reserved
        | s4_core::key::Place::Invalid(_) => None,
    };
    match need {
        Examine::LocalHash { disk } => {
            let fingerprint = *known.local.entries.get(disk)?.fingerprint()?;
            count.hashes += 1;
            Some(Question::Hash(disk.clone(), fingerprint, md5_for(disk, known)))
        }
        Examine::Head { key } => {
            let object = object(key)?;
            count.heads += 1;
            Some(Question::Head(object))
        }
        Examine::Content { key } => {
            let object = object(key)?;
            count.bodies += 1;
            Some(Question::Body(object))
        }
    }
}

/// Reads a local file for everything that is to be known of it.
fn read(
    folder: &Folder,
    disk: &DiskPath,
    fingerprint: Fingerprint,
    md5: Md5,
) -> Result<(LocalFact, Option<Chunks>), DiskError> {
    if fingerprint.size < CHUNKED_FROM {
        let examined = folder.digest(disk, &fingerprint)?;
        let (digest, read_time_ns) = (examined.digest, examined.read_time_ns);
        return Ok((LocalFact { fingerprint, digest, read_time_ns }, None));
    }
    let examined = reading::examine(folder, disk, &fingerprint, md5)?;
    let (digest, read_time_ns) = (examined.digest, examined.read_time_ns);
    Ok((LocalFact { fingerprint, digest, read_time_ns }, Some(examined.chunks)))
}

/// Returns whether the MD5 of a large file may be of use: it costs more than everything else together.
///
/// Where it is spared wrongly, the object is compared by its other checksum, or read.
fn md5_for(disk: &DiskPath, known: &Known) -> Md5 {
    let object = RelPath::parse(disk.as_str()).ok().and_then(|path| known.remote.objects.get(&path));
    match object {
        Some(object) if object.etag.possible_md5().is_some() => Md5::Needed,
        Some(_) | None => Md5::Spared,
    }
}

/// Enters what a reply said of one object into the Remote tree.
fn replace(known: &mut Known, prefix: &Prefix, key: &ObjectKey, now: Option<RemoteObject>) {
    if let Some(s4_core::key::Place::File(path)) = prefix.place(key) {
        match now {
            Some(object) => known.remote.objects.insert(path, object),
            None => {
                known.remote.objects.remove(&path);
            }
        }
    }
}
