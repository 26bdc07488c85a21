//! A body that goes at the pace, piece by piece, and tells how far it is.
//!
//! - Its length and its bytes are those of the body within: what was signed and counted stays true.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::progress::Progress;
use crate::pace::{Direction, Pace};

/// The largest piece where there is no limit: small enough to see that it moves.
const PIECE: usize = 256 << 10;

/// A wait for the turn of a piece.
type Turn = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// A paced body.
pub(super) struct PacedBody {
    within: SdkBody,
    /// What came out of it and did not go yet.
    rest: Bytes,
    pace: Arc<Pace>,
    /// The next piece, as long as it waits for its turn.
    next: Option<(Turn, usize)>,
    progress: Progress,
}

impl PacedBody {
    pub(super) fn new(within: SdkBody, pace: Arc<Pace>, progress: Progress) -> Self {
        Self { within, rest: Bytes::new(), pace, next: None, progress }
    }

    /// Returns how much of the rest goes next, once its turn has come.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        if self.next.is_none() {
            let Some(piece) = self.pace.piece(Direction::Up) else {
                return Poll::Ready(self.rest.len().min(PIECE));
            };
            let piece = usize::try_from(piece).unwrap_or(PIECE).min(self.rest.len());
            let pace = Arc::clone(&self.pace);
            self.progress.waits();
            self.next = Some((Box::pin(async move { pace.take(Direction::Up, piece as u64).await }), piece));
        }
        let Some((turn, piece)) = &mut self.next else {
            return Poll::Ready(self.rest.len());
        };
        let piece = *piece;
        ready!(turn.as_mut().poll(context));
        self.next = None;
        Poll::Ready(piece)
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        while this.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut this.within).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    this.progress.hands(0, true);
                    return Poll::Ready(None);
                }
            };
            match frame.into_data() {
                Ok(data) => this.rest = data,
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
            }
        }
        let length = ready!(this.poll_piece(context));
        let piece = this.rest.split_to(length);
        // Whoever reads it may not ask again after the last byte.
        this.progress.hands(length as u64, this.is_end_stream());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.within.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let within = Body::size_hint(&self.within);
        let rest = self.rest.len() as u64;
        let mut hint = SizeHint::new();
        if let Some(upper) = within.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(within.lower().saturating_add(rest));
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::super::progress::Link;
    use super::*;
    use crate::pace::Rates;

    async fn read(mut body: PacedBody) -> Vec<Bytes> {
        let mut pieces = Vec::new();
        while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
        {
            pieces.push(frame.unwrap().into_data().unwrap());
        }
        pieces
    }

    fn body(bytes: &Bytes, rate: u64) -> PacedBody {
        let pace = Arc::new(Pace::new(Rates { up: NonZeroU64::new(rate), down: None }));
        PacedBody::new(SdkBody::from(bytes.clone()), pace, Progress::sending(&Link::new(), Instant::now()))
    }

    #[tokio::test(start_paused = true)]
    async fn every_byte_comes_out_in_pieces_at_the_pace() {
        let bytes: Bytes = (0..3u32 << 20).map(|n| n as u8).collect::<Vec<_>>().into();
        for (rate, seconds) in [(0, 0), (1 << 20, 3), (300 << 10, 10)] {
            let start = Instant::now();
            let body = body(&bytes, rate);
            assert_eq!(body.size_hint().exact(), Some(bytes.len() as u64));
            let pieces = read(body).await;
            assert!(pieces.concat() == bytes, "other bytes");
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
            let (seen, expected) = (start.elapsed(), Duration::from_secs(seconds));
            assert!(seen <= expected + Duration::from_millis(300), "{seen:?}");
            assert!(seen + Duration::from_millis(300) >= expected, "{seen:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_length_stays_true_while_it_is_read() {
        let mut body = body(&Bytes::from(vec![7; 1 << 20]), 1 << 20);
        let mut left = 1 << 20;
        while !body.is_end_stream() {
            assert_eq!(body.size_hint().exact(), Some(left));
            let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
            left -= frame.unwrap().unwrap().into_data().unwrap().len() as u64;
        }
        assert_eq!(left, 0);
        assert!(body.progress.is_sent());
    }
}
