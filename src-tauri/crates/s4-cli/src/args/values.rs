//! Values on the command line that are none of ours elsewhere: the original S4's spellings, and "nothing".

use std::str::FromStr;

use s4_config::ConflictSetting;
use s4_core::facts::Keep;

/// What merging waits for.
pub(crate) const NO_MERGE_YET: &str = "merging comes with the history feature";

/// A value, or nothing: an empty text takes a setting away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrNone<T>(pub(crate) Option<T>);

impl<T: FromStr> FromStr for OrNone<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() { Ok(Self(None)) } else { text.parse().map(Some).map(Self) }
    }
}

/// What to do with two different versions, as one run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConflictChoice {
    /// A policy.
    Policy(ConflictSetting),
    /// Leave them and do not ask.
    Ignore,
}

impl ConflictChoice {
    /// Returns the policy to keep with a target.
    pub(crate) fn setting(self) -> ConflictSetting {
        match self {
            Self::Policy(setting) => setting,
            Self::Ignore => ConflictSetting::Ask,
        }
    }
}

impl FromStr for ConflictChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1" => Ok(Self::Policy(ConflictSetting::Local)),
            "2" => Ok(Self::Policy(ConflictSetting::Remote)),
            "ignore" => Ok(Self::Ignore),
            other => match other.parse::<ConflictSetting>() {
                Ok(ConflictSetting::Merge) => Err(NO_MERGE_YET.to_owned()),
                Ok(setting) => Ok(Self::Policy(setting)),
                Err(_) => {
                    Err("must be one of ask, keep-both, newest, local, remote; or, as in the original S4, \
                     1, 2, ignore"
                        .to_owned())
                }
            },
        }
    }
}

/// Reads which side of a conflict stands.
pub(crate) fn keep(text: &str) -> Result<Keep, String> {
    match text {
        "local" => Ok(Keep::Local),
        "remote" => Ok(Keep::Remote),
        "both" => Ok(Keep::Both),
        "merge" => Err(NO_MERGE_YET.to_owned()),
        _ => Err("must be one of local, remote, both".to_owned()),
    }
}
