//! The original S4, in Python, on the same prefix or folder.
//!
//! - It would take what S4 keeps in `.s4` for files of yours. Its `.syncignore` can tell it not to.
//! - It reads patterns in two ways: on the disk as git does, in the bucket name by name. Both need a line.

use std::io::{self, Write as _};
use std::path::Path;

use s4_config::Target;
use s4_core::key::ObjectKey;
use s4_store::store::Store;

use crate::ask::{self, Ask};
use crate::context::Context;
use crate::failure::Failure;

/// The file of rules that both programs read.
const RULES: &str = ".syncignore";
/// One line for each way of reading.
const LINES: [&str; 2] = [".s4", ".s4/"];

/// Tells of the original S4 where it left its index, and offers what lets both work side by side.
pub(crate) async fn greet(
    ctx: &Context,
    ask: &mut dyn Ask,
    target: &Target,
    store: &dyn Store,
) -> Result<(), Failure> {
    let index = ObjectKey::new(format!("{}.index", target.s3_uri.key_prefix()));
    let is_in_bucket = store.head(&index, None).await.is_ok();
    let is_in_folder = target.local_folder.join(".index").is_file();
    if !is_in_bucket && !is_in_folder {
        return Ok(());
    }
    let rules = target.local_folder.join(RULES);
    if lacking(&rules).is_empty() {
        return Ok(());
    }
    let place =
        if is_in_bucket { target.s3_uri.to_string() } else { target.local_folder.display().to_string() };
    ctx.output.say(&format!("The original S4 was used with {place}."));
    let question = format!("If it still is, it must leave `.s4` alone. Add `.s4/` to {RULES}?");
    if ask.can_ask() {
        if ask::confirm(ask, &question, true)? {
            add(&rules).map_err(|error| {
                Failure::failed(
                    format!("can't write `{}`: {error}", rules.display()),
                    "add the lines `.s4` and `.s4/` to it by hand",
                )
            })?;
            ctx.output.say(&format!("Added to {}.", rules.display()));
        }
    } else {
        ctx.output.hint(&format!(
            "if it still is, add the lines `.s4` and `.s4/` to `{}`, so that it leaves S4's own files alone",
            rules.display()
        ));
    }
    Ok(())
}

/// Returns the lines that a file of rules lacks.
fn lacking(rules: &Path) -> Vec<&'static str> {
    let text = std::fs::read_to_string(rules).unwrap_or_default();
    LINES.into_iter().filter(|line| !text.lines().any(|known| known.trim() == *line)).collect()
}

fn add(rules: &Path) -> io::Result<()> {
    let ends_open = match std::fs::read(rules) {
        Ok(text) => !text.is_empty() && !text.ends_with(b"\n"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    let mut text = String::from(if ends_open { "\n" } else { "" });
    for line in lacking(rules) {
        text.push_str(line);
        text.push('\n');
    }
    std::fs::OpenOptions::new().append(true).create(true).open(rules)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{add, lacking};

    #[test]
    fn lines_are_added_once() {
        let place = tempfile::tempdir().unwrap();
        let rules = place.path().join(".syncignore");
        add(&rules).unwrap();
        assert_eq!(std::fs::read_to_string(&rules).unwrap(), ".s4\n.s4/\n");
        assert!(lacking(&rules).is_empty());
        std::fs::write(&rules, "*.log\n.s4/").unwrap();
        add(&rules).unwrap();
        assert_eq!(std::fs::read_to_string(&rules).unwrap(), "*.log\n.s4/\n.s4\n");
    }
}
