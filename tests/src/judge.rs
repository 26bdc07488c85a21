//! Decides whether content that people saved was lost.
//!
//! - Every save is recorded with the content it replaced, every delete with the content it removed; contents are
//!   unique, so that each stands for one save.
//! - A content is accounted for if it is live, or was deleted by someone who had it, or was replaced by one that is
//!   accounted for. Trash does not count.

use std::collections::{BTreeMap, BTreeSet};

/// What people did to files, in any order.
#[derive(Default)]
pub struct History {
    saved: BTreeSet<Vec<u8>>,
    replaced_by: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
    deleted: BTreeSet<Vec<u8>>,
}

impl History {
    /// Records that `content` was saved, over `replaced` if something stood there.
    pub fn save(&mut self, content: &[u8], replaced: Option<&[u8]>) {
        self.saved.insert(content.to_vec());
        if let Some(replaced) = replaced {
            self.replaced_by.entry(replaced.to_vec()).or_default().push(content.to_vec());
        }
    }

    /// Records that `content` was deleted by someone who had it before them.
    pub fn delete(&mut self, content: &[u8]) {
        self.deleted.insert(content.to_vec());
    }

    /// Adds what others did.
    pub fn merge(&mut self, other: Self) {
        self.saved.extend(other.saved);
        self.deleted.extend(other.deleted);
        for (replaced, by) in other.replaced_by {
            self.replaced_by.entry(replaced).or_default().extend(by);
        }
    }

    /// Returns whether this content was ever saved, whole as it is.
    pub fn knows(&self, content: &[u8]) -> bool {
        self.saved.contains(content)
    }

    /// Returns how many contents were saved.
    pub fn saves(&self) -> usize {
        self.saved.len()
    }

    /// Returns every saved content that is not accounted for, as text.
    pub fn lost<'a>(&self, live: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let live: BTreeSet<&[u8]> = live.into_iter().collect();
        let lost = self.saved.iter().filter(|content| !self.is_accounted_for(content, &live));
        lost.map(|content| String::from_utf8_lossy(content).into_owned()).collect()
    }

    /// Contents are unique and a save comes after what it replaces, so there are no cycles.
    fn is_accounted_for(&self, content: &[u8], live: &BTreeSet<&[u8]>) -> bool {
        live.contains(content)
            || self.deleted.contains(content)
            || self
                .replaced_by
                .get(content)
                .is_some_and(|by| by.iter().any(|next| self.is_accounted_for(next, live)))
    }
}

#[cfg(test)]
mod tests {
    use super::History;

    #[test]
    fn only_the_unaccounted_is_lost() {
        let mut history = History::default();
        history.save(b"live", None);
        history.save(b"old", None);
        history.save(b"new", Some(b"old"));
        history.save(b"gone", None);
        history.delete(b"gone");
        history.save(b"gone later", Some(b"gone"));
        history.delete(b"gone later");
        history.save(b"lost", None);
        history.save(b"lost too", Some(b"lost"));
        assert_eq!(history.lost([b"live".as_slice(), b"new"]), ["lost", "lost too"]);
    }

    #[test]
    fn one_live_branch_is_enough() {
        let mut history = History::default();
        history.save(b"base", None);
        history.save(b"left", Some(b"base"));
        let mut other = History::default();
        other.save(b"right", Some(b"base"));
        history.merge(other);
        assert_eq!(history.lost([b"right".as_slice()]), ["left"]);
    }
}
