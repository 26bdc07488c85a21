//! Whose keys a target uses, and how they leave the file.

use std::fs;

use s4_config::{
    AccessKeys, ConfigFile, CredentialError, CredentialSource, Locations, MoveError, Secret, Secrets,
    SecretsError, Target, TargetName, move_inline_keys_to_keyring, resolve,
};
use tempfile::TempDir;

fn docs() -> TargetName {
    TargetName::new("Docs").unwrap()
}

struct Engine {
    _directory: TempDir,
    file: ConfigFile,
    secrets: Secrets,
}

impl Engine {
    /// An engine whose only target, `Docs`, has these fields besides the ones it must have.
    fn with(fields: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let locations = Locations::at(directory.path()).unwrap();
        let file = ConfigFile::new(&locations);
        let text = format!(
            r#"{{"targets": {{"Docs": {{"local_folder": "/d", "s3_uri": "s3://bucket", "mine": [1]{fields}}}}}}}"#
        );
        fs::write(file.path(), text).unwrap();
        Self { _directory: directory, file, secrets: Secrets::in_memory(&locations) }
    }

    fn target(&self) -> Target {
        self.file.read().unwrap().target("Docs").unwrap()
    }
}

const INLINE: &str = r#", "aws_access_key_id": "AKIA", "aws_secret_access_key": "hunter2""#;

fn keys(secret: &str) -> AccessKeys {
    AccessKeys::new("AKIA", Secret::new(secret))
}

/// Resolves a target with these fields; the keyring holds the key `AKIA` with the secret `in keyring`.
#[track_caller]
fn check(fields: &str, expected: Result<CredentialSource, &str>) {
    let engine = Engine::with(fields);
    engine.secrets.store(&docs(), &keys("in keyring")).unwrap();
    match (resolve(&engine.target(), &engine.secrets), expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected),
        (Err(error), Err(variant)) => {
            assert!(format!("{error:?}").contains(variant), "{error:?}, not {variant}");
        }
        (found, expected) => panic!("{fields}: {found:?}, not {expected:?}"),
    }
}

#[test]
fn the_setting_decides_and_without_one_the_file_does() {
    let from_keyring = || Ok(CredentialSource::Keys(keys("in keyring")));
    check(INLINE, Ok(CredentialSource::Keys(keys("hunter2"))));
    check(
        &format!(r#"{INLINE}, "aws_session_token": "t""#),
        Ok(CredentialSource::Keys(AccessKeys { session_token: Some(Secret::new("t")), ..keys("hunter2") })),
    );
    check(r#", "aws_access_key_id": "AKIA""#, from_keyring());
    check(r#", "aws_access_key_id": "AKIA", "credentials": "keyring""#, from_keyring());
    check(&format!(r#"{INLINE}, "credentials": "keyring""#), from_keyring());
    check(&format!(r#"{INLINE}, "credentials": "env""#), Ok(CredentialSource::Environment));
    check(r#", "credentials": "default""#, Ok(CredentialSource::DefaultChain));
    check(r#", "credentials": "anonymous""#, Ok(CredentialSource::Anonymous));
    check(r#", "credentials": "profile:my work""#, Ok(CredentialSource::Profile("my work".to_owned())));
    check(r#", "aws_access_key_id": "OTHER""#, Err("NotFound"));
    check("", Err("NoAccessKeyId"));
    check(r#", "credentials": "keyring""#, Err("NoAccessKeyId"));
    check(r#", "aws_secret_access_key": "hunter2""#, Err("SecretWithoutId"));
}

#[test]
fn keys_move_from_the_file_to_the_keyring() {
    let engine = Engine::with(&format!(r#"{INLINE}, "aws_session_token": "t", "theirs": null"#));
    let before = resolve(&engine.target(), &engine.secrets).unwrap();
    move_inline_keys_to_keyring(&engine.file, &engine.secrets, &docs()).unwrap();

    let text = fs::read_to_string(engine.file.path()).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("session_token"), "{text}");
    assert!(text.contains("mine") && text.contains("theirs") && text.contains("AKIA"), "{text}");
    assert_eq!(resolve(&engine.target(), &engine.secrets).unwrap(), before, "the same keys as before");

    let again = move_inline_keys_to_keyring(&engine.file, &engine.secrets, &docs()).unwrap_err();
    assert!(matches!(again, MoveError::NoInlineKeys { .. }), "{again:?}");
}

#[test]
fn keys_that_nobody_has_are_an_error_that_says_how_to_give_them() {
    let engine = Engine::with("");
    let error = resolve(&engine.target(), &engine.secrets).unwrap_err();
    assert!(matches!(error, CredentialError::NoAccessKeyId { .. }));
    assert!(error.to_string().contains("--secret-stdin"), "{error}");

    let engine = Engine::with(r#", "aws_access_key_id": "AKIA""#);
    let error = resolve(&engine.target(), &engine.secrets).unwrap_err();
    assert!(matches!(error, CredentialError::Keyring(SecretsError::NotFound { .. })));
    assert!(error.to_string().contains("--secret-stdin"), "{error}");
}
