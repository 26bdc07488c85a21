//! What a scan saw, in few bytes: about forty for a file, where a tree takes two hundred.
//!
//! - Entries are added and read in the order of paths, each as what it differs in from the one before.

use crate::local::{FileId, Fingerprint, LocalEntry, LocalFile, LocalSymlink, LocalTree, Unreadable};
use crate::path::DiskPath;

use super::pack::{self, Reader};

/// How long a block of entries becomes, in bytes: memory is asked for and given back in such pieces.
const BLOCK: usize = 256 << 10;

const FILE: u8 = 0;
const SYMLINK: u8 = 1;
const DIR: u8 = 2;
const SPECIAL: u8 = 3;
const MOUNT: u8 = 4;
const FAILED: u8 = 5;
/// The bits of the first byte that say which of these it is.
const KIND: u8 = 7;
/// An executable file, or a directory that holds ignored entries.
const MARKED: u8 = 8;
const HAS_CTIME: u8 = 16;
const HAS_BIRTH: u8 = 32;

/// Every entry that one scan of a folder saw, as a [`LocalTree`] has them.
#[derive(Clone, Debug, Default)]
pub struct LocalEntries {
    blocks: Vec<Vec<u8>>,
    len: usize,
    last: String,
    /// Entries whose names are no UTF-8, made printable.
    pub unnameable: Vec<String>,
}

/// Where a walk over entries is.
#[derive(Debug, Default)]
pub struct LocalCursor {
    block: usize,
    at: usize,
    path: String,
}

impl LocalEntries {
    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an entry, whose path comes after all that are there.
    pub fn push(&mut self, path: &str, entry: &LocalEntry) {
        let mut shared = self.last.bytes().zip(path.bytes()).take_while(|(one, other)| one == other).count();
        while !path.is_char_boundary(shared) {
            shared -= 1;
        }
        if self.blocks.last().is_none_or(|block| block.len() >= BLOCK) {
            self.blocks.push(Vec::new());
        }
        let Some(block) = self.blocks.last_mut() else { return };
        pack::put(block, shared as u64);
        pack::put_text(block, &path[shared..]);
        put_entry(block, entry);
        self.last.truncate(shared);
        self.last.push_str(&path[shared..]);
        self.len += 1;
    }

    /// Gives back memory that is not used. Nothing more should be added then.
    pub fn shrink(&mut self) {
        self.blocks.iter_mut().for_each(Vec::shrink_to_fit);
    }

    /// Returns all as a tree.
    pub fn to_tree(&self) -> LocalTree {
        let mut cursor = LocalCursor::default();
        let mut entries = Vec::with_capacity(self.len);
        while let Some(entry) = cursor.next(self) {
            entries.push((DiskPath::new(cursor.path()), entry));
        }
        LocalTree { entries: entries.into_iter().collect(), unnameable: self.unnameable.clone() }
    }
}

impl From<&LocalTree> for LocalEntries {
    fn from(tree: &LocalTree) -> Self {
        let mut entries = Self { unnameable: tree.unnameable.clone(), ..Self::default() };
        tree.entries.iter().for_each(|(path, entry)| entries.push(path.as_str(), entry));
        entries
    }
}

impl LocalCursor {
    /// Returns the next of `entries`, always the same ones.
    pub fn next(&mut self, entries: &LocalEntries) -> Option<LocalEntry> {
        let mut block = entries.blocks.get(self.block)?;
        if self.at == block.len() {
            (self.block, self.at) = (self.block + 1, 0);
            block = entries.blocks.get(self.block)?;
        }
        let mut reader = Reader::new(block, self.at);
        self.path.truncate(reader.length());
        self.path.push_str(reader.text());
        let entry = read_entry(&mut reader);
        self.at = reader.at;
        Some(entry)
    }

    /// Returns the path of the entry that was returned last.
    pub fn path(&self) -> &str {
        &self.path
    }
}

