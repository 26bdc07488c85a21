//! A target's fields as JSON and back.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde_json::{Map, Value};

use super::{DEFAULT_TRASH_DAYS, FieldError, FieldProblem, Target};
use crate::{JournalSetting, MaxDelete, Secret, TargetName};

/// Reads the target `name` from its object; what is not ours is left aside.
pub(crate) fn read(name: &TargetName, object: &Map<String, Value>) -> Result<Target, FieldError> {
    let fields = Fields { name, object };
    Ok(Target {
        name: name.clone(),
        local_folder: fields.path("local_folder")?.ok_or_else(|| fields.missing("local_folder"))?,
        endpoint_url: fields.parsed("endpoint_url")?,
        s3_uri: fields.parsed("s3_uri")?.ok_or_else(|| fields.missing("s3_uri"))?,
        region_name: fields.text("region_name")?.map(str::to_owned),
        access_key_id: fields.text("aws_access_key_id")?.map(str::to_owned),
        secret_access_key: fields.text("aws_secret_access_key")?.map(Secret::new),
        session_token: fields.text("aws_session_token")?.map(Secret::new),
        credentials: fields.parsed("credentials")?,
        conflicts: fields.parsed("conflicts")?,
        exclude: fields.texts("exclude")?,
        max_delete: fields.max_delete("max_delete")?,
        addressing: fields.parsed("addressing")?.unwrap_or_default(),
        ca_bundle: fields.path("ca_bundle")?,
        state_dir: fields.path("state_dir")?,
        cross_mounts: fields.flag("cross_mounts")?.unwrap_or(false),
        trash_days: fields.days("trash_days")?.unwrap_or(DEFAULT_TRASH_DAYS),
        bucket_trash: fields.flag("bucket_trash")?.unwrap_or(true),
        journal: fields.parsed("journal")?.unwrap_or_default(),
        allow_same_prefix: fields.flag("allow_same_prefix")?.unwrap_or(false),
        capabilities: fields.present("capabilities").cloned(),
    })
}

/// Returns every field of ours with what `sync.conf` shall hold for it, `None` for a default; in the order in which a
/// new target is written, the original S4's fields first.
pub(crate) fn written(target: &Target) -> Result<Vec<(&'static str, Option<Value>)>, FieldError> {
    let path = |field, path: &Path| match path.to_str() {
        _ if !path.is_absolute() => {
            Err(FieldProblem::NotAbsolute { path: path.to_owned() }.of(&target.name, field))
        }
        Some(text) => Ok(Some(Value::from(text))),
        None => Err(FieldProblem::NotUnicode { path: path.to_owned() }.of(&target.name, field)),
    };
    let optional_path =
        |field, value: &Option<PathBuf>| value.as_deref().map_or(Ok(None), |value| path(field, value));
    let secret = |value: &Option<Secret>| value.as_ref().map(|secret| Value::from(secret.expose()));
    let flag = |value: bool, default: bool| (value != default).then_some(Value::Bool(value));
    Ok(vec![
        ("local_folder", path("local_folder", &target.local_folder)?),
        ("endpoint_url", text(target.endpoint_url.as_ref())),
        ("s3_uri", text(Some(&target.s3_uri))),
        ("region_name", text(target.region_name.as_ref())),
        ("aws_access_key_id", text(target.access_key_id.as_ref())),
        ("aws_secret_access_key", secret(&target.secret_access_key)),
        ("aws_session_token", secret(&target.session_token)),
        ("credentials", text(target.credentials.as_ref())),
        ("conflicts", text(target.conflicts.as_ref())),
        ("exclude", (!target.exclude.is_empty()).then(|| Value::from(target.exclude.clone()))),
        ("max_delete", text(target.max_delete.as_ref())),
        ("addressing", text(Some(target.addressing).filter(|value| *value != Default::default()).as_ref())),
        ("ca_bundle", optional_path("ca_bundle", &target.ca_bundle)?),
        ("state_dir", optional_path("state_dir", &target.state_dir)?),
        ("cross_mounts", flag(target.cross_mounts, false)),
        ("trash_days", (target.trash_days != DEFAULT_TRASH_DAYS).then(|| Value::from(target.trash_days))),
        ("bucket_trash", flag(target.bucket_trash, true)),
        ("journal", text(Some(target.journal).filter(|value| *value != JournalSetting::default()).as_ref())),
        ("allow_same_prefix", flag(target.allow_same_prefix, false)),
        ("capabilities", target.capabilities.clone()),
    ])
}

fn text(value: Option<&impl Display>) -> Option<Value> {
    value.map(|value| Value::from(value.to_string()))
}

/// Names a JSON value's type the way a person would.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

impl FieldProblem {
    fn of(self, target: &TargetName, field: &'static str) -> FieldError {
        FieldError { target: target.clone(), field, problem: self }
    }
}

/// One target's object, read field by field.
struct Fields<'a> {
    name: &'a TargetName,
    object: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    fn present(&self, field: &str) -> Option<&'a Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// The original S4 wrote empty texts for what was left blank; they count as absent.
    fn text(&self, field: &'static str) -> Result<Option<&'a str>, FieldError> {
        match self.present(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(other) => Err(self.wrong_type(field, "a text", other)),
        }
    }

    fn parsed<T>(&self, field: &'static str) -> Result<Option<T>, FieldError>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        let text = self.text(field)?;
        text.map(|text| text.parse().map_err(|error| self.invalid(field, error))).transpose()
    }

    fn path(&self, field: &'static str) -> Result<Option<PathBuf>, FieldError> {
        match self.text(field)?.map(PathBuf::from) {
            Some(path) if !path.is_absolute() => Err(FieldProblem::NotAbsolute { path }.of(self.name, field)),
            path => Ok(path),
        }
    }

    fn texts(&self, field: &'static str) -> Result<Vec<String>, FieldError> {
        let expected = "a list of texts";
        match self.present(field) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text.clone()),
                    other => Err(self.wrong_type(field, expected, other)),
                })
                .collect(),
            Some(other) => Err(self.wrong_type(field, expected, other)),
        }
    }

    fn flag(&self, field: &'static str) -> Result<Option<bool>, FieldError> {
        match self.present(field) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.wrong_type(field, "true or false", other)),
        }
    }

    fn days(&self, field: &'static str) -> Result<Option<u32>, FieldError> {
        let expected = "a whole number of days";
        match self.present(field) {
            None => Ok(None),
            Some(Value::Number(number)) => match number.as_u64().map(u32::try_from) {
                Some(Ok(days)) => Ok(Some(days)),
                Some(Err(_)) | None => {
                    Err(FieldProblem::WrongType { expected, found: "another number" }.of(self.name, field))
                }
            },
            Some(other) => Err(self.wrong_type(field, expected, other)),
        }
    }

    /// A text by its definition; a bare number is what a person would write by hand.
    fn max_delete(&self, field: &'static str) -> Result<Option<MaxDelete>, FieldError> {
        match self.present(field).and_then(Value::as_u64) {
            Some(count) => Ok(Some(MaxDelete::Count(count))),
            None => self.parsed(field),
        }
    }

    fn missing(&self, field: &'static str) -> FieldError {
        FieldProblem::Missing.of(self.name, field)
    }

    fn invalid(
        &self,
        field: &'static str,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> FieldError {
        FieldProblem::Invalid(Box::new(error)).of(self.name, field)
    }

    fn wrong_type(&self, field: &'static str, expected: &'static str, found: &Value) -> FieldError {
        FieldProblem::WrongType { expected, found: kind(found) }.of(self.name, field)
    }
}
