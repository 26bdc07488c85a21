//! A line that is not shown while it is typed.
//!
//! The echo goes off before the question appears: what is pasted as soon as it is there must not be shown.

use std::io;

/// Asks on the terminal and returns what was typed, without its end.
#[cfg(unix)]
pub(super) fn line(question: &str) -> io::Result<String> {
    use std::io::{BufRead as _, Write as _};

    let echo = echo::Off::new()?;
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let mut answer = String::new();
    let length = io::stdin().lock().read_line(&mut answer)?;
    drop(echo);
    // Nor was the end of the line shown.
    writeln!(stderr)?;
    if length == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(answer) }
}

#[cfg(unix)]
mod echo {
    use std::io;

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// The terminal without echo, until it is dropped.
    pub(super) struct Off {
        before: Termios,
    }

    impl Off {
        pub(super) fn new() -> io::Result<Self> {
            let before = tcgetattr(io::stdin())?;
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO);
            tcsetattr(io::stdin(), OptionalActions::Drain, &quiet)?;
            Ok(Self { before })
        }
    }

    impl Drop for Off {
        fn drop(&mut self) {
            // A terminal that is gone has nothing to show.
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.before);
        }
    }
}

/// Asks on the terminal and returns what was typed, without its end.
#[cfg(not(unix))]
pub(super) fn line(question: &str) -> io::Result<String> {
    use std::io::Write as _;

    let mut stderr = io::stderr().lock();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    console::Term::stderr().read_secure_line()
}
