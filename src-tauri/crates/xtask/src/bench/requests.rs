//! What goes over one connection, read from the requests' own framing: how many of which kind, and how much content.
//!
//! Never changes or holds back a byte, and never guesses: a request whose length is told by nothing has no body.

use std::{collections::BTreeMap, fmt, mem};

/// What a request asks for, as its price list tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// What lies in a bucket, or what a bucket is.
    List,
    /// An object or a part of one.
    Get,
    Head,
    /// Content sent: an object or a part of one.
    Put,
    /// Content that the store copies itself.
    Copy,
    Post,
    Delete,
    Other,
}

/// How much went over the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) requests: BTreeMap<Kind, u64>,
    /// Bytes of the bodies of [`Kind::Put`], framing included.
    pub(super) content_up: u64,
    /// All bytes, heads included.
    pub(super) bytes_up: u64,
    pub(super) bytes_down: u64,
}

/// The requests of one connection, so far.
#[derive(Debug)]
pub(super) struct Requests {
    next: Next,
    line: Vec<u8>,
    head: Head,
}

/// What the next bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    RequestLine,
    Header,
    Body { left: u64 },
    ChunkSize,
    Chunk { left: u64 },
    Trailer,
}

/// What the head of a request told.
#[derive(Debug, Default)]
struct Head {
    method: String,
    target: String,
    length: u64,
    is_chunked: bool,
    is_copy: bool,
}

impl Counts {
    pub(super) fn of(&self, kind: Kind) -> u64 {
        self.requests.get(&kind).copied().unwrap_or_default()
    }
}

impl Requests {
    pub(super) fn new() -> Self {
        Self { next: Next::RequestLine, line: Vec::new(), head: Head::default() }
    }

    /// Counts what came from the client.
    pub(super) fn feed(&mut self, mut bytes: &[u8], counts: &mut Counts) {
        counts.bytes_up += bytes.len() as u64;
        while !bytes.is_empty() {
            if let Next::Body { left } | Next::Chunk { left } = self.next {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                bytes = &bytes[taken..];
                let is_content = self.head.kind() == Kind::Put;
                counts.content_up += if is_content { taken as u64 } else { 0 };
                self.next = self.next.after(taken as u64);
            } else if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
                self.line.extend_from_slice(&bytes[..end]);
                bytes = &bytes[end + 1..];
                let line = mem::take(&mut self.line);
                self.read_line(String::from_utf8_lossy(&line).trim_end(), counts);
            } else {
                self.line.extend_from_slice(bytes);
                return;
            }
        }
    }

    fn read_line(&mut self, line: &str, counts: &mut Counts) {
        self.next = match self.next {
            Next::RequestLine if line.is_empty() => Next::RequestLine,
            Next::RequestLine => {
                self.head = Head::begin(line);
                Next::Header
            }
            Next::Header if line.is_empty() => {
                *counts.requests.entry(self.head.kind()).or_default() += 1;
                self.head.after()
            }
            Next::Header => {
                self.head.read(line);
                Next::Header
            }
            Next::ChunkSize => {
                let size = line.split(';').next().unwrap_or_default().trim();
                match u64::from_str_radix(size, 16) {
                    // The line break that ends a chunk is taken for a part of it.
                    Ok(size) if size > 0 => Next::Chunk { left: size + 2 },
                    _ => Next::Trailer,
                }
            }
            Next::Trailer if line.is_empty() => Next::RequestLine,
            other => other,
        };
    }
}

impl Next {
    fn after(self, taken: u64) -> Self {
        match self {
            Self::Body { left } if left == taken => Self::RequestLine,
            Self::Body { left } => Self::Body { left: left - taken },
            Self::Chunk { left } if left == taken => Self::ChunkSize,
            Self::Chunk { left } => Self::Chunk { left: left - taken },
            other => other,
        }
    }
}

impl Head {
    fn begin(line: &str) -> Self {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        Self { method: word(), target: word(), ..Self::default() }
    }

    fn read(&mut self, line: &str) {
        let Some((name, value)) = line.split_once(':') else { return };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => self.length = value.parse().unwrap_or_default(),
            "transfer-encoding" => self.is_chunked = value.eq_ignore_ascii_case("chunked"),
            "x-amz-copy-source" => self.is_copy = true,
            _ => {}
        }
    }

    fn after(&self) -> Next {
        match (self.is_chunked, self.length) {
            (true, _) => Next::ChunkSize,
            (false, 0) => Next::RequestLine,
            (false, left) => Next::Body { left },
        }
    }

    fn kind(&self) -> Kind {
        let path = self.target.split('?').next().unwrap_or_default();
        let names_object =
            path.trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty());
        match self.method.as_str() {
            "GET" if !names_object => Kind::List,
            "GET" => Kind::Get,
            "HEAD" => Kind::Head,
            "PUT" if self.is_copy => Kind::Copy,
            "PUT" => Kind::Put,
            "POST" => Kind::Post,
            "DELETE" => Kind::Delete,
            _ => Kind::Other,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::List => "LIST",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Copy => "COPY",
            Self::Post => "POST",
            Self::Delete => "DELETE",
            Self::Other => "other",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Kind, Requests};

    const STREAM: &str = "PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /\
        GET /b/k HTTP/1.1\r\n\r\n\
        GET /b/?list-type=2 HTTP/1.1\r\n\r\n\
        PUT /b/k HTTP/1.1\r\nX-Amz-Copy-Source: /b/o\r\ncontent-length: 0\r\n\r\n\
        PUT /b/k HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;sig=1\r\nabc\r\n0\r\nx-trailer: 1\r\n\r\n\
        POST /b?delete HTTP/1.1\r\nContent-Length: 2\r\n\r\nab\
        HEAD /b/k HTTP/1.1\r\n\r\n";

    #[track_caller]
    fn check(counts: &Counts) {
        for (kind, expected) in [
            (Kind::Put, 2),
            (Kind::Get, 1),
            (Kind::List, 1),
            (Kind::Copy, 1),
            (Kind::Post, 1),
            (Kind::Head, 1),
        ] {
            assert_eq!(counts.of(kind), expected, "{kind}");
        }
        assert_eq!((counts.requests.values().sum::<u64>(), counts.bytes_up), (7, STREAM.len() as u64));
        assert_eq!(counts.content_up, 5 + 3 + 2);
    }

    #[test]
    fn requests_are_counted_however_they_are_cut() {
        for size in [1, 2, 7, 100, STREAM.len()] {
            let (mut requests, mut counts) = (Requests::new(), Counts::default());
            for piece in STREAM.as_bytes().chunks(size) {
                requests.feed(piece, &mut counts);
            }
            check(&counts);
        }
    }
}
