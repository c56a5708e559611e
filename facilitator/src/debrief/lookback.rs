//! Looking back: the charts that were measured at the end, with what happened on them, and the Five Whys that were written
//! beside the true chain. Pure.

use api::{DebriefChart, DebriefMark, WhyStep, Whys};
use scenarios::{plan::Plan, scenario::CausalGraph};
use simulator::journal::{Entry, Event};

use crate::score::root_cause_ms;

/// The charts, with what each showed before the first remedy and after the last.
pub(super) fn charts(plan: &Plan, entries: &[Entry]) -> Vec<DebriefChart> {
    let marks = marks(plan, entries);
    let at = |kind: &'static str| marks.iter().filter(move |mark| mark.kind == kind);
    let page_ms = at("page").map(|mark| mark.at_ms).next();
    let first_ms = at("remedy").map(|mark| mark.at_ms).next();
    let last_ms = at("remedy").map(|mark| mark.at_ms).next_back();
    let chart = |entry: &Entry| match &entry.event {
        Event::Chart {
            title,
            unit,
            query,
            bound,
            points,
        } => Some(DebriefChart {
            title: title.clone(),
            unit: unit.clone(),
            query: query.clone(),
            bound: *bound,
            points: points.clone(),
            before: page_ms
                .and_then(|page_ms| median(points, page_ms, first_ms.unwrap_or(i64::MAX))),
            after: last_ms.and_then(|last_ms| median(points, last_ms, i64::MAX)),
        }),
        _ => None,
    };
    entries.iter().filter_map(chart).collect()
}

/// The middle of the values from one time to another; none where there is none.
fn median(points: &[(i64, Option<f64>)], from_ms: i64, until_ms: i64) -> Option<f64> {
    let within = points
        .iter()
        .filter(|(at, _)| (from_ms..until_ms).contains(at));
    let mut values: Vec<f64> = within.filter_map(|(_, value)| *value).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Fault, page, right diagnosis and remedies, in the order of time.
pub(super) fn marks(plan: &Plan, entries: &[Entry]) -> Vec<DebriefMark> {
    let mark = |at_ms: i64, kind: &str, text: &str| DebriefMark {
        at_ms,
        kind: kind.to_owned(),
        text: text.to_owned(),
    };
    let title = |id: &str| {
        let mut remedies = plan.scenario.remedies.iter();
        let found = remedies.find(|remedy| remedy.id == id);
        found.map_or_else(|| id.to_owned(), |remedy| remedy.title.clone())
    };
    let mut marks: Vec<DebriefMark> = entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Timeline { role, says, .. } if role == "fault" => {
                Some(mark(entry.at_ms, "fault", says))
            }
            Event::PageFired { alert, .. } => Some(mark(entry.at_ms, "page", alert)),
            Event::Action {
                remedy,
                undo: false,
                done: true,
                ..
            } => Some(mark(entry.at_ms, "remedy", &title(remedy))),
            _ => None,
        })
        .collect();
    let page_ms = marks
        .iter()
        .find(|mark| mark.kind == "page")
        .map(|mark| mark.at_ms);
    if let (Some(page_ms), Some(after_ms)) = (page_ms, root_cause_ms(plan, entries)) {
        let text = "the right diagnosis";
        marks.push(mark(page_ms.saturating_add(after_ms), "diagnosis", text));
    }
    marks.sort_by_key(|mark| mark.at_ms);
    marks
}

/// The Five Whys that were written last, each step judged, beside the longest chain of the graph.
pub(super) fn whys(plan: &Plan, entries: &[Entry]) -> Whys {
    let graph = &plan.scenario.truth.graph;
    let words = |id: &str| {
        let mut choices = graph.nodes.iter().chain(&graph.distractors);
        let found = choices.find(|choice| choice.id == id);
        found.map_or_else(|| id.to_owned(), |choice| choice.text.trim().to_owned())
    };
    let written = entries.iter().rev().find_map(|entry| match &entry.event {
        Event::Learning { whys, .. } => Some(whys.as_slice()),
        _ => None,
    });
    let written = written.unwrap_or_default();
    let own = written.iter().enumerate().map(|(index, id)| WhyStep {
        text: words(id),
        follows: index.checked_sub(1).map(|before| {
            let effect = &written[before];
            graph
                .edges
                .iter()
                .any(|[from, to]| from == id && to == effect)
        }),
    });
    Whys {
        own: own.collect(),
        truth: chain(graph).into_iter().map(words).collect(),
    }
}

