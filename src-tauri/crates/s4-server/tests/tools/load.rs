//! Measures what requests cost the server: `cargo run --release -p s4-server --example load -- DATA WORK…`.
//! The server is a process of its own, so that its CPU seconds are counted apart from the client's.
//!
//! Works: `put` and `get` (10,000 objects of 1–20 KB), `list` (100,000 keys), and of 1 GiB: `upload` (in
//! parts), `ranges` (read in ranges), `take` (parts copied from it). `put` and `upload` come before the rest.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use aws_smithy_http_client::{Builder as HttpBuilder, Connector};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use s4_server::{Server, ServerConfig};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const FILES: u64 = 10_000;
const KEYS: u64 = 100_000;
const WHOLE: u64 = 1 << 30;
const PART: u64 = 8 << 20;
const THREADS: u64 = 2;

fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (data, works) = arguments.split_first().ok_or("name a data folder and what to do")?;
    if works == ["serve"] {
        return serve(data);
    }
    let server = Running::start(data)?;
    for work in works {
        server.measure(work)?;
    }
    Ok(())
}

/// Is the server, until its input ends.
#[tokio::main]
async fn serve(data: &str) -> Result<(), Failure> {
    let server = Server::start(ServerConfig::new(data)).await?;
    let keys = server.credentials();
    let mut output = std::io::stdout();
    writeln!(output, "{} {} {}", server.endpoint(), keys.access_key_id(), keys.secret_access_key())?;
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    server.shutdown().await;
    Ok(())
}

/// A server in a process of its own.
struct Running {
    child: Child,
    address: Arc<[String; 3]>,
}

