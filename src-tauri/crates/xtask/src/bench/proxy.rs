//! A proxy between a tool and the store that counts what goes through it, the same way for every tool.
//!
//! - Bytes are passed on as they come; nothing is answered, changed or retried here.
//! - A byte is counted before it is passed on: when a tool has ended, all that it sent and got is counted.
//! - It knows no TLS: only stores that are reached by http can be counted.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use anyhow::{Context, Result};

use crate::bench::requests::{Counts, Requests};

/// A running proxy; it takes no more connections once this value is gone.
pub(super) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    store: String,
    counts: Mutex<Counts>,
    is_over: AtomicBool,
}

impl Proxy {
    /// Starts a proxy before the store at `endpoint`.
    pub(super) fn start(endpoint: &str) -> Result<Self> {
        let store = endpoint.strip_prefix("http://").context("only http can be counted")?;
        let store = store.trim_end_matches('/').to_owned();
        let store = if store.contains(':') { store } else { format!("{store}:80") };
        let listener = TcpListener::bind("127.0.0.1:0").context("can't listen")?;
        let address = listener.local_addr().context("can't tell the proxy's address")?;
        let shared = Arc::new(Shared {
            store,
            counts: Mutex::new(Counts::default()),
            is_over: AtomicBool::new(false),
        });
        let taken = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &taken));
        Ok(Self { address, shared })
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns what went through since the last call.
    pub(super) fn take(&self) -> Counts {
        std::mem::take(&mut *self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for a connection. If nobody can connect, nobody waits.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.is_over.load(Ordering::Relaxed) {
            return;
        }
        let shared = Arc::clone(shared);
        // A connection that breaks is the tool's to retry, as it would be without a proxy.
        thread::spawn(move || client.and_then(|client| serve(&client, &shared)));
    }
}

/// Passes one connection on until both sides have closed it.
fn serve(client: &TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let store = TcpStream::connect(&shared.store)?;
    for stream in [client, &store] {
        stream.set_nodelay(true)?;
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            pass(&store, client, |bytes| {
                let mut counts = shared.counts.lock().unwrap_or_else(PoisonError::into_inner);
                counts.bytes_down += bytes.len() as u64;
            })
        });
        let mut requests = Requests::new();
        pass(client, &store, |bytes| {
            let mut counts = shared.counts.lock().unwrap_or_else(PoisonError::into_inner);
            requests.feed(bytes, &mut counts);
        })
    })
}

/// Passes bytes on until `from` ends, then tells `to` so. If either breaks, both are closed.
fn pass(mut from: &TcpStream, mut to: &TcpStream, mut count: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; 128 * 1024];
    let mut copy = || loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            return to.shutdown(Shutdown::Write);
        }
        count(&buffer[..length]);
        to.write_all(&buffer[..length])?;
    };
    let result = copy();
    if result.is_err() {
        for stream in [from, to] {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{Shutdown, TcpListener, TcpStream},
        thread,
    };

    use super::Proxy;
    use crate::bench::requests::Kind;

    #[test]
    fn everything_is_passed_on_and_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::start(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let store = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut got = Vec::new();
            stream.read_to_end(&mut got).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            got
        });
        let sent = b"PUT /b/k HTTP/1.1\r\nContent-Length: 2\r\n\r\nab";
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        stream.write_all(sent).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();

        assert_eq!(store.join().unwrap(), sent);
        let counts = proxy.take();
        assert_eq!((counts.of(Kind::Put), counts.content_up), (1, 2));
        assert_eq!((counts.bytes_up, counts.bytes_down), (sent.len() as u64, answer.len() as u64));
        assert_eq!(proxy.take().requests.len(), 0);
    }
}
