//! The real Secret Service: GNOME Keyring on a bus of the test's own.

use std::{
    os::unix::net::UnixListener,
    path::Path,
    time::{Duration, Instant},
};

use s4_config::{AccessKeys, Locations, Secret, Secrets, SecretsError, TargetName};

use super::session::{Session, step};

const PATIENCE: Duration = Duration::from_millis(500);

fn documents() -> TargetName {
    TargetName::new("My documents").unwrap()
}

fn keys() -> AccessKeys {
    AccessKeys {
        access_key_id: "AKIAEXAMPLE".to_owned(),
        secret_access_key: Secret::new("sëcret/with+signs=\""),
        session_token: Some(Secret::new("token")),
    }
}

fn secrets() -> Secrets {
    Secrets::new(&Locations::from_env().unwrap())
}

/// Runs `inside` when this is the process in the session; else makes the session and starts that process.
#[track_caller]
fn check(name: &str, outside: impl FnOnce(&dyn Fn(&Session, &str)), inside: impl FnOnce(&str)) {
    match step() {
        Some(step) => inside(&step),
        None => outside(&|session, step| session.run(&format!("it::secret_service::{name}"), step)),
    }
}

#[test]
fn keys_are_stored_found_again_and_removed() {
    check(
        "keys_are_stored_found_again_and_removed",
        |run| {
            let mut session = Session::with_bus();
            session.unlock_keyring();
            run(&session, "store");

            let found = session.output(
                "libsecret-tools",
                "secret-tool",
                &["lookup", "service", "s4", "username", "My documents/AKIAEXAMPLE"],
            );
            let found: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
            assert_eq!(found["secret_access_key"], "sëcret/with+signs=\"", "another program sees the entry");

            session.stop_keyring();
            session.unlock_keyring();
            run(&session, "load after a restart of the keyring");
            run(&session, "remove");
        },
        |step| match step {
            "store" => {
                secrets().store(&documents(), &keys()).unwrap();
                // Stored again with another secret: replaced, not doubled.
                let changed = AccessKeys { secret_access_key: Secret::new("changed"), ..keys() };
                secrets().store(&documents(), &changed).unwrap();
                assert_eq!(secrets().load(&documents(), "AKIAEXAMPLE").unwrap(), changed);
                secrets().store(&documents(), &keys()).unwrap();
            }
            "load after a restart of the keyring" => {
                assert_eq!(secrets().load(&documents(), "AKIAEXAMPLE").unwrap(), keys());
            }
            _ => {
                secrets().remove(&documents(), "AKIAEXAMPLE").unwrap();
                let gone = secrets().load(&documents(), "AKIAEXAMPLE").unwrap_err();
                assert!(matches!(gone, SecretsError::NotFound { .. }), "{gone:?}");
                let gone = secrets().remove(&documents(), "AKIAEXAMPLE").unwrap_err();
                assert!(matches!(gone, SecretsError::NotFound { .. }), "{gone:?}");
            }
        },
    );
}

#[test]
fn engines_with_other_configuration_directories_do_not_see_each_other() {
    check(
        "engines_with_other_configuration_directories_do_not_see_each_other",
        |run| {
            let mut session = Session::with_bus();
            session.unlock_keyring();
            run(&session, "both");
        },
        |_| {
            let other = Secrets::new(&Locations::at(Path::new("/tmp/another-engine")).unwrap());
            secrets().store(&documents(), &keys()).unwrap();
            let unseen = other.load(&documents(), "AKIAEXAMPLE").unwrap_err();
            assert!(matches!(unseen, SecretsError::NotFound { .. }), "{unseen:?}");

            let others = AccessKeys::new("AKIAEXAMPLE", Secret::new("another"));
            other.store(&documents(), &others).unwrap();
            assert_eq!(secrets().load(&documents(), "AKIAEXAMPLE").unwrap(), keys());
            assert_eq!(other.load(&documents(), "AKIAEXAMPLE").unwrap(), others);
        },
    );
}