impl Running {
    fn start(data: &str) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([data, "serve"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        let address = <[String; 3]>::try_from(words).map_err(|_| "the server did not start")?;
        Ok(Self { child, address: Arc::new(address) })
    }

    fn measure(&self, work: &str) -> Result<(), Failure> {
        // What is written is flushed now and not during the next measurement.
        Command::new("sync").status()?;
        let (server, client) = (cpu(self.child.id()), cpu(std::process::id()));
        let start = Instant::now();
        self.work(work)?;
        let wall = start.elapsed().as_secs_f64();
        let (server, client) = (cpu(self.child.id()) - server, cpu(std::process::id()) - client);
        writeln!(
            std::io::stdout(),
            "{work:8} wall {wall:6.2} s  server CPU {server:6.2} s  client CPU {client:6.2} s"
        )?;
        Ok(())
    }

    fn work(&self, work: &str) -> Result<(), Failure> {
        match work {
            "put" => {
                self.each(FILES, 32, |client, number| put(client, format!("files/{number:05}"), size(number)))
            }
            "fill" => self.each(KEYS, 64, |client, number| put(client, format!("keys/{number:06}"), 10)),
            "get" => self.each(FILES, 32, |client, number| get(client, format!("files/{number:05}"), None)),
            "list" => self.alone(list),
            "upload" => self.alone(|client| upload(client, Source::Sent)),
            "take" => self.alone(|client| upload(client, Source::Copied)),
            "ranges" => self.each(WHOLE / PART, 4, |client, number| {
                let start = number * PART;
                get(client, "whole".to_owned(), Some(format!("bytes={start}-{}", start + PART - 1)))
            }),
            other => Err(format!("there is no work called {other}").into()),
        }
    }

    /// Runs requests on a few threads, some at a time on each.
    fn each<F>(
        &self,
        count: u64,
        at_once: usize,
        request: impl Fn(Client, u64) -> F + Copy + Send + 'static,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let address = Arc::clone(&self.address);
                std::thread::spawn(move || {
                    on_one_thread(async {
                        let client = client(&address);
                        let numbers = (thread..count).step_by(2);
                        let outcomes = stream::iter(numbers.map(|number| request(client.clone(), number)));
                        let mut outcomes = outcomes.buffer_unordered(at_once);
                        while let Some(outcome) = outcomes.next().await {
                            outcome?;
                        }
                        Ok(())
                    })
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a client panicked")?)
    }

    fn alone<F>(&self, work: impl FnOnce(Client) -> F) -> Result<(), Failure>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        on_one_thread(async { work(client(&self.address)).await })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn on_one_thread(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Returns the CPU seconds of a process, ended threads too, or 0 where they can't be read this way.
fn cpu(process: u32) -> f64 {
    let text = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat"));
    let text = text.unwrap_or_default();
    // The fields after the name, which may hold anything but ends with the last bracket.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn client(address: &[String; 3]) -> Client {
    let http = HttpBuilder::new().build_with_connector_fn(|settings, _| {
        let mut connector = Connector::builder();
        connector.set_connector_settings(settings.cloned());
        connector.build_http()
    });
    let [endpoint, key, secret] = address;
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(key, secret, None, None, "load"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .http_client(http)
        .build();
    Client::from_conf(config)
}

/// Returns sizes from 1 to 20 KB, in no order.
fn size(number: u64) -> usize {
    1000 + usize::try_from(number * 7919 % 19_001).unwrap_or(0)
}

fn content(length: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let words = (0..length.div_ceil(8)).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(length).collect::<Vec<_>>().into()
}

fn checksum(bytes: &[u8]) -> String {
    STANDARD.encode(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes).to_be_bytes())
}

async fn put(client: Client, key: String, length: usize) -> Result<(), Failure> {
    let body = content(length, length as u64);
    let request = client.put_object().bucket("s4").key(key).checksum_crc64_nvme(checksum(&body));
    request
        .if_none_match("*")
        .metadata("mtime", "1700000000.123456789")
        .body(ByteStream::from(body))
        .send()
        .await?;
    Ok(())
}

async fn get(client: Client, key: String, range: Option<String>) -> Result<(), Failure> {
    let mut answer = client.get_object().bucket("s4").key(key).set_range(range).send().await?;
    while let Some(chunk) = answer.body.next().await {
        chunk?;
    }
    Ok(())
}

async fn list(client: Client) -> Result<(), Failure> {
    let mut token = None;
    loop {
        let page = client.list_objects_v2().bucket("s4").prefix("keys/");
        let page = page.set_continuation_token(token).send().await?;
        token = page.next_continuation_token;
        if token.is_none() {
            return Ok(());
        }
    }
}

/// Where the parts come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Sent,
    Copied,
}

async fn upload(client: Client, source: Source) -> Result<(), Failure> {
    let key = if source == Source::Sent { "whole" } else { "taken" };
    let begun = client.create_multipart_upload().bucket("s4").key(key);
    let begun =
        begun.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).checksum_type(ChecksumType::FullObject);
    let id = begun.send().await?.upload_id.ok_or("no upload id")?;
    let body = content(PART as usize, 1);
    let crc = checksum(&body);
    let size = if source == Source::Sent { PART } else { WHOLE / 4 };
    let parts = (0..WHOLE / size).map(|index| {
        let (client, id, body, crc) = (client.clone(), id.clone(), body.clone(), crc.clone());
        async move {
            let number = i32::try_from(index + 1)?;
            let etag = match source {
                Source::Sent => {
                    let part = client.upload_part().bucket("s4").key(key).upload_id(id).part_number(number);
                    part.checksum_crc64_nvme(crc).body(ByteStream::from(body)).send().await?.e_tag
                }
                Source::Copied => {
                    let part =
                        client.upload_part_copy().bucket("s4").key(key).upload_id(id).part_number(number);
                    let range = format!("bytes={}-{}", index * size, (index + 1) * size - 1);
                    let answer = part.copy_source("s4/whole").copy_source_range(range).send().await?;
                    answer.copy_part_result.and_then(|result| result.e_tag)
                }
            };
            Ok::<_, Failure>(CompletedPart::builder().part_number(number).set_e_tag(etag).build())
        }
    });
    let outcomes: Vec<_> = stream::iter(parts).buffered(8).collect().await;
    let parts = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
    let whole = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let start = Instant::now();
    client
        .complete_multipart_upload()
        .bucket("s4")
        .key(key)
        .upload_id(id)
        .multipart_upload(whole)
        .send()
        .await?;
    writeln!(std::io::stdout(), "         completed in {:.1} ms", start.elapsed().as_secs_f64() * 1e3)?;
    Ok(())
}
