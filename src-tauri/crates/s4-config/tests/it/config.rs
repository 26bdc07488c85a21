//! The document: what it says, and what a change leaves alone.

use s4_config::{
    Addressing, Config, ConflictSetting, CredentialSetting, DEFAULT_TRASH_DAYS, FieldProblem, JournalSetting,
    MaxDelete, Secret, Target, TargetName,
};

/// Written by the original S4 (`json.dump(config, file, indent=5)`); its third target is from before endpoints.
const ORIGINAL: &str = include_str!("../fixtures/original.conf");

const FULL: &str = r#"{
     "targets": {
          "Docs": {
               "local_folder": "/home/u/Docs",
               "endpoint_url": "https://s3.example.com",
               "s3_uri": "s3://bucket/docs",
               "region_name": "eu-west-2",
               "aws_access_key_id": "AKIAEXAMPLE",
               "credentials": "profile:work",
               "conflicts": "keep-both",
               "exclude": [
                    "*.tmp",
                    "!keep.tmp"
               ],
               "max_delete": "25%",
               "addressing": "path",
               "ca_bundle": "/etc/own.pem",
               "state_dir": "/var/s4",
               "cross_mounts": true,
               "trash_days": 7,
               "bucket_trash": false,
               "journal": "off",
               "allow_same_prefix": true,
               "capabilities": {
                    "put_if_match": true
               }
          }
     }
}
"#;

fn text(config: &Config) -> String {
    String::from_utf8(config.to_text()).unwrap()
}

fn parse(text: &str) -> Config {
    Config::parse(text.as_bytes()).unwrap()
}

