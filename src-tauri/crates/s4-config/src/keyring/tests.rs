//! The keyring's ill manners, scripted: what a real one does only in bad moments.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
    mpsc::{self, Receiver, Sender},
};

use zeroize::Zeroizing;

use super::*;
use crate::Secret;

const SHORT: Duration = Duration::from_millis(50);

/// Answers each call with the next line of its script, on the calls' own thread.
struct ScriptedVault<F>(F);

impl<F> Vault for ScriptedVault<F>
where
    F: Fn(&'static str) -> Result<Vec<u8>, VaultError> + Send + 'static,
{
    fn write(&self, _: &Account, _: &[u8]) -> Result<(), VaultError> {
        (self.0)("write").map(drop)
    }

    fn read(&self, _: &Account) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        (self.0)("read").map(Zeroizing::new)
    }

    fn erase(&self, _: &Account) -> Result<(), VaultError> {
        (self.0)("erase").map(drop)
    }
}

fn locations() -> Locations {
    Locations::at(std::path::Path::new("/nowhere")).unwrap()
}

fn scripted(script: impl Fn(&'static str) -> Result<Vec<u8>, VaultError> + Send + 'static) -> Secrets {
    Secrets::with_vault(&locations(), ScriptedVault(script))
}

fn documents() -> TargetName {
    TargetName::new("Docs").unwrap()
}

fn keys() -> AccessKeys {
    AccessKeys::new("AKIAEXAMPLE", Secret::new("hunter2"))
}

/// Stores with a keyring that answers `written` and then `read`; the error must not hold the secret.
#[track_caller]
fn check_store(written: Result<(), VaultError>, read: Result<Vec<u8>, VaultError>, expected: &str) {
    let answers = std::sync::Mutex::new((Some(written), Some(read)));
    let secrets = scripted(move |call| {
        let mut answers = answers.lock().unwrap();
        if call == "write" {
            answers.0.take().unwrap().map(|()| Vec::new())
        } else {
            answers.1.take().unwrap()
        }
    });
    let error = secrets.store(&documents(), &keys()).unwrap_err();
    assert!(format!("{error:?}").starts_with(expected), "{error:?}");
    for shown in [format!("{error:?}"), error.to_string()] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_write_counts_only_when_it_is_read_back() {
    let failed = || VaultError::Failed("no".into());
    check_store(Ok(()), Ok(b"{}".to_vec()), "NotKept");
    check_store(Ok(()), Err(VaultError::NotFound), "NotFound");
    check_store(Ok(()), Err(VaultError::Locked), "Locked");
    check_store(Err(failed()), Ok(Vec::new()), "Failed");
    check_store(Err(VaultError::Denied("no".into())), Ok(Vec::new()), "Denied");
    check_store(Err(VaultError::TooLong(2560)), Ok(Vec::new()), "TooLong");
    check_store(Err(VaultError::NoKeyring("no".into())), Ok(Vec::new()), "NoKeyring");
}

#[test]
fn an_entry_that_is_not_ours_is_unusable_and_not_shown() {
    for content in ["", "hunter2", "[]", r#"{"access_key_id": "a"}"#, r#"{"access_key_id": 1}"#] {
        let error = scripted(move |_| Ok(content.into())).load(&documents(), "AKIAEXAMPLE").unwrap_err();
        assert!(matches!(error, SecretsError::Unusable { .. }), "{content}: {error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

/// A keyring that waits for a person at each call, and the person.
fn waiting_keyring() -> (Secrets, Sender<()>, Receiver<&'static str>) {
    let (answer, answers) = mpsc::channel();
    let (done, calls) = mpsc::channel();
    let secrets = scripted(move |call| {
        answers.recv().map_err(|_| VaultError::Locked)?;
        done.send(call).map_err(|_| VaultError::Locked)?;
        Ok(entry::encode(&keys()).to_vec())
    });
    (secrets, answer, calls)
}

#[test]
fn a_request_that_was_given_up_before_its_turn_is_never_begun() {
    let (secrets, person, calls) = waiting_keyring();
    let secrets = secrets.waiting(SHORT);
    let timed_out = |result: Result<(), SecretsError>| {
        assert!(matches!(result, Err(SecretsError::TimedOut { after: SHORT })), "{result:?}");
    };
    timed_out(secrets.load(&documents(), "AKIAEXAMPLE").map(drop));
    timed_out(secrets.store(&documents(), &keys()));
    timed_out(secrets.remove(&documents(), "AKIAEXAMPLE"));

    // The person comes back: the one prompt that was shown is answered, and the next request gets through.
    person.send(()).unwrap();
    person.send(()).unwrap();
    let secrets = secrets.waiting(Duration::from_secs(30));
    assert_eq!(secrets.load(&documents(), "AKIAEXAMPLE").unwrap(), keys());
    drop(secrets);
    drop(person);
    let calls: Vec<_> = calls.iter().collect();
    assert!(
        !calls.is_empty() && calls.iter().all(|call| *call == "read"),
        "a write or removal was begun: {calls:?}"
    );
}

#[test]
fn a_keyring_library_that_panics_is_an_error_and_the_next_request_gets_a_new_thread() {
    let calls = Arc::new(AtomicUsize::new(0));
    let secrets = scripted(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => panic!("a bug in a library"),
        _ => Ok(entry::encode(&keys()).to_vec()),
    });
    let error = secrets.load(&documents(), "AKIAEXAMPLE").unwrap_err();
    assert!(matches!(error, SecretsError::Failed { .. }), "{error:?}");
    assert_eq!(secrets.load(&documents(), "AKIAEXAMPLE").unwrap(), keys());
}

#[test]
fn memory_keeps_what_it_is_given_for_each_key() {
    let secrets = Secrets::in_memory(&locations());
    let others =
        AccessKeys { session_token: Some(Secret::new("t")), ..AccessKeys::new("OTHER", Secret::new("x")) };
    secrets.store(&documents(), &keys()).unwrap();
    secrets.store(&documents(), &others).unwrap();
    assert_eq!(secrets.load(&documents(), "AKIAEXAMPLE").unwrap(), keys());
    assert_eq!(secrets.load(&documents(), "OTHER").unwrap(), others);
    secrets.remove(&documents(), "OTHER").unwrap();
    assert!(matches!(secrets.load(&documents(), "OTHER"), Err(SecretsError::NotFound { .. })));
}

#[test]
fn nothing_that_is_printed_holds_a_secret() {
    let temporary = AccessKeys { session_token: Some(Secret::new("hunter2")), ..keys() };
    let secrets = Secrets::in_memory(&locations());
    secrets.store(&documents(), &temporary).unwrap();
    for shown in
        [format!("{temporary:?}"), format!("{}", temporary.secret_access_key), format!("{secrets:?}")]
    {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    assert_eq!(format!("{:?}", temporary.secret_access_key), "***");
}

/// Moves the keys of `Docs` out of a file with a keyring that does `meanwhile` before it answers a read.
fn move_keys(
    meanwhile: impl Fn(&std::path::Path) -> Result<Vec<u8>, VaultError> + Send + 'static,
) -> (String, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = crate::ConfigFile::new(&Locations::at(directory.path()).unwrap());
    std::fs::write(
        file.path(),
        r#"{"targets": {"Docs": {"local_folder": "/d", "s3_uri": "s3://bucket",
            "aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "hunter2"}}}"#,
    )
    .unwrap();
    let path = file.path().to_owned();
    let secrets = scripted(move |call| if call == "read" { meanwhile(&path) } else { Ok(Vec::new()) });
    let result = crate::move_inline_keys_to_keyring(&file, &secrets, &documents());
    (format!("{result:?}"), std::fs::read_to_string(file.path()).unwrap())
}

#[test]
fn keys_stay_in_the_file_unless_the_keyring_gives_them_back_and_they_are_still_the_same() {
    let (result, text) = move_keys(|_| Ok(b"something else".to_vec()));
    assert!(result.contains("NotKept") && text.contains("hunter2"), "{result} {text}");

    let (result, text) = move_keys(|_| Err(VaultError::Locked));
    assert!(result.contains("Locked") && text.contains("hunter2"), "{result} {text}");

    // A person changes the keys while the keyring takes its time.
    let (result, text) = move_keys(|path| {
        let changed = std::fs::read_to_string(path).unwrap().replace("hunter2", "hunter3");
        std::fs::write(path, changed).unwrap();
        Ok(entry::encode(&keys()).to_vec())
    });
    assert!(result.contains("Changed") && text.contains("hunter3"), "{result} {text}");

    let (result, text) = move_keys(|_| Ok(entry::encode(&keys()).to_vec()));
    assert!(result == "Ok(())" && !text.contains("hunter2"), "{result} {text}");
}
