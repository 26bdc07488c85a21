//! S4's metadata as `x-amz-meta-…` headers.
//!
//! - `mtime` has rclone's name and format: seconds since the epoch, with a fraction where there is one
//!   (<https://rclone.org/s3/#modification-times-and-hashes>).
//! - `s4-mode` is the octal mode of an executable file; other files have none.
//! - `s4-symlink` is `true` on a symbolic link; its body is the target.
//! - `s4-base` is the ETags this content descends from, the latest first, joined by commas.
//! - What other tools write under these names in another form counts as absent, never as an error.

use std::collections::HashMap;

use s4_core::remote::{ETag, MAX_BASES, Metadata};

const MTIME: &str = "mtime";
const MODE: &str = "s4-mode";
const SYMLINK: &str = "s4-symlink";
const BASE: &str = "s4-base";

const NANOS: i64 = 1_000_000_000;

/// Returns the headers for `metadata`, without their `x-amz-meta-`.
pub(super) fn to_headers(metadata: &Metadata) -> HashMap<String, String> {
    let mut headers = HashMap::new();
    if let Some(mtime_ns) = metadata.mtime_ns {
        headers.insert(MTIME.to_owned(), mtime_to_text(mtime_ns));
    }
    if metadata.executable {
        headers.insert(MODE.to_owned(), "755".to_owned());
    }
    if metadata.symlink {
        headers.insert(SYMLINK.to_owned(), "true".to_owned());
    }
    if !metadata.base.is_empty() {
        let tags: Vec<&str> = metadata.base.iter().map(ETag::as_str).collect();
        headers.insert(BASE.to_owned(), tags.join(","));
    }
    headers
}

/// Returns what the headers of a reply say.
pub(super) fn from_headers(headers: Option<&HashMap<String, String>>) -> Metadata {
    let get = |name: &str| headers.and_then(|headers| headers.get(name)).map(String::as_str);
    let executable = |mode: &str| u32::from_str_radix(mode.trim(), 8).is_ok_and(|mode| mode & 0o111 != 0);
    let bases = |text: &str| {
        let tags = text.split(',').map(|tag| ETag::new(tag.trim())).filter(|tag| !tag.as_str().is_empty());
        tags.take(MAX_BASES).collect()
    };
    Metadata {
        mtime_ns: get(MTIME).and_then(mtime_from_text),
        executable: get(MODE).is_some_and(executable),
        symlink: get(SYMLINK) == Some("true"),
        base: get(BASE).map(bases).unwrap_or_default(),
    }
}

/// Returns nanoseconds as rclone writes them: the fraction without its trailing zeros.
fn mtime_to_text(mtime_ns: i64) -> String {
    let sign = if mtime_ns < 0 { "-" } else { "" };
    let magnitude = mtime_ns.unsigned_abs();
    let (seconds, fraction) = (magnitude / NANOS.unsigned_abs(), magnitude % NANOS.unsigned_abs());
    if fraction == 0 {
        return format!("{sign}{seconds}");
    }
    let digits = format!("{fraction:09}");
    format!("{sign}{seconds}.{}", digits.trim_end_matches('0'))
}

/// Returns nanoseconds from decimal seconds; digits after the ninth are dropped.
fn mtime_from_text(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (seconds, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if seconds.is_empty() || !all_digits(seconds) || !all_digits(fraction) {
        return None;
    }
    let fraction: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let seconds: i64 = seconds.parse().ok()?;
    let fraction: i64 = fraction.parse().ok()?;
    Some(sign * seconds.checked_mul(NANOS)?.checked_add(fraction)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mtimes_are_spelled_as_rclone_does() {
        let rows = [
            (1_600_000_000_123_456_789, "1600000000.123456789"),
            (1_600_000_000_500_000_000, "1600000000.5"),
            (1_600_000_000_000_000_000, "1600000000"),
            (-1_500_000_000, "-1.5"),
            (7, "0.000000007"),
            (0, "0"),
        ];
        for (mtime_ns, text) in rows {
            assert_eq!(mtime_to_text(mtime_ns), text);
            assert_eq!(mtime_from_text(text), Some(mtime_ns));
        }
        assert_eq!(mtime_from_text("1600000000.1234567899"), Some(1_600_000_000_123_456_789));
        for other in ["", "-", ".5", "2020-01-01", "1e9", "99999999999999999999", "1.-5"] {
            assert_eq!(mtime_from_text(other), None, "{other}");
        }
    }

    #[test]
    fn metadata_goes_there_and_back() {
        let metadata = Metadata {
            mtime_ns: Some(1),
            executable: true,
            symlink: true,
            base: vec![ETag::new("a"), ETag::new("b-2")],
        };
        assert_eq!(from_headers(Some(&to_headers(&metadata))), metadata);
        assert!(to_headers(&Metadata::default()).is_empty());
        assert_eq!(from_headers(None), Metadata::default());
    }

    #[test]
    fn what_others_write_is_no_metadata_of_ours() {
        let rows = [
            ("symlink", "true"),
            ("s4-symlink", "yes"),
            ("s4-mode", "644"),
            ("s4-mode", "rwxr-xr-x"),
            ("mtime", "yesterday"),
            ("s4-base", " , "),
        ];
        for (name, value) in rows {
            let headers = HashMap::from([(name.to_owned(), value.to_owned())]);
            assert_eq!(from_headers(Some(&headers)), Metadata::default(), "{name}: {value}");
        }
        let headers = HashMap::from([("s4-mode".to_owned(), "0100755".to_owned())]);
        assert!(from_headers(Some(&headers)).executable);
    }
}
