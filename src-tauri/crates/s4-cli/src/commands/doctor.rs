//! `doctor`: looks for what keeps targets from working, and says what helps.
//!
//! - It changes nothing, on either side.

mod computer;
mod target;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hints;
use crate::output::{Colour, Output};

/// What was looked at, and what was found.
pub(super) struct Finding {
    /// What it is about.
    subject: String,
    /// How it is.
    state: State,
    /// What was found, in words.
    detail: String,
    /// What helps.
    remedy: Option<String>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It works.
    Well,
    /// It works, but.
    Odd,
    /// It does not work.
    Broken,
}

impl Finding {
    fn well(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { subject: subject.into(), state: State::Well, detail: detail.into(), remedy: None }
    }

    fn odd(subject: impl Into<String>, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            state: State::Odd,
            detail: detail.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// Returns what a failure means for `subject`.
    fn broken(subject: impl Into<String>, failure: &Failure) -> Self {
        let told = hints::explain(failure);
        Self { subject: subject.into(), state: State::Broken, detail: told.message, remedy: told.hint }
    }

    fn print(&self, output: &Output) {
        let (word, colour) = match self.state {
            State::Well => ("ok  ", Colour::Green),
            State::Odd => ("warn", Colour::Yellow),
            State::Broken => ("fail", Colour::Red),
        };
        output.data(&format!("{}  {}: {}", output.painted(colour, word), self.subject, self.detail));
        if let Some(remedy) = &self.remedy {
            output.data(&format!("      {remedy}"));
        }
    }
}

/// Looks at this computer and at one target, or all.
pub(crate) async fn run(ctx: &Context, name: Option<&str>) -> Result<Exit, Failure> {
    // An unknown name is an error, before anything is looked at. A broken file is a finding.
    if let (Some(name), Ok(config)) = (name, ctx.read())
        && !config.contains(name)
    {
        config.target(name)?;
    }
    let mut exit = Exit::InSync;
    let mut tell = |finding: Finding| {
        finding.print(&ctx.output);
        if finding.state == State::Broken {
            exit = Exit::Failed;
        }
    };
    for finding in computer::look(ctx) {
        tell(finding);
    }
    let Ok(config) = ctx.read() else { return Ok(exit) };
    let names: Vec<&str> = match name {
        Some(name) => vec![name],
        None => config.names().collect(),
    };
    for name in names {
        for finding in target::look(ctx, &config, name).await {
            tell(finding);
        }
    }
    Ok(exit)
}
