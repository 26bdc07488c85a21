use futures::future::join_all;

use super::window::{FIRST, LEAST, MOST};
use super::*;

async fn held(gate: &Arc<Gate>, count: usize) -> Vec<Permit> {
    join_all((0..count).map(|_| gate.enter())).await
}

/// Returns whether one more request may go right now.
async fn is_open(gate: &Arc<Gate>) -> bool {
    timeout(Duration::from_millis(1), gate.enter()).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn as_many_go_as_the_window_is_wide() {
    let gate = Gate::new();
    let mut permits = held(&gate, FIRST).await;
    assert!(!is_open(&gate).await);
    permits.pop();
    assert!(is_open(&gate).await);
}

#[tokio::test(start_paused = true)]
async fn answers_open_it() {
    let gate = Gate::new();
    let sent = Instant::now();
    let _permits = held(&gate, FIRST).await;
    for _ in 0..1000 {
        gate.answered(sent, Took::Other);
    }
    assert_eq!(gate.size(), 2 * FIRST + 1, "it stops where half of it is not used");
    let _more = held(&gate, FIRST + 1).await;
    assert!(!is_open(&gate).await);
    gate.answered(sent, Took::Other);
    assert!(is_open(&gate).await);
    assert!(gate.size() < MOST);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_closes_it_for_those_who_come_after() {
    let gate = Gate::new();
    let mut permits = held(&gate, FIRST).await;
    gate.refused(Instant::now());
    assert_eq!(gate.size(), FIRST / 2);
    // Those on their way go on; their places are not given out again until few enough are left.
    permits.truncate(FIRST / 2);
    assert!(!is_open(&gate).await);
    permits.pop();
    assert!(is_open(&gate).await);
}

#[tokio::test(start_paused = true)]
async fn it_never_closes_for_good() {
    let gate = Gate::new();
    let permits = held(&gate, FIRST).await;
    for _ in 0..100 {
        tokio::time::advance(Duration::from_secs(1)).await;
        gate.refused(Instant::now());
    }
    assert_eq!(gate.size(), LEAST);
    assert!(gate.refused_for() > Duration::from_secs(90));
    drop(permits);
    let permits = held(&gate, LEAST).await;
    assert!(!is_open(&gate).await);
    drop(permits);
    // And it is as wide as before in the end.
    for _ in 0..10_000 {
        let _permits = held(&gate, gate.size()).await;
        gate.answered(Instant::now(), Took::Other);
    }
    assert_eq!(gate.size(), MOST);
    held(&gate, MOST).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_given_up_leaves_its_place() {
    let gate = Gate::new();
    let permits = held(&gate, FIRST).await;
    for _ in 0..10 {
        assert!(!is_open(&gate).await);
    }
    drop(permits);
    held(&gate, FIRST).await;
}

#[tokio::test(start_paused = true)]
async fn where_nothing_moves_one_more_goes_a_minute() {
    let gate = Gate::new();
    let permits = held(&gate, FIRST).await;
    let start = Instant::now();
    // All of them wait for two more.
    let more = held(&gate, 2).await;
    assert_eq!(start.elapsed(), 2 * STUCK);
    drop((permits, more));
    // Those two took no place, and leave none.
    let _permits = held(&gate, FIRST).await;
    assert!(!is_open(&gate).await);
}

#[tokio::test(start_paused = true)]
async fn while_something_moves_nobody_goes_before_the_turn() {
    let gate = Gate::new();
    let _permits = held(&gate, FIRST).await;
    let waiting = Arc::clone(&gate);
    let waiting = tokio::spawn(async move { waiting.enter().await });
    for _ in 0..100 {
        tokio::time::sleep(STUCK / 2).await;
        gate.refused(Instant::now());
    }
    assert!(!waiting.is_finished());
}
