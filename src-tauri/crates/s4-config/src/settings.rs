//! The choices a target can make, each with one spelling: in `sync.conf`, on the command line, in messages.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// A text that is none of a setting's choices.
///
/// The text itself is left out: a secret in the wrong place must not be printed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("must be {choices}")]
pub struct SettingError {
    /// What could have been given.
    pub choices: &'static str,
}

/// Where a target's keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSetting {
    /// The system's keyring.
    Keyring,
    /// `AWS_ACCESS_KEY_ID` and its companions.
    Environment,
    /// The chain of the AWS tools: environment, profile, SSO, roles.
    DefaultChain,
    /// One named profile of the AWS tools.
    Profile(String),
    /// No keys: public buckets.
    Anonymous,
}

/// What happens when both sides changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictSetting {
    /// Both stay as they are until a person decides.
    Ask,
    /// The remote version keeps the name, the local one gets another.
    KeepBoth,
    /// The later modification time wins.
    Newest,
    /// The folder wins.
    Local,
    /// The bucket wins.
    Remote,
    /// Texts are merged.
    Merge,
}

/// How many deletions may happen without a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxDelete {
    /// A number of files.
    Count(u64),
    /// A share of the files there were, 0 to 100.
    Percent(u8),
}

/// How a bucket is named in requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addressing {
    /// Virtual-host style on Amazon, path style elsewhere.
    #[default]
    Auto,
    /// `https://host/bucket/key`.
    Path,
    /// `https://bucket.host/key`.
    Virtual,
}

/// Whether changes are announced to other replicas in the bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JournalSetting {
    /// On, unless the original S4 still uses the prefix or the store cannot.
    #[default]
    Auto,
    /// On, whatever else uses the prefix.
    On,
    /// Off: other replicas find changes by listing.
    Off,
}

/// Gives a fieldless setting its spellings, so that reading and printing cannot drift apart.
macro_rules! spelled {
    ($setting:ident, $choices:literal, $($spelling:literal => $variant:ident),+ $(,)?) => {
        impl FromStr for $setting {
            type Err = SettingError;

            fn from_str(value: &str) -> Result<Self, Self::Err> {
                match value {
                    $($spelling => Ok(Self::$variant),)+
                    _ => Err(SettingError { choices: $choices }),
                }
            }
        }

        impl fmt::Display for $setting {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$variant => $spelling,)+ })
            }
        }
    };
}

spelled!(ConflictSetting, "one of ask, keep-both, newest, local, remote, merge",
    "ask" => Ask, "keep-both" => KeepBoth, "newest" => Newest, "local" => Local, "remote" => Remote, "merge" => Merge);
spelled!(Addressing, "one of auto, path, virtual", "auto" => Auto, "path" => Path, "virtual" => Virtual);
spelled!(JournalSetting, "one of auto, on, off", "auto" => Auto, "on" => On, "off" => Off);

impl FromStr for CredentialSetting {
    type Err = SettingError;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        match value {
            "keyring" => Ok(Self::Keyring),
            "env" => Ok(Self::Environment),
            "default" => Ok(Self::DefaultChain),
            "anonymous" => Ok(Self::Anonymous),
            _ => match value.strip_prefix("profile:") {
                Some(name) if !name.trim().is_empty() => Ok(Self::Profile(name.to_owned())),
                Some(_) | None => {
                    Err(SettingError { choices: "one of keyring, env, default, profile:NAME, anonymous" })
                }
            },
        }
    }
}

impl fmt::Display for CredentialSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyring => f.write_str("keyring"),
            Self::Environment => f.write_str("env"),
            Self::DefaultChain => f.write_str("default"),
            Self::Profile(name) => write!(f, "profile:{name}"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

impl FromStr for MaxDelete {
    type Err = SettingError;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        // `parse` alone would also take a leading `+`.
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        let parsed = match value.strip_suffix('%') {
            Some(digits) if is_number(digits) => {
                digits.parse().ok().filter(|percent| *percent <= 100).map(Self::Percent)
            }
            None if is_number(value) => value.parse().ok().map(Self::Count),
            Some(_) | None => None,
        };
        parsed.ok_or(SettingError { choices: "a number of files, or a share such as 25%" })
    }
}

impl fmt::Display for MaxDelete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}
