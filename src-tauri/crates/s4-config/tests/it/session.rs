//! A D-Bus session of a test's own, with or without a GNOME Keyring, and the test itself run again inside it.
//!
//! The D-Bus library reads the session's address from the environment, which a test must not change for the others of
//! its process: so a test starts its own binary again, with the step to do in a variable.

use std::{
    env,
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

const STEP: &str = "S4_TEST_STEP";

/// Starts no service by itself: what is not started by the test is not there.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// Returns the step to do if this process is a test run again inside a session.
pub(crate) fn step() -> Option<String> {
    env::var(STEP).ok()
}

/// A home, a bus, and perhaps a keyring; all gone when dropped.
pub(crate) struct Session {
    home: TempDir,
    address: String,
    children: Vec<Child>,
}

impl Session {
    /// A home with no bus.
    pub(crate) fn without_bus() -> Self {
        let home = tempfile::Builder::new().prefix("s4-session").tempdir().unwrap();
        let session = Self { home, address: String::new(), children: Vec::new() };
        fs::create_dir(session.runtime_dir()).unwrap();
        fs::set_permissions(session.runtime_dir(), fs::Permissions::from_mode(0o700)).unwrap();
        session
    }

    /// A home and a bus on which nobody is.
    pub(crate) fn with_bus() -> Self {
        let mut session = Self::without_bus();
        let configuration = session.home.path().join("bus.conf");
        let socket = session.bus_socket();
        fs::write(&configuration, BUS.replace("SOCKET", socket.to_str().unwrap())).unwrap();
        let log = session.home.path().join("bus.log");
        let mut bus = start(
            "dbus-daemon",
            session
                .command("dbus-daemon")
                .arg("--nofork")
                .arg("--print-address")
                .arg(format!("--config-file={}", configuration.display()))
                .stdout(Stdio::piped())
                .stderr(fs::File::create(&log).unwrap()),
        );
        // The address is printed once the bus takes connections.
        let mut address = String::new();
        BufReader::new(bus.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        session.children.push(bus);
        let said = fs::read_to_string(&log).unwrap();
        assert!(!address.trim().is_empty(), "dbus-daemon did not start: {said}");
        session.address = address.trim().to_owned();
        session
    }

    /// Starts a GNOME Keyring whose login collection is open; its first start makes the collection.
    pub(crate) fn unlock_keyring(&mut self) {
        let mut daemon = self.keyring(&["--unlock"]);
        daemon.stdin.take().unwrap().write_all(b"password").unwrap();
        self.await_keyring(daemon);
    }

    /// Starts a GNOME Keyring that nobody has given a password.
    pub(crate) fn start_keyring(&mut self) {
        let daemon = self.keyring(&[]);
        self.await_keyring(daemon);
    }

    /// Ends the keyring, as a logout does.
    pub(crate) fn stop_keyring(&mut self) {
        let mut daemon = self.children.pop().unwrap();
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        self.await_owner("org.freedesktop.secrets", false);
    }

    /// Runs a step of the test `name` inside the session and expects it to succeed.
    #[track_caller]
    pub(crate) fn run(&self, name: &str, step: &str) {
        let output = self
            .command(env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture", "--test-threads=1"])
            .env(STEP, step)
            .output()
            .unwrap();
        let mut shown = String::new();
        writeln!(shown, "{}", String::from_utf8_lossy(&output.stdout)).unwrap();
        writeln!(shown, "{}", String::from_utf8_lossy(&output.stderr)).unwrap();
        assert!(output.status.success(), "step `{step}` failed:\n{shown}");
        assert!(shown.contains("1 passed"), "there is no test `{name}`:\n{shown}");
    }

    /// Returns the directory in which a bus is looked for when no address is given.
    pub(crate) fn runtime_dir(&self) -> PathBuf {
        self.home.path().join("run")
    }

    /// Returns where the bus listens.
    pub(crate) fn bus_socket(&self) -> PathBuf {
        self.home.path().join("bus")
    }

    /// Runs a program inside the session.
    pub(crate) fn output(&self, package: &str, program: &str, arguments: &[&str]) -> Output {
        let output = self.command(program).args(arguments).output();
        output.unwrap_or_else(|error| missing(package, program, &error))
    }

    /// Returns a command with nothing of the caller's session in its environment.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let home = self.home.path();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", self.runtime_dir())
            .stdin(Stdio::null());
        if !self.address.is_empty() {
            command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        }
        command
    }

    fn keyring(&self, options: &[&str]) -> Child {
        start(
            "gnome-keyring",
            self.command("gnome-keyring-daemon")
                .args(["--foreground", "--components=secrets"])
                .args(options)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )
    }

    fn await_keyring(&mut self, daemon: Child) {
        self.children.push(daemon);
        self.await_owner("org.freedesktop.secrets", true);
    }

    fn await_owner(&self, name: &str, is_expected: bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let expected = format!("boolean {is_expected}");
        while Instant::now() < deadline {
            let output = self.output(
                "dbus-bin",
                "dbus-send",
                &[
                    "--session",
                    "--print-reply=literal",
                    "--dest=org.freedesktop.DBus",
                    "/org/freedesktop/DBus",
                    "org.freedesktop.DBus.NameHasOwner",
                    &format!("string:{name}"),
                ],
            );
            if String::from_utf8_lossy(&output.stdout).contains(&expected) {
                return;
            }
        }
        panic!("the bus never said that `{name}` is owned: {is_expected}");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The keyring before the bus it is on.
        for child in self.children.iter_mut().rev() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn start(package: &str, command: &mut Command) -> Child {
    let program = Path::new(command.get_program()).display().to_string();
    command.spawn().unwrap_or_else(|error| missing(package, &program, &error))
}

fn missing(package: &str, program: &str, error: &std::io::Error) -> ! {
    panic!("can't start `{program}`: {error}; install the package `{package}`")
}