fn put_entry(bytes: &mut Vec<u8>, entry: &LocalEntry) {
    match entry {
        LocalEntry::File(LocalFile { fingerprint, executable }) => {
            put_print(bytes, FILE | if *executable { MARKED } else { 0 }, fingerprint);
        }
        LocalEntry::Symlink(LocalSymlink { fingerprint, target }) => {
            put_print(bytes, SYMLINK, fingerprint);
            pack::put_text(bytes, target);
        }
        LocalEntry::Dir { holds_ignored } => bytes.push(DIR | if *holds_ignored { MARKED } else { 0 }),
        LocalEntry::Special => bytes.push(SPECIAL),
        LocalEntry::Unreadable(Unreadable::Mount) => bytes.push(MOUNT),
        LocalEntry::Unreadable(Unreadable::Failed(words)) => {
            bytes.push(FAILED);
            pack::put_text(bytes, words);
        }
    }
}

fn read_entry(reader: &mut Reader<'_>) -> LocalEntry {
    let first = reader.byte();
    match first & KIND {
        FILE => LocalEntry::File(LocalFile {
            fingerprint: read_print(reader, first),
            executable: first & MARKED != 0,
        }),
        SYMLINK => LocalEntry::Symlink(LocalSymlink {
            fingerprint: read_print(reader, first),
            target: reader.text().into(),
        }),
        DIR => LocalEntry::Dir { holds_ignored: first & MARKED != 0 },
        SPECIAL => LocalEntry::Special,
        MOUNT => LocalEntry::Unreadable(Unreadable::Mount),
        _ => LocalEntry::Unreadable(Unreadable::Failed(reader.text().into())),
    }
}

/// Adds stamps, most of which lie near each other.
fn put_print(bytes: &mut Vec<u8>, kind: u8, fingerprint: &Fingerprint) {
    let Fingerprint { size, mtime_ns, ctime_ns, birth_ns, file_id } = fingerprint;
    let flag = |time: &Option<i64>, flag| if time.is_some() { flag } else { 0 };
    bytes.push(kind | flag(ctime_ns, HAS_CTIME) | flag(birth_ns, HAS_BIRTH));
    pack::put(bytes, *size);
    pack::put(bytes, file_id.0);
    bytes.extend(mtime_ns.to_le_bytes());
    for time in [ctime_ns, birth_ns].into_iter().flatten() {
        pack::put_signed(bytes, time.wrapping_sub(*mtime_ns));
    }
}

fn read_print(reader: &mut Reader<'_>, flags: u8) -> Fingerprint {
    let size = reader.number();
    let file_id = FileId(reader.number());
    let mut mtime = [0; 8];
    mtime.copy_from_slice(reader.bytes(8));
    let mtime_ns = i64::from_le_bytes(mtime);
    let mut time = |flag| (flags & flag != 0).then(|| mtime_ns.wrapping_add(reader.signed()));
    let (ctime_ns, birth_ns) = (time(HAS_CTIME), time(HAS_BIRTH));
    Fingerprint { size, mtime_ns, ctime_ns, birth_ns, file_id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_comes_back_as_it_was() {
        let print = |n: u64| Fingerprint {
            size: n,
            mtime_ns: i64::MIN,
            ctime_ns: n.is_multiple_of(2).then_some(i64::MAX),
            birth_ns: n.is_multiple_of(3).then_some(-1),
            file_id: FileId(u64::MAX - n),
        };
        let of = |n: u64| match n % 7 {
            0 => LocalEntry::Symlink(LocalSymlink { fingerprint: print(n), target: "../ü".into() }),
            1 => LocalEntry::Dir { holds_ignored: n.is_multiple_of(2) },
            2 => LocalEntry::Special,
            3 => LocalEntry::Unreadable(Unreadable::Mount),
            4 => LocalEntry::Unreadable(Unreadable::Failed("refused".into())),
            _ => LocalEntry::File(LocalFile { fingerprint: print(n), executable: n.is_multiple_of(2) }),
        };
        let names = (0..20_000).map(|n| (DiskPath::new(format!("ä{}/ö{n}ü", n % 99)), of(n)));
        let odd = [("é", 5), ("è", 6), ("e\u{301}", 5)].map(|(name, n)| (DiskPath::new(name), of(n)));
        let tree = LocalTree { entries: names.chain(odd).collect(), unnameable: vec!["?".to_owned()] };
        let entries = LocalEntries::from(&tree);
        assert_eq!(entries.len(), 20_003);
        assert!(entries.blocks.len() > 1);
        assert_eq!(entries.to_tree(), tree);
        assert_eq!(LocalEntries::default().to_tree(), LocalTree::default());
    }
}
