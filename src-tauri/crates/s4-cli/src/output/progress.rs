//! Tells what happens while a target is synced: a line for each file, a bar on a terminal.
//!
//! - Events come from the engine's threads, which must not wait for a slow terminal: they are passed on, and printed
//!   by a thread of their own, which looks for them a few times a second. Waking it for each would cost as much as a
//!   small transfer.
//! - A line appears when its step is done; what fails is told as such.
//! - Where no bar is drawn, what only a bar would show is not even passed on.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use s4_core::path::RelPath;
use s4_engine::report::{Event, Observer};

use super::text::{Sides, shown};
use super::{Colour, Output};

/// How often a bar that waits shows that it lives.
const TICK: Duration = Duration::from_millis(120);
/// How often it is looked for what happened.
const LOOK: Duration = Duration::from_millis(50);

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
    told: Arc<Told>,
    printer: Option<JoinHandle<()>>,
    has_bar: bool,
}

/// What happened and was not printed yet.
#[derive(Default)]
struct Told(Mutex<Pending>);

#[derive(Default)]
struct Pending {
    events: Vec<Event>,
    is_over: bool,
}

impl Told {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what happened since this was last asked, and whether that is all.
    fn take(&self) -> (Vec<Event>, bool) {
        let mut pending = self.lock();
        (std::mem::take(&mut pending.events), pending.is_over)
    }
}

impl Narration {
    /// Starts to listen.
    pub(crate) fn start(output: &Output, sides: &Sides, lines: Lines) -> Self {
        let told = Arc::new(Told::default());
        let has_bar = !output.bars().is_hidden();
        let printer = Printer {
            output: output.clone(),
            sides: sides.clone(),
            lines,
            bar: ProgressBar::hidden(),
            moved: HashMap::new(),
            has_bar,
        };
        let listening = told.clone();
        let printer =
            std::thread::Builder::new().name("progress".to_owned()).spawn(move || printer.run(&listening));
        // Without a thread nothing is printed on the way; what was done is told at the end all the same.
        Self { told, printer: printer.ok(), has_bar }
    }

    /// Returns what the engine tells its events to.
    pub(crate) fn observer(&self) -> Observer {
        let (told, has_bar) = (self.told.clone(), self.has_bar);
        Arc::new(move |event| {
            let is_for_bar = matches!(
                event,
                Event::Observed { .. } | Event::Planned { .. } | Event::Started(_) | Event::Moved { .. }
            );
            if has_bar || !is_for_bar {
                told.lock().events.push(event.clone());
            }
        })
    }

    /// Returns once everything told so far is printed.
    pub(crate) fn finish(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.told.lock().is_over = true;
        if let Some(printer) = self.printer.take() {
            printer.thread().unpark();
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
    has_bar: bool,
}

impl Printer {
    fn run(mut self, told: &Told) {
        if self.has_bar {
            self.bar = self.output.bars().add(waiting_bar());
            self.bar.enable_steady_tick(TICK);
        }
        loop {
            let (events, is_over) = told.take();
            let mut lines = String::new();
            for event in events {
                self.tell(event, &mut lines);
            }
            if let Some(lines) = lines.strip_suffix('\n') {
                self.output.data(lines);
            }
            if is_over {
                break;
            }
            std::thread::park_timeout(LOOK);
        }
        if self.has_bar {
            self.bar.finish_and_clear();
            self.output.bars().remove(&self.bar);
        }
    }

    /// Shows an event on the bar; what is to stay is added to `lines`.
    fn tell(&mut self, event: Event, lines: &mut String) {
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
                    let _ = writeln!(lines, "{}", self.output.event_line(colour, &line));
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
