//! Tells what happens while a target is synced: a line for each file, a bar on a terminal.
//!
//! - Events come from the engine's threads, which must not wait for a slow terminal: they are passed on, and printed
//!   by a thread of their own.
//! - A line appears when its step is done; what fails is told as such.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use s4_core::path::RelPath;
use s4_engine::report::{Event, Observer};

use super::text::{Sides, shown};
use super::{Colour, Output};

/// How often a bar that waits shows that it lives.
const TICK: Duration = Duration::from_millis(120);

/// Whether lines are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// One for each file.
    Printed,
    /// None: a document follows at the end.
    Silent,
}

/// Prints what happens, until it is finished.
pub(crate) struct Narration {
    sender: Sender<Message>,
    printer: Option<JoinHandle<()>>,
}

enum Message {
    Event(Event),
    End,
}

impl Narration {
    /// Starts to listen.
    pub(crate) fn start(output: &Output, sides: &Sides, lines: Lines) -> Self {
        let (sender, receiver) = channel();
        let printer = Printer {
            output: output.clone(),
            sides: sides.clone(),
            lines,
            bar: ProgressBar::hidden(),
            moved: HashMap::new(),
        };
        let printer =
            std::thread::Builder::new().name("progress".to_owned()).spawn(move || printer.run(&receiver));
        // Without a thread nothing is printed on the way; what was done is told at the end all the same.
        Self { sender, printer: printer.ok() }
    }

    /// Returns what the engine tells its events to.
    pub(crate) fn observer(&self) -> Observer {
        let sender = self.sender.clone();
        Arc::new(move |event| {
            // Once finished nobody listens, and nothing depends on being heard.
            let _ = sender.send(Message::Event(event.clone()));
        })
    }

    /// Returns once everything told so far is printed.
    pub(crate) fn finish(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.sender.send(Message::End);
        if let Some(printer) = self.printer.take() {
            let _ = printer.join();
        }
    }
}

impl Drop for Narration {
    fn drop(&mut self) {
        self.end();
    }
}

struct Printer {
    output: Output,
    sides: Sides,
    lines: Lines,
    bar: ProgressBar,
    /// Bytes of steps under way that the bar counts already.
    moved: HashMap<RelPath, u64>,
}

impl Printer {
    fn run(mut self, receiver: &Receiver<Message>) {
        self.bar = self.output.bars().add(waiting_bar());
        self.bar.enable_steady_tick(TICK);
        while let Ok(Message::Event(event)) = receiver.recv() {
            self.tell(event);
        }
        self.bar.finish_and_clear();
        self.output.bars().remove(&self.bar);
    }

    fn tell(&mut self, event: Event) {
        match event {
            Event::Observed { local, remote } => {
                self.bar.set_message(format!("comparing {local} entries with {remote} objects"));
            }
            Event::Planned { steps, bytes } => {
                self.moved.clear();
                if steps > 0 {
                    self.bar.set_style(working_style());
                    self.bar.set_position(0);
                    self.bar.set_length(bytes);
                    self.bar.set_message(format!("{steps} to do"));
                }
            }
            Event::Started(work) => self.bar.set_message(shown(work.path.as_str())),
            Event::Moved { path, bytes } => {
                *self.moved.entry(path).or_default() += bytes;
                self.bar.inc(bytes);
            }
            Event::Finished(work) => {
                // Short files move in one piece and tell nothing on the way.
                let told = self.moved.remove(&work.path).unwrap_or_default();
                self.bar.inc(work.bytes.saturating_sub(told));
                if let (Lines::Printed, Some((colour, line))) = (self.lines, self.sides.step(&work)) {
                    self.output.event(colour, &line);
                }
            }
            Event::Postponed { work, why } => {
                tracing::info!(path = %work.path, why, "postponed");
            }
            Event::Failed { work, why } => {
                tracing::info!(path = %work.path, why, "failed");
            }
            Event::Notice(notice) => {
                tracing::info!(notice, "notice");
            }
        }
    }
}

fn waiting_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg}");
    let bar = ProgressBar::new(0).with_message("looking at both sides");
    style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
}

fn working_style() -> ProgressStyle {
    let style = ProgressStyle::with_template(
        "{bar:24} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta} {wide_msg}",
    );
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Prints the line of a step that is only planned.
pub(crate) fn planned(output: &Output, sides: &Sides, work: &s4_engine::report::Work) {
    let (colour, line) = sides
        .step(work)
        .unwrap_or_else(|| (Colour::Plain, format!("Adjusting {}", shown(work.path.as_str()))));
    output.event(colour, &line);
}
