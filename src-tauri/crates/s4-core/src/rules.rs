//! Which paths are never synced: gitignore rules of the folder, of this computer, and for temporary files.
//!
//! - Ignoring never deletes: a path that is ignored is only no longer tracked.
//! - As in git, nothing below an ignored directory can be un-ignored; the last rule that matches decides.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::path::{RelPath, nfc};

/// The files at the root of a target whose rules apply, in this order.
pub const RULE_FILES: [&str; 2] = [".syncignore", ".s3syncignore"];

/// What programs leave beside the files they work on, and systems in every folder.
const TEMPORARY: [&str; 19] = [
    "~$*",
    ".~lock.*#",
    "*.swp",
    "*.swo",
    "*.swx",
    ".*.sw?",
    "*.tmp",
    "*.part",
    "*.partial",
    "*.crdownload",
    ".goutputstream-*",
    ".#*",
    ".fuse_hidden*",
    ".nfs????????*",
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
    "*.s3syncTemp",
    ".directory.lock",
];

/// Why a line is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of {source_name} is no valid rule: {why}")]
pub struct RuleError {
    /// Where the line stands.
    pub source_name: String,
    /// From 1.
    pub line: usize,
    /// Why, in the words of the matcher.
    pub why: String,
}

/// The rules of one cycle.
#[derive(Clone, Debug)]
pub struct Rules {
    all: Gitignore,
    asked_for: Gitignore,
}

impl Rules {
    /// Returns the rules of `sources`, each a name for messages and its text, later ones deciding over earlier
    /// ones; with those for temporary files before all of them.
    pub fn new<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, RuleError> {
        let mut all = GitignoreBuilder::new("");
        let mut asked_for = GitignoreBuilder::new("");
        for pattern in TEMPORARY {
            add(&mut all, "the built-in rules", 0, pattern)?;
        }
        for (source_name, text) in sources {
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            for (index, line) in text.lines().enumerate() {
                add(&mut all, source_name, index, line)?;
                add(&mut asked_for, source_name, index, line)?;
            }
        }
        Ok(Self { all: build(&all)?, asked_for: build(&asked_for)? })
    }

    /// Returns the rules for temporary files alone.
    pub fn built_in() -> Self {
        Self::new([]).unwrap_or_else(|_| Self { all: Gitignore::empty(), asked_for: Gitignore::empty() })
    }

    /// Returns whether the file or directory `path`, which may be in any spelling, is not synced.
    pub fn is_ignored(&self, path: &str, is_dir: bool) -> bool {
        matches(&self.all, path, is_dir)
    }

    /// Returns whether a person's rule, not a built-in one, ignores the file `path`.
    pub fn is_ignored_on_request(&self, path: &RelPath) -> bool {
        !self.asked_for.is_empty() && matches(&self.asked_for, path.as_str(), false)
    }
}

/// Returns whether `rules` ignore `path` or a directory above it.
/// A disk may spell a name in another form than the rule, and than the path that it stands for.
fn matches(rules: &Gitignore, path: &str, is_dir: bool) -> bool {
    let path = &*nfc(path);
    let ends = path.match_indices('/').map(|(end, _)| end);
    ends.into_iter().any(|end| rules.matched(&path[..end], true).is_ignore())
        || rules.matched(path, is_dir).is_ignore()
}

fn add(builder: &mut GitignoreBuilder, source_name: &str, index: usize, line: &str) -> Result<(), RuleError> {
    match builder.add_line(None, &nfc(line)) {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(RuleError { source_name: source_name.to_owned(), line: index + 1, why: error.to_string() })
        }
    }
}

fn build(builder: &GitignoreBuilder) -> Result<Gitignore, RuleError> {
    builder.build().map_err(|error| RuleError {
        source_name: "the rules together".to_owned(),
        line: 0,
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rules: &str, path: &str, ignored: bool) {
        let rules = Rules::new([(".syncignore", rules)]).unwrap();
        let (path, is_dir) = path.strip_suffix('/').map_or((path, false), |directory| (directory, true));
        assert_eq!(rules.is_ignored(path, is_dir), ignored, "{path}");
    }

    #[test]
    fn t32_temporary_files_are_ignored_and_can_be_asked_back() {
        for name in ["~$a.docx", ".~lock.a.odt#", "d/.a.swp", "x.tmp", "a.part", "a.crdownload", ".DS_Store"]
        {
            check("", name, true);
        }
        check("!*.tmp", "x.tmp", false);
        check("", "template", false);
    }

    #[test]
    fn rules_are_gits() {
        check("/out", "out", true);
        check("/out", "a/out", false);
        check("build/", "build", false);
        check("build/", "build/", true);
        check("build/", "build/r/s", true);
        check("build/\n!build/keep", "build/keep", true);
        check("*.log\n!keep.log", "a/keep.log", false);
        check("# *.txt", "a.txt", false);
        check("\u{feff}*.txt", "a.txt", true);
        check("a/**/b", "a/x/y/b", true);
    }

    #[test]
    fn t01_rules_and_names_are_compared_in_one_unicode_form() {
        for (rule, name) in [("cafe\u{301}", "caf\u{e9}"), ("caf\u{e9}", "cafe\u{301}")] {
            for path in [name.to_owned(), format!("{name}/below"), rule.to_owned()] {
                check(rule, &path, true);
            }
        }
    }

    #[test]
    fn a_line_that_is_no_rule_is_named() {
        let error = Rules::new([(".syncignore", "ok\na{b")]).unwrap_err();
        assert_eq!((error.source_name.as_str(), error.line), (".syncignore", 2));
    }

    #[test]
    fn only_what_a_person_asked_for_counts_as_asked_for() {
        let rules = Rules::new([("exclude", "*.iso")]).unwrap();
        assert!(rules.is_ignored_on_request(&RelPath::parse("a.iso").unwrap()));
        assert!(!rules.is_ignored_on_request(&RelPath::parse("a.tmp").unwrap()));
    }
}
