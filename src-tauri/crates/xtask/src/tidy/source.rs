//! Rust files, and their text without comments and literals.

use std::path::Path;

use anyhow::{Context, Result};

/// One Rust file.
pub(super) struct Source {
    /// Relative to the workspace, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// The text with comments blanked and the insides of literals replaced, line by line as before.
    pub(super) code: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: without_comments(text) }
    }

    /// Returns the code before the module with the file's own unit tests.
    pub(super) fn code_before_tests(&self) -> &str {
        const MARK: &str = "#[cfg(test)]";
        let tests = self.code.match_indices(MARK).find(|(at, _)| {
            let after = self.code[at + MARK.len()..].trim_start();
            after.starts_with("mod ")
                && after.find(['{', ';']).is_some_and(|end| after[end..].starts_with('{'))
        });
        tests.map_or(&self.code, |(at, _)| &self.code[..at])
    }

    /// Returns whether the whole file is test code.
    pub(super) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.starts_with("tests/") || self.path.ends_with("/tests.rs")
    }
}

/// Reads every Rust file of the project, in order of path.
pub(super) fn read_all(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for top in ["src-tauri", "tests"] {
        collect(root, &root.join(top), &mut sources)?;
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn collect(root: &Path, directory: &Path, into: &mut Vec<Source>) -> Result<()> {
    let cant_read = || format!("can't read `{}`", directory.display());
    for entry in std::fs::read_dir(directory).with_context(cant_read)? {
        let entry = entry.with_context(cant_read)?;
        let path = entry.path();
        let name = entry.file_name();
        if entry.file_type().with_context(cant_read)?.is_dir() {
            if name != "target" && name != "node_modules" {
                collect(root, &path, into)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("can't read `{}`", path.display()))?;
            let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            into.push(Source::new(&relative, &text));
        }
    }
    Ok(())
}

/// Blanks comments and fills literals with `s`; every line keeps its number.
fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let (length, fill) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), ' ')
        } else if rest.starts_with("/*") {
            (block_comment_length(rest), ' ')
        } else if let Some(length) = literal_length(rest, before) {
            (length, 's')
        } else {
            code.push(first);
            before = first;
            rest = &rest[first.len_utf8()..];
            continue;
        };
        code.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { fill }));
        before = fill;
        rest = &rest[length..];
    }
    code
}

fn block_comment_length(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Returns the length of the string or character literal that `text` starts with, if it starts with one.
fn literal_length(text: &str, before: char) -> Option<usize> {
    if text.starts_with('"') {
        return Some(quoted_length(text, '"'));
    }
    if let Some(after) = text.strip_prefix('\'') {
        // `'a'` and `'\n'` are characters, `'a` is a lifetime.
        let mut after = after.chars();
        let inside = after.next()?;
        return (inside == '\\' || after.next() == Some('\'')).then(|| quoted_length(text, '\''));
    }
    let is_word = before.is_alphanumeric() || before == '_';
    if !is_word && (text.starts_with("r\"") || text.starts_with("r#")) {
        let hashes = text[1..].chars().take_while(|c| *c == '#').count();
        let open = 1 + hashes;
        if text[open..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            return Some(text[open + 1..].find(&close).map_or(text.len(), |at| open + 1 + at + close.len()));
        }
    }
    None
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if c == '\\' {
            is_escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[track_caller]
    fn check(text: &str, code: &str) {
        assert_eq!(Source::new("x.rs", text).code, code);
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        check("a // tokio\nb", "a         \nb");
        check("a /* x /* y */\n */ b", "a             \n    b");
        check(r#"f("tok\"io") + 1"#, "f(sssssssss) + 1");
        check("f(r#\"a\"b\"#)", "f(ssssssss)");
        check("x: &'a str, '\\'', 'b'", "x: &'a str, ssss, sss");
        check("for \"//\" in b", "for ssss in b");
    }

    #[test]
    fn tests_inside_a_file_are_apart() {
        let source =
            Source::new("x.rs", "#[cfg(test)]\nmod tests;\nfn a() {}\n#[cfg(test)]\nmod more {\n}\n");
        assert_eq!(source.code_before_tests(), "#[cfg(test)]\nmod tests;\nfn a() {}\n");
    }
}
