//! Everything that is printed goes through here.
//!
//! - Data goes to the standard output, talk to the standard error output; bars only to a terminal.
//! - Colours are only where a terminal shows them, and nowhere with `NO_COLOR` or `--no-colors`.
//! - A reader that has gone away ends nothing: what cannot be printed is not printed.

pub(crate) mod json;
pub(crate) mod log;
pub(crate) mod progress;
pub(crate) mod text;
pub(crate) mod words;

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;

use indicatif::{MultiProgress, ProgressDrawTarget};
use serde::Serialize;

use crate::args::Global;
use crate::moment;

/// Where everything is printed. Clones print to the same place.
#[derive(Clone)]
pub(crate) struct Output {
    inner: Arc<Inner>,
}

struct Inner {
    colours_out: bool,
    colours_err: bool,
    timestamps: bool,
    bars: MultiProgress,
}

/// A colour, by what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// Something appears, or is well.
    Green,
    /// Something changes, or is odd.
    Yellow,
    /// Something disappears, or failed.
    Red,
    /// Something moves.
    Cyan,
    /// None.
    Plain,
}

impl Output {
    /// Looks where the output goes.
    pub(crate) fn new(global: &Global) -> Self {
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colours = !global.no_colors && !is_unwanted && !is_dumb;
        let bars = MultiProgress::new();
        if !io::stderr().is_terminal() || is_dumb {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self {
            inner: Arc::new(Inner {
                colours_out: colours && io::stdout().is_terminal(),
                colours_err: colours && io::stderr().is_terminal(),
                timestamps: global.timestamps,
                bars,
            }),
        }
    }

    /// Returns an output without colours and bars.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        let inner = Inner { colours_out: false, colours_err: false, timestamps: false, bars };
        Self { inner: Arc::new(inner) }
    }

    /// Prints a line of data.
    pub(crate) fn data(&self, line: &str) {
        // Nobody reads any more: there is nothing to tell and nobody to tell it to.
        self.inner.bars.suspend(|| drop(writeln!(io::stdout().lock(), "{line}")));
    }

    /// Prints text as it is, as data.
    pub(crate) fn raw(&self, text: &[u8]) {
        let print = || {
            let mut stdout = io::stdout().lock();
            drop(stdout.write_all(text).and_then(|()| stdout.flush()));
        };
        self.inner.bars.suspend(print);
    }

    /// Prints a line of data about what happens.
    pub(crate) fn event(&self, colour: Colour, line: &str) {
        self.data(&self.event_line(colour, line));
    }

    /// Returns a line of data about what happens, as [`Output::event`] prints it.
    pub(crate) fn event_line(&self, colour: Colour, line: &str) -> String {
        format!("{}{}", self.time(), paint(self.inner.colours_out, colour, line))
    }

    /// Prints a value as one line of JSON, as data.
    pub(crate) fn json(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(line) => {
                self.data(&line);
                drop(io::stdout().lock().flush());
            }
            Err(error) => self.error(&format!("can't write JSON: {error}"), None),
        }
    }

    /// Tells a person something.
    pub(crate) fn say(&self, line: &str) {
        let line = format!("{}{line}", self.time());
        self.inner.bars.suspend(|| drop(writeln!(io::stderr().lock(), "{line}")));
    }

    /// Tells of something that a person should know, and that is no error.
    pub(crate) fn warn(&self, message: &str) {
        self.say(&format!("{} {message}", self.label(Colour::Yellow, "warning:")));
    }

    /// Tells of an error, and the way out.
    pub(crate) fn error(&self, message: &str, hint: Option<&str>) {
        self.say(&format!("{} {message}", self.label(Colour::Red, "error:")));
        if let Some(hint) = hint {
            self.hint(hint);
        }
    }

    /// Tells a way out.
    pub(crate) fn hint(&self, hint: &str) {
        self.say(&format!("{} {hint}", self.label(Colour::Cyan, "hint:")));
    }

    /// Returns `text` in a colour, if the standard output shows any.
    pub(crate) fn painted(&self, colour: Colour, text: &str) -> String {
        paint(self.inner.colours_out, colour, text)
    }

    /// Returns where bars are drawn.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.inner.bars
    }

    /// Returns whether the standard error output shows colours.
    pub(crate) fn has_colours_err(&self) -> bool {
        self.inner.colours_err
    }

    fn label(&self, colour: Colour, text: &str) -> String {
        paint(self.inner.colours_err, colour, text)
    }

    fn time(&self) -> String {
        if self.inner.timestamps { format!("{} ", moment::shown(moment::now())) } else { String::new() }
    }
}

fn paint(is_wanted: bool, colour: Colour, text: &str) -> String {
    let code = match colour {
        Colour::Green => 32,
        Colour::Yellow => 33,
        Colour::Red => 31,
        Colour::Cyan => 36,
        Colour::Plain => return text.to_owned(),
    };
    if is_wanted { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}
