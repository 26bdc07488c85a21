//! Times as people read them: in UTC, to the second, as the original S4 showed them.

use std::time::{SystemTime, UNIX_EPOCH};

use s4_core::remote::UnixMillis;
use time::OffsetDateTime;

/// Returns the time now.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Returns the time of a file's stamp, in nanoseconds since the epoch.
pub(crate) fn of_stamp(nanoseconds: i64) -> UnixMillis {
    UnixMillis(nanoseconds.div_euclid(1_000_000))
}

/// Returns `YYYY-MM-DD HH:MM:SS`.
pub(crate) fn shown(at: UnixMillis) -> String {
    let Ok(at) = OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1000)) else {
        return "unknown".to_owned();
    };
    format!("{} {:02}:{:02}:{:02}", at.date(), at.hour(), at.minute(), at.second())
}

/// Returns `YYYY-MM-DDTHH:MM:SSZ`, for programs.
pub(crate) fn iso(at: UnixMillis) -> String {
    format!("{}Z", shown(at).replace(' ', "T"))
}

#[cfg(test)]
mod tests {
    use super::{UnixMillis, iso, of_stamp, shown};

    #[test]
    fn times_are_shown_to_the_second() {
        assert_eq!(shown(UnixMillis(1_500_000_000_250)), "2017-07-14 02:40:00");
        assert_eq!(iso(of_stamp(1_500_000_000_250_000_000)), "2017-07-14T02:40:00Z");
        assert_eq!(shown(UnixMillis(i64::MAX)), "unknown");
    }
}
