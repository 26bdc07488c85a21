//! The folders that are synced: made the same every time, changed the same way for every tool, and compared.
//!
//! Content is pseudo-random, so that nothing can be compressed, and found twice only where it was put twice.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// The directory that holds all small files, before and after it is renamed.
const DIRECTORY: (&str, &str) = ("photos", "pictures");
const LARGE_FILE: &str = "film.bin";
const FILES_PER_DIRECTORY: usize = 100;

/// What is done to the first folder before a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    /// Eight bytes in the middle of the large file become others.
    Edit,
    /// 21 bytes are put before everything else in the large file.
    Insert,
    /// The directory with all small files gets another name.
    Rename,
}

impl Change {
    pub(super) fn apply(self, folder: &Path) -> Result<()> {
        let result = match self {
            Self::Nothing => Ok(()),
            Self::Edit => edit(&folder.join(LARGE_FILE)),
            Self::Insert => insert(&folder.join(LARGE_FILE)),
            Self::Rename => fs::rename(folder.join(DIRECTORY.0), folder.join(DIRECTORY.1)),
        };
        result.with_context(|| format!("can't change what is in `{}`", folder.display()))
    }
}

fn edit(file: &Path) -> std::io::Result<()> {
    let mut file = File::options().write(true).open(file)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length / 2))?;
    file.write_all(b"8 bytes!")
}

/// Writes the whole file anew, as most programs save.
fn insert(file: &Path) -> std::io::Result<()> {
    let beside = file.with_extension("old");
    fs::rename(file, &beside)?;
    let mut new = File::create(file)?;
    new.write_all(b"21 bytes at the front")?;
    std::io::copy(&mut File::open(&beside)?, &mut new)?;
    fs::remove_file(&beside)
}

/// Fills a folder with `count` files of `sizes.0` to `sizes.1` bytes.
pub(super) fn make_small_files(folder: &Path, count: usize, sizes: (u64, u64)) -> Result<()> {
    let mut random = Random(0x5eed_5a11);
    for index in 0..count {
        let directory = folder.join(DIRECTORY.0).join(format!("{:04}", index / FILES_PER_DIRECTORY));
        let size = sizes.0 + random.next() % (sizes.1 - sizes.0 + 1);
        let size = usize::try_from(size).context("a small file is too large")?;
        let path = directory.join(format!("{index:06}.jpg"));
        fs::create_dir_all(&directory)
            .and_then(|()| fs::write(&path, random.bytes(size)))
            .with_context(|| format!("can't write `{}`", path.display()))?;
    }
    Ok(())
}

/// Fills a folder with one file of `size` bytes.
pub(super) fn make_large_file(folder: &Path, size: u64) -> Result<()> {
    const BLOCK: u64 = 1 << 20;
    let mut random = Random(0x1a_26e0_f11e);
    let path = folder.join(LARGE_FILE);
    let mut write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = File::create(&path)?;
        for _ in 0..size / BLOCK {
            file.write_all(&random.bytes(1 << 20))?;
        }
        Ok(())
    };
    write().with_context(|| format!("can't write `{}`", path.display()))
}

/// Copies a folder made here.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    for path in files(from)?.into_keys() {
        let target = to.join(&path);
        fs::create_dir_all(target.parent().unwrap_or(to))
            .and_then(|()| fs::copy(from.join(&path), &target))
            .with_context(|| format!("can't write `{}`", target.display()))?;
    }
    Ok(())
}

/// Returns the files of a folder with their sizes. What a tool keeps for itself begins with a dot and is left out.
pub(super) fn files(folder: &Path) -> Result<BTreeMap<PathBuf, u64>> {
    let mut found = BTreeMap::new();
    collect(folder, Path::new(""), &mut found)
        .with_context(|| format!("can't read `{}`", folder.display()))?;
    Ok(found)
}

fn collect(folder: &Path, below: &Path, found: &mut BTreeMap<PathBuf, u64>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(folder, &path, found)?;
        } else {
            found.insert(path, entry.metadata()?.len());
        }
    }
    Ok(())
}

/// Compares two folders byte by byte; a difference is an error.
pub(super) fn must_be_same(one: &Path, other: &Path) -> Result<()> {
    let (left, right) = (files(one)?, files(other)?);
    if left.len() != right.len() {
        bail!("{} files on one side, {} on the other", left.len(), right.len());
    }
    for path in left.keys() {
        let is_same = right.contains_key(path) && have_same_bytes(&one.join(path), &other.join(path))?;
        if !is_same {
            bail!("`{}` differs", path.display());
        }
    }
    Ok(())
}

fn have_same_bytes(one: &Path, other: &Path) -> Result<bool> {
    let open = |path: &Path| File::open(path).with_context(|| format!("can't open `{}`", path.display()));
    let (mut one, mut other) = (open(one)?, open(other)?);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        let block = 4 << 20;
        (&mut one).take(block).read_to_end(&mut left).context("can't read")?;
        (&mut other).take(block).read_to_end(&mut right).context("can't read")?;
        if left != right {
            return Ok(false);
        }
        if left.is_empty() {
            return Ok(true);
        }
    }
}

/// A small generator of numbers that look random (xorshift64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let words = count.div_ceil(8);
        let mut bytes: Vec<u8> = (0..words).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(count);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Change, copy, files, make_large_file, make_small_files, must_be_same};

    /// A directory that is gone with the value.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("s4-bench-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn same_files_are_made_and_differences_found() {
        let place = Place::new("content");
        let (one, other) = (place.0.join("one"), place.0.join("other"));
        make_small_files(&one, 150, (10, 20)).unwrap();
        make_large_file(&one, 1 << 20).unwrap();
        copy(&one, &other).unwrap();
        must_be_same(&one, &other).unwrap();
        for change in [Change::Edit, Change::Insert, Change::Rename] {
            change.apply(&one).unwrap();
            must_be_same(&one, &other).unwrap_err();
            change.apply(&other).unwrap();
            must_be_same(&one, &other).unwrap();
        }
        let found = files(&one).unwrap();
        assert_eq!(found[Path::new("film.bin")], (1 << 20) + 21);
        assert!(found.contains_key(Path::new("pictures/0001/000149.jpg")));
    }
}
