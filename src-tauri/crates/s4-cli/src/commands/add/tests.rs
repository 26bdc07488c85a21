use clap::Parser as _;
use tempfile::tempdir;

use super::*;
use crate::args::{Arguments, Command};
use crate::ask::script::{Nobody, Script};

fn arguments(flags: &[&str]) -> AddArguments {
    let words = ["s4", "add"].iter().chain(flags);
    let Some(Command::Add(add)) = Arguments::try_parse_from(words).unwrap().command else {
        panic!("add is add")
    };
    *add
}

#[test]
fn questions_come_in_the_originals_order() {
    let place = tempdir().unwrap();
    let ctx = Context::at(place.path());
    let folder: &'static str = "/home/u/Documents";
    let mut person = Script::new(&[
        folder,
        "http://127.0.0.1:9000",
        "",
        "my-bucket",
        "/docs/",
        "eu-west-2",
        "AKID",
        "hush",
        "",
    ]);
    let (target, keys) = draft(&ctx, &Config::default(), &mut person, &arguments(&[])).unwrap();
    let begins = [
        "local folder",
        "endpoint url",
        "S3 bucket",
        "S3 bucket",
        "S3 path",
        "region name",
        "AWS access key id",
        "(hidden) AWS secret access key",
        "name of this target [blank: docs]",
    ];
    assert_eq!(person.asked.len(), begins.len(), "{:?}", person.asked);
    for (question, begin) in person.asked.iter().zip(begins) {
        assert!(question.starts_with(begin), "`{question}` is not `{begin}…`");
    }
    assert!(person.is_done());
    assert_eq!(target.name.as_str(), "docs");
    assert_eq!(target.s3_uri.to_string(), "s3://my-bucket/docs");
    assert_eq!(target.region_name.as_deref(), Some("eu-west-2"));
    assert!(matches!(keys, Keys::Given(given) if given.secret_access_key.expose() == "hush"));
    assert!(!person.asked.concat().contains("hush"));
}

#[test]
fn what_the_flags_say_is_not_asked() {
    let place = tempdir().unwrap();
    let ctx = Context::at(place.path());
    let flags = ["docs", "--local", "/home/u/d", "--remote", "s3://bucket/p", "--credentials", "env"];
    let (target, keys) = draft(&ctx, &Config::default(), &mut Nobody, &arguments(&flags)).unwrap();
    assert_eq!((target.name.as_str(), target.endpoint_url), ("docs", None));
    assert!(matches!(keys, Keys::From(s4_config::CredentialSetting::Environment)));

    let mut person = Script::new(&["", "bucket", "", "", "y"]);
    let flags = ["--local", "/home/u/d", "--credentials", "env"];
    let (target, _) = draft(&ctx, &Config::default(), &mut person, &arguments(&flags)).unwrap();
    assert_eq!(target.name.as_str(), "y");
    assert_eq!(target.s3_uri.to_string(), "s3://bucket");
}

#[test]
fn wrong_answers_are_asked_again() {
    let place = tempdir().unwrap();
    let ctx = Context::at(place.path());
    let mut config = Config::default();
    config.put(&Target::new(TargetName::new("d").unwrap(), "/x", "s3://bucket".parse().unwrap())).unwrap();
    let mut person =
        Script::new(&["ftp://x", "https://x", "UPPER", "bucket", "a//b", "", "", "", "", "d", "e"]);
    let (target, _) = draft(&ctx, &config, &mut person, &arguments(&["--local", "/home/u/d"])).unwrap();
    assert_eq!(target.name.as_str(), "e", "{:?}", person.asked);
    assert_eq!(target.s3_uri.to_string(), "s3://bucket");
}

#[test]
fn nobody_is_asked_without_a_terminal() {
    let place = tempdir().unwrap();
    let ctx = Context::at(place.path());
    for (flags, says) in [
        (&[][..], "--local"),
        (&["--local", "/x"], "--remote"),
        (&["--local", "/x", "--remote", "s3://bucket/x"], "--credentials"),
        (&["--local", "/x", "--remote", "s3://bucket/x", "--access-key-id", "ID"], "--secret-stdin"),
        (
            &["--local", "/x", "--remote", "s3://bucket/x", "--credentials", "env", "--access-key-id", "ID"],
            "env",
        ),
    ] {
        let failure = draft(&ctx, &Config::default(), &mut Nobody, &arguments(flags)).err();
        let told = crate::hints::explain(&failure.expect("something is missing"));
        assert_eq!(told.exit, Exit::Usage);
        let said = format!("{} {}", told.message, told.hint.unwrap_or_default());
        assert!(said.contains(says), "`{says}` is not in: {said}");
    }
}

#[test]
fn taken_names_are_refused_before_anything_is_asked() {
    let place = tempdir().unwrap();
    let ctx = Context::at(place.path());
    let mut config = Config::default();
    config.put(&Target::new(TargetName::new("d").unwrap(), "/x", "s3://bucket".parse().unwrap())).unwrap();
    let failure = draft(&ctx, &config, &mut Script::new(&[]), &arguments(&["d"])).err();
    let told = crate::hints::explain(&failure.expect("the name is taken"));
    assert_eq!(told.exit, Exit::Usage);
    assert!(told.hint.is_some_and(|hint| hint.contains("s4 edit")));
}

#[test]
fn credentials_are_copied_from_another_target() {
    let place = tempdir().unwrap();
    let ctx = Context::at(place.path());
    let mut other = Target::new(TargetName::new("other").unwrap(), "/x", "s3://bucket".parse().unwrap());
    other.access_key_id = Some("AKID".to_owned());
    other.secret_access_key = Some(s4_config::Secret::new("hush"));
    let mut config = Config::default();
    config.put(&other).unwrap();
    let flags = ["n", "--local", "/y", "--remote", "s3://bucket/y", "-C", "other"];
    let (mut target, keys) = draft(&ctx, &config, &mut Nobody, &arguments(&flags)).unwrap();
    keys.apply(&mut target);
    keys.store(&ctx, &target).unwrap();
    assert_eq!(target.secret_access_key, None, "the secret goes to the keyring, not into the file");
    let kept = ctx.secrets.load(&target.name, "AKID").unwrap();
    assert_eq!(kept.secret_access_key.expose(), "hush");
    assert!(draft(&ctx, &config, &mut Nobody, &arguments(&["n", "-C", "nobody"])).is_err());
}
