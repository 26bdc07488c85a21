//! What a listing saw, in few bytes: about seventy for an object, where a tree takes two hundred and fifty.
//!
//! - Pages may be added in any order: keys order by bytes, paths by component.
//! - Only what has the key that its path calls for is packed. All else is kept as it is: markers, and keys that are no
//!   paths, or paths in another Unicode form.

use crate::key::{ObjectKey, Place, Prefix};
use crate::path::{RelPath, compare_by_component};
use crate::remote::{ETag, RemoteObject, RemoteTree, UnixMillis};

use super::pack::{self, Reader};

/// A tag of 32 hexadecimal digits, as nearly all are, is kept as 16 bytes.
const HEX: u8 = 0;
const TEXT: u8 = 1;

/// Every object that one complete listing of a prefix saw.
#[derive(Clone, Debug)]
pub struct RemoteEntries {
    prefix: Prefix,
    pages: Vec<Vec<u8>>,
    /// Where each object begins: page, and place in it.
    order: Vec<(u32, u32)>,
    odd: Vec<RemoteObject>,
}

/// One object under the usual key of its path.
#[derive(Clone, Copy, Debug)]
pub struct RemoteEntry<'a> {
    /// The path.
    pub path: &'a str,
    /// Length of the body in bytes.
    pub size: u64,
    /// When the store last changed it.
    pub last_modified: UnixMillis,
    etag: PackedTag<'a>,
}

#[derive(Clone, Copy, Debug)]
enum PackedTag<'a> {
    Hex(&'a [u8]),
    Text(&'a str),
}

impl RemoteEntries {
    /// Returns a listing of `prefix` that saw nothing.
    pub fn new(prefix: Prefix) -> Self {
        Self { prefix, pages: Vec::new(), order: Vec::new(), odd: Vec::new() }
    }

    /// Adds a page. After the last one comes [`sort`](Self::sort).
    pub fn add(&mut self, objects: impl IntoIterator<Item = RemoteObject>) {
        let page = u32::try_from(self.pages.len()).expect("a listing has less than 2^32 pages");
        let mut bytes = Vec::new();
        for object in objects {
            match self.prefix.place(&object.key) {
                None | Some(Place::Root | Place::Reserved) => {}
                Some(Place::File(path)) if is_usual(&self.prefix, &path, &object.key) => {
                    let place = u32::try_from(bytes.len()).expect("a page has less than 4 GiB");
                    self.order.push((page, place));
                    put_object(&mut bytes, &path, &object);
                }
                Some(Place::File(_) | Place::Directory(_) | Place::Invalid(_)) => self.odd.push(object),
            }
        }
        bytes.shrink_to_fit();
        self.pages.push(bytes);
    }

    /// Puts all into the order of paths.
    pub fn sort(&mut self) {
        let mut order = std::mem::take(&mut self.order);
        // Keys come nearly in that order, which this sort makes use of.
        order.sort_by(|left, right| compare_by_component(self.entry(*left).path, self.entry(*right).path));
        order.shrink_to_fit();
        self.order = order;
        // So that the order of pages tells nothing.
        self.odd.sort_by(|left, right| left.key.cmp(&right.key));
    }

    /// Returns the number of objects below the prefix, S4's own left out.
    pub fn len(&self) -> usize {
        self.order.len() + self.odd.len()
    }

    /// Returns whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of objects that are files.
    pub fn files(&self) -> usize {
        let is_file = |object: &&RemoteObject| matches!(self.prefix.place(&object.key), Some(Place::File(_)));
        self.order.len() + self.odd.iter().filter(is_file).count()
    }

    /// Returns the object at a place of the order of paths.
    pub fn get(&self, index: usize) -> Option<RemoteEntry<'_>> {
        self.order.get(index).map(|place| self.entry(*place))
    }

    fn find(&self, path: &str) -> Option<RemoteEntry<'_>> {
        let compare = |place: &(u32, u32)| compare_by_component(self.entry(*place).path, path);
        let index = self.order.binary_search_by(compare).ok()?;
        self.get(index)
    }

    /// Returns the objects of these paths, and nothing else.
    pub fn only(&self, paths: &[RelPath]) -> RemoteTree {
        let found = paths.iter().filter_map(|path| self.find(path.as_str()));
        RemoteTree::build(&self.prefix, found.map(|entry| self.object(&entry)).collect::<Vec<_>>())
    }

    /// Returns all as a tree.
    pub fn to_tree(&self) -> RemoteTree {
        let usual = self.order.iter().map(|place| self.object(&self.entry(*place)));
        RemoteTree::build(&self.prefix, usual.chain(self.odd.iter().cloned()))
    }

    /// Returns an entry as an object.
    pub fn object(&self, entry: &RemoteEntry<'_>) -> RemoteObject {
        RemoteObject {
            key: ObjectKey::new([self.prefix.as_str(), entry.path].concat()),
            size: entry.size,
            etag: entry.etag(),
            last_modified: entry.last_modified,
        }
    }

    /// Returns what has not the usual key of a file.
    pub fn odd(&self) -> &[RemoteObject] {
        &self.odd
    }

    /// Returns the prefix that was listed.
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    fn entry(&self, (page, place): (u32, u32)) -> RemoteEntry<'_> {
        let mut reader = Reader::new(&self.pages[page as usize], place as usize);
        let path = reader.text();
        let etag = match reader.byte() {
            HEX => PackedTag::Hex(reader.bytes(16)),
            _ => PackedTag::Text(reader.text()),
        };
        RemoteEntry { path, etag, size: reader.number(), last_modified: UnixMillis(reader.signed()) }
    }
}

