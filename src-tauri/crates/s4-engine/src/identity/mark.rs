//! The mark in the folder: `.s4/root`, which says which root this is and how many runs it has seen.
//!
//! - The identity is written once, whole before it has its name. Only the number behind it changes, in place: it
//!   has a fixed width, and lies within one sector.
//! - A mark that cannot be read is none.

use s4_core::path::{DiskPath, RESERVED_COMPONENT};
use s4_local::disk::{Disk, DiskResult, root};
use s4_local::error::{DiskError, DiskErrorKind};

/// Every number has so many digits.
const DIGITS: usize = 20;
/// No mark is longer.
const MOST_BYTES: usize = 256;

/// What a folder says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The identity of the root.
    pub(super) root_id: String,
    /// The number of its last run.
    pub(super) generation: u64,
}

/// Returns the mark of a folder, `None` if there is none that can be read.
pub(super) fn read(disk: &dyn Disk) -> DiskResult<Option<Mark>> {
    let handle = match disk.open(&path("root")) {
        Ok(handle) => handle,
        Err(error) if error.kind == DiskErrorKind::Missing => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = [0; MOST_BYTES];
    let mut length = 0;
    while length < MOST_BYTES {
        match handle.read_at(&mut bytes[length..], length as u64)? {
            0 => break,
            read => length += read,
        }
    }
    let mark = std::str::from_utf8(&bytes[..length]).ok().and_then(decode);
    if mark.is_none() {
        tracing::warn!("`.s4/root` cannot be read");
    }
    Ok(mark)
}

/// Gives the folder a mark, in place of the one it has.
///
/// A crash halfway may leave none; nothing but a folder's first mark, or that of a copy, is ever written so.
pub(super) fn replace(disk: &dyn Disk, mark: &Mark) -> DiskResult<()> {
    let (place, staged) = (path("root"), path("root.new"));
    // The database may lie elsewhere, and then nothing has made `.s4` yet.
    match disk.make_private_dir(&DiskPath::new(RESERVED_COMPONENT)) {
        Ok(()) => disk.sync_dir(&root())?,
        Err(error) if error.kind == DiskErrorKind::Occupied => {}
        Err(error) => return Err(error),
    }
    remove(disk, &staged)?;
    let handle = disk.create(&staged)?;
    handle.write_at(encode(mark).as_bytes(), 0)?;
    handle.sync()?;
    drop(handle);
    // Our own file, and what it said is known: no file of the user is ever at this place.
    remove(disk, &place)?;
    disk.rename(&staged, &place)?;
    disk.sync_dir(&DiskPath::new(RESERVED_COMPONENT))
}

/// Writes the number of a run into the mark of this root.
pub(super) fn stamp(disk: &dyn Disk, mark: &Mark) -> DiskResult<()> {
    let place = path("root");
    match read(disk)? {
        Some(found) if found.root_id == mark.root_id => {}
        Some(_) | None => {
            return Err(DiskError::new(DiskErrorKind::Changed, "mark", &place, "it is another folder now"));
        }
    }
    let handle = disk.open_for_writing(&place)?;
    let number = encode_number(mark.generation);
    handle.write_at(number.as_bytes(), mark.root_id.len() as u64 + 1)?;
    handle.sync()
}

fn path(name: &str) -> DiskPath {
    DiskPath::new(RESERVED_COMPONENT).join(name)
}

fn remove(disk: &dyn Disk, path: &DiskPath) -> DiskResult<()> {
    match disk.unlink(path) {
        Err(error) if error.kind != DiskErrorKind::Missing => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn encode(mark: &Mark) -> String {
    format!("{}\n{}\n", mark.root_id, encode_number(mark.generation))
}

fn encode_number(number: u64) -> String {
    format!("{number:0DIGITS$}")
}

fn decode(text: &str) -> Option<Mark> {
    let (root_id, number) = text.strip_suffix('\n')?.split_once('\n')?;
    let generation = (number.len() == DIGITS).then(|| number.parse().ok())??;
    is_id(root_id).then(|| Mark { root_id: root_id.to_owned(), generation })
}

/// Returns whether `text` may be an identity: it becomes part of a file name, so it must not be able to lead anywhere.
pub(super) fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_as_it_was_written_and_anything_else_is_none() {
        for generation in [0, 7, u64::MAX] {
            let mark = Mark { root_id: "5f0c-a".to_owned(), generation };
            let text = encode(&mark);
            assert_eq!(decode(&text), Some(mark));
            for end in 0..text.len() {
                assert_eq!(decode(&text[..end]), None, "{:?}", &text[..end]);
            }
        }
        for text in ["../x\n00000000000000000001\n", "\n00000000000000000001\n", "a\n0000000000000000000x\n"]
        {
            assert_eq!(decode(text), None, "{text:?}");
        }
        assert!(!is_id(&"a".repeat(65)));
    }
}
