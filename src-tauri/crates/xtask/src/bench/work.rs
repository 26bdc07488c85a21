//! What is measured: works, each a row of steps that every tool takes on folders of its own.
//!
//! A work has two computers. The first folder is filled and changed; the second follows it.

use crate::bench::content::Change;

/// Steps that build on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// Thousands of small files.
    Small,
    /// One large file.
    Large,
    /// A tree so large that only looking at it is measured.
    Many,
    /// Ten times as many: for S4 alone.
    Million,
}

/// How much there is to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) small_files: usize,
    pub(super) large_bytes: u64,
    pub(super) many_files: usize,
    pub(super) million_files: usize,
}

/// One thing that every tool does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Upload,
    Download,
    Check,
    RenameUp,
    RenameDown,
    LargeUp,
    LargeDown,
    EditUp,
    EditDown,
    InsertUp,
    InsertDown,
    ManyUp,
    ManyCheck,
    MillionUp,
    MillionCheck,
}

/// Which way content goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From the first folder to the bucket.
    Up,
    /// From the bucket to the second folder.
    Down,
}

impl Work {
    pub(super) const ALL: [Self; 4] = [Self::Small, Self::Large, Self::Many, Self::Million];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
            Self::Many => "many",
            Self::Million => "million",
        }
    }

    pub(super) fn steps(self) -> &'static [Step] {
        match self {
            Self::Small => &[Step::Upload, Step::Download, Step::Check, Step::RenameUp, Step::RenameDown],
            Self::Large => &[
                Step::LargeUp,
                Step::LargeDown,
                Step::EditUp,
                Step::EditDown,
                Step::InsertUp,
                Step::InsertDown,
            ],
            Self::Many => &[Step::ManyUp, Step::ManyCheck],
            Self::Million => &[Step::MillionUp, Step::MillionCheck],
        }
    }
}

impl Size {
    pub(super) const FULL: Self =
        Self { small_files: 10_000, large_bytes: 1 << 30, many_files: 100_000, million_files: 1_000_000 };
    pub(super) const QUICK: Self =
        Self { small_files: 1_000, large_bytes: 64 << 20, many_files: 2_000, million_files: 5_000 };
}

impl Step {
    pub(super) const ALL: [Self; 15] = [
        Self::Upload,
        Self::Download,
        Self::Check,
        Self::RenameUp,
        Self::RenameDown,
        Self::LargeUp,
        Self::LargeDown,
        Self::EditUp,
        Self::EditDown,
        Self::InsertUp,
        Self::InsertDown,
        Self::ManyUp,
        Self::ManyCheck,
        Self::MillionUp,
        Self::MillionCheck,
    ];

    pub(super) fn title(self, size: &Size) -> String {
        let small = thousands(size.small_files);
        let many = thousands(size.many_files);
        let million = thousands(size.million_files);
        let large = size.large_bytes >> 20;
        match self {
            Self::Upload => format!("Upload {small} files of 1–20 KB"),
            Self::Download => format!("Download {small} files of 1–20 KB"),
            Self::Check => format!("Nothing to do, {small} files"),
            Self::RenameUp => format!("A directory of {small} files renamed: up"),
            Self::RenameDown => format!("A directory of {small} files renamed: down"),
            Self::LargeUp => format!("One file of {large} MiB: up"),
            Self::LargeDown => format!("One file of {large} MiB: down"),
            Self::EditUp => format!("8 bytes changed in the middle of {large} MiB: up"),
            Self::EditDown => format!("8 bytes changed in the middle of {large} MiB: down"),
            Self::InsertUp => format!("21 bytes inserted at the front of {large} MiB: up"),
            Self::InsertDown => format!("21 bytes inserted at the front of {large} MiB: down"),
            Self::ManyUp => format!("Upload {many} files of 0.1–1 KB"),
            Self::ManyCheck => format!("Nothing to do, {many} files"),
            Self::MillionUp => format!("Upload {million} files of 10–100 bytes"),
            Self::MillionCheck => format!("Nothing to do, {million} files"),
        }
    }

    pub(super) fn way(self) -> Way {
        match self {
            Self::Download | Self::RenameDown | Self::LargeDown | Self::EditDown | Self::InsertDown => {
                Way::Down
            }
            _ => Way::Up,
        }
    }

    /// Returns what is done to the first folder before.
    pub(super) fn change(self) -> Change {
        match self {
            Self::RenameUp => Change::Rename,
            Self::EditUp => Change::Edit,
            Self::InsertUp => Change::Insert,
            _ => Change::Nothing,
        }
    }

    /// Returns whether it is the first that a tool does with that folder.
    pub(super) fn is_first(self) -> bool {
        matches!(
            self,
            Self::Upload | Self::Download | Self::LargeUp | Self::LargeDown | Self::ManyUp | Self::MillionUp
        )
    }

    /// Returns whether it may be repeated at once, because it changes nothing.
    pub(super) fn is_repeatable(self) -> bool {
        matches!(self, Self::ManyCheck | Self::MillionCheck)
    }
}

/// Writes a number as people do.
fn thousands(number: usize) -> String {
    let rest = number % 1000;
    if number < 1000 { number.to_string() } else { format!("{},{rest:03}", thousands(number / 1000)) }
}

#[cfg(test)]
mod tests {
    use super::{Step, Work, thousands};

    #[test]
    fn each_step_belongs_to_one_work() {
        let of_works: Vec<Step> = Work::ALL.iter().flat_map(|work| work.steps()).copied().collect();
        assert_eq!(of_works, Step::ALL);
        assert_eq!(thousands(100_000), "100,000");
        assert_eq!(thousands(1_000_000), "1,000,000");
        assert_eq!(thousands(999), "999");
    }
}
