//! What may become of a request before its handler sees it: refused, held up, or met by a defect.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, StatusCode};
use parking_lot::RwLock;
use scenarios::{
    setting::{BlockingWork, Quota},
    shop::Role,
};

use crate::{
    chance::Chance,
    credential,
    problem::{Problem, QUOTA_EXHAUSTED},
    settings::Harms,
};

/// How soon a thread that is blocked notices that it is not to be any more.
const SLICE: Duration = Duration::from_millis(20);

/// What is in force for requests; nothing, as a rule.
#[derive(Debug)]
pub struct Interference {
    /// Whether there is anything; all that a healthy request looks at.
    armed: AtomicBool,
    now: RwLock<Arc<InForce>>,
    chance: Chance,
}

#[derive(Debug)]
struct InForce {
    revoked: Vec<Role>,
    quota: Option<Counted>,
    blocking: BlockingWork,
    defect: f64,
    /// Set when others are in force.
    over: AtomicBool,
}

/// A quota and what was served of it.
#[derive(Debug, Clone)]
struct Counted {
    quota: Quota,
    served: Arc<AtomicU64>,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Verdict {
    /// Its handler gets it.
    Pass,
    /// Its handler never sees it.
    Refuse(Problem),
    /// It runs into a defect.
    Break,
}

impl Interference {
    /// Nothing; draws from this seed.
    #[must_use]
    pub fn none(seed: u64) -> Self {
        Self {
            armed: AtomicBool::new(false),
            now: RwLock::new(Arc::new(InForce::of(&Harms::default(), None))),
            chance: Chance::new(seed, "requests"),
        }
    }

    /// Follows the settings. A quota that stays the same keeps its count; a thread that is held up goes on soon.
    pub fn follow(&self, harms: &Harms) {
        let mut now = self.now.write();
        let next = InForce::of(harms, now.quota.as_ref());
        self.armed.store(next.does_anything(), Ordering::Relaxed);
        let former = std::mem::replace(&mut *now, Arc::new(next));
        former.over.store(true, Ordering::Relaxed);
    }

    /// What becomes of a request. May block its thread: that is one of the harms.
    pub fn judge(&self, headers: &HeaderMap) -> Verdict {
        if !self.armed.load(Ordering::Relaxed) {
            return Verdict::Pass;
        }
        let now = Arc::clone(&self.now.read());
        if let Some(problem) = now.refusal(headers) {
            return Verdict::Refuse(problem);
        }
        if self.chance.happens(now.blocking.share) {
            now.block();
        }
        if self.chance.happens(now.defect) {
            return Verdict::Break;
        }
        Verdict::Pass
    }
}

impl InForce {
    fn of(harms: &Harms, former: Option<&Counted>) -> Self {
        let counted = |quota| match former {
            Some(former) if former.quota == quota => former.clone(),
            _ => Counted {
                quota,
                served: Arc::default(),
            },
        };
        Self {
            revoked: harms.revoked_callers.clone(),
            quota: harms.quota.map(counted),
            blocking: harms.blocking_work,
            defect: harms.defect.share,
            over: AtomicBool::new(false),
        }
    }

    fn does_anything(&self) -> bool {
        !self.revoked.is_empty()
            || self.quota.is_some()
            || self.blocking.share > 0.0
            || self.defect > 0.0
    }

    fn refusal(&self, headers: &HeaderMap) -> Option<Problem> {
        if !self.revoked.is_empty()
            && let Some(caller) = credential::caller(headers)
            && self.revoked.contains(&caller)
        {
            return Some(Problem::new(
                StatusCode::UNAUTHORIZED,
                "credential_expired",
                format!("the credential of {caller} has expired; have a new one issued"),
            ));
        }
        let counted = self.quota.as_ref()?;
        let served = counted.served.fetch_add(1, Ordering::Relaxed);
        (served >= counted.quota.requests).then(|| {
            Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                QUOTA_EXHAUSTED,
                "the quota of requests is used up; ask for a larger one",
            )
        })
    }

