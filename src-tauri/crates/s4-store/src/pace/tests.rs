use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::*;

fn up(rate: u64) -> Rates {
    Rates { up: NonZeroU64::new(rate), down: None }
}

/// Returns how long taking `bytes` in one go takes.
async fn time(pace: &Pace, bytes: u64) -> Duration {
    let start = Instant::now();
    pace.take(Direction::Up, bytes).await;
    start.elapsed()
}

#[track_caller]
fn is_about(seen: Duration, expected: Duration) {
    // The last piece of each request goes without a wait after it.
    let slack = Duration::from_millis(100) + expected / 16;
    assert!(seen <= expected && seen + slack >= expected, "{seen:?} is not about {expected:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_nobody_waits() {
    let pace = Pace::default();
    assert_eq!(time(&pace, u64::MAX).await, Duration::ZERO);
    assert_eq!(pace.piece(Direction::Up), None);
}

#[tokio::test(start_paused = true)]
async fn bytes_go_at_the_rate() {
    for rate in [1_000, 100_000, 1 << 20, 100 << 20] {
        let pace = Pace::new(up(rate));
        is_about(time(&pace, rate * 10).await, Duration::from_secs(10));
    }
}

#[tokio::test(start_paused = true)]
async fn one_direction_leaves_the_other_alone() {
    let pace = Pace::new(Rates { up: None, down: NonZeroU64::new(1000) });
    assert_eq!(time(&pace, 1 << 30).await, Duration::ZERO);
    let start = Instant::now();
    pace.take(Direction::Down, 5000).await;
    is_about(start.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_used_is_lost() {
    let pace = Pace::new(up(1 << 20));
    time(&pace, 1).await;
    tokio::time::advance(Duration::from_secs(3600)).await;
    // But for a moment's worth.
    is_about(time(&pace, 1 << 20).await, Duration::from_millis(900));
}

#[tokio::test(start_paused = true)]
async fn requests_share_evenly() {
    let pace = Arc::new(Pace::new(up(1 << 20)));
    let start = Instant::now();
    let ends = join_all((0..8).map(|_| {
        let pace = Arc::clone(&pace);
        tokio::spawn(async move {
            pace.take(Direction::Up, 1 << 20).await;
            start.elapsed()
        })
    }));
    for end in ends.await {
        is_about(end.unwrap(), Duration::from_secs(8));
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_request_does_not_wait_for_large_ones_to_end() {
    let pace = Arc::new(Pace::new(up(1 << 20)));
    let large = Arc::clone(&pace);
    let large = tokio::spawn(async move { large.take(Direction::Up, 100 << 20).await });
    tokio::task::yield_now().await;
    let waited = time(&pace, 1000).await;
    assert!(waited <= Duration::from_millis(100), "{waited:?}");
    assert!(!large.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_new_limit_moves_those_who_wait() {
    let pace = Arc::new(Pace::new(up(300)));
    let start = Instant::now();
    let waits = join_all((0..4).map(|_| {
        let pace = Arc::clone(&pace);
        tokio::spawn(async move { pace.take(Direction::Up, 3000).await })
    }));
    let waits = tokio::spawn(waits);
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_secs(1)).await;
    // 12,000 bytes would take forty seconds; most of them are left.
    pace.set(up(12_000));
    waits.await.unwrap();
    is_about(start.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_limit_taken_away_lets_everybody_go() {
    let pace = Arc::new(Pace::new(up(1)));
    let waiting = Arc::clone(&pace);
    let waiting = tokio::spawn(async move { time(&waiting, 1 << 30).await });
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_secs(5)).await;
    pace.set(Rates::default());
    is_about(waiting.await.unwrap(), Duration::from_secs(5));
    assert_eq!(pace.rates(), Rates::default());
    // And back: nothing was saved in the meantime.
    tokio::time::advance(Duration::from_secs(3600)).await;
    pace.set(up(1000));
    is_about(time(&pace, 3000).await, Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_request_given_up_costs_a_piece() {
    let pace = Pace::new(up(1 << 20));
    for _ in 0..10 {
        let given_up = tokio::time::timeout(Duration::from_millis(10), pace.take(Direction::Up, 1 << 30));
        given_up.await.unwrap_err();
    }
    let waited = time(&pace, 1).await;
    assert!(waited < Duration::from_secs(1), "{waited:?}");
}

#[test]
fn runtimes_share_a_limit() {
    let pace = Pace::new(up(1 << 20));
    let start = std::time::Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                runtime.block_on(pace.take(Direction::Up, 128 << 10));
            });
        }
    });
    assert!(start.elapsed() >= Duration::from_millis(250), "{:?}", start.elapsed());
}
