//! A person who answers from a list.

use std::collections::VecDeque;
use std::io;

use s4_config::Secret;

use super::Ask;

/// Answers from a list, and remembers what was asked.
#[derive(Default)]
pub(crate) struct Script {
    answers: VecDeque<&'static str>,
    /// Every question, and every line shown.
    pub(crate) asked: Vec<String>,
}

impl Script {
    /// Returns someone who gives these answers in turn.
    pub(crate) fn new(answers: &[&'static str]) -> Self {
        Self { answers: answers.iter().copied().collect(), asked: Vec::new() }
    }

    /// Returns whether every answer was given.
    pub(crate) fn is_done(&self) -> bool {
        self.answers.is_empty()
    }
}

impl Ask for Script {
    fn can_ask(&self) -> bool {
        true
    }

    fn line(&mut self, question: &str) -> io::Result<String> {
        self.asked.push(question.to_owned());
        self.answers.pop_front().map(str::to_owned).ok_or(io::ErrorKind::UnexpectedEof.into())
    }

    fn secret(&mut self, question: &str) -> io::Result<Secret> {
        self.line(&format!("(hidden) {question}")).map(Secret::new)
    }

    fn show(&mut self, text: &str) {
        self.asked.push(text.to_owned());
    }
}

/// Nobody.
pub(crate) struct Nobody;

impl Ask for Nobody {
    fn can_ask(&self) -> bool {
        false
    }

    fn line(&mut self, question: &str) -> io::Result<String> {
        panic!("nobody is there, but is asked: {question}")
    }

    fn secret(&mut self, question: &str) -> io::Result<Secret> {
        panic!("nobody is there, but is asked: {question}")
    }

    fn show(&mut self, _text: &str) {}
}
