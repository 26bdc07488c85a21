//! Runs the scripts of `tests/python` with a store's keys in their environment.

use std::process::Command;

use serde_json::Value;

use crate::{places, process, server::Access};

/// Returns a command that runs a script with boto3 at hand.
pub fn script(name: &str, access: &Access) -> Command {
    let mut command = Command::new(places::client("python"));
    command.arg(places::script(name));
    with_keys(&mut command, access);
    command
}

/// Runs a script that reads JSON and answers with JSON.
#[track_caller]
pub fn ask(name: &str, access: &Access, question: &Value) -> Value {
    let question = question.to_string();
    process::run_with_input(&mut script(name, access), question.as_bytes()).exits(0).json()
}

/// Puts the keys, endpoint and region where every AWS program looks for them.
pub fn with_keys(command: &mut Command, access: &Access) {
    command
        .env("AWS_ACCESS_KEY_ID", &access.key_id)
        .env("AWS_SECRET_ACCESS_KEY", &access.secret)
        .env("AWS_DEFAULT_REGION", &access.region)
        .env("AWS_ENDPOINT_URL", &access.endpoint);
}
