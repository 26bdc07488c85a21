//! Rules about the code that no compiler checks: what may import what, and how long a file may be.
//!
//! All violations are found and told at once.

mod graph;
mod imports;
mod length;
mod source;

use anyhow::{Result, bail};

use crate::{tidy::source::Source, workspace::Workspace};

/// Checks every rule.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let sources = source::read_all(workspace.root())?;
    let mut violations = length::violations(&sources);
    violations.extend(imports::violations(&sources));
    violations.extend(shape_violations(&sources));
    violations.extend(graph::violations(&workspace.graph()?));
    println!("{} Rust files, {}", sources.len(), length::share_of_long(&sources));
    if violations.is_empty() {
        return Ok(());
    }
    for violation in &violations {
        println!("  {violation}");
    }
    bail!("{} rules are broken", violations.len());
}

/// Returns the files that are named or begun in a way this project avoids.
fn shape_violations(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources {
        if source.path.ends_with("/mod.rs") {
            violations.push(format!("{}: a module `foo` lives in foo.rs, never in foo/mod.rs", source.path));
        }
        let says_it_in_its_name = source.path.ends_with("/tests.rs");
        if !source.text.starts_with("//!") && !says_it_in_its_name {
            violations.push(format!("{}: begins without a module comment (//!)", source.path));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::{shape_violations, source::Source};

    #[test]
    fn files_say_what_they_are() {
        let good = Source::new("a/src/b.rs", "//! Values.\n");
        let bad = Source::new("a/src/b/mod.rs", "use x;\n");
        assert_eq!(shape_violations(&[good]).len(), 0);
        let tests = Source::new("a/src/b/tests.rs", "use super::x;\n");
        assert_eq!(shape_violations(&[bad]).len(), 2);
        assert_eq!(shape_violations(&[tests]).len(), 0);
    }
}