    /// Blocks the calling thread, which is one of the runtime's.
    fn block(&self) {
        let until = Instant::now() + Duration::from_millis(self.blocking.ms);
        while !self.over.load(Ordering::Relaxed) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(SLICE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenarios::setting::Defect;

    fn with(change: impl FnOnce(&mut Harms)) -> Harms {
        let mut harms = Harms::default();
        change(&mut harms);
        harms
    }

    fn from(role: Role) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(axum::http::header::AUTHORIZATION, credential::of(role));
        headers
    }

    fn refused(verdict: Verdict) -> Option<(u16, String)> {
        match verdict {
            Verdict::Refuse(problem) => Some((problem.status.as_u16(), problem.body.error)),
            _ => None,
        }
    }

    #[test]
    fn only_the_revoked_are_refused_and_nobody_once_it_is_over() {
        let interference = Interference::none(1);
        interference.follow(&with(|harms| harms.revoked_callers = vec![Role::Checkout]));
        let expired = Some((401, "credential_expired".to_owned()));
        assert_eq!(refused(interference.judge(&from(Role::Checkout))), expired);
        for headers in [from(Role::Storefront), HeaderMap::new()] {
            assert!(matches!(interference.judge(&headers), Verdict::Pass));
        }
        interference.follow(&Harms::default());
        let verdict = interference.judge(&from(Role::Checkout));
        assert!(matches!(verdict, Verdict::Pass));
    }

    #[test]
    fn a_quota_is_counted_from_when_it_is_set_and_not_again_when_something_else_is() {
        let interference = Interference::none(1);
        let three = |defect: f64| {
            with(|harms| {
                harms.quota = Some(Quota { requests: 3 });
                harms.defect = Defect { share: defect };
            })
        };
        let served = |n: usize| {
            let none = HeaderMap::new();
            let verdicts = (0..n).map(|_| interference.judge(&none));
            let refused = verdicts.filter_map(refused).collect::<Vec<_>>();
            assert!(
                refused
                    .iter()
                    .all(|refused| *refused == (429, "quota_exhausted".into()))
            );
            n - refused.len()
        };
        interference.follow(&three(0.0));
        assert_eq!(served(2), 2);
        interference.follow(&three(1e-12));
        assert_eq!(served(4), 1);
        interference.follow(&Harms::default());
        assert_eq!(served(9), 9);
        interference.follow(&three(0.0));
        assert_eq!(served(9), 3);
    }

    #[test]
    fn the_given_share_meets_a_defect() {
        let interference = Interference::none(1);
        interference.follow(&with(|harms| harms.defect = Defect { share: 0.25 }));
        let none = HeaderMap::new();
        let broken = (0..4_000)
            .filter(|_| matches!(interference.judge(&none), Verdict::Break))
            .count();
        assert!((900..1_100).contains(&broken), "{broken} of 4000");
    }

    #[test]
    fn a_request_holds_its_thread_for_so_long_or_until_it_is_over() {
        let interference = Arc::new(Interference::none(1));
        let block = |ms| with(|harms| harms.blocking_work = BlockingWork { share: 1.0, ms });
        interference.follow(&block(30));
        let began = Instant::now();
        interference.judge(&HeaderMap::new());
        assert!(began.elapsed() >= Duration::from_millis(30));
        interference.follow(&block(60_000));
        let held = Arc::clone(&interference);
        let thread = std::thread::spawn(move || held.judge(&HeaderMap::new()));
        // it has taken what is in force when it holds it beside us
        while Arc::strong_count(&interference.now.read()) == 1 {
            std::thread::yield_now();
        }
        interference.follow(&Harms::default());
        assert!(matches!(thread.join().unwrap(), Verdict::Pass));
        // it did not sit its minute out
        assert!(began.elapsed() < Duration::from_millis(60_000));
    }
}
