//! Asks a person to choose between two versions, as the original S4 did.

use s4_core::facts::Keep;
use s4_core::plan::Conflict;
use s4_engine::target::Target as Held;

use crate::ask::Ask;
use crate::commands::diff;
use crate::commands::ready::Ready;
use crate::context::Context;
use crate::failure::Failure;
use crate::moment;
use crate::output::text::{Sides, bytes, shown};

/// What a person was asked about in this run.
#[derive(Default)]
pub(super) struct Choices {
    /// Pairs that are left for another time.
    skipped: Vec<Conflict>,
    /// The person does not want to be asked any more.
    is_over: bool,
}

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Keep(Keep),
    Difference,
    Skip,
}

impl Choices {
    /// Asks about each conflict that was not asked about before; returns whether anything was decided.
    pub(super) async fn ask(
        &mut self,
        ctx: &Context,
        ask: &mut dyn Ask,
        held: &Held,
        ready: &Ready,
        sides: &Sides,
        conflicts: &[Conflict],
    ) -> Result<bool, Failure> {
        let mut is_any_decided = false;
        for conflict in conflicts {
            if self.is_over || self.skipped.contains(conflict) {
                continue;
            }
            match self.choose(ctx, ask, ready, sides, conflict).await? {
                Some(keep) => {
                    held.decide(conflict, keep).map_err(|error| ready.at.sync(error))?;
                    is_any_decided = true;
                }
                None => self.skipped.push(conflict.clone()),
            }
        }
        Ok(is_any_decided)
    }

    /// Asks about one conflict until a choice is made; `None` leaves it as it is.
    async fn choose(
        &mut self,
        ctx: &Context,
        ask: &mut dyn Ask,
        ready: &Ready,
        sides: &Sides,
        conflict: &Conflict,
    ) -> Result<Option<Keep>, Failure> {
        ask.show(&question(sides, conflict));
        loop {
            match answer(ask) {
                Some(Answer::Keep(keep)) => return Ok(Some(keep)),
                Some(Answer::Skip) => return Ok(None),
                Some(Answer::Difference) => {
                    let shown = diff::show(ctx, ready, &conflict.path).await;
                    if let Err(failure) = shown {
                        ask.show(&crate::hints::explain(&failure).message);
                    }
                }
                None => {
                    self.is_over = true;
                    return Ok(None);
                }
            }
        }
    }
}

/// Returns the next answer; `None` when the person is gone.
fn answer(ask: &mut dyn Ask) -> Option<Answer> {
    loop {
        let choice = ask.line("Choice (default=skip): ").ok()?;
        return Some(match choice.as_str() {
            "1" => Answer::Keep(Keep::Local),
            "2" => Answer::Keep(Keep::Remote),
            "b" | "B" => Answer::Keep(Keep::Both),
            "d" | "D" => Answer::Difference,
            "" | "x" | "X" => Answer::Skip,
            _ => {
                ask.show("please answer 1, 2, b, d or X");
                continue;
            }
        });
    }
}

fn question(sides: &Sides, conflict: &Conflict) -> String {
    let path = shown(conflict.path.as_str());
    let local = conflict.local.fingerprint().map_or_else(String::new, |local| {
        let at = moment::shown(moment::of_stamp(local.mtime_ns));
        format!(" updated at {at} UTC ({})", bytes(local.size))
    });
    let remote = format!(
        " updated at {} UTC ({})",
        moment::shown(conflict.object.last_modified),
        bytes(conflict.object.size)
    );
    format!(
        "\nConflict for \"{path}\". Which version would you like to keep?\n   \
         (1) {}/{path}{local}\n   \
         (2) {}/{path}{remote}\n   \
         (b) Both: the second keeps the name, the first gets another\n   \
         (d) View difference\n   \
         (X) Skip this file\n",
        sides.local, sides.remote
    )
}

#[cfg(test)]
mod tests {
    use s4_core::key::ObjectKey;
    use s4_core::local::{FileId, Fingerprint, LocalEntry, LocalFile};
    use s4_core::path::{DiskPath, RelPath};
    use s4_core::remote::{ETag, RemoteObject, UnixMillis};

    use super::*;
    use crate::ask::script::Script;

    fn conflict() -> Conflict {
        let fingerprint = Fingerprint {
            size: 12,
            mtime_ns: 1_500_000_000_000_000_000,
            ctime_ns: None,
            birth_ns: None,
            file_id: FileId(1),
        };
        Conflict {
            path: RelPath::parse("notes.txt").unwrap(),
            disk: DiskPath::new("notes.txt"),
            local: LocalEntry::File(LocalFile { fingerprint, executable: false }),
            object: RemoteObject {
                key: ObjectKey::new("docs/notes.txt"),
                size: 3,
                etag: ETag::new("e"),
                last_modified: UnixMillis(1_600_000_000_000),
            },
        }
    }

    #[test]
    fn question_is_the_originals_and_one_more() {
        let sides = Sides {
            name: "docs".to_owned(),
            local: "/home/u/docs".to_owned(),
            remote: "s3://b/docs".to_owned(),
        };
        let asked = question(&sides, &conflict());
        for line in [
            "Conflict for \"notes.txt\". Which version would you like to keep?",
            "(1) /home/u/docs/notes.txt updated at 2017-07-14 02:40:00 UTC (12 bytes)",
            "(2) s3://b/docs/notes.txt updated at 2020-09-13 12:26:40 UTC (3 bytes)",
            "(b) Both",
            "(d) View difference",
            "(X) Skip this file",
        ] {
            assert!(asked.contains(line), "`{line}` is not in {asked}");
        }
    }

    #[test]
    fn answers_are_the_originals_and_one_more() {
        for (typed, expected) in [
            ("1", Answer::Keep(Keep::Local)),
            ("2", Answer::Keep(Keep::Remote)),
            ("b", Answer::Keep(Keep::Both)),
            ("d", Answer::Difference),
            ("X", Answer::Skip),
            ("", Answer::Skip),
        ] {
            assert_eq!(answer(&mut Script::new(&[typed])), Some(expected), "{typed:?}");
        }
        assert_eq!(answer(&mut Script::new(&["7", "2"])), Some(Answer::Keep(Keep::Remote)));
        assert_eq!(answer(&mut Script::new(&[])), None);
    }
}
