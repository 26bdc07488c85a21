//! What a disk can and cannot do, as values.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// The traits of one file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskTraits {
    /// Whether `a` and `A` are two names.
    pub case_sensitive: bool,
    /// Whether the Unicode forms of one name are one name.
    pub normalizes_unicode: bool,
    /// Which names it accepts.
    pub names: NameRules,
    /// Whether files have an executable bit.
    pub has_executable_bit: bool,
    /// Whether it has symbolic links.
    pub has_symlinks: bool,
    /// Whether two entries can be exchanged in one step.
    pub has_exchange: bool,
    /// The coarsest difference of stamps, in nanoseconds, below which two writes may look the same.
    pub granularity_ns: i64,
}

/// Which names a disk accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRules {
    /// Anything but `/` and NUL, up to 255 bytes.
    Posix,
    /// As Windows: no control characters, none of `<>:"\|?*`, no trailing dot or space, no device names.
    Windows,
}

/// The longest name of one entry, in bytes (POSIX) or UTF-16 units (Windows).
const MAX_NAME: usize = 255;

impl DiskTraits {
    /// The traits of a common Linux file system: ext4, xfs, btrfs, tmpfs.
    pub const LINUX: DiskTraits = DiskTraits {
        case_sensitive: true,
        normalizes_unicode: false,
        names: NameRules::Posix,
        has_executable_bit: true,
        has_symlinks: true,
        has_exchange: true,
        granularity_ns: 20_000_000,
    };

    /// Returns whether this disk takes some different names for one.
    pub fn folds(&self) -> bool {
        !self.case_sensitive || self.normalizes_unicode
    }

    /// Returns the form under which this disk takes two names for one.
    pub fn fold<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match (self.case_sensitive, self.normalizes_unicode) {
            (true, false) => Cow::Borrowed(name),
            (true, true) => Cow::Owned(name.nfc().collect()),
            (false, _) => Cow::Owned(name.nfc().flat_map(char::to_lowercase).collect()),
        }
    }

    /// Returns why this disk refuses `name` as one part of a path, if it does.
    pub fn refusal(&self, name: &str) -> Option<&'static str> {
        match self.names {
            NameRules::Posix => (name.len() > MAX_NAME).then_some("its name is longer than 255 bytes"),
            NameRules::Windows => windows_refusal(name),
        }
    }
}

/// Returns why Windows refuses `name`.
///
/// <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>
fn windows_refusal(name: &str) -> Option<&'static str> {
    if name.encode_utf16().count() > MAX_NAME {
        return Some("its name is longer than 255 characters");
    }
    if name.chars().any(is_refused_by_windows) {
        return Some("Windows refuses a character of its name");
    }
    if name.ends_with(['.', ' ']) {
        return Some("Windows refuses a name that ends with a dot or a space");
    }
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_uppercase();
    let is_device = match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" => true,
        other => other.strip_prefix("COM").or(other.strip_prefix("LPT")).is_some_and(is_port),
    };
    is_device.then_some("Windows keeps this name for a device")
}

/// Returns whether `text` is the digit of a port, superscripts included.
fn is_port(text: &str) -> bool {
    matches!(text, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
}

/// Returns whether Windows accepts `character` in no name.
pub(crate) fn is_refused_by_windows(character: char) -> bool {
    character < ' ' || matches!(character, '<' | '>' | ':' | '"' | '\\' | '|' | '?' | '*' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t05_windows_refuses_what_it_documents() {
        let windows = DiskTraits { names: NameRules::Windows, ..DiskTraits::LINUX };
        for name in ["CON", "nul.txt.jpg", "COM0", "lpt1.x", "a.", "a ", "a:b", "a\u{1}b", "a?", "a\\b"] {
            assert!(windows.refusal(name).is_some(), "{name:?}");
            assert!(DiskTraits::LINUX.refusal(name).is_none(), "{name:?}");
        }
        for name in ["CONSOLE", "com10", "a.b", ".a", "café"] {
            assert!(windows.refusal(name).is_none(), "{name:?}");
        }
        assert!(DiskTraits::LINUX.refusal(&"x".repeat(256)).is_some());
    }

    #[test]
    fn folding_follows_the_disk() {
        let folding = DiskTraits { case_sensitive: false, ..DiskTraits::LINUX };
        assert_eq!(folding.fold("CAFE\u{301}"), folding.fold("caf\u{e9}"));
        assert_ne!(DiskTraits::LINUX.fold("A"), DiskTraits::LINUX.fold("a"));
    }
}
