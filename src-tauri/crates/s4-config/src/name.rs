//! The name a person gave a target.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// A target's name: one or more printable characters, words and spaces included.
///
/// Invariants:
/// - not empty, not only white space;
/// - no control characters, so that it can stand in any message, menu or terminal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName(String);

/// Why a text is no target name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TargetNameError {
    /// Nothing but white space.
    #[error("a target's name can't be empty")]
    Empty,
    /// A line break, an escape, or another character that cannot be shown.
    #[error("the target name {name:?} has a control character in it; use letters, digits, spaces and signs")]
    Control {
        /// The name as given.
        name: String,
    },
}

impl TargetName {
    /// Checks `name` and keeps it exactly as given.
    pub fn new(name: impl Into<String>) -> Result<Self, TargetNameError> {
        let name = name.into();
        if name.trim().is_empty() {
            return Err(TargetNameError::Empty);
        }
        if name.chars().any(char::is_control) {
            return Err(TargetNameError::Control { name });
        }
        Ok(Self(name))
    }

    /// Returns the name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TargetName {
    type Err = TargetNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl AsRef<str> for TargetName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}
