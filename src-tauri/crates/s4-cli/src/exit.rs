//! The exit status: one number that says how things stand.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Both sides are the same, or what was asked for is done.
    InSync,
    /// It failed.
    Failed,
    /// It was asked for in a way that cannot be.
    Usage,
    /// Versions wait for a person to choose between them.
    Conflicts,
    /// The target stopped and wants a decision.
    Halted,
    /// Some paths could not be synced.
    Problems,
    /// Another run holds the folder.
    Locked,
}

impl Exit {
    /// Returns the number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::InSync => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Conflicts => 3,
            Self::Halted => 4,
            Self::Problems => 5,
            Self::Locked => 6,
        }
    }

    /// Returns the one of two that matters more to whoever reads a single number.
    #[must_use]
    pub(crate) fn or_worse(self, other: Self) -> Self {
        if other.weight() > self.weight() { other } else { self }
    }

    /// A decision is more urgent than a failure, which may mend itself; a folder that is being synced already is
    /// in better hands than one that failed.
    fn weight(self) -> u8 {
        match self {
            Self::Halted => 6,
            Self::Usage => 5,
            Self::Failed => 4,
            Self::Locked => 3,
            Self::Problems => 2,
            Self::Conflicts => 1,
            Self::InSync => 0,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn worst_status_wins() {
        let ordered =
            [Exit::Halted, Exit::Failed, Exit::Locked, Exit::Problems, Exit::Conflicts, Exit::InSync];
        for (index, worse) in ordered.iter().enumerate() {
            for better in &ordered[index..] {
                assert_eq!(worse.or_worse(*better), *worse, "{worse:?} beside {better:?}");
                assert_eq!(better.or_worse(*worse), *worse, "{better:?} beside {worse:?}");
            }
        }
    }
}
