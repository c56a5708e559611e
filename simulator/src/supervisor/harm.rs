//! What chaos does to a service, over what the service is to be: settings, a release, a limit, a
//! standstill. Pure: how things are with all harms on, and how they are without.
//!
//! What the service is to be ([`super::Desired`]) stays as it is, so that taking a harm back gives what
//! is right then, whatever happened meanwhile.

use scenarios::setting::Setting;

use super::desired::merged;

/// Names a harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HarmId(pub u64);

/// One harm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Harm {
    /// Settings in every process.
    Settings(Vec<Setting>),
    /// Settings in one running process.
    Drift(Vec<Setting>),
    /// Another release, with settings.
    Release(Vec<Setting>),
    /// Every process stands still.
    Pause,
    /// A lower memory limit, MiB.
    MemoryLimit(u64),
}

/// All harms of a service, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Harms(Vec<(HarmId, Harm)>);

impl Harms {
    /// Adds one, or puts it in the place of the one with its name. Answers with the one before.
    pub(super) fn put(&mut self, id: HarmId, harm: Harm) -> Option<Harm> {
        match self.0.iter_mut().find(|(other, _)| *other == id) {
            Some((_, place)) => Some(std::mem::replace(place, harm)),
            None => {
                self.0.push((id, harm));
                None
            }
        }
    }

    /// One of them.
    pub(super) fn get(&self, id: HarmId) -> Option<&Harm> {
        let found = self.0.iter().find(|(other, _)| *other == id);
        found.map(|(_, harm)| harm)
    }

    /// Takes one away.
    pub(super) fn take(&mut self, id: HarmId) -> Option<Harm> {
        let at = self.0.iter().position(|(other, _)| *other == id)?;
        Some(self.0.remove(at).1)
    }

    /// Settings of every process.
    pub(super) fn settings(&self, desired: &[Setting]) -> Vec<Setting> {
        self.over(desired, |harm| match harm {
            Harm::Settings(settings) | Harm::Release(settings) => Some(settings),
            _ => None,
        })
    }

    /// Settings of the process that drifted.
    pub(super) fn drifted(&self, desired: &[Setting]) -> Vec<Setting> {
        let all = self.settings(desired);
        self.over(&all, |harm| match harm {
            Harm::Drift(settings) => Some(settings),
            _ => None,
        })
    }

    fn over(
        &self,
        settings: &[Setting],
        which: impl Fn(&Harm) -> Option<&Vec<Setting>>,
    ) -> Vec<Setting> {
        self.0
            .iter()
            .filter_map(|(_, harm)| which(harm))
            .fold(settings.to_vec(), |all, more| merged(&all, more))
    }

    /// The release that runs: each bad one is the next patch of the one before.
    pub(super) fn version(&self, desired: &str) -> String {
        let releases = self.count(|harm| matches!(harm, Harm::Release(_)));
        (0..releases).fold(desired.to_owned(), |version, _| next_patch(&version))
    }

    /// Whether a process has drifted.
    pub(super) fn drifts(&self) -> bool {
        self.count(|harm| matches!(harm, Harm::Drift(_))) > 0
    }

    /// Whether every process stands still.
    pub(super) fn pauses(&self) -> bool {
        self.count(|harm| *harm == Harm::Pause) > 0
    }

    /// The memory limit, MiB.
    pub(super) fn memory_mib(&self, limit: u64) -> u64 {
        let limits = self.0.iter().filter_map(|(_, harm)| match harm {
            Harm::MemoryLimit(mib) => Some(*mib),
            _ => None,
        });
        limits.fold(limit, u64::min)
    }

    fn count(&self, which: impl Fn(&Harm) -> bool) -> usize {
        self.0.iter().filter(|(_, harm)| which(harm)).count()
    }
}

/// `4.18.0` → `4.18.1`; what does not end in a number gets one.
fn next_patch(version: &str) -> String {
    let (head, patch) = version.rsplit_once('.').unwrap_or((version, ""));
    match patch.parse::<u64>() {
        Ok(patch) => format!("{head}.{}", patch.saturating_add(1)),
        Err(_) => format!("{version}.1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_harm_is_over_the_earlier_and_taking_it_away_shows_what_was_under_it() {
        let desired = [Setting::WorkerSlots(64), Setting::CallTimeoutMs(500)];
        let mut harms = Harms::default();
        harms.put(HarmId(1), Harm::Settings(vec![Setting::WorkerSlots(8)]));
        harms.put(HarmId(2), Harm::Settings(vec![Setting::WorkerSlots(4)]));
        let slots = |harms: &Harms| harms.settings(&desired).last().cloned();
        assert_eq!(slots(&harms), Some(Setting::WorkerSlots(4)));
        harms.put(HarmId(2), Harm::Settings(vec![Setting::WorkerSlots(2)]));
        assert_eq!(slots(&harms), Some(Setting::WorkerSlots(2)));
        harms.take(HarmId(2));
        assert_eq!(slots(&harms), Some(Setting::WorkerSlots(8)));
        harms.take(HarmId(1));
        assert_eq!(harms.settings(&desired), desired);
        assert_eq!(harms.take(HarmId(1)), None);
    }

    #[test]
    fn a_drift_is_in_one_process_and_not_in_the_others() {
        let mut harms = Harms::default();
        harms.put(HarmId(1), Harm::Drift(vec![Setting::CallTimeoutMs(1)]));
        assert_eq!(harms.settings(&[]), []);
        assert_eq!(harms.drifted(&[]), [Setting::CallTimeoutMs(1)]);
    }

    #[test]
    fn releases_limits_and_standstills_add_up() {
        let mut harms = Harms::default();
        assert_eq!((harms.pauses(), harms.memory_mib(256)), (false, 256));
        harms.put(HarmId(1), Harm::Release(Vec::new()));
        harms.put(HarmId(2), Harm::MemoryLimit(40));
        harms.put(HarmId(3), Harm::MemoryLimit(400));
        harms.put(HarmId(4), Harm::Pause);
        harms.put(HarmId(5), Harm::Pause);
        harms.take(HarmId(4));
        assert_eq!(harms.version("4.18.0"), "4.18.1");
        assert_eq!((harms.pauses(), harms.memory_mib(256)), (true, 40));
        assert_eq!(next_patch("2024-11"), "2024-11.1");
    }
}
