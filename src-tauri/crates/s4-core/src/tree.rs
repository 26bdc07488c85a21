//! A sorted map that is filled once and then read: half the memory of a B-tree, and merged by walking.

/// A map whose keys are sorted and unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortedMap<K, V> {
    entries: Vec<(K, V)>,
}

impl<K: Ord, V> SortedMap<K, V> {
    /// Returns an empty map.
    pub fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Returns the entry of `key`.
    pub fn get(&self, key: &K) -> Option<&V> {
        let index = self.entries.binary_search_by(|(other, _)| other.cmp(key)).ok()?;
        Some(&self.entries[index].1)
    }

    /// Returns whether `key` has an entry.
    pub fn contains(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// Sets the entry of `key`: fast at the end, linear elsewhere. Fill a map with `from_iter`.
    pub fn insert(&mut self, key: K, value: V) {
        match self.entries.binary_search_by(|(other, _)| other.cmp(&key)) {
            Ok(index) => self.entries[index].1 = value,
            Err(index) => self.entries.insert(index, (key, value)),
        }
    }

    /// Removes and returns the entry of `key`; linear.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let index = self.entries.binary_search_by(|(other, _)| other.cmp(key)).ok()?;
        Some(self.entries.remove(index).1)
    }

    /// Returns the entries in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &V)> + DoubleEndedIterator {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Returns the entries from the first key that is not below `from`, in order.
    pub fn range_from(&self, from: &K) -> impl Iterator<Item = (&K, &V)> {
        let start = self.entries.partition_point(|(key, _)| key < from);
        self.entries[start..].iter().map(|(key, value)| (key, value))
    }

    /// Returns the keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &K> {
        self.entries.iter().map(|(key, _)| key)
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<K: Ord, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

/// Of several entries with one key, the last stands.
impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut entries: Vec<(K, V)> = entries.into_iter().collect();
        entries.sort_by(|(left, _), (right, _)| left.cmp(right));
        entries.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(&mut later.1, &mut earlier.1);
            }
            same
        });
        entries.shrink_to_fit();
        Self { entries }
    }
}

impl<K, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_sorted_and_the_last_of_equals_stands() {
        let map: SortedMap<u8, &str> = [(3, "c"), (1, "a"), (3, "d")].into_iter().collect();
        assert_eq!(map.iter().collect::<Vec<_>>(), [(&1, &"a"), (&3, &"d")]);
        assert_eq!(map.get(&3), Some(&"d"));
        assert_eq!(map.range_from(&2).next(), Some((&3, &"d")));
    }
}