/// Lets `change` work on the target `Docs` of a file with `before` in it, and expects `after` there.
#[track_caller]
fn check_change(before: &str, change: impl FnOnce(&mut Target), after: &str) {
    let file = |fields: &str| {
        let line = r#""local_folder": "/d", "s3_uri": "s3://bucket""#;
        format!(r#"{{"first": 1, "targets": {{"Other": 5, "Docs": {{{fields}}}}}, "last": [2]}}"#)
            .replace("PLACE", line)
    };
    let mut config = parse(&file(before));
    let mut target = config.target("Docs").unwrap();
    change(&mut target);
    config.put(&target).unwrap();
    assert_eq!(text(&config), text(&parse(&file(after))));
}

/// Expects the field of a target to be refused with a message that ends as given.
#[track_caller]
fn check_refused(field: &str, value: &str, message: &str) {
    let mut object = serde_json::json!({"local_folder": "/d", "s3_uri": "s3://bucket"});
    object[field] = serde_json::from_str(value).unwrap();
    let config = parse(&serde_json::json!({"targets": {"My docs": object}}).to_string());
    let error = config.target("My docs").unwrap_err();
    let expected = format!("target `My docs`: `{field}` {message}");
    assert_eq!(error.to_string(), expected);
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[test]
fn a_file_of_the_original_works_as_it_is() {
    let config = parse(ORIGINAL);
    let targets = config.targets().unwrap();
    assert_eq!(config.names().collect::<Vec<_>>(), ["Docs", "My music", "old"]);

    let [docs, music, old] = &targets[..] else { panic!("{targets:?}") };
    assert_eq!(docs.local_folder.to_str().unwrap(), "/home/u/Docs");
    assert_eq!(docs.s3_uri.to_string(), "s3://bucket/docs");
    assert_eq!((docs.endpoint_url.as_ref(), docs.region_name.as_deref()), (None, Some("eu-west-2")));
    let keys = docs.inline_keys().unwrap();
    assert_eq!(keys.access_key_id, "AKIAEXAMPLE");
    assert_eq!(keys.secret_access_key.expose(), "wJalrXUtnFEMI/K7MDENG");

    assert_eq!(music.local_folder.to_str().unwrap(), "/home/u/Müsic");
    assert_eq!(music.endpoint_url.as_ref().unwrap().as_str(), "http://127.0.0.1:9000");
    assert_eq!(music.s3_uri.prefix(), "music");
    assert_eq!(music.region_name, None, "an empty region is none");
    assert_eq!(old.endpoint_url, None);

    let defaults = Target::new(old.name.clone(), &old.local_folder, old.s3_uri.clone());
    assert_eq!(
        *old,
        Target {
            region_name: old.region_name.clone(),
            access_key_id: old.access_key_id.clone(),
            secret_access_key: old.secret_access_key.clone(),
            ..defaults
        }
    );
}

#[test]
fn nothing_is_changed_by_putting_back_what_was_read() {
    for original in [ORIGINAL, FULL] {
        let mut config = parse(original);
        for target in config.targets().unwrap() {
            config.put(&target).unwrap();
        }
        // The original escapes what is not ASCII and ends without a line break; all else is the same.
        assert_eq!(text(&config).trim_end(), original.replace("\\u00fc", "ü").trim_end());
    }
}

#[test]
fn every_field_is_read_and_written() {
    let target = parse(FULL).target("Docs").unwrap();
    assert_eq!(target.credentials, Some(CredentialSetting::Profile("work".to_owned())));
    assert_eq!(target.conflicts, Some(ConflictSetting::KeepBoth));
    assert_eq!(target.exclude, ["*.tmp", "!keep.tmp"]);
    assert_eq!(target.max_delete, Some(MaxDelete::Percent(25)));
    assert_eq!(target.addressing, Addressing::Path);
    assert_eq!(target.ca_bundle.as_deref(), Some("/etc/own.pem".as_ref()));
    assert_eq!(target.state_dir.as_deref(), Some("/var/s4".as_ref()));
    assert!(target.cross_mounts && !target.bucket_trash && target.allow_same_prefix);
    assert_eq!((target.trash_days, target.journal), (7, JournalSetting::Off));
    assert_eq!(target.capabilities, Some(serde_json::json!({"put_if_match": true})));

    let mut fresh = Config::default();
    fresh.put(&target).unwrap();
    assert_eq!(text(&fresh), FULL);
}

#[test]
fn defaults_are_not_written() {
    let mut config = Config::default();
    let target = Target::new(TargetName::new("d").unwrap(), "/d", "s3://bucket".parse().unwrap());
    assert_eq!((target.trash_days, target.bucket_trash), (DEFAULT_TRASH_DAYS, true));
    config.put(&target).unwrap();
    let expected = r#"{"targets":{"d":{"local_folder":"/d","s3_uri":"s3://bucket"}}}"#;
    assert_eq!(text(&config), text(&parse(expected)));
    assert_eq!(config.target("d").unwrap(), target);
}

#[test]
fn a_change_leaves_everything_else_where_it_was() {
    check_change(
        r#""x": null, PLACE, "region_name": "a", "y": {"z": 1.0}"#,
        |target| target.region_name = Some("b".to_owned()),
        r#""x": null, PLACE, "region_name": "b", "y": {"z": 1.0}"#,
    );
    check_change(
        r#"PLACE, "region_name": "a", "y": 1, "z": 2"#,
        |target| target.region_name = None,
        r#"PLACE, "y": 1, "z": 2"#,
    );
    check_change(
        r#"PLACE, "y": 1"#,
        |target| target.cross_mounts = true,
        r#"PLACE, "y": 1, "cross_mounts": true"#,
    );
    check_change(
        r#"PLACE, "trash_days": 7, "y": 1"#,
        |target| target.trash_days = DEFAULT_TRASH_DAYS,
        r#"PLACE, "y": 1"#,
    );
    // What means the same keeps its spelling: null, empty, defaults in words, a bare number, a trailing slash.
    let spelled = r#""local_folder": "/d", "s3_uri": "s3://bucket/p/", "endpoint_url": null, "region_name": "",
        "addressing": "auto", "bucket_trash": true, "trash_days": 30, "max_delete": 5, "exclude": []"#;
    check_change(spelled, |_| {}, spelled);
    check_change(
        r#"PLACE, "aws_access_key_id": "A", "aws_secret_access_key": "S", "aws_session_token": "T""#,
        Target::forget_inline_keys,
        r#"PLACE, "aws_access_key_id": "A", "credentials": "keyring""#,
    );
}

#[test]
fn a_wrong_field_is_named_and_never_shown_if_it_may_be_a_secret() {
    check_refused("local_folder", "null", "is missing");
    check_refused("local_folder", r#""""#, "is missing");
    check_refused("local_folder", "[]", "must be a text, not a list");
    check_refused("local_folder", r#""Docs""#, "must be an absolute path, not `Docs`");
    check_refused("state_dir", r#""~/x""#, "must be an absolute path, not `~/x`");
    check_refused("s3_uri", "7", "must be a text, not a number");
    check_refused(
        "s3_uri",
        r#""s3://bucket//x""#,
        "is wrong: the prefix \"/x\" has an empty part; write single slashes",
    );
    check_refused("endpoint_url", "{}", "must be a text, not an object");
    check_refused("aws_secret_access_key", r#"["hunter2"]"#, "must be a text, not a list");
    check_refused("aws_session_token", "true", "must be a text, not true or false");
    let sources = "is wrong: must be one of keyring, env, default, profile:NAME, anonymous";
    check_refused("credentials", r#""hunter2""#, sources);
    check_refused("exclude", r#""*.tmp""#, "must be a list of texts, not a text");
    check_refused("exclude", r#"["*.tmp", 1]"#, "must be a list of texts, not a number");
    check_refused("max_delete", r#""all""#, "is wrong: must be a number of files, or a share such as 25%");
    check_refused("max_delete", "-1", "must be a text, not a number");
    check_refused("cross_mounts", r#""yes""#, "must be true or false, not a text");
    check_refused("trash_days", "-1", "must be a whole number of days, not another number");
    check_refused("trash_days", "1.5", "must be a whole number of days, not another number");
    check_refused("trash_days", r#""30""#, "must be a whole number of days, not a text");
}

#[test]
fn one_broken_target_hides_no_other() {
    let broken =
        r#"{"targets": {"a": {"s3_uri": 5}, "b": {"local_folder": "/d", "s3_uri": "s3://bucket"}, "c": []}}"#;
    let mut config = parse(broken);
    assert!(config.target("b").is_ok());
    assert_eq!(
        config.target("c").unwrap_err().to_string(),
        "target `c` must be an object in sync.conf, not a list"
    );
    assert!(config.targets().is_err());

    // It can be replaced, or taken out.
    let target = Target::new(TargetName::new("a").unwrap(), "/a", "s3://other".parse().unwrap());
    config.put(&target).unwrap();
    config.remove("c").unwrap();
    assert_eq!(config.targets().unwrap().len(), 2);
    assert_eq!(config.names().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn an_unknown_target_is_an_error_that_names_the_known_ones() {
    let mut config = parse(ORIGINAL);
    let message = "there is no target `docs`; there are: Docs, My music, old";
    assert_eq!(config.target("docs").unwrap_err().to_string(), message);
    assert_eq!(config.remove("docs").unwrap_err().to_string(), message);
    let message = "there is no target `docs`; there are none yet, `s4 add` makes one";
    assert_eq!(Config::default().target("docs").unwrap_err().to_string(), message);

    let nameless = parse(r#"{"targets": {"": {"local_folder": "/d", "s3_uri": "s3://bucket"}}}"#);
    assert!(nameless.target("").unwrap_err().to_string().contains("can't be empty"));
}

#[test]
fn what_is_no_configuration_says_where_and_why() {
    let message = |text: &str| Config::parse(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        message("{\n  \"targets\": {\n    \"a\" 5"),
        "it is not valid JSON: expected `:` at line 3 column 9"
    );
    assert!(message("").contains("EOF while parsing a value at line 1 column 0"));
    assert_eq!(message("[]"), "the whole file must be an object, not a list");
    assert_eq!(message(r#"{"targets": "x"}"#), "`targets` must be an object, not a text");
    assert_eq!(parse("\u{feff}{}").names().count(), 0, "a byte order mark is passed over");
}

#[test]
fn a_folder_that_json_cannot_hold_is_refused() {
    let mut config = Config::default();
    let uri: s4_config::S3Uri = "s3://bucket".parse().unwrap();
    let mut target = Target::new(TargetName::new("d").unwrap(), "relative", uri);
    assert!(matches!(config.put(&target).unwrap_err().problem, FieldProblem::NotAbsolute { .. }));

    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        target.local_folder = std::ffi::OsStr::from_bytes(b"/d/\xff").into();
        assert!(matches!(config.put(&target).unwrap_err().problem, FieldProblem::NotUnicode { .. }));
    }
    target.local_folder = "/d".into();
    target.secret_access_key = Some(Secret::new("hunter2"));
    config.put(&target).unwrap();
    let shown = format!("{config:?} {target:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn limits_stand_at_the_top_and_a_wrong_one_is_named() {
    let limits =
        |text: &str| parse(text).bandwidth().map(|limits| (limits.up.to_string(), limits.down.to_string()));
    let rows = [
        (r#"{}"#, "off", "off"),
        (r#"{"limit_up": "2M", "limit_down": "500K"}"#, "2M", "500K"),
        (r#"{"limit_up": 1024, "limit_down": 0}"#, "1K", "off"),
        (r#"{"limit_up": null, "limit_down": ""}"#, "off", "off"),
        (r#"{"targets": {"limit_up": "2M"}}"#, "off", "off"),
    ];
    for (text, up, down) in rows {
        assert_eq!(limits(text).unwrap(), (up.to_owned(), down.to_owned()), "{text}");
    }
    let wrong = [r#""2MB""#, r#""fast""#, "-5", "1.5", "true", "[]"];
    for value in wrong {
        let error = limits(&format!(r#"{{"limit_down": {value}}}"#)).unwrap_err().to_string();
        assert!(error.contains("`limit_down`") && error.contains("bytes per second"), "{error}");
    }
}
