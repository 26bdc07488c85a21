//! Tries out CopyObject.

use s4_core::capabilities::{Capabilities, CopyCondition};
use s4_core::key::ObjectKey;

use crate::error::Result;
use crate::probe::Dialects;
use crate::probe::answer::{answer, honoured};
use crate::probe::scratch::{Scratch, put, unused_tag, wrong_tag};
use crate::store::{Condition, CopyRequest, Store};

/// Which conditions CopyObject honours, and how they are spelled.
pub(super) struct Copies {
    pub(super) source: bool,
    pub(super) absent: CopyCondition,
    pub(super) matching: CopyCondition,
}

/// Returns which conditions CopyObject honours.
pub(super) async fn conditions<S: Dialects>(
    store: &S,
    scratch: &Scratch,
    assumed: &Capabilities,
) -> Result<Copies> {
    let (from, to) = (scratch.key("source"), scratch.key("object"));
    let written = put(store, &from, &Condition::None).await?;
    let plain = request(&from, &to, Condition::None);
    let stale = CopyRequest { source_if_match: Some(unused_tag()), ..plain.clone() };
    let current = CopyRequest { source_if_match: Some(written.etag), ..plain };
    let store_as_assumed = store.speaking(assumed.clone());
    let stale = answer(store_as_assumed.copy(&stale).await)?;
    let current = answer(store_as_assumed.copy(&current).await)?;
    let mut found = Copies {
        source: honoured(stale, current),
        absent: CopyCondition::None,
        matching: CopyCondition::None,
    };
    for form in [CopyCondition::Standard, CopyCondition::Cloudflare] {
        let forms = Capabilities { copy_if_none_match: form, copy_if_match: form, ..assumed.clone() };
        let spoken = store.speaking(forms);
        if found.absent == CopyCondition::None && honours_absence(&spoken, &from, &to).await? {
            found.absent = form;
        }
        if found.matching == CopyCondition::None && honours_tags(&spoken, &from, &to).await? {
            found.matching = form;
        }
    }
    Ok(found)
}

async fn honours_absence(store: &impl Store, from: &ObjectKey, to: &ObjectKey) -> Result<bool> {
    store.delete(to, &Condition::None).await?;
    let fresh = answer(store.copy(&request(from, to, Condition::Absent)).await)?;
    put(store, to, &Condition::None).await?;
    let taken = answer(store.copy(&request(from, to, Condition::Absent)).await)?;
    Ok(honoured(taken, fresh))
}

async fn honours_tags(store: &impl Store, from: &ObjectKey, to: &ObjectKey) -> Result<bool> {
    let written = put(store, to, &Condition::None).await?;
    let stale = answer(store.copy(&request(from, to, wrong_tag())).await)?;
    let current = answer(store.copy(&request(from, to, Condition::Match(written.etag))).await)?;
    Ok(honoured(stale, current))
}

fn request(from: &ObjectKey, to: &ObjectKey, condition: Condition) -> CopyRequest {
    CopyRequest {
        source: from.clone(),
        source_version: None,
        source_if_match: None,
        destination: to.clone(),
        condition,
        attributes: None,
    }
}
