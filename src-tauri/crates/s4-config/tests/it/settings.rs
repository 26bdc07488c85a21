//! Every setting's spellings, both ways.

use std::{fmt::Display, str::FromStr};

use s4_config::{
    Addressing, ConflictSetting, CredentialSetting, JournalSetting, MaxDelete, RateLimit, TargetName,
};

#[track_caller]
fn check<T: FromStr<Err: Display> + Display>(good: &[&str], bad: &[&str]) {
    for text in good {
        match text.parse::<T>() {
            Ok(value) => assert_eq!(value.to_string(), *text),
            Err(error) => panic!("{text:?}: {error}"),
        }
    }
    for text in bad {
        assert!(text.parse::<T>().is_err(), "{text:?}");
    }
}

#[test]
fn each_setting_is_printed_as_it_is_read() {
    check::<CredentialSetting>(
        &["keyring", "env", "default", "anonymous", "profile:work", "profile:my work"],
        &["", "Keyring", "profile", "profile:", "profile: "],
    );
    check::<ConflictSetting>(
        &["ask", "keep-both", "newest", "local", "remote", "merge"],
        &["", "both", "keep_both"],
    );
    check::<Addressing>(&["auto", "path", "virtual"], &["", "host"]);
    check::<JournalSetting>(&["auto", "on", "off"], &["", "true"]);
    check::<MaxDelete>(
        &["0", "25", "0%", "50%", "100%"],
        &["", "%", "101%", "-1", "+5", "+5%", "1.5", "5 %", "many"],
    );
}

#[test]
fn a_rate_has_one_unit() {
    check::<RateLimit>(
        &["off", "1", "500K", "2M", "3G", "1536K", "800000"],
        &[
            "",
            "-1",
            "+5",
            "M",
            ".5M",
            "5.M",
            "1.5",
            "2MB",
            "2MiB",
            "2Mbit",
            "2M/s",
            "2 M",
            "1,5M",
            "many",
            "0.0001K",
            "0.0M",
            "99999999999999999999",
            "99999999999G",
            "1.0000000001G",
        ],
    );
    let rows = [("1.5M", 3 << 19), ("0.5k", 512), ("2m", 2 << 20), ("1g", 1 << 30), ("1000", 1000)];
    for (text, bytes) in rows {
        let rate = text.parse::<RateLimit>().unwrap().bytes_per_second();
        assert_eq!(rate.map(u64::from), Some(bytes), "{text}");
    }
    for text in ["0", "off"] {
        assert_eq!(text.parse::<RateLimit>().unwrap(), RateLimit::OFF);
    }
}

#[test]
fn a_wrong_setting_is_not_repeated_since_it_may_be_a_secret() {
    let error = "hunter2".parse::<CredentialSetting>().unwrap_err();
    assert_eq!(error.to_string(), "must be one of keyring, env, default, profile:NAME, anonymous");
}

#[test]
fn a_target_s_name_is_any_words_that_can_be_shown() {
    check::<TargetName>(
        &["Docs", "My documents", "Töne/2024 🎵", " x "],
        &["", " ", "a\nb", "\u{1b}[31m", "\0"],
    );
}
