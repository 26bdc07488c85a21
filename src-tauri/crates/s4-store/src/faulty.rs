//! A store that goes wrong on purpose, by a seed and by rules.
//!
//! - The same seed gives the same faults for the same requests, in whatever order requests of different keys
//!   come: chance depends on the operation, the key, and how often it was asked.
//! - It never says that an object is missing that is there: no real fault does, and everything relies on it.
//! - It reports what it did ([`FaultyStore::trace`]).
//! - It waits only by yielding, or by the runtime's own clock, which a test pauses.
//! - Clones share rules, counters and trace.

mod body;
mod fault;
mod listing;
mod schedule;

use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use s4_core::capabilities::{Capabilities, Versioning};
use s4_core::key::ObjectKey;
use s4_core::remote::{ETag, ObjectHead, VersionId};

pub use self::fault::{Chances, Fault, Injected, Operation};
pub use self::schedule::Rule;
use crate::error::{Result, StoreError, StoreErrorKind};
use crate::faulty::schedule::{Roll, Schedule};
use crate::probe::Dialects;
use crate::store::{
    Condition, CopyRequest, GetOptions, GetReply, ListFrom, ListPage, ObjectAttributes, ObjectVersion, Part,
    PendingUpload, Store, UploadId, Written,
};

/// A store that goes wrong on purpose.
#[derive(Clone)]
pub struct FaultyStore<S> {
    inner: S,
    schedule: Arc<Mutex<Schedule>>,
}

impl<S: Store> FaultyStore<S> {
    /// Returns `inner` with faults that come by chance, as `seed` decides.
    pub fn new(inner: S, seed: u64, chances: Chances) -> Self {
        Self { inner, schedule: Arc::new(Mutex::new(Schedule::new(seed, chances))) }
    }

    /// Returns `inner` with no faults but those that rules will name.
    pub fn obedient(inner: S) -> Self {
        Self::new(inner, 0, Chances::NONE)
    }

    /// Adds a rule. Rules come before chance; of several that apply the first decides.
    pub fn add_rule(&self, rule: Rule) {
        self.schedule().add_rule(rule);
    }

    /// Ignores the conditions of `operation` from now on, as servers do that answer 200 to them.
    pub fn ignore_conditions(&self, operation: Operation) {
        self.schedule().ignore_conditions(operation);
    }

    /// Answers 403 to every request for a key that begins with `prefix`, from now on.
    pub fn deny(&self, prefix: &str) {
        self.schedule().deny(prefix);
    }

    /// Ends all faults: rules, chances, and denials. Ignored conditions stay: a store does not learn.
    pub fn calm(&self) {
        self.schedule().calm();
    }

    /// Returns every fault injected so far, in the order of the requests.
    pub fn trace(&self) -> Vec<Injected> {
        self.schedule().trace()
    }

    /// Returns the store without faults.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        // A panic of another test thread leaves counters and rules usable.
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn roll(&self, operation: Operation, subject: &str) -> Roll {
        self.schedule().roll(operation, subject)
    }

    /// Returns the condition that the operation will act on.
    fn effective(&self, operation: Operation, condition: &Condition) -> Condition {
        if self.schedule().ignores_conditions(operation) { Condition::None } else { condition.clone() }
    }

    /// Carries `request` out, or not, as `roll` says.
    async fn carry_out<T: Send>(
        &self,
        roll: &Roll,
        request: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let error = |kind| Err(StoreError::new(kind, roll.operation.name(), &roll.subject, "injected"));
        match &roll.fault {
            None
            | Some(Fault::CutBody | Fault::CorruptBody | Fault::ShortListing | Fault::StaleListing(_)) => {
                request.await
            }
            Some(Fault::Offline) => error(StoreErrorKind::Offline),
            Some(Fault::LostReply) => {
                // Whatever the store answered, nobody hears it.
                let _ = request.await;
                error(StoreErrorKind::Offline)
            }
            Some(Fault::AnsweredTwice) => {
                request.await?;
                error(StoreErrorKind::PreconditionFailed)
            }
            Some(Fault::Refused(kind)) => error(kind.clone()),
            Some(Fault::Yields(count)) => {
                for _ in 0..*count {
                    tokio::task::yield_now().await;
                }
                request.await
            }
            Some(Fault::Sleep(duration)) => {
                tokio::time::sleep(*duration).await;
                request.await
            }
        }
    }

    /// Carries a change of one key out, remembering what a stale listing will show instead.
    async fn change<T: Send>(
        &self,
        roll: &Roll,
        key: &ObjectKey,
        request: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let before = listing::current(&self.inner, key).await;
        let result = self.carry_out(roll, request).await;
        if let Ok(before) = before {
            self.schedule().note_change(key, before);
        }
        result
    }
}

impl<S: Dialects> Dialects for FaultyStore<S> {
    fn speaking(&self, forms: Capabilities) -> Self {
        Self { inner: self.inner.speaking(forms), schedule: Arc::clone(&self.schedule) }
    }
}

#[async_trait]
impl<S: Store> Store for FaultyStore<S> {
    async fn list(&self, prefix: &str, from: ListFrom, max_keys: Option<u16>) -> Result<ListPage> {
        let roll = self.roll(Operation::List, prefix);
        let start = from.clone();
        let page = self.carry_out(&roll, self.inner.list(prefix, from, max_keys)).await?;
        Ok(match roll.fault {
            Some(Fault::ShortListing) => listing::shortened(page),
            Some(Fault::StaleListing(age)) => {
                let older = self.schedule().changes_within(age);
                listing::as_it_was(page, prefix, &start, older)
            }
            _ => page,
        })
    }

