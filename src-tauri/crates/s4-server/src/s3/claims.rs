//! What a client claims about the bytes it sends, and whether that turned out true.
//! Never decides which checksum is kept.
//!
//! - Every claim made is checked, whether it comes as a header or after the body.
//! - A claim that can't be read, or is announced and missing, is refused like a false one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use s3s::{S3Result, TrailingHeaders, s3_error};

use crate::digest::{Algorithm, Digester, Digests, Value};

/// The claims of one request.
pub(crate) struct Claims {
    md5: Option<Vec<u8>>,
    checksum: Checksum,
}

enum Checksum {
    None,
    Header(Value),
    /// Comes after the body.
    Trailer(Algorithm, Option<TrailingHeaders>),
}

impl Claims {
    /// Reads the claims in the headers of a request.
    pub(crate) fn read(headers: &HeaderMap, trailing: Option<&TrailingHeaders>) -> S3Result<Self> {
        let md5 = match text(headers, "content-md5")? {
            None => None,
            Some(text) => match STANDARD.decode(text) {
                Ok(md5) if md5.len() == 16 => Some(md5),
                Ok(_) | Err(_) => {
                    return Err(s3_error!(InvalidDigest, "The Content-MD5 you specified is not valid."));
                }
            },
        };
        Ok(Self { md5, checksum: Checksum::read(headers, trailing)? })
    }

    /// Returns the algorithm that the client chose.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        match &self.checksum {
            Checksum::None => None,
            Checksum::Header(value) => Some(value.algorithm),
            Checksum::Trailer(algorithm, _) => Some(*algorithm),
        }
    }

    /// Returns what computes everything that is claimed, and what `further` names.
    pub(crate) fn digester(&self, further: Option<Algorithm>) -> Digester {
        Digester::with_md5(self.algorithm().into_iter().chain(further))
    }

    /// Checks the claims against what was received. Call it when the body was read to its end.
    pub(crate) fn verify(&self, found: &Digests) -> S3Result<()> {
        if let (Some(claimed), Some(found)) = (&self.md5, found.md5)
            && *claimed != found
        {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
        let claimed = match &self.checksum {
            Checksum::None => return Ok(()),
            Checksum::Header(value) => value.clone(),
            Checksum::Trailer(algorithm, trailing) => after_body(*algorithm, trailing.as_ref())?,
        };
        if found.value(claimed.algorithm) == Some(&claimed) {
            return Ok(());
        }
        Err(s3_error!(
            BadDigest,
            "The {} you specified did not match the calculated checksum.",
            claimed.algorithm.name()
        ))
    }
}

impl Checksum {
    fn read(headers: &HeaderMap, trailing: Option<&TrailingHeaders>) -> S3Result<Self> {
        let mut given = Vec::new();
        for algorithm in Algorithm::ALL {
            if let Some(text) = text(headers, algorithm.header())? {
                given.push(parse(algorithm, text)?);
            }
        }
        let announced: Vec<_> = text(headers, "x-amz-trailer")?
            .into_iter()
            .flat_map(|names| names.split(','))
            .filter_map(|name| Algorithm::from_header(name.trim()))
            .collect();
        match (given.as_slice(), announced.as_slice()) {
            ([], []) => match text(headers, "x-amz-sdk-checksum-algorithm")? {
                None => Ok(Self::None),
                Some(_) => Err(s3_error!(
                    InvalidRequest,
                    "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
                )),
            },
            ([value], []) => Ok(Self::Header(value.clone())),
            ([], [algorithm]) => Ok(Self::Trailer(*algorithm, trailing.cloned())),
            (_, _) => Err(s3_error!(
                InvalidRequest,
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
            )),
        }
    }
}

fn parse(algorithm: Algorithm, text: &str) -> S3Result<Value> {
    Value::parse(algorithm, text)
        .ok_or_else(|| s3_error!(InvalidRequest, "Value for {} header is invalid.", algorithm.header()))
}

fn after_body(algorithm: Algorithm, trailing: Option<&TrailingHeaders>) -> S3Result<Value> {
    let found = trailing.and_then(|trailing| {
        trailing.read(|headers| text(headers, algorithm.header()).map(|text| text.map(str::to_owned)))
    });
    match found.transpose()?.flatten() {
        Some(text) => parse(algorithm, text.trim()),
        None => Err(s3_error!(InvalidRequest, "The announced {} did not come.", algorithm.header())),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> S3Result<Option<&'a str>> {
    match headers.get(name).map(|value| value.to_str()) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_)) => Err(s3_error!(InvalidRequest, "Value for {name} header is invalid.")),
    }
}