/// The longest chain, effect first. A graph with a cycle (the loader refuses one) ends at the number of its nodes.
fn chain(graph: &CausalGraph) -> Vec<&str> {
    // of each node the longest chain of causes that leads to it, itself first
    let mut longest: Vec<Vec<&str>> = graph
        .nodes
        .iter()
        .map(|node| vec![node.id.as_str()])
        .collect();
    let place = |id: &str| graph.nodes.iter().position(|node| node.id == id);
    for _ in 0..graph.nodes.len() {
        for [cause, effect] in &graph.edges {
            let (Some(cause), Some(effect)) = (place(cause), place(effect)) else {
                continue;
            };
            if longest[cause].len() + 1 > longest[effect].len()
                && longest[cause].len() < graph.nodes.len()
                && !longest[cause].contains(&graph.nodes[effect].id.as_str())
            {
                let mut next = vec![graph.nodes[effect].id.as_str()];
                next.extend(longest[cause].iter().copied());
                longest[effect] = next;
            }
        }
    }
    // of chains of one length the first
    longest
        .into_iter()
        .rev()
        .max_by_key(Vec::len)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::{PAGE_MS, Pen, plan};

    fn chart(values: &[(i64, f64)]) -> Event {
        Event::Chart {
            title: "p95".into(),
            unit: "s".into(),
            query: "x".into(),
            bound: Some(1.0),
            points: values
                .iter()
                .map(|(second, value)| (PAGE_MS + second * 1_000, Some(*value)))
                .collect(),
        }
    }

    #[test]
    fn before_and_after_are_the_middle_of_what_was_measured_then() {
        let mut pen = Pen::paged();
        pen.right(60, 0.9).act(70, "fix", false);
        let values = [
            (-5, 0.1),
            (10, 4.0),
            (20, 6.0),
            (30, 5.0),
            (80, 0.4),
            (90, 0.2),
        ];
        pen.at(95, chart(&values));
        let told = charts(&plan(), &pen.entries);
        assert_eq!((told[0].before, told[0].after), (Some(5.0), Some(0.4)));
        let marks = marks(&plan(), &pen.entries);
        let kinds: Vec<_> = marks.iter().map(|mark| mark.kind.as_str()).collect();
        assert_eq!(kinds, ["fault", "page", "diagnosis", "remedy"]);
        assert_eq!(marks[3].text, "roll back");
        // without a remedy there is no after, and a journal without charts has none
        let mut pen = Pen::paged();
        pen.at(95, chart(&values));
        let told = charts(&plan(), &pen.entries);
        assert_eq!((told[0].before, told[0].after), (Some(4.0), None));
        assert!(charts(&plan(), &Pen::paged().entries).is_empty());
    }

    #[test]
    fn own_whys_stand_beside_the_true_chain_with_each_step_judged() {
        let mut pen = Pen::paged();
        let whys = ["e", "d", "x", "b"].map(str::to_owned).to_vec();
        pen.at(
            50,
            Event::Learning {
                whys,
                guardrails: vec![],
            },
        );
        let told = whys_of(&pen.entries);
        let follows: Vec<_> = told.own.iter().map(|step| step.follows).collect();
        assert_eq!(follows, [None, Some(true), Some(false), Some(false)]);
        assert_eq!(told.own[2].text, "the report burns a core");
        assert_eq!(
            told.truth,
            [
                "the page",
                "checkouts wait",
                "charges wait",
                "two connections",
                "the override was dropped"
            ]
        );
        assert!(whys_of(&Pen::paged().entries).own.is_empty());
    }

    fn whys_of(entries: &[Entry]) -> Whys {
        whys(&plan(), entries)
    }

    #[test]
    fn a_ring_of_causes_ends() {
        let mut ring = plan().scenario.truth.graph;
        ring.edges.push(["e".into(), "a".into()]);
        assert!(chain(&ring).len() <= ring.nodes.len());
    }
}
