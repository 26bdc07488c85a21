//! How often a request is sent again, and after how long.
//!
//! - Waits have full jitter: anything from nothing to a bound that doubles, so that no two computers keep step.
//! - A lost connection is soon told: whoever waits for it wants to know. A store that asks to slow down is waited for,
//!   as long as it is not closed for good.
//! - All requests together do not run out of tries: a quota would turn a busy minute into failures.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::interceptors::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

use super::wire::is_refusal;
use crate::adaptive::Gate;

/// How often a request is sent at most whose reply was lost, or that the store could not carry out.
const ATTEMPTS: u32 = 4;

/// The longest first wait after that; each further one doubles it.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);

/// How often a request is sent at most to a store that asks to slow down: some forty seconds.
const ATTEMPTS_WHEN_BUSY: u32 = 10;

/// The longest first wait for such a store; each further one doubles it.
const FIRST_BACKOFF_WHEN_BUSY: Duration = Duration::from_millis(500);

/// The longest wait of all.
const LONGEST_BACKOFF: Duration = Duration::from_secs(20);

/// Returns what holds before the first reply.
pub(super) fn config() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_BACKOFF)
        .with_max_backoff(LONGEST_BACKOFF)
}

/// Returns what holds after a reply that asks to slow down; nothing else came for `refused_for`.
fn when_busy(refused_for: Duration, patience: Duration) -> RetryConfig {
    // Closed for good, as far as anybody can tell: each request asks once, so that a run with thousands of them ends.
    let attempts = if refused_for < patience { ATTEMPTS_WHEN_BUSY } else { 1 };
    config().with_max_attempts(attempts).with_initial_backoff(FIRST_BACKOFF_WHEN_BUSY)
}

/// Returns what lets requests be sent again without a quota for all of them.
pub(super) fn partition() -> RetryPartition {
    RetryPartition::custom("s4").token_bucket(TokenBucket::unlimited()).build()
}

/// Decides after each attempt how many more there may be.
#[derive(Debug)]
pub(super) struct Persist {
    pub(super) gate: Arc<Gate>,
    /// For how long a store may refuse everything before it counts as closed.
    pub(super) patience: Duration,
}

#[dyn_dispatch_hint]
impl Intercept for Persist {
    fn name(&self) -> &'static str {
        "Persist"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // A success asks for nothing; this runs for each request.
        let Some(Err(_)) = context.output_or_error() else {
            return Ok(());
        };
        let retry = match context.response() {
            Some(reply) if is_refusal(reply) => when_busy(self.gate.refused_for(), self.patience),
            // It may have been carried out, and somebody else may have written since.
            Some(_) | None if config.load::<Unguarded>().is_some() => self::config().with_max_attempts(1),
            Some(_) | None => self::config(),
        };
        config.interceptor_state().store_put(retry);
        Ok(())
    }
}

/// Marks a request that takes something away and bears no condition: if its reply is lost it is not sent again, for it
/// would meet what another writer put there since. A request that was refused was not carried out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unguarded;

impl Storable for Unguarded {
    type Storer = StoreReplace<Self>;
}

#[dyn_dispatch_hint]
impl Intercept for Unguarded {
    fn name(&self) -> &'static str {
        "Unguarded"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(*self);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_store_is_waited_for_unless_it_is_closed() {
        let patience = Duration::from_secs(60);
        let rows = [(0, ATTEMPTS_WHEN_BUSY), (59, ATTEMPTS_WHEN_BUSY), (60, 1), (3600, 1)];
        for (refused_for, attempts) in rows {
            let retry = when_busy(Duration::from_secs(refused_for), patience);
            assert_eq!(retry.max_attempts(), attempts, "{refused_for} s");
            assert_eq!(retry.max_backoff(), LONGEST_BACKOFF);
        }
    }

    #[test]
    fn waits_have_full_jitter() {
        assert!(!config().use_static_exponential_base());
    }
}
