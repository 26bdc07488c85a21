//! What a folder holds, as a value: path to content, kind and executable bit.

use std::{collections::BTreeMap, fmt, fs, os::unix::fs::PermissionsExt, path::Path};

/// What stands at a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// A file with its content.
    File(Vec<u8>),
    /// A file that may be run.
    Program(Vec<u8>),
    /// A directory.
    Directory,
    /// A symbolic link with its target.
    Link(String),
}

/// Everything below a folder but `.s4`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tree(pub BTreeMap<String, Node>);

impl Tree {
    /// Reads a folder. Files that vanish meanwhile are left out.
    pub fn read(folder: &Path) -> Self {
        let mut tree = Self::default();
        tree.collect(folder, "");
        tree
    }

    fn collect(&mut self, directory: &Path, prefix: &str) {
        let entries = fs::read_dir(directory)
            .unwrap_or_else(|error| panic!("can't read {}: {error}", directory.display()));
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if prefix.is_empty() && name == ".s4" {
                continue;
            }
            let (full, path) = (entry.path(), format!("{prefix}{name}"));
            let Ok(metadata) = full.symlink_metadata() else { continue };
            let node = if metadata.is_symlink() {
                fs::read_link(&full).map(|target| Node::Link(target.to_string_lossy().into_owned()))
            } else if metadata.is_dir() {
                self.collect(&full, &format!("{path}/"));
                Ok(Node::Directory)
            } else if metadata.is_file() {
                let is_program = metadata.permissions().mode() & 0o100 != 0;
                fs::read(&full).map(if is_program { Node::Program } else { Node::File })
            } else {
                continue;
            };
            if let Ok(node) = node {
                self.0.insert(path, node);
            }
        }
    }

    /// Returns the paths of files and links, in order.
    pub fn file_paths(&self) -> Vec<&str> {
        self.0.iter().filter(|(_, node)| **node != Node::Directory).map(|(path, _)| path.as_str()).collect()
    }

    /// Returns the content of every file.
    pub fn contents(&self) -> Vec<&[u8]> {
        self.0.values().filter_map(Node::content).collect()
    }

    /// Returns a file's content as text.
    #[track_caller]
    pub fn text(&self, path: &str) -> &str {
        let content = self.0.get(path).and_then(Node::content);
        let content = content.unwrap_or_else(|| panic!("there is no file `{path}` in {self:?}"));
        std::str::from_utf8(content).unwrap_or_else(|_| panic!("`{path}` is no text"))
    }

    /// Returns whether anything stands at `path`.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// Checks that files and links are exactly these texts (a link as `-> target`); directories are not compared.
    #[track_caller]
    pub fn is(&self, expected: &[(&str, &str)]) {
        let told = |path: &str, node: &Node| match node {
            Node::Link(target) => (path.to_owned(), format!("-> {target}")),
            Node::File(_) | Node::Program(_) | Node::Directory => {
                (path.to_owned(), self.text(path).to_owned())
            }
        };
        let found: Vec<_> =
            self.0.iter().filter(|(_, node)| **node != Node::Directory).map(|(p, n)| told(p, n)).collect();
        let mut wanted: Vec<_> = expected.iter().map(|(p, t)| (p.to_string(), t.to_string())).collect();
        wanted.sort();
        assert_eq!(found, wanted);
    }
}

impl Node {
    /// Returns a file's content.
    pub fn content(&self) -> Option<&[u8]> {
        match self {
            Self::File(content) | Self::Program(content) => Some(content),
            Self::Directory | Self::Link(_) => None,
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |content: &[u8]| match std::str::from_utf8(content) {
            Ok(text) if text.len() <= 60 => format!("{text:?}"),
            _ => format!("{} bytes", content.len()),
        };
        match self {
            Self::File(content) => write!(f, "file {}", short(content)),
            Self::Program(content) => write!(f, "program {}", short(content)),
            Self::Directory => write!(f, "directory"),
            Self::Link(target) => write!(f, "link to {target}"),
        }
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.0).finish()
    }
}