#[test]
fn an_engine_started_before_the_keyring_finds_it_later() {
    check(
        "an_engine_started_before_the_keyring_finds_it_later",
        |run| run(&Session::without_bus(), "engine"),
        |_| {
            // The session comes up under a running process: its address is the well-known one below XDG_RUNTIME_DIR.
            let secrets = secrets();
            let early = secrets.load(&documents(), "AKIAEXAMPLE").unwrap_err();
            assert!(matches!(early, SecretsError::NoKeyring { .. }), "{early:?}");

            let mut session = Session::with_bus();
            session.unlock_keyring();
            let run = std::env::var("XDG_RUNTIME_DIR").unwrap();
            std::os::unix::fs::symlink(session.bus_socket(), Path::new(&run).join("bus")).unwrap();
            secrets.store(&documents(), &keys()).unwrap();
            assert_eq!(secrets.load(&documents(), "AKIAEXAMPLE").unwrap(), keys());
        },
    );
}

#[test]
fn without_a_keyring_the_error_names_what_to_do_instead() {
    check(
        "without_a_keyring_the_error_names_what_to_do_instead",
        |run| {
            run(&Session::without_bus(), "no bus");
            run(&Session::with_bus(), "a bus, and nobody on it");
        },
        |step| {
            for error in [
                secrets().store(&documents(), &keys()).unwrap_err(),
                secrets().load(&documents(), "AKIAEXAMPLE").unwrap_err(),
            ] {
                assert!(matches!(error, SecretsError::NoKeyring { .. }), "{step}: {error:?}");
                for way_out in ["--credentials env", "--credentials default", "--credentials profile:NAME"] {
                    assert!(error.to_string().contains(way_out), "{error}");
                }
            }
        },
    );
}

#[test]
fn a_keyring_that_was_never_set_up_keeps_nothing() {
    check(
        "a_keyring_that_was_never_set_up_keeps_nothing",
        |run| {
            let mut session = Session::with_bus();
            session.start_keyring();
            run(&session, "no collection");
        },
        |_| {
            let error = secrets().store(&documents(), &keys()).unwrap_err();
            assert!(matches!(error, SecretsError::NoKeyring { .. }), "{error:?}");
            let error = secrets().load(&documents(), "AKIAEXAMPLE").unwrap_err();
            assert!(matches!(error, SecretsError::NotFound { .. }), "{error:?}");
        },
    );
}

#[test]
fn a_locked_keyring_is_given_up_in_time() {
    check(
        "a_locked_keyring_is_given_up_in_time",
        |run| {
            let mut session = Session::with_bus();
            session.unlock_keyring();
            run(&session, "store");
            session.stop_keyring();
            session.start_keyring();
            run(&session, "nobody shows the prompt");
            run(&session, "nobody answers the prompt");
            // The hanging request ended with its process, and did no harm.
            session.stop_keyring();
            session.unlock_keyring();
            run(&session, "load");
        },
        |step| match step {
            "store" => secrets().store(&documents(), &keys()).unwrap(),
            "load" => assert_eq!(secrets().load(&documents(), "AKIAEXAMPLE").unwrap(), keys()),
            "nobody shows the prompt" => {
                let error = secrets().load(&documents(), "AKIAEXAMPLE").unwrap_err();
                assert!(matches!(error, SecretsError::Locked), "{error:?}");
            }
            _ => {
                // Owns the prompter's name and never answers, like a prompt that nobody sees.
                let prompter = zbus::blocking::Connection::session().unwrap();
                prompter.request_name("org.gnome.keyring.SystemPrompter").unwrap();
                let secrets = secrets().waiting(PATIENCE);
                for _ in 0..2 {
                    let begun = Instant::now();
                    let error = secrets.load(&documents(), "AKIAEXAMPLE").unwrap_err();
                    assert!(
                        matches!(error, SecretsError::TimedOut { after } if after == PATIENCE),
                        "{error:?}"
                    );
                    assert!(begun.elapsed() < PATIENCE * 20, "given up after {:?}", begun.elapsed());
                }
                let error = secrets.store(&documents(), &keys()).unwrap_err();
                assert!(matches!(error, SecretsError::TimedOut { .. }), "{error:?}");
            }
        },
    );
}

#[test]
fn a_bus_that_never_answers_is_given_up_in_time() {
    check(
        "a_bus_that_never_answers_is_given_up_in_time",
        |run| {
            let session = Session::without_bus();
            // Takes connections, and says nothing.
            let _silent = UnixListener::bind(session.runtime_dir().join("bus")).unwrap();
            run(&session, "silence");
        },
        |_| {
            let error = secrets().waiting(PATIENCE).load(&documents(), "AKIAEXAMPLE").unwrap_err();
            assert!(matches!(error, SecretsError::TimedOut { .. }), "{error:?}");
        },
    );
}
