//! How long a file may be.
//!
//! A line counts if there is code on it; a file's own unit tests do not count. A file over the limit needs a reason
//! here, and a reason that is no longer needed has to go.

use super::source::Source;

/// The most lines of code that a file has without a reason.
const LIMIT: usize = 400;

/// Files that may be longer, each with the reason why splitting it would make it worse.
const LONG: [(&str, &str); 0] = [];

/// Returns what is too long without a reason, or has a reason without being long.
pub(super) fn violations(sources: &[Source]) -> Vec<String> {
    violations_against(sources, &LONG)
}

/// Returns how many files are over the limit, for people.
pub(super) fn share_of_long(sources: &[Source]) -> String {
    let long = sources.iter().filter(|source| lines_of_code(source) > LIMIT).count();
    format!("{long} over {LIMIT} lines of code")
}

fn violations_against(sources: &[Source], reasons: &[(&str, &str)]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources {
        let lines = lines_of_code(source);
        let has_reason = reasons.iter().any(|(path, _)| *path == source.path);
        if lines > LIMIT && !has_reason {
            violations.push(format!("{}: {lines} lines of code; the limit is {LIMIT}", source.path));
        } else if lines <= LIMIT && has_reason {
            violations.push(format!("{}: needs no reason for its length any more", source.path));
        }
    }
    for (path, _) in reasons {
        if !sources.iter().any(|source| source.path == *path) {
            violations.push(format!("{path}: has a reason for its length, but is no file"));
        }
    }
    violations
}

fn lines_of_code(source: &Source) -> usize {
    source.code_before_tests().lines().filter(|line| !line.trim().is_empty()).count()
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, Source, violations_against};

    #[test]
    fn only_code_counts() {
        let long = "let x = 1;\n".repeat(LIMIT + 1);
        let told = "// why\n\n".repeat(LIMIT);
        let tested = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        for (text, reasons, expected) in [
            (&long, &[][..], 1),
            (&long, &[("a.rs", "a table")][..], 0),
            (&told, &[][..], 0),
            (&told, &[("a.rs", "a table")][..], 1),
            (&tested, &[][..], 0),
            (&tested, &[("b.rs", "a table")][..], 1),
        ] {
            let found = violations_against(&[Source::new("a.rs", text)], reasons);
            assert_eq!(found.len(), expected, "{found:?}");
        }
    }
}
