//! `diff`: how a file in the folder differs from the one in the bucket.

use s4_core::path::RelPath;
use s4_engine::inspect::{self, content};
use similar::{ChangeTag, TextDiff};

use super::ready::{self, Probing, Ready};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::moment;
use crate::output::text::{bytes, shown};
use crate::output::{Colour, Output};

/// Lines of context around each change.
const CONTEXT: usize = 3;

/// Shows how the two versions of a file differ.
pub(crate) async fn run(ctx: &Context, name: &str, path: &str) -> Result<Exit, Failure> {
    let target = ctx.target(name)?;
    let path = relative(path)?;
    let ready = ready::ready(ctx, &target, Probing::Forbidden).await?;
    show(ctx, &ready, &path).await?;
    Ok(Exit::InSync)
}

/// Returns the path of something below the folder, as a person typed it.
pub(crate) fn relative(path: &str) -> Result<RelPath, Failure> {
    RelPath::parse(path.strip_prefix("./").unwrap_or(path)).map_err(|why| {
        Failure::usage(format!("`{path}` is no path below the folder: {why}"), "write it as `s4 ls` lists it")
    })
}

/// Prints how the two versions of a file differ.
pub(crate) async fn show(ctx: &Context, ready: &Ready, path: &RelPath) -> Result<(), Failure> {
    let settings = &ready.settings;
    let failed = |error| ready.at.sync(error);
    let baseline = inspect::baseline(settings).map_err(|error| failed(error.into()))?;
    let local = content::local(settings, &baseline, path).map_err(failed)?;
    let remote = content::remote(settings, &*ready.store, &baseline, path).await.map_err(failed)?;
    let shown_path = shown(path.as_str());
    match (local, remote) {
        (None, None) => Err(Failure::failed(
            format!("`{shown_path}` is neither in the folder nor in the bucket of `{}`", settings.name),
            format!("`s4 ls '{}'` lists what is", settings.name),
        )),
        (Some(_), None) => {
            ctx.output.say(&format!("`{shown_path}` is only in the folder"));
            Ok(())
        }
        (None, Some(_)) => {
            ctx.output.say(&format!("`{shown_path}` is only in the bucket"));
            Ok(())
        }
        (Some(local), Some(remote)) if local.digest.blake3 == remote.digest.blake3 => {
            ctx.output.say(&format!("`{shown_path}` is the same on both sides"));
            Ok(())
        }
        (Some(local), Some(remote)) => {
            match (as_text(&local), as_text(&remote)) {
                (Some(local_text), Some(remote_text)) => {
                    let heads = (head("bucket", &shown_path, &remote), head("folder", &shown_path, &local));
                    print_lines(&ctx.output, &heads, remote_text, local_text);
                }
                _ => print_sizes(&ctx.output, &shown_path, &local, &remote),
            }
            Ok(())
        }
    }
}

fn as_text(content: &content::Content) -> Option<&str> {
    let text = std::str::from_utf8(content.bytes.as_deref()?).ok()?;
    (!text.contains('\0')).then_some(text)
}

fn head(side: &str, path: &str, content: &content::Content) -> String {
    format!("{side}/{path}\t{} UTC", moment::shown(content.modified))
}

/// Prints a unified diff, from the bucket's version to the folder's.
fn print_lines(output: &Output, heads: &(String, String), remote: &str, local: &str) {
    output.data(&output.painted(Colour::Red, &format!("--- {}", heads.0)));
    output.data(&output.painted(Colour::Green, &format!("+++ {}", heads.1)));
    let diff = TextDiff::from_lines(remote, local);
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        output.data(&output.painted(Colour::Cyan, &hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let (sign, colour) = match change.tag() {
                ChangeTag::Equal => (' ', Colour::Plain),
                ChangeTag::Delete => ('-', Colour::Red),
                ChangeTag::Insert => ('+', Colour::Green),
            };
            let line = change.value().trim_end_matches(['\n', '\r']);
            output.data(&output.painted(colour, &format!("{sign}{}", without_steering(line))));
            if change.missing_newline() {
                output.data("\\ No newline at end of file");
            }
        }
    }
}

/// A tab stays what it is; anything else that could steer the terminal is spelled out.
fn without_steering(line: &str) -> String {
    line.split('\t').map(shown).collect::<Vec<_>>().join("\t")
}

fn print_sizes(output: &Output, path: &str, local: &content::Content, remote: &content::Content) {
    output.data(&format!("`{path}` differs:"));
    for (side, content) in [("folder", local), ("bucket", remote)] {
        let hash: String = content.digest.blake3.iter().map(|byte| format!("{byte:02x}")).collect();
        output.data(&format!(
            "  {side}  {}  {} UTC  blake3 {hash}",
            bytes(content.digest.size),
            moment::shown(content.modified)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_below_the_folder() {
        assert_eq!(relative("./a/b").unwrap().as_str(), "a/b");
        assert_eq!(relative("a b").unwrap().as_str(), "a b");
        for wrong in ["/etc/passwd", "../x", "", "a//b"] {
            assert!(relative(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tabs_stay_and_escapes_do_not() {
        assert_eq!(without_steering("a\tb\u{1b}[2J"), "a\tb\\u{1b}[2J");
    }
}
