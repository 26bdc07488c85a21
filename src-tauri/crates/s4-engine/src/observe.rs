//! Looks at both sides at once: a scan of the folder and a listing of the prefix.
//!
//! - The baseline was loaded before the first page was asked for, so that absence in the listing counts only for
//!   rows that were committed before.
//! - A listing that fails on any page fails as a whole: there is no half Remote tree.

use s4_core::key::{ObjectKey, Prefix};
use s4_core::local::LocalTree;
use s4_core::remote::{RemoteObject, RemoteTree};
use s4_core::rules::Rules;
use s4_local::folder::Folder;
use s4_store::store::{ListFrom, Store};

use crate::blocking::Blocking;
use crate::error::SyncError;
use crate::rules::Scanning;

/// What one complete listing saw.
pub(crate) struct Listing {
    pub(crate) tree: RemoteTree,
    /// Whether the Python S4 keeps its index here.
    pub(crate) has_python_index: bool,
}

/// Returns what a complete listing sees.
pub(crate) async fn list(store: &dyn Store, prefix: &Prefix) -> Result<Listing, SyncError> {
    let own = prefix.own_key("");
    let python_index = ObjectKey::new(format!("{}.index", prefix.as_str()));
    let mut objects: Vec<RemoteObject> = Vec::new();
    let mut from = ListFrom::Start;
    loop {
        let page = store.list(prefix.as_str(), from, None).await?;
        let ends_in_own = page.objects.last().is_some_and(|last| last.key.as_str().starts_with(own.as_str()));
        objects
            .extend(page.objects.into_iter().filter(|object| !object.key.as_str().starts_with(own.as_str())));
        from = match page.next {
            None => break,
            // Journal and trash may hold many keys that are none of the user's: jump over them.
            Some(_) if ends_in_own => ListFrom::After(ObjectKey::new(format!("{own}{}", char::MAX))),
            Some(token) => ListFrom::Token(token),
        };
    }
    let has_python_index = objects.iter().any(|object| object.key == python_index);
    Ok(Listing { tree: RemoteTree::build(prefix, objects), has_python_index })
}

/// Returns what stands in the folder.
pub(crate) async fn scan(folder: &Folder, rules: &Rules, blocking: Blocking) -> Result<LocalTree, SyncError> {
    let (folder, rules) = (folder.clone(), rules.clone());
    Ok(blocking.run(move || folder.scan(&Scanning(&rules))).await??)
}
