//! Claims that are read off a journal: quiet before the fault, the page in its bound.

use scenarios::plan::Plan;
use simulator::journal::{Entry, Event};

/// Alerts that fired before the fault took effect and that no decoy declares, as text; where there is
/// no fault, those that are neither the page nor a decoy's.
pub(super) fn noise(plan: &Plan, entries: &[Entry]) -> Vec<String> {
    let declared: Vec<&str> = plan
        .scenario
        .decoys
        .iter()
        .flat_map(|decoy| decoy.alerts.iter().map(String::as_str))
        .collect();
    let struck = entries
        .iter()
        .position(|entry| matches!(&entry.event, Event::Timeline { role, .. } if role == "fault" || role == "trigger"));
    let page = plan.scenario.page.alert.as_str();
    entries[..struck.unwrap_or(entries.len())]
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Alert {
                name,
                state,
                service,
                ..
            } if state == "firing" => {
                let expected =
                    declared.contains(&name.as_str()) || (struck.is_none() && name == page);
                let of = service
                    .as_ref()
                    .map_or_else(String::new, |service| format!(" ({service})"));
                (!expected).then(|| format!("{name}{of}"))
            }
            _ => None,
        })
        .collect()
}

/// When the page fired, with its entry's place.
pub(super) fn page(entries: &[Entry]) -> Option<(usize, i64)> {
    entries
        .iter()
        .enumerate()
        .find_map(|(place, entry)| match entry.event {
            Event::PageFired { .. } => Some((place, entry.at_ms)),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::{PAGE_MS, Pen, plan};

    fn alert(name: &str) -> Event {
        Event::Alert {
            name: name.into(),
            state: "firing".into(),
            service: None,
            value: 1.0,
        }
    }

    #[test]
    fn alerts_before_the_fault_are_noise_unless_a_decoy_declares_them() {
        let mut pen = Pen::paged();
        pen.entries.clear();
        pen.at(-100, alert("CpuHigh")).at(-90, alert("Surprise"));
        pen.at(
            -7,
            Event::Timeline {
                id: "pool".into(),
                role: "fault".into(),
                says: "cut".into(),
            },
        );
        pen.at(-1, alert("Errors"));
        assert_eq!(noise(&plan(), &pen.entries), ["Surprise"]);
    }

    #[test]
    fn without_a_fault_only_the_page_and_decoys_may_fire() {
        let mut pen = Pen::paged();
        pen.entries.clear();
        pen.at(-100, alert("CheckoutSlow"))
            .at(-90, alert("Surprise"))
            .at(-80, alert("CpuHigh"));
        assert_eq!(noise(&plan(), &pen.entries), ["Surprise"]);
    }

    #[test]
    fn the_page_is_found_in_the_journal() {
        assert_eq!(page(&Pen::paged().entries), Some((1, PAGE_MS)));
        assert_eq!(page(&[]), None);
    }
}
