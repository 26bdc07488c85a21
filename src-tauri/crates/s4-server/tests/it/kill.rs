//! A server killed at any moment keeps every change that it acknowledged.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use s4_server::{Server, ServerConfig};

use crate::client::{client_with, get};

/// Names the data folder to the copy of this test that is the server.
const CHILD: &str = "S4_SERVER_TEST_CHILD";

/// Is the server to be killed when run by the test below, and nothing otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let _server = Server::start(ServerConfig::new(folder)).await.unwrap();
    std::future::pending::<()>().await;
}

struct Killed(Child);

impl Killed {
    fn start(folder: &Path) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child"])
            .env(CHILD, folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Waits until the server answers.
async fn connect(folder: &Path) -> Client {
    loop {
        let port = std::fs::read_to_string(folder.join("port"));
        let keys = std::fs::read_to_string(folder.join("credentials.json"));
        if let (Ok(port), Ok(keys)) = (port, keys) {
            let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
            let client = client_with(
                &format!("http://127.0.0.1:{}", port.trim()),
                keys["access_key_id"].as_str().unwrap(),
                keys["secret_access_key"].as_str().unwrap(),
            );
            if client.head_bucket().bucket("s4").send().await.is_ok() {
                return client;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What each key must hold: the number of the last acknowledged write, or of any later one sent.
type Ledger = Arc<Mutex<BTreeMap<String, (u32, u32)>>>;

fn content(number: u32) -> Vec<u8> {
    // Every third content is too large for the index.
    let size = if number.is_multiple_of(3) { 100_000 } else { 100 };
    number.to_be_bytes().repeat(size / 4)
}

async fn write_until_killed(client: Client, writer: u32, mut number: u32, ledger: Ledger) -> u32 {
    loop {
        number += 1;
        let key = format!("{writer}/{}", number % 7);
        ledger.lock().unwrap().entry(key.clone()).or_default().1 = number;
        let put = client.put_object().bucket("s4").key(&key).body(ByteStream::from(content(number)));
        if put.send().await.is_err() {
            return number;
        }
        ledger.lock().unwrap().entry(key).or_default().0 = number;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::default();
    let mut numbers = [0; 8];
    for round in 0..6_u64 {
        let server = Killed::start(folder.path());
        let client = connect(folder.path()).await;
        let expected = ledger.lock().unwrap().clone();
        for (key, (acknowledged, sent)) in expected {
            if acknowledged > 0 {
                let found = get(&client, &key).await;
                let number = u32::from_be_bytes(found[..4].try_into().unwrap());
                assert!(
                    (acknowledged..=sent).contains(&number),
                    "{key}: {number}, acknowledged {acknowledged}"
                );
                assert_eq!(found, content(number));
            }
        }
        let writers: Vec<_> = (0..)
            .zip(numbers)
            .map(|(writer, number)| {
                tokio::spawn(write_until_killed(client.clone(), writer, number, Arc::clone(&ledger)))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(40 + 37 * round)).await;
        drop(server);
        for (number, writer) in numbers.iter_mut().zip(writers) {
            *number = writer.await.unwrap();
        }
    }
    let acknowledged: Vec<_> =
        ledger.lock().unwrap().values().map(|(acknowledged, _)| *acknowledged).collect();
    assert!(acknowledged.iter().any(|number| *number > 10), "something was written: {acknowledged:?}");
}
