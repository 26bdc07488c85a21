//! `sync.conf` as a value: the JSON document with everything that is in it, and the targets we understand.
//!
//! Decides how targets are read from and put into the document. It never touches a file.
//!
//! Invariants:
//! - A change touches the fields that it changes and nothing else: unknown keys, their order, and the spelling of
//!   fields whose meaning stays the same survive.
//! - One unreadable target hides no other: each is read on its own.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, ser::PrettyFormatter};
use thiserror::Error;

use crate::{
    Bandwidth, FieldError, SettingError, Target, TargetName, TargetNameError, bandwidth,
    target::{kind, read, written},
};

const TARGETS: &str = "targets";

/// The original S4 wrote five spaces; with the same a file changes only where its meaning does.
const INDENT: &[u8] = b"     ";

/// The whole of `sync.conf`.
#[derive(Clone, Default, PartialEq)]
pub struct Config {
    document: Map<String, Value>,
}

/// Why a text is no `sync.conf`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Not JSON at all.
    #[error("it is not valid JSON: {source}")]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1; 0 is before the first character.
        column: usize,
        /// What the parser expected, with line and column.
        source: serde_json::Error,
    },
    /// JSON of another form.
    #[error("{place} must be an object, not {found}")]
    NotAnObject {
        /// The part of the file.
        place: &'static str,
        /// The type that is there.
        found: &'static str,
    },
}

/// Why a target cannot be had from the configuration.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no such target.
    #[error("there is no target `{name}`; {}", known_targets(known))]
    UnknownTarget {
        /// The name as given.
        name: String,
        /// The targets there are.
        known: Vec<String>,
    },
    /// The target's key in the file is not usable as a name.
    #[error("a target in sync.conf has an unusable name: {0}")]
    Name(#[from] TargetNameError),
    /// A field is missing or wrong.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A setting for all targets is wrong.
    #[error("`{key}` in sync.conf {source}")]
    Setting {
        /// Its key, at the top of the file.
        key: &'static str,
        /// What it must be.
        source: SettingError,
    },
    /// The target is no object.
    #[error("target `{name}` must be an object in sync.conf, not {found}")]
    NotAnObject {
        /// The target.
        name: String,
        /// The type that is there.
        found: &'static str,
    },
}

impl Config {
    /// Reads the text of a `sync.conf`.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        // Some editors put a byte order mark first.
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        let document: Value = serde_json::from_slice(text).map_err(|source| ParseError::Json {
            line: source.line(),
            column: source.column(),
            source,
        })?;
        let document = match document {
            Value::Object(document) => document,
            other => return Err(ParseError::NotAnObject { place: "the whole file", found: kind(&other) }),
        };
        match document.get(TARGETS) {
            None | Some(Value::Object(_)) => Ok(Self { document }),
            Some(other) => Err(ParseError::NotAnObject { place: "`targets`", found: kind(other) }),
        }
    }

    /// Returns the text to write: readable, keys in their order, a line break at the end.
    pub fn to_text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut serializer =
            serde_json::Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(INDENT));
        self.document.serialize(&mut serializer).expect("text keys and a vector to write to can't fail");
        text.push(b'\n');
        text
    }

    /// Returns the names of all targets in the file's order, also of those that cannot be read.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries().into_iter().flat_map(Map::keys).map(String::as_str)
    }

    /// Returns whether there is an entry of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.entries().is_some_and(|targets| targets.contains_key(name))
    }

    /// Returns one target; the others may be unreadable.
    pub fn target(&self, name: &str) -> Result<Target, ConfigError> {
        match self.entries().and_then(|targets| targets.get(name)) {
            Some(Value::Object(object)) => Ok(read(&TargetName::new(name)?, object)?),
            Some(other) => Err(ConfigError::NotAnObject { name: name.to_owned(), found: kind(other) }),
            None => Err(self.unknown(name)),
        }
    }

    /// Returns all targets in the file's order, or why the first unreadable one cannot be read.
    pub fn targets(&self) -> Result<Vec<Target>, ConfigError> {
        self.names().map(|name| self.target(name)).collect()
    }

    /// Returns the limits for all targets together.
    pub fn bandwidth(&self) -> Result<Bandwidth, ConfigError> {
        bandwidth::read(&self.document)
    }

    /// Adds a target, or changes the fields of the one of that name that differ.
    pub fn put(&mut self, target: &Target) -> Result<(), FieldError> {
        let new = written(target)?;
        let old = match self.target(target.name.as_str()) {
            Ok(current) => written(&current)?,
            // What cannot be read has no meaning to preserve: every field of ours is written.
            Err(_) => Vec::new(),
        };
        let entry = self.entry(target.name.as_str());
        for (index, (field, value)) in new.into_iter().enumerate() {
            if old.get(index).is_some_and(|(_, old)| *old == value) {
                continue;
            }
            match value {
                // Replacing keeps the place of a field that was there.
                Some(value) => drop(entry.insert(field.to_owned(), value)),
                None => drop(entry.shift_remove(field)),
            }
        }
        Ok(())
    }

    /// Takes a target out, readable or not.
    pub fn remove(&mut self, name: &str) -> Result<(), ConfigError> {
        let targets = self.document.get_mut(TARGETS).and_then(Value::as_object_mut);
        match targets.and_then(|targets| targets.shift_remove(name)) {
            Some(_) => Ok(()),
            None => Err(self.unknown(name)),
        }
    }

    fn entries(&self) -> Option<&Map<String, Value>> {
        self.document.get(TARGETS).and_then(Value::as_object)
    }

    /// Returns the object of a target, made if it is not there or is none.
    fn entry(&mut self, name: &str) -> &mut Map<String, Value> {
        object_in(object_in(&mut self.document, TARGETS), name)
    }

    fn unknown(&self, name: &str) -> ConfigError {
        ConfigError::UnknownTarget { name: name.to_owned(), known: self.names().map(str::to_owned).collect() }
    }
}

/// Only the targets' names: the document may hold keys.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field(TARGETS, &self.names().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

fn object_in<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let value = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(object) => object,
        _ => unreachable!("made an object above"),
    }
}

fn known_targets(known: &[String]) -> String {
    match known {
        [] => "there are none yet, `s4 add` makes one".to_owned(),
        names => format!("there are: {}", names.join(", ")),
    }
}
