//! How the story is told: plain sentences, commands as they could be typed, colour only on a terminal.

use std::{io::IsTerminal, path::Path};

/// Tells the story on the standard output.
pub(super) struct Narrator {
    has_colour: bool,
}

impl Narrator {
    pub(super) fn on_stdout() -> Self {
        let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { has_colour: is_wanted && std::io::stdout().is_terminal() }
    }

    pub(super) fn chapter(&self, title: &str) {
        println!("\n{}", self.painted("1;34", title));
    }

    pub(super) fn say(&self, sentence: &str) {
        println!("{sentence}");
    }

    /// Shows a command that runs now or that the person may run.
    pub(super) fn show_command(&self, line: &str) {
        println!("{}", self.painted("36", &format!("  $ {line}")));
    }

    /// Shows what a command said.
    pub(super) fn show_output(&self, text: &str) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            println!("{}", self.painted("2", &format!("    {line}")));
        }
    }

    pub(super) fn point_at(&self, path: &Path) {
        println!("  {}", path.display());
    }

    pub(super) fn confirm(&self, fact: &str) {
        println!("{}", self.painted("32", &format!("  ✓ {fact}")));
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        if self.has_colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
