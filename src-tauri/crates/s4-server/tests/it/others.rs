//! What independent clients say: boto3 and aws-cli, driven by scripts beside the end-to-end tests.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use s4_server::{DefaultBucket, Server, ServerConfig};
use tokio::process::Command;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn python() -> PathBuf {
    let python = std::env::var_os("S4_TEST_PYTHON")
        .map_or_else(|| workspace().join("target/clients/bin/python"), PathBuf::from);
    assert!(
        python.exists(),
        "there is no Python with boto3 and awscli at `{}`: `cargo xtask test` sets it up",
        python.display()
    );
    python
}

async fn passes(script: &str) {
    let python = python();
    let folder = tempfile::tempdir().unwrap();
    let config = ServerConfig { default_bucket: DefaultBucket::None, ..ServerConfig::new(folder.path()) };
    let server = Server::start(config).await.unwrap();
    let output = Command::new(python)
        .arg(workspace().join("tests/python").join(script))
        .env("S4_ENDPOINT", server.endpoint())
        .env("S4_REGION", server.region())
        .env("S4_ACCESS_KEY_ID", server.credentials().access_key_id())
        .env("S4_SECRET_ACCESS_KEY", server.credentials().secret_access_key())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let (said, complaint) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complaint}");
    let summary = said.lines().last().unwrap_or_default();
    assert!(summary.ends_with(" passed, 0 failed") && !summary.starts_with("0 "), "{said}");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boto3() {
    passes("server_boto3.py").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aws_cli() {
    passes("server_awscli.py").await;
}
