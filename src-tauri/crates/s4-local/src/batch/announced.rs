//! Renames that will be asked for: their intents are recorded many at a time, each before its step begins.
//!
//! An intent whose step never begins says nothing: its entry stands at its path, or somebody else moved it.

use std::collections::{BTreeMap, VecDeque};

use s4_core::path::DiskPath;

use crate::intent::{Intent, IntentId};

/// How many intents share a transaction.
const AT_ONCE: usize = 256;

/// What will be asked for, and what is recorded of it.
#[derive(Default)]
pub(crate) struct Announced {
    upcoming: VecDeque<Intent>,
    recorded: BTreeMap<DiskPath, (IntentId, Intent)>,
}

impl Announced {
    /// Notes what will be asked for, in its order.
    pub(crate) fn expect(&mut self, intents: impl IntoIterator<Item = Intent>) {
        self.upcoming.extend(intents);
    }

    /// Returns the id of an intent that is recorded; if another one is recorded for its path, that is the second.
    pub(crate) fn take(&mut self, wanted: &Intent) -> (Option<IntentId>, Option<IntentId>) {
        match self.recorded.remove(&wanted.path) {
            Some((id, intent)) if intent == *wanted => (Some(id), None),
            Some((id, _)) => (None, Some(id)),
            None => (None, None),
        }
    }

    /// Returns the id of what is recorded for a path.
    pub(crate) fn give_up(&mut self, path: &DiskPath) -> Option<IntentId> {
        self.recorded.remove(path).map(|(id, _)| id)
    }

    /// Returns the intents to record together when `wanted` is due: it, and what comes next; none if it is not expected.
    pub(crate) fn next(&mut self, wanted: &Intent) -> Vec<Intent> {
        let Some(at) = self.upcoming.iter().position(|intent| intent == wanted) else {
            return Vec::new();
        };
        let end = self.upcoming.len().min(at + AT_ONCE);
        self.upcoming.drain(at..end).collect()
    }

    /// Notes what was recorded.
    pub(crate) fn recorded(&mut self, intents: Vec<Intent>, ids: Vec<IntentId>) {
        for (intent, id) in intents.into_iter().zip(ids) {
            self.recorded.insert(intent.path.clone(), (id, intent));
        }
    }
}
