//! Finds out what a store can do by trying, operation by operation.
//!
//! - It believes effects only: a condition counts as honoured when the right one passes and the wrong one is
//!   answered with 412. Several servers answer 200 to conditions they ignore.
//! - It writes below `<prefix>/.s4/probe-<random>/` only, and removes what it wrote, also when it fails, and for
//!   good where versions are kept.
//! - A store that cannot be reached, or refuses these credentials, is an error, never an inability.

mod answer;
mod copies;
mod objects;
mod scratch;
mod uploads;

use s4_core::capabilities::{Capabilities, ETagForm, Versioning};
use s4_core::key::Prefix;

use crate::error::{Result, StoreErrorKind};
use crate::probe::scratch::Scratch;
use crate::store::Store;

/// A store whose requests can be spelled in the forms that capabilities name.
pub trait Dialects: Store + Sized {
    /// Returns the same bucket, spoken to as `forms` say.
    fn speaking(&self, forms: Capabilities) -> Self;
}

/// Returns what the store can do.
///
/// `random` must be new each time: two probes of one prefix must not meet. If the future is dropped, scratch
/// objects may stay behind.
pub async fn probe<S: Dialects>(store: &S, prefix: &Prefix, random: &str) -> Result<Capabilities> {
    let scratch = Scratch::new(prefix, random);
    let found = explore(store, &scratch).await;
    let swept = scratch.sweep(store).await;
    let capabilities = found?;
    swept?;
    Ok(capabilities)
}

async fn explore<S: Dialects>(store: &S, scratch: &Scratch) -> Result<Capabilities> {
    let versioning = versioning(store).await?;
    // From here on each ability is assumed until it is disproved, so that its headers are sent at all.
    let assumed = Capabilities { versioning, ..Capabilities::FULL };
    let crc64nvme = objects::takes_checksums(store, scratch, &assumed).await?;
    let assumed = Capabilities { crc64nvme, ..assumed };
    let quoted = objects::conditions(&store.speaking(assumed.clone()), scratch).await?;
    let (put, etag_form) = if quoted.matching {
        (quoted, ETagForm::Quoted)
    } else {
        let unquoted = Capabilities { etag_form: ETagForm::Unquoted, ..assumed.clone() };
        let unquoted = objects::conditions(&store.speaking(unquoted), scratch).await?;
        if unquoted.matching { (unquoted, ETagForm::Unquoted) } else { (quoted, ETagForm::Quoted) }
    };
    let assumed = Capabilities { etag_form, ..assumed };
    let plain = store.speaking(assumed.clone());
    let complete = uploads::conditions(&plain, scratch).await?;
    let copy = copies::conditions(store, scratch, &assumed).await?;
    Ok(Capabilities {
        put_if_none_match: put.absent,
        put_if_match: put.matching,
        etag_form,
        complete_if_none_match: complete.absent,
        complete_if_match: complete.matching,
        delete_if_match: objects::deletes_honour_tags(&plain, scratch).await?,
        copy_source_if_match: copy.source,
        copy_if_none_match: copy.absent,
        copy_if_match: copy.matching,
        upload_part_copy: uploads::copies_parts(&plain, scratch).await?,
        crc64nvme: crc64nvme && uploads::check_the_whole(&plain, scratch).await?,
        versioning,
    })
}

/// Returns whether old versions are kept. Where one may not ask, they are not counted on.
async fn versioning(store: &impl Store) -> Result<Versioning> {
    match store.versioning().await {
        Err(error) if error.kind == StoreErrorKind::Denied => Ok(Versioning::Off),
        asked => asked,
    }
}

/// Which conditions an operation honours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Honours {
    absent: bool,
    matching: bool,
}

#[cfg(test)]
mod tests;
