//! Puts what was typed into a target's fields.

use std::path::{Path, PathBuf};

use s4_config::{ConflictSetting, Target};

use crate::args::target::{Fields, Switch};
use crate::args::values::OrNone;
use crate::ask::{self, Ask};
use crate::failure::{Failure, FolderProblem};

/// Changes every field that was named; whose keys are used is decided in [`super::keys`].
pub(crate) fn apply(fields: &Fields, target: &mut Target) -> Result<(), Failure> {
    if let Some(local) = &fields.local {
        target.local_folder = absolute(local)?;
    }
    if let Some(remote) = &fields.remote {
        target.s3_uri = remote.clone();
    }
    set(&mut target.endpoint_url, fields.endpoint.as_ref());
    if let Some(region) = &fields.region {
        target.region_name = Some(region.trim().to_owned()).filter(|region| !region.is_empty());
    }
    if let Some(OrNone(choice)) = fields.conflicts {
        target.conflicts = choice.map(|choice| -> ConflictSetting { choice.setting() });
    }
    if let Some(patterns) = &fields.exclude {
        target.exclude = patterns.iter().filter(|pattern| !pattern.is_empty()).cloned().collect();
    }
    set(&mut target.max_delete, fields.max_delete.as_ref());
    if fields.allow_same_prefix {
        target.allow_same_prefix = true;
    }
    if let Some(addressing) = fields.addressing {
        target.addressing = addressing;
    }
    if let Some(OrNone(path)) = &fields.ca_bundle {
        target.ca_bundle = path.as_deref().map(absolute).transpose()?;
    }
    if let Some(OrNone(path)) = &fields.state_dir {
        target.state_dir = path.as_deref().map(absolute).transpose()?;
    }
    if let Some(days) = fields.trash_days {
        target.trash_days = days;
    }
    if let Some(switch) = fields.bucket_trash {
        target.bucket_trash = switch.is_on();
    }
    target.cross_mounts = fields.cross_mounts.map_or(target.cross_mounts, Switch::is_on);
    Ok(())
}

fn set<T: Clone>(field: &mut Option<T>, said: Option<&OrNone<T>>) {
    if let Some(OrNone(value)) = said {
        field.clone_from(value);
    }
}

/// Returns a path that means the same in every working directory. A leading `~` is the home directory.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    let path = match path.strip_prefix("~") {
        Ok(rest) => match std::env::home_dir() {
            Some(home) => home.join(rest),
            None => path.to_owned(),
        },
        Err(_) => path.to_owned(),
    };
    let unusable = |error: std::io::Error| {
        Failure::usage(
            format!("can't use the path `{}`: {error}", path.display()),
            "give the path of a folder",
        )
    };
    let absolute = std::path::absolute(&path).map_err(unusable)?;
    // With a link before it, `..` is not what the text says: only the disk knows.
    let goes_up = absolute.components().any(|part| part == std::path::Component::ParentDir);
    Ok(if goes_up { std::fs::canonicalize(&absolute).unwrap_or(absolute) } else { absolute })
}

/// Checks that the folder of a target is one that can be looked into; a person may have it made.
pub(crate) fn check_folder(path: &Path, ask: &mut dyn Ask) -> Result<(), Failure> {
    let failed = |problem| Failure::Folder { path: path.to_owned(), problem };
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            std::fs::read_dir(path).map(drop).map_err(|error| failed(FolderProblem::Unreadable(error)))
        }
        Ok(_) => Err(failed(FolderProblem::NotAFolder)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let question = format!("The folder {} does not exist. Make it?", path.display());
            if ask.can_ask() && ask::confirm(ask, &question, true)? {
                std::fs::create_dir_all(path).map_err(|error| failed(FolderProblem::Unreadable(error)))
            } else {
                Err(failed(FolderProblem::Missing))
            }
        }
        Err(error) => Err(failed(FolderProblem::Unreadable(error))),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use s4_config::{MaxDelete, TargetName};

    use super::*;
    use crate::args::{Arguments, Command};
    use crate::ask::script::{Nobody, Script};

    fn fields(flags: &[&str]) -> Fields {
        let words = ["s4", "edit", "x"].iter().chain(flags);
        let Some(Command::Edit(edit)) = Arguments::try_parse_from(words).unwrap().command else {
            panic!("edit is edit")
        };
        edit.fields
    }

    fn target() -> Target {
        let mut target =
            Target::new(TargetName::new("x").unwrap(), "/home/u/x", "s3://bucket/x".parse().unwrap());
        target.endpoint_url = Some("https://example.org".parse().unwrap());
        target.max_delete = Some(MaxDelete::Count(3));
        target.exclude = vec!["*.old".to_owned()];
        target
    }

    #[test]
    fn only_what_is_named_changes() {
        let mut changed = target();
        apply(&fields(&[]), &mut changed).unwrap();
        assert_eq!(changed, target());
        apply(&fields(&["--exclude", "*.iso", "--exclude", "tmp/", "--region", "eu-west-2"]), &mut changed)
            .unwrap();
        assert_eq!(changed.exclude, ["*.iso", "tmp/"]);
        assert_eq!(changed.region_name.as_deref(), Some("eu-west-2"));
        assert_eq!(changed.endpoint_url, target().endpoint_url);
    }

    #[test]
    fn empty_text_takes_a_setting_away() {
        let mut changed = target();
        let flags =
            ["--endpoint", "", "--region", "", "--max-delete", "", "--exclude", "", "--conflicts", ""];
        apply(&fields(&flags), &mut changed).unwrap();
        assert_eq!((changed.endpoint_url, changed.region_name, changed.max_delete), (None, None, None));
        assert!(changed.exclude.is_empty() && changed.conflicts.is_none());
    }

    #[test]
    fn paths_are_absolute() {
        assert!(absolute(Path::new("x")).unwrap().is_absolute());
        assert_eq!(absolute(Path::new("/a/b")).unwrap(), Path::new("/a/b"));
        assert_eq!(absolute(Path::new("/usr/../tmp")).unwrap(), Path::new("/tmp"));
        if let Some(home) = std::env::home_dir() {
            assert_eq!(absolute(Path::new("~/x")).unwrap(), home.join("x"));
        }
    }

    #[test]
    fn folder_is_made_only_if_a_person_says_so() {
        let place = tempfile::tempdir().unwrap();
        let missing = place.path().join("a/b");
        assert!(matches!(
            check_folder(&missing, &mut Nobody),
            Err(Failure::Folder { problem: FolderProblem::Missing, .. })
        ));
        assert!(check_folder(&missing, &mut Script::new(&["n"])).is_err());
        assert!(!missing.exists());
        check_folder(&missing, &mut Script::new(&[""])).unwrap();
        assert!(missing.is_dir());
        let file = place.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert!(matches!(
            check_folder(&file, &mut Nobody),
            Err(Failure::Folder { problem: FolderProblem::NotAFolder, .. })
        ));
    }
}