    async fn head(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<ObjectHead> {
        let roll = self.roll(Operation::Head, key.as_str());
        self.carry_out(&roll, self.inner.head(key, version)).await
    }

    async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<GetReply> {
        let roll = self.roll(Operation::Get, key.as_str());
        let length = options.range.as_ref().map(|range| range.end.saturating_sub(range.start));
        let reply = self.carry_out(&roll, self.inner.get(key, options)).await?;
        let length = length.unwrap_or(reply.head.size);
        Ok(match roll.fault {
            Some(Fault::CutBody) => {
                let error =
                    StoreError::new(StoreErrorKind::Offline, Operation::Get.name(), key, "injected: cut");
                GetReply { body: body::cut(reply.body, roll.number(length), error), ..reply }
            }
            Some(Fault::CorruptBody) => {
                GetReply { body: body::corrupted(reply.body, roll.number(length)), ..reply }
            }
            _ => reply,
        })
    }

    async fn put(
        &self,
        key: &ObjectKey,
        body: Bytes,
        crc64nvme: u64,
        attributes: &ObjectAttributes,
        condition: &Condition,
    ) -> Result<Written> {
        let roll = self.roll(Operation::Put, key.as_str());
        let condition = self.effective(Operation::Put, condition);
        self.change(&roll, key, self.inner.put(key, body, crc64nvme, attributes, &condition)).await
    }

    async fn copy(&self, request: &CopyRequest) -> Result<Written> {
        let roll = self.roll(Operation::Copy, request.destination.as_str());
        let mut request = request.clone();
        if self.schedule().ignores_conditions(Operation::Copy) {
            request.condition = Condition::None;
            request.source_if_match = None;
        }
        self.change(&roll, &request.destination, self.inner.copy(&request)).await
    }

    async fn delete(&self, key: &ObjectKey, condition: &Condition) -> Result<()> {
        let roll = self.roll(Operation::Delete, key.as_str());
        let condition = self.effective(Operation::Delete, condition);
        self.change(&roll, key, self.inner.delete(key, &condition)).await
    }

    async fn delete_version(&self, key: &ObjectKey, version: &VersionId) -> Result<()> {
        let roll = self.roll(Operation::DeleteVersion, key.as_str());
        self.change(&roll, key, self.inner.delete_version(key, version)).await
    }

    async fn versions(&self, key: &ObjectKey) -> Result<Vec<ObjectVersion>> {
        let roll = self.roll(Operation::Versions, key.as_str());
        self.carry_out(&roll, self.inner.versions(key)).await
    }

    async fn create_upload(&self, key: &ObjectKey, attributes: &ObjectAttributes) -> Result<UploadId> {
        let roll = self.roll(Operation::CreateUpload, key.as_str());
        self.carry_out(&roll, self.inner.create_upload(key, attributes)).await
    }

    async fn upload_part(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        body: Bytes,
        crc64nvme: u64,
    ) -> Result<Part> {
        let roll = self.roll(Operation::UploadPart, key.as_str());
        self.carry_out(&roll, self.inner.upload_part(key, upload, number, body, crc64nvme)).await
    }

    async fn upload_part_copy(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        source: &ObjectKey,
        source_if_match: &ETag,
        range: Range<u64>,
    ) -> Result<Part> {
        let roll = self.roll(Operation::UploadPartCopy, key.as_str());
        let request = self.inner.upload_part_copy(key, upload, number, source, source_if_match, range);
        self.carry_out(&roll, request).await
    }

    async fn complete_upload(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        crc64nvme: Option<u64>,
        condition: &Condition,
    ) -> Result<Written> {
        let roll = self.roll(Operation::CompleteUpload, key.as_str());
        let condition = self.effective(Operation::CompleteUpload, condition);
        let request = self.inner.complete_upload(key, upload, parts, crc64nvme, &condition);
        self.change(&roll, key, request).await
    }

    async fn abort_upload(&self, key: &ObjectKey, upload: &UploadId) -> Result<()> {
        let roll = self.roll(Operation::AbortUpload, key.as_str());
        self.carry_out(&roll, self.inner.abort_upload(key, upload)).await
    }

    async fn parts(&self, key: &ObjectKey, upload: &UploadId) -> Result<Vec<Part>> {
        let roll = self.roll(Operation::Parts, key.as_str());
        self.carry_out(&roll, self.inner.parts(key, upload)).await
    }

    async fn pending_uploads(&self, prefix: &str) -> Result<Vec<PendingUpload>> {
        let roll = self.roll(Operation::PendingUploads, prefix);
        self.carry_out(&roll, self.inner.pending_uploads(prefix)).await
    }

    async fn versioning(&self) -> Result<Versioning> {
        let roll = self.roll(Operation::Versioning, "");
        self.carry_out(&roll, self.inner.versioning()).await
    }

    async fn check_bucket(&self) -> Result<()> {
        let roll = self.roll(Operation::CheckBucket, "");
        self.carry_out(&roll, self.inner.check_bucket()).await
    }

    async fn create_bucket(&self) -> Result<()> {
        let roll = self.roll(Operation::CreateBucket, "");
        self.carry_out(&roll, self.inner.create_bucket()).await
    }
}

#[cfg(test)]
mod tests;
