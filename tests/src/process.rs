//! Child processes: run to their end with everything they said, or kept running; never waited for without a deadline.

use std::{
    io::{Read, Write},
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything in a test takes, also on a loaded machine.
pub const DEADLINE: Duration = Duration::from_secs(180);

/// What a process did.
#[derive(Clone, Debug)]
pub struct Run {
    line: String,
    status: ExitStatus,
    /// The standard output.
    pub out: String,
    /// The standard error output.
    pub err: String,
}

/// A process that runs while the test goes on; killed with the value.
pub struct Running {
    line: String,
    process: Child,
    ended: Receiver<(Vec<u8>, Vec<u8>)>,
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Run {
    start(command).finish()
}

/// Runs a command to its end, with `input` on its standard input.
pub fn run_with_input(command: &mut Command, input: &[u8]) -> Run {
    start_with(command, Some(input.to_vec())).finish()
}

/// Starts a command. Nothing can be typed into it.
pub fn start(command: &mut Command) -> Running {
    start_with(command, None)
}

fn start_with(command: &mut Command, input: Option<Vec<u8>>) -> Running {
    let line = told(command);
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap_or_else(|error| panic!("can't start {line}: {error}"));
    if let (Some(mut stdin), Some(input)) = (process.stdin.take(), input) {
        // A process that ends without reading its input is judged by its status, not by the broken pipe.
        thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let out = read_in_background(process.stdout.take().expect("the output is piped"));
    let err = read_in_background(process.stderr.take().expect("the output is piped"));
    let (sender, ended) = channel();
    thread::spawn(move || {
        let both = (out.recv().unwrap_or_default(), err.recv().unwrap_or_default());
        drop(sender.send(both));
    });
    Running { line, process, ended }
}

fn read_in_background(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut all = Vec::new();
        drop(from.read_to_end(&mut all));
        drop(sender.send(all));
    });
    receiver
}

impl Running {
    /// Waits for the end.
    #[track_caller]
    pub fn finish(mut self) -> Run {
        let (out, err) = match self.ended.recv_timeout(DEADLINE) {
            Ok(both) => both,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                panic!("{} did not end within {DEADLINE:?}", self.line)
            }
        };
        let status =
            self.process.wait().unwrap_or_else(|error| panic!("can't wait for {}: {error}", self.line));
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Run { line: self.line.clone(), status, out: text(out), err: text(err) }
    }

    /// Waits for the end, but kills the process when `after` has passed. Returns what it did, killed or not.
    #[track_caller]
    pub fn kill_after(mut self, after: Duration) -> Run {
        if let Ok(both) = self.ended.recv_timeout(after) {
            let (sender, ended) = channel();
            drop(sender.send(both));
            self.ended = ended;
        } else {
            // It may have ended by itself in this moment; then there is nothing to kill.
            drop(self.process.kill());
        }
        self.finish()
    }

    /// Sends a signal by name, as `kill -NAME` does.
    pub fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        run(kill.arg(format!("-{name}")).arg(self.process.id().to_string()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Neither can fail in a way that matters here: the process has ended or ends now.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Run {
    /// Returns the exit status, if the process ended by itself.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Returns whether the process was killed by `kill -9`, from outside or by itself.
    pub fn was_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }

    /// Checks the exit status.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "exit status of {self}");
        self
    }

    /// Checks that the exit status is one of these.
    #[track_caller]
    pub fn exits_with_one_of(self, codes: &[i32]) -> Self {
        assert!(
            self.code().is_some_and(|code| codes.contains(&code)),
            "exit status, not in {codes:?}, of {self}"
        );
        self
    }

    /// Checks that the output or the error output names `text`, in any case.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        let said = format!("{}{}", self.out, self.err).to_lowercase();
        assert!(said.contains(&text.to_lowercase()), "`{text}` is not said by {self}");
        self
    }

    /// Checks that neither output has `text` in it.
    #[track_caller]
    pub fn never_says(self, text: &str) -> Self {
        assert!(!self.out.contains(text) && !self.err.contains(text), "`{text}` is said by {self}");
        self
    }

    /// Returns the standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("no JSON ({error}) from {self}"))
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})\n--- out\n{}--- err\n{}---", self.line, self.status, self.out, self.err)
    }
}

/// Returns a command for another program, with the environment and the directory of the first.
pub fn inside(first: &Command, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for (name, value) in first.get_envs() {
        command.envs(value.map(|value| (name, value)));
    }
    if let Some(directory) = first.get_current_dir() {
        command.current_dir(directory);
    }
    command
}

/// Waits until `is_so`, looking again and again; panics naming `what` when the deadline has passed.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

fn told(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    format!("`{}`", words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
}
