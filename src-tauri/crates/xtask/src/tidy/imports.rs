//! What a crate's code may not name.
//!
//! Test code is free: it may build a world that the crate itself must not know.

use super::source::Source;

/// Names that stay out of a part of the code.
struct Rule {
    /// The part: paths that start so, and not with one of `except`.
    under: &'static str,
    except: &'static [&'static str],
    /// Paths as in code; `aws_*` stands for every name that starts with `aws_`.
    never: &'static [&'static str],
    why: &'static str,
}

const RULES: [Rule; 6] = [
    Rule {
        under: "src-tauri/crates/s4-core/src/",
        except: &[],
        never: &[
            "tokio",
            "rand",
            "std::fs",
            "std::env",
            "std::net",
            "std::process",
            "std::thread",
            "std::time::SystemTime",
            "std::time::Instant",
        ],
        why: "the core is pure: no I/O, no clock, no randomness",
    },
    Rule {
        under: "src-tauri/crates/",
        except: &["src-tauri/crates/s4-store/src/aws"],
        never: &["aws_*"],
        why: "only s4-store/src/aws knows the vendor's SDK",
    },
    Rule {
        under: "src-tauri/crates/s4-store/src/",
        except: &["src-tauri/crates/s4-store/src/aws"],
        never: &["std::fs", "std::path"],
        why: "a store knows keys, never local paths",
    },
    Rule {
        under: "src-tauri/crates/s4-local/src/",
        except: &[],
        never: &["s3s", "s3s_*"],
        why: "the disk knows no S3",
    },
    Rule {
        under: "src-tauri/crates/s4-engine/src/",
        except: &[],
        never: &[
            "clap",
            "indicatif",
            "tauri",
            "tauri_*",
            "std::io::stdout",
            "std::io::stderr",
            "std::io::stdin",
        ],
        why: "the engine knows no terminal and no window",
    },
    Rule {
        under: "src-tauri/crates/s4-cli/src/",
        except: &[],
        never: &["gtk", "gtk_*", "webkit*", "tauri", "tauri_*"],
        why: "the command line runs where there is no desktop",
    },
];

/// Returns the names found where they may not stand.
pub(super) fn violations(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let paths = named_paths(source.code_before_tests());
        for rule in RULES.iter().filter(|rule| rule.covers(&source.path)) {
            for never in rule.never {
                if paths.iter().any(|path| names(path, never)) {
                    violations.push(format!("{}: names `{never}`, but {}", source.path, rule.why));
                }
            }
        }
    }
    violations
}

impl Rule {
    fn covers(&self, path: &str) -> bool {
        path.starts_with(self.under) && !self.except.iter().any(|except| path.starts_with(except))
    }
}

/// Returns whether `path` is the forbidden one or lies below it.
fn names(path: &str, never: &str) -> bool {
    match never.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => path.strip_prefix(never).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")),
    }
}

/// Returns every path in the code, with the braces of imports resolved.
fn named_paths(code: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut paths: Vec<String> =
        code.split(|c| !is_part(c)).filter(|path| !path.is_empty()).map(str::to_owned).collect();
    for (at, _) in code.match_indices("use ") {
        let starts_item = code[..at].chars().next_back().is_none_or(char::is_whitespace);
        if let (true, Some(end)) = (starts_item, code[at..].find(';')) {
            expand("", &code[at + "use ".len()..at + end], &mut paths);
        }
    }
    paths
}

/// Adds the paths of an import tree such as `std::{fs, io::{self, Read}}`.
fn expand(prefix: &str, tree: &str, into: &mut Vec<String>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let name = tree.split(" as ").next().unwrap_or(tree).trim();
        into.push(format!("{prefix}{name}").trim_end_matches("::self").to_owned());
        return;
    };
    let prefix = format!("{prefix}{}", tree[..open].trim());
    let inside = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in inside.char_indices().chain([(inside.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                if !inside[start..at].trim().is_empty() {
                    expand(&prefix, &inside[start..at], into);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Source, named_paths, violations};

    #[track_caller]
    fn check(path: &str, text: &str, expected: usize) {
        let found = violations(&[Source::new(&format!("src-tauri/crates/{path}"), text)]);
        assert_eq!(found.len(), expected, "{found:?}");
    }

    #[test]
    fn import_trees_are_resolved() {
        let paths = named_paths("use std::{collections::BTreeMap, fs::{self, File as F}, io};");
        for path in ["std::collections::BTreeMap", "std::fs", "std::fs::File", "std::io"] {
            assert!(paths.iter().any(|found| found == path), "{path} in {paths:?}");
        }
    }

    #[test]
    fn forbidden_names_are_found_wherever_they_stand() {
        check("s4-core/src/plan.rs", "use std::{env, fmt};", 1);
        check("s4-core/src/plan.rs", "fn now() { std::time::SystemTime::now(); }", 1);
        check("s4-core/src/plan.rs", "/// Like std::fs, but pure.\nuse std::fmt;", 0);
        check("s4-core/src/plan.rs", "#[cfg(test)]\nmod tests {\nuse std::fs;\n}", 0);
        check("s4-core/src/plan/tests.rs", "use std::fs;", 0);
        check("s4-store/src/aws/client.rs", "use aws_sdk_s3::Client;", 0);
        check("s4-store/src/store.rs", "use aws_sdk_s3::Client;", 1);
        check("s4-engine/src/engine.rs", "let clapped = unclap;", 0);
        check("s4-engine/src/engine.rs", "#[derive(clap::Parser)]", 1);
    }
}
