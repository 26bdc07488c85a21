//! Bodies that break off, or arrive wrong.

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

use crate::error::{Result, StoreError};

/// Returns the first `keep` bytes of `body` and then `error`.
pub(super) fn cut(
    body: BoxStream<'static, Result<Bytes>>,
    keep: u64,
    error: StoreError,
) -> BoxStream<'static, Result<Bytes>> {
    let kept = body.scan(keep, |left, piece| {
        let item = match piece {
            Ok(_) if *left == 0 => None,
            Ok(piece) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(piece.len());
                *left -= length as u64;
                Some(Ok(piece.slice(..length)))
            }
            Err(error) => Some(Err(error)),
        };
        std::future::ready(item)
    });
    Box::pin(kept.chain(stream::once(std::future::ready(Err(error)))))
}

/// Returns `body` with one bit of the byte at `position` turned over.
pub(super) fn corrupted(
    body: BoxStream<'static, Result<Bytes>>,
    position: u64,
) -> BoxStream<'static, Result<Bytes>> {
    let wrong = body.scan(Some(position), |ahead, piece| {
        let item = piece.map(|piece| match *ahead {
            Some(skip) if skip < piece.len() as u64 => {
                *ahead = None;
                let mut wrong = BytesMut::from(&*piece);
                if let Some(byte) = usize::try_from(skip).ok().and_then(|at| wrong.get_mut(at)) {
                    *byte ^= 1;
                }
                wrong.freeze()
            }
            Some(skip) => {
                *ahead = Some(skip - piece.len() as u64);
                piece
            }
            None => piece,
        });
        std::future::ready(Some(item))
    });
    Box::pin(wrong)
}
