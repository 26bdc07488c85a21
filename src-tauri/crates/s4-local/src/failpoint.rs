//! Named points at which a test build kills itself, to show that a crash there loses nothing.
//!
//! - `S4_FAILPOINT=name:n` ends the process at the n-th [`hit`] of `name` (from 1; `name` alone means 1): no
//!   destructors, no flushing, as `kill -9` would.
//! - Without the feature `failpoints` a hit is nothing at all.

/// Passes the point `name`, or ends the process there if the environment asks for it.
#[cfg(feature = "failpoints")]
pub fn hit(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static ASKED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static HITS: AtomicU64 = AtomicU64::new(0);

    let asked = ASKED.get_or_init(|| std::env::var("S4_FAILPOINT").ok().and_then(|text| parse(&text)));
    let Some((wanted, count)) = asked else { return };
    if wanted == name && HITS.fetch_add(1, Ordering::SeqCst) + 1 == *count {
        kill();
    }
}

/// Passes the point `name`.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn hit(name: &str) {
    let _ = name;
}

/// Returns the name and the count of `name:n` or `name`.
#[cfg(any(feature = "failpoints", test))]
fn parse(text: &str) -> Option<(String, u64)> {
    match text.rsplit_once(':') {
        Some((name, count)) if count.bytes().all(|byte| byte.is_ascii_digit()) && !count.is_empty() => {
            Some((name.to_owned(), count.parse().ok()?))
        }
        Some(_) | None => (!text.is_empty()).then(|| (text.to_owned(), 1)),
    }
}

/// Ends the process as `kill -9` does.
#[cfg(all(feature = "failpoints", unix))]
fn kill() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort();
}

/// Ends the process at once.
#[cfg(all(feature = "failpoints", not(unix)))]
fn kill() -> ! {
    std::process::abort();
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_point_is_a_name_with_an_optional_count() {
        assert_eq!(parse("replace:before-exchange:3"), Some(("replace:before-exchange".into(), 3)));
        assert_eq!(parse("replace:before-exchange"), Some(("replace:before-exchange".into(), 1)));
        assert_eq!(parse("x"), Some(("x".into(), 1)));
        assert_eq!(parse(""), None);
    }
}
