//! Checks the claims about small request bodies: the XML documents, which the protocol layer reads whole
//! and hands on parsed. Objects' bodies are checked where they are received.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::{HeaderMap, Method, Uri};
use s3s::crypto::{Checksum as _, Sha256};
use s3s::{S3Error, s3_error};

use crate::digest::{Algorithm, Digester, Value, hex};

/// What turned out false, if anything. Shared by the body and the one who waits for the answer.
pub(super) type Verdict = Arc<OnceLock<Falsehood>>;

/// Which claim about a body was false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Falsehood {
    PayloadHash,
    Md5,
    Checksum(Algorithm),
}

impl Falsehood {
    pub(super) fn refusal(self) -> S3Error {
        match self {
            Self::PayloadHash => crate::s3::payload_mismatch(),
            Self::Md5 => {
                s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received.")
            }
            Self::Checksum(algorithm) => s3_error!(
                BadDigest,
                "The {} you specified did not match the calculated checksum.",
                algorithm.name()
            ),
        }
    }
}

/// The claims about one body, checked as it passes.
pub(super) struct SmallBody {
    payload_hash: Option<(String, Box<Sha256>)>,
    md5: Option<Vec<u8>>,
    checksums: Vec<Value>,
    digester: Digester,
    verdict: Verdict,
}

impl SmallBody {
    /// Returns what checks the request's body, or `None` if that is no document or claims nothing.
    pub(super) fn new(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<(Self, Verdict)> {
        let query = uri.query().unwrap_or_default();
        let is_bucket = !uri.path().trim_matches('/').contains('/');
        let is_document = match *method {
            Method::POST => true,
            Method::PUT => is_bucket,
            _ => false,
        };
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let hash = text("x-amz-content-sha256").unwrap_or_default();
        // A body sent in signed chunks is not the document itself; the chunks carry their own proof.
        if !is_document || hash.starts_with("STREAMING-") {
            return None;
        }
        let payload_hash = (hash.len() == 64).then(|| (hash.to_owned(), Box::new(Sha256::new())));
        let md5 = text("content-md5").map(|md5| STANDARD.decode(md5).unwrap_or_default());
        // A completing request names the object's checksums in these headers, not its own.
        let is_completing = *method == Method::POST && query.contains("uploadId=");
        let checksums: Vec<_> = Algorithm::ALL
            .into_iter()
            .filter(|_| !is_completing)
            .filter_map(|algorithm| Value::parse(algorithm, text(algorithm.header())?))
            .collect();
        let digester = match &md5 {
            Some(_) => Digester::with_md5(checksums.iter().map(|value| value.algorithm)),
            None => Digester::new(checksums.iter().map(|value| value.algorithm)),
        };
        let verdict = Verdict::default();
        Some((Self { payload_hash, md5, checksums, digester, verdict: Arc::clone(&verdict) }, verdict))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some((_, hasher)) = &mut self.payload_hash {
            hasher.update(bytes);
        }
        self.digester.update(bytes);
    }

    /// Notes in the verdict what was false. Call it at the end of the body.
    pub(super) fn finish(self) -> Result<(), Falsehood> {
        let found = self.digester.finish();
        let is_other_payload =
            self.payload_hash.is_some_and(|(claimed, hasher)| hex(&hasher.finalize()) != claimed);
        let is_other_md5 = match (&self.md5, &found.md5) {
            (Some(claimed), Some(found)) => claimed[..] != found[..],
            (_, _) => false,
        };
        let falsehood = if is_other_payload {
            Some(Falsehood::PayloadHash)
        } else if is_other_md5 {
            Some(Falsehood::Md5)
        } else {
            let other =
                self.checksums.iter().find(|claimed| found.value(claimed.algorithm) != Some(*claimed));
            other.map(|claimed| Falsehood::Checksum(claimed.algorithm))
        };
        match falsehood {
            None => Ok(()),
            Some(falsehood) => {
                // There is one body and so one verdict: nothing is there yet.
                let _ = self.verdict.set(falsehood);
                Err(falsehood)
            }
        }
    }
}
