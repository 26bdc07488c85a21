//! How fast bytes may go: `limit_up` and `limit_down` at the top of `sync.conf`, for all targets together.
//!
//! One unit, everywhere: bytes per second, with K, M and G for 1024 and its powers. What could mean bits, or
//! thousands, is refused.

use std::{fmt, num::NonZeroU64, str::FromStr};

use serde_json::{Map, Value};

use crate::{ConfigError, SettingError};

const CHOICES: &str = "bytes per second, such as 500K, 2M, 1.5M or 800000, or off";

const UNITS: [(char, u64); 3] = [('G', 1 << 30), ('M', 1 << 20), ('K', 1 << 10)];

/// At most so many bytes per second, or no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimit(Option<NonZeroU64>);

/// The limits of both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bandwidth {
    /// To the buckets.
    pub up: RateLimit,
    /// From the buckets.
    pub down: RateLimit,
}

impl RateLimit {
    /// No limit.
    pub const OFF: Self = Self(None);

    /// Returns the bytes per second, `None` for no limit.
    pub fn bytes_per_second(self) -> Option<NonZeroU64> {
        self.0
    }
}

impl FromStr for RateLimit {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" | "0" => Ok(Self::OFF),
            _ => {
                let rate = bytes(text).and_then(NonZeroU64::new);
                rate.map(|rate| Self(Some(rate))).ok_or(SettingError { choices: CHOICES })
            }
        }
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(rate) = self.0.map(NonZeroU64::get) else { return f.pad("off") };
        match UNITS.iter().find(|(_, unit)| rate.is_multiple_of(*unit)) {
            Some((letter, unit)) => f.pad(&format!("{}{letter}", rate / unit)),
            None => f.pad(&rate.to_string()),
        }
    }
}

/// Returns the bytes that a text such as `1.5M` means, rounded down.
fn bytes(text: &str) -> Option<u64> {
    let unit = UNITS.iter().find(|(letter, _)| text.ends_with([*letter, letter.to_ascii_lowercase()]));
    let (number, unit) = match unit {
        Some((_, unit)) => (&text[..text.len() - 1], *unit),
        None => (text, 1),
    };
    let (whole, part) = match number.split_once('.') {
        // Parts of a byte mean nothing.
        Some(_) if unit == 1 => return None,
        Some((_, "")) => return None,
        Some(halves) => halves,
        None => (number, ""),
    };
    // `parse` alone would also take a leading `+`.
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 9 {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(part.len()).ok()?);
    let digits = format!("{whole}{part}").parse::<u64>().ok().filter(|_| !whole.is_empty())?;
    u64::try_from(u128::from(digits) * u128::from(unit) / scale).ok()
}

/// Reads both limits from the top of the document.
pub(crate) fn read(document: &Map<String, Value>) -> Result<Bandwidth, ConfigError> {
    Ok(Bandwidth { up: one(document, "limit_up")?, down: one(document, "limit_down")? })
}

fn one(document: &Map<String, Value>, key: &'static str) -> Result<RateLimit, ConfigError> {
    let parsed = match document.get(key) {
        None | Some(Value::Null) => Ok(RateLimit::OFF),
        Some(Value::String(text)) if text.is_empty() => Ok(RateLimit::OFF),
        Some(Value::String(text)) => text.parse(),
        Some(Value::Number(number)) => number.to_string().parse(),
        Some(_) => Err(SettingError { choices: CHOICES }),
    };
    parsed.map_err(|source| ConfigError::Setting { key, source })
}