impl RemoteEntry<'_> {
    /// Returns the entity tag.
    pub fn etag(&self) -> ETag {
        match self.etag {
            PackedTag::Hex(bytes) => {
                ETag::new(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            }
            PackedTag::Text(text) => ETag::new(text),
        }
    }

    /// Returns whether this is its entity tag.
    pub fn has_etag(&self, etag: &ETag) -> bool {
        match self.etag {
            PackedTag::Hex(bytes) => packed(etag).is_some_and(|packed| packed == *bytes),
            PackedTag::Text(text) => text == etag.as_str(),
        }
    }
}

/// Returns whether a key is the one that a path has unless somebody chose another spelling.
pub(super) fn is_usual(prefix: &Prefix, path: &RelPath, key: &ObjectKey) -> bool {
    key.as_str().strip_prefix(prefix.as_str()) == Some(path.as_str())
}

/// Returns the bytes of a tag in lower-case hexadecimal digits: one in capitals is another tag.
fn packed(etag: &ETag) -> Option<[u8; 16]> {
    let is_lower = !etag.as_str().bytes().any(|byte| byte.is_ascii_uppercase());
    etag.possible_md5().filter(|_| is_lower)
}

fn put_object(bytes: &mut Vec<u8>, path: &RelPath, object: &RemoteObject) {
    pack::put_text(bytes, path.as_str());
    match packed(&object.etag) {
        Some(packed) => {
            bytes.push(HEX);
            bytes.extend(packed);
        }
        None => {
            bytes.push(TEXT);
            pack::put_text(bytes, object.etag.as_str());
        }
    }
    pack::put(bytes, object.size);
    pack::put_signed(bytes, object.last_modified.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, n: u64) -> RemoteObject {
        let etag = match n % 3 {
            0 => format!("{n:032x}"),
            1 => format!("{n:032X}"),
            _ => format!("{n:032x}-2"),
        };
        RemoteObject {
            key: ObjectKey::new(key),
            size: u64::MAX - n,
            etag: ETag::new(&etag),
            last_modified: UnixMillis(i64::MIN + n.cast_signed()),
        }
    }

    #[test]
    fn a_listing_comes_back_as_it_was_in_the_order_of_paths() {
        let keys = [
            "p/a",
            "p/a b",
            "p/a-b",
            "p/a.txt",
            "p/a/",
            "p/a/b",
            "p/a//b",
            "p/cafe\u{301}",
            "p/caf\u{e9}",
            "p/.s4/x",
            "p/",
            "q",
            "p/full/",
        ];
        let objects: Vec<RemoteObject> = keys.into_iter().zip(10..).map(|(key, n)| object(key, n)).collect();
        let prefix = Prefix::new("p");
        let mut entries = RemoteEntries::new(prefix.clone());
        entries.add(objects[7..].to_vec());
        entries.add(objects[..7].to_vec());
        entries.sort();
        let mut sorted = objects.clone();
        sorted.sort_by(|left, right| left.key.cmp(&right.key));
        assert_eq!(entries.to_tree(), RemoteTree::build(&prefix, sorted));
        let paths: Vec<&str> = (0..).map_while(|index| entries.get(index)).map(|entry| entry.path).collect();
        assert_eq!(paths, ["a", "a/b", "a b", "a-b", "a.txt", "caf\u{e9}"]);
        assert_eq!((entries.files(), entries.len()), (7, 10));
        let entry = entries.get(0).unwrap();
        assert!(entry.has_etag(&objects[0].etag) && !entry.has_etag(&objects[1].etag));
        let only = entries.only(&[RelPath::parse("a").unwrap(), RelPath::parse("b").unwrap()]);
        assert_eq!(only.objects.keys().map(RelPath::as_str).collect::<Vec<_>>(), ["a"]);
    }
}
