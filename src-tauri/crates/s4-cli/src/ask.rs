//! Questions to a person.
//!
//! - Only a terminal is asked. Whoever calls checks [`Ask::can_ask`] first, or gets an error.
//! - What is typed as a secret is not shown.
//! - The trait is small so that tests can play the person.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use s4_config::Secret;

use crate::failure::Failure;

/// Someone who may answer.
pub(crate) trait Ask {
    /// Returns whether there is anyone to ask.
    fn can_ask(&self) -> bool;

    /// Asks, and returns the answer without white space around it. The end of the input is an error.
    fn line(&mut self, question: &str) -> io::Result<String>;

    /// Asks without showing what is typed.
    fn secret(&mut self, question: &str) -> io::Result<Secret>;

    /// Shows lines that belong to a question.
    fn show(&mut self, text: &str);
}

/// The terminal this program runs in.
pub(crate) struct Terminal {
    is_terminal: bool,
}

impl Terminal {
    /// Looks whether there is a terminal.
    pub(crate) fn new() -> Self {
        Self { is_terminal: io::stdin().is_terminal() && io::stderr().is_terminal() }
    }

    fn check(&self) -> io::Result<()> {
        if self.is_terminal { Ok(()) } else { Err(io::Error::other("there is no terminal to ask on")) }
    }
}

impl Ask for Terminal {
    fn can_ask(&self) -> bool {
        self.is_terminal
    }

    fn line(&mut self, question: &str) -> io::Result<String> {
        self.check()?;
        let mut stderr = io::stderr().lock();
        write!(stderr, "{question}")?;
        stderr.flush()?;
        let mut answer = String::new();
        if io::stdin().lock().read_line(&mut answer)? == 0 {
            writeln!(stderr)?;
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(answer.trim().to_owned())
    }

    fn secret(&mut self, question: &str) -> io::Result<Secret> {
        self.check()?;
        let answer = hidden::line(question)?;
        Ok(Secret::new(answer.trim()))
    }

    fn show(&mut self, text: &str) {
        // A terminal that is gone is noticed by the question that follows.
        let _ = writeln!(io::stderr(), "{text}");
    }
}

/// Asks for something that may be left blank.
pub(crate) fn optional(ask: &mut dyn Ask, question: &str) -> Result<Option<String>, Failure> {
    let answer = ask.line(question).map_err(Failure::Input)?;
    Ok(Some(answer).filter(|answer| !answer.is_empty()))
}

/// Asks until the answer can be used; blank is `None`.
pub(crate) fn parsed<T>(
    ask: &mut dyn Ask,
    question: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Failure> {
    loop {
        let Some(answer) = optional(ask, question)? else { return Ok(None) };
        match parse(&answer) {
            Ok(value) => return Ok(Some(value)),
            Err(why) => ask.show(&why),
        }
    }
}

/// Asks for a secret until one is given.
pub(crate) fn secret(ask: &mut dyn Ask, question: &str) -> Result<Secret, Failure> {
    loop {
        let answer = ask.secret(question).map_err(Failure::Input)?;
        if !answer.expose().is_empty() {
            return Ok(answer);
        }
    }
}

/// Asks a question whose answer is yes or no; blank means `default`.
pub(crate) fn confirm(ask: &mut dyn Ask, question: &str, default: bool) -> Result<bool, Failure> {
    let choices = if default { "[Y/n]" } else { "[y/N]" };
    loop {
        match optional(ask, &format!("{question} {choices}: "))?.as_deref() {
            None => return Ok(default),
            Some("y" | "Y" | "yes" | "Yes" | "YES") => return Ok(true),
            Some("n" | "N" | "no" | "No" | "NO") => return Ok(false),
            Some(_) => ask.show("please answer y or n"),
        }
    }
}

/// Reads a secret from the standard input: its first line.
pub(crate) fn secret_from_stdin() -> Result<Secret, Failure> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(Failure::Input)?;
    let secret = Secret::new(line.trim());
    if secret.expose().is_empty() {
        return Err(Failure::usage(
            "--secret-stdin found no secret on the standard input",
            "write it there, for instance `s4 add … --secret-stdin < file`",
        ));
    }
    Ok(secret)
}

mod hidden;
#[cfg(test)]
pub(crate) mod script;
