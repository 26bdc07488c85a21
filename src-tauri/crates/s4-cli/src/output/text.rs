//! Lines as people read them; those of a sync are the original S4's.

use s4_core::plan::{Halt, Side};
use s4_engine::report::{Halted, Verb, Work};

use super::Colour;

/// The two sides of a target, as they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sides {
    /// The target's name.
    pub(crate) name: String,
    /// The folder.
    pub(crate) local: String,
    /// The bucket and prefix.
    pub(crate) remote: String,
}

/// At most this many paths are listed in a message.
const MAX_LISTED: usize = 10;

impl Sides {
    /// Returns the sides of a target.
    pub(crate) fn of(target: &s4_config::Target) -> Self {
        Self {
            name: shown(target.name.as_str()),
            local: shown(&target.local_folder.display().to_string()),
            remote: shown(&target.s3_uri.to_string()),
        }
    }

    /// Returns `NAME: [local <=> s3]`.
    pub(crate) fn listed(&self) -> String {
        format!("{}: [{} <=> {}]", self.name, self.local, self.remote)
    }

    /// Returns the line with which a sync begins.
    pub(crate) fn heading(&self) -> String {
        format!("Syncing {} [{} <=> {}]", self.name, self.local, self.remote)
    }

    fn side(&self, side: Side) -> &str {
        match side {
            Side::Local => &self.local,
            Side::Remote => &self.remote,
        }
    }

    /// Returns the line for a step, `None` for bookkeeping that moves no file.
    pub(crate) fn step(&self, work: &Work) -> Option<(Colour, String)> {
        let path = shown(work.path.as_str());
        let to = self.side(work.side);
        let from = match work.side {
            Side::Local => &self.remote,
            Side::Remote => &self.local,
        };
        Some(match work.verb {
            Verb::Create => (Colour::Green, format!("Creating {path} ({from} => {to})")),
            Verb::Update => (Colour::Yellow, format!("Updating {path} ({from} => {to})")),
            Verb::Delete => (Colour::Red, format!("Deleting {path} on {to}")),
            Verb::Move => (Colour::Cyan, format!("Moving to {path} on {to}")),
            Verb::KeepBoth => (Colour::Yellow, format!("Keeping both versions of {path}")),
            Verb::Adjust => return None,
        })
    }
}

/// Returns what a run did, counted; `None` if nothing.
pub(crate) fn counted(done: &[Work]) -> Option<String> {
    let verbs = [
        (Verb::Create, "created"),
        (Verb::Update, "updated"),
        (Verb::Delete, "deleted"),
        (Verb::Move, "moved"),
        (Verb::KeepBoth, "kept in both versions"),
        (Verb::Adjust, "adjusted (directories, modes)"),
    ];
    let counts: Vec<String> = verbs
        .into_iter()
        .filter_map(|(verb, word)| {
            let count = done.iter().filter(|work| work.verb == verb).count();
            (count > 0).then(|| format!("{count} {word}"))
        })
        .collect();
    if counts.is_empty() { None } else { Some(counts.join(", ")) }
}

/// Returns why a target stopped, and the way out.
pub(crate) fn halted(name: &str, halted: &Halted) -> (String, String) {
    let undo = match &halted.reason {
        Halt::LocalEmptied { .. } => "brings the files back",
        Halt::RemoteEmptied { .. } => "uploads the files again",
        Halt::MassDeletion { side: Side::Remote, .. } => "brings the deleted files back",
        Halt::MassDeletion { side: Side::Local, .. } => "uploads the deleted files again",
    };
    let message = format!("`{name}` halted: {}; nothing was deleted", halted.reason);
    let hint = format!(
        "if that is right, `s4 sync '{name}' --force` carries it out; if not, `s4 reset '{name}'` and a sync {undo}"
    );
    (message, hint)
}

/// Returns the first paths of a list, and how many more there are.
pub(crate) fn first_of(paths: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = paths.len().saturating_sub(MAX_LISTED);
    let mut lines: Vec<String> = paths.take(MAX_LISTED).map(|path| format!("  {path}")).collect();
    if more > 0 {
        lines.push(format!("  … and {more} more"));
    }
    lines
}

/// Returns a count with its noun.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// Returns a length in bytes as people read it.
pub(crate) fn bytes(length: u64) -> String {
    match length {
        0..=999 => format!("{length} bytes"),
        _ => indicatif::DecimalBytes(length).to_string(),
    }
}

/// Returns a name as a terminal may show it: what could steer the terminal is spelled out.
pub(crate) fn shown(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for character in name.chars() {
        if is_steering(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Control characters, and those that turn the direction of writing.
fn is_steering(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use s4_core::path::RelPath;

    use super::*;

    fn sides() -> Sides {
        let (local, remote) = ("/home/u/docs".to_owned(), "s3://b/docs".to_owned());
        Sides { name: "docs".to_owned(), local, remote }
    }

    fn work(verb: Verb, side: Side) -> Work {
        Work { path: RelPath::parse("a b.txt").unwrap(), verb, side, bytes: 0 }
    }

    #[test]
    fn lines_are_the_originals() {
        assert_eq!(sides().heading(), "Syncing docs [/home/u/docs <=> s3://b/docs]");
        assert_eq!(sides().listed(), "docs: [/home/u/docs <=> s3://b/docs]");
        for (verb, side, colour, line) in [
            (Verb::Create, Side::Remote, Colour::Green, "Creating a b.txt (/home/u/docs => s3://b/docs)"),
            (Verb::Update, Side::Local, Colour::Yellow, "Updating a b.txt (s3://b/docs => /home/u/docs)"),
            (Verb::Delete, Side::Remote, Colour::Red, "Deleting a b.txt on s3://b/docs"),
        ] {
            assert_eq!(sides().step(&work(verb, side)), Some((colour, line.to_owned())));
        }
        assert_eq!(sides().step(&work(Verb::Adjust, Side::Local)), None);
    }

    #[test]
    fn work_is_counted_by_what_it_was() {
        assert_eq!(counted(&[]), None);
        let done = [
            work(Verb::Create, Side::Local),
            work(Verb::Delete, Side::Local),
            work(Verb::Create, Side::Remote),
        ];
        assert_eq!(counted(&done).as_deref(), Some("2 created, 1 deleted"));
    }

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(shown("plain ü 文"), "plain ü 文");
        assert_eq!(shown("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
        assert_eq!(shown("a\u{202e}txt.exe"), "a\\u{202e}txt.exe");
    }

    #[test]
    fn long_lists_are_cut() {
        let lines = first_of((0..12).map(|n| n.to_string()));
        assert_eq!((lines.len(), lines[10].as_str()), (11, "  … and 2 more"));
        assert_eq!(first_of((0..2).map(|n| n.to_string())), ["  0", "  1"]);
    }

    #[test]
    fn halts_name_both_ways_on() {
        let reason = Halt::MassDeletion { side: Side::Remote, count: 30, of: 60 };
        let (message, hint) = halted("docs", &Halted { reason, deletions: Vec::new() });
        assert!(message.contains("30 of 60") && message.contains("nothing was deleted"), "{message}");
        assert!(hint.contains("--force") && hint.contains("s4 reset"), "{hint}");
    }
}
