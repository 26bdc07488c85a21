//! What is taken from the environment: proxy and keys. A process has one environment, so each case is a process
//! of its own, which runs [`child`] and nothing else.

use std::path::Path;

use s4_store::aws::{AwsStore, Connection, CredentialSource};
use s4_store::store::Store as _;
use tokio::process::Command;

use crate::scripted::{Reply, Scripted};

/// Names the endpoint to the processes that these tests start.
const ENDPOINT: &str = "S4_TEST_ENDPOINT";
/// Names the source of their keys.
const SOURCE: &str = "S4_TEST_SOURCE";
/// Names the file that takes what came of it.
const OUTCOME: &str = "S4_TEST_OUTCOME";

/// Checks a bucket at `endpoint` in another process; returns `reached`, or why not.
async fn outcome(endpoint: &str, source: &str, variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcome");
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "environment::child"])
        .env_clear()
        .env("HOME", folder.path())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .env(ENDPOINT, endpoint)
        .env(SOURCE, source)
        .env(OUTCOME, &file)
        .stdout(std::process::Stdio::null())
        .status()
        .await
        .unwrap();
    assert!(status.success());
    std::fs::read_to_string(file).unwrap()
}

/// Does what [`outcome`] wants, in a process that it started; else nothing.
#[tokio::test]
async fn child() {
    let Some(file) = std::env::var_os(OUTCOME) else {
        return;
    };
    let credentials = match std::env::var(SOURCE).unwrap().as_str() {
        "keys" => CredentialSource::Keys {
            access_key_id: "given".into(),
            secret_access_key: "secret".into(),
            session_token: None,
        },
        "environment" => CredentialSource::Environment,
        "chain" => CredentialSource::DefaultChain,
        "anonymous" => CredentialSource::Anonymous,
        profile => CredentialSource::Profile(profile.to_owned()),
    };
    let endpoint = Some(std::env::var(ENDPOINT).unwrap());
    let region = Some("us-east-1".into());
    let connection = Connection { endpoint, region, ..Connection::new("bucket", credentials) };
    let store = AwsStore::connect(connection).await.unwrap();
    let outcome = match store.check_bucket().await {
        Ok(()) => "reached".to_owned(),
        Err(error) => error.to_string(),
    };
    // As another transfer thread does.
    let again = store.with_own_connections().unwrap().check_bucket().await;
    assert_eq!(again.is_ok(), outcome == "reached");
    std::fs::write(Path::new(&file), outcome).unwrap();
}

async fn server() -> Scripted {
    let listing = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    Scripted::start(vec![Reply::new("200 OK", &[], listing)]).await
}

#[tokio::test]
async fn requests_go_through_the_proxy_of_the_environment() {
    // No name service knows this host (RFC 2606).
    let nowhere = "http://store.invalid";
    let proxy = server().await;
    let through = ("HTTP_PROXY", proxy.endpoint());
    assert_eq!(outcome(nowhere, "keys", &[through]).await, "reached");
    let asked = proxy.asked();
    assert!(asked[0].starts_with("get http://store.invalid/bucket"), "{}", asked[0]);
    let through_it = asked.len();
    let past = outcome(nowhere, "keys", &[through, ("NO_PROXY", "store.invalid")]).await;
    assert!(past.contains("cannot be reached"), "{past}");
    assert_eq!(proxy.asked().len(), through_it);
}

#[tokio::test]
async fn keys_come_from_where_they_should() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    let key = |name: &str| format!("[{name}]\naws_access_key_id = of-{name}\naws_secret_access_key = hush\n");
    std::fs::write(&file, key("default") + &key("work")).unwrap();
    let shared = ("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap());
    let variables = [("AWS_ACCESS_KEY_ID", "of-environment"), ("AWS_SECRET_ACCESS_KEY", "hush")];
    let all = [shared, variables[0], variables[1]];
    let rows = [
        ("keys", all.as_slice(), "given"),
        ("environment", &all, "of-environment"),
        ("work", &all, "of-work"),
        ("chain", &all, "of-environment"),
        ("chain", &[shared], "of-default"),
    ];
    for (source, variables, expected) in rows {
        let server = server().await;
        assert_eq!(outcome(server.endpoint(), source, variables).await, "reached", "{source}");
        let asked = server.asked();
        assert!(asked[0].contains(&format!("credential={expected}/")), "{source}: {}", asked[0]);
    }
    let server = server().await;
    assert_eq!(outcome(server.endpoint(), "anonymous", &all).await, "reached");
    assert!(!server.asked()[0].contains("authorization"));
}

#[tokio::test]
async fn missing_keys_are_no_network_failure() {
    let server = server().await;
    for source in ["environment", "no-such-profile", "chain"] {
        let outcome = outcome(server.endpoint(), source, &[]).await;
        assert!(outcome.contains("the credentials were rejected"), "{source}: {outcome}");
        assert!(outcome.contains("no usable credentials"), "{source}: {outcome}");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn keys_are_fetched_once_for_all_connections() {
    let folder = tempfile::tempdir().unwrap();
    let (config, tool, calls) =
        (folder.path().join("config"), folder.path().join("tool"), folder.path().join("calls"));
    let keys = r#"{"Version": 1, "AccessKeyId": "of-tool", "SecretAccessKey": "hush"}"#;
    std::fs::write(&tool, format!("echo called >> {}\necho '{keys}'\n", calls.display())).unwrap();
    std::fs::write(&config, format!("[profile tool]\ncredential_process = /bin/sh {}\n", tool.display()))
        .unwrap();
    let server = server().await;
    let variables = [("AWS_CONFIG_FILE", config.to_str().unwrap()), ("PATH", "/usr/bin:/bin")];
    assert_eq!(outcome(server.endpoint(), "tool", &variables).await, "reached");
    let asked = server.asked();
    assert!(asked.len() == 2 && asked.iter().all(|head| head.contains("credential=of-tool/")), "{asked:?}");
    assert_eq!(std::fs::read_to_string(calls).unwrap(), "called\n");
}
