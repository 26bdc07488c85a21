use clap::{CommandFactory as _, Parser as _};
use s4_config::{Bandwidth, ConflictSetting, MaxDelete};
use s4_core::context::DeleteLimits;

use super::values::{ConflictChoice, OrNone};
use super::{Arguments, Column, Command, LogLevel};

#[track_caller]
fn parse(line: &str) -> Arguments {
    Arguments::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("`{line}`: {error}"))
}

#[track_caller]
fn refused(line: &str) -> String {
    let error = Arguments::try_parse_from(line.split_whitespace()).err();
    let error = error.unwrap_or_else(|| panic!("`{line}` is taken"));
    assert_eq!(error.exit_code(), 2, "`{line}`");
    error.to_string()
}

#[test]
fn definition_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn short_names_of_the_original_work() {
    assert!(matches!(parse("s4 a").command, Some(Command::Add(_))));
    assert!(matches!(parse("s4 e x").command, Some(Command::Edit(_))));
    assert!(matches!(parse("s4 s").command, Some(Command::Sync(_))));
    assert!(matches!(parse("s4 t").command, Some(Command::Targets { .. })));
    assert!(matches!(parse("s4 v").command, Some(Command::Version)));
    assert!(parse("s4").command.is_none());
}

#[test]
fn global_flags_stand_anywhere() {
    let arguments = parse("s4 sync --log-level DEBUG --no-colors --timestamps");
    assert_eq!(arguments.global.log_level, LogLevel::Debug);
    assert!(arguments.global.no_colors && arguments.global.timestamps);
    assert_eq!(parse("s4 --log-level error t").global.log_level, LogLevel::Error);
}

#[test]
fn conflict_policies_have_the_originals_spellings_too() {
    for (text, expected) in [
        ("1", ConflictChoice::Policy(ConflictSetting::Local)),
        ("2", ConflictChoice::Policy(ConflictSetting::Remote)),
        ("ignore", ConflictChoice::Ignore),
        ("keep-both", ConflictChoice::Policy(ConflictSetting::KeepBoth)),
    ] {
        let Some(Command::Sync(sync)) = parse(&format!("s4 sync --conflicts {text}")).command else {
            panic!("sync is sync")
        };
        assert_eq!(sync.conflicts, Some(expected));
    }
    assert!(refused("s4 sync --conflicts merge").contains("history feature"));
    assert!(refused("s4 sync --conflicts maybe").contains("maybe"));
    assert!(refused("s4 resolve x y --keep merge").contains("history feature"));
    assert!(refused("s4 resolve x y").contains("--keep"));
}

#[test]
fn limits_of_deletions() {
    for (flags, expected) in [
        ("", None),
        ("--force", Some(DeleteLimits::Unlimited)),
        ("--max-delete 60%", Some(DeleteLimits::Percent(60))),
        ("--max-delete 7", Some(DeleteLimits::Count(7))),
    ] {
        let Some(Command::Sync(sync)) = parse(&format!("s4 sync {flags}")).command else {
            panic!("sync is sync")
        };
        assert_eq!(sync.limits(), expected, "{flags}");
    }
    refused("s4 sync --max-delete lots");
    refused("s4 sync --force --max-delete 3");
}

#[test]
fn limits_of_bandwidth_stand_before_those_of_the_configuration() {
    let configured = Bandwidth { up: "1M".parse().unwrap(), down: "2M".parse().unwrap() };
    for (flags, up, down) in [
        ("", "1M", "2M"),
        ("--limit-up 2M --limit-down 500k", "2M", "500K"),
        ("--limit-up=off", "off", "2M"),
        ("--limit-down 0", "1M", "off"),
    ] {
        let Some(Command::Sync(sync)) = parse(&format!("s4 sync {flags}")).command else {
            panic!("sync is sync")
        };
        let limits = sync.bandwidth(configured);
        assert_eq!((limits.up.to_string(), limits.down.to_string()), (up.into(), down.into()), "{flags}");
    }
    assert!(refused("s4 sync --limit-up 2Mbit").contains("bytes per second"));
    refused("s4 sync --limit-down -1");
}

#[test]
fn ls_takes_the_originals_flags() {
    let Some(Command::Ls(ls)) = parse("s4 ls x -A -d -s LOCAL").command else { panic!("ls is ls") };
    assert!(ls.all && ls.descending);
    assert_eq!(ls.sort_by, Column::Local);
    refused("s4 ls x -s size");
}

#[test]
fn secrets_are_never_arguments() {
    refused("s4 add x --secret hunter2");
    refused("s4 add x --secret-access-key hunter2");
    refused("s4 add x --secret-stdin=hunter2");
}

#[test]
fn remote_must_be_a_place_in_a_bucket() {
    for uri in ["http://bucket/x", "bucket/x", "s3://", "s3:///x", "s3://UPPER_case/x", "s3://b/x"] {
        assert!(refused(&format!("s4 add x --remote {uri}")).contains(uri), "{uri}");
    }
}

#[test]
fn empty_text_takes_a_setting_away() {
    let arguments =
        Arguments::try_parse_from(["s4", "edit", "x", "--endpoint", "", "--max-delete", "5"]).unwrap();
    let Some(Command::Edit(edit)) = arguments.command else { panic!("edit is edit") };
    assert_eq!(edit.fields.endpoint, Some(OrNone(None)));
    assert_eq!(edit.fields.max_delete, Some(OrNone(Some(MaxDelete::Count(5)))));
    assert!(!edit.fields.is_empty());
    let Some(Command::Edit(edit)) = parse("s4 edit x").command else { panic!("edit is edit") };
    assert!(edit.fields.is_empty());
}

#[test]
fn credentials_come_from_one_place() {
    refused("s4 add x -C other --credentials env");
    parse("s4 add x --copy-target-credentials other");
}
