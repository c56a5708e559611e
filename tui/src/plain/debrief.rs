//! The debrief in sentences: one fact a line, every entry of the timeline with its lane, steps numbered by their depth.

use api::{CausalEdge, Choice, Debrief, InvariantView};

use crate::text;
use crate::time::clock;
use crate::views::debrief::charts;

/// The whole debrief.
pub fn debrief(debrief: &Debrief) -> String {
    let mut out = vec![format!(
        "{}, {}, level {}, seed {}",
        debrief.title, debrief.slug, debrief.level, debrief.seed
    )];
    score(&mut out, debrief);
    out.push("WHAT REALLY HAPPENED".to_owned());
    out.extend(text::joined(&debrief.story).lines().map(str::to_owned));
    choices(&mut out, "THE RIGHT ANSWER", &debrief.truth);
    out.push("TIMELINE".to_owned());
    let mut entries: Vec<_> = debrief.timeline.iter().collect();
    entries.sort_by_key(|e| e.at_ms);
    for entry in entries {
        let lane = match entry.lane.as_str() {
            "trainee" => "you",
            other => other,
        };
        out.push(format!("{} {lane}: {}", clock(entry.at_ms), entry.text));
    }
    causes(&mut out, &debrief.causes, &debrief.edges);
    evidence(&mut out, debrief);
    choices(&mut out, "DECOYS, AND WHAT RULES THEM OUT", &debrief.decoys);
    if !debrief.proof.is_empty() {
        out.push("STRESS TEST".to_owned());
        out.extend(debrief.proof.iter().map(invariant));
    }
    if !debrief.charts.is_empty() {
        out.push("BEFORE AND AFTER".to_owned());
        out.extend(charts::told(&debrief.charts, &debrief.marks));
    }
    whys(&mut out, &debrief.whys);
    if !debrief.questions.is_empty() {
        out.push("TO THINK ABOUT".to_owned());
        out.extend(debrief.questions.iter().cloned());
    }
    choices(
        &mut out,
        "WHAT WOULD HAVE PREVENTED IT",
        &debrief.guardrails,
    );
    out.push(format!("repeat: {}", debrief.repeat));
    if let Some(folder) = &debrief.folder {
        out.push(format!("recorded in {folder}"));
    }
    // a fact is a line, whatever line ends its values have
    let facts: Vec<_> = out.iter().map(|fact| text::escape(fact)).collect();
    facts.join("\n") + "\n"
}

/// An invariant in a sentence.
pub fn invariant(i: &InvariantView) -> String {
    let value = |v: Option<f64>| v.map_or_else(|| "unknown".to_owned(), text::number);
    format!(
        "{}: {}, bound {}, before {}, after {}",
        i.title,
        if i.holds { "holds" } else { "does not hold" },
        i.bound,
        value(i.before),
        value(i.after)
    )
}

/// Own steps with whether each follows, then the true chain.
fn whys(out: &mut Vec<String>, whys: &api::Whys) {
    if whys.truth.is_empty() {
        return;
    }
    out.push("FIVE WHYS".to_owned());
    if whys.own.is_empty() {
        out.push("you wrote none".to_owned());
    }
    for (index, step) in whys.own.iter().enumerate() {
        let follows = match step.follows {
            Some(true) => ", which follows",
            Some(false) => ", which does not follow",
            None => "",
        };
        out.push(format!("yours {}: {}{follows}", index + 1, step.text));
    }
    let truth = whys.truth.iter().enumerate();
    out.extend(truth.map(|(index, text)| format!("true {}: {text}", index + 1)));
}

fn choices(out: &mut Vec<String>, title: &str, choices: &[Choice]) {
    if !choices.is_empty() {
        out.push(title.to_owned());
        out.extend(choices.iter().map(|c| format!("{}: {}", c.id, c.text)));
    }
}

fn score(out: &mut Vec<String>, debrief: &Debrief) {
    let card = &debrief.score;
    out.push(format!(
        "Score {} of 100 (formula {})",
        card.total.normalize(),
        card.formula
    ));
    for part in &card.parts {
        out.push(format!(
            "{}: {} of {} points; {}",
            part.part,
            part.points.round_dp(2).normalize(),
            part.of.normalize(),
            part.reasons.join("; ")
        ));
    }
    for kpi in &card.kpis {
        out.push(format!("{}: {}; {}", kpi.name, kpi.value, kpi.meaning));
    }
}

fn evidence(out: &mut Vec<String>, debrief: &Debrief) {
    out.push("EVIDENCE THERE WAS".to_owned());
    for found in &debrief.evidence {
        let pins: Vec<String> = found.pins.iter().map(|p| format!("#{p}")).collect();
        let was = match (found.pins.is_empty(), found.decisive) {
            (false, _) => format!("found by {}", pins.join(" ")),
            (true, true) => "missed".to_owned(),
            (true, false) => "unused".to_owned(),
        };
        let decisive = if found.decisive { ", decisive" } else { "" };
        out.push(format!(
            "{was}{decisive}: {}; {} {}",
            found.proves, found.language, found.query
        ));
    }
}

/// From cause to page: each node with the numbers of what it leads to.
fn causes(out: &mut Vec<String>, nodes: &[Choice], edges: &[CausalEdge]) {
    if nodes.is_empty() {
        return;
    }
    out.push("FROM CAUSE TO PAGE".to_owned());
    let number = |id: &str| nodes.iter().position(|n| n.id == id).map(|i| i + 1);
    for (i, node) in nodes.iter().enumerate() {
        let effects: Vec<String> = edges
            .iter()
            .filter(|e| e.from == node.id)
            .filter_map(|e| number(&e.to))
            .map(|n| n.to_string())
            .collect();
        let leads = match effects.is_empty() {
            true => String::new(),
            false => format!("; leads to {}", effects.join(" and ")),
        };
        out.push(format!("{}. {}{leads}", i + 1, node.text));
    }
}
